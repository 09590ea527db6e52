"""The next tranche waits for receipt and visit where the policy says so, and cash is paid by two signatures."""

from dataclasses import replace
from datetime import date, timedelta
from typing import get_args

import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.cash import WitnessCash
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import CashWitness, Grant, Visit
from services.reintegration.domain.hats import hats
from services.reintegration.domain.policies import EXAMPLE
from services.reintegration.domain.tranches import ConfirmPayment, ReconcileTranche
from services.reintegration.domain.turns import turns
from services.reintegration.domain.visits import MOST_VISITS, RecordVisit
from shared.actors import Actor
from shared.contracts.attempts import PaymentFailed
from shared.contracts.reintegration import (
    EvidenceFiled,
    EvidenceKind,
    PaymentConfirmed,
    TrancheReconciled,
    TrancheReleased,
)
from shared.contracts.stops import RecoveryOpened
from shared.contracts.visits import (
    CashWitnessed,
    IdentityDocument,
    NextTrancheNeed,
    VisitFinding,
    VisitMode,
    VisitRecorded,
)
from shared.messages import Concealed, Event
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    APPROVER,
    ATTEMPT_1,
    ATTEMPT_2,
    COUNSELLOR,
    DELIVERED_1,
    ENDORSER,
    LENIENT,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAID_1,
    PAYER,
    RECONCILER,
    RELEASED_1,
    REQUESTER,
    TODAY,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
    eur,
    ref,
    release,
)

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
COLLEAGUE = staff("colleague", "receiving_office")
VISIT = RecordVisit(tranche=1, visited_on=TODAY, mode="in_person", finding="as_agreed")
VISITED = VisitRecorded(
    tranche=1, visited_on=TODAY, mode="in_person", finding="as_agreed", recorded_by=COLLEAGUE.person_id, recorded_at=NOON
)
IN_CASH = RELEASED_1.model_copy(update={"method": "cash"})
CASH_RELEASED = (*UNTIL_APPROVED, IN_CASH)
WITNESS = WitnessCash(number=1, identity_document="passport", handed_over_on=TODAY)
WITNESSED = CashWitnessed(
    number=1, attempt_no=1, attempt_id=ATTEMPT_1, handed_over_on=TODAY, identity_document="passport",
    witnessed_by=OFFICE.person_id, witnessed_at=NOON,
)  # fmt: skip
PAY = ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY)
RECONCILE = ReconcileTranche(number=1)
NEXT = release(2, attempt_id=ATTEMPT_2)
DAY = timedelta(days=1)


def filed(kind: EvidenceKind = "receipt", tranche: int | None = 1) -> EvidenceFiled:
    return EvidenceFiled(
        evidence_id=ref(91), evidence_kind=Concealed.of(kind), media_type="image/png", size=9, sha256="0" * 64, tranche=tranche,
        filed_by=OFFICE.person_id, filed_as="receiving_office", filed_at=NOON,
    )  # fmt: skip


def asking_for(*needs: NextTrancheNeed) -> Given[Grant, GrantFacts]:
    policy = replace(LENIENT, next_tranche_needs=needs)
    return GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, policy=policy))


def folded(*events: Event) -> Grant:
    state = GRANT.fold(events)
    assert state is not None
    return state


@pytest.mark.parametrize("kind", ["receipt", "invoice", "handover_certificate"])
def test_a_paper_that_shows_the_use_of_the_tranche_before_lets_the_next_one_go(kind: EvidenceKind) -> None:
    asking = asking_for("receipt").given(*UNTIL_DELIVERED)
    asking.when(NEXT, PAYER).refused("receipts_missing")
    asking.given(filed(kind)).when(NEXT, PAYER).then_kinds(TrancheReleased)


@pytest.mark.parametrize("paper", [filed("photo"), filed(tranche=None), filed(tranche=2)], ids=["photo", "of none", "of another"])
def test_another_paper_does_not(paper: EvidenceFiled) -> None:
    asking_for("receipt").given(*UNTIL_DELIVERED, paper).when(NEXT, PAYER).refused("receipts_missing")


def test_a_visit_that_found_it_as_agreed_lets_the_next_tranche_go_and_the_newest_one_counts() -> None:
    asking = asking_for("visit").given(*UNTIL_DELIVERED)
    asking.when(NEXT, PAYER).refused("visit_missing")
    asking.given(VISITED).when(NEXT, PAYER).then_kinds(TrancheReleased)
    findings: tuple[VisitFinding, ...] = ("differs", "nothing_found")
    for finding in findings:
        bad = VISITED.model_copy(update={"finding": finding})
        asking.given(bad).when(NEXT, PAYER).refused("visit_missing")
        asking.given(VISITED, bad).when(NEXT, PAYER).refused("visit_missing")
        asking.given(bad, VISITED).when(NEXT, PAYER).then_kinds(TrancheReleased)


def by(who: Actor, mode: VisitMode = "in_person", finding: VisitFinding = "as_agreed") -> VisitRecorded:
    return VISITED.model_copy(update={"recorded_by": who.person_id, "mode": mode, "finding": finding})


def test_a_visit_counts_of_who_neither_asked_for_the_grant_nor_confirmed_the_delivery() -> None:
    asking = asking_for("visit").given(*UNTIL_DELIVERED)
    for theirs in (REQUESTER, OFFICE):
        asking.given(by(theirs)).when(NEXT, PAYER).refused("visit_missing")
        asking.given(by(COLLEAGUE), by(theirs)).when(NEXT, PAYER).then_kinds(TrancheReleased)
        # It is a fact all the same, and a bad one stops the money.
        asking.given(by(COLLEAGUE), by(theirs, finding="differs")).when(NEXT, PAYER).refused("visit_missing")
    asking.given(by(COUNSELLOR)).when(NEXT, PAYER).then_kinds(TrancheReleased)
    # Whoever visited and confirms the delivery only afterwards has not looked at their own word.
    later = asking_for("visit").given(*UNTIL_PAID, by(OFFICE), DELIVERED_1)
    later.when(NEXT, PAYER).refused("visit_missing")


def test_by_phone_or_video_it_takes_two_persons() -> None:
    asking = asking_for("visit").given(*UNTIL_DELIVERED)
    modes: tuple[VisitMode, ...] = ("phone", "video")
    for mode in modes:
        once = asking.given(by(COLLEAGUE, mode))
        once.when(NEXT, PAYER).refused("visit_missing")
        once.given(by(COLLEAGUE, mode)).when(NEXT, PAYER).refused("visit_missing")
        once.given(by(OFFICE, mode)).when(NEXT, PAYER).refused("visit_missing")
        once.given(by(COUNSELLOR, "phone")).when(NEXT, PAYER).then_kinds(TrancheReleased)
        once.given(by(OFFICE, mode, "differs"), by(COUNSELLOR, "phone")).when(NEXT, PAYER).refused("visit_missing")


def test_a_visit_of_another_tranche_or_before_the_payment_shows_nothing() -> None:
    asking = asking_for("visit").given(*UNTIL_DELIVERED)
    for other in ({"tranche": 2}, {"visited_on": TODAY - DAY}):
        asking.given(VISITED.model_copy(update=other)).when(NEXT, PAYER).refused("visit_missing")


def test_the_first_tranche_waits_for_nothing_and_the_example_asks_for_both() -> None:
    asking_for("receipt", "visit").given(*UNTIL_APPROVED).when(release(1), PAYER).then_kinds(TrancheReleased)
    example = GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, policy=None)).given(*UNTIL_DELIVERED)
    example.when(NEXT, PAYER).refused("receipts_missing")
    example.given(filed()).when(NEXT, PAYER).refused("visit_missing")
    example.given(filed(), VISITED).when(NEXT, PAYER).then_kinds(TrancheReleased)
    GRANTS.given(*UNTIL_DELIVERED).when(NEXT, PAYER).then_kinds(TrancheReleased)


@pytest.mark.parametrize(("need", "shows", "code"), [("receipt", filed(), "receipts_missing"), ("visit", VISITED, "visit_missing")], ids=["receipt", "visit"])
def test_a_tranche_is_reconciled_once_what_its_policy_wants_of_it_is_there(need: NextTrancheNeed, shows: Event, code: str) -> None:
    policy = replace(LENIENT, reconciling_needs=(need,))
    asking = GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, policy=policy)).given(*UNTIL_DELIVERED)
    asking.when(RECONCILE, RECONCILER).refused(code)
    asking.given(shows).when(RECONCILE, RECONCILER).then_kinds(TrancheReconciled)
    # A grant whose policy asks for nothing, and what nobody received, needs none.
    GRANTS.given(*UNTIL_DELIVERED).when(RECONCILE, RECONCILER).then_kinds(TrancheReconciled)
    nothing = DELIVERED_1.model_copy(update={"received": eur("0.00")})
    back = RecoveryOpened(reason="used_otherwise", money=eur("800.00"), opened_by=APPROVER.person_id, opened_at=NOON)
    lost = GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, policy=policy)).given(*UNTIL_PAID, nothing, back)
    lost.when(RECONCILE.model_copy(update={"difference_reason": "not_accounted_for"}), RECONCILER).then_kinds(TrancheReconciled)


def test_the_example_asks_for_a_receipt_of_the_last_tranche_too() -> None:
    assert "receipt" in EXAMPLE.reconciling_needs
    example = GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, policy=None)).given(*UNTIL_DELIVERED)
    example.when(RECONCILE, RECONCILER).refused("receipts_missing")
    example.given(filed()).when(RECONCILE, RECONCILER).then_kinds(TrancheReconciled)


def test_a_visit_stands_in_the_grant_and_moves_nothing_on() -> None:
    GRANTS.given(*UNTIL_PAID).when(VISIT, COLLEAGUE).then(VISITED)
    before, after = folded(*UNTIL_PAID), folded(*UNTIL_PAID, VISITED)
    assert after.visits == (Visit(1, TODAY, "in_person", "as_agreed", COLLEAGUE.person_id, NOON),)
    assert replace(after, visits=()) == before


@pytest.mark.parametrize(
    ("past", "order", "code"),
    [
        (UNTIL_APPROVED, VISIT, "wrong_status"),
        ((*UNTIL_APPROVED, RELEASED_1), VISIT, "tranche_not_paid"),
        (UNTIL_PAID, VISIT.model_copy(update={"tranche": 3}), "no_such_tranche"),
        (UNTIL_PAID, VISIT.model_copy(update={"visited_on": TODAY + DAY}), "in_the_future"),
        (UNTIL_PAID, VISIT.model_copy(update={"visited_on": TODAY - DAY}), "visited_before_payment"),
        ((*UNTIL_PAID, *[VISITED] * MOST_VISITS), VISIT, "too_many_visits"),
    ],
    ids=["approved", "released", "unknown", "future", "before", "too many"],
)
def test_a_visit_that_cannot_be_is_refused(past: tuple[Event, ...], order: RecordVisit, code: str) -> None:
    GRANTS.given(*past).when(order, OFFICE).refused(code)


def test_whoever_visits_pays_nothing_on_the_grant_and_whoever_pays_does_not_visit() -> None:
    GRANTS.given(*UNTIL_PAID).when(VISIT, PAYER).refused("four_eyes")
    both = staff("both", "finance_payer")
    mine = VISITED.model_copy(update={"recorded_by": both.person_id})
    GRANTS.given(*UNTIL_DELIVERED, mine).when(NEXT, both).refused("four_eyes")
    GRANTS.given(*UNTIL_DELIVERED, mine).when(NEXT, PAYER).then_kinds(TrancheReleased)
    GRANTS.given(*UNTIL_PAID).when(VISIT, COUNSELLOR).then_kinds(VisitRecorded)


@pytest.mark.parametrize("document", get_args(IdentityDocument))
def test_cash_is_paid_by_two_signatures(document: IdentityDocument) -> None:
    GRANTS.given(*CASH_RELEASED).when(PAY, PAYER).refused("witness_missing")
    GRANTS.given(*CASH_RELEASED).when(WITNESS.model_copy(update={"identity_document": document}), OFFICE).then(
        WITNESSED.model_copy(update={"identity_document": document})
    )
    GRANTS.given(*CASH_RELEASED, WITNESSED).when(PAY, PAYER).then_kinds(PaymentConfirmed)
    GRANTS.given(*CASH_RELEASED, WITNESSED).when(PAY.model_copy(update={"paid_on": TODAY - DAY}), PAYER).refused(
        "another_day_witnessed"
    )


def test_the_second_signature_is_anothers() -> None:
    both: tuple[Actor, ...] = (PAYER, RECONCILER, ENDORSER, APPROVER, COUNSELLOR)
    reconciled = (*CASH_RELEASED[:-1], IN_CASH)
    for who in (one for one in both if one is not RECONCILER):
        GRANTS.given(*reconciled).when(WITNESS, who).refused("four_eyes")
    seen = WITNESSED.model_copy(update={"witnessed_by": PAYER.person_id})
    deputy = IN_CASH.model_copy(update={"released_by": "staff:deputy_payer"})
    GRANTS.given(*UNTIL_APPROVED, deputy, seen).when(PAY, PAYER).refused("four_eyes")
    # Who asked for the grant may confirm its deliveries, and of cash nothing is left but who saw it handed over.
    GRANTS.given(*CASH_RELEASED).when(WITNESS, REQUESTER).refused("four_eyes")
    GRANTS.given(*CASH_RELEASED).when(WITNESS, COLLEAGUE).then_kinds(CashWitnessed)
    assert ("deliverer", OFFICE.person_id) in hats(folded(*CASH_RELEASED, WITNESSED))


@pytest.mark.parametrize(
    ("past", "order", "code"),
    [
        ((*UNTIL_APPROVED, RELEASED_1), WITNESS, "not_in_cash"),
        ((*CASH_RELEASED, WITNESSED), WITNESS, "witnessed_already"),
        (CASH_RELEASED, WITNESS.model_copy(update={"handed_over_on": TODAY + DAY}), "in_the_future"),
        (CASH_RELEASED, WITNESS.model_copy(update={"handed_over_on": date(2023, 4, 1)}), "handed_over_before_release"),
        (CASH_RELEASED, WITNESS.model_copy(update={"attempt_id": ATTEMPT_2}), "another_attempt"),
        (CASH_RELEASED, WITNESS.model_copy(update={"number": 2}), "tranche_not_released"),
        (UNTIL_APPROVED, WITNESS, "wrong_status"),
    ],
    ids=["by the account", "again", "future", "before", "another attempt", "another tranche", "not released"],
)
def test_a_handover_that_cannot_be_is_refused(past: tuple[Event, ...], order: WitnessCash, code: str) -> None:
    GRANTS.given(*past).when(order, COLLEAGUE).refused(code)


def test_cash_that_nobody_came_for_is_put_back_and_what_was_seen_handed_over_is_not() -> None:
    failed = ReportPaymentFailed(number=1, reason="not_collected", failed_on=TODAY)
    GRANTS.given(*CASH_RELEASED).when(failed, RECONCILER).then_kinds(PaymentFailed)
    GRANTS.given(*CASH_RELEASED, WITNESSED).when(failed, RECONCILER).refused("witnessed_already")


def test_an_attempt_that_came_back_keeps_who_saw_it_handed_over_and_they_pay_nothing_later() -> None:
    paid = (*CASH_RELEASED, WITNESSED, PAID_1)
    back = GRANTS.given(*paid).when(ReversePayment(number=1, reason="unclaimed_cash", returned_on=TODAY), RECONCILER)
    state = folded(*paid, *back.events)
    assert state.former_attempts[0].witness == CashWitness(TODAY, "passport", OFFICE.person_id, NOON)
    assert state.tranches[0].witness is None
    GRANTS.given(*paid, *back.events).when(release(1), OFFICE).refused("four_eyes")


def test_cash_is_first_the_offices_turn_and_then_the_payers() -> None:
    released, seen = folded(*CASH_RELEASED), folded(*CASH_RELEASED, WITNESSED)
    assert {hat: turn.step for hat, turn in turns(released).items()} == {"deliverer": "witness_cash"}
    assert {hat: turn.step for hat, turn in turns(seen).items()} == {"payer": "confirm_payment"}
