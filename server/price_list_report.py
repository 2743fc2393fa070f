"""A pasted price list beside the catalog: what each line means, and what it would change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..prompts.documents import Document
from ..tools.results import plain
from ..tools.text import one_line
from .listing_reports import priced
from .names import LONGEST_NAME, Name, ranked
from .price_list import Line, read_lines
from .resource_uris import report_uri
from .walks import CLOSELY, inventory, prices_of, walk

if TYPE_CHECKING:
    from ..products_api.models import InventoryItem
    from .choosing import Chosen

LARGE_CHANGE = 30
"""Percent above which a change is worth a second look."""
_CHOICES = 3
_SHOWN = ("name", "amount", "currency", "compare_at_price", "sku")
_LONGEST_LINE = 100


@dataclass(frozen=True)
class Match:
    """What a line was found to name: products, and of one product perhaps one price."""

    how: str
    products: tuple[Name, ...] = ()
    price_id: str | None = None


class Catalog:
    """The SKUs and names that lines are looked up in."""

    def __init__(self, stock: "Sequence[InventoryItem]", products: Sequence[Name]) -> None:
        self._by_sku: dict[str, list[InventoryItem]] = {}
        for item in stock:
            if item.sku and item.product_id:
                self._by_sku.setdefault(_folded(item.sku), []).append(item)
        listed = {name.id: name for name in products}
        for item in stock:
            if item.product_id and item.product_id not in listed:
                listed[item.product_id] = Name(
                    item.product_id, one_line(item.product_name or "", LONGEST_NAME)
                )
        self._names = list(listed.values())
        self._by_name: dict[str, list[Name]] = {}
        for name in self._names:
            for text in (name.name, *name.others, name.id):
                self._by_name.setdefault(_folded(text), []).append(name)

    def match(self, labels: Iterable[str]) -> Match:
        """What the labels of a line name: by SKU, else by name, else by what is alike."""
        known = [_folded(label) for label in labels if label.strip()]
        for label in known:
            if items := self._by_sku.get(label):
                return self._by_its_sku(items)
        for label in known:
            if names := self._by_name.get(label):
                return Match("name" if len(names) == 1 else "several", tuple(names[:_CHOICES]))
        for label in known:
            if near := ranked(self._names, label):
                return Match("similar", tuple(near[:_CHOICES]))
        return Match("none")

    def _by_its_sku(self, items: "Sequence[InventoryItem]") -> Match:
        names = tuple(
            Name(str(item.product_id), one_line(item.product_name or "", LONGEST_NAME)) for item in items
        )
        if len(items) > 1:
            return Match("several", names[:_CHOICES])
        return Match("sku", names, items[0].price_id)


async def price_list_report(chosen: "Chosen") -> Document:
    """Each line with what it names, the price there is, and the difference."""
    lines, beyond = read_lines(chosen.pasted.get("price_list", ""))
    api = chosen.shop.api
    stock = await inventory(chosen.shop)
    products = await walk(lambda offset: api.list_products(offset=offset))
    names = [
        Name(product.id, one_line(product.name or "", LONGEST_NAME), (product.slug,) if product.slug else ())
        for product in products.items
    ]
    catalog = Catalog(stock.items, names)
    matches = [catalog.match(line.labels) for line in lines]
    sure = list(dict.fromkeys(match.products[0].id for match in matches if match.how in {"sku", "name"}))
    prices = await prices_of(chosen.shop, sure[:CLOSELY]) or {}
    rows = [
        _row(line, match, prices_rows(prices, match), chosen.words.get("currency"))
        for line, match in zip(lines, matches, strict=True)
    ]
    notes: list[str] = []
    if beyond:
        notes.append(f"The list has {beyond} more lines, which were not looked at.")
    if not (stock.whole and products.whole):
        notes.append(
            f"Only {len(products.items)} products and {len(stock.items)} variants were searched: a line without a "
            "match may have one among the others."
        )
    if len(sure) > CLOSELY:
        notes.append(f"Prices were read of the first {CLOSELY} products only.")
    return Document(
        uri=report_uri("price_list", {}),
        title="The price list beside the catalog",
        head={"lines": len(lines)},
        rows=rows,
        total=len(rows),
        rest="paste the other lines in a second list",
        notes=tuple(notes),
    )


def prices_rows(prices: Mapping[str, Any], match: Match) -> "list[Mapping[str, Any]] | None":
    """The prices of the product that a line surely names; None where those were not read."""
    if match.how not in {"sku", "name"} or match.products[0].id not in prices:
        return None
    rows = priced(prices[match.products[0].id])
    return [row for row in rows if row["id"] == match.price_id] if match.price_id else rows


def _row(
    line: Line, match: Match, prices: "Sequence[Mapping[str, Any]] | None", currency: str | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "line": line.number,
        "text": one_line(line.text, _LONGEST_LINE),
        "match": match.how,
    }
    if line.unclear:
        row["unclear"] = line.unclear
    if line.amount is not None:
        row["new"] = line.amount
    if asked := line.currency or currency:
        row["currency"] = asked
    if match.how in {"several", "similar"}:
        row["perhaps"] = [{"product_id": name.id, "name": name.name} for name in match.products]
    elif match.products:
        row["product_id"], row["product"] = match.products[0].id, match.products[0].name
    if prices is not None:
        row["prices"] = [
            {
                "price_id": price["id"],
                **{
                    key: price[key]
                    for key in ("name", "amount", "currency", "compare_at_price", "sku")
                    if key in price
                },
                **_difference(price, line.amount, asked),
            }
            for price in prices
        ]
    content = plain(row)
    return content if isinstance(content, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _difference(price: Mapping[str, Any], amount: Decimal | None, currency: str | None) -> dict[str, Any]:
    """How the new amount stands to the present one."""
    if amount is None or price.get("amount") is None:
        return {}
    if currency and price.get("currency") and currency.upper() != price["currency"].upper():
        return {"doubt": "another currency"}
    now = Decimal(str(price["amount"]))
    if now == amount:
        return {"as_it_is": True}
    if amount == 0:
        return {"doubt": "the new amount is zero"}
    if now == 0:
        return {"doubt": "the price is zero now"}
    percent = ((amount - now) / now * 100).quantize(Decimal("0.1"))
    return {
        "change_percent": percent,
        **({"doubt": "a large change"} if abs(percent) > LARGE_CHANGE else {}),
    }


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
