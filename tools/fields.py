"""Parameters that several tools share, described once."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from ..products_api.paths import fault_in

Detail = Literal["concise", "full"]
SortOrder = Literal["asc", "desc"]
ProductType = Literal["DIGITAL", "PHYSICAL", "SERVICE", "PHYSICAL/DIGITAL"]
PriceType = Literal["one_time", "recurring"]
MediaType = Literal["image", "video"]

_ANY_TEXT = WithJsonSchema({"type": "string"})
"""Limits that no sensible value meets are enforced, but not spelled out: a model pays for every word of a schema."""


def _one_segment(value: str) -> str:
    if fault := fault_in(value):
        raise ValueError(f"an id as it stands in a list; {fault}")
    return value


Id = Annotated[str, AfterValidator(_one_segment), _ANY_TEXT]
"""Refused here already when it could not be one segment of a path, whether it goes into one or not."""
ProductRef = Annotated[
    str, AfterValidator(_one_segment), WithJsonSchema({"type": "string", "description": "id or slug"})
]
StoreId = Annotated[
    str,
    AfterValidator(_one_segment),
    WithJsonSchema(
        {"type": "string", "description": "id of the store's site: in the web app, on its reviews"}
    ),
]
Ids = Annotated[list[Id], Field(min_length=1, max_length=100)]
BulkIds = Annotated[list[Id], Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=2000), _ANY_TEXT]
Name = Annotated[str, Field(min_length=1, max_length=500), WithJsonSchema({"type": "string", "minLength": 1})]
LongText = Annotated[str, Field(max_length=100_000), _ANY_TEXT]
Money = Annotated[Decimal, Field(ge=0, le=10**12, max_digits=15, description="major units")]
Measure = Annotated[Decimal, Field(ge=0, le=10**9, max_digits=15)]
Quantity = Annotated[int, Field(ge=-(10**9), le=10**9)]
Place = Annotated[int, Field(ge=0, le=10**9)]
Cycles = Annotated[int, Field(ge=1, le=100_000)]
TrialDays = Annotated[int, Field(ge=0, le=100_000)]
Currency = Annotated[str, Field(pattern="^[A-Za-z]{3}$")]
Limit = Annotated[int, Field(ge=1, le=100)]
Offset = Annotated[int, Field(ge=0, le=10**9)]


def _iso_time(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a date or time in ISO 8601, such as 2026-05-31 or 2026-05-31T09:00:00Z") from None
    return text


IsoTime = Annotated[
    str,
    Field(max_length=40),
    AfterValidator(_iso_time),
    WithJsonSchema({"type": "string", "description": "ISO 8601"}),
]
Status = Annotated[str, Field(min_length=1, max_length=40), _ANY_TEXT]
