"""What the rules of exceptions find in archived events, and what they leave alone."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit import exceptions
from services.audit.exceptions import (
    EXAMINED,
    KINDS,
    MANY_READS,
    AccountChange,
    Approval,
    Seen,
    changes_account,
    exceptions_of,
    many_reads,
    out_of_hours,
    pays_to,
)

SARAJEVO = ZoneInfo("Europe/Sarajevo")
# A Wednesday.
NOON = datetime(2023, 5, 3, 12, tzinfo=UTC)
GRANT, CASE = UUID(int=1), UUID(int=2)
_NUMBERS = count(1)


def seen(
    kind: str, index: int = 9, at: datetime = NOON, subject: UUID = GRANT, case: UUID = CASE, roles: str = "finance_approver", **data: Any
) -> Seen:
    log = kind.split(".")[1]
    return Seen(log, index, UUID(int=100 + index), kind, subject, case, at, "staff:x", frozenset(roles.split(",")), data)


def approved(index: int = 3, at: datetime = NOON, grant: UUID = GRANT) -> Approval:
    return Approval(index, UUID(int=100 + index), grant, CASE, at)


def kinds(event: Seen, *approvals: Approval) -> list[str]:
    return [one.kind for one in exceptions_of(event, approvals, SARAJEVO)]


def test_a_payment_ordered_on_the_day_of_its_grants_approval_is_one_and_leads_to_both() -> None:
    paid = seen("avrr.reintegration.grant.tranche_released.v1")
    (found,) = exceptions_of(paid, [approved()], SARAJEVO)
    assert (found.kind, found.event, found.beside) == ("same_day", paid, (UUID(int=103),))


def test_the_day_is_the_missions() -> None:
    # In Sarajevo it is the same day from 22:00 UTC of the evening before.
    paid = seen("avrr.reintegration.grant.tranche_released.v1", at=NOON)
    assert kinds(paid, approved(at=NOON.replace(day=2, hour=22, minute=30))) == ["same_day"]
    assert kinds(paid, approved(at=NOON.replace(day=2, hour=21, minute=30))) == []


def test_a_payment_of_another_grant_or_of_one_approved_afterwards_is_none() -> None:
    paid = seen("avrr.reintegration.grant.tranche_released.v1")
    assert kinds(paid, approved(grant=UUID(int=7)), approved(index=10)) == []


@pytest.mark.parametrize(
    ("kind", "of_grant"),
    [
        ("grant.revised", True), ("grant.resubmitted", True), ("grant.commitment_added", True), ("plan.revised", False),
        ("payee.call_back_confirmed", False),
    ],
)  # fmt: skip
def test_what_is_changed_after_an_approval_is_one(kind: str, of_grant: bool) -> None:
    edit = seen(f"avrr.reintegration.{kind}.v1", subject=GRANT if of_grant else UUID(int=8))
    assert "edited_after_approval" in kinds(edit, approved())
    assert "edited_after_approval" not in kinds(edit, approved(index=10))
    # Another grant of the case says nothing of this one, but something of the plan and of the account.
    assert ("edited_after_approval" in kinds(edit, approved(grant=UUID(int=7)))) is not of_grant


def test_a_first_order_to_a_payee_whose_account_was_changed_since_the_approval_is_one() -> None:
    paid = seen("avrr.reintegration.grant.tranche_released.v1", index=9, at=NOON.replace(day=9), payee_id=str(UUID(int=5)))

    def found(*changed: int) -> list[tuple[UUID, ...]]:
        changes = [AccountChange(index, UUID(int=100 + index), UUID(int=5)) for index in changed]
        return [one.beside for one in exceptions_of(paid, [approved(), approved(index=12)], SARAJEVO, changes)]

    assert pays_to(paid) == UUID(int=5)
    assert found(4, 8) == [(UUID(int=103), UUID(int=104), UUID(int=108))]
    assert found(2) == found(10) == found() == []


def test_the_account_of_a_payee_of_a_case_is_held_against_the_approvals_of_the_case() -> None:
    change = seen("avrr.reintegration.payee.call_back_confirmed.v1", subject=UUID(int=5))
    assert (changes_account(change), changes_account(replace(change, case_id=UUID(int=5)))) == (None, UUID(int=5))


@pytest.mark.parametrize(("kind", "by"), [("approval_given", "approved_by"), ("commitment_added", "added_by")])
def test_whoever_approves_on_the_authority_of_another_is_a_deputy(kind: str, by: str) -> None:
    def given_by(who: str, holder: str | None) -> Seen:
        said: dict[str, Any] = {"authority_holder": holder, by: who}
        return seen(f"avrr.reintegration.grant.{kind}.v1", **said)

    assert kinds(given_by("staff:deputy", "staff:chief")) == ["by_deputy"]
    assert kinds(given_by("staff:chief", "staff:chief")) == []
    assert kinds(given_by("staff:chief", None)) == []


@pytest.mark.parametrize(
    ("at", "closed"),
    [
        ("2023-05-03T04:59:00Z", True), ("2023-05-03T05:00:00Z", False), ("2023-05-03T16:59:00Z", False),
        ("2023-05-03T17:00:00Z", True), ("2023-05-06T10:00:00Z", True), ("2023-05-07T10:00:00Z", True),
        ("2023-12-13T05:30:00Z", True), ("2023-12-13T06:00:00Z", False),
    ],
)  # fmt: skip
def test_offices_are_open_from_seven_to_seven_on_working_days_by_the_missions_clocks(at: str, closed: bool) -> None:
    assert out_of_hours(datetime.fromisoformat(at), SARAJEVO) is closed


def test_out_of_hours_is_of_people_and_of_what_binds_money() -> None:
    night = NOON.replace(hour=23)
    assert kinds(seen("avrr.reintegration.payment_batch.approved.v1", at=night)) == ["out_of_hours"]
    assert kinds(seen("avrr.audit.access.export_taken.v1", at=night, roles="auditor")) == ["out_of_hours"]
    # By this somebody of whom a list of sanctions may speak is paid.
    assert kinds(seen("avrr.reintegration.payee.hits_cleared.v1", at=night)) == ["out_of_hours"]
    assert kinds(seen("avrr.reintegration.payment_batch.approved.v1", at=night, roles="service")) == []
    assert kinds(seen("avrr.returns.case.departed.v1", at=night)) == []


def read(*ids: int, roles: str = "counsellor", log: str = "returns") -> Seen:
    shown = [str(UUID(int=one)) for one in ids]
    return seen(f"avrr.{log}.access.record_read.v1", index=next(_NUMBERS), roles=roles, about=shown[0], shown=shown[1:])


@given(st.lists(st.lists(st.integers(0, 3 * MANY_READS), min_size=1, max_size=30), max_size=20), st.integers(0, 20))
def test_however_a_days_reads_come_the_same_event_is_the_one_too_many(drawn: list[list[int]], cut: int) -> None:
    events = [read(*ids) for ids in drawn]
    whole, found = many_reads(events, ())
    first, early = many_reads(events[:cut], ())
    both, late = many_reads(events[cut:], first)
    assert both == whole == {UUID(int=one) for ids in drawn for one in ids}
    assert (found is not None) == (len(whole) > MANY_READS)
    assert [one.event for one in (early, late) if one is not None] == ([found.event] if found is not None else [])


def test_a_paper_that_is_opened_is_read_and_so_is_its_grant() -> None:
    paper, grant = UUID(int=1), UUID(int=2)
    opened = seen("avrr.reintegration.access.voucher_opened.v1", roles="auditor", about=str(paper), grant_id=str(grant))
    assert opened.kind in EXAMINED
    assert exceptions.records_read(opened) == {paper, grant}


def test_programs_and_whoever_reads_the_archive_are_not_counted_and_odd_values_are_nothing() -> None:
    assert exceptions.records_read(read(1, 2, roles="retention")) == frozenset()
    assert exceptions.records_read(read(1, 2, log="audit")) == frozenset()
    assert exceptions.records_read(seen("avrr.returns.access.record_read.v1", about=3, shown="x")) == frozenset()


def test_every_kind_of_event_that_a_rule_looks_at_is_examined() -> None:
    assert {"avrr.reintegration.plan.revised.v1", "avrr.counselling.access.record_read.v1"} <= EXAMINED
    assert len(set(KINDS)) == 5
