"""What each member of staff decided: written with the decision, by nobody for another, never changed, and told to them alone."""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.grant import (
    CancelGrant,
    RejectGrant,
    ReturnGrant,
)
from services.reintegration.domain.stops import OpenRecovery, ResumeGrant, SuspendGrant
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import AUTHORITY
from shared.db import Sql
from shared.ids import uuid7
from tests.given import NOON, staff
from tests.integration.reintegration.office import EARLY, LENIENT_POLICY, House, authority_for
from tests.integration.reintegration.test_api import People, asked_for, shown
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import APPROVER, CHIEF, ENDORSER, MANAGER, eur

people = people_of
SECOND = staff("second", "finance_approver")
_ALL = Sql(
    "SELECT grant_id, request_version, what, tranche, decided_by, decided_at, amount, currency, destination_country "
    "FROM grant_decisions ORDER BY grant_id, decided_at, what, tranche"
)
_MIGRATION = import_module("migrations.reintegration.versions.2026_11_26_1050_decisions")


async def paid_in_two(house: House) -> UUID:
    """A grant of two tranches that is accounted for."""
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("1000.00", "600.00", "400.00"), fund_id)
    for number in (1, 2):
        await house.accounted_for(grant_id, number)
    return grant_id


async def decided(house: House) -> list[dict[str, Any]]:
    return list(await house.rows(_ALL))


async def test_each_decision_says_on_which_version_it_was_taken_and_for_how_much(house: House) -> None:
    grant_id = await paid_in_two(house)
    rows = await decided(house)
    assert [(row["what"], row["tranche"], row["amount"]) for row in rows if row["tranche"] == 0] == [
        ("approved", 0, Decimal("1000.00")), ("endorsed", 0, Decimal("1000.00"))
    ]  # fmt: skip
    tranches = {(row["what"], row["tranche"]): row["amount"] for row in rows if row["tranche"]}
    assert tranches == {
        (what, number): amount
        for what in ("released", "paid", "delivered", "reconciled")
        for number, amount in ((1, Decimal("600.00")), (2, Decimal("400.00")))
    }
    assert {(row["grant_id"], row["request_version"], row["currency"], row["destination_country"]) for row in rows} == {
        (grant_id, 1, "EUR", "PK")
    }
    assert (await house.findings()).differences == []


async def test_what_ends_a_request_is_a_decision_of_who_ended_it(house: House) -> None:
    lines = await house.lines("business", "housing", "training")
    for line, what in ((lines[0], "rejected"), (lines[1], "returned")):
        grant_id = await house.submitted(line.request("100.00"))
        read = await house.shown(grant_id)
        order = {
            "rejected": RejectGrant.model_validate({**read, "reason": "not_in_plan", "appeal_told": True}),
            "returned": ReturnGrant.model_validate({**read, "reasons": ["amount_unclear"]}),
        }[what]
        await house.give(GRANT, grant_id, order, ENDORSER)
        assert [(row["what"], row["decided_by"]) for row in await decided(house)][-1] == (what, ENDORSER.person_id)
    endorsed = await house.endorsed(lines[2].request("100.00"))
    await house.give(GRANT, endorsed, CancelGrant(reason="not_needed"), ENDORSER, NOON + timedelta(hours=1))
    assert [row["what"] for row in await decided(house) if row["grant_id"] == endorsed] == ["endorsed", "cancelled"]
    assert (await house.findings()).differences == []


async def test_each_approval_is_a_decision_and_so_is_whoever_stops_money_or_asks_it_back(house: House) -> None:
    await house.lenient()
    await house.publish(LENIENT_POLICY.model_copy(update={"one_approver_up_to": eur("500.00")}))
    await house.give(AUTHORITY, uuid7(), authority_for(SECOND), CHIEF, EARLY)
    fund_id = await house.fund()
    grant_id = await house.approved((await house.line()).request("1000.00", "600.00", "400.00"), fund_id)
    await house.give(GRANT, grant_id, await house.approval(grant_id, fund_id), SECOND, NOON + timedelta(minutes=1))
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, SuspendGrant(reason="under_review"), APPROVER, NOON + timedelta(hours=1))
    await house.give(GRANT, grant_id, ResumeGrant(), ENDORSER, NOON + timedelta(hours=2))
    await house.give(GRANT, grant_id, OpenRecovery(reason="overpaid", money=eur("50.00")), SECOND, NOON + timedelta(hours=3))
    rows = [(row["what"], row["decided_by"], row["amount"]) for row in await decided(house) if row["tranche"] == 0]
    whole = Decimal("1000.00")
    assert sorted(rows) == sorted([
        ("endorsed", ENDORSER.person_id, whole), ("approved", APPROVER.person_id, whole), ("approved", SECOND.person_id, whole),
        ("suspended", APPROVER.person_id, whole), ("resumed", ENDORSER.person_id, whole),
        ("recovery_opened", SECOND.person_id, Decimal("50.00")),
    ])  # fmt: skip
    assert (await house.findings()).differences == []
    before = await decided(house)
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("DELETE FROM grant_decisions WHERE what IN ('suspended', 'resumed', 'recovery_opened') OR decided_by = 'staff:approver'")
    assert (await house.findings()).differences == [f"grant decisions: {grant_id}"]
    await owner.execute(import_module("migrations.reintegration.versions.2026_11_26_1510_decisions_in_levels").FROM_THE_LOG)
    await owner.close()
    assert await decided(house) == before


async def test_nobody_writes_a_decision_down_as_another_s_and_nobody_changes_one(house: House) -> None:
    grant_id = await paid_in_two(house)
    api = await asyncpg.connect(house.made.logins.api)
    await api.execute("SELECT set_config('app.actor', 'staff:mallory', false), set_config('app.countries', 'PK', false)")
    assert await api.fetchval("SELECT count(*) FROM grant_decisions") == 0
    forged = "INSERT INTO grant_decisions VALUES ($1, 1, 'endorsed', 0, $2, now(), 1, 'EUR', 'PK')"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.execute(forged, grant_id, ENDORSER.person_id)
    for change in ("UPDATE grant_decisions SET amount = 1", "DELETE FROM grant_decisions"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(change)
    # A row of one's own can be made up by a program that lies; it is found.
    await api.execute(forged, grant_id, "staff:mallory")
    await api.close()
    assert (await house.findings()).differences == [f"grant decisions: {grant_id}"]
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("DELETE FROM grant_decisions WHERE decided_by = 'staff:mallory'")
    assert (await house.findings()).differences == []
    for change in ("request_version = 2 WHERE what = 'approved'", "amount = 1 WHERE what = 'paid'", "currency = 'USD'"):
        await owner.execute(f"UPDATE grant_decisions SET {change}")
        assert (await house.findings()).differences == [f"grant decisions: {grant_id}"]
        await owner.execute("UPDATE grant_decisions SET request_version = 1, currency = 'EUR'")
        await owner.execute("UPDATE grant_decisions SET amount = 600 WHERE what = 'paid' AND tranche = 1")
        await owner.execute("UPDATE grant_decisions SET amount = 400 WHERE what = 'paid' AND tranche = 2")
    assert (await house.findings()).differences == []
    await owner.execute("DELETE FROM grant_decisions WHERE what = 'endorsed'")
    assert (await house.findings()).differences == [f"grant decisions: {grant_id}"]
    await owner.close()


async def test_what_was_decided_before_there_were_such_rows_is_taken_from_the_log(house: House) -> None:
    await paid_in_two(house)
    line = (await house.lines("housing"))[0]
    cancelled = await house.endorsed(line.request("100.00"))
    await house.give(GRANT, cancelled, CancelGrant(reason="not_needed"), MANAGER, NOON + timedelta(hours=1))
    before = await decided(house)
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("DELETE FROM grant_decisions")
    await owner.execute(_MIGRATION._from_the_log())
    await owner.close()
    assert await decided(house) == before
    assert (await house.findings()).differences == []


async def test_somebody_reads_their_own_decisions_the_newest_first_and_nobody_else_s(house: House, people: People) -> None:
    lines = await house.lines("business", "housing", "training")
    grants = [await asked_for(people, line) for line in lines]
    for grant_id in grants:
        await people.coordinator.post(f"grants/{grant_id}/endorse", await shown(people, grant_id))
    await people.coordinator.post(f"grants/{grants[0]}/cancel", {"reason": "not_needed"})
    first = (await people.coordinator.get("my-decisions", limit=3)).json()
    rest = (await people.coordinator.get("my-decisions", limit=3, after=first["next"])).json()
    found = first["items"] + rest["items"]
    assert len(first["items"]) == 3 and rest["next"] is None
    assert sorted((one["grant_id"], one["what"]) for one in found) == sorted(
        [(str(id), "endorsed") for id in grants] + [(str(grants[0]), "cancelled")]
    )
    endorsed = (await people.coordinator.get("my-decisions", what="endorsed", limit=2)).json()
    more = (await people.coordinator.get("my-decisions", what="endorsed", limit=2, after=endorsed["next"])).json()
    assert sorted(one["grant_id"] for one in endorsed["items"] + more["items"]) == sorted(str(id) for id in grants)
    assert (await people.approver.get("my-decisions")).json() == {"items": [], "next": None}
    for caller in (people.office, people.counsellor, people.manager):
        assert (await caller.get("my-decisions")).status_code == 403
    assert (await people.coordinator.get("my-decisions", after="1-x")).status_code == 422
