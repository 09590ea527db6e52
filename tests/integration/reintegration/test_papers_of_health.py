"""What a grant of health tells of somebody's illness: shown to medical staff and whoever filed it, by no way to who decides."""

import json
from uuid import UUID

from services.reintegration.domain.grant import EndorseGrant
from services.reintegration.grant_wiring import GRANT
from shared.contracts.reintegration import PAPERS_OF_HEALTH
from shared.db import Sql
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import Caller, People, asked_for
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_evidence import file, filed, leaves
from tests.unit.reintegration.examples import ENDORSER, eur

people = people_of
_HATS = Sql("SELECT hat FROM grant_turns")


async def papers_of_health(people: People, grant_id: UUID, by: Caller) -> set[UUID]:
    made = set()
    for kind in sorted(PAPERS_OF_HEALTH):
        evidence_id = uuid7()
        answer = await file(by, grant_id, evidence_id, query=f"kind={kind}")
        assert answer.status_code == 200, answer.text
        made.add(evidence_id)
    return made


async def shown(caller: Caller, grant_id: UUID) -> set[UUID]:
    """The papers that somebody is told of, which are the same in the grant and in the list of its papers."""
    grant = await caller.get(f"grants/{grant_id}")
    listed = await caller.get(f"grants/{grant_id}/evidence")
    assert (grant.status_code, listed.status_code) == (200, 200)
    ids = {UUID(row["evidence_id"]) for row in grant.json()["state"]["evidence"]}
    assert ids == {UUID(row["evidence_id"]) for row in listed.json()}
    return ids


async def test_no_one_who_decides_on_money_comes_by_a_paper_that_tells_the_diagnosis(house: House, people: People) -> None:
    (line,), fund_id = await house.lines("medical"), await house.fund()
    grant_id = await asked_for(people, line)
    open_to_all = await filed(people, grant_id)
    of_health = await papers_of_health(people, grant_id, people.office)
    await house.certified(grant_id)
    await house.give(GRANT, grant_id, EndorseGrant.model_validate(await house.shown(grant_id)), ENDORSER)
    deciding = (people.coordinator, people.approver, people.chief, people.payer, people.reconciler, people.endorser_and_approver)
    for caller in (*deciding, people.counsellor):
        assert await shown(caller, grant_id) == {open_to_all}
        for paper in of_health:
            refused = await caller.get(f"grants/{grant_id}/evidence/{paper}")
            unknown = await caller.get(f"grants/{grant_id}/evidence/{uuid7()}")
            assert (refused.status_code, refused.json()) == (404, unknown.json())
    for caller in (people.manager, people.auditor, people.consul):
        for path in (f"grants/{grant_id}", f"grants/{grant_id}/evidence", f"grants/{grant_id}/evidence/{min(of_health)}"):
            assert (await caller.get(path)).json()["code"] == "not_permitted"
    for caller in (people.office, people.medical):
        assert await shown(caller, grant_id) == {open_to_all, *of_health}
        for paper in of_health:
            assert (await caller.get(f"grants/{grant_id}/evidence/{paper}")).status_code == 200
    # Nor does the log say of a paper what it is.
    told = json.dumps(await leaves(house, "evidence_filed.v1"))
    assert not any(kind in told for kind in PAPERS_OF_HEALTH)
    order = (await house.approval(grant_id, fund_id)).model_dump(mode="json")
    assert (await people.approver.post(f"grants/{grant_id}/approve", order)).status_code == 200
    assert await shown(people.payer, grant_id) == {open_to_all}


async def test_no_version_of_a_grant_tells_who_pays_that_it_is_one_of_health(house: House, people: People) -> None:
    """A certificate and papers that tell the diagnosis change nothing of what a payer knows a grant by, and an order does."""
    (line,), fund_id = await house.lines("medical"), await house.fund()
    grant_id = await asked_for(people, line)

    async def known(caller: Caller) -> str:
        grant, papers = await caller.get(f"grants/{grant_id}"), await caller.get(f"grants/{grant_id}/evidence")
        assert {grant.headers["ETag"], papers.headers["ETag"]} == {f'"v{grant.json()["version"]}"'}
        return grant.headers["ETag"]

    finance = (people.payer, people.reconciler)
    before, counted = [await known(caller) for caller in finance], await known(people.approver)
    await papers_of_health(people, grant_id, people.office)
    await house.certified(grant_id)
    assert [await known(caller) for caller in finance] == before
    assert await known(people.approver) != counted
    await house.give(GRANT, grant_id, EndorseGrant.model_validate(await house.shown(grant_id)), ENDORSER)
    order = (await house.approval(grant_id, fund_id)).model_dump(mode="json")
    assert (await people.approver.post(f"grants/{grant_id}/approve", order, await known(people.approver))).status_code == 200
    for payer in (people.payer, people.office_payer):
        assert await known(payer) not in before
    release = (await house.vendors.release(1, method="office_account")).model_dump(mode="json")
    path = f"grants/{grant_id}/release-tranche"
    stale = await people.office_payer.post(path, release, before[0])
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    released = await people.office_payer.post(path, release, await known(people.office_payer))
    assert (released.status_code, released.headers["ETag"]) == (200, await known(people.office_payer))


async def test_whoever_asks_what_is_held_about_them_is_told_of_those_papers(house: House, people: People) -> None:
    (line,) = await house.lines("medical")
    grant_id = await asked_for(people, line)
    await papers_of_health(people, grant_id, people.office)
    held = await people.protector.get(f"persons/{line.person_id}/held")
    (grant,) = held.json()["records"]["grants"]
    assert {paper["kind"] for paper in grant["evidence"]} == PAPERS_OF_HEALTH


async def test_medical_staff_find_grants_of_health_and_no_other_however_many_there_are(house: House, people: People) -> None:
    lines = [*await house.lines("business", "medical", "housing"), *await house.lines("psychosocial", "other")]
    grants = {line.category: await asked_for(people, line) for line in lines}
    of_health = [str(grants[category]) for category in ("medical", "psychosocial")]

    async def pages(limit: int) -> list[list[str]]:
        found: list[list[str]] = []
        after: dict[str, str] = {}
        while True:
            page = (await people.medical.get("grants", limit=limit, **after)).json()
            found.append([row["id"] for row in page["items"]])
            if page["next"] is None:
                return found
            after = {"after": page["next"]}

    for limit in (1, 2, 50):
        told = await pages(limit)
        assert [id for page in told for id in page] == of_health
        assert all(len(page) <= limit for page in told)
    for category, grant_id in grants.items():
        expected = (200, "") if str(grant_id) in of_health else (404, "not_found")
        for path in (f"grants/{grant_id}", f"grants/{grant_id}/evidence"):
            answer = await people.medical.get(path)
            assert (answer.status_code, answer.json().get("code", "") if expected[0] == 404 else "") == expected, category
    seen = (await people.medical.get(f"grants/{grants['medical']}")).json()
    assert (seen["state"]["category"], seen["line"]["category"]) == ("medical", "medical")


async def test_medical_staff_find_what_waits_for_their_word_and_approvers_see_that_it_was_given(house: House, people: People) -> None:
    lines = [*await house.lines("business", "medical", "housing"), *await house.lines("psychosocial")]
    grants = {line.category: await asked_for(people, line) for line in lines}

    async def waiting() -> list[tuple[str, str, str]]:
        found = (await people.medical.get("turns", limit=1)).json()
        items = list(found["items"])
        while found["next"] is not None:
            found = (await people.medical.get("turns", limit=1, after=found["next"])).json()
            items += found["items"]
        return [(row["id"], row["hat"], row["operation"]) for row in items]

    due = [(str(grants[category]), "certifier", "certify_medical_need") for category in ("medical", "psychosocial")]
    assert await waiting() == due
    # No row says that a grant waits for them.
    assert {row["hat"] for row in await house.rows(_HATS)} == {"endorser"}
    grant_id = grants["medical"]
    read = await house.shown(grant_id)
    endorsed = await people.coordinator.post(f"grants/{grant_id}/endorse", read)
    assert (endorsed.status_code, endorsed.json()["code"]) == (409, "certificate_missing")
    prices = {"price_from": eur("400.00").model_dump(mode="json"), "price_to": eur("600.00").model_dump(mode="json")}
    for caller in (people.office, people.coordinator, people.approver, people.counsellor, people.manager):
        refused = await caller.post(f"grants/{grant_id}/certify-medical-need", {**read, **prices})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    unknown = await people.medical.post(f"grants/{grants['business']}/certify-medical-need", {**read, **prices})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    given = await people.medical.post(f"grants/{grant_id}/certify-medical-need", {**read, **prices})
    assert given.status_code == 200, given.text
    assert await waiting() == due[1:]
    assert (await people.coordinator.post(f"grants/{grant_id}/endorse", read)).status_code == 200
    for caller in (people.approver, people.coordinator, people.office, people.medical):
        certificate = (await caller.get(f"grants/{grant_id}")).json()["state"]["certificate"]
        assert certificate == {
            "outcome": "certified", "reason": None, "price_from": "400", "price_to": "600", "attested_by": "staff:medical",
            "attested_at": "2023-05-02T12:00:00Z",
        }  # fmt: skip
    for caller in (people.payer, people.reconciler):
        assert "certificate" not in (state := (await caller.get(f"grants/{grant_id}")).json()["state"])
        assert "budget" not in state
    assert (await house.findings()).sound


async def test_a_short_page_takes_few_transactions_however_many_grants_are_left_out(house: House, people: People) -> None:
    for _ in range(12):
        await house.submitted((await house.line("business")).request("100.00"))
    of_health = await house.submitted((await house.line("medical")).request("100.00"))
    for path, named in (("grants", "id"), ("turns", "id")):
        before = house.api.counts.transactions
        page = (await people.medical.get(path, limit=1)).json()
        assert [row[named] for row in page["items"]] == [str(of_health)]
        assert house.api.counts.transactions - before <= 3
