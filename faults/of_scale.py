"""Much of everything: very long names, very many products, very many clients."""

from functools import partial
from itertools import cycle, islice
from pathlib import Path

import anyio
from deeds import Deed, deeds
from judge import Verdict
from merchants import Merchant, four_kinds, text_in
from processes import Level
from scenarios import scenario
from world import World, stocked, world

from hoopai_products_mcp.sandbox import products
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of

MANY = 10_000
LONG = 240
"""Characters in a name."""
CLIENTS = 200
PAGE = 100
LARGEST_RESULT = 200_000
"""Characters that one page of long names may take; a conversation has to hold it."""
MEMORY_MORE = 8 * 1024 * 1024
"""What the second time may add to the level after the first: allocators keep pages that are in use in part. A leak of a
kilobyte a request would come to more."""
OPEN_MORE = 6
"""How many connections to the API are idle at the moment may differ."""
SCRIPTS = (
    "Straßenlaterne ", "Φανάρι ", "Фонарь ", "פנס ", "فانوس ", "लालटेन ", "โคมไฟ ", "提灯ランタン", "등불 ", "Z̷a̸l̵g̶o̴ ",
    "👩‍👩‍👧‍👦🏳️‍🌈 ", "ﷺ𝔏𝔞𝔫𝔱𝔢𝔯𝔫 ",
)  # fmt: skip


def long_name(number: int) -> str:
    """A name of many scripts, other than all others."""
    start = number % len(SCRIPTS)
    text = "".join(islice(cycle(SCRIPTS[start:] + SCRIPTS[:start]), 40))
    return f"{number} {text}"[:LONG]


def with_long_names(file: Path, count: int) -> None:
    """Make a shop of such products in a file."""
    stocked(file, count)
    app = create_app(data=file)
    database = sandbox_of(app).database
    with database.transaction():
        for number, product in enumerate(database.docs("select doc from products order by seq")):
            products.change(database, product, {"name": long_name(number)})
    sandbox_of(app).close()


def grown(first: Level, second: Level, what: str) -> list[str]:
    """What is held after the second time that was not after the first."""
    problems: list[str] = []
    if (more := second.memory - first.memory) > MEMORY_MORE:
        problems.append(f"{what} a second time took {more / 2**20:.0f} MiB more, which were not given back")
    if (open_more := second.descriptors - first.descriptors) > OPEN_MORE:
        problems.append(f"{what} a second time left {open_more} more descriptors open")
    return problems


@scenario("10,000 products with long names")
async def long_names() -> Verdict:
    """Lists, an audit and an export of all, twice, and deeds among them."""
    async with world(products=MANY, stock=with_long_names) as made:
        verdict = Verdict()
        levels: list[Level] = []
        for _ in range(2):
            merchants = four_kinds(made.server.url)
            reader = Merchant(made.server.url, "2026-07-28", asks=False)
            verdict.add(await made.round(merchants, meanwhile=partial(_list_all, reader, verdict)))
            # By themselves: the log of the sandbox does not hold all of their requests beside the writes.
            await _whole_jobs(reader, verdict)
            verdict.calls += reader.calls
            levels.append(await made.server.level_at_rest(made.rest))
        verdict.left += grown(levels[0], levels[1], "the whole catalog")
        return await made.ended(verdict)


async def _list_all(reader: Merchant, verdict: Verdict) -> None:
    seen: set[str] = set()
    offset: int | None = 0
    while offset is not None:
        result = await reader.read("list_products", limit=PAGE, offset=offset)
        if result is None or result.is_error or result.structured_content is None:
            verdict.wrong.append(f"the list broke off at {offset}")
            return
        if len(text_in(result)) > LARGEST_RESULT:
            verdict.wrong.append(f"a page of {len(text_in(result))} characters")
        seen |= {item["id"] for item in result.structured_content["items"]}
        offset = result.structured_content.get("next_offset")
    # Merchants make and delete some meanwhile, so that a page may slip by one.
    if len(seen) < MANY - PAGE:
        verdict.wrong.append(f"the list gave {len(seen)} of {MANY} products")


async def _whole_jobs(reader: Merchant, verdict: Verdict) -> None:
    for tool in ("audit_catalog", "low_stock", "export_catalog"):
        result = await reader.read(tool)
        if result is None or result.is_error:
            verdict.wrong.append(f"{tool} failed: {result and text_in(result)}")


@scenario("200 clients at once")
async def many_clients() -> Verdict:
    """Each connects, reads, and has one deed done; twice."""
    async with world(products=1000) as made:
        verdict = Verdict()
        levels: list[Level] = []
        for _ in range(2):
            verdict.add(await _crowd(made))
            levels.append(await made.server.level_at_rest(made.rest))
        verdict.left += grown(levels[0], levels[1], f"a crowd of {CLIENTS}")
        return await made.ended(verdict)


async def _crowd(made: World) -> Verdict:
    # What is undone waits for what it undoes, and is left to other scenarios.
    wanted = [deed for _ in range(CLIENTS // 8 + 1) for deed in deeds(made.shelf) if deed.undoes is None]
    merchants = [merchant for _ in range(CLIENTS // 4) for merchant in four_kinds(made.server.url)]
    crowd = list(zip(merchants, wanted, strict=False))
    await made.shop.forget()
    async with anyio.create_task_group() as tasks:
        for merchant, deed in crowd:
            tasks.start_soon(_visit, merchant, deed)
    verdict = await made.judged([deed for _, deed in crowd], [merchant for merchant, _ in crowd])
    if verdict.broken:
        verdict.wrong.append(f"{verdict.broken} conversations of {CLIENTS} broke off")
    return verdict


async def _visit(merchant: Merchant, deed: Deed) -> None:
    await merchant.read("list_products")
    await merchant.carry_out(deed)
