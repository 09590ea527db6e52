"""The checker itself: a sound history passes, and whatever is planted in it is found and named."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from ops.demo_year.people import moment
from ops.demo_year.script import Step
from services.counselling.domain.intention import ExpressIntention
from services.reintegration.domain.tranches import ReleaseTranche
from services.returns.domain.case_application import StartScreening, SubmitApplication
from services.returns.domain.case_corrections import CorrectDeparture
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_reintegration import StartMonitoring
from shared.contracts.corrections import DepartureCorrected
from shared.contracts.counselling import AttemptMayMove, IntentionExpressed
from shared.contracts.families import CaseSplitOff
from shared.contracts.noted_cases import ArrivalNoted, CaseNoted
from shared.contracts.reintegration import TrancheReleased
from shared.contracts.returns import (
    ApplicationSubmitted,
    CaseArrived,
    CaseDeparted,
    CaseOpened,
    MonitoringStarted,
    PersonArrived,
    PersonDeparted,
    ScreeningRecorded,
    ScreeningStarted,
)
from shared.http import Receipt
from shared.ids import uuid7
from shared.messages import Command, Event
from tests.chaos.checker import Entry, differences, told_in_part
from tests.chaos.history import Asked, Attempt


@dataclass
class Story:
    """A history made by hand."""

    asked: list[Asked] = field(default_factory=list)
    logs: dict[str, list[Entry]] = field(
        default_factory=lambda: {"counselling": [], "returns": [], "reintegration": []}
    )

    def ask(
        self, id: UUID, order: Command, *attempts: Attempt, version: int, repeated: bool = False, by: str = "counsellor"
    ) -> None:
        step = Step(moment(1, 9), by, id, order)
        receipt = Receipt(id=id, version=version, repeated=repeated)
        self.asked.append(Asked(f"key-{len(self.asked)}", step, list(attempts), [receipt]))

    def happen(
        self, service: str, kind: type[Event], id: UUID, version: int, correlation: str, cause: Entry | None = None
    ) -> Entry:
        entry = Entry(
            uuid7(), kind.kind, id, version, correlation, f"hash {service} {len(self.logs[service])}",
            cause.id if cause else None, cause.hash if cause else None,
        )  # fmt: skip
        self.logs[service].append(entry)
        return entry

    def wrong(self) -> list[str]:
        return differences(self.asked, self.logs)


def sound() -> Story:
    """Two wishes to return, their cases known everywhere.

    One case was screened, which had to be asked for twice; of the other somebody left, and an office saw them arrive.
    """
    story = Story()
    wishes: list[Entry] = []
    for number in (1, 2):
        person_id, case_id = uuid7(), uuid7()
        wish = ExpressIntention(
            session_id=uuid7(), principal_id=person_id, person_ids=(person_id,), destination_country="TR"
        )
        story.ask(case_id, wish, Attempt(f"wish-{number}", "accepted"), version=1)
        wishes.append(story.happen("counselling", IntentionExpressed, case_id, 1, f"wish-{number}"))
    for wished in wishes:
        opened = story.happen("returns", CaseOpened, wished.subject, 1, wished.correlation, wished)
        story.happen("reintegration", CaseNoted, wished.subject, 1, wished.correlation, opened)
    case_id = wishes[0].subject
    lost, heard = Attempt("screen-1"), Attempt("screen-2", "accepted")
    story.ask(case_id, StartScreening(), lost, heard, version=2, repeated=True)
    story.happen("returns", ScreeningStarted, case_id, 2, "screen-1")
    early, later = Attempt("submit-1", "refused", 409, "screening_missing"), Attempt("submit-2", "accepted")
    story.ask(case_id, SubmitApplication(), early, later, version=3)
    story.happen("returns", ApplicationSubmitted, case_id, 3, "submit-2")
    case_id, person_id, at = wishes[1].subject, uuid7(), moment(2, 9)
    story.ask(case_id, RecordDeparture(person_ids=(person_id,), departed_at=at), Attempt("leave", "accepted"), version=3)
    for version, kind in ((2, PersonDeparted), (3, CaseDeparted)):
        story.happen("returns", kind, case_id, version, "leave")
    arrival = ConfirmArrival(person_id=person_id, arrived_at=at, known_by="met")
    story.ask(case_id, arrival, Attempt("arrive", "accepted"), version=1_000_003, by="receiving-office-tr")
    arrived = story.happen("returns", PersonArrived, case_id, 4, "arrive")
    story.happen("returns", CaseArrived, case_id, 5, "arrive")
    story.happen("reintegration", ArrivalNoted, case_id, 2, "arrive", arrived)
    return story


def test_a_sound_history_has_nothing_wrong() -> None:
    assert sound().wrong() == []


def test_what_an_office_is_told_in_part_is_not_held_against_its_number() -> None:
    story = sound()
    assert told_in_part(story.asked, story.logs) == {("returns", "arrive")}
    # The case that arrived goes on in its row; by what the office was told, nothing is missing here.
    story.logs["returns"] = [entry for entry in story.logs["returns"] if entry.type != CaseArrived.kind]
    assert not [line for line in story.wrong() if "ConfirmArrival" in line]


def test_a_departure_that_was_corrected_is_not_waited_for() -> None:
    story = sound()
    case_id, at = story.logs["returns"][-1].subject, moment(3, 9)
    log = story.logs["returns"]
    arrived = [replace(entry, version=entry.version + 2) for entry in log[-2:]]
    story.logs["reintegration"][-1] = replace(story.logs["reintegration"][-1], cause=arrived[0].id, cause_hash=arrived[0].hash)
    del log[-2:]
    person_id = uuid7()
    story.ask(case_id, CorrectDeparture(person_id=person_id), Attempt("correct", "accepted"), version=4, by="coordinator")
    story.happen("returns", DepartureCorrected, case_id, 4, "correct")
    story.ask(case_id, RecordDeparture(person_ids=(person_id,), departed_at=at), Attempt("leave-2", "accepted"), version=5)
    story.happen("returns", PersonDeparted, case_id, 5, "leave-2")
    log += arrived
    assert story.wrong() == []


def split_off(story: Story, taken: int) -> None:
    """A case that takes persons over, once or again, and states of both of them what was found."""
    cause = story.happen("counselling", AttemptMayMove, uuid7(), 1, story.logs["counselling"][0].correlation)
    case_id = uuid7()
    for version, kind in enumerate((CaseSplitOff, ScreeningRecorded, ScreeningRecorded) * taken, 1):
        story.happen("returns", kind, case_id, version, cause.correlation, cause)


def test_what_a_case_states_again_of_whom_it_takes_over_is_no_second_effect() -> None:
    story = sound()
    split_off(story, 1)
    # What is made by hand here was ordered by nobody, and has no effect in the third service.
    assert [wrong for wrong in story.wrong() if "twice" in wrong] == []


def take_persons_over_twice(story: Story) -> None:
    split_off(story, 2)


def find_something_twice(story: Story) -> None:
    cause = story.logs["counselling"][-1]
    for version in (1, 2):
        story.happen("returns", ScreeningRecorded, story.logs["returns"][-1].subject, 5 + version, cause.correlation, cause)


def lose_an_acknowledged_command(story: Story) -> None:
    del story.logs["returns"][3]


def lose_a_command_in_the_middle_and_close_the_gap(story: Story) -> None:
    log = story.logs["returns"]
    del log[2]
    log[2] = replace(log[2], version=2)


def do_a_command_twice(story: Story) -> None:
    log = story.logs["returns"]
    log.append(replace(log[2], id=uuid7(), version=4, correlation="screen-2"))


def do_one_request_twice(story: Story) -> None:
    log = story.logs["returns"]
    log.append(replace(log[3], id=uuid7(), version=4))


def do_what_was_refused(story: Story) -> None:
    log = story.logs["returns"]
    log[3] = replace(log[3], correlation="submit-1")


def say_twice_that_it_was_done_just_now(story: Story) -> None:
    story.asked[0].receipts.append(story.asked[0].receipts[0])


def answer_in_two_ways(story: Story) -> None:
    receipt = story.asked[0].receipts[0]
    story.asked[0].receipts.append(receipt.model_copy(update={"version": 2, "repeated": True}))


def never_answer(story: Story) -> None:
    story.asked[0].receipts.clear()


def lose_an_effect(story: Story) -> None:
    del story.logs["reintegration"][1]


def apply_an_event_twice_at_once(story: Story) -> None:
    log = story.logs["reintegration"]
    log.insert(1, replace(log[0], id=uuid7(), version=2))


def apply_an_event_again_later(story: Story) -> None:
    log = story.logs["reintegration"]
    log.append(replace(log[0], id=uuid7(), version=2))


def apply_events_out_of_turn(story: Story) -> None:
    story.logs["reintegration"].reverse()


def open_two_cases_for_one_wish(story: Story) -> None:
    log = story.logs["returns"]
    log.insert(1, replace(log[0], id=uuid7(), subject=uuid7()))


def react_to_an_event_that_was_undone(story: Story) -> None:
    log = story.logs["returns"]
    log[0] = replace(log[0], cause_hash="another hash")


def react_to_an_event_that_nobody_has(story: Story) -> None:
    log = story.logs["returns"]
    log[0] = replace(log[0], cause=uuid7())


def skip_a_version(story: Story) -> None:
    log = story.logs["returns"]
    log[3] = replace(log[3], version=4)


def do_what_nobody_asked_for(story: Story) -> None:
    story.happen("returns", ScreeningStarted, story.logs["returns"][1].subject, 2, "somebody-else")


def lose_that_all_arrived(story: Story) -> None:
    story.logs["returns"].pop()


def monitor_twice_at_once(story: Story) -> None:
    case_id = story.logs["returns"][-1].subject
    story.ask(case_id, StartMonitoring(), Attempt("monitor", "accepted"), version=1_000_006, by="receiving-office-tr")
    for version in (6, 7):
        story.happen("returns", MonitoringStarted, case_id, version, "monitor")


def release_twice_at_once(story: Story) -> None:
    release(story, 1, 2)


def release(story: Story, *versions: int) -> None:
    """Who pays knows a grant by a number for the money of it."""
    grant_id, order = uuid7(), ReleaseTranche(number=1, attempt_id=uuid7(), payee_id=uuid7(), method="office_account")
    story.ask(grant_id, order, Attempt("release", "accepted"), version=933_774_186, by="finance-payer")
    for version in versions:
        story.happen("reintegration", TrancheReleased, grant_id, version, "release")


def test_who_pays_knows_a_grant_by_a_number_and_an_approver_by_its_version() -> None:
    story = sound()
    release(story, 1)
    assert story.wrong() == []
    last = story.asked[-1]
    story.asked[-1] = replace(last, step=replace(last.step, persona="finance-approver"))
    (wrong,) = story.wrong()
    assert "which is not what the log says" in wrong


def store_one_event_in_two_logs(story: Story) -> None:
    story.logs["reintegration"].append(story.logs["counselling"][0])


PLANTED: tuple[tuple[Callable[[Story], None], str], ...] = (
    (lose_an_acknowledged_command, "was acknowledged and is lost"),
    (lose_a_command_in_the_middle_and_close_the_gap, "was acknowledged and is lost"),
    (lose_a_command_in_the_middle_and_close_the_gap, "which is not what the log says"),
    (do_a_command_twice, "was done 2 times"),
    (release_twice_at_once, "did the same twice"),
    (do_one_request_twice, "which is not what the log says"),
    (do_what_was_refused, "was refused and done all the same"),
    (do_what_was_refused, "an earlier attempt had done it"),
    (say_twice_that_it_was_done_just_now, "was told 2 times that it was done just now"),
    (answer_in_two_ways, "was answered in 2 ways"),
    (never_answer, "was never acknowledged"),
    (lose_an_effect, "took effect 0 times in reintegration"),
    (apply_an_event_twice_at_once, "took effect 2 times in reintegration"),
    (apply_an_event_twice_at_once, "twice"),
    (take_persons_over_twice, "split_off.v1 of"),
    (find_something_twice, "screening_recorded.v1 of"),
    (apply_an_event_again_later, "took effect again or out of turn"),
    (apply_events_out_of_turn, "took effect again or out of turn"),
    (open_two_cases_for_one_wish, "took effect 2 times in returns"),
    (react_to_an_event_that_was_undone, "reacts to what is in no log it follows"),
    (react_to_an_event_that_nobody_has, "reacts to what is in no log it follows"),
    (skip_a_version, "has version 4 after 2"),
    (do_what_nobody_asked_for, "nobody asked for"),
    (lose_that_all_arrived, "1 of 1 arrived in"),
    (monitor_twice_at_once, "did the same twice"),
    (store_one_event_in_two_logs, "stands in the logs 2 times"),
)


def _names(planted: Iterable[tuple[Callable[[Story], None], str]]) -> list[str]:
    return [f"{plant.__name__}: {finding}" for plant, finding in planted]


@pytest.mark.parametrize(("plant", "finding"), PLANTED, ids=_names(PLANTED))
def test_what_is_planted_is_found(plant: Callable[[Story], None], finding: str) -> None:
    story = sound()
    plant(story)
    assert any(finding in wrong for wrong in story.wrong()), story.wrong()
