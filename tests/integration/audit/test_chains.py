"""A case's chain over all logs: in the order of causes, each cause held against what names it, and nobody's looking among it."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.audit.searching import persons_in
from shared.ids import uuid7
from tests.given import staff
from tests.integration.audit.archived_log import NOON, ArchivedLog


async def chain(archived: ArchivedLog, case: UUID, **query: Any) -> dict[str, Any]:
    answer = await archived.get(f"/v1/archive/cases/{case}/chain", **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[UUID]:
    return [UUID(one["entry"]["id"]) for one in found["items"]]


async def test_a_chain_holds_what_names_the_case_anywhere_and_not_who_looked_at_it(archived: ArchivedLog) -> None:
    case = uuid7()
    (opened,) = await archived.happen(case=case)
    (grant,) = await archived.happen(kind="grant.drafted", case_id=str(case))
    await archived.happen(kind="access.record_read", about=str(case))
    # What whoever calls writes into a request puts nothing into a chain.
    await archived.happen(correlation=str(case))
    await archived.archive()
    found = await chain(archived, case)
    assert (ids(found), found["next"]) == ([opened, grant], None)
    assert ids(await chain(archived, uuid7())) == []


async def test_a_cause_stands_before_its_effect_even_where_both_have_one_time(archived: ArchivedLog) -> None:
    case, at = uuid7(), NOON + timedelta(days=1)
    await archived.happen(3, case=case, at=at)
    leaves = await archived.leaves()
    # A reaction of another log, which sorts before the log of what caused it, has the time of its cause.
    (early,) = await archived.happen(case=case, at=at, cause=leaves[2])
    await archived.archive()
    found = await chain(archived, case)
    assert ids(found)[-1] == early


async def test_what_is_wrong_with_a_link_is_a_finding(archived: ArchivedLog) -> None:
    case, one, other = uuid7(), "request-1", "request-2"
    await archived.happen(case=case, correlation=one)
    (leaf,) = await archived.leaves()
    made = [
        *await archived.happen(case=case, correlation=one, cause=leaf),
        *await archived.happen(case=case, correlation=one, cause=leaf + b" "),
        *await archived.happen(case=case, correlation=other, cause=leaf),
        *await archived.happen(case=case, correlation=one, cause=f'{{"id":"{uuid7()}"}}'.encode()),
    ]
    await archived.archive()
    found = {UUID(row["entry"]["id"]): row["findings"] for row in (await chain(archived, case))["items"]}
    assert [found[id] for id in made] == [[], ["cause_other"], ["correlation_other"], ["cause_missing"]]


async def test_a_chain_goes_on_page_by_page_and_holds_every_event_once(archived: ArchivedLog) -> None:
    case = uuid7()
    made = await archived.happen(7, case=case)
    await archived.archive()
    seen: list[UUID] = []
    after: dict[str, str] = {}
    while True:
        found = await chain(archived, case, limit=3, **after)
        seen += ids(found)
        if found["next"] is None:
            break
        after = {"after": found["next"]}
    assert seen == made


async def test_a_chain_is_on_record_under_its_case_and_for_auditors(archived: ArchivedLog) -> None:
    case = uuid7()
    await chain(archived, case)
    refused = await archived.get(f"/v1/archive/cases/{case}/chain", staff("berin", "counsellor"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    kinds = [row["kind"] for row in (await archived.get("/v1/log", about=case)).json()["items"]]
    # The second reading is the search that tells this.
    assert sorted(kinds) == ["avrr.audit.access.record_read.v1"] * 2 + ["avrr.audit.access.refused.v1"]


async def test_whoever_is_named_by_what_an_auditor_opens_is_told_of_it_when_they_ask(archived: ArchivedLog) -> None:
    case, person, child, other = uuid7(), uuid7(), uuid7(), uuid7()
    (opened,) = await archived.happen(case=case, principal_id=str(person), persons=[{"person_id": str(child)}])
    await archived.happen(kind="person.consent_given", subject=other)
    await archived.archive()
    await chain(archived, case)
    assert (await archived.get(f"/v1/archive/events/{opened}")).status_code == 200

    async def readers(of: UUID) -> list[str]:
        answer = await archived.get(f"/v1/persons/{of}/held", staff("dora", "data_protection"))
        assert answer.status_code == 200, answer.text
        assert (answer.json()["records"], answer.json()["history"]) == ({}, [])
        return [one["operation"] for one in answer.json()["readers"]]

    for one in (person, child):
        assert await readers(one) == ["read_case_chain", "read_archived_event", "read_held"]
    assert await readers(other) == ["read_held"]


def test_the_persons_of_an_event_are_those_whom_it_names_and_the_one_whom_it_is_of() -> None:
    named, listed, subject = uuid7(), uuid7(), uuid7()
    said = {"case_id": str(uuid7()), "persons": [{"person_id": str(named)}], "person_ids": [str(listed), 3], "note": "x"}
    leaf = {"type": "avrr.counselling.person.consent_given.v1", "subject": str(subject), "data": said}
    assert set(persons_in(json.dumps(leaf).encode(), b"no event")) == {named, listed, subject}
    assert persons_in(json.dumps({**leaf, "type": "avrr.returns.case.opened.v1", "data": {}}).encode()) == ()
