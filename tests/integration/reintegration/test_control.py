"""What those who look over the money find: exceptions among the requests of some days, and what nobody on duty may decide."""

from datetime import timedelta
from uuid import UUID

from services.reintegration.domain.authority import EndAuthority, GiveAuthority, NameDeputy
from services.reintegration.domain.budget import Quotation
from services.reintegration.domain.exceptions import MANY_FOR_ONE
from services.reintegration.domain.grant import SubmitGrant
from services.reintegration.grant_wiring import GRANT
from services.reintegration.routes.exports import HEADINGS
from services.reintegration.wiring import AUTHORITY
from shared.actors import Actor
from shared.ids import uuid7
from tests import xlsx
from tests.given import NOON
from tests.integration.reintegration.office import LENIENT_POLICY, REQUESTER, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_evidence import PHOTO
from tests.unit.reintegration.examples import APPROVER, CHIEF, ENDORSER, TODAY, eur

people = people_of
DAYS = {"from": str(TODAY - timedelta(days=40)), "to": str(TODAY)}


async def test_requests_that_somebody_should_look_at_are_found_with_why(house: House, people: People) -> None:
    await house.publish(LENIENT_POLICY.model_copy(update={"one_approver_up_to": eur("500.00")}))
    fund_id = await house.fund()
    early, late = NOON - timedelta(days=4), NOON - timedelta(days=39)
    first, second, third = await house.lines("business", "housing", "training")
    # 300 and 250 for one person within days, of which neither is above 500; what was rejected counts for nothing.
    parts = [await house.endorsed(first.request("300.00"), early), await house.endorsed(second.request("250.00"), early + timedelta(days=1))]
    away = await house.endorsed(third.request("400.00"), late)
    near = await house.endorsed((await house.line()).request("490.00"), early)
    hasty = await house.approved((await house.line()).request("100.00"), fund_id)
    plain = await house.endorsed((await house.line()).request("700.00"), early)
    answer = (await people.manager.get("exceptions", **DAYS)).json()
    found = {one["grant_id"]: one["exceptions"] for one in answer["items"]}
    assert found == {
        str(parts[0]): ["split"], str(parts[1]): ["split"], str(near): ["below_threshold"], str(hasty): ["same_day"],
    }  # fmt: skip
    assert str(away) not in found and str(plain) not in found
    pages, after = [], None
    while True:
        page = (await people.auditor.get("exceptions", **DAYS, limit=1, **({"after": after} if after else {}))).json()
        pages += [one["grant_id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert pages == list(found)
    head, *rows = xlsx.read((await people.chief.get("exports/exceptions", **DAYS)).content)["Exceptions"].values()
    said = [dict(zip(head, row, strict=True)) for row in rows]
    assert {row["Grant"]: [code for code, heading in HEADINGS.items() if row[heading] == "yes"] for row in said} == found


async def test_only_who_looks_over_the_money_reads_exceptions_and_a_year_at_a_time(people: People) -> None:
    for caller in (people.approver, people.payer, people.office, people.coordinator):
        assert (await caller.get("exceptions", **DAYS)).status_code == 403
    for first, last, code in (("2022-01-01", "2023-01-02", "period_too_long"), ("2023-01-02", "2023-01-01", "period_reversed")):
        answer = await people.auditor.get("exceptions", **{"from": first, "to": last})
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert (await people.reconciler.get("exceptions", **{"from": "2023-01-01", "to": "2023-12-31"})).json() == {"items": [], "next": None}


async def test_what_nobody_on_duty_may_decide_is_found_with_why_until_somebody_may(house: House, people: People) -> None:
    await house.without_authority()
    small = await house.endorsed((await house.line()).request("300.00"), NOON - timedelta(days=3))
    large = await house.endorsed((await house.line()).request("450.00"), NOON - timedelta(days=2))

    async def nobody() -> dict[str, str]:
        items = (await people.manager.get("undecidable-grants")).json()["items"]
        assert [one["since"] for one in items] == sorted(one["since"] for one in items)
        return {one["grant_id"]: one["reason"] for one in items}

    async def give(holder: Actor, up_to: str) -> UUID:
        authority_id = uuid7()
        order = GiveAuthority(
            holder_id=holder.person_id, role="finance_approver", up_to=eur(up_to), valid_from=TODAY, valid_until=TODAY + timedelta(days=9)
        )
        await house.give(AUTHORITY, authority_id, order, CHIEF)
        return authority_id

    assert await nobody() == {str(small): "no_authority", str(large): "no_authority"}
    involved = await give(ENDORSER, "900.00")
    assert await nobody() == {str(small): "all_involved", str(large): "all_involved"}
    # A deputy of who took part is no second pair of eyes.
    deputy = NameDeputy(deputy_id=APPROVER.person_id, valid_from=TODAY, valid_until=TODAY)
    await house.give(AUTHORITY, involved, deputy, CHIEF)
    assert await nobody() == {str(small): "all_involved", str(large): "all_involved"}
    authority_id = await give(APPROVER, "400.00")
    assert await nobody() == {str(large): "beyond_authority"}
    first = (await people.auditor.get("undecidable-grants", limit=1)).json()
    assert first["next"] is None
    file = xlsx.read((await people.chief.get("exports/undecidable-grants")).content)
    assert [(row[0], row[-2], row[-1]) for row in file["Nobody"].values()[1:]] == [(str(large), "2", "beyond_authority")]
    await house.give(AUTHORITY, authority_id, EndAuthority(reason="left_the_post"), CHIEF)
    assert await nobody() == {str(small): "all_involved", str(large): "all_involved"}
    pages = []
    after: dict[str, str] | None = {}
    while after is not None:
        page = (await people.auditor.get("undecidable-grants", limit=1, **after)).json()
        pages += [one["grant_id"] for one in page["items"]]
        after = {"after": page["next"]} if page["next"] else None
    assert pages == [str(small), str(large)]
    for caller in (people.payer, people.office, people.coordinator):
        assert (await caller.get("undecidable-grants")).status_code == 403


async def test_many_requests_that_chose_one_vendor_are_found_and_the_vendor_is_not_told(house: House, people: People) -> None:
    chosen = ["NEAR-SHOP"] * MANY_FOR_ONE + ["OTHER-SHOP"]
    grants = [await quoted(house, people, vendor) for vendor in chosen]
    answer = await people.manager.get("exceptions", **DAYS)
    found = {one["grant_id"]: one["exceptions"] for one in answer.json()["items"]}
    assert found == {str(grant_id): ["one_vendor"] for grant_id in grants[:-1]}
    assert "SHOP" not in answer.text


async def quoted(house: House, people: People, vendor: str) -> UUID:
    """A submitted request whose chosen quotation is this vendor's."""
    request, paper, grant_id = (await house.line()).request("100.00"), uuid7(), uuid7()
    quotation = Quotation(vendor=vendor, money=eur("100.00"), evidence_id=paper, chosen=True)
    await house.give(GRANT, grant_id, request.model_copy(update={"quotations": (quotation,)}), REQUESTER)
    filed = await people.office.put(f"grants/{grant_id}/evidence/{paper}?kind=quotation", PHOTO, "image/jpeg")
    assert filed.status_code == 200, filed.text
    await house.give(GRANT, grant_id, SubmitGrant.model_validate(await house.shown(grant_id)), REQUESTER)
    return grant_id
