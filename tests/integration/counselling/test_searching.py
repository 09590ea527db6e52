"""People found at all sites by a document or by the sound of a name, over HTTP. All persons here are invented."""


import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from structlog.testing import capture_logs

from ops.keys import rotate_index
from services.counselling import finding
from services.counselling.birth_years import hash_years_anew
from services.counselling.domain.person import GiveConsent
from services.counselling.domain.search import MOST_CANDIDATES
from services.counselling.wiring import PERSON
from shared.actors import PROGRAMS, Actor, Role
from shared.blind_index import FileIndexKeys
from shared.policy import EVERYWHERE
from shared.topology import COUNSELLING
from tests.given import NOON, staff
from tests.integration.counselling.desk import Desk
from tests.integration.counselling.test_identity import (
    AT_LIPA,
    COORDINATOR,
    ELSEWHERE,
    PROTECTION,
    everything_kept,
    heard,
)

PASSPORT = {"document_type": "passport", "document_number": "KANARI 077 123", "issuing_country": "AF"}
WHO: Mapping[str, Any] = {
    "family_name": "Kanarizada", "given_names": "Ghulam", "family_name_own_script": "کناری‌زاده", "documents": [PASSPORT],
    "other_names": [{"other_name": "Rahman Testzai"}],
}  # fmt: skip
DOCUMENT = {"document": {"document_number": "kanari-077123", "issuing_country": "AF"}}


def named(family_name: str, year: int = 1990, **more: object) -> dict[str, Any]:
    return {"name": {"family_name": family_name, "birth_year": year, **more}}


async def known(desk: Desk, body: Mapping[str, Any] = WHO, year: int = 1990) -> UUID:
    person_id = await desk.agreed(year)
    await stated(desk, person_id, body)
    return person_id


async def stated(desk: Desk, person_id: UUID, body: Mapping[str, Any]) -> None:
    answer = await desk.post(f"persons/{person_id}/record-identity", body, AT_LIPA)
    assert answer.status_code == 200, answer.text


async def searched(desk: Desk, body: Mapping[str, Any], by: Actor = ELSEWHERE) -> Any:
    answer = await desk.post("person-searches", body, by)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def found(desk: Desk, body: Mapping[str, Any], by: Actor = ELSEWHERE) -> list[UUID]:
    return [UUID(row["id"]) for row in (await searched(desk, body, by))["items"]]


async def test_a_document_or_a_name_finds_somebody_of_another_site_masked_and_the_search_is_on_record(desk: Desk) -> None:
    person_id = await known(desk)
    for search, by, score in ((DOCUMENT, "document", 100), (named("Kanari-Zade"), "name", 90), (named("کناری زاده"), "name", 90)):
        answer = await searched(desk, search)
        (row,) = answer["items"]
        assert (row["id"], row["by"], row["shown"], answer["more"]) == (str(person_id), by, "masked", False)
        assert row["score"] >= score
        assert row["identity"]["family_name"] == "K…"
        assert (row["identity"]["documents"], row["identity"]["birth_date"]) == ([], None)
        assert (row["site"], row["birth_year"], row["data_consent"]) == ("trc_lipa", 1990, True)
        assert (await desk.readings())[-1] == {
            "actor_id": "staff:berta", "operation": "search_persons", "about": None, "shown": [str(person_id)], "purpose": None
        }  # fmt: skip
    await heard(desk, person_id, ELSEWHERE)
    assert (await searched(desk, DOCUMENT))["items"][0]["identity"]["family_name"] == "Kanarizada"
    assert (await desk.verified()).sound


async def test_whoever_is_found_agreed_to_processing_to_the_end_of_the_missions_last_day(desk: Desk) -> None:
    person_id, last = await known(desk), datetime(2023, 5, 3, 21, 59, 59, tzinfo=UTC)
    family_id = await desk.family(person_id, await desk.registered(2015), "child")
    agreed = GiveConsent(
        consent="data", text_version="v1", language="tur", method="signature", given_at=NOON, expires_on=last.date()
    )
    await desk.give(PERSON, person_id, agreed)
    by_year = {"country_of_origin": "TR", "birth_year": "1990"}
    for at, stands in ((last, True), (last + timedelta(seconds=1), False)):
        answers = [
            (await desk.post("person-searches", DOCUMENT, ELSEWHERE, at=at)).json()["items"],
            (await desk.get("persons", by_year, AT_LIPA, at)).json()["items"],
            (await desk.get(f"families/{family_id}", {}, AT_LIPA, at)).json()["persons"],
        ]
        assert [row["data_consent"] for rows in answers for row in rows if row["id"] == str(person_id)] == [stands] * 3


async def test_other_names_and_given_names_find_as_well_and_another_year_or_country_does_not(desk: Desk) -> None:
    person_id = await known(desk)
    for name in ("Testzay", "Rehman", "Gulam", "Gholam"):
        assert await found(desk, named(name)) == [person_id]
    for search in (
        named("Kanarizada", 1991), named("Petrov"), {"document": {**DOCUMENT["document"], "issuing_country": "PK"}},
        {"document": {**DOCUMENT["document"], "document_number": "KANARI 077 124"}},
    ):  # fmt: skip
        assert await found(desk, search) == []
    assert await found(desk, named("Kanarizada", 1992, birth_year_within=2)) == [person_id]
    assert (await desk.readings())[-2]["shown"] == []


async def test_the_most_alike_comes_first_and_whose_document_it_is_before_all(desk: Desk) -> None:
    alike = await known(desk, {"family_name": "Hossein", "given_names": "Ali"})
    same = await known(desk, {"family_name": "Husein", "given_names": "Ali"})
    other = await known(desk, {"family_name": "Husein", "given_names": "Karim", "documents": [PASSPORT]})
    assert await found(desk, named("Husein", given_names="Ali")) == [same, alike, other]
    assert await found(desk, {**named("Husein", given_names="Ali"), **DOCUMENT}) == [other, same, alike]


async def test_a_corrected_or_emptied_value_finds_nobody_any_more_and_what_stays_still_does(desk: Desk) -> None:
    person_id = await known(desk)
    await stated(desk, person_id, {"family_name": "Testoridis", "reason": "misspelt"})
    assert await found(desk, named("Testoridis")) == [person_id]
    # It stands in the own script still.
    assert await found(desk, named("Kanarizada")) == [person_id]
    await stated(desk, person_id, {"emptied": ["family_name_own_script", "documents"], "reason": "recorded_by_mistake"})
    assert await found(desk, named("Kanarizada")) == []
    assert await found(desk, DOCUMENT) == []
    assert await found(desk, named("Testzai")) == [person_id]
    assert (await desk.verified()).sound
    await desk.by_hand("UPDATE persons SET identity_fields = array_remove(identity_fields, 'other_names')")
    assert "search tokens" in str(await desk.verified())


async def test_nobody_else_may_search_and_looking_for_nothing_is_refused(desk: Desk) -> None:
    for role in set(Role) - {Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION, *PROGRAMS}:
        answer = await desk.post("person-searches", DOCUMENT, staff("eva", role.value))
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), role
    for actor in (AT_LIPA, COORDINATOR, PROTECTION):
        assert await found(desk, DOCUMENT, actor) == []
    answer = await desk.post("person-searches", {}, AT_LIPA)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_looked_for")


async def test_nothing_that_is_looked_for_or_found_by_is_kept_or_logged(desk: Desk) -> None:
    with capture_logs() as lines:
        await known(desk)
        for search in (DOCUMENT, named("Kanarizade"), named("Kanari<")):
            await desk.post("person-searches", search, ELSEWHERE)
    said = await everything_kept(desk) + json.dumps(lines, default=str, ensure_ascii=False)
    assert "search_persons" in said
    for canary in ("Kanari", "KANARI", "077123", "077 123", "kanari", "کناری", "KNRS"):
        assert canary not in said, canary


async def test_of_many_who_sound_alike_fifty_are_shown_and_it_is_said_that_there_are_more(desk: Desk) -> None:
    for _ in range(MOST_CANDIDATES):
        await known(desk, {"family_name": "Husein"})
    whole = await searched(desk, named("Hussein"))
    assert (len(whole["items"]), whole["more"]) == (MOST_CANDIDATES, False)
    last = await known(desk, {"family_name": "Hasan", "documents": [PASSPORT], "other_names": [{"other_name": "Hussein"}]})
    cut = await searched(desk, {**named("Hussein"), **DOCUMENT})
    assert (len(cut["items"]), cut["more"], cut["items"][0]["id"]) == (MOST_CANDIDATES, True, str(last))


async def test_who_only_shares_a_hash_is_not_shown(desk: Desk) -> None:
    person_id = await known(desk)
    other = await known(desk, {"family_name": "Petrov"})
    await desk.by_hand(
        f"INSERT INTO search_tokens SELECT '{other}', 'family_name', token, key FROM search_tokens "
        f"WHERE person_id = '{person_id}' AND field IN ('family_name', 'documents') ON CONFLICT DO NOTHING"
    )
    assert await found(desk, {**named("Kanarizada"), **DOCUMENT}) == [person_id]


async def test_what_stands_under_a_former_key_is_found_until_that_is_destroyed_and_afterwards_if_it_was_hashed_anew(
    desk: Desk,
) -> None:
    hashed, forgotten = await known(desk), await known(desk, {"family_name": "Petrov"})
    keys = desk.database.person_keys
    index, mission = keys.index, EVERYWHERE.scope(COORDINATOR)
    assert isinstance(index, FileIndexKeys)
    former = await index.current()
    await index.rotate()
    assert await found(desk, DOCUMENT) == [hashed]
    # What one person is found by is set right meanwhile, and is of the present key then.
    await stated(desk, hashed, {"given_names": "Karim", "reason": "misspelt"})
    assert await desk.database.api.attempt(mission, lambda unit: finding.hash_anew(unit, keys, most=1)) == 1
    for hash_anew in (finding.hash_anew, hash_years_anew):
        while await desk.database.api.attempt(mission, lambda unit, again=hash_anew: again(unit, keys)):  # type: ignore[misc]
            pass
    await desk.by_hand(f"DELETE FROM search_tokens WHERE person_id = '{forgotten}'")
    await index.destroy(former)
    for search in (DOCUMENT, named("Kanarizada"), named("Testzai"), named("Karim")):
        assert await found(desk, search) == [hashed]
    assert await found(desk, named("Ghulam")) == []
    assert await found(desk, named("Petrov")) == []
    assert (await desk.verified()).sound


async def test_the_index_key_is_changed_with_the_epochs_and_everybody_is_found_as_before(desk: Desk) -> None:
    person_id, keys, said = await known(desk), desk.database.person_keys, list[str]()
    assert isinstance(keys.index, FileIndexKeys)
    # Recorded before there were hashes, the one; without anything to be found by, the other.
    early, other = await known(desk, {"family_name": "Petrov"}), await known(desk, {"occupation": "baker"})
    await desk.by_hand(f"DELETE FROM search_tokens WHERE person_id = '{early}'")
    for _ in range(2):
        await rotate_index(COUNSELLING, desk.database.api, keys._epochs, keys.index, said.append)
    assert await keys.index.live() == ["3"]
    # What two of them are found by, and the years of birth of all three.
    assert said[1] == "counselling: index key 3, 5 entries hashed anew; index key 2 is destroyed"
    assert await found(desk, DOCUMENT) == await found(desk, named("Kanarizada")) == [person_id]
    assert await found(desk, named("Petrov")) == [early]
    by_year = await desk.get("persons", {"country_of_origin": "TR", "birth_year": "1990"}, COORDINATOR)
    assert [row["id"] for row in by_year.json()["items"]] == [str(person_id), str(early), str(other)]


async def test_a_search_asks_the_database_little_however_many_are_found(desk: Desk) -> None:
    for _ in range(5):
        await known(desk, {"family_name": "Husein"})
    before = desk.database.api.counts.statements
    assert len(await found(desk, named("Hussein"))) == 5
    # Whether all years are sealed, who may be meant, their years with their keys, what is kept of them, their keys; the
    # search on record (2); each transaction with two of its own.
    assert desk.database.api.counts.statements - before == 5 + 2 + 2 * 2
