"""Every order that names an amount refuses one that nobody can be paid, so that the next such order is not forgotten."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from services.counselling import wiring as counselling
from services.reintegration import wiring as reintegration
from services.reintegration.domain.certificate import CertifyMedicalNeed
from services.reintegration.domain.grant import DraftGrant, ReviseGrant
from services.returns import wiring as returns
from shared.actors import Actor
from shared.messages import Command
from tests.given import Given
from tests.unit.reintegration import test_authority as authority
from tests.unit.reintegration import test_bank_lines as bank_lines
from tests.unit.reintegration import test_batch as batch
from tests.unit.reintegration import test_certificate as certificate
from tests.unit.reintegration import test_commitment as commitment
from tests.unit.reintegration import test_fund as fund
from tests.unit.reintegration import test_grant_request as grant
from tests.unit.reintegration import test_plan as plan
from tests.unit.reintegration import test_plan_stages as stages
from tests.unit.reintegration import test_policies as policies
from tests.unit.reintegration import test_reconciling as reconciling
from tests.unit.reintegration import test_recovery as recovery
from tests.unit.reintegration import test_stops as stops
from tests.unit.reintegration.examples import (
    APPROVE,
    APPROVER,
    ASKED,
    CHIEF,
    COUNSELLOR,
    ENDORSED,
    MANAGER,
    OFFICE,
    PAYER,
    RECONCILER,
    REQUEST,
    REQUESTER,
)
from tests.unit.returns import test_support as support
from tests.unit.returns import test_tickets as tickets
from tests.unit.returns.examples import BOOKED, OPERATIONS, given

Path = tuple[str | int, ...]

# One of each, with what has to have happened and who gives it.
ORDERS: tuple[tuple[Given[Any, Any], Command, Actor], ...] = (
    (given(*BOOKED, support.planned()), support.give(), OPERATIONS),
    (given(*BOOKED), tickets.bill(refunded=tickets.euro("12.50")), OPERATIONS),
    (plan.BEFORE_DEPARTURE, plan.OWN, COUNSELLOR),
    (plan.AFTER_ARRIVAL.given(plan.OWN_RECORDED), plan.AGREE, OFFICE),
    (plan.AFTER_ARRIVAL.given(plan.OWN_RECORDED), plan.AGREE_WITHOUT_HEALTH, OFFICE),
    (plan.AFTER_ARRIVAL, plan.AGREE_FIRST, OFFICE),
    (plan.BEFORE_DEPARTURE, stages.DRAFT, COUNSELLOR),
    (plan.BEFORE_DEPARTURE.given(stages.DRAFTED), stages.CHANGE, COUNSELLOR),
    (stages.AGREED, plan.REVISE, OFFICE),
    (stages.AGREED, plan.REVISE_WITHOUT_HEALTH, OFFICE),
    (reconciling.PAID_GRANT, reconciling.DELIVER, OFFICE),
    (stops.PAID, stops.RECOVER, RECONCILER),
    (recovery.ASKED_BACK, recovery.BACK, RECONCILER),
    (recovery.ASKED_BACK, recovery.WRITE_OFF, RECONCILER),
    (commitment.COMMITTED, commitment.ADD, APPROVER),
    (bank_lines.BOOKED_MORE, bank_lines.MATCH_PART, RECONCILER),
    (batch.BATCHES, batch.MAKE, PAYER),
    (batch.OF_TWO, batch.APPROVE, CHIEF),
    (fund.FUNDS, fund.OPEN, MANAGER),
    (fund.FUNDS.given(fund.ASKED, fund.OPENED), fund.CHANGE, MANAGER),
    (authority.AUTHORITIES, authority.GIVE, CHIEF),
    (policies.POLICIES, policies.PUBLISH, MANAGER),
    (grant.GRANTS, REQUEST, REQUESTER),
    (grant.SENT_BACK, grant._again(), REQUESTER),
    (certificate.CERTIFYING, certificate.CERTIFY, certificate.MEDICAL),
    (grant.GRANTS.given(*ASKED, ENDORSED), APPROVE, APPROVER),
)
each_order = pytest.mark.parametrize(("known", "order", "by"), ORDERS, ids=[type(order).__name__ for _, order, _ in ORDERS])


def names_money(command: type[Command]) -> bool:
    schema = json.dumps(command.model_json_schema())
    return '"amount"' in schema and '"currency"' in schema


def sums(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where amounts stand in an order as it is written."""
    if isinstance(value, Mapping):
        if set(value) == {"amount", "currency"}:
            yield path
            return
        for name, part in value.items():
            yield from sums(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from sums(part, (*path, number))


def at(written: Any, path: Path) -> dict[str, str]:
    for step in path:
        written = written[step]
    found: dict[str, str] = written
    return found


def test_there_is_an_example_of_every_order_that_names_an_amount() -> None:
    known = {
        rule.command
        for service in (counselling, returns, reintegration)
        for aggregate in service.WIRING.aggregates
        for rule in aggregate.decider.rules
    }
    assert {type(order) for _, order, _ in ORDERS} == {command for command in known if names_money(command)}


@each_order
def test_no_amount_of_an_order_is_finer_than_its_currency(known: Given[Any, Any], order: Command, by: Actor) -> None:
    paths = list(sums(order.model_dump(mode="json")))
    assert paths
    assert known.when(order, by).refusal is None
    for path in paths:
        written = order.model_dump(mode="json")
        money = at(written, path)
        money["amount"] = str(Decimal(money["amount"]) + Decimal("0.001"))
        known.when(type(order).model_validate(written), by).refused("finer_than_paid")


@each_order
def test_no_amount_of_an_order_is_in_what_is_no_currency(known: Given[Any, Any], order: Command, by: Actor) -> None:
    written = order.model_dump(mode="json")
    for path in sums(written):
        at(written, path)["currency"] = "XXX"
    # A grant is held first against the line of the plan that it is for, which is in a currency.
    code = "currencies_differ" if isinstance(order, DraftGrant | ReviseGrant | CertifyMedicalNeed) else "not_a_currency"
    known.when(type(order).model_validate(written), by).refused(code)
