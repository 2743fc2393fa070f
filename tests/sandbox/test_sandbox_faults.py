"""Faults on demand, planned in process and over HTTP, and what a client in process meets."""

import json
from typing import Any, Final

import httpx
import pytest
from sandbox_api import ALT, HERE, Api, clock
from starlette.applications import Starlette

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.faults import Fault, FaultKind
from hoopai_products_mcp.sandbox.identity import BASE_URL, LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport

pytestmark = pytest.mark.anyio

NEW: Final = HERE | {"name": "Box", "productType": "DIGITAL"}


def names(sandbox: Sandbox) -> list[str]:
    return [product["name"] for product in sandbox.dump()["products"]]


async def test_a_connection_dropped_before_leaves_no_trace_in_the_shop(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add("drop_before", "create-product")
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending a response") as caught:
        await api.post("/products/", NEW)
    assert caught.value.request.url.path == "/products/"
    assert names(sandbox) == []
    assert (sandbox.requests[0].operation, sandbox.requests[0].status) == ("create-product", None)


async def test_a_connection_dropped_after_leaves_the_write_in_the_shop(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add("drop_after", "POST /products/")
    with pytest.raises(httpx.RemoteProtocolError):
        await api.post("/products/", NEW)
    assert names(sandbox) == ["Box"]
    assert (await api.post("/products/", NEW)).status == 201


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("rate_limited", 429, {"statusCode": 429, "message": "Too Many Requests"}),
        ("server_error", 500, {"statusCode": 500, "message": "Internal server error"}),
        (
            "route_missing",
            404,
            {"statusCode": 404, "message": "Cannot POST /products/", "error": "Not Found"},
        ),
        (
            "route_unsupported",
            401,
            {
                "statusCode": 401,
                "message": "This route is not yet supported by the IAM Service. "
                "Please update your IAM config.",
            },
        ),
        (
            "scope_missing",
            401,
            {
                "statusCode": 401,
                "message": "The token is not authorized for this scope.",
                "error": "Unauthorized",
            },
        ),
    ],
)
async def test_a_wrong_answer_is_given_and_nothing_is_done(
    api: Api, sandbox: Sandbox, kind: str, status: int, body: dict[str, Any]
) -> None:
    sandbox.faults.add(kind, count=2)
    first, second = await api.post("/products/", NEW), await api.post("/products/", NEW)
    assert (first.status, second.status) == (status, status)
    assert {key: value for key, value in first.body.items() if key != "traceId"} == body
    assert names(sandbox) == []
    assert (await api.post("/products/", NEW)).status == 201


async def test_a_web_page_comes_instead_of_json(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add("html")
    sandbox.faults.add("html", status=200, applied=True)
    first = await api.post("/products/", NEW)
    assert (first.status, first.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert first.raw.startswith(b"<!DOCTYPE html>")
    assert names(sandbox) == []
    assert (await api.post("/products/", NEW)).status == 200
    assert names(sandbox) == ["Box"]


async def test_json_is_cut_in_half_though_the_write_was_done(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add("truncated")
    response = await api.client.post("/products/", json=NEW)
    assert response.status_code == 201
    assert len(response.content) == int(response.headers["content-length"])
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert names(sandbox) == ["Box"]


async def test_of_what_is_answered_only_ids_are_left_though_the_write_was_done(
    api: Api, sandbox: Sandbox
) -> None:
    for kind, rest, total in (("nulls", {"name": None}, {"total": None}), ("fields_missing", {}, {})):
        sandbox.faults.add(kind, count=2)
        made = await api.post("/products/", NEW)
        product = sandbox.dump()["products"][-1]
        assert made.status == 201
        assert rest.items() | {"_id": product["_id"]}.items() <= made.body.items()
        assert product["name"] not in str(made.body)
        listed = (await api.get("/products/", HERE)).body
        assert product["_id"] in {each["_id"] for each in listed["products"]}
        assert listed["total"] == [total]
        assert product["name"] not in str(listed)
    assert sandbox.violations == []


async def test_the_log_says_which_request_met_which_fault(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add("drop_before", "POST /products/")
    with pytest.raises(httpx.RemoteProtocolError):
        await api.post("/products/", NEW)
    await api.get("/products/", HERE)
    assert [(received.fault, received.status) for received in sandbox.requests] == [
        ("drop_before", None),
        (None, 200),
    ]


async def test_a_server_error_may_come_after_the_write(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add("server_error", status=504, applied=True)
    assert (await api.post("/products/", NEW)).status == 504
    assert names(sandbox) == ["Box"]


@pytest.fixture
def naps() -> list[float]:
    """How long the sandbox slept, without anyone sleeping."""
    return []


@pytest.fixture
def sleepy(naps: list[float]) -> Starlette:
    async def nap(seconds: float) -> None:
        naps.append(seconds)

    return create_app(shop="empty", rate_limit=0, clock=clock, sleep=nap)


def client_of(app: Starlette, timeout: float | None) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {TOKEN}", "version": "2021-07-28"}
    return httpx.AsyncClient(
        transport=SandboxTransport(app), base_url=BASE_URL, headers=headers, timeout=timeout
    )


async def test_an_answer_comes_late(sleepy: Starlette, naps: list[float]) -> None:
    sandbox = sandbox_of(sleepy)
    sandbox.faults.add("latency", seconds=4.5)
    sandbox.faults.add("latency", seconds=6, applied=False)
    sandbox.faults.add("server_error", seconds=7)
    async with client_of(sleepy, timeout=None) as client:
        statuses = [(await client.post("/products/", json=NEW)).status_code for _ in range(3)]
    assert (statuses, naps, names(sandbox)) == ([201, 201, 500], [4.5, 6, 7], ["Box", "Box"])


@pytest.mark.parametrize(("applied", "left"), [(True, ["Box"]), (False, [])])
async def test_an_answer_later_than_the_client_waits_is_a_read_timeout(
    sleepy: Starlette, naps: list[float], applied: bool, left: list[str]
) -> None:
    sandbox_of(sleepy).faults.add("latency", seconds=30, applied=applied)
    async with client_of(sleepy, timeout=20) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/products/", json=NEW)
    assert (naps, names(sandbox_of(sleepy))) == ([], left)


async def test_a_fault_names_its_operation_skips_calls_and_runs_out(api: Api, sandbox: Sandbox) -> None:
    planned = sandbox.faults.add("server_error", "GET /products/{productId}", skip=1, count=2)
    assert sandbox.faults.pending() == [planned]
    product = await api.product()
    path = f"/products/{product['_id']}"
    assert [(await api.get(path, HERE)).status for _ in range(4)] == [200, 500, 500, 200]
    assert sandbox.faults.pending() == []


async def test_a_fault_without_a_count_goes_on_until_it_is_cleared(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(FaultKind.RATE_LIMITED, "list-invoices", count=None))
    assert [(await api.get("/products/", HERE)).status for _ in range(3)] == [429, 429, 429]
    assert (await api.get("/products/inventory", ALT)).status == 200
    sandbox.faults.clear()
    assert (await api.get("/products/", HERE)).status == 200


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "flood"}, "'flood' is not a valid FaultKind"),
        ({"kind": "html", "operation": "GET /contacts/"}, "no operation 'GET /contacts/'"),
        ({"kind": "drop_before", "applied": True}, "has no effect"),
        ({"kind": "drop_after", "applied": False}, "use drop_before"),
        ({"kind": "latency", "seconds": -1}, "0 or more"),
        ({"kind": "html", "count": 0}, "1 or more"),
        ({"kind": "html", "status": 700}, "an HTTP status"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    sandbox: Sandbox, fault: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sandbox.faults.add(**fault)
    assert sandbox.faults.pending() == []


async def test_faults_are_planned_over_http_too(api: Api, sandbox: Sandbox) -> None:
    fault = {"kind": "html", "operation": "list-invoices", "count": 3}
    planned = await api.post("/_sandbox/faults", fault)
    whole = fault | {"skip": 0, "seconds": 0.0, "status": None, "applied": None}
    assert (planned.status, planned.body) == (200, whole)
    assert (await api.get("/_sandbox/faults", {})).body == [whole]
    assert (await api.get("/products/", HERE)).status == 502
    assert (await api.delete("/_sandbox/faults", {})).body is None
    assert (await api.get("/products/", HERE)).status == 200
    await api.post("/_sandbox/faults", {"kind": "latency", "seconds": 0.001})
    assert (await api.get("/products/", HERE)).status == 200
    unknown = await api.post("/_sandbox/faults", {"kind": "flood"})
    assert (unknown.status, unknown.body) == (422, {"message": "'flood' is not a valid FaultKind"})
    nameless = await api.post("/_sandbox/faults", {"operation": "bulkEdit"})
    assert nameless.status == 422
    assert sandbox.requests.lines() == ["GET /products/"] * 3


async def test_log_state_and_reset_are_reached_over_http(api: Api, sandbox: Sandbox) -> None:
    await api.product()
    logged = await api.get("/_sandbox/requests", {})
    assert [(entry["method"], entry["path"], entry["status"]) for entry in logged.body] == [
        ("POST", "/products/", 201)
    ]
    assert (await api.get("/_sandbox/state", {})).body == sandbox.dump()
    assert (await api.get("/_sandbox/violations", {})).body == []
    assert (await api.delete("/_sandbox/requests", {})).body is None
    assert (await api.get("/_sandbox/requests", {})).body == []
    sandbox.faults.add("html")
    assert (await api.post("/_sandbox/reset", {})).body is None
    assert (sandbox.dump()["products"], sandbox.faults.pending()) == ([], [])


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer another"}])
async def test_the_sandbox_routes_ask_for_the_token(app: Starlette, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(transport=SandboxTransport(app), base_url=BASE_URL) as client:
        response = await client.post("/_sandbox/reset", headers=headers)
    assert (response.status_code, response.json()) == (
        401,
        {"message": "Send the sandbox's token as a Bearer token"},
    )


async def test_an_answer_that_breaks_the_contract_is_a_loud_internal_error(
    demo: Api, app: Starlette, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = sandbox_of(app)
    async with client_of(app, timeout=5) as client:
        product = (await client.post("/products/", json=NEW)).json()
        sandbox.database.run(
            "update products set doc = json_set(doc, '$.createdAt', 5) where id = ?", product["_id"]
        )
        response = await client.get(f"/products/{product['_id']}", params=HERE)
    message = 'GET /products/{productId}: status 200: /createdAt: 5 is not of type "string"'
    assert (response.status_code, response.json()) == (
        500,
        {"statusCode": 500, "message": f"Sandbox error: {message}"},
    )
    assert sandbox.violations == [message]
    assert message in caplog.text


async def test_a_write_whose_answer_breaks_the_contract_is_taken_back(app: Starlette) -> None:
    sandbox = sandbox_of(app)
    async with client_of(app, timeout=5) as client:
        product = (await client.post("/products/", json=NEW)).json()
        sandbox.database.run(
            "update products set doc = json_set(doc, '$.slug', 5) where id = ?", product["_id"]
        )
        before = sandbox.dump()
        response = await client.put(f"/products/{product['_id']}", json=HERE | {"name": "Renamed"})
    assert (response.status_code, sandbox.dump()) == (500, before)


async def test_a_bug_of_the_sandbox_is_a_loud_internal_error(
    app: Starlette, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox_of(app).database.run("drop table prices")
    async with client_of(app, timeout=5) as client:
        response = await client.get("/products/inventory", params=ALT)
    assert (response.status_code, response.json()["message"]) == (500, "Sandbox error: no such table: prices")
    assert "GET /products/inventory failed inside the sandbox" in caplog.text
    assert LOCATION_ID not in caplog.text
