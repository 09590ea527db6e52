"""Evidence of a grant: filed once, while something is left to be accounted for, and without a word of what it holds."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.reintegration.domain.evidence import MOST_EVIDENCE, FileEvidence
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_state import Grant
from shared.actors import Actor
from shared.contracts.reintegration import EvidenceFiled, GrantCancelled, GrantRejected
from shared.errors import RuleViolation
from shared.messages import Concealed, Context, Event
from tests.given import NOON, code_of
from tests.unit.reintegration.examples import (
    ASKED,
    CASE_ID,
    COUNSELLOR,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    RECONCILED_1,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
    eur,
    ref,
)

RECEIPT = FileEvidence(
    evidence_id=ref(71), kind="receipt", media_type="image/jpeg", size=2048, sha256="ab" * 32, tranche=1
)
FILED = EvidenceFiled(
    evidence_id=ref(71), evidence_kind=Concealed.of("receipt"), media_type="image/jpeg", size=2048, sha256="ab" * 32,
    tranche=1, filed_by=OFFICE.person_id, filed_as="receiving_office", filed_at=NOON,
)  # fmt: skip
CANCELLED = GrantCancelled(case_id=CASE_ID, reason="lost_contact", released=eur("400.00"))


def grant(*events: Event) -> Grant:
    found = GRANT.fold(events)
    assert found is not None
    return found


def decide(state: Grant, order: FileEvidence = RECEIPT, by: Actor = OFFICE) -> tuple[Event, ...]:
    return GRANT.decide(state, order, NOTHING_STANDS_AGAINST_IT, Context(by, NOON))


def refusal(state: Grant, order: FileEvidence = RECEIPT) -> str:
    with pytest.raises(RuleViolation) as refused:
        decide(state, order)
    return code_of(refused.value)


def test_evidence_is_filed_and_stands_with_the_grant() -> None:
    events = decide(grant(*UNTIL_PAID))
    assert events == (FILED,)
    filed = grant(*UNTIL_PAID, *events).evidence
    assert [(one.evidence_id, one.kind, one.tranche, one.filed_as) for one in filed] == [
        (ref(71), "receipt", 1, "receiving_office")
    ]


def test_who_files_it_as_what_is_known() -> None:
    (event,) = decide(grant(*ASKED), by=COUNSELLOR)
    assert isinstance(event, EvidenceFiled)
    assert (event.filed_by, event.filed_as) == (COUNSELLOR.person_id, "counsellor")


def test_its_kind_is_not_told_to_who_reads_the_log() -> None:
    (event,) = decide(grant(*ASKED), RECEIPT.model_copy(update={"kind": "lease"}))
    assert isinstance(event, EvidenceFiled)
    assert event.evidence_kind == Concealed.of("lease")
    leaf = event.model_copy(update={"evidence_kind": event.evidence_kind.salted("salt")}).model_dump_json()
    assert "lease" not in leaf


def test_the_same_filed_again_is_recorded_once_and_other_bytes_or_words_under_its_id_are_refused() -> None:
    state = grant(*UNTIL_PAID, FILED)
    assert decide(state) == ()
    for change in ({"sha256": "cd" * 32}, {"kind": "photo"}, {"tranche": None}, {"size": 1}, {"media_type": "image/png"}):
        assert refusal(state, RECEIPT.model_copy(update=change)) == "evidence_differs"


@pytest.mark.parametrize(
    "events",
    [(*ASKED,), UNTIL_APPROVED, UNTIL_PAID, UNTIL_DELIVERED, (*UNTIL_PAID, CANCELLED), (*UNTIL_DELIVERED, CANCELLED)],
)  # fmt: skip
def test_evidence_is_taken_from_the_request_on_for_as_long_as_something_is_to_be_accounted_for(
    events: tuple[Event, ...],
) -> None:
    assert decide(grant(*events)) == (FILED,)


@pytest.mark.parametrize(
    "state",
    [
        grant(*ASKED, GrantRejected(case_id=CASE_ID, reason="not_feasible", rejected_by="staff:x")),
        grant(*UNTIL_APPROVED, CANCELLED.model_copy(update={"released": eur("1200.00")})),
        grant(*UNTIL_DELIVERED, CANCELLED, RECONCILED_1),
        replace(grant(*UNTIL_DELIVERED), status="completed"),
    ],
    ids=["rejected", "cancelled unpaid", "cancelled and reconciled", "completed"],
)  # fmt: skip
def test_nothing_is_added_once_all_is_accounted_for(state: Grant) -> None:
    assert refusal(state) == "wrong_status"
    assert GRANT.refusal(state, FileEvidence, NOTHING_STANDS_AGAINST_IT, Context(OFFICE, NOON)) is not None


def test_it_belongs_to_a_tranche_of_the_grant_or_to_none() -> None:
    state = grant(*UNTIL_PAID)
    assert refusal(state, RECEIPT.model_copy(update={"tranche": 3})) == "no_such_tranche"
    assert decide(state, RECEIPT.model_copy(update={"tranche": None}))


def test_nobody_fills_a_grant_with_papers() -> None:
    state = grant(*UNTIL_PAID, *(FILED.model_copy(update={"evidence_id": ref(100 + n)}) for n in range(MOST_EVIDENCE)))
    assert refusal(state) == "too_much_evidence"
    assert decide(state, RECEIPT.model_copy(update={"evidence_id": UUID(int=ref(100).int)})) == ()


def test_evidence_changes_nothing_of_the_grant_itself() -> None:
    assert replace(grant(*UNTIL_PAID, FILED), evidence=()) == grant(*UNTIL_PAID)
