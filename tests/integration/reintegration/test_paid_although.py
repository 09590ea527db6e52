"""What came after a release, on a real database: a voucher that stops, and a payment that is marked, listed and an exception."""

from typing import Any, get_args
from uuid import UUID

from services.reintegration.domain.payee import ClosePayee
from services.reintegration.domain.stops import ResumeGrant, SuspendGrant
from services.reintegration.grant_wiring import GRANT
from services.reintegration.payee_wiring import PAYEE
from shared.contracts.paid_although import StoodAgainst
from shared.db import Sql
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_erasure import erase
from tests.integration.reintegration.test_evidence import leaves
from tests.integration.reintegration.test_seen_on_the_spot import WITNESS, in_cash
from tests.unit.reintegration.examples import ENDORSER, OFFICE, PAYER, RECONCILER, TODAY

people = people_of
_READ = Sql("SELECT about FROM accesses WHERE operation = 'read_voucher' AND outcome = 'read'")
_BESIDE = Sql(
    "SELECT d.value FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.subject = :grant_id AND d.path = 'stood_against'"
)
_TOLD_OF = Sql("SELECT cast(array_agg(to_jsonb(p)) AS text) AS rows FROM paid_although p")
_PERSON = Sql("SELECT person_id FROM grants WHERE id = :grant_id")
_PAYEE = Sql("SELECT payee_id FROM payment_attempts WHERE grant_id = :grant_id")


async def test_a_voucher_is_printed_until_the_cash_was_seen_handed_over_or_something_stands_against_it(
    house: House, people: People
) -> None:
    grant_id = await in_cash(house)
    path = f"grants/{grant_id}/vouchers/1"
    for caller in (people.payer, people.office):
        told = (await caller.get(path)).json()
        assert (told["amount"], told["currency"], told["tranche"]) == ("500.00", "EUR", 1)
    assert [row["about"] for row in await house.rows(_READ)] == [[grant_id], [grant_id]]
    assert (await people.reconciler.get(path)).status_code == 403
    assert (await people.office_abroad.get(path)).status_code == 404
    assert (await people.office.get(f"grants/{grant_id}/vouchers/2")).status_code == 404
    await house.give(GRANT, grant_id, SuspendGrant(reason="under_review"), ENDORSER)
    stopped = await people.office.get(path)
    assert (stopped.status_code, stopped.json()["code"]) == (409, "grant_suspended")
    await house.give(GRANT, grant_id, ResumeGrant(), ENDORSER)
    await house.give(GRANT, grant_id, WITNESS, OFFICE)
    again = await people.office.get(path)
    assert (again.status_code, again.json()["code"]) == (409, "witnessed_already")


async def test_what_was_paid_although_something_stood_against_it_is_listed_and_an_exception(house: House, people: People) -> None:
    fine, marked = await in_cash(house), await in_cash(house)
    for grant_id in (fine, marked):
        if grant_id == marked:
            ((payee_id,),) = [tuple(row.values()) for row in await house.rows(_PAYEE, grant_id=grant_id)]
            await house.give(PAYEE, UUID(str(payee_id)), ClosePayee(reason="not_needed"), RECONCILER)
            await house.give(GRANT, grant_id, SuspendGrant(reason="under_review"), ENDORSER)
        await house.give(GRANT, grant_id, WITNESS, OFFICE)
        await house.give(GRANT, grant_id, house.payment(1), PAYER)
    rows = (await people.auditor.get("paid-although")).json()["items"]
    assert [(one["grant_id"], one["what"], one["stood_against"], one["said_by"]) for one in rows] == [
        (str(marked), "handed_over", ["grant_suspended", "payee_closed"], OFFICE.person_id),
        (str(marked), "paid", ["grant_suspended", "payee_closed"], PAYER.person_id),
    ]  # fmt: skip
    first = (await people.auditor.get("paid-although", limit=1)).json()
    assert len(first["items"]) == 1
    for caller in (people.payer, people.office, people.coordinator):
        assert (await caller.get("paid-although")).status_code == 403
    found = (await people.auditor.get("exceptions", **{"from": TODAY.isoformat(), "to": TODAY.isoformat()})).json()["items"]
    assert [one["grant_id"] for one in found if "paid_although" in one["exceptions"]] == [str(marked)]
    assert (await house.findings()).differences == []


async def concealing(house: House, ending: str) -> dict[str, Any]:
    """What the one event of a kind says."""
    (leaf,) = await leaves(house, ending)
    return dict(leaf["data"])  # type: ignore[call-overload, no-any-return]


async def test_what_stood_against_it_is_in_no_leaf_nor_row_and_goes_with_the_person(house: House, people: People) -> None:
    grant_id = await in_cash(house)
    ((payee_id,),) = [tuple(row.values()) for row in await house.rows(_PAYEE, grant_id=grant_id)]
    await house.give(PAYEE, UUID(str(payee_id)), ClosePayee(reason="not_needed"), RECONCILER)
    await house.give(GRANT, grant_id, SuspendGrant(reason="under_review"), ENDORSER)
    await house.give(GRANT, grant_id, WITNESS, OFFICE)
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    codes = [one["stood_against"] for one in (await people.auditor.get("paid-although")).json()["items"]]
    assert codes == [["grant_suspended", "payee_closed"]] * 2
    said = [await concealing(house, f"grant.{kind}.v1") for kind in ("cash_witnessed", "payment_confirmed")]
    for data in said:
        assert data["paid_although"] == []
        assert data["stood_against"] is not None
    ((row,),) = [tuple(found.values()) for found in await house.rows(_TOLD_OF)]
    assert not [code for code in get_args(StoodAgainst) if code in f"{said} {row}"]
    assert len(await house.rows(_BESIDE, grant_id=grant_id)) == 2
    ((person_id,),) = [tuple(found.values()) for found in await house.rows(_PERSON, grant_id=grant_id)]
    held = (await people.protector.get(f"persons/{person_id}/held")).json()
    told = [one["said"] for one in held["history"] if "stood_against" in one["said"]]
    assert [one["stood_against"] for one in told] == [data["stood_against"] for data in said]

    await erase(house, UUID(str(person_id)))
    assert await house.rows(_BESIDE, grant_id=grant_id) == []
    rows = (await people.auditor.get("paid-although")).json()["items"]
    assert [(one["grant_id"], one["what"], one["stood_against"]) for one in rows] == [
        (str(grant_id), "handed_over", []), (str(grant_id), "paid", [])
    ]  # fmt: skip
    assert (await house.findings()).differences == []
