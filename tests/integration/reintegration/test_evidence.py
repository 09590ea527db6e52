"""Evidence over HTTP: filed once with its event, kept sealed, read by who may and by nobody else, each reading on record."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.reintegration.domain.grant import CancelGrant
from services.reintegration.files import EVIDENCE
from services.reintegration.grant_wiring import GRANT
from shared.db import Sql
from shared.files.cleaning import cleaned
from shared.files.media import MOST_BYTES
from shared.ids import uuid7
from shared.sealing import PIECE_BYTES, FileSeal
from shared.surroundings import PRIVATE_HEADERS, AnswerCutShort
from tests.integration.reintegration.office import REQUESTER, House
from tests.integration.reintegration.test_api import Caller, People, asked_for
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.shared.files.examples import CANARY, bytes_of, chunk, jpeg, pdf, photo_in, png, writer
from tests.unit.shared.files.refusing import every_refusal

people = people_of
PHOTO = jpeg(6)
_LEAVES = Sql("SELECT type, leaf FROM event_log ORDER BY idx")


async def file(
    caller: Caller, grant_id: UUID, evidence_id: UUID, content: bytes = PHOTO, said: str = "image/jpeg", query: str = "kind=receipt"
) -> httpx.Response:
    return await caller.put(f"grants/{grant_id}/evidence/{evidence_id}?{query}", content, said)


async def filed(people: People, grant_id: UUID, content: bytes = PHOTO, said: str = "image/jpeg") -> UUID:
    evidence_id = uuid7()
    answer = await file(people.office, grant_id, evidence_id, content, said)
    assert answer.status_code == 200, answer.text
    return evidence_id


async def leaves(house: House, ending: str) -> list[dict[str, object]]:
    rows = await house.rows(_LEAVES)
    return [json.loads(bytes(row["leaf"])) for row in rows if str(row["type"]).endswith(ending)]  # type: ignore[call-overload]


async def counted(house: House, table: str) -> int:
    connection = await asyncpg.connect(house.made.logins.migrate)
    found = await connection.fetchval(f"SELECT count(*) FROM {table}")
    await connection.close()
    return int(found)


async def test_what_an_office_files_is_seen_by_who_decides_and_comes_back_as_it_is_kept(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = await filed(people, grant_id)
    clean = await cleaned(PHOTO, "image/jpeg")
    known = {
        "evidence_id": str(evidence_id), "kind": "receipt", "media_type": "image/jpeg", "size": len(clean.content),
        "sha256": clean.sha256, "tranche": None, "filed_as": "receiving_office", "filed_at": "2023-05-02T12:00:00Z",
    }  # fmt: skip
    for caller in (people.office, people.coordinator, people.counsellor, people.approver, people.payer, people.reconciler):
        assert (await caller.get(f"grants/{grant_id}/evidence")).json() == [known]
        answer = await caller.get(f"grants/{grant_id}/evidence/{evidence_id}")
        assert (answer.status_code, answer.content) == (200, clean.content)
    assert hashlib.sha256(answer.content).hexdigest() == known["sha256"]
    assert CANARY not in answer.content


async def test_who_decides_sees_it_with_the_grant_and_who_pays_too(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = await filed(people, grant_id)
    for caller in (people.approver, people.payer):
        (seen,) = (await caller.get(f"grants/{grant_id}")).json()["state"]["evidence"]
        assert (seen["evidence_id"], seen["kind"]) == (str(evidence_id), "receipt")
    assert "filed_by" not in seen


async def test_a_file_is_saved_and_never_shown_in_place_or_kept_on_the_way(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = await filed(people, grant_id, pdf(), "application/pdf")
    answer = await people.approver.get(f"grants/{grant_id}/evidence/{evidence_id}")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="receipt-{str(evidence_id)[-6:]}.pdf"'
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers.get_list("content-security-policy")[0] == "sandbox"
    assert {(name.decode(), value.decode()) for name, value in PRIVATE_HEADERS} <= set(answer.headers.multi_items())


async def test_the_same_sent_again_is_recorded_once_whoever_sends_it(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = uuid7()
    first = await file(people.office, grant_id, evidence_id)
    again = await file(people.office, grant_id, evidence_id)
    by_another = await file(people.counsellor, grant_id, evidence_id)
    assert [answer.status_code for answer in (first, again, by_another)] == [200, 200, 200]
    assert (first.json()["version"], first.json()["repeated"]) == (3, False)
    assert (again.json()["version"], again.json()["repeated"]) == (3, True)
    assert by_another.json()["version"] == 3
    assert len(await leaves(house, "evidence_filed.v1")) == 1
    assert await counted(house, "evidence_files") == 1


async def test_a_lost_answer_can_be_had_again_when_the_grant_has_ended_meanwhile(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = await filed(people, grant_id)
    await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), REQUESTER)
    again = await file(people.office, grant_id, evidence_id)
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    other = await file(people.office, grant_id, uuid7())
    assert (other.status_code, other.json()["code"]) == (409, "wrong_status")


async def test_sent_twice_at_the_same_moment_it_is_recorded_once(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = uuid7()
    answers = await asyncio.gather(*(file(people.office, grant_id, evidence_id) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await leaves(house, "evidence_filed.v1")) == 1


async def test_other_bytes_or_another_kind_under_the_same_id_are_refused(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = await filed(people, grant_id)
    for answer in (
        await file(people.office, grant_id, evidence_id, jpeg(3)),
        await file(people.office, grant_id, evidence_id, query="kind=photo"),
        await file(people.office, grant_id, evidence_id, query="kind=receipt&tranche=1"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "evidence_differs")
    other_grant = await asked_for(people, await house.line())
    taken = await file(people.office, other_grant, evidence_id)
    assert (taken.status_code, taken.json()["code"]) == (409, "already_exists")
    assert await counted(house, "evidence_files") == 1


@pytest.mark.parametrize(("sent", "said", "code"), every_refusal())
async def test_what_is_not_taken_is_refused_with_its_reason_and_nothing_is_kept(
    house: House, people: People, sent: bytes, said: str, code: str
) -> None:
    grant_id = await asked_for(people, await house.line())
    answer = await file(people.office, grant_id, uuid7(), sent, said)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert await counted(house, "evidence_files") == await counted(house, "evidence_pieces") == 0
    assert await leaves(house, "evidence_filed.v1") == []


async def test_a_file_of_ten_mebibytes_is_taken_and_one_byte_more_is_not(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    largest = padded(MOST_BYTES)
    evidence_id = await filed(people, grant_id, largest, "image/png")
    answer = await people.approver.get(f"grants/{grant_id}/evidence/{evidence_id}")
    assert answer.content == largest
    assert await counted(house, "evidence_pieces") == MOST_BYTES // PIECE_BYTES
    for sent in (padded(MOST_BYTES + 1), pieces_of(padded(MOST_BYTES + 1))):
        too_long = await people.office.put(f"grants/{grant_id}/evidence/{uuid7()}?kind=receipt", sent, "image/png")
        assert (too_long.status_code, too_long.json()["code"]) == (413, "body_too_large")
        assert too_long.headers["connection"] == "close"
    command = await people.office.post(f"grants/{grant_id}/cancel", {"reason": "x" * 300_000})
    assert command.status_code == 413


def padded(length: int) -> bytes:
    """A PNG of exactly so many bytes."""
    head = png()[:8] + chunk(b"IHDR", b"\x00\x00\x00\x08\x00\x00\x00\x08\x08\x00\x00\x00\x00")
    rest = length - len(head) - 2 * len(chunk(b"IEND"))
    return head + chunk(b"IDAT", bytes(rest)) + chunk(b"IEND")


async def pieces_of(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65536):
        yield content[start : start + 65536]


async def test_an_office_abroad_finds_neither_grant_nor_evidence_and_can_file_none(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = await filed(people, grant_id)
    for path in (f"grants/{grant_id}/evidence", f"grants/{grant_id}/evidence/{evidence_id}"):
        hidden = await people.office_abroad.get(path)
        unknown = await people.office_abroad.get(path.replace(str(grant_id), str(uuid7())))
        assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content) == (404, hidden.content)
    refused = await file(people.office_abroad, grant_id, uuid7())
    nowhere = await file(people.office_abroad, uuid7(), uuid7())
    assert (refused.status_code, refused.content) == (nowhere.status_code, nowhere.content)
    assert refused.json()["code"] == "not_found"
    own = await people.office.get(f"grants/{grant_id}/evidence/{uuid7()}")
    assert (own.status_code, own.json()["code"]) == (404, "not_found")


async def test_who_has_no_business_with_it_is_refused_before_anything_is_read(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = await filed(people, grant_id)
    for caller in (people.auditor, people.manager, people.consul):
        for path in (f"grants/{grant_id}/evidence", f"grants/{grant_id}/evidence/{evidence_id}"):
            assert (await caller.get(path)).status_code == 403
    for caller in (people.coordinator, people.approver, people.payer, people.auditor):
        assert (await file(caller, grant_id, uuid7(), b"")).json()["code"] == "not_permitted"
    odd = await file(people.office, grant_id, uuid7(), query="kind=passport")
    assert odd.status_code == 422


async def test_a_file_that_no_grant_would_take_is_not_looked_at(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    odd = b"what nobody could look at"
    hidden, nowhere = await file(people.office_abroad, grant_id, uuid7(), odd), await file(people.office, uuid7(), uuid7(), odd)
    assert (hidden.status_code, hidden.content) == (nowhere.status_code, nowhere.content)
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    assert (await file(people.counsellor, uuid7(), uuid7(), odd)).status_code == 404
    refused = [leaf["data"] for leaf in await leaves(house, "access.refused.v1")]
    assert {
        "actor_id": "staff:office-tr", "operation": "file_evidence", "code": "not_found", "about": str(grant_id)
    } in refused  # fmt: skip
    assert len(refused) == 2
    assert (await file(people.office, grant_id, uuid7(), odd)).json()["code"] == "file_type_unknown"
    await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), REQUESTER)
    ended = await file(people.office, grant_id, uuid7(), odd)
    assert (ended.status_code, ended.json()["code"]) == (409, "wrong_status")


async def test_each_reading_is_on_record_with_what_was_read(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    evidence_id = await filed(people, grant_id)
    await people.payer.get(f"grants/{grant_id}/evidence/{evidence_id}")
    read = [leaf["data"] for leaf in await leaves(house, "access.record_read.v1")]
    expected: dict[str, object] = {
        "actor_id": "staff:payer", "operation": "read_evidence", "about": str(evidence_id), "shown": [], "purpose": None
    }
    assert expected in read
    await people.office.get(f"grants/{grant_id}/evidence/{grant_id}")
    refused = [leaf["data"] for leaf in await leaves(house, "access.refused.v1")]
    assert refused == [
        {"actor_id": "staff:office-pk", "operation": "read_evidence", "code": "not_found", "about": str(grant_id)}
    ]


async def test_nothing_of_a_file_stands_in_the_log_or_readable_in_any_table(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    sent = bytes_of(photo_in(writer(), jpeg()))
    assert b"Receipt 1" in (await cleaned(sent, "application/pdf")).content
    answer = await file(people.office, grant_id, uuid7(), sent, "application/pdf", "kind=lease")
    assert answer.status_code == 200
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    tables = [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    whole = "\n".join(
        [str(row[0]) for table in tables for row in await connection.fetch(f"SELECT cast(t AS text) FROM {table} t")]
    )
    await connection.close()
    for canary in (CANARY, b"Receipt 1", b"%PDF", bytes(range(32))):
        assert canary.hex() not in whole and canary.decode("latin-1") not in whole
    (leaf,) = await leaves(house, "evidence_filed.v1")
    assert "lease" not in json.dumps(leaf)


async def test_a_file_that_was_changed_where_it_lies_is_not_handed_out(house: House, people: People) -> None:
    grant_id, other_id = await asked_for(people, await house.line()), await asked_for(people, await house.line())
    mine, other = await filed(people, grant_id), await filed(people, other_id)
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    sealed = await connection.fetchval("SELECT sealed FROM evidence_pieces WHERE evidence_id = $1", other)
    await connection.execute("UPDATE evidence_pieces SET sealed = $2 WHERE evidence_id = $1", mine, sealed)
    with pytest.raises(AnswerCutShort):
        await people.approver.get(f"grants/{grant_id}/evidence/{mine}")
    # Another file whole, with the key that fits it, in this one's place: sealed for another grant.
    await connection.execute(
        "UPDATE evidence_files SET wrapped_key = (SELECT wrapped_key FROM evidence_files WHERE evidence_id = $2) "
        "WHERE evidence_id = $1", mine, other,
    )  # fmt: skip
    assert (await people.approver.get(f"grants/{grant_id}/evidence/{mine}")).status_code == 500
    # A file that opens and is not the one whose hash stands in the log.
    written = EVIDENCE.kept(grant_id, mine, (await cleaned(jpeg(3), "image/jpeg")).content, FileSeal(bytes(range(32))))
    await connection.execute("UPDATE evidence_files SET wrapped_key = $2, sealed_under = 'service' WHERE evidence_id = $1", mine, written[0].values["wrapped_key"])
    pieces = written[1].values["sealed"]
    assert isinstance(pieces, list)
    await connection.execute("UPDATE evidence_pieces SET sealed = $2 WHERE evidence_id = $1", mine, pieces[0])
    with pytest.raises(AnswerCutShort):
        await people.approver.get(f"grants/{grant_id}/evidence/{mine}")
    await connection.close()


async def test_verify_finds_evidence_without_its_file_and_a_file_without_a_piece(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    first, second = await filed(people, grant_id), await filed(people, grant_id, png(), "image/png")
    assert (await house.findings()).sound
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute("DELETE FROM evidence_pieces WHERE evidence_id = $1", first)
    await connection.execute("DELETE FROM evidence_files WHERE evidence_id = $1", second)
    await connection.close()
    assert set((await house.findings()).differences) == {
        f"pieces of evidence: {first}", f"files of evidence: {second}", f"pieces of evidence: {second}"
    }  # fmt: skip


async def test_an_office_is_told_that_it_can_file_evidence_and_who_endorses_is_not(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    allowed = {
        name: next(
            action["allowed"]
            for action in (await caller.get(f"grants/{grant_id}")).json()["actions"]
            if action["name"] == "file_evidence"
        )
        for name, caller in (("office", people.office), ("coordinator", people.coordinator))
    }
    assert allowed == {"office": True, "coordinator": False}
