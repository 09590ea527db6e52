"""From a noted case to a completed grant on a real database: what is kept, what it costs, and that it is true."""

import json
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.budget import concealed
from services.reintegration.domain.case import RecordArrival
from services.reintegration.domain.fund import Fund
from services.reintegration.domain.grant import (
    ApproveGrant,
    CancelGrant,
    EndorseGrant,
    RejectGrant,
    ReturnGrant,
    SubmitGrant,
)
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.plan import AgreePlan, RecordOwnPlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.plan_state import Plan
from services.reintegration.domain.stops import ResumeGrant, SuspendGrant
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche, ReleaseTranche
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import CASE, FUND, PLAN
from shared.actors import Actor
from shared.aggregate import AnyAggregate
from shared.errors import NotFound
from shared.ids import uuid7
from shared.messages import Command
from shared.policy import Reach
from tests.given import staff
from tests.integration.reintegration.office import OFFICE, REQUESTER, House, revision
from tests.unit.reintegration.examples import (
    APPROVER,
    ARRIVED_AT,
    COUNSELLOR,
    DRAFTED,
    ENDORSER,
    PAYER,
    RECONCILER,
    TODAY,
    eur,
    hash_after,
)


async def test_a_grant_goes_from_request_to_completion_and_every_row_equals_its_events(house: House) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("1200.00", "800.00", "400.00"), fund_id)
    assert await house.balance(fund_id) == (Decimal(1200), Decimal(0))
    await house.paid(grant_id, 1)
    assert await house.balance(fund_id) == (Decimal(400), Decimal(800))
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    await house.accounted_for(grant_id, 2)
    await house.give(GRANT, grant_id, ReconcileTranche(number=1), RECONCILER)
    grant = (await house.read(GRANT, grant_id, ENDORSER)).state
    assert isinstance(grant, Grant)
    assert (grant.status, grant.committed, grant.paid) == ("completed", Decimal(0), Decimal(1200))
    assert await house.balance(fund_id) == (Decimal(0), Decimal(1200))
    assert await house.seal(line.case_id) == "sealed"
    assert (await house.findings()).differences == []


async def test_an_own_plan_is_agreed_after_arrival_as_the_next_version(house: House) -> None:
    person_id, plan_id, line_id = uuid7(), uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    lines = (
        PlannedLine(
            line_id=line_id,
            person_id=person_id,
            dimension="social",
            category="housing",
            planned=eur("900.00"),
        ),
    )
    await house.give(
        PLAN, plan_id, RecordOwnPlan(case_id=case_id, person_ids=(person_id,), lines=lines, method="signed"), COUNSELLOR
    )
    agree = AgreePlan(lines=lines, agreed_on=TODAY, method="signed")
    with pytest.raises(NotFound):
        await house.give(PLAN, plan_id, agree, OFFICE)
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    await house.give(PLAN, plan_id, agree, OFFICE)
    plan = (await house.read(PLAN, plan_id, COUNSELLOR)).state
    assert isinstance(plan, Plan)
    assert (plan.status, plan.plan_version, plan.first_agreed_on) == ("agreed", 2, TODAY)
    assert (await house.findings()).differences == []


async def test_a_request_is_sent_back_handed_in_again_and_then_rejected(house: House) -> None:
    line = await house.line()
    grant_id = await house.submitted(line.request("500.00"))
    back = ReturnGrant.model_validate({**await house.shown(grant_id), "reasons": ("amount_unclear", "paper_missing")})
    await house.give(GRANT, grant_id, back, ENDORSER)
    again = revision("700.00", "300.00", "400.00")
    await house.give(GRANT, grant_id, again, REQUESTER)
    refusal = {**await house.shown(grant_id), "reason": "not_feasible", "appeal_told": True}
    await house.give(GRANT, grant_id, RejectGrant.model_validate(refusal), ENDORSER)
    assert (await house.findings()).differences == []
    # The line is free again.
    await house.give(GRANT, uuid7(), line.request("600.00"), REQUESTER)


async def test_a_cancelled_grant_gives_the_fund_back_what_was_not_paid(house: House) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("1200.00", "800.00", "400.00"), fund_id)
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, CancelGrant(reason="lost_contact"), ENDORSER)
    assert await house.balance(fund_id) == (Decimal(0), Decimal(800))
    assert await house.seal(line.case_id) == "sealed"
    # What was paid is still accounted for.
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    await house.give(GRANT, grant_id, ReconcileTranche(number=1), RECONCILER)
    assert (await house.findings()).differences == []


async def test_what_a_cancelled_grant_paid_is_taken_off_its_line_of_the_plan(house: House) -> None:
    (line,), fund_id = await house.lines("business", planned="1200.00"), await house.fund()
    grant_id = await house.approved(line.request("1200.00", "800.00", "400.00"), fund_id)
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), ENDORSER)
    assert await house.try_to(GRANT, uuid7(), line.request("400.01"), REQUESTER) == "beyond_plan"
    assert await house.try_to(GRANT, uuid7(), line.request("400.00"), REQUESTER) == "done"


async def test_a_receiving_office_cancels_before_the_approval_and_not_after_it(house: House) -> None:
    first, second = await house.lines("business", "housing")
    fund_id = await house.fund()
    early = await house.endorsed(first.request("500.00"))
    late = await house.approved(second.request("500.00"), fund_id)
    cancel = CancelGrant(reason="not_needed")
    assert await house.try_to(GRANT, early, cancel, OFFICE) == "done"
    assert await house.try_to(GRANT, late, cancel, OFFICE) == "approved_already"
    assert await house.try_to(GRANT, late, cancel, ENDORSER) == "done"


async def test_a_case_with_a_live_grant_is_not_sealed(house: House) -> None:
    line = await house.line()
    await house.endorsed(line.request("500.00"))
    assert await house.seal(line.case_id) == "arrived"
    assert (await house.findings()).differences == []


async def test_a_sealed_case_takes_no_grant(house: House) -> None:
    line = await house.line()
    assert await house.seal(line.case_id) == "sealed"
    assert await house.try_to(GRANT, uuid7(), line.request("500.00"), REQUESTER) == "case_sealed"


async def test_the_reader_of_a_grant_is_told_what_is_open_to_them_and_why_not(house: House) -> None:
    line = await house.line()
    grant_id = await house.endorsed(line.request("500.00"))
    open_to_approver = (await house.read(GRANT, grant_id, APPROVER)).refusals
    open_to_endorser = (await house.read(GRANT, grant_id, ENDORSER)).refusals
    assert open_to_approver[ApproveGrant] is None
    assert _code(open_to_endorser[ApproveGrant]) == "four_eyes"
    assert _code(open_to_approver[ReleaseTranche]) == "wrong_status"


def _code(refusal: Exception | None) -> str | None:
    return getattr(refusal, "code", None)


@pytest.mark.parametrize("aggregate", [CASE, PLAN, GRANT], ids=lambda aggregate: aggregate.name)
async def test_what_belongs_to_another_country_looks_as_if_it_did_not_exist(
    aggregate: AnyAggregate, house: House
) -> None:
    line = await house.line()
    grant_id = await house.endorsed(line.request("500.00"))
    id = {"case": line.case_id, "plan": line.plan_id, "grant": grant_id}[aggregate.name]
    assert (await house.read(aggregate, id, OFFICE, Reach(frozenset({"TR", "PK"})))).id == id
    for countries in (frozenset({"TR"}), frozenset[str]()):
        with pytest.raises(NotFound):
            await house.read(aggregate, id, OFFICE, Reach(countries))


async def test_an_office_of_another_country_can_neither_ask_for_a_grant_nor_cancel_it(house: House) -> None:
    line = await house.line()
    abroad = frozenset({"TR"})
    elsewhere = replace(REQUESTER, countries=abroad)
    assert await house.try_to(GRANT, uuid7(), line.request("500.00"), elsewhere) == "case_unknown"
    grant_id = await house.endorsed(line.request("500.00"))
    with pytest.raises(NotFound):
        await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), OFFICE, reach=Reach(abroad))
    await house.give(
        GRANT, grant_id, CancelGrant(reason="not_needed"), OFFICE, reach=Reach(frozenset({"TR", "PK"}))
    )


async def test_the_same_key_pays_once(house: House) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("800.00"), fund_id)
    await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
    payment = house.payment(1)
    first = await house.give(GRANT, grant_id, payment, PAYER, key="payment-key")
    again = await house.give(GRANT, grant_id, payment, PAYER, key="payment-key")
    assert (first.repeated, again.repeated, again.version) == (False, True, first.version)
    assert await house.balance(fund_id) == (Decimal(0), Decimal(800))


async def test_a_command_takes_five_statements_and_four_where_it_needs_no_facts(house: House) -> None:
    line, fund_id = await house.line(), await house.fund()
    await house.authorised()
    grant_id, request = uuid7(), line.request("500.00")
    await house.lenient()
    budget, hashed = concealed(request)
    asked = {**dict(request), "category": DRAFTED.category, "budget": budget, "budget_hash": hashed, "plan_version": 1}
    read = {"request_version": 1, "content_hash": hash_after(DRAFTED.model_copy(update=asked))}
    with_facts: list[tuple[Command, Actor]] = [
        (request, REQUESTER),
        (SubmitGrant.model_validate(read), REQUESTER),
        (EndorseGrant.model_validate(read), ENDORSER),
        (ApproveGrant(fund_id=fund_id, money=request.money, **read), APPROVER),
    ]
    assert [await _statements(house, grant_id, *order) for order in with_facts] == [5] * 4
    assert await _statements(house, grant_id, SuspendGrant(reason="under_review"), ENDORSER) == 4
    assert await _statements(house, grant_id, ResumeGrant(), ENDORSER) == 4
    assert await _statements(house, grant_id, await house.vendors.release(1), PAYER) == 5
    assert await _statements(house, grant_id, house.payment(1), PAYER) == 5
    # Whether whoever takes a further part signed a batch with it is known by a statement.
    assert await _statements(house, grant_id, ConfirmDelivery(number=1), OFFICE) == 5
    assert await _statements(house, grant_id, ReconcileTranche(number=1), RECONCILER) == 5


async def _statements(house: House, grant_id: UUID, command: Command, by: Actor) -> int:
    before = house.api.counts.statements
    await house.give(GRANT, grant_id, command, by)
    return house.api.counts.statements - before


async def test_an_amount_keeps_the_digits_in_which_it_was_given(house: House) -> None:
    fund_id = await house.fund("1250.50")
    fund = (await house.read(FUND, fund_id, APPROVER)).state
    assert isinstance(fund, Fund)
    assert str(fund.granted) == "1250.50"


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("grants", "SET modality = 'service'"),
        ("grant_versions", "SET destination_country = 'MA'"),
        ("grant_endorsements", "SET endorsed_at = now()"),
        ("grant_approvals", "SET authority_holder_id = approver_id, level = level, levels_needed = 2"),
        ("grant_commitments", "SET currency = 'BAM'"),
        ("funds", "SET granted = granted + 1"),
        ("plans", "SET plan_version = 7"),
        ("cases", "SET counsellor_id = 'staff:somebody'"),
        ("person_caps", "SET person_id = gen_random_uuid()"),
        ("case_limits", "SET live_grants = live_grants + 1"),
        ("case_plans", "SET plan_id = gen_random_uuid()"),
        ("taken_plan_lines", "SET plan_line_id = gen_random_uuid()"),
        ("open_advances", "SET tranche = 2"),
        ("payment_references", "SET reference = 'OTHER'"),
        ("fund_balances", "SET spent = spent - 1"),
    ],
)
async def test_verify_finds_a_row_that_somebody_changed_by_hand(
    table: str, change: str, house: House
) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("1200.00", "800.00", "400.00"), fund_id)
    await house.paid(grant_id, 1)
    assert (await house.findings()).sound
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute(f"UPDATE {table} {change}")
    await connection.close()
    assert not (await house.findings()).sound


async def test_personal_codes_do_not_stand_in_the_log(house: House) -> None:
    (line,) = await house.lines("medical")
    await house.endorsed(line.request("500.00"))
    connection = await asyncpg.connect(house.made.logins.worker)
    rows = await connection.fetch("SELECT leaf FROM event_log")
    await connection.close()
    leaves = b"".join(row["leaf"] for row in rows)
    # In which role somebody acted stands in each leaf, and what it says does not tell of health.
    said = json.dumps([{**json.loads(row["leaf"]), "actorrole": ""} for row in rows])
    assert "medical" not in said and "goods" not in said and "price" not in said
    assert str(line.case_id).encode() in leaves


async def test_who_endorsed_a_grant_cannot_approve_it_whatever_roles_they_have(house: House) -> None:
    both = staff("both", "coordinator", "finance_approver")
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.endorsed(line.request("500.00"), by=both)
    assert await house.try_to(GRANT, grant_id, await house.approval(grant_id, fund_id), both) == "four_eyes"
