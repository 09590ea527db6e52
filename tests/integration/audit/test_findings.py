"""A finding that nothing clears rings until one person has explained it and another accepted that, and rings again when found again."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from ops.audit.open_findings import lines_of
from services.audit.checking import Checking
from services.audit.findings import Difference, Kind, Standing, note, standing
from services.audit.wiring import WIRING
from shared.actors import Actor
from shared.ids import uuid7
from shared.messages import Envelope
from shared.verify import verify
from tests.given import NOON, staff
from tests.integration.audit.archived_log import AUDIT_URL, LOG, WORKER, ArchivedLog
from tests.integration.audit.test_integrity import codes, noted, told
from tests.integration.returns.api import AUDITOR, token

ADMINISTRATOR, MANAGER = staff("administrator", "administrator"), staff("manager", "manager")
PROTECTION, CHIEF = staff("data-protection", "data_protection"), staff("chief", "chief_of_mission")
PATH = "/v1/archive/findings"
EXPLAINED = {"sightings": 1, "cause": "changed_by_hand", "incident": "INC-2026-14"}


async def post(archived: ArchivedLog, id: str, what: str, by: Actor, body: dict[str, Any] | None = None, match: str = "") -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {token(by)}", "Avrr-Now": NOON.isoformat(), "Idempotency-Key": str(uuid7()), **({"If-Match": match} if match else {}),
    }  # fmt: skip
    return await archived.client.post(f"{AUDIT_URL}{PATH}/{id}/{what}", json=body or {}, headers=headers)


async def listed(archived: ArchivedLog, by: Actor = AUDITOR, **query: object) -> list[dict[str, Any]]:
    answer = await archived.get(PATH, by, AUDIT_URL, **query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def done(answer: httpx.Response) -> None:
    assert answer.is_success, answer.text


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def set_back(archived: ArchivedLog, last: int = 3) -> None:
    """Somebody tells the archive that it had not come so far, and it finds that out at its next look."""
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("UPDATE cursor SET last_idx = $1", last)
    await Checking(archived.made.worker, (LOG,)).look(LOG)


async def ringing(archived: ArchivedLog) -> Standing:
    return await archived.made.worker.attempt(WORKER, lambda unit: standing(unit, LOG))


async def found(archived: ArchivedLog, *differences: Difference) -> None:
    await archived.made.worker.attempt(WORKER, lambda unit: note(unit, LOG, differences))


async def accept(archived: ArchivedLog, id: str, sightings: int = 1) -> None:
    await done(await post(archived, id, "explain", MANAGER, {**EXPLAINED, "sightings": sightings}))
    await done(await post(archived, id, "accept", PROTECTION))


@pytest.fixture
async def place(archived: ArchivedLog) -> str:
    """The id of a finding that nothing clears, in an archive that is otherwise as it should be."""
    await archived.happen(6)
    signed = await archived.signed(await archived.archive())
    await set_back(archived)
    await noted(archived, signed)
    (row,) = await listed(archived)
    assert (row["finding"], row["first"], row["last"], row["stands"], row["lasts"]) == ("place", 4, 5, "not_explained", True)
    return str(row["id"])


async def test_it_rings_until_two_persons_dealt_with_it_and_rings_again_when_it_happens_again(archived: ArchivedLog, place: str) -> None:
    assert codes(await told(archived)) == ["entries_place"]
    assert await ringing(archived) == Standing(ringing=1)
    await done(await post(archived, place, "explain", MANAGER, EXPLAINED))
    assert await ringing(archived) == Standing(ringing=1)
    await done(await post(archived, place, "accept", PROTECTION))
    assert await ringing(archived) == Standing(accepted=1)
    stands = await told(archived)
    assert codes(stands) == []
    (old,) = stands["accepted"]
    assert (old["code"], old["cause"], old["explained_by"], old["accepted_by"]) == (
        "entries_place", "changed_by_hand", MANAGER.person_id, PROTECTION.person_id,
    )  # fmt: skip
    assert stands["accepted_in_all"] == 1
    # Whoever lists what is open finds it there, and nothing of it was changed.
    (row,) = await listed(archived, accepted=True)
    assert (row["stands"], row["accepted"], row["first"], row["last"]) == ("accepted", True, 4, 5)
    assert await listed(archived, accepted=False) == []
    # Looked at again, all is as it was; set back again, it is another time.
    checking = Checking(archived.made.worker, (LOG,))
    await checking.look(LOG)
    assert (checking.logs[LOG].found, checking.logs[LOG].differences) == (Standing(accepted=1), 0)
    await set_back(archived)
    assert await ringing(archived) == Standing(ringing=1)
    assert codes(await told(archived)) == ["entries_place"]
    (row,) = await listed(archived, accepted=False)
    assert (row["stands"], row["sightings"]) == ("found_again", 2)
    assert refused(await post(archived, place, "accept", CHIEF)) == (409, "not_explained")
    assert refused(await post(archived, place, "explain", MANAGER, EXPLAINED)) == (409, "found_again")
    await accept(archived, place, sightings=2)
    assert await ringing(archived) == Standing(accepted=1)


async def test_who_explained_it_decides_nothing_and_who_is_neither_of_both_does_nothing(archived: ArchivedLog, place: str) -> None:
    both = staff("both", "manager", "data_protection")
    await done(await post(archived, place, "explain", both, EXPLAINED))
    assert refused(await post(archived, place, "accept", both)) == (409, "four_eyes")
    assert refused(await post(archived, place, "reject", both, {"reason": "incident_unknown"})) == (409, "four_eyes")
    for nobody in (AUDITOR, MANAGER, ADMINISTRATOR):
        assert refused(await post(archived, place, "accept", nobody)) == (403, "not_permitted")
    for nobody in (AUDITOR, PROTECTION, CHIEF):
        assert refused(await post(archived, place, "explain", nobody, EXPLAINED)) == (403, "not_permitted")
    weak = staff("data-protection", "data_protection", acr="")
    assert refused(await post(archived, place, "accept", weak)) == (401, "insufficient_user_authentication")
    # Whose signature it would be, the database asks as well.
    connection = await asyncpg.connect(archived.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'BA', false)")
    with pytest.raises(asyncpg.CheckViolationError) as error:
        await connection.execute("UPDATE explained_findings SET version = 2, status = 'accepted', accepted_by = explained_by, accepted_at = now()")
    assert error.value.constraint_name == "ck_explained_findings_two_persons"
    await connection.close()
    for reader in (AUDITOR, MANAGER, ADMINISTRATOR, PROTECTION, CHIEF):
        assert [row["stands"] for row in await listed(archived, reader)] == ["explained"]
    assert (await archived.get(PATH, staff("counsellor", "counsellor"))).status_code == 403


async def test_of_two_who_accept_at_once_one_does_and_two_who_explain_at_once_are_one(archived: ArchivedLog, place: str) -> None:
    said = await asyncio.gather(*(post(archived, place, "explain", by, EXPLAINED) for by in (MANAGER, ADMINISTRATOR)))
    assert sorted(answer.status_code for answer in said) == [201, 409]
    assert {answer.json()["code"] for answer in said if answer.is_error} <= {"already_explained", "already_exists"}
    said = await asyncio.gather(*(post(archived, place, "accept", by) for by in (PROTECTION, CHIEF)))
    assert sorted(answer.status_code for answer in said) == [200, 409]
    assert [answer.json()["code"] for answer in said if answer.is_error] == ["not_explained"]
    (row,) = await listed(archived)
    assert (row["stands"], row["version"]) == ("accepted", 2)


async def test_an_explanation_that_is_rejected_rings_on_and_gives_room_for_another(archived: ArchivedLog, place: str) -> None:
    await done(await post(archived, place, "explain", MANAGER, EXPLAINED))
    await done(await post(archived, place, "reject", CHIEF, {"reason": "cause_not_shown"}, match='"v1"'))
    assert await ringing(archived) == Standing(ringing=1)
    (row,) = await listed(archived, MANAGER)
    assert (row["stands"], row["rejection"], [action["name"] for action in row["actions"] if action["allowed"]]) == (
        "rejected", "cause_not_shown", ["explain_finding"],
    )  # fmt: skip
    await accept(archived, place)
    # Who decides on what they read before it was explained anew is told so.
    assert refused(await post(archived, place, "accept", CHIEF, match='"v1"')) == (412, "stale")
    (row,) = await listed(archived)
    assert (row["stands"], row["rejection"]) == ("accepted", None)


async def test_what_is_said_of_findings_stands_in_the_archives_own_log_and_its_rows_are_what_that_says(archived: ArchivedLog, place: str) -> None:
    await done(await post(archived, place, "explain", MANAGER, EXPLAINED))
    await done(await post(archived, place, "reject", CHIEF, {"reason": "more_to_find_out"}))
    await accept(archived, place)
    connection = await asyncpg.connect(archived.made.logins.verify)
    leaves = await connection.fetch("SELECT leaf FROM event_log WHERE type LIKE 'avrr.audit.finding.%' ORDER BY idx")
    await connection.close()
    events = [Envelope.model_validate_json(bytes(row["leaf"])) for row in leaves]
    assert [event.type.split(".")[3] for event in events] == ["explained", "explanation_rejected", "explained", "accepted"]
    assert {str(event.subject) for event in events} == {place}
    checked = await verify(archived.made.verify, "audit", WIRING.by_name, WIRING.checks)
    assert (checked.differences, checked.rows > 0) == ([], True)
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("UPDATE explained_findings SET accepted_by = 'staff:nobody'")
    assert len((await verify(archived.made.verify, "audit", WIRING.by_name, WIRING.checks)).differences) == 1


@pytest.mark.parametrize("kind", ["other", "missing", "archive", "column", "tile"])
async def test_what_ends_by_itself_once_it_is_mended_is_accepted_by_nobody(archived: ArchivedLog, kind: Kind) -> None:
    await found(archived, Difference(kind, 1, 2))
    (row,) = await listed(archived, MANAGER)
    assert (row["lasts"], row["actions"], row["causes"]) == (False, [], [])
    assert refused(await post(archived, row["id"], "explain", MANAGER, {**EXPLAINED, "sightings": 0})) == (409, "finding_can_be_mended")
    assert refused(await post(archived, str(uuid7()), "explain", MANAGER, EXPLAINED)) == (404, "not_found")


@pytest.mark.parametrize("kind", ["root", "note", "exception", "twice", "tail"])
async def test_looked_at_again_the_same_stays_accepted_and_another_rings(archived: ArchivedLog, kind: Kind) -> None:
    await found(archived, Difference(kind, 0, 4, "one"))
    (row,) = await listed(archived)
    await accept(archived, row["id"])
    for _ in range(3):
        await found(archived, Difference(kind, 0, 4, "one"))
    assert await ringing(archived) == Standing(accepted=1)
    # Of several that begin at one entry each is found, the farthest is told, and none is found a second time.
    for _ in range(2):
        await found(archived, Difference(kind, 0, 7, "other"), Difference(kind, 0, 4, "one"))
        (row,) = await listed(archived)
        assert (row["stands"], row["sightings"], row["last"]) == ("found_again", 2, 7)
    await accept(archived, row["id"], sightings=2)
    assert await ringing(archived) == Standing(accepted=1)


async def test_what_is_put_right_as_it_is_found_is_another_each_time(archived: ArchivedLog) -> None:
    for times in (1, 2):
        await found(archived, Difference("exception", 3, 3))
        (row,) = await listed(archived)
        assert (row["sightings"], row["stands"]) == (times, "not_explained" if times == 1 else "found_again")
        await accept(archived, row["id"], sightings=times)


async def test_accepted_findings_hide_none_that_rings(archived: ArchivedLog) -> None:
    await found(archived, *(Difference("note", number, number, "one") for number in range(30)))
    for row in (await listed(archived, limit=100))[:26]:
        await accept(archived, row["id"])
    assert await ringing(archived) == Standing(ringing=4, accepted=26)
    stands = await told(archived)
    assert [alarm["code"] for alarm in stands["alarms"] if alarm["code"].startswith("entries")] == ["entries_note"] * 4
    assert (len(stands["accepted"]), stands["accepted_in_all"]) == (25, 26)
    page = (await archived.get(PATH, accepted=True, limit=20)).json()
    rest = (await archived.get(PATH, accepted=True, limit=20, after=page["next"])).json()
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (20, 6, None)


async def test_whoever_runs_it_reads_of_each_in_a_line_how_it_stands(archived: ArchivedLog) -> None:
    assert await lines_of(archived.made.verify) == ([], 0)
    await found(archived, Difference("note", 3, 3, "one"))
    (row,) = await listed(archived)
    await accept(archived, row["id"])
    await found(archived, Difference("place", 4, 5))
    await found(archived, Difference("other", 1, 2))
    lines, ringing = await lines_of(archived.made.verify)
    assert (len(lines), ringing) == (3, 2)
    assert [line.partition(", found ")[0] for line in lines] == [f"{LOG} 3-3 note", f"{LOG} 4-5 place", f"{LOG} 1-2 other"]
    assert lines[0].endswith("UTC: accepted (changed_by_hand, INC-2026-14, explained by staff:manager, accepted by staff:data-protection)")
    assert [line.rpartition(": ")[2] for line in lines[1:]] == ["not_explained", "ends_by_itself"]


@pytest.mark.parametrize(("login", "statement", "state"), [
    ("worker", "UPDATE archive_sightings SET mark = 'x'", "42501"),
    ("worker", "DELETE FROM archive_sightings", "42501"),
    ("worker", "UPDATE archive_differences SET id = gen_random_uuid()", "42501"),
    ("worker", "UPDATE explained_findings SET status = 'accepted'", "42501"),
    ("worker", "INSERT INTO explained_findings SELECT * FROM explained_findings", "42501"),
    ("api", "INSERT INTO archive_sightings SELECT id, 'x' FROM archive_differences", "42501"),
    ("api", "DELETE FROM explained_findings", "42501"),
    ("migrate", "DELETE FROM archive_sightings", "AV002"),
])  # fmt: skip
async def test_who_finds_accepts_nothing_and_how_often_something_was_found_is_changed_by_nobody(
    archived: ArchivedLog, login: str, statement: str, state: str
) -> None:
    await found(archived, Difference("note", 3, 3, "one"))
    connection = await asyncpg.connect(getattr(archived.made.logins, login))
    if login == "migrate":
        await connection.execute("SET ROLE audit_owner")
    with pytest.raises(asyncpg.PostgresError) as refused_as:
        await connection.execute(statement)
    assert refused_as.value.sqlstate == state
    await connection.close()
