"""The demo shop's goods, collections and guest book, read from `shop.yaml`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from .yaml_file import read_yaml

SHOP_PATH: Final = Path(__file__).with_name("shop.yaml")


@dataclass(frozen=True, slots=True)
class Option:
    """Something a customer chooses, such as a size."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Goods:
    """One product and what its prices are made from; `shop.yaml` says what each field does."""

    name: str
    kind: str
    amount: str
    text: str
    collections: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    currency: str = "USD"
    step: str = "0"
    compare: str | None = None
    every: tuple[str, int] | None = None
    stock: int | None = None
    gaps: tuple[str, ...] = ()
    slug: str | None = None
    also: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """One collection."""

    key: str
    name: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody wrote about a product."""

    rating: str
    headline: str
    detail: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All of the demo shop."""

    name: str
    collections: tuple[Group, ...]
    goods: tuple[Goods, ...]
    people: tuple[str, ...]
    honest: tuple[Words, ...]
    odd: tuple[Words, ...]
    """Spam, texts that try to steer an assistant, and texts with invisible characters."""
    answer: dict[str, str]


@cache
def demo_catalog() -> Catalog:
    """The demo shop, read once per process."""
    shop = read_yaml(SHOP_PATH)
    return Catalog(
        name=shop["name"],
        collections=tuple(Group(**group) for group in shop["collections"]),
        goods=tuple(_goods(**goods) for goods in shop["goods"]),
        people=tuple(shop["people"]),
        honest=tuple(Words(*words) for words in shop["honest"]),
        odd=tuple(Words(*words) for sort in ("spam", "instructing", "invisible") for words in shop[sort]),
        answer=shop["answer"],
    )


def _goods(**written: Any) -> Goods:
    options = tuple(Option(option["name"], tuple(option["values"])) for option in written.pop("options", []))
    return Goods(options=options, **written)
