"""An attempt that goes on in another case: asked, answered, moved, and taken over, each person's once."""

from uuid import UUID

from services.counselling.domain.attempt import Intention, IntentionFacts
from services.counselling.domain.attempt_moves import (
    RecordAttemptMoved,
    RecordAttemptTakenOver,
    RecordMoveAsked,
)
from services.counselling.domain.intention import INTENTION
from shared.contracts.counselling import (
    AttemptEnded,
    AttemptMayMove,
    AttemptMayNotMove,
    AttemptMoved,
    AttemptTakenOver,
    CoveredPerson,
    IntentionExpressed,
)
from shared.messages import Event
from tests.given import NOON, Given, staff

MOTHER, FATHER, SESSION, OLD, NEW = (UUID(int=number) for number in range(1, 6))
REACTION = staff("reaction", "service")


def covered(person_id: UUID) -> CoveredPerson:
    return CoveredPerson(person_id=person_id, sex="not_stated", age_group="adult", country_of_origin="TR")


WISH = IntentionExpressed(
    session_id=SESSION, principal_id=MOTHER, persons=(covered(MOTHER), covered(FATHER)), destination_country="TR",
    counsellor_id="staff:amira", expressed_at=NOON,
)
MOVED = AttemptMoved(to_id=NEW, person_ids=(FATHER,))
TAKEN_OVER = AttemptTakenOver(
    from_id=OLD, session_id=SESSION, principal_id=FATHER, persons=(covered(FATHER),), destination_country="TR",
    counsellor_id="staff:amira", expressed_at=NOON,
)


def after(*past: Event) -> Intention:
    found = INTENTION.fold(past)
    assert found is not None
    return found


def given(*past: Event, other: Intention | None = None) -> Given[Intention, IntentionFacts]:
    return Given(INTENTION, IntentionFacts(other=other), past)


def test_who_has_an_open_attempt_may_go_on_in_a_new_case_or_in_one_that_there_is() -> None:
    begin = RecordMoveAsked(to_id=NEW, person_ids=(FATHER,), principal_id=FATHER)
    may = AttemptMayMove(to_id=NEW, person_ids=(FATHER,), principal_id=FATHER)
    given(WISH).when(begin, REACTION).then(may)
    assert after(WISH, may) == after(WISH)
    join = RecordMoveAsked(to_id=NEW, person_ids=(FATHER,))
    given(WISH, other=after(TAKEN_OVER)).when(join, REACTION).then(AttemptMayMove(to_id=NEW, person_ids=(FATHER,)))
    no = AttemptMayNotMove(to_id=NEW)
    # What is to begin must not be there, and what is to be joined must.
    given(WISH, other=after(TAKEN_OVER)).when(begin, REACTION).then(no)
    given(WISH).when(join, REACTION).then(no)
    given(WISH, AttemptEnded(person_ids=(FATHER,))).when(begin, REACTION).then(no)
    given().when(begin, REACTION).refused("attempt_unknown")


def test_an_attempt_is_taken_over_and_left_and_goes_on_for_each_in_one_place() -> None:
    over = RecordAttemptTakenOver(from_id=OLD, person_ids=(FATHER,), principal_id=FATHER)
    given(other=after(WISH)).when(over, REACTION).then(TAKEN_OVER)
    given(WISH).when(RecordAttemptMoved(to_id=NEW, person_ids=(FATHER,)), REACTION).then(MOVED)
    left, goes_on = after(WISH, MOVED), after(TAKEN_OVER)
    assert (left.active_person_ids, left.status) == ((MOTHER,), "active")
    assert (goes_on.active_person_ids, goes_on.status, goes_on.split_from) == ((FATHER,), "active", OLD)
    # Who has left is taken over by nobody, and leaves once.
    given(other=left).when(over, REACTION).then()
    given(WISH, MOVED).when(RecordAttemptMoved(to_id=NEW, person_ids=(FATHER,)), REACTION).then()
    # What brought them there could not be applied yet, so this waits behind it and is not passed over.
    given().when(over, REACTION).refused("attempt_unknown")
    given().when(RecordAttemptMoved(to_id=NEW, person_ids=(FATHER,)), REACTION).refused("attempt_unknown")


def test_an_attempt_that_everybody_left_has_ended_and_goes_on_when_they_come_back() -> None:
    everybody = AttemptMoved(to_id=NEW, person_ids=(MOTHER, FATHER))
    assert after(WISH, everybody).status == "ended"
    back = TAKEN_OVER.model_copy(update={"from_id": NEW})
    again = after(WISH, everybody, back)
    assert (again.status, again.active_person_ids, len(again.persons)) == ("active", (FATHER,), 2)
