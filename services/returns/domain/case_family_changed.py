"""What counselling sets right about a family on which a case rests: who a child's parents are, and who its guardian is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.returns.domain.case_state import TERMINAL, Case, CaseFacts, CasePerson, Evidence
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.other_parent import settles
from services.returns.domain.screening_facts import is_called_for, left_uncleared
from shared.contracts.families import GuardianEnded
from shared.decider import Events, Rule, recording
from shared.messages import Command, Context, Event, Part
from shared.moments import Moment


class Guardianship(Part):
    """Whose guardian somebody is; without a child, of every child."""

    guardian_id: UUID
    child_id: UUID | None = None


class RecordFamilyChanged(Command):
    """Take note that a family is not as it was recorded, so that what rests on that is asked anew.

    ``parent_id`` is who may be no parent of its children, ``beside_id`` the spouse who came to be recorded beside that one;
    ``child_id`` is who may be no child of it. What was settled after ``recorded_at`` stands.
    """

    recorded_at: Moment
    parent_id: UUID | None = None
    beside_id: UUID | None = None
    child_id: UUID | None = None
    guardians_ended: tuple[Guardianship, ...] = ()


@dataclass(frozen=True, slots=True)
class _Changed:
    case: Case
    order: RecordFamilyChanged
    now: datetime

    def of(self, child: CasePerson) -> Iterator[Event]:
        """What follows for one person of the case."""
        if (child.travel == "expected" and self.case.status in TERMINAL) or child.travel not in ("expected", "departed"):
            return
        if self._is_other_family(child) and not self._is_known(child):
            yield recorded(child.person_id, Evidence("other_parent", self.now, conditions=("not_both_parents",)))
            if child.travel == "departed" and self._leaves_beside_an_adult(child):
                yield left_uncleared(child.person_id, self.now)
        if child.guardian_id is not None and self.case.status not in TERMINAL and self._has_ended(child):
            yield GuardianEnded(person_id=child.person_id, guardian_id=child.guardian_id)

    def _is_other_family(self, child: CasePerson) -> bool:
        """Whether those of whom the case believes that they are this child's parents may be others."""
        if not child.parent_ids:
            # Then it is not known who they are, and it is asked already.
            return False
        if self.order.beside_id is not None and self.order.beside_id in child.parent_ids:
            return False
        return self.order.parent_id in child.parent_ids or self.order.child_id == child.person_id

    def _is_known(self, child: CasePerson) -> bool:
        """Whether it is asked already, or was settled since; told late or again this changes nothing."""
        known = child.has("other_parent")
        if known is None or not settles(known):
            return known is not None
        return child.travel == "departed" or known.established_at >= self.order.recorded_at

    def _leaves_beside_an_adult(self, child: CasePerson) -> bool:
        # Of a child on its own it is determined what is best; and who left uncleared for whom protection was called already.
        # Beside somebody who may be an adult it is asked as well.
        beside = any(one.recorded_as_adult and one.travel != "withdrawn" for one in self.case.persons)
        return beside and not is_called_for(self.case.screening_of(child.person_id))

    def _has_ended(self, child: CasePerson) -> bool:
        return any(
            one.guardian_id == child.guardian_id and one.child_id in (None, child.person_id)
            for one in self.order.guardians_ended
        )


def _record_family_changed(state: Case | None, order: RecordFamilyChanged, _: CaseFacts, context: Context) -> Events:
    if state is None:
        return ()
    changed = _Changed(state, order, context.now)
    return tuple(event for person in state.persons for event in changed.of(person))


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    recording(RecordFamilyChanged, "Take note that a family is not as it was recorded", _record_family_changed),
)
