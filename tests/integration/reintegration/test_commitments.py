"""Grants from funds in other currencies through the API: the example of docs/money.md, who sees what, and what stays true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.authority import EndAuthority
from services.reintegration.domain.case import RecordArrival, RecordArrivalTakenBack
from services.reintegration.domain.commitment_orders import AddToCommitment
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import AUTHORITY
from shared.db import Sql
from shared.ids import uuid7
from shared.money import Money
from tests.integration.reintegration.office import EARLY, House, authority_for
from tests.integration.reintegration.test_api import Caller, People, shown
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import APPROVER, ARRIVED_AT, CHIEF, ENDORSER, MANAGER, PAYER
from tests.unit.reintegration.test_money_page import recorded, rows

people = people_of
_POSTED = Sql(
    "SELECT kind, tranche, amount, currency, amount_in_fund, fund_currency, occurred_on FROM fund_postings "
    "WHERE grant_id = :grant_id ORDER BY posting_no"
)
# Which grant is paid from a fund in which currency, in which tranches.
EXAMPLE = {"TND": ("EUR", ("2500.000", "1500.000")), "XOF": ("USD", ("300000", "300000")), "BAM": ("EUR", ("1250.00",))}

# Once the rates have moved, and what of the grant in dinars is missing then.
MOVED = datetime(2023, 5, 15, 10, tzinfo=UTC)
MISSING = AddToCommitment(money=Money(amount=Decimal("17.09"), currency="EUR"))


def money(amount: str, currency: str) -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def split(cell: str) -> dict[str, str]:
    return money(*cell.split())


async def done(answer_to: Caller, path: str, body: Mapping[str, object]) -> None:
    answer = await answer_to.post(path, body)
    assert answer.status_code in (200, 201), answer.text


async def with_rates(people: People) -> None:
    for rate in recorded():
        body = {
            "currency": rate.currency, "base": rate.base, "effective_on": str(rate.effective_on), "rate": str(rate.rate),
            "source": rate.source,
        }  # fmt: skip
        await done(people.reconciler, f"rates/{uuid7()}", body)


async def fund_in(people: People, currency: str, granted: str = "10000.00") -> UUID:
    fund_id = uuid7()
    body = {
        "project": f"CE-{currency}", "donor": "EU", "granted": money(granted, currency), "valid_from": "2023-01-01",
        "valid_until": "2023-12-31",
    }  # fmt: skip
    await done(people.manager, f"funds/{fund_id}", body)
    await done(people.chief, f"funds/{fund_id}/confirm", {"change_no": 1})
    return fund_id


async def endorsed_in(house: House, people: People, currency: str, tranches: tuple[str, ...]) -> UUID:
    """A request in this currency that waits for its approval."""
    total = str(sum(map(Decimal, tranches)))
    (line,) = await house.lines("business", planned=total, currency=currency)
    grant_id = uuid7()
    body = {
        "case_id": str(line.case_id), "person_id": str(line.person_id), "plan_id": str(line.plan_id),
        "plan_line_id": str(line.line_id), "category": "business", "modality": "cash_instalment",
        "money": money(total, currency), "budget_lines": [{"what": "goods", "money": money(total, currency)}],
        "tranches": [{"number": number, "money": money(part, currency)} for number, part in enumerate(tranches, 1)],
    }  # fmt: skip
    await done(people.office, f"grants/{grant_id}", body)
    await done(people.office, f"grants/{grant_id}/submit", await shown(people, grant_id))
    await done(people.coordinator, f"grants/{grant_id}/endorse", await shown(people, grant_id))
    return grant_id


@dataclass
class Bought:
    """One grant of the example, and what of it was posted so far."""

    grant_id: UUID
    fund_id: UUID
    posted: list[tuple[object, ...]] = field(default_factory=list)


async def state_of(caller: Caller, grant_id: UUID) -> dict[str, object]:
    state: dict[str, object] = (await caller.get(f"grants/{grant_id}")).json()["state"]
    return state


async def test_the_example_on_the_page_is_what_the_system_does_to_the_last_minor_unit(house: House, people: People) -> None:
    await with_rates(people)
    funds = {currency: await fund_in(people, currency) for currency in ("EUR", "USD")}
    found = {
        currency: Bought(await endorsed_in(house, people, currency, tranches), funds[fund])
        for currency, (fund, tranches) in EXAMPLE.items()
    }
    steps = list(rows(7))
    assert {row[1] for row in steps} == set(EXAMPLE)
    for minute, (on, currency, what, amount, costs, committed, spent) in enumerate(steps):
        one = found[currency]
        # Nobody decides twice in one moment.
        moment = datetime.fromisoformat(f"{on}T13:{minute:02}:00+00:00")
        path = f"grants/{one.grant_id}"
        number = int(what.split()[1]) if what.startswith("tranche") else None
        posted: tuple[object, ...] | None = None
        if what == "approved":
            order = {**await shown(people, one.grant_id), "fund_id": str(one.fund_id), "money": split(amount)}
            await done(people.approver.at(moment), f"{path}/approve", order)
            posted = ("commit", None, amount, costs, on)
        elif what == "added":
            await done(people.approver.at(moment), f"{path}/add-to-commitment", {"money": split(costs)})
            posted = ("add", None, f"0 {currency}", costs, on)
        elif what == "not needed":
            posted = ("difference", len(EXAMPLE[currency][1]), f"0 {currency}", costs, on)
        elif what.endswith("refused"):
            answer = await people.payer.at(moment).post(f"{path}/release-tranche", (await house.vendors.release(number or 0, currency)).model_dump(mode="json"))
            assert (answer.status_code, f"`{answer.json()['code']}`") == (409, costs)
        elif what.endswith("released"):
            await done(people.payer.at(moment), f"{path}/release-tranche", (await house.vendors.release(number or 0, currency)).model_dump(mode="json"))
            tranches = (await state_of(people.payer, one.grant_id))["tranches"]
            assert isinstance(tranches, list)
            (released,) = [tranche for tranche in tranches if tranche["number"] == number]
            assert f"{released['amount']} {currency}" == amount
            assert f"{released['in_fund']} {EXAMPLE[currency][0]}" == costs
            assert all(rate["effective_on"] <= on for rate in released["rates"])
        else:
            body = {"number": number, "reference": f"BANK-{currency}-{number}", "paid_on": on}
            await done(people.payer.at(moment), f"{path}/confirm-payment", body)
            await done(people.office.at(moment), f"{path}/confirm-delivery", {"number": number})
            posted = ("spend", number, amount, costs, on)
        if posted is not None:
            one.posted.append(posted)
        state = await state_of(people.approver, one.grant_id)
        assert f"{state['fund_committed']} {state['fund_currency']}" == committed, (on, currency, what)
        assert f"{state['fund_paid']} {state['fund_currency']}" == spent, (on, currency, what)
    for one in found.values():
        assert one.posted == [
            (
                row["kind"], row["tranche"], f"{row['amount']:f} {row['currency']}", f"{row['amount_in_fund']:f} {row['fund_currency']}",
                str(row["occurred_on"]),
            )
            for row in await house.rows(_POSTED, grant_id=one.grant_id)
        ]  # fmt: skip
    balance = (await people.reconciler.get(f"funds/{funds['EUR']}")).json()
    assert (balance["balance"]["committed"], balance["balance"]["spent"]) == ("0.00", "1847.19")
    months = [(row["month"], row["grant_currency"], row["committed"], row["added"], row["not_needed"]) for row in balance["months"]]
    assert months == [
        ("2023-05-01", "BAM", "639.11", "0", "0"), ("2023-05-01", "TND", "1193.95", "17.09", "0"),
        ("2023-06-01", "BAM", "0", "0", "0"), ("2023-06-01", "TND", "0", "0", "2.96"),
    ]  # fmt: skip
    assert (await house.findings()).differences == []


async def approved_in_tnd(house: House, people: People, fund: str = "EUR") -> tuple[UUID, UUID]:
    await with_rates(people)
    fund_id = await fund_in(people, fund)
    grant_id = await endorsed_in(house, people, "TND", EXAMPLE["TND"][1])
    order = {**await shown(people, grant_id), "fund_id": str(fund_id), "money": money("4000.000", "TND")}
    await done(people.approver, f"grants/{grant_id}/approve", order)
    return grant_id, fund_id


async def test_what_a_grant_costs_its_fund_is_told_to_finance_and_the_chief_and_to_nobody_else(house: House, people: People) -> None:
    grant_id, _ = await approved_in_tnd(house, people)
    for caller in (people.approver, people.payer, people.reconciler, people.chief):
        view = (await caller.get(f"grants/{grant_id}")).json()
        assert (view["state"]["fund_currency"], view["state"]["fund_amount"]) == ("EUR", "1193.95")
        assert [rate["currency"] for rate in view["state"]["fund_rates"]] == ["TND", "EUR"]
        assert [(one["currency"], one["amount"]) for one in view["costs"]] == [("EUR", "1193.95")]
    for caller in (people.office, people.coordinator, people.counsellor):
        view = (await caller.get(f"grants/{grant_id}")).json()
        told = {name: view["state"][name] for name in ("fund_currency", "fund_amount", "fund_total", "fund_committed", "fund_paid")}
        assert set(told.values()) == {None}
        assert (view["state"]["fund_rates"], view["state"]["additions"], view["costs"]) == ([], [], [])


async def test_before_an_approval_finance_reads_what_it_would_cost_each_currency_today(house: House, people: People) -> None:
    await with_rates(people)
    for currency in ("EUR", "USD", "TND", "JPY"):
        await fund_in(people, currency, "10000")
    grant_id = await endorsed_in(house, people, "TND", EXAMPLE["TND"][1])
    costs = (await people.approver.get(f"grants/{grant_id}")).json()["costs"]
    assert [(one["currency"], one["amount"]) for one in costs] == [("EUR", "1193.95"), ("JPY", None), ("USD", "1314.93")]


async def test_the_payer_reads_why_a_release_waits_and_goes_on_once_it_is_added(house: House, people: People) -> None:
    grant_id, _ = await approved_in_tnd(house, people)
    async def reason() -> str | None:
        view = (await people.payer.at(MOVED).get(f"grants/{grant_id}")).json()
        (release,) = [action for action in view["actions"] if action["name"] == "release_tranche"]
        found: str | None = release["reason"]
        return found

    assert await reason() == "commitment_short"
    for caller, code in ((people.payer, "not_permitted"), (people.coordinator, "not_permitted"), (people.office, "not_permitted")):
        assert (await caller.post(f"grants/{grant_id}/add-to-commitment", {"money": money("17.09", "EUR")})).json()["code"] == code
    await done(people.approver.at(MOVED), f"grants/{grant_id}/add-to-commitment", {"money": money("17.09", "EUR")})
    assert await reason() is None
    assert (await house.findings()).differences == []


async def test_a_cancellation_frees_what_is_committed_in_the_currency_of_the_fund(house: House, people: People) -> None:
    grant_id, fund_id = await approved_in_tnd(house, people)
    assert await house.balance(fund_id) == (Decimal("1193.95"), Decimal(0))
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), ENDORSER)
    assert await house.balance(fund_id) == (Decimal(0), Decimal("746.22"))
    assert (await house.findings()).differences == []


async def test_two_approvals_at_once_never_commit_more_than_a_fund_in_another_currency_has(house: House, people: People) -> None:
    await with_rates(people)
    fund_id = await fund_in(people, "EUR", "2000.00")
    first, second = [await endorsed_in(house, people, "TND", EXAMPLE["TND"][1]) for _ in range(2)]
    orders = [await house.approval(grant_id, fund_id) for grant_id in (first, second)]
    async with house.half_done(GRANT, first, orders[0], APPROVER):
        waiting = await house.meanwhile(house.try_to(GRANT, second, orders[1], APPROVER))
    assert await waiting == "fund_exhausted"
    assert await house.balance(fund_id) == (Decimal("1193.95"), Decimal(0))


async def test_an_addition_and_the_end_of_the_authority_come_one_after_the_other(house: House, people: People) -> None:
    grant_id, _ = await approved_in_tnd(house, people)
    assert house.authority_id is not None
    async with house.half_done(AUTHORITY, house.authority_id, EndAuthority(reason="left_the_post"), CHIEF, MOVED):
        waiting = await house.meanwhile(house.try_to(GRANT, grant_id, MISSING, APPROVER, MOVED))
    assert await waiting == "authority_not_in_force"
    chief = uuid7()
    await house.give(AUTHORITY, chief, authority_for(CHIEF, role="chief_of_mission"), MANAGER, EARLY)
    assert await house.try_to(GRANT, grant_id, MISSING, CHIEF, MOVED) == "done"
    # Whoever added wears the approver's hat and pays nothing.
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(1, "TND"), CHIEF, MOVED) == "four_eyes"
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(1, "TND"), PAYER, MOVED) == "done"
    assert (await house.findings()).differences == []


async def test_nobody_commits_more_than_what_is_missing_by_the_rates_of_the_day(house: House, people: People) -> None:
    grant_id, _ = await approved_in_tnd(house, people)
    path = f"grants/{grant_id}/add-to-commitment"

    async def answered(caller: Caller, amount: str) -> str:
        answer = await caller.post(path, {"money": money(amount, "EUR")})
        return "done" if answer.status_code == 200 else str(answer.json()["code"])

    async def offered(caller: Caller) -> str | None:
        actions = (await caller.get(f"grants/{grant_id}")).json()["actions"]
        return next(str(one["reason"]) if one["reason"] else None for one in actions if one["name"] == "add_to_commitment")

    assert (await offered(people.approver), await answered(people.approver, "0.01")) == ("nothing_short", "nothing_short")
    later = people.approver.at(MOVED)
    assert (await offered(later), await answered(later, "17.10")) == (None, "beyond_shortfall")
    grant = await house.grant(grant_id)
    await house.react(grant.case_id, RecordArrivalTakenBack(person_id=grant.person_id))
    assert (await offered(later), await answered(later, "17.09")) == ("not_arrived_yet", "not_arrived_yet")
    await house.react(grant.case_id, RecordArrival(person_id=grant.person_id, arrived_at=ARRIVED_AT))
    assert await answered(later, "17.09") == "done"
    assert (await offered(later), await answered(later, "0.01")) == ("nothing_short", "nothing_short")
    assert (await house.findings()).differences == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE fund_postings SET amount_in_fund = amount_in_fund + 1 WHERE kind = 'add'", "days of postings"),
        ("UPDATE fund_postings SET occurred_on = occurred_on + 1 WHERE kind = 'add'", "days of postings"),
        ("DELETE FROM fund_postings WHERE kind = 'add'", "fund postings"),
        ("UPDATE grants SET additions = jsonb_set(additions, '{0,adder_id}', '\"staff:somebody\"')", "commitment additions"),
    ],
)
async def test_an_addition_that_is_changed_beside_the_rules_is_found(house: House, people: People, change: str, found: str) -> None:
    grant_id, _ = await approved_in_tnd(house, people)
    await house.give(GRANT, grant_id, MISSING, APPROVER, MOVED)
    assert (await house.findings()).differences == []
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute(change)
    await owner.close()
    assert f"{found}: {grant_id}" in (await house.findings()).differences


async def test_no_statement_more_is_made_for_a_release_from_a_fund_in_another_currency(house: House, people: People) -> None:
    statements = []
    for fund in ("TND", "EUR"):
        if fund == "TND":
            await with_rates(people)
        fund_id = await fund_in(people, fund)
        grant_id = await endorsed_in(house, people, "TND", EXAMPLE["TND"][1])
        await house.give(GRANT, grant_id, await house.approval(grant_id, fund_id), APPROVER)
        release = await house.vendors.release(1, "TND")
        before = house.api.counts.statements
        await house.give(GRANT, grant_id, release, PAYER)
        statements.append(house.api.counts.statements - before)
    assert statements[0] == statements[1]
