"""Erasing a person in reintegration: papers go with them, those of paid money after their last day, with keys of their own."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.case import RecordPersonsLeft
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.person import EndKeptPapers, RecordErasure, kept_until
from services.reintegration.domain.plan import AgreeFirstPlan, RevisePlan
from services.reintegration.domain.plan_completion import CompletePlan, OtherwiseSettled
from services.reintegration.domain.plan_lines import Details, Line, PlannedLine
from services.reintegration.files import EVIDENCE, wrap_anew
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PERSON, PLAN, WIRING
from shared.actors import Actor
from shared.contracts.reintegration import GrantCategory
from shared.db import Sql, UnitOfWork, Write
from shared.errors import RuleViolation
from shared.files.cleaning import cleaned
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.ledger import opened_disclosure, rows_of
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from shared.sealing import FileSeal
from tests.given import NOON
from tests.integration.bus.house import until
from tests.integration.reintegration.office import OFFICE, WORKER, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_evidence import PHOTO, counted, file, filed, leaves
from tests.integration.reintegration.test_figures import by_category, figures
from tests.unit.reintegration.examples import ENDORSER, TODAY, eur
from tests.unit.shared.files.examples import pdf

people = people_of
CLOCK = Actor.service("retention")
_TOLD = Sql("SELECT event_id, path, value FROM disclosure")
_FILES = Sql("SELECT evidence_id, grant_id FROM evidence_files")
# The rows that say what a person's needs and grants are for, and which papers there were.
_GRANTS = Sql("SELECT to_jsonb(g)::text AS body FROM grants g WHERE person_id = :person_id ORDER BY id")
_PLANS = Sql("SELECT to_jsonb(p)::text AS body FROM plans p WHERE :person_id = ANY (person_ids)")
_BESIDE = Sql(
    "SELECT d.path FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.subject = :grant_id"
)
_ANSWERED = Sql("SELECT version FROM idempotency WHERE resource_id = :grant_id")
# Those of persons: what is sealed of a vendor has a key of the vendor's own.
_KEYS = Sql("SELECT person_id, about, keep_until FROM person_keys WHERE person_id NOT IN (SELECT id FROM payees)")


async def grants_of(house: House, person_id: UUID) -> list[Grant]:
    async with house.made.api.unit_of_work(EVERYWHERE.scope(OFFICE)) as unit:
        rows = await unit.rows(_GRANTS, person_id=person_id)
        return [(await rows_of(GRANT).parsed(unit, row["body"]))[1] for row in rows]


async def kinds(house: House, person_id: UUID) -> list[str | None]:
    """Which papers there are of a person's grants."""
    return [paper.kind for grant in await grants_of(house, person_id) for paper in grant.evidence]


async def planned_for(house: House, person_id: UUID) -> list[Line]:
    """What is planned for a person, as the rows have it."""
    async with house.made.api.unit_of_work(EVERYWHERE.scope(OFFICE)) as unit:
        rows = await unit.rows(_PLANS, person_id=person_id)
        plans = [(await rows_of(PLAN).parsed(unit, row["body"]))[1] for row in rows]
    return [line for plan in plans for line in plan.lines if line.person_id == person_id]


async def needs(house: House, person_id: UUID) -> list[str | None]:
    """What a person's grants and lines of plans are for."""
    grants = [grant.category for grant in await grants_of(house, person_id)]
    return [*grants, *(line.category for line in await planned_for(house, person_id))]


async def told(house: House) -> list[str]:
    """What is kept beside the log, opened."""
    async with house.made.verify.unit_of_work(EVERYWHERE.scope(OFFICE)) as unit:
        rows = await unit.rows(_TOLD)
        opening = await unit.keys.rows.opening(unit, [row["value"] for row in rows])
    opened = (opened_disclosure("reintegration", opening, row["event_id"], row["path"], row["value"]) for row in rows)
    return sorted(one.value for one in opened)


async def erase(house: House, person_id: UUID) -> None:
    await transact(
        house.made.worker, EVERYWHERE.scope(WORKER),
        lambda unit: handle(
            unit, PERSON, person_id, RecordErasure(), Context(WORKER, NOON), Origin("test"), reach=EVERYWHERE
        ),
        WIRING.refusals,
    )  # fmt: skip


async def test_papers_go_with_the_person_but_receipts_of_paid_money_stay_until_their_day(house: House, people: People) -> None:
    paid_line, unpaid_line = await house.lines("medical", "housing")
    fund_id = await house.fund()
    paid = await house.approved(paid_line.request("500.00"), fund_id)
    unpaid = await house.approved(unpaid_line.request("400.00"), fund_id)
    receipt, quotation = await filed(people, paid), await filed(people, unpaid)
    stranger = await house.line()
    others = await filed(people, await house.approved(stranger.request("100.00"), fund_id))
    await house.accounted_for(paid, 1)
    await house.give(GRANT, unpaid, CancelGrant(reason="not_needed"), ENDORSER)
    person_id = paid_line.person_id
    assert len(await house.rows(_KEYS)) == 3
    before = await counted(house, "disclosure")
    report = (await people.auditor.get("statistics", **{"from": "2023-01-01", "to": "2023-12-31"})).json()

    await erase(house, person_id)
    last = date(TODAY.year + 10, TODAY.month, TODAY.day)
    (said,) = await leaves(house, "person.erased.v1")
    deleted = [{"what": "person_keys", "count": 1}, {"what": "evidence_files", "count": 1}, {"what": "payee_details", "count": 0}, {"what": "survey_answers", "count": 0}]
    assert said["data"] == {
        "erased_at": "2023-05-02T12:00:00Z", "deleted": deleted, "kept": 1, "kept_until": last.isoformat()
    }  # fmt: skip
    assert {row["evidence_id"] for row in await house.rows(_FILES)} == {receipt, others}
    assert await counted(house, "evidence_pieces") == 2
    keys: set[object] = {
        (row["about"], row["keep_until"]) for row in await house.rows(_KEYS) if str(row["person_id"]) == str(person_id)
    }
    assert keys == {(paid, last)}
    # Who accounts for money still reads its receipt; what nobody was paid for is not there.
    assert (await people.reconciler.get(f"grants/{paid}/evidence/{receipt}")).status_code == 200
    line = (await people.coordinator.get(f"grants/{paid}")).json()["line"]
    assert (line["dimension"], line["category"]) == (None, None)
    gone = await people.office.get(f"grants/{unpaid}/evidence/{quotation}")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert (await people.auditor.get("statistics", **{"from": "2023-01-01", "to": "2023-12-31"})).json() == report
    # What it was for is gone, but that what is kept is a receipt; of others nothing is.
    assert await needs(house, person_id) == [None] * 4
    assert set(await kinds(house, person_id)) == {"receipt", None}
    # Of the paid grant category, budget and certificate; of the other one category, budget and kind; of the plan two values
    # of each of its two lines.
    assert before - await counted(house, "disclosure") == 10
    for grant in await grants_of(house, person_id):
        assert (grant.budget, grant.certificate) == (None, None)
        assert grant.budget_hash is not None
    assert set(await needs(house, stranger.person_id)) == {"business"}
    found = await house.findings()
    assert found.sound, found.differences
    # The same again, as a late or repeated event would have it, changes nothing.
    await erase(house, person_id)
    assert len(await leaves(house, "person.erased.v1")) == 1


async def test_of_a_familys_plan_only_the_lines_of_who_was_erased_are_emptied_in_every_version(house: House) -> None:
    mother, child = uuid7(), uuid7()
    case_id, plan_id = await house.case(mother, child), uuid7()
    wanted: tuple[tuple[UUID, GrantCategory], ...] = ((child, "housing"), (mother, "medical"))
    lines = tuple(
        PlannedLine(
            line_id=uuid7(), person_id=whose, dimension="social", category=what, planned=eur("100.00"), objectives="To be well."
        )
        for whose, what in wanted
    )
    settled = tuple(OtherwiseSettled(line_id=line.line_id, outcome="referred") for line in lines)
    agreed = AgreeFirstPlan(case_id=case_id, person_ids=(mother, child), lines=lines, agreed_on=TODAY, method="signed")
    await house.give(PLAN, plan_id, agreed, OFFICE)
    revised = RevisePlan(lines=lines[::-1], agreed_on=TODAY, method="signed", reason="needs_changed")
    await house.give(PLAN, plan_id, revised, OFFICE)
    await house.give(PLAN, plan_id, CompletePlan(otherwise=settled), OFFICE)
    assert len(await house.rows(_TOLD)) == 10

    await erase(house, mother)
    assert await needs(house, mother) == [None]
    assert await needs(house, child) == ["housing"]
    of_the_child = '{"objectives":"To be well.","dimension":"social"}'
    assert await told(house) == ["housing", "housing", "referred", of_the_child, of_the_child]
    for whose, what in ((mother, {None}), (child, {"social", Details(objectives="To be well."), "referred"})):
        (line,) = await planned_for(house, whose)
        assert {line.dimension, line.details, line.outcome} == what
    assert (await house.findings()).sound
    await erase(house, child)
    assert await house.rows(_TOLD) == []
    assert (await house.findings()).sound


async def test_of_who_went_on_in_another_case_the_versions_of_the_plan_that_they_left_are_emptied_too(house: House) -> None:
    mother, sister = uuid7(), uuid7()
    case_id, plan_id = await house.case(mother, sister), uuid7()
    lines = tuple(
        PlannedLine(line_id=uuid7(), person_id=whose, dimension="social", category="housing", planned=eur("100.00"))
        for whose in (mother, sister)
    )
    agreed = AgreeFirstPlan(case_id=case_id, person_ids=(mother, sister), lines=lines, agreed_on=TODAY, method="signed")
    await house.give(PLAN, plan_id, agreed, OFFICE)
    await house.react(case_id, RecordPersonsLeft(person_ids=(sister,)))
    await house.case(sister)
    revised = RevisePlan(lines=lines[:1], agreed_on=TODAY, method="signed", reason="persons_changed")
    await house.give(PLAN, plan_id, revised, OFFICE)
    assert len(await house.rows(_TOLD)) == 6
    await erase(house, sister)
    assert len(await house.rows(_TOLD)) == 4
    assert (await house.findings()).sound


async def test_the_report_keeps_what_grants_of_the_erased_were_for_by_the_missions_year(house: House) -> None:
    fund_id = await house.fund()
    last_instant, next_year = datetime(2023, 12, 31, 22, 59, tzinfo=UTC), datetime(2023, 12, 31, 23, 0, tzinfo=UTC)
    gone = [await house.line(category) for category in ("medical", "medical", *5 * ("psychosocial",))]
    for line, at in zip(gone, (NOON, last_instant, *5 * (next_year,)), strict=True):
        await house.approved(line.request("500.00"), fund_id, at)
    for _ in range(2):
        await house.approved((await house.line("medical")).request("500.00"), fund_id)
    (dropped,) = await house.lines("business")
    cancelled = await house.approved(dropped.request("500.00"), fund_id)
    await house.give(GRANT, cancelled, CancelGrant(reason="not_needed"), ENDORSER)
    await house.approved((await house.line("medical")).request("500.00"), fund_id)
    years = [(date(year, 1, 1), date(year, 12, 31)) for year in (2022, 2023, 2024)]
    before = [await figures(house, *year) for year in years]
    assert [by_category(year) for year in before] == [{}, {"medical": 5}, {"psychosocial": 5}]
    for line in (*gone, dropped):
        await erase(house, line.person_id)
    assert [await figures(house, *year) for year in years] == before
    # Of a month it is not known any more, which the month itself would tell beside the year.
    assert by_category(await figures(house, date(2023, 5, 1), date(2023, 5, 31))) == {}
    found = await house.findings()
    assert found.sound, found.differences


async def test_receipts_that_were_kept_go_after_their_last_day_and_nothing_else_does(house: House, people: People) -> None:
    line, stranger, fund_id = await house.line(), await house.line(), await house.fund()
    paid = await house.approved(line.request("500.00"), fund_id)
    receipt = await filed(people, paid)
    others = await filed(people, await house.approved(stranger.request("100.00"), fund_id))
    await house.accounted_for(paid, 1)
    person_id, last = line.person_id, date(TODAY.year + 10, TODAY.month, TODAY.day)
    await erase(house, person_id)
    assert (await people.reconciler.get(f"grants/{paid}/evidence/{receipt}")).status_code == 200
    (kind,) = await house.rows(_BESIDE, grant_id=paid)
    assert kind == {"path": "evidence_kind"}
    # Whoever has taken over the API ends nothing before its day, nor makes that another day.
    for change in ("kept_until = '2023-05-01'", "erased_at = now()", "kept_ended_on = '2033-05-02'"):
        with pytest.raises(asyncpg.CheckViolationError):
            async with house.made.api.unit_of_work(EVERYWHERE.scope(CLOCK)) as unit:
                unit.write(Write(Sql(f"UPDATE persons SET {change} WHERE id = :id"), {"id": person_id}))
    # In the mission the day after begins at ten in the evening.
    after = datetime(last.year, last.month, last.day, 22, tzinfo=UTC)
    with pytest.raises(RuleViolation, match="not_due"):
        await house.give(PERSON, person_id, EndKeptPapers(), CLOCK, at=after - timedelta(seconds=1))
    await house.give(PERSON, person_id, EndKeptPapers(), CLOCK, at=after)
    (ended,) = await leaves(house, "person.kept_papers_ended.v1")
    deleted = [{"what": "person_keys", "count": 1}, {"what": "evidence_files", "count": 1}]
    assert ended["data"] == {
        "grant_ids": [str(paid)], "deleted": deleted, "kept_until": last.isoformat(),
        "ended_on": (last + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    assert [row["evidence_id"] for row in await house.rows(_FILES)] == [others]
    assert await counted(house, "evidence_pieces") == 1
    assert [row["person_id"] for row in await house.rows(_KEYS)] == [stranger.person_id]
    # What kind a paper was may tell what the money was for; beside the log nothing of the grant is left either.
    assert [await kinds(house, one.person_id) for one in (line, stranger)] == [[None], ["receipt"]]
    assert (await house.rows(_BESIDE, grant_id=paid), await house.rows(_ANSWERED, grant_id=paid)) == ([], [])
    listed = (await people.reconciler.get(f"grants/{paid}/evidence")).json()
    assert [(row["evidence_id"], row["kind"]) for row in listed] == [(str(receipt), None)]
    gone = await people.reconciler.get(f"grants/{paid}/evidence/{receipt}")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    found = await house.findings()
    assert found.sound, found.differences
    await house.give(PERSON, person_id, EndKeptPapers(), CLOCK, at=after + timedelta(days=1))
    assert len(await leaves(house, "person.kept_papers_ended.v1")) == 1


async def test_verify_finds_what_kind_a_paper_was_whose_time_is_over(house: House, people: People) -> None:
    line = await house.line()
    paid = await house.approved(line.request("500.00"), await house.fund())
    await filed(people, paid)
    await house.accounted_for(paid, 1)
    await erase(house, line.person_id)
    after = datetime(TODAY.year + 10, TODAY.month, TODAY.day + 1, 12, tzinfo=UTC)
    await house.give(PERSON, line.person_id, EndKeptPapers(), CLOCK, at=after)
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute("UPDATE grants SET evidence = jsonb_set(evidence, '{0,kind}', '\"lease\"')")
    await connection.close()
    assert f"kinds of papers: {paid}" in (await house.findings()).differences


async def test_of_somebody_erased_no_paper_is_filed_any_more_also_not_at_the_same_moment(house: House, people: People) -> None:
    fund_id = await house.fund()
    line = await house.line()
    grant_id = await house.approved(line.request("500.00"), fund_id)
    evidence_id = await filed(people, grant_id)

    async def work(unit: UnitOfWork) -> asyncio.Task[object]:
        await handle(
            unit, PERSON, line.person_id, RecordErasure(), Context(WORKER, NOON), Origin("test"), reach=EVERYWHERE
        )
        await unit.flush()
        second = asyncio.ensure_future(file(people.office, grant_id, uuid7(), pdf(), "application/pdf"))
        await until(house.somebody_waits)
        assert not second.done(), "who files did not wait for who erases"
        return second

    async with house.made.worker.unit_of_work(EVERYWHERE.scope(WORKER)) as unit:
        second = await work(unit)
    answer = await second
    assert (answer.status_code, answer.json()["code"]) == (409, "person_erased")  # type: ignore[attr-defined]
    again = await file(people.office, grant_id, evidence_id)
    assert (again.status_code, again.json()["code"]) == (409, "person_erased")
    assert (await counted(house, "evidence_files"), await counted(house, "person_keys")) == (0, 0)
    found = await house.findings()
    assert found.sound, found.differences


async def test_what_was_sealed_under_the_services_key_opens_and_is_wrapped_anew(house: House, people: People) -> None:
    grant_id = await house.approved((await house.line()).request("500.00"), await house.fund())
    evidence_id = await filed(people, grant_id)
    before = (await people.office.get(f"grants/{grant_id}/evidence/{evidence_id}")).content
    of_the_service = FileSeal(bytes(range(32)))
    written = EVIDENCE.kept(grant_id, evidence_id, (await cleaned(PHOTO, "image/jpeg")).content, of_the_service)
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute("UPDATE evidence_files SET wrapped_key = $1, sealed_under = 'service'", written[0].values["wrapped_key"])
    await connection.execute("UPDATE evidence_pieces SET sealed = $1", written[1].values["sealed"][0])  # type: ignore[index]
    await connection.execute("DELETE FROM person_keys")

    async def read() -> bytes:
        answer = await people.office.get(f"grants/{grant_id}/evidence/{evidence_id}")
        assert answer.status_code == 200, answer.text
        return answer.content

    assert await read() == before
    for expected in (1, 0):
        done = await transact(
            house.api, EVERYWHERE.scope(WORKER), lambda unit: wrap_anew(unit, house.made.person_keys, of_the_service)
        )
        assert done == expected
    assert await read() == before
    assert await connection.fetchval("SELECT sealed_under FROM evidence_files") == "grant"
    await connection.close()
    assert (await house.findings()).sound


async def test_several_papers_of_a_grant_and_receipts_of_somebody_erased_are_wrapped_anew_too(house: House, people: People) -> None:
    """Otherwise the one key that opens them all could never be destroyed."""
    paid_line, fund_id = await house.line(), await house.fund()
    paid = await house.approved(paid_line.request("500.00"), fund_id)
    evidence_ids = {await filed(people, paid), await filed(people, paid)}
    of_the_service, content = FileSeal(bytes(range(32))), (await cleaned(PHOTO, "image/jpeg")).content
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    for evidence_id in evidence_ids:
        file_of, pieces = EVIDENCE.kept(paid, evidence_id, content, of_the_service)
        await connection.execute(
            "UPDATE evidence_files SET wrapped_key = $2, sealed_under = 'service' WHERE evidence_id = $1",
            evidence_id, file_of.values["wrapped_key"],
        )  # fmt: skip
        sealed: Any = pieces.values["sealed"]
        await connection.execute("UPDATE evidence_pieces SET sealed = $2 WHERE evidence_id = $1", evidence_id, sealed[0])
    await connection.execute("DELETE FROM person_keys")
    await house.accounted_for(paid, 1)
    await erase(house, paid_line.person_id)
    assert await counted(house, "evidence_files") == 2
    done = await transact(
        house.api, EVERYWHERE.scope(WORKER), lambda unit: wrap_anew(unit, house.made.person_keys, of_the_service)
    )
    assert done == 2
    last = date(TODAY.year + 10, TODAY.month, TODAY.day)
    keys: set[object] = {(row["about"], row["keep_until"]) for row in await house.rows(_KEYS)}
    assert keys == {(paid, last)}
    for evidence_id in evidence_ids:
        answer = await people.reconciler.get(f"grants/{paid}/evidence/{evidence_id}")
        assert (answer.status_code, answer.content == content) == (200, True)
    # No other key of somebody erased comes to be: neither their own, nor one of papers that nobody was paid for.
    for about in (paid_line.person_id, paid, UUID(int=5)):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO person_keys (person_id, about, epoch, wrapped) VALUES ($1, $2, '1', 'x')", paid_line.person_id, about
            )
    await connection.close()
    found = await house.findings()
    assert found.sound, found.differences


@pytest.mark.parametrize(
    ("paid_on", "last"), [(date(2023, 3, 31), date(2033, 3, 31)), (date(2024, 2, 29), date(2034, 3, 1))]
)
def test_receipts_are_kept_ten_years_after_the_last_payment(paid_on: date, last: date) -> None:
    assert kept_until(paid_on) == last
