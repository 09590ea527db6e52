"""Support on the way: what a person of a case needs until they have arrived, who gave it, and who is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, cast
from uuid import UUID

from shared.actors import Actor, Role
from shared.contracts.support import (
    SupportCancelled,
    SupportGiven,
    SupportKind,
    SupportNeed,
    SupportOutcome,
    SupportPlanned,
)
from shared.messages import Concealed, Event
from shared.money import Money

SupportStatus = Literal["planned", "given", "cancelled"]

# What each need is counted as: the five kinds that the mission's report names.
KIND_OF: Final[Mapping[SupportNeed, SupportKind]] = {
    "medical_examination": "medical",
    "medical_treatment": "medical",
    "medication": "medical",
    "medical_aid": "medical",
    "psychological_counselling": "psychosocial",
    "psychiatric_care": "psychosocial",
    "care_of_children": "childcare",
    "supplies_for_children": "childcare",
    "nights_before_departure": "accommodation",
    "nights_on_the_way": "accommodation",
    "costs_of_documents": "financial",
    "costs_of_local_travel": "financial",
    "subsistence": "financial",
}
KINDS: Final[tuple[SupportKind, ...]] = ("medical", "psychosocial", "childcare", "accommodation", "financial")
_OF_HEALTH: Final[frozenset[SupportKind]] = frozenset({"medical", "psychosocial"})


@dataclass(frozen=True, slots=True)
class Support:
    """One thing that one person needs on the way, and if it was given, by whom, when and at what cost.

    Of a person who was erased it is kept that there was support, when, and what it cost, but not which.
    """

    support_id: UUID
    person_id: UUID
    needed_from: date
    needed_until: date | None = None
    status: SupportStatus = "planned"
    kind: SupportKind | None = None
    need: SupportNeed | None = None
    provider: str | None = None
    budget_line: str | None = None
    outcome: SupportOutcome | None = None
    cost: Money | None = None
    given_from: date | None = None
    given_until: date | None = None


def with_support(supports: tuple[Support, ...], event: Event) -> tuple[Support, ...] | None:
    """The support of a case after a fact about it; None if the event is none."""
    match event:
        case SupportPlanned():
            return (*supports, _planned(event))
        case SupportGiven():
            return tuple(_given(one, event) if one.support_id == event.support_id else one for one in supports)
        case SupportCancelled():
            return tuple(
                replace(one, status="cancelled") if one.support_id == event.support_id else one for one in supports
            )
        case _:
            return None


def tells_of_health(need: SupportNeed) -> bool:
    """Whether whoever knows of this need knows something of the person's health."""
    return KIND_OF[need] in _OF_HEALTH


def is_shown_health_support(counsellor_id: str, reader: Actor) -> bool:
    """Whether somebody is shown support that tells of health: who cares for the person, and nobody who prepares the rest."""
    if not reader.roles.isdisjoint({Role.PROTECTION, Role.MEDICAL}):
        return True
    return Role.COUNSELLOR in reader.roles and reader.person_id == counsellor_id


def support_seen_by(supports: tuple[Support, ...], counsellor_id: str, reader: Actor) -> tuple[Support, ...]:
    """The support of a case as a member of staff is shown it: of what tells of health others do not see that it is there."""
    if is_shown_health_support(counsellor_id, reader):
        return supports
    # Of somebody who was erased nothing tells which support it was, so it is left out for these readers as well.
    return tuple(one for one in supports if one.need is not None and not tells_of_health(one.need))


def planned(support: Support) -> SupportPlanned:
    """The fact that this is planned, stated again in another case to which the person comes."""
    return SupportPlanned(
        support_id=support.support_id, person_id=support.person_id, need=Concealed.of(support.need or ""),
        needed_from=support.needed_from, needed_until=support.needed_until,
    )


def _planned(event: SupportPlanned) -> Support:
    need = cast("SupportNeed | None", event.need.value)
    return Support(
        event.support_id, event.person_id, event.needed_from, event.needed_until,
        kind=KIND_OF[need] if need is not None else None, need=need,
    )  # fmt: skip


def _given(support: Support, event: SupportGiven) -> Support:
    return replace(
        support, status="given", provider=event.provider.value, budget_line=event.budget_line.value,
        outcome=cast("SupportOutcome | None", event.outcome.value), cost=event.cost, given_from=event.given_from,
        given_until=event.given_until,
    )  # fmt: skip

