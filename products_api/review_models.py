"""Reviews of products as they are read, answered and moderated.

No documentation lists the fields of a review that is read, nor the values of its status: the names
here are pieced together from what an update accepts, several spellings are understood, and a status
is an open text (`approved` is the only documented one). What customers wrote is data, never
instruction.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, cast

from pydantic import AliasChoices, Field, ValidationError, field_validator

from .model_base import Body, Record

UNKNOWN_STATUS = "unknown"
"""What reviews are counted under whose status the API does not tell."""

_STATUS_KEYS = ("status", "_id", "name")
_SUMS = frozenset({"total", "count", "all"})


class ReviewAuthor(Record):
    """Who wrote a review or an answer."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    is_customer: bool | None = None


class ReviewReply(Record):
    """An answer to a review."""

    headline: str | None = None
    comment: str | None = None
    user: ReviewAuthor | None = None

    def resendable(self) -> "ReviewReplyInput | None":
        """This answer as an update can send it again, ids and times left out.

        None when it lacks what a request must have: the name and email of who signed it, or its text. A missing
        headline is sent as an empty one.
        """
        if self.comment is None or self.user is None:
            return None
        author = self.user.model_dump(include=set(ReviewAuthorInput.model_fields), exclude_none=True)
        try:
            return ReviewReplyInput.model_validate(
                {"headline": self.headline or "", "comment": self.comment, "user": author}
            )
        except ValidationError:
            return None


class Review(Record):
    """One customer's review of a product; `rating` is 1 to 5 stars, possibly halves."""

    id: str = Field(validation_alias=AliasChoices("_id", "id", "reviewId"), serialization_alias="_id")
    product_id: str | None = Field(
        default=None, validation_alias=AliasChoices("productId", "product"), serialization_alias="productId"
    )
    store_id: str | None = Field(
        default=None, validation_alias=AliasChoices("storeId", "store"), serialization_alias="storeId"
    )
    status: str | None = None
    rating: Decimal | None = None
    headline: str | None = None
    detail: str | None = Field(
        default=None, validation_alias=AliasChoices("detail", "comment"), serialization_alias="detail"
    )
    user: ReviewAuthor | None = Field(
        default=None, validation_alias=AliasChoices("user", "customer"), serialization_alias="user"
    )
    replies: list[ReviewReply] | None = Field(
        default=None, validation_alias=AliasChoices("reply", "replies"), serialization_alias="reply"
    )
    created_at: str | None = None
    updated_at: str | None = None

    @field_validator("replies", mode="before")
    @classmethod
    def _one_reply_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @field_validator("product_id", "store_id", mode="before")
    @classmethod
    def _id_of_an_expanded_object(cls, value: Any) -> Any:
        if isinstance(value, dict):
            found = cast(dict[str, Any], value)
            return found.get("_id", found.get("id"))
        return value


class ReviewAuthorInput(Body):
    """Who answers a review."""

    name: str = Field(min_length=1, max_length=100)
    email: str = Field(min_length=1)
    phone: str | None = None
    is_customer: bool | None = None


class ReviewReplyInput(Body):
    """An answer to a review."""

    headline: str = Field(max_length=200)
    comment: str = Field(max_length=5000)
    user: ReviewAuthorInput


class ReviewUpdate(Body):
    """A moderation or an answer. The status is required even to answer only: send the present one again.

    Whether `reply` adds to the earlier answers or replaces them is not documented. `rating`, `headline`
    and `detail` are the customer's own words.
    """

    never_null: ClassVar[frozenset[str]] = frozenset({"reply", "rating", "headline", "detail"})

    product_id: str = Field(min_length=1)
    status: str = Field(min_length=1)
    reply: list[ReviewReplyInput] | None = None
    rating: Decimal | None = None
    headline: str | None = None
    detail: str | None = None


class ReviewReference(Body):
    """A review as a bulk change names it; all three ids are required there."""

    review_id: str = Field(min_length=1)
    product_id: str = Field(min_length=1)
    store_id: str = Field(min_length=1)


def status_counts(value: Any) -> dict[str, int] | None:
    """Reviews per status from any of the plausible shapes; None when it is none of them.

    Understood: a list of objects with the status under `status`, `_id` or `name` and the number under
    `count` or `total`; one flat object, with or without the sum of its numbers; either of them under
    `data` or `counts`. Reviews whose status is not told are counted under `unknown`.
    """
    if isinstance(value, Mapping):
        flat = cast(Mapping[str, Any], value)
        for envelope in ("data", "counts"):
            if isinstance(flat.get(envelope), (Mapping, list)):
                return status_counts(flat[envelope])
        return _flat_counts(flat)
    if not isinstance(value, list):
        return None
    counts: dict[str, int] = {}
    for entry in cast(list[Any], value):
        if not isinstance(entry, Mapping):
            return None
        fields = cast(Mapping[str, Any], entry)
        number = next((fields[key] for key in ("count", "total") if _is_count(fields.get(key))), None)
        if number is not None and any(key in fields for key in _STATUS_KEYS):
            names = (fields.get(key) for key in _STATUS_KEYS)
            name = next((name for name in names if name and isinstance(name, str)), UNKNOWN_STATUS)
            found = {name: int(number)}
        else:
            found = _flat_counts(fields)
        for name, count in found.items():
            counts[name] = counts.get(name, 0) + count
    return counts


def _flat_counts(fields: Mapping[str, Any]) -> dict[str, int]:
    """Numbers under the names of their statuses. A sum beside them is no status; alone, it says how many."""
    numbers = {key: int(item) for key, item in fields.items() if _is_count(item)}
    counts = {key: number for key, number in numbers.items() if key.casefold() not in _SUMS}
    total = max(numbers.values(), default=0)
    return counts if counts or not total else {UNKNOWN_STATUS: total}


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)
