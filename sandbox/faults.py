"""Faults on demand: what goes wrong, for which operation, and for how many calls."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .contract import operations

EVERY_OPERATION: Final = "*"


class FaultKind(StrEnum):
    """What can go wrong on the way to the API and back."""

    LATENCY = "latency"
    """The right answer, `seconds` late."""
    RATE_LIMITED = "rate_limited"
    """429, whatever the budget says."""
    SERVER_ERROR = "server_error"
    """An answer with `status`, 500 unless told otherwise."""
    DROP_BEFORE = "drop_before"
    """The connection is cut and the request had no effect."""
    DROP_AFTER = "drop_after"
    """The connection is cut and the request had its effect."""
    HTML = "html"
    """A web page with `status`, 502 unless told otherwise, as a gateway sends it."""
    TRUNCATED = "truncated"
    """The first half of the JSON, with a success status."""
    NULLS = "nulls"
    """The right answer, with null for every plain value in it but ids."""
    FIELDS_MISSING = "fields_missing"
    """The right answer, without any plain value in it but ids."""
    ROUTE_MISSING = "route_missing"
    """404: the account does not have this route."""
    ROUTE_UNSUPPORTED = "route_unsupported"
    """401 with the text about the IAM service, which is no word about the token."""
    SCOPE_MISSING = "scope_missing"
    """401: the token lacks the scope."""


APPLIED_BY_DEFAULT: Final = frozenset(
    {
        FaultKind.LATENCY,
        FaultKind.DROP_AFTER,
        FaultKind.TRUNCATED,
        FaultKind.NULLS,
        FaultKind.FIELDS_MISSING,
    }
)
_NEVER_APPLIED: Final = frozenset(
    {
        FaultKind.DROP_BEFORE,
        FaultKind.RATE_LIMITED,
        FaultKind.ROUTE_MISSING,
        FaultKind.ROUTE_UNSUPPORTED,
        FaultKind.SCOPE_MISSING,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    `operation` is an operation id, `METHOD /path/{template}`, or `*` for every operation. The first `skip`
    calls pass unharmed, the next `count` do not; a count of None goes on until the faults are cleared. The
    answer, whatever it is, comes `seconds` late. `applied` says whether the request still has its effect;
    None leaves it to the kind.
    """

    kind: FaultKind
    operation: str = EVERY_OPERATION
    count: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    status: int | None = None
    applied: bool | None = None

    @property
    def takes_effect(self) -> bool:
        """Whether the request is carried out although its answer goes wrong."""
        return self.kind in APPLIED_BY_DEFAULT if self.applied is None else self.applied


class UnknownOperationError(ValueError):
    """A fault names an operation that the contract does not have."""


@dataclass(slots=True)
class _Planned:
    fault: Fault
    skip: int
    left: int | None


class Faults:
    """The faults still to come."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(
        self,
        kind: Fault | FaultKind | str,
        operation: str = EVERY_OPERATION,
        *,
        count: int | None = 1,
        skip: int = 0,
        seconds: float = 0.0,
        status: int | None = None,
        applied: bool | None = None,
    ) -> Fault:
        """Plan a fault.

        Raises `UnknownOperationError`, or `ValueError` for a kind or a number that makes no sense.
        """
        fault = (
            kind
            if isinstance(kind, Fault)
            else Fault(FaultKind(kind), operation, count, skip, seconds, status, applied)
        )
        _check(fault)
        self._planned.append(_Planned(fault, fault.skip, fault.count))
        return fault

    def clear(self) -> None:
        """From here on nothing goes wrong."""
        self._planned.clear()

    def pending(self) -> list[Fault]:
        """The faults that have not been used up, in the order they were planned."""
        return [planned.fault for planned in self._planned]

    def take(self, operation_id: str, name: str) -> Fault | None:
        """The fault that hits this call, if one does. The first planned one wins; each call uses up one."""
        for planned in self._planned:
            if planned.fault.operation not in {EVERY_OPERATION, operation_id, name}:
                continue
            if planned.skip:
                planned.skip -= 1
                continue
            if planned.left is not None:
                planned.left -= 1
                if planned.left == 0:
                    self._planned.remove(planned)
            return planned.fault
        return None


def _check(fault: Fault) -> None:
    known = {EVERY_OPERATION, *(operation.id for operation in operations())}
    known |= {operation.name for operation in operations()}
    if fault.operation not in known:
        raise UnknownOperationError(f"The contract has no operation {fault.operation!r}")
    if fault.applied is True and fault.kind in _NEVER_APPLIED:
        raise ValueError(f"A request that meets {fault.kind} has no effect")
    if fault.applied is False and fault.kind is FaultKind.DROP_AFTER:
        raise ValueError("A request that meets drop_after has its effect; use drop_before")
    if fault.seconds < 0 or fault.skip < 0 or (fault.count is not None and fault.count < 1):
        raise ValueError("seconds and skip are 0 or more, count is 1 or more")
    if fault.status is not None and not 100 <= fault.status <= 599:  # noqa: PLR2004 - the range of HTTP
        raise ValueError("status is an HTTP status")
