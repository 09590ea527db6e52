"""Who stands up for a child in its return case, as returns notes it: whether they can, and that they are kept for as long."""

from typing import Protocol
from uuid import UUID

from services.counselling.domain.erasure import PersonFacts
from shared.contracts.counselling import CaseGuardianNoted
from shared.decider import Events
from shared.messages import Command, Context


class Ward(Protocol):
    """What these rules read of a child."""

    @property
    def case_guardian_id(self) -> UUID | None:
        """Who stands up for the child in its return case."""

    @property
    def case_guardian_of(self) -> UUID | None:
        """Which case that is; None where it was not said."""


class RecordCaseGuardian(Command):
    """Take note who is the guardian of this child in its return case, and answer whether it can be them."""

    guardian_id: UUID
    case_id: UUID


class RecordCaseGuardianEnded(Command):
    """Take note that somebody is not the guardian of this child in its return case any more."""

    guardian_id: UUID
    case_id: UUID


class RecordCaseGuardianMoved(Command):
    """Take note that this child goes on in another case, and whoever stands up for it in this one does in that one."""

    from_id: UUID
    to_id: UUID


def record_case_guardian(state: Ward | None, order: RecordCaseGuardian, facts: PersonFacts, _: Context) -> Events:
    """Whoever is registered and was not erased stands up for the child from now on; of others returns is told that they do not.

    In which year somebody was born a reaction never reads: it is sealed under a key that its login does not have.
    """
    stands = facts.guardian_registered
    known = state is not None and (state.case_guardian_id, state.case_guardian_of) == (order.guardian_id, order.case_id)
    if state is None or (stands and known):
        return ()
    return (CaseGuardianNoted(guardian_id=order.guardian_id, stands=stands, case_id=order.case_id),)


def record_case_guardian_ended(state: Ward | None, order: RecordCaseGuardianEnded, _: PersonFacts, __: Context) -> Events:
    """Nobody stands up for the child, if it was them, and in this case."""
    if state is None or state.case_guardian_id != order.guardian_id or state.case_guardian_of not in (None, order.case_id):
        return ()
    return (CaseGuardianNoted(guardian_id=order.guardian_id, stands=False, case_id=order.case_id),)


def record_case_guardian_moved(state: Ward | None, order: RecordCaseGuardianMoved, _: PersonFacts, __: Context) -> Events:
    """They stand up for the child in that case from now on; of another case than this one nothing changes."""
    if state is None or state.case_guardian_id is None or state.case_guardian_of != order.from_id:
        return ()
    return (CaseGuardianNoted(guardian_id=state.case_guardian_id, stands=True, case_id=order.to_id),)


def case_guardian_after(event: CaseGuardianNoted) -> tuple[UUID | None, UUID | None]:
    """Who stands up for the child after this, and in which case: of whoever took another's place and cannot, nobody."""
    return (event.guardian_id, event.case_id) if event.stands else (None, None)
