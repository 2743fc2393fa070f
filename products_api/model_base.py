"""What all models share: how answers are read generously and requests are written exactly.

Reading: attributes are snake_case, the wire's camelCase and `_id` are aliases, unknown fields are
kept, `null` is as good as absent, and a field of an unforeseen type is set aside rather than
spoiling the whole record: the documentation of this API leaves out fields that arrive, and lists
fields that do not.

Writing: unknown fields are refused, since the API answers stray keys with 422; a field that was
never set is not sent, and one set to None is sent as null. Nothing documents null in a request, and
the sandbox's contract refuses it: to empty a text, send an empty one. A price update alone sends no
null (see `PriceChanges`).
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, cast

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic import ModelWrapValidatorHandler as Handler
from pydantic.alias_generators import to_camel

Item = TypeVar("Item")

WireId = Annotated[str, Field(validation_alias=AliasChoices("_id", "id"), serialization_alias="_id")]
OptionalWireId = Annotated[
    str | None, Field(validation_alias=AliasChoices("_id", "id"), serialization_alias="_id")
]
Money = Annotated[Decimal, Field(ge=0)]
"""A price in major units (19.99 means 19.99), never negative."""


class Record(BaseModel):
    """Something the API answered. Fields it did not tell are None; unknown ones are in `model_extra`."""

    model_config = ConfigDict(
        extra="allow",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        coerce_numbers_to_str=True,
        frozen=True,
        # Validators are built when a model is first used: importing all of them is part of every start.
        defer_build=True,
    )

    @model_validator(mode="wrap")
    @classmethod
    def _set_aside_unreadable_fields(cls, value: Any, handler: Handler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            if not isinstance(value, dict):
                raise
            told = cast(dict[str | int, Any], value)
            faults = {fault["loc"][0] for fault in error.errors(include_input=False) if fault["loc"]}
            unreadable = {key: told[key] for key in faults & told.keys()}
            if not unreadable:
                raise
        return handler(
            {key: item for key, item in told.items() if key not in unreadable} | {"unreadable": unreadable}
        )


class Body(BaseModel):
    """Something to send."""

    never_null: ClassVar[frozenset[str]] = frozenset()
    """Fields that may be left out but not be None."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        defer_build=True,
    )

    @model_validator(mode="after")
    def _refuse_clearing_what_must_exist(self) -> Self:
        for name in sorted(self.model_fields_set & self.never_null):
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be cleared; leave it out to keep it")
        return self

    def wire(self) -> dict[str, Any]:
        """The fields that were set, None as null, under their wire names, Decimals as they are."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Acknowledged(Record):
    """The API accepted a write. It may have answered `null`, which also is success.

    `message` is not for people: the API's documented example says "Successfully created" even for deletes.
    """

    message: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list.

    `total` is what the API claims, None when it did not say; it is not reliable enough to page by.
    `limit` and `offset` are those of the request. `unreadable` has the places, within the page, of entries
    that are not among the items because they lack what cannot be done without.
    """

    items: tuple[Item, ...]
    total: int | None
    limit: int
    offset: int
    unreadable: tuple[int, ...] = field(default=(), kw_only=True)

    @property
    def next_offset(self) -> int | None:
        """Where the next page starts; None when this was the last one.

        A short page ends the list, unless the API claims more: then it may cap pages lower than asked.
        """
        listed = len(self.items) + len(self.unreadable)
        reached = self.offset + listed
        more = listed >= self.limit or (self.total is not None and self.total > reached)
        return reached if listed and more else None

    def offset_after(self, position: int) -> int | None:
        """Where a list goes on after the item at this position of the page; None when it ends there."""
        if position + 1 == len(self.items):
            return self.next_offset
        listed = len(self.items) + len(self.unreadable)
        places = [place for place in range(listed) if place not in self.unreadable]
        return self.offset + places[position] + 1
