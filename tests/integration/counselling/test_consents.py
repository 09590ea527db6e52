"""Consents over HTTP: who agrees at this moment and to what, and the signed paper, sealed under the person's key.

All persons here are invented.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.counselling.domain.consents import EVERY_CATEGORY
from services.counselling.domain.family import AddFamilyMember
from services.counselling.domain.person import GiveConsent, WithdrawConsent
from services.counselling.wiring import FAMILY, PERSON
from shared.actors import Actor
from shared.contracts.transfer_consents import TransferConsents
from shared.files.cleaning import cleaned
from shared.files.media import MOST_BYTES
from shared.ids import uuid7
from shared.surroundings import AnswerCutShort
from tests.given import NOON, staff
from tests.integration.counselling.desk import Desk
from tests.integration.returns.api import SERVICE, token
from tests.unit.shared.files.examples import CANARY, jpeg

AT_LIPA = replace(staff("amira", "counsellor"), sites=frozenset({"trc_lipa"}))
ELSEWHERE = replace(staff("berta", "counsellor"), sites=frozenset({"trc_usivak"}))
COORDINATOR = staff("ceca", "coordinator")
DATA_PROTECTION = staff("dana", "data_protection")
PHOTO = jpeg(6)
DATA: Mapping[str, Any] = {
    "consent": "data", "text_version": "v1", "language": "tur", "method": "signature", "given_at": NOON.isoformat()
}  # fmt: skip


async def agree(desk: Desk, person_id: UUID, **more: Any) -> UUID:
    consent_id = uuid7()
    body = {**DATA, "consent_id": str(consent_id), **more}
    answer = await desk.post(f"persons/{person_id}/give-consent", body, AT_LIPA)
    assert answer.status_code == 200, answer.text
    return consent_id


async def send(desk: Desk, person_id: UUID, consent_id: UUID, content: bytes = PHOTO, by: Actor = AT_LIPA) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token(by)}", "Avrr-Now": NOON.isoformat(), "Content-Type": "image/jpeg"}
    path = f"/v1/persons/{person_id}/consents/{consent_id}/paper"
    return await desk.client.put(path, content=content, headers=headers)


async def read(desk: Desk, person_id: UUID, consent_id: UUID, by: Actor = AT_LIPA, **query: str) -> httpx.Response:
    return await desk.get(f"persons/{person_id}/consents/{consent_id}/paper", query or {"purpose": "casework"}, by)


async def agreed(
    desk: Desk, person_ids: Sequence[UUID], country: str = "TR", at: datetime = NOON, *categories: str
) -> list[str]:
    """Who agrees at this moment, as one of our services is told."""
    return [str(person_id) for person_id in (await asked(desk, person_ids, country, at, *categories)).agreed]


async def asked(
    desk: Desk, person_ids: Sequence[UUID], country: str, at: datetime, *categories: str
) -> TransferConsents:
    headers = {"Authorization": f"Bearer {token(SERVICE)}", "Avrr-Now": at.isoformat()}
    query = {"recipient_country": country, "person_id": [str(id) for id in person_ids], "category": list(categories)}
    answer = await desk.client.get("/v1/transfer-consents", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["categories"] == list(categories)
    return TransferConsents.model_validate_json(answer.content)


async def test_a_transfer_counts_to_the_end_of_its_last_day_in_the_missions_time_zone(desk: Desk) -> None:
    person_id = await desk.agreed()
    order = {"consent": "transfer", "recipient_country": "TR", "expires_on": "2023-06-30"}
    await agree(desk, person_id, **order)
    # In Sarajevo the last day ends two hours before it does in UTC.
    for at, known in ((datetime(2023, 6, 30, 21, 59, tzinfo=UTC), [str(person_id)]), (datetime(2023, 6, 30, 22, tzinfo=UTC), [])):
        assert await agreed(desk, (person_id,), "TR", at) == known
    assert await agreed(desk, (person_id,), "IQ") == []


async def test_a_transfer_counts_no_longer_than_the_data_consent_that_it_rests_on(desk: Desk) -> None:
    person_id = await desk.registered()
    await agree(desk, person_id, expires_on="2023-05-20")
    await agree(desk, person_id, consent="transfer", recipient_country="TR")
    assert await agreed(desk, (person_id,)) == [str(person_id)]
    assert await agreed(desk, (person_id,), "TR", datetime(2023, 5, 21, 12, tzinfo=UTC)) == []


async def test_only_who_agreed_to_all_that_is_to_be_told_is_named(desk: Desk) -> None:
    usual, narrow, all_of_it = [await desk.agreed() for _ in range(3)]
    await agree(desk, usual, consent="transfer", recipient_country="TR")
    await agree(desk, all_of_it, consent="transfer", recipient_country="TR", categories=list(EVERY_CATEGORY))
    await agree(desk, narrow, consent="transfer", recipient_country="TR", categories=["identity", "travel"])
    both, one = sorted(map(str, (usual, narrow))), [str(usual)]
    for categories, known in (((), both), (("travel",), both), (("travel", "plan"), one), (("health",), [])):
        assert await agreed(desk, (usual, narrow), "TR", NOON, *categories) == known
    # Whose health may be told stands beside every answer, so that whoever lists asks once.
    answer = await asked(desk, (usual, narrow, all_of_it), "TR", NOON, "grants")
    assert answer.agreed == (usual, all_of_it)
    assert answer.health == (all_of_it,)


async def test_who_agreed_takes_it_back_and_the_next_answer_is_no(desk: Desk) -> None:
    person_id = await desk.agreed()
    await agree(desk, person_id, consent="transfer", recipient_country="TR")
    for by in (staff("petra", "protection"), DATA_PROTECTION):
        answer = await desk.post(f"persons/{person_id}/withdraw-consent", {"consent": "transfer"}, by)
        assert answer.status_code in (200, 409)
        assert await agreed(desk, (person_id,)) == []


async def test_a_consent_whose_last_day_is_over_carries_no_session_any_more(desk: Desk) -> None:
    person_id = await desk.registered()
    await agree(desk, person_id, expires_on="2023-05-03")
    session = {
        "session_type": "individual", "modality": "in_person", "site": "trc_lipa", "language": "tur",
        "interpreter": "none", "present": ["alone"], "person_ids": [str(person_id)], "held_at": NOON.isoformat(), "topics": [],
        "outcome": "information_only",
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {token(AT_LIPA)}"}
    # In Sarajevo the last day ends two hours before it does in UTC.
    for moment, status in (("2023-05-03T21:59:59Z", 201), ("2023-05-03T22:00:00Z", 409)):
        at = {"Avrr-Now": moment, "Idempotency-Key": str(uuid7())}
        answer = await desk.client.post(f"/v1/sessions/{uuid7()}/hold", json=session, headers={**headers, **at})
        assert answer.status_code == status, answer.text
    assert answer.json()["code"] == "data_consent_missing"


async def may_agree(desk: Desk, person_id: UUID) -> object:
    return (await desk.get(f"persons/{person_id}", {}, AT_LIPA)).json()["may_agree"]


async def test_a_parent_agrees_for_a_child_once_the_family_is_registered(desk: Desk) -> None:
    mother, child = await desk.agreed(1985, "female"), await desk.registered(2015)
    body = {**DATA, "given_by": str(mother)}
    refused = await desk.post(f"persons/{child}/give-consent", body, AT_LIPA)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_a_guardian")
    family_id = await desk.family(mother, child, "child")
    assert (await desk.post(f"persons/{child}/give-consent", body, AT_LIPA)).status_code == 200
    assert await may_agree(desk, child) == [str(mother)]
    assert await may_agree(desk, mother) is None
    uncle = await desk.registered(1980)
    named = AddFamilyMember(person_id=uncle, relation="guardian", guardian_of=(child,), reason="guardian_appointed")
    await desk.give(FAMILY, family_id, named)
    assert await may_agree(desk, child) == [str(uncle)]
    assert await may_agree(desk, await desk.registered(2015)) == []
    transfer = {**body, "consent": "transfer", "recipient_country": "TR"}
    refused = await desk.post(f"persons/{child}/give-consent", transfer, AT_LIPA)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_a_guardian")
    transfer["given_by"] = str(uncle)
    assert (await desk.post(f"persons/{child}/give-consent", transfer, AT_LIPA)).status_code == 200


async def test_a_consent_without_an_id_gets_one(desk: Desk) -> None:
    person_id = await desk.registered()
    await desk.post(f"persons/{person_id}/give-consent", DATA, AT_LIPA)
    (consent,) = (await desk.get(f"persons/{person_id}", {}, AT_LIPA)).json()["state"]["consents"]
    assert UUID(consent["consent_id"]).version == 7


async def test_a_signed_paper_comes_back_clean_for_a_purpose_that_is_on_record(desk: Desk) -> None:
    person_id = await desk.registered()
    consent_id = await agree(desk, person_id)
    assert (await send(desk, person_id, consent_id)).status_code == 200
    clean = (await cleaned(PHOTO, "image/jpeg")).content
    for by in (AT_LIPA, COORDINATOR, DATA_PROTECTION):
        answer = await read(desk, person_id, consent_id, by)
        assert (answer.status_code, answer.content) == (200, clean)
        assert (await desk.readings())[-1] == {
            "actor_id": by.person_id, "operation": "read_consent_paper", "about": str(person_id),
            "shown": [str(consent_id)], "purpose": "casework",
        }  # fmt: skip
    assert CANARY not in clean
    assert answer.headers["content-disposition"] == f'attachment; filename="consent-{str(consent_id)[-6:]}.jpg"'
    (consent,) = (await desk.get(f"persons/{person_id}", {}, AT_LIPA)).json()["state"]["consents"]
    assert consent["paper"]["sha256"] == hashlib.sha256(clean).hexdigest()
    assert (await desk.verified()).differences == []


async def test_the_same_paper_sent_again_is_recorded_once_and_another_one_is_refused(desk: Desk) -> None:
    person_id = await desk.registered()
    consent_id = await agree(desk, person_id)
    first, again = [await send(desk, person_id, consent_id) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["version"] == again.json()["version"]
    other = await send(desk, person_id, consent_id, jpeg(3))
    assert (other.status_code, other.json()["code"]) == (409, "paper_differs")


async def test_who_is_elsewhere_neither_files_nor_reads_a_paper(desk: Desk) -> None:
    person_id = await desk.registered()
    consent_id = await agree(desk, person_id)
    await send(desk, person_id, consent_id)
    for answer in (await send(desk, person_id, consent_id, by=ELSEWHERE), await read(desk, person_id, consent_id, ELSEWHERE)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await read(desk, person_id, consent_id, staff("op", "operations"))).status_code == 403
    assert (await read(desk, person_id, consent_id, COORDINATOR, purpose="curiosity")).status_code == 422


@pytest.mark.parametrize(
    ("content", "code"), [(b"%PDF-nothing", "file_type_differs"), (b"\xff\xd8\xff" + bytes(MOST_BYTES), "body_too_large")]
)
async def test_a_file_that_is_none_or_too_long_is_refused(desk: Desk, content: bytes, code: str) -> None:
    person_id = await desk.registered()
    answer = await send(desk, person_id, await agree(desk, person_id), content)
    assert answer.json()["code"] == code


async def test_a_paper_moved_to_another_consent_or_person_does_not_open(desk: Desk) -> None:
    one, other = await desk.registered(), await desk.registered()
    theirs = {person_id: await agree(desk, person_id) for person_id in (one, other)}
    for person_id, consent_id in theirs.items():
        await send(desk, person_id, consent_id)
    swap = "UPDATE {0} a SET {1} = b.{1} FROM {0} b WHERE a.person_id = '{2}' AND b.person_id = '{3}'"
    for table, column in (("consent_papers", "wrapped_key"), ("consent_paper_pieces", "sealed")):
        connection = await asyncpg.connect(desk.database.logins.migrate)
        await connection.execute("SET ROLE counselling_owner")
        before = await connection.fetchval(f"SELECT {column} FROM {table} WHERE person_id = $1", one)
        await connection.execute(swap.format(table, column, one, other))
        with pytest.raises((AnswerCutShort, AssertionError)):
            assert (await read(desk, one, theirs[one])).status_code == 200
        await connection.execute(f"UPDATE {table} SET {column} = $1 WHERE person_id = $2", before, one)
        await connection.close()
    assert (await read(desk, one, theirs[one])).status_code == 200


async def test_verify_finds_a_paper_without_its_pieces_and_pieces_without_their_paper(desk: Desk) -> None:
    person_id = await desk.registered()
    consent_id = await agree(desk, person_id)
    await send(desk, person_id, consent_id)
    await desk.by_hand("DELETE FROM consent_paper_pieces")
    assert (await desk.verified()).differences == [f"pieces of consent papers: {consent_id}"]
    await desk.by_hand("DELETE FROM consent_papers")
    assert (await desk.verified()).differences == [f"files of consent papers: {consent_id}"]


async def test_everything_about_consents_folds_to_its_row(desk: Desk) -> None:
    person_id = await desk.agreed()
    await agree(desk, person_id, consent="transfer", recipient_country="TR", expires_on=date(2024, 1, 1).isoformat())
    await agree(desk, person_id, consent="medical", method="witnessed_verbal", witness_id="staff:zoran")
    order = GiveConsent(consent="media", text_version="v1", language="tur", method="thumbprint", given_at=NOON)
    await desk.give(PERSON, person_id, order)
    await desk.give(PERSON, person_id, WithdrawConsent(consent="data"))
    assert (await desk.verified()).differences == []
