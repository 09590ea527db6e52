"""Who looked at whom and who was refused what, as the archive tells it out of the access events of all logs."""

from typing import Any
from uuid import UUID

import pytest

from shared.ids import uuid7
from tests.given import staff
from tests.integration.audit.archived_log import ArchivedLog

PATHS = ("/v1/archive/readings", "/v1/archive/refusals")
WEAK = staff("amra", "auditor", acr="")


async def items(archived: ArchivedLog, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await archived.get(path, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def ids(found: list[dict[str, Any]]) -> list[UUID]:
    return [UUID(one["entry"]["id"]) for one in found]


async def test_who_looked_at_somebody_is_found_by_reader_by_subject_and_by_day(archived: ArchivedLog) -> None:
    person, other, case = uuid7(), uuid7(), uuid7()
    (opened,) = await archived.happen(
        kind="access.record_read", operation="read_person", about=str(person), shown=[], purpose="casework"
    )
    (searched,) = await archived.happen(
        kind="access.record_read", by="staff:berin", operation="search_persons", about=None, shown=[str(person), str(other)], purpose=None
    )
    (told,) = await archived.happen(
        kind="access.status_asked", by="staff:consul", operation="ask_status", reason="told", about=None,
        told=[{"case_id": str(case), "country": "TR", "status": "arrived"}],
    )  # fmt: skip
    # What happened to a person is not who looked.
    await archived.happen(case=person)
    await archived.archive()
    path = PATHS[0]
    found = await items(archived, path)
    assert ids(found) == [told, searched, opened]
    assert [one["operation"] for one in found] == ["ask_status", "search_persons", "read_person"]
    assert (found[2]["about"], found[2]["purpose"], found[1]["shown"]) == (str(person), "casework", [str(person), str(other)])
    assert ids(await items(archived, path, about=person)) == [searched, opened]
    assert ids(await items(archived, path, about=other)) == [searched]
    assert ids(await items(archived, path, about=case)) == [told]
    assert ids(await items(archived, path, actor="staff:berin")) == [searched]
    assert ids(await items(archived, path, actor="staff:anna", about=person)) == [opened]
    assert ids(await items(archived, path, since=found[1]["entry"]["recorded_at"])) == [told, searched]
    assert ids(await items(archived, path, until=found[1]["entry"]["recorded_at"])) == [opened]


async def test_who_opened_a_paper_is_among_those_who_looked(archived: ArchivedLog) -> None:
    grant, sample, paper = uuid7(), uuid7(), uuid7()
    (opened,) = await archived.happen(
        kind="access.voucher_opened", by="staff:amra", operation="open_voucher", sample_id=str(sample), grant_id=str(grant),
        about=str(paper), sha256="a" * 64,
    )  # fmt: skip
    await archived.archive()
    for query in ({}, {"about": grant}, {"about": sample}, {"about": paper}, {"actor": "staff:amra"}):
        assert ids(await items(archived, PATHS[0], **query)) == [opened]
    (found,) = await items(archived, PATHS[0])
    assert (found["about"], found["shown"]) == (str(paper), [str(grant), str(sample)])


async def test_refusals_are_found_by_whom_code_and_subject_each_with_its_repeats(archived: ArchivedLog) -> None:
    grant, access = uuid7(), uuid7()
    (hats,) = await archived.happen(
        kind="access.refused", subject=access, operation="approve_grant", code="four_eyes", about=str(grant)
    )
    await archived.happen(kind="access.refusals_counted", subject=access, repeats=3, last_at="2026-05-02T12:00:40Z")
    (role,) = await archived.happen(kind="access.refused", by="staff:berin", operation="read_case", code="not_permitted", about=None)
    await archived.happen(kind="case.withdrawn", reason="not_permitted")
    await archived.archive()
    path = PATHS[1]
    found = await items(archived, path)
    assert ids(found) == [role, hats]
    assert [(one["code"], one["operation"], one["repeats"], one["about"]) for one in found] == [
        ("not_permitted", "read_case", 0, None), ("four_eyes", "approve_grant", 3, str(grant)),
    ]  # fmt: skip
    assert ids(await items(archived, path, code="not_permitted")) == [role]
    assert ids(await items(archived, path, code="four_eyes", actor="staff:anna")) == [hats]
    assert ids(await items(archived, path, about=grant)) == [hats]
    assert ids(await items(archived, path, about=grant, code="not_permitted")) == []
    assert ids(await items(archived, path, actor="staff:berin")) == [role]


@pytest.mark.parametrize("path", PATHS)
async def test_pages_hold_every_access_once(archived: ArchivedLog, path: str) -> None:
    kind = "access.record_read" if path == PATHS[0] else "access.refused"
    made = await archived.happen(7, kind=kind, operation="read_case", code="not_permitted", about=None)
    await archived.archive()
    seen: list[UUID] = []
    after: dict[str, Any] = {}
    while True:
        body = (await archived.get(path, limit=3, **after)).json()
        seen += ids(body["items"])
        if body["next"] is None:
            break
        after = {"after": body["next"]}
    assert seen == made[::-1]


async def test_an_access_that_says_what_none_of_ours_would_is_shown_all_the_same(archived: ArchivedLog) -> None:
    (odd,) = await archived.happen(kind="access.record_read", operation=3, about="nobody", shown="x", told=[4], purpose=None)
    await archived.archive()
    (found,) = await items(archived, PATHS[0])
    assert (found["entry"]["id"], found["operation"], found["about"], found["shown"]) == (str(odd), "", None, [])


async def test_what_they_say_needs_the_key_and_whose_record_was_shown_stands_in_the_record_of_the_search(
    archived: ArchivedLog,
) -> None:
    person = uuid7()
    await archived.happen(kind="access.record_read", operation="read_person", about=str(person), shown=[], purpose=None)
    await archived.archive()
    for path in PATHS:
        assert (await archived.get(path, WEAK)).status_code == 401
        assert (await archived.get(path, staff("berin", "counsellor"))).json()["code"] == "not_permitted"
    await items(archived, PATHS[0], actor="staff:anna")
    logged = (await archived.get("/v1/log", about=person)).json()["items"]
    # The second is the search that tells this.
    assert [row["kind"] for row in logged] == ["avrr.audit.access.record_read.v1"] * 2
