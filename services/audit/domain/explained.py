"""A finding that nothing clears is looked into by one person and accepted by another; nothing of it is taken out or changed.

Decision 133: who accepts says that somebody looked, not that it was right; found again, it rings again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from shared.contracts.audit import (
    ExplanationRejected,
    FindingAccepted,
    FindingCause,
    FindingExplained,
    IncidentReference,
    LastingFinding,
    RejectionReason,
    Seen,
)
from shared.decider import Decider, Events, ReadsFacts, changing, either
from shared.errors import FourEyes, NotFound, RuleViolation
from shared.messages import Command, Context, Event
from shared.transitions import moved

ExplanationStatus = Literal["explained", "accepted", "rejected"]
BEGINNINGS: Final[frozenset[str]] = frozenset({"explained"})
# What was accepted is explained anew where it was found again, and so is what waits for a second person meanwhile.
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "explained": frozenset({"explained", "accepted", "rejected"}), "accepted": frozenset({"explained"}),
    "rejected": frozenset({"explained"}),
}  # fmt: skip
_ANY: Final[frozenset[FindingCause]] = frozenset(
    {"database_restored", "changed_by_hand", "software_fault", "exercise", "attack_reported", "not_found_out"}
)
# By which causes each kind can come about: the checkpointer signs, and keys are of what was signed.
CAUSES: Final[Mapping[LastingFinding, frozenset[FindingCause]]] = {
    "place": _ANY, "root": _ANY | {"checkpointer_restored"}, "note": _ANY | {"checkpointer_restored", "key_changed_late"},
    "exception": _ANY, "twice": _ANY, "tail": _ANY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExplainedFinding:
    """What was found out about a finding as it had been found so often, and what a second person said to that."""

    log: str
    finding: LastingFinding
    first: int
    last: int
    sightings: int
    cause: FindingCause
    incident: str
    explained_by: str
    explained_at: datetime
    status: ExplanationStatus = "explained"
    accepted_by: str | None = None
    accepted_at: datetime | None = None
    rejected_by: str | None = None
    rejected_at: datetime | None = None
    rejection: RejectionReason | None = None


@dataclass(frozen=True, slots=True)
class FoundNow:
    """A finding as the archive has it at this moment; ``finding`` is None for one that ends by itself once it is mended."""

    log: str
    finding: LastingFinding | None
    first: int
    last: int
    sightings: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """The finding that an order is about, None where the archive has none under this id."""

    found: FoundNow | None = None


class ExplainFinding(Command):
    """Say by what this finding came about, once somebody looked into it. A colleague of another role accepts that or not."""

    sightings: Seen
    cause: FindingCause
    incident: IncidentReference


class AcceptFinding(Command):
    """Accept what a colleague found out about this finding. It stays in every list and rings no more until it is found again."""


class RejectExplanation(Command):
    """Do not accept what a colleague found out about this finding: it rings on until somebody explains it otherwise."""

    reason: RejectionReason


def two_persons() -> FourEyes:
    """Refuses whoever explained it; the database's CHECK refuses it in the same words."""
    return FourEyes("You explained this finding yourself, so somebody else has to decide on it.")


def _found_again() -> RuleViolation:
    return RuleViolation("found_again", "It was found again since. Look at it as it is now, then explain it anew.")


def _standing(facts: FindingFacts) -> FoundNow:
    if facts.found is None:
        raise NotFound
    if facts.found.gone:
        raise RuleViolation("finding_gone", "This is as it should be again, so that there is nothing to explain.")
    return facts.found


def _explain(state: ExplainedFinding | None, order: ExplainFinding, facts: FindingFacts, context: Context) -> Events:
    found = _standing(facts)
    if found.finding is None:
        raise RuleViolation("finding_can_be_mended", "This ends by itself once it is put right, and is accepted by nobody.")
    if order.sightings != found.sightings:
        raise _found_again()
    if state is not None and state.sightings == found.sightings and state.status != "rejected":
        if state.status == "accepted":
            raise RuleViolation("already_accepted", "Two persons explained and accepted this, and it was not found again since.")
        raise RuleViolation("already_explained", "Somebody explained this. A second person has to accept or reject it first.")
    if order.cause not in CAUSES[found.finding]:
        raise RuleViolation("cause_does_not_fit", "A finding of this kind cannot come about by that.")
    return (
        FindingExplained(
            log=found.log, finding=found.finding, first=found.first, last=found.last, sightings=found.sightings, cause=order.cause,
            incident=order.incident, explained_by=context.actor.person_id, explained_at=context.now,
        ),
    )  # fmt: skip


def _waits(state: ExplainedFinding, _: FindingFacts, __: Context) -> None:
    if state.status != "explained":
        raise RuleViolation("not_explained", "No explanation of this finding waits for a second person.")


def _by_another(state: ExplainedFinding, _: FindingFacts, context: Context) -> None:
    if context.actor.person_id == state.explained_by:
        raise two_persons()


@ReadsFacts
def _as_explained(state: ExplainedFinding, facts: FindingFacts, _: Context) -> None:
    if _standing(facts).sightings != state.sightings:
        raise _found_again()


def _accept(state: ExplainedFinding, _: AcceptFinding, __: FindingFacts, context: Context) -> Events:
    return (
        FindingAccepted(
            log=state.log, finding=state.finding, first=state.first, last=state.last, sightings=state.sightings,
            accepted_by=context.actor.person_id, accepted_at=context.now,
        ),
    )  # fmt: skip


def _reject(state: ExplainedFinding, order: RejectExplanation, _: FindingFacts, context: Context) -> Events:
    return (
        ExplanationRejected(
            log=state.log, finding=state.finding, first=state.first, last=state.last, reason=order.reason,
            rejected_by=context.actor.person_id, rejected_at=context.now,
        ),
    )  # fmt: skip


def evolve(state: ExplainedFinding | None, event: Event) -> ExplainedFinding:
    """The explanation after one fact; TypeError for one that does not fit, `IllegalTransition` for a move that is not declared."""
    match event:
        case FindingExplained():
            if state is not None:
                moved(TRANSITIONS, state.status, "explained")
            return ExplainedFinding(
                event.log, event.finding, event.first, event.last, event.sightings, event.cause, event.incident,
                event.explained_by, event.explained_at,
            )  # fmt: skip
        case FindingAccepted() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "accepted"), accepted_by=event.accepted_by, accepted_at=event.accepted_at
            )
        case ExplanationRejected() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "rejected"), rejected_by=event.rejected_by,
                rejected_at=event.rejected_at, rejection=event.reason,
            )  # fmt: skip
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a finding here")


FINDING: Decider[ExplainedFinding, FindingFacts] = Decider(
    rules=(
        either(ExplainFinding, "Explain the finding", _explain),
        changing(AcceptFinding, "Accept the explanation", _accept, _waits, _by_another, _as_explained),
        changing(RejectExplanation, "Reject the explanation", _reject, _waits, _by_another),
    ),
    evolve=evolve,
    events=(FindingExplained, FindingAccepted, ExplanationRejected),
)
