"""What is put on record of accesses, and what is not counted twice."""

from datetime import timedelta

import pytest

from shared.access import (
    ACCESS,
    CountRefusals,
    RecordEntriesRead,
    RecordExport,
    RecordReading,
    RecordRefusal,
    RecordStatusAsked,
)
from shared.contracts.access import (
    AccessRefused,
    EntriesRead,
    ExportTaken,
    RecordRead,
    RefusalsCounted,
    StatusAsked,
    Told,
)
from shared.decider import NoFacts
from shared.ids import uuid7
from tests.given import NOON, Given, staff

ANNA = staff("anna", "counsellor")
CASE = uuid7()
REFUSED = AccessRefused(actor_id=ANNA.person_id, operation="approve_case", code="not_permitted", about=CASE)
COUNTED = RefusalsCounted(actor_id=ANNA.person_id, repeats=15, last_at=NOON)
an_access = Given(ACCESS, NoFacts())


def test_a_refusal_is_recorded_with_who_what_and_about_whom() -> None:
    order = RecordRefusal(actor_id=ANNA.person_id, operation="approve_case", code="not_permitted", about=CASE)
    an_access.when(order, ANNA).then(REFUSED)


def test_the_repeats_of_a_refusal_are_counted_once() -> None:
    order = CountRefusals(repeats=15, last_at=NOON)
    an_access.given(REFUSED).when(order, ANNA).then(COUNTED)
    an_access.given(REFUSED, COUNTED).when(order, ANNA).refused("already_counted")


def test_repeats_of_nothing_cannot_be_counted() -> None:
    an_access.when(CountRefusals(repeats=1, last_at=NOON), ANNA).refused("not_found")


def test_a_reading_is_recorded_under_a_subject_of_its_own() -> None:
    order = RecordReading(actor_id=ANNA.person_id, operation="read_case", about=CASE)
    read = RecordRead(actor_id=ANNA.person_id, operation="read_case", about=CASE)
    an_access.when(order, ANNA).then(read)
    an_access.given(read).when(order, ANNA).refused("already_exists")


def test_a_search_is_recorded_with_everybody_whom_it_came_upon() -> None:
    shown = (uuid7(), uuid7())
    order = RecordReading(actor_id=ANNA.person_id, operation="find_persons", shown=shown)
    read = RecordRead(actor_id=ANNA.person_id, operation="find_persons", about=None, shown=shown)
    an_access.when(order, ANNA).then(read)
    state = ACCESS.fold([read])
    assert state is not None
    assert (state.outcome, state.about) == ("read", shown)


def test_what_an_outsider_was_told_is_recorded_with_the_true_reason() -> None:
    told = (Told(case_id=CASE, country="TR", status="arrived"),)
    order = RecordStatusAsked(
        actor_id="client:office-tr", operation="ask_status", purpose="reception", reason="told", about=CASE, told=told
    )
    asked = StatusAsked(
        actor_id="client:office-tr", operation="ask_status", purpose="reception", reason="told", about=CASE, told=told,
        asked_at=NOON,
    )  # fmt: skip
    an_access.when(order, ANNA).then(asked)
    state = ACCESS.fold([asked])
    assert state is not None
    assert (state.outcome, state.about, state.purpose) == ("told", (CASE,), "reception")


def test_an_export_is_recorded_with_its_logs_and_its_period() -> None:
    said = {
        "actor_id": ANNA.person_id, "operation": "export_archive", "logs": ("returns",), "since": NOON,
        "until": NOON + timedelta(days=1),
    }  # fmt: skip
    an_access.when(RecordExport(**said), ANNA).then(ExportTaken(**said))
    state = ACCESS.fold([ExportTaken(**said)])
    assert state is not None
    assert (state.outcome, state.operation, state.about) == ("taken", "export_archive", ())


def test_entries_that_are_handed_out_are_recorded_with_their_log_their_places_and_whom_they_name() -> None:
    said = {
        "actor_id": ANNA.person_id, "operation": "read_entries", "log": "returns.1", "first": 256, "entries": 256, "shown": (CASE,)
    }  # fmt: skip
    an_access.when(RecordEntriesRead(**said), ANNA).then(EntriesRead(**said))
    state = ACCESS.fold([EntriesRead(**said)])
    assert state is not None
    assert (state.outcome, state.operation, state.about) == ("read", "read_entries", (CASE,))
    unsigned = {**said, "log": "returns", "tail": 2}
    an_access.when(RecordEntriesRead(**unsigned), ANNA).then(EntriesRead(**unsigned))


def test_a_count_follows_a_refusal_and_nothing_else_follows_one() -> None:
    for events in ([COUNTED], [REFUSED, REFUSED]):
        with pytest.raises(TypeError):
            ACCESS.fold(events)


def test_an_access_is_recorded_under_the_name_of_the_service_where_it_happened() -> None:
    assert AccessRefused.kind_in("returns") == "avrr.returns.access.refused.v1"
    assert AccessRefused.kind_in("counselling") == "avrr.counselling.access.refused.v1"
