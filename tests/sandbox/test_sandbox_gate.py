"""Who is let in, which paths exist, and how a request that breaks the contract is refused."""

import httpx
import pytest
from sandbox_api import ALT, HEADERS, HERE, Api
from starlette.applications import Starlette

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import BASE_URL, LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport

pytestmark = pytest.mark.anyio


def without_trace(body: dict[str, object]) -> dict[str, object]:
    trace = body.pop("traceId")
    assert isinstance(trace, str)
    assert len(trace) == 36
    return body


async def plain(app: Starlette, headers: dict[str, str], path: str = "/products/") -> httpx.Response:
    async with httpx.AsyncClient(transport=SandboxTransport(app), base_url=BASE_URL) as client:
        return await client.get(path, params=HERE, headers=headers)


@pytest.mark.parametrize("token", [None, "Bearer wrong", "Basic abc", f"bearer-{TOKEN}"])
async def test_a_request_without_the_token_is_unauthorized(app: Starlette, token: str | None) -> None:
    headers = {"version": "2021-07-28"} | ({} if token is None else {"authorization": token})
    response = await plain(app, headers)
    assert response.status_code == 401
    assert without_trace(response.json()) == {
        "statusCode": 401,
        "message": "Invalid token: access token is invalid",
        "error": "Unauthorized",
    }


@pytest.mark.parametrize(
    ("version", "message"),
    [({}, "version header was not found"), ({"version": "2023-02-21"}, "version header is invalid")],
)
async def test_the_version_header_is_checked(app: Starlette, version: dict[str, str], message: str) -> None:
    response = await plain(app, {"authorization": f"Bearer {TOKEN}"} | version)
    assert (response.status_code, response.json()["message"]) == (401, message)


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/products/", {"locationId": "another"}, None),
        ("GET", "/products/inventory", {"altId": "another", "altType": "location"}, None),
        ("POST", "/products/", None, {"name": "Box", "productType": "DIGITAL", "locationId": "another"}),
    ],
)
async def test_another_location_is_forbidden(
    api: Api, method: str, path: str, query: dict[str, str] | None, body: dict[str, str] | None
) -> None:
    answer = await api.call(method, path, query=query, body=body)
    assert answer.status == 403
    assert without_trace(answer.body) == {
        "statusCode": 403,
        "message": "The token does not have access to this location.",
        "error": "Forbidden",
    }


async def test_every_unknown_key_is_refused_with_a_message_of_its_own(api: Api) -> None:
    answer = await api.get("/products/", HERE | {"page": 2, "altType": "location"})
    assert answer.status == 422
    assert without_trace(answer.body) == {
        "statusCode": 422,
        "message": ["property page should not exist", "property altType should not exist"],
        "error": "Unprocessable Entity",
    }


async def test_a_body_is_refused_with_all_that_is_wrong_with_it(api: Api, sandbox: Sandbox) -> None:
    body = {
        "name": "",
        "productType": "TOY",
        "seoTitle": "dropped by the live API",
        "availableInStore": "yes",
        "variants": [{"id": "v1", "options": [{"id": "o1", "name": 5}]}],
    }
    answer = await api.post("/products/", body)
    assert answer.status == 422
    assert sorted(answer.messages) == [
        "availableInStore must be a boolean value",
        "locationId should not be empty",
        "name should not be empty",
        "productType must be one of the following values: DIGITAL, PHYSICAL, SERVICE, PHYSICAL/DIGITAL",
        "property seoTitle should not exist",
        "variants.0.name should not be empty",
        "variants.0.options.0.name must be a string",
    ]
    assert sandbox.dump()["products"] == []


@pytest.mark.parametrize(
    ("path", "query", "messages"),
    [
        ("/products/", {}, ["locationId should not be empty"]),
        ("/products/", {"locationId": ""}, ["locationId should not be empty"]),
        ("/products/", HERE | {"limit": "ten"}, ["limit must be an integer number"]),
        ("/products/", HERE | {"limit": "1.5"}, ["limit must be an integer number"]),
        ("/products/", HERE | {"limit": "-1"}, ["limit must not be less than 0"]),
        ("/products/", HERE | {"offset": ["1", "2"]}, ["offset must be an integer number"]),
        ("/products/", HERE | {"search[]": "x"}, ["property search[] should not exist"]),
        ("/products/", HERE | {"availableInStore": "yes"}, ["availableInStore must be a boolean value"]),
        (
            "/products/",
            HERE | {"sortOrder": "up"},
            ["sortOrder must be one of the following values: asc, desc"],
        ),
        (
            "/products/inventory",
            {"altId": LOCATION_ID, "altType": "LOCATION"},
            ["altType must be one of the following values: location"],
        ),
        ("/products/reviews", ALT | {"status": "approved"}, ["property status should not exist"]),
        ("/products/reviews", ALT | {"rating": "four"}, ["rating must be a number"]),
        (
            "/products/reviews",
            ALT | {"startDate": "soon"},
            ["startDate must be a valid ISO 8601 date string"],
        ),
        ("/products/collections/x", ALT, ["property altType should not exist"]),
    ],
)
async def test_a_query_is_held_against_the_contract(
    api: Api, path: str, query: dict[str, object], messages: list[str]
) -> None:
    answer = await api.get(path, query)
    assert (answer.status, answer.messages) == (422, messages)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("amount", -1, "amount must not be less than 0"),
        ("amount", 10**13, "amount must not be greater than 1000000000000"),
        ("amount", "9.99", "amount must be a number"),
        ("compareAtPrice", None, "compareAtPrice must be a number"),
        ("totalCycles", 0, "totalCycles must not be less than 1"),
        ("name", "x" * 1001, "name must be shorter than or equal to 1000 characters"),
        ("currency", "", "currency should not be empty"),
    ],
)
async def test_a_price_has_limits(api: Api, field: str, value: object, message: str) -> None:
    product = await api.product()
    body = {"name": "Plain", "type": "one_time", "currency": "USD", "amount": 10} | HERE | {field: value}
    answer = await api.post(f"/products/{product['_id']}/price", body)
    assert (answer.status, answer.messages) == (422, [message])


@pytest.mark.parametrize(
    "content",
    [b"{", b"[1,]", b'{"name": NaN}', b'{"name": "\\ud800"}', b"\xff\xfe", b'{"name": "Box"} and more'],
)
async def test_a_body_that_is_not_json_is_a_bad_request(api: Api, content: bytes) -> None:
    response = await api.client.post(
        "/products/", content=content, headers={"content-type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["message"].startswith("Unexpected token in JSON")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_of_another_type_counts_as_empty(api: Api, content_type: str) -> None:
    response = await api.client.post(
        "/products/", content=b"name=Box", headers={"content-type": content_type}
    )
    assert (response.status_code, response.json()["message"]) == (
        422,
        [
            "name should not be empty",
            "locationId should not be empty",
            "productType should not be empty",
        ],
    )


async def test_a_body_may_be_a_list_but_is_refused(api: Api) -> None:
    response = await api.client.post(
        "/products/", content=b"[1]", headers={"content-type": "application/json; charset=utf-8"}
    )
    assert (response.status_code, response.json()["message"]) == (422, ["body must be an object"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/locations/"),
        ("GET", "/products/a/b"),
        ("GET", "/products/a%0Ab/c"),
        ("GET", "/products/a%2Fprice"),
        ("GET", "/products/a%2Fprice%2Fb"),
        ("DELETE", "/products/a%2F..%2Fb"),
        ("GET", "/products/%2E%2E"),
        ("GET", "/products/%2E%2E/price"),
        ("GET", "/products//price"),
        ("GET", "/products/a/price/"),
        ("PATCH", "/products/a"),
        ("PUT", "/products/"),
        ("TRACE", "/products/"),
    ],
)
async def test_a_path_that_no_operation_has_is_not_found(
    api: Api, sandbox: Sandbox, method: str, path: str
) -> None:
    request = httpx.Request(method, BASE_URL, headers=HEADERS)
    request.url = httpx.URL(BASE_URL).copy_with(raw_path=path.encode())
    response = await api.client.send(request)
    assert response.status_code == 404
    assert without_trace(response.json()) == {
        "statusCode": 404,
        "message": f"Cannot {method} {path}",
        "error": "Not Found",
    }
    assert sandbox.requests[-1].operation is None


async def test_the_list_answers_with_and_without_its_closing_slash(api: Api) -> None:
    with_slash = await api.get("/products/", HERE)
    without = await api.get("/products", HERE)
    assert (with_slash.status, with_slash.body) == (without.status, without.body) == (200, with_slash.body)


async def test_a_token_may_be_limited_to_scopes() -> None:
    app = create_app(shop="empty", rate_limit=0, scopes=["products.readonly"])
    async with httpx.AsyncClient(
        transport=SandboxTransport(app), base_url=BASE_URL, headers=HEADERS
    ) as client:
        api = Api(client)
        reading = await api.get("/products/", HERE)
        writing = await api.post("/products/", {"name": "Box", "productType": "DIGITAL"} | HERE)
        pricing = await api.get("/products/inventory", ALT)
    assert (reading.status, writing.status, pricing.status) == (200, 401, 401)
    assert writing.body["message"] == "The token is not authorized for this scope."


@pytest.fixture
def hours() -> list[float]:
    """What a hand-turned clock shows; tests turn it."""
    return [0.0]


async def test_the_101st_request_in_ten_seconds_is_one_too_many(hours: list[float]) -> None:
    app = create_app(shop="empty", monotonic=lambda: hours[0])
    async with httpx.AsyncClient(
        transport=SandboxTransport(app), base_url=BASE_URL, headers=HEADERS
    ) as client:
        api = Api(client)
        first = await api.get("/products/", HERE)
        assert [(await api.get("/products/", HERE)).status for _ in range(99)] == [200] * 99
        refused = await api.get("/products/", HERE)
        hours[0] = 9.99
        still_refused = await api.get("/products/", HERE)
        hours[0] = 10.0
        admitted = await api.get("/products/", HERE)
    limits = {name: value for name, value in first.headers.items() if name.startswith("x-ratelimit")}
    assert limits == {
        "x-ratelimit-max": "100",
        "x-ratelimit-interval-milliseconds": "10000",
        "x-ratelimit-remaining": "99",
        "x-ratelimit-limit-daily": "200000",
        "x-ratelimit-daily-remaining": "199999",
    }
    assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (429, "0")
    assert without_trace(refused.body) == {"statusCode": 429, "message": "Too Many Requests"}
    assert (still_refused.status, admitted.status) == (429, 200)


async def test_limiting_can_be_changed_and_switched_off(api: Api) -> None:
    unlimited = await api.get("/products/", HERE)
    assert not any(name.startswith("x-ratelimit") for name in unlimited.headers)
    strict = create_app(shop="empty", rate_limit=1, rate_interval_seconds=60)
    assert [(await plain(strict, HEADERS)).status_code for _ in range(2)] == [200, 429]
    sandbox_of(strict).reset()
    assert (await plain(strict, HEADERS)).status_code == 200


async def test_the_log_shows_what_was_sent_and_not_the_token(api: Api, sandbox: Sandbox) -> None:
    await api.post("/products/", {"name": "Box", "productType": "DIGITAL"} | HERE)
    await api.get("/products/", HERE | {"limit": 5})
    await api.client.post("/products/", content=b"no json", headers={"content-type": "application/json"})
    created, listed, broken = sandbox.requests
    assert sandbox.requests.lines() == ["POST /products/", "GET /products/", "POST /products/"]
    assert (created.operation, created.status) == ("create-product", 201)
    assert created.body == {"name": "Box", "productType": "DIGITAL", "locationId": LOCATION_ID}
    assert (listed.query, listed.body) == ([("locationId", LOCATION_ID), ("limit", "5")], None)
    assert (broken.body, broken.status) == ("no json", 400)
    assert listed.headers["version"] == "2021-07-28"
    assert not any(TOKEN in value for received in sandbox.requests for value in received.headers.values())
