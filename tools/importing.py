"""An import carried out: what is changed in bulk, then prices more, then products more, each as the plan says.

The first thing that fails is the last one tried. The same call again does only what is left.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import SHOWN_ITEMS, Plan
from ..products_api import models as wire
from ..products_api.bulk_calls import ENTITIES_PER_CALL
from ..products_api.errors import ProductsApiError
from . import sending, shapes
from .bulk_edits import carry_out as carry_out_edits
from .shop import Shop
from .text import counted, quoted
from .workflow_views import Imported, ImportFailure

_GO_ON = "To go on, make the same call again: what is done already is left alone."


async def carry_out_import(shop: Shop, plan: Plan) -> Imported:
    """Do what the plan of an import says.

    Raises:
        ProductsApiError, ToolError: the very first write failed, or its answer was lost.
    """
    doing = _Import(shop, plan)
    if plan.effects:
        await doing.all()
    else:
        shop.note("Everything is as the file says already, so nothing was sent.")
    state = plan.state
    left_out: list[str] = state["left_out"]
    if left_out:
        shop.note("Rows of the file were left out, see left_out: correct them and import them anew.")
    if state["next_row"] is not None and not doing.stopped:
        shop.note(f"This is a part of the file. To go on, call again with rows {state['rest']}.")
    return Imported(
        done=not doing.failed,
        products_created=doing.products_created,
        products_changed=doing.products_changed,
        prices_created=doing.prices_created,
        unchanged=state["unchanged"],
        failed=doing.failed[:SHOWN_ITEMS] or None,
        left_out=left_out[:SHOWN_ITEMS] or None,
        more_left_out=max(0, state["left_out_in_all"] - SHOWN_ITEMS) or None,
        next_row=state["next_row"],
    )


class _Import:
    """One import under way."""

    def __init__(self, shop: Shop, plan: Plan) -> None:
        self._shop = shop
        self._plan = plan
        self._edits = [shapes.ProductEdit.model_validate(edit) for edit in plan.state["edits"]]
        self._steps = len(self._edits) + len(plan.state["prices"]) + len(plan.state["creations"])
        self._step = 0
        self.products_created = 0
        self.products_changed = 0
        self.prices_created = 0
        self.failed: list[ImportFailure] = []
        self.stopped = False

    async def all(self) -> None:
        """Everything, up to the first failure."""
        for part in _parts(self._edits):
            if not await self._attempt(
                f"{counted(len(part), 'product')} to change", None, self._change(part)
            ):
                return
            await self._done(len(part))
        for price in self._plan.state["prices"]:
            name = price["fields"]["name"]
            if not await self._attempt(name, f"row {price['row']}", self._add_price(price)):
                return
            await self._done(1)
        for new in self._plan.state["creations"]:
            if not await self._attempt(new["fields"]["name"], new["rows"], self._create(new)):
                return
            await self._done(1)

    async def _done(self, steps: int) -> None:
        self._step += steps
        await self._shop.progress(self._step, self._steps, "importing")

    async def _attempt(self, name: str, rows: str | None, deed: Awaitable[None]) -> bool:
        """Whether a part was done. A failure of the very first one is raised: what became of it is read back."""
        before = self.products_changed + self.prices_created + self.products_created
        try:
            await deed
        except (ProductsApiError, ToolError) as error:
            if not before and not self._shop.created:
                raise
            lost = error if isinstance(error, ProductsApiError) and error.outcome == "unknown" else None
            self._shop.unclear, self._shop.stopped = lost, lost is None
            self._stop(name, rows, " ".join(str(error).split()))
        return not self.stopped

    def _stop(self, name: str, rows: str | None, why: str) -> None:
        self.stopped = True
        self._fail(name, rows, why)
        self._shop.note(_GO_ON)

    def _fail(self, name: str, rows: str | None, why: str) -> None:
        self.failed.append(ImportFailure(name=name, rows=rows, why=why))

    async def _change(self, edits: Sequence[shapes.ProductEdit]) -> None:
        result = await carry_out_edits(self._shop, self._plan, edits)
        self.products_changed += len(result.products_done)
        for item in (*(result.differing or ()), *(result.lost or ())):
            self._fail(item.name or item.id, None, f"reads back otherwise: {', '.join(item.expected)}")
        if result.error is not None:
            left = {*(result.products_failed or ()), *(result.products_unknown or ())}
            self._stop(f"{counted(len(left), 'product')} to change", None, result.error)

    async def _add_price(self, price: Mapping[str, Any]) -> None:
        product_id, fields = price["product_id"], dict(price["fields"])
        if price["options"]:
            product = await self._shop.api.get_product(product_id=product_id)
            fields["variant_option_ids"] = option_ids(product.variants or (), price["options"])
        await self._make_price(product_id, fields, register=True, rows=f"row {price['row']}")

    async def _make_price(
        self, product_id: str, fields: Mapping[str, Any], *, register: bool, rows: str
    ) -> None:
        new = wire.NewPrice.model_validate(fields)
        answered = await self._shop.api.create_price(product_id=product_id, price=new)
        if register:
            self._shop.made_new("price", answered.id, product_id)
        self.prices_created += 1
        _, wrong = await self._shop.made(
            answered, new, lambda: self._shop.api.get_price(product_id=product_id, price_id=answered.id)
        )
        if wrong:
            self._fail(
                str(fields["name"]), rows, f"not stored as given: {', '.join(miss.field for miss in wrong)}"
            )

    async def _create(self, new: Mapping[str, Any]) -> None:
        given = dict(new["fields"])
        shaped = [shapes.Variant.model_validate(variant) for variant in given.pop("variants", ())]
        variants = sending.variants(shaped) if shaped else None
        product = wire.NewProduct.model_validate(given | ({"variants": variants} if variants else {}))
        answered = await self._shop.api.create_product(product=product)
        self._shop.made_new("product", answered.id)
        self.products_created += 1
        _, wrong = await self._shop.made(
            answered, product, lambda: self._shop.api.get_product(product_id=answered.id)
        )
        if wrong:
            fields = ", ".join(miss.field for miss in wrong)
            self._fail(str(given["name"]), new["rows"], f"not stored as given: {fields}")
        made = [wire.Variant.model_validate(variant) for variant in variants or ()]
        for price in new["prices"]:
            fields = dict(price["fields"])
            if price["options"]:
                fields["variant_option_ids"] = option_ids(made, price["options"])
            await self._make_price(answered.id, fields, register=False, rows=f"row {price['row']}")


def option_ids(variants: Sequence[wire.Variant], names: Sequence[str]) -> list[str]:
    """The ids of the options with these names, one of each variant.

    Raises:
        ToolError: a variant has no such option any more.
    """
    ids: list[str] = []
    for variant, name in zip(variants, names, strict=False):
        found = [
            option.id
            for option in variant.options or ()
            if option.id and (option.name or "").casefold() == name.casefold()
        ]
        if not found:
            raise ToolError(f"{quoted(variant.name or '')} has no option {quoted(name)} any more.")
        ids.append(found[0])
    return ids


def _parts(edits: Sequence[shapes.ProductEdit]) -> list[list[shapes.ProductEdit]]:
    """The edits in parts that fit one call each, so that progress is seen; a product too large for one is by itself."""
    parts: list[list[shapes.ProductEdit]] = []
    room = 0
    for edit in edits:
        size = 1 + len(edit.prices or ())
        if size > room:
            parts.append([])
            room = ENTITIES_PER_CALL
        parts[-1].append(edit)
        room -= size
    return parts
