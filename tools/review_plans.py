"""What moderating, answering and deleting reviews will do, read from the shop beforehand.

What customers wrote is data. How to reach them stays out of every plan, since plans are kept.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import Effect, Plan, PlanItem
from ..guard.question import NOTHING_CHANGED
from ..products_api import models as wire
from ..products_api.errors import NotFoundError, ProductsApiError
from . import answering, sending, shapes
from .effects import as_told, deletion, present
from .shop import Shop, refuse_repeated
from .text import counted, one_line, quoted

APPROVED = "approved"
"""The only status that any official source names; others are learnt from count_reviews."""
UNKNOWN_STATUS = "No review of this shop has that status yet: check the spelling."
LONGEST_NAME = 500
WORDS_OF_THE_CUSTOMER = ("rating", "headline", "detail")

_CONTACT = re.compile("e-?mail|phone|mobile|whatsapp", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(mailto:)?\S+@\S+\.\S+\s*", re.IGNORECASE)


async def find_reviews(shop: Shop, wanted: Mapping[str, str]) -> dict[str, wire.Review]:
    """Reviews by id, looked up through their products; the API cannot read one alone. `wanted`: id to product id.

    Raises:
        ToolError: a product has no such review.
    """
    found: dict[str, wire.Review] = {}
    async for review in shop.api.iterate_reviews(product_ids=list(dict.fromkeys(wanted.values()))):
        if review.id in wanted and review.product_id in {None, wanted[review.id]}:
            found[review.id] = review
            if len(found) == len(wanted):
                break
    if missing := [key for key in wanted if key not in found]:
        raise ToolError(
            f"No review {', '.join(missing)} of the product named with it. {NOTHING_CHANGED} "
            "Take review_id and product_id from list_reviews."
        )
    return {key: found[key] for key in wanted}


async def plan_update_review(
    shop: Shop, *, review_id: str, product_id: str, status: str | None, reply: shapes.Reply | None
) -> Plan:
    """A review with its new status, its new answer, or both. Any status but approved needs a person's consent, and
    so does an answer beside earlier ones."""
    sending.refuse_no_change(sending.given(status=status, reply=reply))
    review = (await find_reviews(shop, {review_id: product_id}))[review_id]
    spelled, warning = await _spelled(shop, status) if status is not None else (review.status, ())
    if not spelled:
        raise ToolError(
            f"The review has no status to keep, and the API wants one. {NOTHING_CHANGED} Give `status`."
        )
    earlier = (review.replies or []) if reply is not None else []
    effects: list[Effect] = []
    items = [PlanItem(label=_review_line(review))]
    if status is not None:
        items = [PlanItem(label=_review_line(review), before=review.status, after=spelled, weight=1)]
        effects.append(_effect(review_id, product_id, "status", review.status, spelled))
    if reply is not None:
        items.append(PlanItem(label=answering.line(reply)))
        answers: Any = present(review, "replies") or []
        effects.append(
            _effect(review_id, product_id, "replies", answers, answering.with_earlier(earlier, reply))
        )
    return Plan(
        action=f"Set one review to {quoted(spelled, 40)}" if status is not None else "Answer one review",
        items=tuple(items),
        also=(*warning, *answering.risks(earlier)),
        effects=tuple(effects),
        asks=(status is not None and not _is_approval(status)) or bool(earlier),
        state={
            "status": spelled,
            "former_status": review.status,
            "updated_at": review.updated_at,
            "customer": {name: getattr(review, name) for name in WORDS_OF_THE_CUSTOMER},
        },
    )


def review_before(plan: Plan) -> wire.Review:
    """The review as the plan of its update has read it: its status, the customer's words, the earlier answers."""
    (about, *_) = plan.effects
    answers = next((effect.before for effect in plan.effects if effect.field == "replies"), None)
    return wire.Review(
        id=about.id or "", status=plan.state["former_status"], replies=answers, **plan.state["customer"]
    )


async def plan_delete_review(shop: Shop, *, review_id: str, product_id: str) -> Plan:
    """The review that goes, and the name of its product, which a person types."""
    review = (await find_reviews(shop, {review_id: product_id}))[review_id]
    name = await _product_name(shop, product_id)
    return Plan(
        action=f"Delete a review of {quoted(name or product_id)}",
        items=(PlanItem(label=_review_line(review)),),
        also=(
            f"It is {one_line(review.status or 'without a status', 40)} now.",
            "What it says is kept in the journal for export, without the customer's e-mail and phone.",
        ),
        lasting="nothing can create a review, so this one never comes back.",
        effects=(
            deletion(
                "review",
                review_id,
                {"review": without_contact(as_told(review))},
                within=product_id,
                name=name,
            ),
        ),
        target=one_line(name, LONGEST_NAME) or None,
    )


async def plan_bulk_update_reviews(shop: Shop, *, reviews: list[shapes.ReviewRef], status: str) -> Plan:
    """Every review with its present status."""
    refuse_repeated("reviews", [review.review_id for review in reviews])
    products = {review.review_id: review.product_id for review in reviews}
    found = await find_reviews(shop, products)
    status, warning = await _spelled(shop, status)
    return Plan(
        action=f"Set {counted(len(reviews), 'review')} to {quoted(status, 40)}",
        items=tuple(
            PlanItem(
                label=_review_line(review),
                before=review.status,
                after=status,
                weight=int(review.status != status),
            )
            for review in found.values()
        ),
        also=warning,
        effects=tuple(
            _effect(key, products[key], "status", review.status, status) for key, review in found.items()
        ),
        state={"status": status},
    )


def without_contact(told: Mapping[str, Any]) -> dict[str, Any]:
    """The same without e-mail addresses and phone numbers, at every depth: the members named so, and those that
    are nothing but an address, as the name of a customer may be."""
    kept = {key: value for key, value in told.items() if not (_CONTACT.search(key) or _is_address(value))}
    return {key: _without_contact(value) for key, value in kept.items()}


def _without_contact(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_contact(cast("Mapping[str, Any]", value))
    if isinstance(value, list):
        return [_without_contact(item) for item in cast("Sequence[Any]", value) if not _is_address(item)]
    return value


def _is_address(value: object) -> bool:
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def _effect(review_id: str, product_id: str, field: str, before: Any, after: Any) -> Effect:
    return Effect(kind="review", id=review_id, field=field, before=before, after=after, within=product_id)


async def _product_name(shop: Shop, product_id: str) -> str:
    """Empty where the product is gone: its reviews may still have to go, too."""
    try:
        return (await shop.api.get_product(product_id=product_id)).name or ""
    except NotFoundError:
        return ""


def _review_line(review: wire.Review) -> str:
    stars = f"{review.rating.normalize():f} star(s)" if review.rating is not None else "no rating"
    words = f", the customer wrote {quoted(review.headline or review.detail or '', 60)}"
    return f"{stars}{words if review.headline or review.detail else ''} (review {review.id})"


def _is_approval(status: str) -> bool:
    return status.casefold() == APPROVED


async def _spelled(shop: Shop, status: str) -> tuple[str, tuple[str, ...]]:
    """The status as the API is to be told it, and what a person should know of it before.

    Any text is taken for a status, so another spelling would hide a review under a status that nobody looks for.
    """
    if _is_approval(status):
        return APPROVED, ()
    try:
        known = await shop.api.count_reviews()
    except ProductsApiError:
        # Without the counts nothing can be said of the spelling; that is no reason to refuse.
        return status, ()
    alike = [name for name in known if name.casefold() == status.casefold()]
    if not alike:
        shop.note(UNKNOWN_STATUS)
        return status, (UNKNOWN_STATUS,)
    return status if status in alike else alike[0], ()
