"""What of a bulk edit is left to do, the deed, and what it did, read back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..guard.plan import Effect, Plan
from ..products_api import models as wire
from ..products_api.changes import FieldDifference, differences
from ..products_api.errors import ProductsApiError
from . import shapes, views
from .comparing import asked_for, settable
from .reading import misses
from .sending import product_edit
from .shop import Shop
from .text import counted

Fields = Mapping[str, Any]


class Compared(NamedTuple):
    """What does not read back as edited, and what was there and is not any more without having been edited."""

    differing: list[views.BulkItem]
    lost: list[views.BulkItem]


def left_to_do(edits: Sequence[shapes.ProductEdit], effects: Iterable[Effect]) -> list[shapes.ProductEdit]:
    """The edits without the products and prices of which a plan says nothing: those are as asked already.

    One of which some field is left stays whole, for a switch goes with what it switches.
    """
    left = {(effect.kind == "product", effect.id) for effect in effects}
    rest: list[shapes.ProductEdit] = []
    for edit in edits:
        prices = [price for price in edit.prices or () if (False, price.price_id) in left] or None
        if (True, edit.product_id) in left:
            rest.append(edit.model_copy(update={"prices": prices}))
        elif prices:
            rest.append(shapes.ProductEdit(product_id=edit.product_id, prices=prices))
    return rest


async def prices_of_edits(
    shop: Shop, edits: Sequence[shapes.ProductEdit | wire.ProductEdit]
) -> dict[str, list[wire.Price]]:
    """All prices of those products of which some price is edited."""
    return await shop.prices(
        [
            edit.product_id if isinstance(edit, shapes.ProductEdit) else edit.id
            for edit in edits
            if edit.prices
        ]
    )


async def carry_out(shop: Shop, plan: Plan, edits: Sequence[shapes.ProductEdit]) -> views.BulkEdited:
    """Send what the plan leaves to do, in as many calls as it takes, and read it back.

    Raises:
        ProductsApiError: the first call failed and changed nothing, or it is the only one and its answer was lost.
    """
    rest = left_to_do(edits, plan.effects)
    left = {edit.product_id for edit in rest}
    already = [edit.product_id for edit in edits if edit.product_id not in left]
    if not rest:
        shop.note("Everything is as asked already, so nothing was sent.")
        return views.BulkEdited(done=True, products_done=already)
    if already:
        shop.note(f"As asked already, and not sent again: {counted(len(already), 'product')}.")
    sent = [product_edit(edit, plan.state["kept"]) for edit in rest]
    result = await shop.api.bulk_edit(products=sent)
    return await _report(shop, plan, [edit.product_id for edit in edits], sent, result)


async def _report(
    shop: Shop,
    plan: Plan,
    product_ids: Sequence[str],
    sent: Sequence[wire.ProductEdit],
    result: wire.BulkEditResult,
) -> views.BulkEdited:
    lost = result.error if result.error is not None and result.error.outcome == "unknown" else None
    if lost is not None and len(result.calls) == 1:
        raise lost
    shop.unclear = lost
    shop.stopped = not result.complete and lost is None
    # A product whose prices filled several calls counts for the worst of them.
    skipped = list(dict.fromkeys(part.product_id for part in result.not_tried))
    failed = list(dict.fromkeys(part.product_id for part in result.failed))
    done = [key for key in product_ids if key not in {*failed, *skipped}]
    short = _note_low_counts(shop, result)
    readable = {*done, *failed} if lost else {*done}
    compared = await shop.check(
        lambda: compare_edits(shop, [edit for edit in sent if edit.id in readable], plan.state["before"])
    )
    unknown: list[str] = []
    if lost is not None:
        unknown = failed if compared is None else _products_of(compared.differing, sent, failed)
        done = [key for key in product_ids if key not in {*unknown, *skipped}]
        failed = []
        shop.note(_words_of_loss(lost, unknown))
    if failed or unknown or skipped:
        shop.note("To go on, call again with the same products: what is already done is skipped.")
    all_sent = not (failed or unknown or skipped)
    return views.BulkEdited(
        done=all_sent and not short and compared is not None and not any(compared),
        products_done=done,
        products_unknown=unknown or None,
        products_failed=failed or None,
        products_not_tried=skipped or None,
        differing=(compared and compared.differing) or None,
        lost=(compared and compared.lost) or None,
        error=str(result.error) if failed or unknown else None,
    )


def _products_of(
    items: Iterable[views.BulkItem], sent: Iterable[wire.ProductEdit], among: Sequence[str]
) -> list[str]:
    """Those of the products to which the items, which are products and prices, belong."""
    home = {price.id: edit.id for edit in sent for price in edit.prices or ()}
    found = {home.get(item.id, item.id) for item in items}
    return [key for key in among if key in found]


def _words_of_loss(lost: ProductsApiError, unknown: Sequence[str]) -> str:
    said = f"The API's answer to a part was lost ({lost.happened.removesuffix('.')}). "
    if not unknown:
        return f"{said}Read back from the shop: that part was done."
    return (
        f"{said}It is not known whether the products in products_unknown were changed; `differing` shows what of them "
        "does not read as asked."
    )


def _note_low_counts(shop: Shop, result: wire.BulkEditResult) -> bool:
    """Say where the API counts fewer products than it was sent; whether it does."""
    counts = [
        (call.updated_count, len(call.products))
        for call in result.calls
        if call.updated_count is not None and call.updated_count < len(call.products)
    ]
    if counts:
        updated, told = sum(count for count, _ in counts), sum(count for _, count in counts)
        shop.note(
            f"The API says that it updated {updated} of {counted(told, 'product')}; `differing` shows what does not "
            "read as asked."
        )
    return bool(counts)


async def compare_edits(
    shop: Shop, edits: Sequence[wire.ProductEdit], before: Mapping[str, Fields]
) -> Compared:
    """Read the products and prices back and hold them against what was sent and what was there."""
    found = await shop.full_products([edit.id for edit in edits], missing_is_error=False)
    prices = await prices_of_edits(shop, [edit for edit in edits if edit.id in found])
    compared = Compared([], [])
    for edit in edits:
        known = {price.id: price for price in prices.get(edit.id, ())}
        _compare(compared, edit, found.get(edit.id), before[edit.id])
        for change in edit.prices or ():
            _compare(compared, change, known.get(change.id), before[change.id])
    return compared


def _compare(
    compared: Compared,
    edit: wire.ProductEdit | wire.PriceEdit,
    thing: wire.Product | wire.Price | None,
    before: Fields,
) -> None:
    asked = asked_for(edit)
    name = thing.name if thing else None
    lost, not_applied = differences(before, asked, settable(thing) if thing else {}, before)
    if thing is None:
        # All of it is gone, what was to be emptied as well.
        _add(compared.differing, edit.id, name, not_applied)
        return
    _add(compared.differing, edit.id, name, misses(not_applied) or ())
    _add(compared.lost, edit.id, name, misses(lost) or ())


def _add(
    items: list[views.BulkItem],
    key: str,
    name: str | None,
    wrong: Sequence[FieldDifference | views.FieldMiss],
) -> None:
    if wrong:
        expected = {miss.field: miss.expected for miss in wrong}
        now = {miss.field: miss.found for miss in wrong}
        items.append(views.BulkItem(id=key, name=name, expected=expected, found=now))
