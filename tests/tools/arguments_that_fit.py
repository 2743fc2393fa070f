"""Arguments that a tool's published schema allows, as hypothesis strategies."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
Doc = dict[str, Any]
Texts = Callable[[Schema, str], st.SearchStrategy[str]]
"""What to write where a schema wants text, by the schema and the name of the place."""

ANY_TEXT = st.text(max_size=12)
DATES = st.one_of(
    st.dates().map(str), st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
)
PATTERNS = {
    "^[A-Za-z]{3}$": st.sampled_from(["USD", "eur", "JPY", "Kwd", "XYZ"]),
    "^[a-z0-9]+(-[a-z0-9]+)*$": st.from_regex("[a-z0-9]{1,8}(-[a-z0-9]{1,4}){0,2}", fullmatch=True),
}
OWN_IDS = st.from_regex("[A-Za-z0-9]{1,11}", fullmatch=True)
"""Ids of variants, options, media and taxes, which callers choose themselves."""
FREE_VALUES = ANY_TEXT | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)


class Fitting:
    """Strategies for arguments of tools on one shop.

    `plausible` ones name what the shop has and say dates where dates are meant; the others take the schema at its
    word.
    """

    def __init__(self, shop: Doc) -> None:
        self.shop = shop
        self._ids: dict[str, list[str]] = {
            "product_id": [product["_id"] for product in shop["products"]],
            "price_id": [price["_id"] for price in shop["prices"]],
            "collection_id": [collection["_id"] for collection in shop["collections"]],
            "store_id": [store["id"] for store in shop["stores"]],
            "review_id": [review["_id"] for review in shop["reviews"]],
            "collection_slug": [collection["slug"] for collection in shop["collections"]],
        }

    def arguments(self, schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
        """Arguments for the tool with this input schema, four of five plausible."""
        plausible = st.tuples(_object(schema, self._plausible_text, plausible=True), st.randoms()).map(
            lambda drawn: self._belonging_together(*drawn)
        )
        literal = _object(schema, self._literal_text, plausible=False)
        return st.integers(0, 4).flatmap(lambda number: plausible if number else literal)

    def _literal_text(self, schema: Schema, name: str) -> st.SearchStrategy[str]:
        if "pattern" in schema:
            return PATTERNS[schema["pattern"]]
        text = st.text(min_size=schema.get("minLength", 0), max_size=12)
        return text | st.sampled_from(self._ids[name]) if name in self._ids else text

    def _plausible_text(self, schema: Schema, name: str) -> st.SearchStrategy[str]:
        if schema.get("description") == "ISO 8601" or name.endswith("_date"):
            return DATES
        if name in self._ids:
            return st.sampled_from(self._ids[name])
        if name in {"id", "taxe"} or name.endswith("_id"):
            return OWN_IDS
        if name == "status":
            return st.sampled_from(["approved", "pending", "rejected", "Approved"])
        return self._literal_text(schema, name)

    def _belonging_together(self, made: dict[str, Any], random: Any) -> dict[str, Any]:
        """Ids that stand together belong together, and each list names a thing once, as if taken from lists."""
        for key in ("reviews", "products", "items"):
            if key in made:
                made[key] = self._once_each(made[key], random)
        for each in (made, *made.get("products", ())):
            if "price_id" in each and "product_id" in each:
                price = random.choice(self.shop["prices"])
                each |= {"price_id": price["_id"], "product_id": price["product"]}
            if isinstance(each.get("prices"), list):
                own = [
                    price["_id"] for price in self.shop["prices"] if price["product"] == each["product_id"]
                ]
                each["prices"] = each["prices"][: len(own)]
                for edit, price_id in zip(each["prices"], own, strict=False):
                    edit["price_id"] = price_id
        if "review_id" in made:
            made |= self._review_ids(random.choice(self.shop["reviews"]), made)
        return made

    def _once_each(self, items: list[dict[str, Any]], random: Any) -> list[dict[str, Any]]:
        if "review_id" in items[0]:
            chosen = random.sample(self.shop["reviews"], len(items))
            return [item | self._review_ids(review, item) for item, review in zip(items, chosen, strict=True)]
        (name,) = {"product_id", "price_id"} & items[0].keys()
        chosen = random.sample(self._ids[name], len(items))
        return [item | {name: own} for item, own in zip(items, chosen, strict=True)]

    def _review_ids(self, review: Doc, item: dict[str, Any]) -> dict[str, Any]:
        own = {
            "review_id": review["_id"],
            "product_id": review["productId"],
            "store_id": review["storeId"],
        }
        return {name: value for name, value in own.items() if name in item}


def _object(schema: Schema, text: Texts, *, plausible: bool) -> st.SearchStrategy[dict[str, Any]]:
    known: dict[str, Schema] = schema["properties"]
    required = set(schema.get("required", ()))
    values = {name: _value(below, name, text, plausible=plausible) for name, below in known.items()}
    return st.fixed_dictionaries(
        {name: value for name, value in values.items() if name in required},
        optional={name: value for name, value in values.items() if name not in required},
    )


def _value(schema: Schema, name: str, text: Texts, *, plausible: bool) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "array":
            return _list(schema, name, text, plausible=plausible)
        case "object" if "properties" in schema:
            return _object(schema, text, plausible=plausible)
        case "object":
            return st.dictionaries(ANY_TEXT, FREE_VALUES, max_size=3)
        case "string":
            return text(schema, name)
        case kind:
            return _scalar(schema, kind, plausible=plausible)


def _list(schema: Schema, name: str, text: Texts, *, plausible: bool) -> st.SearchStrategy[list[Any]]:
    inner: Schema = schema["items"]
    items = _value(inner, name.removesuffix("s"), text, plausible=plausible)
    few = len(inner.get("required", ()))
    if plausible and len(inner.get("properties", ())) > few:
        # An item that names no more than it must is refused for changing nothing.
        items = items.filter(lambda item: len(item) > few)
    low, high = schema.get("minItems", 0), min(schema.get("maxItems", 4), 4)
    return st.lists(items, min_size=low, max_size=high, unique=inner["type"] == "string")


def _scalar(schema: Schema, kind: str, *, plausible: bool) -> st.SearchStrategy[Any]:
    if kind == "boolean":
        return st.booleans()
    low: int | None = schema.get("minimum")
    high: int | None = schema.get("maximum")
    if kind == "integer":
        return st.integers(low or 0, high or 50) if plausible else st.integers(low, high)
    if step := schema.get("multipleOf"):
        return st.integers(int(schema["minimum"] / step), int(schema["maximum"] / step)).map(
            lambda n: n * step
        )
    cents = st.integers(0, 10**7).map(lambda number: number / 100)
    return cents if plausible else st.floats(low, allow_infinity=False)
