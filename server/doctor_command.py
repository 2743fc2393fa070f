"""The command `doctor`: what works, what does not, and what to do about it, found out without changing anything."""

import json
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from .command_parser import FAILED, PROGRAM, Parser, read_settings
from .ready import require_sandbox
from .shop_option import chosen_shops, shop_option
from .terminal import show, wrapped

if TYPE_CHECKING:
    from ..products_api.client import ProductsClient
    from .guarding import Guarding
    from .profiles import Profile
    from .settings import Settings

Status = Literal["ok", "off", "unknown", "wrong"]
_MARKS: dict[Status, str] = {"ok": "ok     ", "off": "off    ", "unknown": "?      ", "wrong": "WRONG  "}
LARGEST_SKEW_SECONDS = 60.0
"""An approval lives for minutes and a token for a day: a clock this far off begins to matter."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `what` is its name, `said` what was found and what to do; `shop` is whose it is,
    where there are several."""

    what: str
    status: Status
    said: str
    shop: str = ""


def run(arguments: list[str]) -> int:
    """Look, and say what was found; the exit code is 1 if anything is wrong."""
    parser = Parser(
        "doctor",
        description="See what works and what does not. Reads a little of the shop and changes nothing.",
        epilog=f"examples:\n  {PROGRAM} doctor\n  {PROGRAM} doctor --json",
    )
    parser.option("--json", action="store_true", help="as JSON, for scripts")
    shop_option(parser)
    parser.settings()
    found = vars(parser.read(arguments))
    settings = read_settings(found)
    if settings.sandbox:
        require_sandbox(settings)
    import anyio

    findings = anyio.run(_look, settings, chosen_shops(settings, found["shop"], reachable=False))
    wrong = any(finding.status == "wrong" for finding in findings)
    if found["json"]:
        told = {"ok": not wrong, "findings": [_plain(finding) for finding in findings]}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return FAILED if wrong else 0
    width = max(len(finding.what) for finding in findings)
    shop = ""
    for finding in findings:
        if finding.shop != shop:
            shop = finding.shop
            show("", f"Shop {shop}")
        first = f"{_MARKS[finding.status]}{finding.what:<{width}}  "
        show(wrapped(finding.said, first=first, then=" " * len(first)))
    show("", "Something is wrong: see above." if wrong else "All is well.")
    return FAILED if wrong else 0


def _plain(finding: Finding) -> dict[str, str]:
    found = asdict(finding)
    return found if finding.shop else {key: found[key] for key in ("what", "status", "said")}


async def _look(settings: "Settings", shops: "list[Profile]") -> list[Finding]:
    from .guarding import Guarding as Made
    from .profiles import way_in_missing

    guarding = Made(settings)
    findings = [_versions()]
    try:
        store = await _store(guarding)
        if settings.shops_file is not None:
            findings.append(store)
        for shop in shops:
            found = [*_switched_off(shop.settings), _policy(shop.settings)]
            if settings.shops_file is None:
                found.append(store)
            if unreachable := way_in_missing(shop):
                found.append(Finding("shop", "wrong", f"{unreachable}."))
            elif missing := shop.settings.missing():
                found.append(Finding("shop", "wrong", f"Not set: {', '.join(missing)}."))
            else:
                found += await _shop(shop, guarding)
            findings += [replace(finding, shop=shop.words) if shop.name else finding for finding in found]
        return findings
    finally:
        guarding.close()


def _versions() -> Finding:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("mcp", "httpx", "pydantic", "sqlalchemy"))
    return Finding(
        "versions", "ok", f"{PROGRAM} {version(PROGRAM)}, Python {platform.python_version()}, {libraries}"
    )


def _switched_off(settings: "Settings") -> list[Finding]:
    from .values import TOOLSETS

    found: list[Finding] = []
    if settings.read_only:
        found.append(
            Finding("writing", "off", "HOOPAI_READ_ONLY: only tools that change nothing are offered.")
        )
    if left := [name for name in TOOLSETS if name not in settings.toolsets]:
        found.append(Finding("toolsets", "off", f"HOOPAI_TOOLSETS leaves out {', '.join(left)}."))
    if settings.confirmation == "off":
        found.append(Finding("confirmation", "off", "Destructive calls run without asking anybody."))
    else:
        found.append(Finding("confirmation", "ok", settings.confirmation))
    return found


def _policy(settings: "Settings") -> Finding:
    from ..guard.policy_file import read_policy
    from ..tools.registration import definitions

    writing = frozenset(tool["name"] for tool in definitions() if not tool["annotations"]["readOnlyHint"])
    file = read_policy(settings.policy_path, must_exist=settings.policy_file is not None, tools=writing)
    if file.problems:
        return Finding("policy", "wrong", f"Every write is refused: {'; '.join(file.problems)}.")
    where = "its file is read" if settings.policy_path.exists() else "no file; the defaults hold"
    return Finding("policy", "ok", f"{where}. `{PROGRAM} policy check` explains it.")


async def _store(guarding: "Guarding") -> Finding:
    from ..guard.database import StoreError

    try:
        await guarding.store.use(lambda store: store.journal.unsettled(""))
    except StoreError as error:
        return Finding("store", "wrong", f"No write is possible. {error}")
    return Finding("store", "ok", "journal and approvals can be kept")


async def _shop(shop: "Profile", guarding: "Guarding") -> list[Finding]:
    from .connection import Connection
    from .scope_findings import tools_by_scope
    from .shop_access import way_in_words

    settings = shop.settings
    connection = Connection(settings, store=guarding.store, profile=shop)
    where = "inside this program" if settings.sandbox else f"at {settings.base_url}"
    by_scope = tools_by_scope(settings)
    found = [Finding("token", "ok", f"from {way_in_words(settings, shop.name)}")]
    try:
        client = connection.client
        reads: dict[str, Callable[[], Awaitable[object]]] = {
            "products": lambda: client.list_products(limit=1, offset=0),
            "prices and stock": lambda: client.list_inventory(limit=1, offset=0),
            "collections": lambda: client.list_collections(limit=1, offset=0),
            "reviews": lambda: client.list_reviews(limit=1, offset=0),
        }
        for what, read in reads.items():
            finding = await _readable(what, read, by_scope)
            found.append(finding)
            if finding.status == "wrong" and finding.said.startswith(_FATAL):
                break
        looked = [finding.status for finding in found[1:]]
        if set(looked) == {"unknown"}:
            found.append(
                Finding(
                    "reading",
                    "wrong",
                    "Nothing of the shop could be read. Check that HOOPAI_BASE_URL is the API's own address.",
                )
            )
        found.append(_clock(client))
        found += await _scopes(shop, guarding, by_scope)
        found.insert(1, Finding("shop", "ok", f"location {connection.location_id} {where}"))
    finally:
        await connection.aclose()
    return found


_FATAL = ("The API could not be reached", "The API does not accept", "The login", "Nobody has logged in")
"""How the errors begin after which no other reading can succeed."""


async def _scopes(
    shop: "Profile", guarding: "Guarding", by_scope: Mapping[str, Sequence[str]]
) -> list[Finding]:
    """What the login was given, where there is one that tells; else what cannot be seen."""
    from .scope_findings import lacking, unseen

    granted = await _granted(shop, guarding)
    if granted:
        if missing := lacking(granted, by_scope):
            again = f"Add it to the app and to HOOPAI_SCOPES, and log in again with `{PROGRAM} login`."
            return [Finding("scopes", "wrong", " ".join([*missing, again]))]
        return [Finding("scopes", "ok", "the login has all that the tools offered need")]
    said = unseen(by_scope)
    return [Finding("writing scopes", "unknown", said)] if said else []


async def _granted(shop: "Profile", guarding: "Guarding") -> frozenset[str]:
    """The scopes that the platform has told of the login; none where there is none, or it did not tell."""
    from .oauth_access import granted_scopes, login_name
    from .shop_access import is_login

    settings = shop.settings
    if not is_login(settings) or settings.client_id is None:
        return frozenset()
    login = login_name(settings.base_url, settings.client_id, shop.login)
    return await guarding.store.use(
        lambda store: granted_scopes(store.logins, login, settings.location_id or "")
    )


async def _readable(
    what: str, read: Callable[[], Awaitable[object]], by_scope: Mapping[str, Sequence[str]]
) -> Finding:
    from ..products_api.errors import MissingScopeError, ProductsApiError, RouteUnavailableError
    from .scope_findings import without

    try:
        await read()
    except RouteUnavailableError as error:
        return Finding(what, "unknown", f"{error.happened} This is about the route, not about the token.")
    except MissingScopeError as error:
        gone = [said for scope in error.scopes if (said := without(scope, by_scope))]
        return Finding(what, "wrong", " ".join([error.happened, *gone, error.next_step]))
    except ProductsApiError as error:
        return Finding(what, "wrong", f"{error.happened} {error.next_step}")
    return Finding(what, "ok", "can be read")


def _clock(client: "ProductsClient") -> Finding:
    ahead = client.clock_ahead
    if ahead is None:
        return Finding("clock", "unknown", "The API did not tell its time.")
    if abs(ahead) < LARGEST_SKEW_SECONDS:
        return Finding("clock", "ok", "agrees with the API's")
    where = "ahead of" if ahead > 0 else "behind"
    return Finding(
        "clock", "wrong", f"This machine is {abs(ahead):.0f} seconds {where} the API. Set its clock."
    )
