"""What was said of a line of the bank's, as one table of states: what may follow on what, and what stands in the way.

A line is said to be no payment of ours, to be of an attempt to pay, or to be another one than that for which it was taken. What two persons found two persons undo, and what
settled nobody talks about any more: then the line itself says what became of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from shared.contracts.bank import (
    BankLineApartAsked,
    BankLineApartDropped,
    BankLineExplained,
    BankLineExplanationAsked,
    BankLineExplanationDropped,
    BankLineMatchAsked,
    BankLineMatchDropped,
    BankLineMatched,
    BankLineMatchKept,
    BankLineMatchUndone,
    BankLineToldApart,
    BankLineUndoAsked,
    Explanation,
    OtherThanNamed,
)
from shared.errors import RuleViolation
from shared.messages import Event
from shared.transitions import moved

BankLineActStatus = Literal[
    "match_asked", "match_dropped", "matched", "undo_asked", "match_kept", "match_undone", "explanation_asked",
    "explanation_dropped", "explained", "apart_asked", "apart_dropped", "told_apart",
]  # fmt: skip
_SAID_ANEW: Final[frozenset[str]] = frozenset({"match_asked", "explanation_asked", "explained"})
BEGINNINGS: Final[frozenset[str]] = _SAID_ANEW | {"apart_asked"}
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "match_asked": frozenset({"match_dropped", "matched"}), "match_dropped": _SAID_ANEW,
    "matched": frozenset({"undo_asked"}), "undo_asked": frozenset({"match_kept", "match_undone"}),
    "match_kept": frozenset({"undo_asked"}), "match_undone": _SAID_ANEW,
    "explanation_asked": frozenset({"explained", "explanation_dropped"}), "explanation_dropped": _SAID_ANEW,
    "explained": frozenset(), "apart_asked": frozenset({"apart_dropped", "told_apart"}), "apart_dropped": frozenset({"apart_asked"}),
    "told_apart": _SAID_ANEW,
}  # fmt: skip
# What one person said of a match before decision 70 stays in the log; no rule and no row lets it follow any more.
_ONCE_ALLOWED: Final = frozenset({("matched", "explained"), ("matched", "match_asked")})
# While a line stands at one of these it is of the attempt that two persons found, else of the one that the bank names.
OF_THE_ATTEMPT_FOUND: Final[frozenset[BankLineActStatus]] = frozenset({"matched", "undo_asked", "match_kept"})
# What has to be decided before anything else is said of the line.
_IN_THE_WAY: Final[Mapping[str, RuleViolation]] = {
    "match_asked": RuleViolation("match_waits", "A colleague found of which payment this line is. Confirm that or drop it first."),
    "explanation_asked": RuleViolation("explanation_waits", "A colleague said what this line is. Confirm that or drop it first."),
    "undo_asked": RuleViolation("undo_waits", "A colleague asked to undo of which payment this line is. Decide on that first."),
    **dict.fromkeys(
        ("matched", "match_kept"),
        RuleViolation("line_matched", "Two persons found of which payment this line is. Two undo that first."),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BankLineAct:
    """What was said of a line last, by whom, and who asked for it where that takes two.

    ``attempt_id`` is the attempt that one person found it to be of, and perhaps a second one; ``other_than_named`` says why
    it is not the one of ours that the bank names, and ``paid_part`` how much of the line is of it, in its currency, where that is
    not all of exactly its amount; ``part_worth`` is what that is in the line's, where it is another. ``spoken``: everybody who ever said something of the line, in the order of their ids.
    """

    status: BankLineActStatus
    acted_by: str
    acted_at: datetime
    explanation: Explanation | None = None
    attempt_id: UUID | None = None
    asked_by: str | None = None
    other_than_named: OtherThanNamed | None = None
    paid_part: Decimal | None = None
    part_worth: Decimal | None = None
    spoken: tuple[str, ...] = ()


def line_settled() -> RuleViolation:
    """Refuses to say anything of a line that waits for nobody."""
    return RuleViolation("line_settled", "This line waits for nobody: it is settled or explained already, only told again, or its file does not count.")


def refuse_unless_free(status: BankLineActStatus | None, *, waits: bool) -> None:
    """Refused unless something may be said anew of a line that ``waits``, of which this was said last.

    ``line_settled``, ``match_waits``, ``explanation_waits``, ``undo_waits`` or ``line_matched``.
    """
    if not waits:
        raise line_settled()
    if status is not None and status in _IN_THE_WAY:
        raise _IN_THE_WAY[status]


def evolve(state: BankLineAct | None, event: Event) -> BankLineAct:
    """What was said of a line last; TypeError for an event that is not of one, `IllegalTransition` for one that does not fit."""
    said = _said(state, event)
    before = () if state is None else state.spoken
    return replace(said, spoken=tuple(sorted({*before, said.acted_by})))


def _said(state: BankLineAct | None, event: Event) -> BankLineAct:
    match event:
        case BankLineExplained():
            return BankLineAct(
                _to(state, "explained"), event.explained_by, event.explained_at, event.explanation, asked_by=event.asked_by
            )
        case BankLineExplanationAsked():
            return BankLineAct(
                _to(state, "explanation_asked"), event.asked_by, event.asked_at, event.explanation, asked_by=event.asked_by
            )
        case BankLineExplanationDropped() if state is not None:
            return BankLineAct(_to(state, "explanation_dropped"), event.dropped_by, event.dropped_at)
        case BankLineMatchAsked():
            return BankLineAct(
                _to(state, "match_asked"), event.asked_by, event.asked_at, attempt_id=event.attempt_id,
                asked_by=event.asked_by, other_than_named=event.other_than_named,
                paid_part=None if event.paid_part is None else event.paid_part.amount,
            )  # fmt: skip
        case BankLineMatchDropped() if state is not None:
            return BankLineAct(_to(state, "match_dropped"), event.dropped_by, event.dropped_at)
        case BankLineApartAsked():
            return BankLineAct(_to(state, "apart_asked"), event.asked_by, event.asked_at, asked_by=event.asked_by)
        case BankLineToldApart() if state is not None:
            return replace(state, status=_to(state, "told_apart"), acted_by=event.confirmed_by, acted_at=event.confirmed_at)
        case BankLineApartDropped() if state is not None:
            return BankLineAct(_to(state, "apart_dropped"), event.dropped_by, event.dropped_at)
        case _ if state is not None:
            return _of_a_match(state, event)
        case _:
            raise _does_not_fit(event)


def _of_a_match(state: BankLineAct, event: Event) -> BankLineAct:
    match event:
        case BankLineMatched():
            return replace(
                state, status=_to(state, "matched"), acted_by=event.matched_by, acted_at=event.matched_at,
                part_worth=None if event.part_worth is None else event.part_worth.amount,
            )  # fmt: skip
        case BankLineUndoAsked():
            return replace(
                state, status=_to(state, "undo_asked"), acted_by=event.asked_by, acted_at=event.asked_at, asked_by=event.asked_by
            )
        case BankLineMatchKept():
            return replace(state, status=_to(state, "match_kept"), acted_by=event.kept_by, acted_at=event.kept_at, asked_by=None)
        case BankLineMatchUndone():
            return BankLineAct(_to(state, "match_undone"), event.undone_by, event.undone_at, asked_by=event.asked_by)
        case _:
            raise _does_not_fit(event)


def _does_not_fit(event: Event) -> TypeError:
    return TypeError(f"{type(event).__name__} does not fit what is said of a line here")


def _to(state: BankLineAct | None, status: BankLineActStatus) -> BankLineActStatus:
    if state is None and status in BEGINNINGS:
        return status
    if state is None:
        raise TypeError(f"nothing was said of the line that could be {status}")
    return status if (state.status, status) in _ONCE_ALLOWED else moved(TRANSITIONS, state.status, status)
