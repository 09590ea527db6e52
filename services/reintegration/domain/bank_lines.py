"""What persons say of a line of the bank's that settles nothing by itself: what it is, or of which attempt to pay."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from services.reintegration.domain.matching import BankLine, KnownAttempt, is_settling, settles
from shared.contracts.bank import (
    BankLineExplained,
    BankLineMatchAsked,
    BankLineMatchDropped,
    BankLineMatched,
    Explanation,
)
from shared.decider import Decider, Events, changing, either
from shared.errors import FourEyes, NotFound, RuleViolation
from shared.messages import Command, Context, Event
from shared.transitions import moved

BankLineActStatus = Literal["match_asked", "match_dropped", "matched", "explained"]
BEGINNINGS: Final[frozenset[str]] = frozenset({"match_asked", "explained"})
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "match_asked": frozenset({"match_dropped", "matched"}), "match_dropped": frozenset({"match_asked", "explained"}),
    "matched": frozenset({"match_asked", "explained"}), "explained": frozenset(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BankLineAct:
    """What was said of a line last: ``attempt_id`` is the attempt that one person found it to be of, and perhaps a second one."""

    status: BankLineActStatus
    acted_by: str
    acted_at: datetime
    explanation: Explanation | None = None
    attempt_id: UUID | None = None
    asked_by: str | None = None


@dataclass(frozen=True, slots=True)
class BankLineFacts:
    """The line as it stands, whether it waits for somebody, and the attempt that is meant with whoever released it."""

    line: BankLine | None = None
    waits: bool = False
    attempt: KnownAttempt | None = None
    released_by: str | None = None


class ExplainLine(Command):
    """Say what a line is that is no payment of ours; it waits in the queue no more."""

    explanation: Explanation


class MatchLine(Command):
    """Say of which attempt to pay a line is, where the bank lost what we had written. A colleague confirms it."""

    attempt_id: UUID


class ConfirmMatch(Command):
    """Confirm that a line is of the attempt that a colleague found; it is settled as if the bank had said so."""


class DropMatch(Command):
    """Take back that a line is of that attempt."""


def not_by_whoever_asked() -> FourEyes:
    """Refuses to confirm what one asked oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You found of which payment this line is, so somebody else has to confirm it.")


def line_settled() -> RuleViolation:
    """Refuses to say anything of a line that waits for nobody."""
    return RuleViolation("line_settled", "This line waits for nobody: it is settled or explained already, or only told again.")


def _waiting(facts: BankLineFacts) -> BankLine:
    if facts.line is None:
        raise NotFound
    if not facts.waits:
        raise line_settled()
    return facts.line


def _refuse_while_asked(state: BankLineAct | None) -> None:
    if state is not None and state.status == "match_asked":
        raise RuleViolation("match_waits", "A colleague found of which payment this line is. Confirm that or drop it first.")


def _refuse_unless_it_fits(line: BankLine, facts: BankLineFacts, attempt_id: UUID, context: Context) -> None:
    """Refused by what stands against it: the reasons of `matching.settles`, and ``four_eyes`` for whoever paid."""
    if line.kind != "booked":
        raise RuleViolation("not_booked", "A report says itself which payments it speaks of. Only a line that was booked is matched.")
    found = settles(replace(line, attempt_id=attempt_id, by_hand=True), facts.attempt)
    if not is_settling(found):
        raise RuleViolation(found, "This line and this attempt to pay do not fit: amount, currency, and how far the payment is must.")
    if context.actor.person_id == facts.released_by:
        raise FourEyes("You released this payment, so somebody else has to say which line it is.")


def _explain(state: BankLineAct | None, order: ExplainLine, facts: BankLineFacts, context: Context) -> Events:
    _waiting(facts)
    _refuse_while_asked(state)
    return (
        BankLineExplained(explanation=order.explanation, explained_by=context.actor.person_id, explained_at=context.now),
    )  # fmt: skip


def _match(state: BankLineAct | None, order: MatchLine, facts: BankLineFacts, context: Context) -> Events:
    line = _waiting(facts)
    _refuse_while_asked(state)
    _refuse_unless_it_fits(line, facts, order.attempt_id, context)
    return (
        BankLineMatchAsked(attempt_id=order.attempt_id, asked_by=context.actor.person_id, asked_at=context.now),
    )  # fmt: skip


def _asked(state: BankLineAct, _: BankLineFacts, __: Context) -> None:
    if state.status != "match_asked":
        raise RuleViolation("wrong_status", "Nobody has said of which payment this line is, or that is decided already.")


def _by_another(state: BankLineAct, _: BankLineFacts, context: Context) -> None:
    if state.asked_by == context.actor.person_id:
        raise not_by_whoever_asked()


def _confirm(state: BankLineAct, _: ConfirmMatch, facts: BankLineFacts, context: Context) -> Events:
    assert state.attempt_id is not None
    assert state.asked_by is not None
    _refuse_unless_it_fits(_waiting(facts), facts, state.attempt_id, context)
    return (
        BankLineMatched(
            attempt_id=state.attempt_id, asked_by=state.asked_by, matched_by=context.actor.person_id, matched_at=context.now
        ),
    )  # fmt: skip


def _drop(_: BankLineAct, __: DropMatch, ___: BankLineFacts, context: Context) -> Events:
    return (BankLineMatchDropped(dropped_by=context.actor.person_id, dropped_at=context.now),)


def evolve(state: BankLineAct | None, event: Event) -> BankLineAct:
    """What was said of a line last; TypeError for an event that is not of one, `IllegalTransition` for one that does not fit."""
    match event:
        case BankLineExplained():
            return BankLineAct(_to(state, "explained"), event.explained_by, event.explained_at, event.explanation)
        case BankLineMatchAsked():
            return BankLineAct(
                _to(state, "match_asked"), event.asked_by, event.asked_at, attempt_id=event.attempt_id, asked_by=event.asked_by
            )
        case BankLineMatched() if state is not None:
            return replace(state, status=_to(state, "matched"), acted_by=event.matched_by, acted_at=event.matched_at)
        case BankLineMatchDropped() if state is not None:
            return BankLineAct(_to(state, "match_dropped"), event.dropped_by, event.dropped_at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit what is said of a line here")


def _to(state: BankLineAct | None, status: BankLineActStatus) -> BankLineActStatus:
    if state is None and status in BEGINNINGS:
        return status
    if state is None:
        raise TypeError(f"nothing was said of the line that could be {status}")
    return moved(TRANSITIONS, state.status, status)


BANK_LINE: Decider[BankLineAct, BankLineFacts] = Decider(
    rules=(
        either(ExplainLine, "Say what it is", _explain),
        either(MatchLine, "Say which payment it is", _match),
        changing(ConfirmMatch, "Confirm which payment it is", _confirm, _asked, _by_another),
        changing(DropMatch, "Drop the match", _drop, _asked),
    ),
    evolve=evolve,
    events=(BankLineExplained, BankLineMatchAsked, BankLineMatchDropped, BankLineMatched),
)
