"""What a prompt costs a model, in tokens, and what a completion adds to the API's own time.

Run it with `make bench-prompts`. It prints what was expected next to what was found, and exits 1 when something is
missed.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from mcp.client import Client
from mcp_types import EmbeddedResource, PromptReference, ResourceLink, TextContent, TextResourceContents
from starlette.types import ASGIApp, Receive, Scope, Send
from table import Expectation, Measure, print_table
from tokens import tokens

from hoopai_products_mcp.prompts.rendering import BUDGET
from hoopai_products_mcp.prompts.template import templates
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.seed import ShopChoice
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.settings import Settings

SHOPS: Final[dict[str, ShopChoice]] = {"demo shop": "demo", "empty shop": "empty", "5,000 products": 5000}
ROUNDS: Final = 6
MOST_ADDED_MS: Final = 50.0
_PRICE_LIST: Final = "\n".join(f"ML-{number:03}-01;{number}.50" for number in range(1, 120))
FILLED: Final[dict[str, dict[str, str]]] = {
    "triage_reviews": {},
    "launch_product": {"idea": "An owl lantern in two sizes", "price": "24.50 USD"},
    "plan_sale": {"search": "e", "discount": "20 %"},
    "reprice": {"price_list": _PRICE_LIST},
    "restock_report": {"threshold": "10"},
    "seo_refresh": {},
    "catalog_health": {},
    "build_collection": {"theme": "Gifts for gardeners, lanterns, items for the evening"},
    "import_check": {"since": "2020-01-01"},
    "end_of_season": {"search": "e", "discount": "30 %"},
}
"""What is filled into each prompt; the two that are about one thing get the first there is."""
TYPED: Final = {
    ("plan_sale", "collection"): ("", "l", "la", "lam", "tea", "zzz"),
    ("draft_product_description", "product"): (
        "",
        "i",
        "it",
        "item",
        "item 00",
        "item 00123",
        "lantern",
        "zzz",
    ),
    ("reply_to_review", "review"): ("", "5", "love", "zzz"),
    ("triage_reviews", "store"): ("", "s"),
    ("triage_reviews", "status"): ("", "p"),
}
"""What somebody types into a blank, letter by letter."""


def main() -> int:
    """Measure and print; the exit code."""
    costs = {name: asyncio.run(_tokens(choice)) for name, choice in SHOPS.items()}
    added = {name: asyncio.run(_added(choice)) for name, choice in SHOPS.items()}
    measures = [*_costs(costs), *_times(added)]
    print_table(tuple(SHOPS), measures)
    print(NOTES)
    return int(any("MISSED" in measure.verdict() for measure in measures))


@dataclass
class _Clock:
    """The seconds that the API took for what it was asked."""

    seconds: float = 0.0
    app: ASGIApp = field(init=False)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The API with its time taken."""

        async def timed(scope: Scope, receive: Receive, send: Send) -> None:
            began = time.perf_counter()
            try:
                await app(scope, receive, send)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


@asynccontextmanager
async def _shop(choice: ShopChoice, clock: _Clock) -> AsyncGenerator[tuple[Client, dict[str, Any]]]:
    app = create_app(shop=choice, rate_limit=0)
    app.router.default = clock.around(app.router.default)
    sandbox = sandbox_of(app)
    settings = Settings(sandbox=True)
    async with Client(build_server(settings, connection=Connection(settings, sandbox_app=app))) as client:
        yield client, sandbox.dump()
    sandbox.close()


# Tokens


async def _tokens(choice: ShopChoice) -> dict[str, int]:
    """What each prompt costs on this shop; without those that the shop has nothing for."""
    async with _shop(choice, _Clock()) as (client, dump):
        filled = dict(FILLED)
        if dump["products"]:
            filled["draft_product_description"] = {"product": dump["products"][0]["_id"]}
        if dump["reviews"]:
            filled["reply_to_review"] = {"review": dump["reviews"][0]["_id"]}
        return {name: await _cost(client, name, arguments) for name, arguments in filled.items()}


async def _cost(client: Client, name: str, arguments: dict[str, str]) -> int:
    result = await client.get_prompt(name, arguments)
    return sum(tokens(text) for message in result.messages for text in _texts(message.content))


def _texts(content: object) -> Iterator[str]:
    match content:
        case TextContent():
            yield content.text
        case EmbeddedResource(resource=TextResourceContents() as resource):
            yield from (resource.uri, resource.text)
        case ResourceLink():
            yield from (content.uri, content.name)
        case _:
            raise TypeError(f"a prompt has no {type(content).__name__}")


def _costs(found: Mapping[str, Mapping[str, int]]) -> Iterator[Measure]:
    for name in templates():
        costs = [of_shop.get(name) for of_shop in found.values()]
        yield Measure(f"{name}, tokens", costs, expected=[Expectation(BUDGET)], judged=len(costs))


# Completions


async def _added(choice: ShopChoice) -> list[float]:
    """Milliseconds that completions take on top of what the API takes, those that ask it and those that need not."""
    found: list[float] = []
    for _ in range(ROUNDS):
        clock = _Clock()
        # A new server each time: its first completion of a kind reads names, the others have them.
        async with _shop(choice, clock) as (client, _):
            for (prompt, argument), typed in TYPED.items():
                for text in typed:
                    clock.seconds = 0.0
                    began = time.perf_counter()
                    await client.complete(PromptReference(name=prompt), {"name": argument, "value": text})
                    found.append((time.perf_counter() - began - clock.seconds) * 1000)
    return found


def _times(found: Mapping[str, list[float]]) -> Iterator[Measure]:
    centiles = [statistics.quantiles(times, n=20) for times in found.values()]
    yield Measure("a completion adds, median, ms", [cut[9] for cut in centiles], digits=1)
    yield Measure(
        "… 95th percentile, ms",
        [cut[18] for cut in centiles],
        digits=1,
        expected=[Expectation(MOST_ADDED_MS)],
        judged=len(centiles),
    )


NOTES = f"""\
How this was measured
  Tokens       o200k_base of all that a model reads of a prompt: its text, the documents with their addresses, the links.
               The reprice list has {_PRICE_LIST.count(chr(10)) + 1} lines.
  Completions  {ROUNDS} new servers, {sum(map(len, TYPED.values()))} completions each, typed letter by letter into five blanks: the time of the client's
               request less the time that the sandbox took for what it was asked meanwhile. Client, server and sandbox
               are one process."""  # noqa: E501


if __name__ == "__main__":
    sys.exit(main())
