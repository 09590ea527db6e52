"""How holds change a case: where it stands while one does, and where it goes on."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import cast
from uuid import UUID

from services.returns.domain.case_changes import moved_to, unconfirmed
from services.returns.domain.case_state import FOLLOWING_GRANTS, GATED, TRANSITIONS, Case, Status, standing
from services.returns.domain.holds import Hold, held_for
from shared.contracts.returns import HoldPlaced, TransitInterrupted
from shared.transitions import moved


def hold_of(event: HoldPlaced | TransitInterrupted) -> Hold:
    """The hold that a fact has placed."""
    if isinstance(event, TransitInterrupted):
        return Hold(event.hold_id, event.interrupted_at, event.placed_by, "transit", person_ids=event.person_ids)
    return Hold(event.hold_id, event.placed_at, event.placed_by, held_for(event.reason.value))


def held(case: Case, hold: Hold) -> Case:
    """The case with one hold more; whoever was about to leave is asked everything anew."""
    held = replace(case, holds=(*case.holds, hold))
    if case.clearance_lapsed_at is not None:
        # Whatever a clock said: no clearance outlives a hold.
        held = replace(held, clearance_lapsed_at=min(case.clearance_lapsed_at, hold.placed_at))
    if case.status == "on_hold":
        return held
    if case.status not in GATED:
        return replace(held, status=moved_to(case, "on_hold"), status_before_hold=case.status)
    # Whoever was about to leave is asked everything anew; whoever has left before that left with the clearance that stood.
    anew = replace(unconfirmed(held), status=moved_to(case, "on_hold"), status_before_hold="preparing")
    if case.cleared_at is None:
        return anew
    return replace(anew, cleared_at=case.cleared_at, clearance_lapsed_at=held.clearance_lapsed_at or hold.placed_at)


def lifted(case: Case, hold_ids: Iterable[UUID], at: datetime) -> Case:
    """The case without these holds; with the last of them it goes on."""
    named = frozenset(hold_ids)
    holds = tuple(hold.lifted(at) if hold.hold_id in named else hold for hold in case.holds)
    lifted = replace(case, holds=holds)
    if case.status != "on_hold" or any(hold.stands for hold in holds):
        return lifted
    return replace(lifted, status=moved_to(case, _status_without_holds(case)), status_before_hold=None)


def _status_without_holds(case: Case) -> Status:
    # Of a case that was held before grants moved its stretch what became of them is known, but waited with it.
    if case.stretch in FOLLOWING_GRANTS and case.grants:
        return standing(case.grants)
    return case.stretch


def got_to(case: Case, to: str) -> Case:
    """The case at this status, or, as long as it is held, on the stretch that has it; `IllegalTransition` if none leads there."""
    if case.status != "on_hold":
        return replace(case, status=moved_to(case, to))
    # An event carries its status as a plain string; only a declared one gets past the table.
    return replace(case, status_before_hold=cast("Status", moved(TRANSITIONS, case.stretch, to)))


def stopped_no_more(case: Case, at: datetime) -> Case:
    """The case without holds for a journey that was interrupted, once nobody of those who were stopped is on the way."""
    under_way = {person.person_id for person in case.persons if person.travel == "departed"}
    over = [
        hold.hold_id for hold in case.holds
        if hold.stands and hold.reason == "transit" and under_way.isdisjoint(hold.person_ids)
    ]  # fmt: skip
    return lifted(case, over, at) if over else case


def no_longer_held(case: Case) -> Case:
    """A case that ends keeps of its holds only that there were some, and only of those that were lifted."""
    return replace(case, holds=tuple(hold for hold in case.holds if not hold.stands), status_before_hold=None)


