"""The timeline of a case: every kind of fact has been decided on, and its moment is named wherever it has one."""

from datetime import datetime
from typing import get_args

import pytest

from services.returns.domain.case import CASE
from services.returns.domain.case_timeline import TIMELINE, shown_to
from services.returns.policy import POLICY
from shared.actors import Role
from shared.contracts.corrections import ArrivalCorrected, CorrectionAsked, DepartureCorrected
from shared.contracts.families import CaseSplitOff
from shared.contracts.final_report import FinalReportWritten
from shared.contracts.returns import (
    ArrivalOverdue,
    BookingConfirmed,
    CaseApproved,
    ClearanceLost,
    PersonScreened,
    ScreeningRecorded,
)
from shared.messages import Event

# A booking says when somebody will travel, and no more; an overdue arrival when it should have been.
LIES_AHEAD = {(BookingConfirmed, "departs_at"), (BookingConfirmed, "arrives_at"), (ArrivalOverdue, "expected_at")}
# When it was recorded each entry says by itself, when somebody wished to return the case from which theirs was split off, and since when time had taken a clearance away only earlier facts.
SAID_ELSEWHERE = {
    (BookingConfirmed, "booked_at"), (ClearanceLost, "lapsed_at"), (CorrectionAsked, "asked_at"),
    (DepartureCorrected, "corrected_at"), (ArrivalCorrected, "corrected_at"), (CaseSplitOff, "expressed_at"),
    (CaseSplitOff, "last_contact_at"), (FinalReportWritten, "written_at"),
}  # fmt: skip


@pytest.mark.parametrize("event", CASE.events)
def test_of_every_kind_of_fact_it_is_decided_who_sees_it_and_when_it_happened(event: type[Event]) -> None:
    moments = {
        name
        for name, field in event.model_fields.items()
        if datetime in (field.annotation, *get_args(field.annotation)) and (event, name) not in LIES_AHEAD | SAID_ELSEWHERE
    }
    happened = TIMELINE[event].happened
    assert moments == (set() if happened is None else {happened})


def test_nothing_is_shown_but_facts_of_cases_to_those_who_may_read_cases() -> None:
    assert set(TIMELINE) == set(CASE.events)
    readers = {row.role for row in POLICY.rows if row.operation == "read_timeline"}
    assert {role for shown in TIMELINE.values() for role in shown.roles} == readers
    assert shown_to(readers, "avrr.returns.case.of_a_later_version.v1", screening=True) is None


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.COUNSELLOR, {PersonScreened, ScreeningRecorded, CaseApproved}),
        (Role.PROTECTION, {PersonScreened, ScreeningRecorded, CaseApproved}),
        (Role.COORDINATOR, {PersonScreened, CaseApproved}), (Role.OPERATIONS, {CaseApproved}), (Role.RECEIVING_OFFICE, set()), (Role.FINANCE_PAYER, set()),
    ],
)  # fmt: skip
def test_what_was_found_out_about_a_person_is_for_those_who_care_for_them(role: Role, kinds: set[type[Event]]) -> None:
    asked = (PersonScreened, ScreeningRecorded, CaseApproved)
    assert {event for event in asked if shown_to({role}, event.kind, screening=True)} == kinds
    # Of another's case not even that, and when, something was recorded: it may be the moment at which a hold began.
    elsewhere = {event for event in asked if shown_to({role}, event.kind, screening=False)}
    assert elsewhere == kinds - {ScreeningRecorded}
