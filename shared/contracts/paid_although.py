"""What stood against a payment that was made all the same; a part of events, whose fields are only ever added."""

from collections.abc import Sequence
from typing import Literal

from pydantic import TypeAdapter

from shared.messages import Concealed, Event

# Of the grant, that it is suspended or money of it is asked back; of the payee, why nothing more is sent to it.
StoodAgainst = Literal[
    "grant_suspended", "recovery_open", "payee_closed", "payee_blocked", "payee_erased", "screening_hit", "account_of_staff",
    "payee_not_confirmed", "payee_on_hold", "not_screened", "account_shared", "account_changed",
]  # fmt: skip
_CODES: TypeAdapter[tuple[StoodAgainst, ...]] = TypeAdapter(tuple[StoodAgainst, ...])


class SaysWhatStoodAgainst(Event):
    """That something stood against it at the moment in which it was said; None for most, and for those of before nobody asked.

    What it was is concealed, for of a person it may say that a list of sanctions means them. The first such events said it in
    clear (``paid_although``), where nothing is written any more.
    """

    paid_although: tuple[StoodAgainst, ...] = ()
    stood_against: Concealed | None = None


def concealed(codes: Sequence[StoodAgainst]) -> Concealed | None:
    """What stood against it as an event has it; None where nothing did."""
    return Concealed.of(" ".join(codes)) if codes else None


def codes_in(value: str) -> tuple[StoodAgainst, ...]:
    """What `concealed` was handed; ValidationError for anything else."""
    return _CODES.validate_python(tuple(value.split()))
