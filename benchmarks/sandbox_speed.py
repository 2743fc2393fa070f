"""How fast the sandbox answers in process: 1,000 mixed requests, each one checked on its way in and out.

Run it with `python benchmarks/sandbox_speed.py`. It exits 1 when the budget is missed.
"""

import sys
import time
from typing import Any, Final

import anyio
import httpx

START: Final = time.perf_counter()
REQUESTS: Final = 1_000
BUDGET_SECONDS: Final = 5.0
START_BUDGET_SECONDS: Final = 0.6


async def measure() -> tuple[float, float, int]:
    """Seconds until the first answer, seconds for the requests, and how many were not answered as expected."""
    from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
    from hoopai_products_mcp.sandbox.identity import API_VERSION, BASE_URL, LOCATION_ID, TOKEN
    from hoopai_products_mcp.sandbox.transport import SandboxTransport

    here = {"locationId": LOCATION_ID}
    alt = {"altId": LOCATION_ID, "altType": "location"}
    app = create_app(rate_limit=0)
    headers = {"authorization": f"Bearer {TOKEN}", "version": API_VERSION}
    async with httpx.AsyncClient(
        transport=SandboxTransport(app), base_url=BASE_URL, headers=headers
    ) as client:

        async def ask(expected: int, method: str, path: str, **rest: Any) -> tuple[int, Any]:
            response = await client.request(method, path, **rest)
            return int(response.status_code != expected), response.json()

        wrong, listed = await ask(200, "GET", "/products/", params=here | {"limit": 100})
        first = time.perf_counter() - START
        price = sandbox_of(app).dump()["prices"][0]
        product = f"/products/{listed['products'][0]['_id']}"
        price_path = f"/products/{price['product']}/price/{price['_id']}"
        body = {"name": "Plain", "type": "one_time", "currency": "USD", "amount": 99.99} | here
        new = {"name": "Box", "productType": "PHYSICAL"} | here
        items = [{"priceId": price["_id"], "availableQuantity": 5}]
        round_of_ten: list[tuple[int, str, str, dict[str, Any]]] = [
            (200, "GET", "/products/", {"params": here | {"limit": 100}}),
            (200, "GET", product, {"params": here}),
            (200, "GET", price_path, {"params": here}),
            (200, "PUT", price_path, {"json": body}),
            (201, "POST", "/products/", {"json": new}),
            (200, "GET", "/products/inventory", {"params": alt | {"limit": 100}}),
            (201, "POST", "/products/inventory", {"json": alt | {"items": items}}),
            (200, "GET", "/products/reviews", {"params": alt | {"limit": 100}}),
            (200, "GET", "/products/collections", {"params": alt}),
            (422, "POST", "/products/", {"json": {"nonsense": True}}),
        ]
        begun = time.perf_counter()
        for number in range(REQUESTS):
            expected, method, path, rest = round_of_ten[number % len(round_of_ten)]
            wrong += (await ask(expected, method, path, **rest))[0]
        return first, time.perf_counter() - begun, wrong + len(sandbox_of(app).violations)


def main() -> int:
    first, seconds, wrong = anyio.run(measure)
    good = seconds < BUDGET_SECONDS and first < START_BUDGET_SECONDS and not wrong
    print(
        f"first answer    {first:.3f} s  (budget {START_BUDGET_SECONDS} s, imports of the sandbox included)"
    )
    print(f"requests        {REQUESTS}, unexpected answers {wrong}")
    print(
        f"seconds         {seconds:.3f}  (budget {BUDGET_SECONDS}; {seconds / REQUESTS * 1000:.2f} ms each)"
    )
    print(f"verdict         {'within budget' if good else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
