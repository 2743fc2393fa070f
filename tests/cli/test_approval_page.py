"""The local approval page over a real socket: the way of a person, and each way around them."""

import getpass
import html
import re
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from at_a_terminal import COMMAND, environment
from kept_things import DELETE, HIDE_MANY, RAISE, found, keep, store_in
from server_process import free_port
from test_approvals_command import EVIL

from hoopai_products_mcp.guard.plan import Plan
from hoopai_products_mcp.sandbox.identity import LOCATION_ID


@dataclass
class Page:
    """A server with its page, and the link it printed."""

    port: int
    link: str
    process: subprocess.Popen[str]
    folder: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next_line(self) -> str:
        assert self.process.stderr
        return self.process.stderr.readline()

    def browser(self) -> httpx.Client:
        """A browser, with what it says of itself when a person sends a form."""
        return httpx.Client(base_url=self.origin, timeout=20)

    @contextmanager
    def person(self) -> Generator[httpx.Client]:
        """A browser in which the link was opened."""
        with self.browser() as browser:
            assert browser.get(self.link, follow_redirects=True).status_code == 200
            self.next_line()
            yield browser

    def keep(self, plan: Plan = RAISE, *, ago: float = 0, location: str = LOCATION_ID) -> str:
        return keep(self.folder, plan, location=location, ago=ago).id

    def status(self, plan_id: str) -> str:
        return found(self.folder, plan_id).status


@contextmanager
def served(folder: Path, *options: str, port: int = 0) -> Generator[Page]:
    port = port or free_port()
    command = [*COMMAND, "--sandbox", "--transport=http", f"--port={port}", f"--data-dir={folder}", *options]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment()
    ) as process:
        try:
            page = Page(port, "", process, folder)
            assert page.next_line().startswith(f"Serving MCP at {page.origin}/mcp")
            page.link = page.next_line().rpartition(" ")[2].strip() if options else ""
            yield page
        finally:
            # As Ctrl-C ends it: what ends otherwise cannot tell which lines it has run.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def page(tmp_path: Path) -> Generator[Page]:
    with served(tmp_path, "--confirmation=human") as page:
        yield page


def token_in(browser: httpx.Client, plan_id: str) -> str:
    match = re.search('name="token" value="([0-9a-f]{64})"', browser.get(f"/approvals/{plan_id}").text)
    assert match
    return match[1]


def send(
    browser: httpx.Client, plan_id: str, /, *, token: str | None = None, **fields: str
) -> httpx.Response:
    """Send a plan's form as a browser does."""
    given = {"token": token_in(browser, plan_id) if token is None else token, **fields}
    return browser.post(f"/approvals/{plan_id}", data=given, headers={"Origin": str(browser.base_url)})


def words(response: httpx.Response) -> str:
    """What a page says, without its tags."""
    body = response.text[response.text.index("<main>") :]
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", body)).split())


def test_there_is_no_page_unless_a_person_has_to_approve(tmp_path: Path) -> None:
    with served(tmp_path) as page, page.browser() as browser:
        assert browser.get("/approvals").status_code == 404


def test_the_key_of_the_link_is_exchanged_for_a_cookie_and_leaves_the_address(page: Page) -> None:
    assert re.fullmatch(rf"http://127\.0\.0\.1:{page.port}/approvals\?key=[\w-]{{43}}", page.link)
    with page.browser() as browser:
        opened = browser.get(page.link)
        assert (opened.status_code, opened.headers["location"]) == (303, "/approvals")
        cookie = opened.headers["set-cookie"]
        assert [
            part for part in ("HttpOnly", "SameSite=strict", "Path=/approvals") if part not in cookie
        ] == []
        assert words(browser.get("/approvals")) == "Nothing waits for approval"


def test_a_key_opens_one_browser_and_the_next_is_printed(page: Page) -> None:
    with page.browser() as first, page.browser() as second:
        assert first.get(page.link).status_code == 303
        assert second.get(page.link).status_code == 403
        assert second.get("/approvals").status_code == 403
        told = page.next_line()
        assert told.startswith("The approval page was opened. To open it in another browser: ")
        assert second.get(told.rpartition(" ")[2].strip()).status_code == 303
        assert first.get("/approvals").status_code == second.get("/approvals").status_code == 200


@pytest.mark.parametrize(
    "path", ["/approvals", "/approvals/plan_nosuchplan00", "/approvals?key=", "/approvals?key=x"]
)
def test_without_the_key_nothing_is_shown(page: Page, path: str) -> None:
    with page.browser() as browser:
        assert browser.get(path).status_code == 403


def test_what_waits_is_listed_with_a_page_for_each(page: Page) -> None:
    first, second = page.keep(DELETE, ago=60), page.keep(HIDE_MANY)
    foreign = page.keep(location="loc2")
    with page.person() as browser:
        listed = browser.get("/approvals")
        assert words(listed).startswith("Waiting for approval: 2 Delete the product “Old lantern”.")
        assert re.findall('href="(/approvals/[^"]+)"', listed.text) == [
            f"/approvals/{first}",
            f"/approvals/{second}",
        ]
        shown = words(browser.get(f"/approvals/{second}"))
        assert [item for item in HIDE_MANY.items if str(item) not in shown] == []
        assert "To approve, type the number of things: 30" in shown
        assert "amount 33" in shown
        assert "What cannot be undone its id, links to it" in words(browser.get(f"/approvals/{first}"))
        assert browser.get(f"/approvals/{foreign}").status_code == 404
        assert [page.status(plan_id) for plan_id in (first, second, foreign)] == ["pending"] * 3


@pytest.mark.parametrize(
    ("plan", "fields"),
    [(RAISE, {"confirm": "yes"}), (DELETE, {"typed": " old  LANTERN"}), (HIDE_MANY, {"typed": "30"})],
)
def test_a_person_approves_with_what_the_plan_asks_for(
    page: Page, plan: Plan, fields: dict[str, str]
) -> None:
    plan_id = page.keep(plan)
    with page.person() as browser:
        done = send(browser, plan_id, decision="approve", **fields)
        assert (done.status_code, words(done)[:29]) == (200, "Approved Nothing was changed ")
        again = send(browser, plan_id, token="0" * 64, decision="approve", **fields)
        assert again.status_code == 403
    record = found(page.folder, plan_id)
    assert (record.status, record.decided_by) == ("approved", "the approval page")


def test_a_person_rejects_without_typing(page: Page) -> None:
    plan_id = page.keep(DELETE)
    with page.person() as browser:
        assert words(send(browser, plan_id, decision="reject")).startswith("Rejected")
    record = found(page.folder, plan_id)
    assert (record.status, record.decided_by) == ("rejected", "the approval page")


@pytest.mark.parametrize(
    ("plan", "fields"),
    [
        (RAISE, {}),
        (RAISE, {"confirm": "on"}),
        (RAISE, {"typed": "yes"}),
        (DELETE, {}),
        (DELETE, {"typed": ""}),
        (DELETE, {"typed": "yes"}),
        (DELETE, {"confirm": "yes"}),
        (HIDE_MANY, {"typed": "29"}),
    ],
)
def test_another_answer_approves_nothing_and_the_page_says_so(
    page: Page, plan: Plan, fields: dict[str, str]
) -> None:
    plan_id = page.keep(plan)
    with page.person() as browser:
        refused = send(browser, plan_id, decision="approve", **fields)
        assert refused.status_code == 400
        assert 'role="alert"' in refused.text
        assert "Nothing was approved." in words(refused)
    assert page.status(plan_id) == "pending"


@pytest.mark.parametrize("body", [{}, {"decision": ""}, {"decision": "APPROVE"}, {"decision": "yes"}])
def test_a_form_without_a_decision_decides_nothing(page: Page, body: dict[str, str]) -> None:
    plan_id = page.keep()
    with page.person() as browser:
        assert send(browser, plan_id, confirm="yes", **body).status_code == 400
    assert page.status(plan_id) == "pending"


def test_getting_a_page_decides_nothing(page: Page) -> None:
    plan_id = page.keep()
    with page.person() as browser:
        token = token_in(browser, plan_id)
        query = urlencode({"token": token, "confirm": "yes", "decision": "approve"})
        assert browser.get(f"/approvals/{plan_id}?{query}").status_code == 200
        assert browser.put(f"/approvals/{plan_id}", content=query).status_code == 405
    assert page.status(plan_id) == "pending"


def test_a_form_needs_the_token_of_its_plan_and_its_session(page: Page) -> None:
    plan_id, other_id = page.keep(), page.keep()
    with page.browser() as mine, page.browser() as theirs:
        mine.get(page.link)
        theirs.get(page.next_line().rpartition(" ")[2].strip())
        for token in ("", "0" * 64, "é", token_in(mine, other_id), token_in(theirs, plan_id)):
            assert send(mine, plan_id, token=token, decision="approve", confirm="yes").status_code == 403
        without = mine.post(
            f"/approvals/{plan_id}",
            data={"decision": "approve", "confirm": "yes"},
            headers={"Origin": page.origin},
        )
        assert without.status_code == 403
    assert page.status(plan_id) == "pending"


def test_a_form_needs_the_session_itself(page: Page) -> None:
    plan_id = page.keep()
    with page.person() as browser, page.browser() as program:
        token = token_in(browser, plan_id)
        assert send(program, plan_id, token=token, decision="approve", confirm="yes").status_code == 403
    assert page.status(plan_id) == "pending"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://shop.example.com"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1:{port}.example.com"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_page_is_refused(page: Page, headers: dict[str, str]) -> None:
    plan_id = page.keep()
    with page.person() as browser:
        form = {"token": token_in(browser, plan_id), "decision": "approve", "confirm": "yes"}
        sent = {name: value.format(port=page.port) for name, value in headers.items()}
        refused = browser.post(f"/approvals/{plan_id}", data=form, headers=sent)
        assert (refused.status_code, "Nothing was approved." in words(refused)) == (403, True)
    assert page.status(plan_id) == "pending"


@pytest.mark.parametrize(
    "host", ["shop.example.com", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.example.com:{port}"]
)
def test_another_name_for_this_machine_is_refused(page: Page, host: str) -> None:
    with page.person() as browser:
        name = host.format(port=page.port)
        assert browser.get("/approvals", headers={"Host": name}).status_code == 421
        posted = browser.post("/approvals/x", headers={"Host": name, "Origin": f"http://{name}"})
        assert posted.status_code == 421


def test_a_form_is_read_strictly(page: Page) -> None:
    plan_id = page.keep()
    with page.person() as browser:
        token = token_in(browser, plan_id)
        right = urlencode({"token": token, "decision": "approve", "confirm": "yes"})
        form = "application/x-www-form-urlencoded"
        for kind, body in (
            ("text/plain", right),
            ("application/json", "{}"),
            (form, f"{right}&decision=reject"),
            (form, right + "&filler=" + "x" * 20_000),
            (form, right + "&%ff=%ff"),
            (form, "&".join(f"a{number}=1" for number in range(50))),
        ):
            headers = {"Origin": page.origin, "Content-Type": kind}
            refused = browser.post(f"/approvals/{plan_id}", content=body, headers=headers)
            assert refused.status_code == 400
    assert page.status(plan_id) == "pending"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("approved", "That plan was approved already by somebody."),
        ("rejected", "That plan was rejected already by somebody."),
        ("spent", "That plan was used already"),
        ("expired", "That plan has expired."),
    ],
)
def test_a_plan_that_was_overtaken_says_so(page: Page, state: str, said: str) -> None:
    plan_id = page.keep(ago=700 if state == "expired" else 0)
    with page.person() as browser:
        token = ""
        if state != "expired":
            token = token_in(browser, plan_id)
            with store_in(page.folder) as store:
                store.ledger.decide(plan_id, approve=state != "rejected", by="somebody")
                if state == "spent":
                    store.ledger.spend(plan_id, from_status="approved")
            late = send(browser, plan_id, token=token, decision="approve", confirm="yes")
            assert (late.status_code, said in words(late)) == (409, True)
        shown = browser.get(f"/approvals/{plan_id}")
        assert (shown.status_code, said in words(shown), "<form" in shown.text) == (200, True, False)


def test_a_plan_that_expires_while_its_form_is_open_is_not_approved(page: Page) -> None:
    plan_id = page.keep(ago=598.5)
    with page.person() as browser:
        token = token_in(browser, plan_id)
        while (late := send(browser, plan_id, token=token, decision="approve")).status_code == 400:
            pass
        assert (late.status_code, "That plan has expired." in words(late)) == (409, True)


def test_texts_of_the_shop_stay_texts(page: Page) -> None:
    evil = Plan(
        action='Delete “<script>alert(1)</script><form action=x><input name=confirm value="yes">”.',
        items=EVIL.items,
        also=EVIL.also,
        lasting="</p><h1>approved: yes</h1>",
        target="'\"><img src=x onerror=alert(1)>",
    )
    plan_id = keep(page.folder, evil, location=LOCATION_ID, arguments={"<b>": "</dd><script>"}).id
    with page.person() as browser:
        for path in ("/approvals", f"/approvals/{plan_id}"):
            text = browser.get(path).text
            assert [
                tag for tag in ("<script", "<img", "<form action=x", "<b>", "<h1>approved") if tag in text
            ] == []
            assert [char for char in text if not (char.isprintable() or char == "\n")] == []
        assert send(browser, plan_id, decision="approve", confirm="yes").status_code == 400
    assert page.status(plan_id) == "pending"


def test_every_answer_forbids_what_a_page_of_texts_does_not_need(page: Page) -> None:
    plan_id = page.keep()
    with page.person() as browser:
        answers = [
            browser.get("/approvals"),
            browser.get(f"/approvals/{plan_id}"),
            browser.get("/approvals/plan_nosuchplan00"),
            browser.get("/approvals?key=wrong"),
            send(browser, plan_id, token="wrong"),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 404, 403, 403]
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; style-src 'sha256-")
            assert policy.endswith("form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"


def test_a_page_works_with_a_keyboard_and_a_screen_reader(page: Page) -> None:
    tick, name = page.keep(), page.keep(DELETE)
    with page.person() as browser:
        for plan_id, field in ((tick, "confirm"), (name, "typed")):
            text = browser.get(f"/approvals/{plan_id}").text
            assert '<html lang="en">' in text
            assert 'name="viewport"' in text
            assert text.count("<h1>") == text.count("<main>") == 1
            assert f'<label for="{field}">' in text
            assert f'id="{field}"' in text


def test_both_ways_of_deciding_share_one_store(page: Page) -> None:
    plan_id = page.keep()
    with store_in(page.folder) as store, page.person() as browser:
        assert store.ledger.decide(plan_id, approve=True, by=getpass.getuser())
        assert words(browser.get("/approvals")) == "Nothing waits for approval"


def test_whoever_looks_ahead_at_a_link_uses_up_no_key(page: Page) -> None:
    with page.browser() as browser:
        assert browser.head(page.link).status_code == 403
        assert browser.get(page.link).status_code == 303


def test_an_approval_is_not_turned_into_a_rejection_by_another_tab(page: Page) -> None:
    plan_id = page.keep()
    with page.person() as browser:
        token = token_in(browser, plan_id)
        assert send(browser, plan_id, token=token, decision="approve", confirm="yes").status_code == 200
        late = send(browser, plan_id, token=token, decision="reject")
        assert (late.status_code, words(late)) == (
            409,
            "Too late That plan was approved already by the approval page. Nothing was changed by this. All that waits",
        )
    assert page.status(plan_id) == "approved"


def test_a_page_that_was_open_when_the_server_began_anew_approves_nothing(tmp_path: Path) -> None:
    with served(tmp_path, "--confirmation=human") as before, before.person() as browser:
        plan_id = before.keep()
        form = {"token": token_in(browser, plan_id), "decision": "approve", "confirm": "yes"}
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    with served(tmp_path, "--confirmation=human", port=before.port) as after, after.browser() as browser:
        headers = {"Origin": after.origin, "Cookie": cookie}
        late = browser.post(f"/approvals/{plan_id}", data=form, headers=headers)
        assert (late.status_code, words(late)[:19]) == (403, "This page is closed")
        assert browser.get(before.link).status_code == 403
        assert browser.get(after.link).status_code == 303
        assert after.status(plan_id) == "pending"
