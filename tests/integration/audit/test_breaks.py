"""A log that was set back goes on in the archive once a break proves it; what was lost stays there, and that it was set back is told for ever."""

import asyncio
import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from services.audit import archive, breaks, examining
from services.audit.archive import Entry
from services.audit.checking import Checking
from services.audit.kept_checkpoints import KeptCheckpoints
from services.audit.noting import Noting
from services.audit.rederiving import Rederiving
from services.audit.verified import keep
from shared.db import UnitOfWork
from shared.tlog.notes import ED25519, Note, Signer
from shared.tlog.proofs import EntryProof
from tests.integration.audit.archived_log import LOG, POLICY, WORKER, ArchivedLog
from tests.integration.audit.broken_log import FAMILY, SECOND, Checkpointer, break_of, note_of
from tests.integration.audit.test_integrity import SOUND, codes, told
from tests.integration.bus.house import until

ZONE = ZoneInfo("Europe/Sarajevo")


async def everything_looked_at(checkpointer: Checkpointer) -> list[str]:
    """The worker compares, checks, examines and asks, and notes what it knows; the alarms that auditors are then told."""
    archived, worker = checkpointer.archived, checkpointer.archived.made.worker
    async with checkpointer.asked() as checkpoints:
        await checkpoints.ask(LOG)
        await archived.comparing.look(LOG)
        while await examining.examine(worker, LOG, ZONE):
            pass
        checking = Checking(worker, (LOG,), (KeptCheckpoints(worker, checkpoints.signed).look, Rederiving(worker, ZONE).look))
        while checking.logs[LOG].rounds < 1:
            await checking.look(LOG)
            assert checking.logs[LOG].fault is None
        await Noting(worker, archived.comparing, checking, checkpoints).note()
    await keep(worker, LOG, SOUND)
    return codes(await told(archived))


@pytest.fixture
async def checkpointer(archived: ArchivedLog) -> Checkpointer:
    made = Checkpointer(archived)
    await archived.happen(6, by="staff:anna")
    await archived.archive()
    made.note = str(note_of(await archived.leaves()))
    assert await everything_looked_at(made) == []
    return made


async def test_an_archive_goes_on_and_keeps_what_was_lost(checkpointer: Checkpointer) -> None:
    archived = checkpointer.archived
    before = await archived.leaves()
    lost = json.loads(before[4])
    await checkpointer.set_back(3)
    # Until the break is proven, what the stream brings in the place of what is archived stops it.
    await archived.archive()
    await archived.comparing.look(LOG)
    assert await archived.differences() != []
    assert await checkpointer.look() is None

    assert await archived.differences() == []
    await archived.archive()
    await archived.happen(2, cause=before[4])
    await archived.archive()
    after = await archived.leaves()
    checkpointer.note = str(note_of(after, 2))
    assert await everything_looked_at(checkpointer) == []

    found = await told(archived)
    assert (found["archived"], found["checkpoint"]["origin"], found["checkpoint"]["size"]) == (len(after), f"{FAMILY}/2", len(after))
    (one,) = found["breaks"]
    assert (one["generation"], one["kept"], one["lost"], one["held"], one["lost_log"]) == (2, 3, 3, 3, f"{LOG}.1")
    assert (one["reason"], one["roles"]) == ("exercise", ["chief_of_mission", "auditor"])

    # Whoever asks for what was lost finds it, marked, with its proof against the last checkpoint of before.
    (listed,) = (await archived.get("/v1/archive", subject=lost["subject"])).json()["items"]
    assert (listed["log"], listed["position"], listed["lost"]) == (f"{LOG}.1", 4, True)
    assert [row["position"] for row in (await archived.get("/v1/archive", service=f"{LOG}.1")).json()["items"]] == [5, 4, 3]
    assert not any(row["lost"] for row in (await archived.get("/v1/archive", service=LOG)).json()["items"])
    event = (await archived.get(f"/v1/archive/events/{lost['id']}")).json()
    assert (event["log"], event["leaf"].encode(), event["checkpoint_size"]) == (f"{LOG}.1", before[4], 6)
    proof = EntryProof.of((await archived.get(f"/v1/archive/events/{lost['id']}/proof")).content)
    assert proof.holds_for(before[4])
    assert POLICY.checked(proof.note).origin == FAMILY
    # What it led to elsewhere has its cause as before.
    effect = json.loads(after[-1])
    links = (await archived.get(f"/v1/archive/events/{effect['id']}/links")).json()
    assert (links["cause"]["agrees"], links["cause"]["entry"]["lost"]) == (True, True)
    chain = (await archived.get(f"/v1/archive/cases/{lost['subject']}/chain")).json()
    assert [(row["entry"]["lost"], row["findings"]) for row in chain["items"]] == [(True, [])]
    page = await archived.get(f"/v1/archive/{LOG}/checkpoint")
    assert page.text == checkpointer.note


async def test_as_many_were_lost_as_two_persons_accepted_as_known(checkpointer: Checkpointer) -> None:
    await checkpointer.set_back(3, unsigned=2)
    assert await checkpointer.look() is None
    (one,) = (await told(checkpointer.archived))["breaks"]
    assert (one["kept"], one["lost"], one["held"]) == (3, 5, 3)


async def test_a_break_that_was_signed_before_the_logs_key_was_changed_is_followed_by_what_the_new_one_signed(checkpointer: Checkpointer) -> None:
    archived = checkpointer.archived
    await checkpointer.set_back(3)
    # Of all that the archive hears first once the key was changed.
    by_former = note_of(await archived.leaves(), 2)
    new = Signer.of(FAMILY, ED25519, bytes([7]) * 32)
    checkpointer.policy = replace(POLICY, logs=(*POLICY.logs, new.verifier_key))
    checkpointer.note = str(Note(by_former.text, (*by_former.signatures, new.under(f"{FAMILY}/2").sign(by_former.text))))
    assert await checkpointer.look() is None
    await archived.archive()
    assert await everything_looked_at(checkpointer) == []
    assert [(one["kept"], one["held"]) for one in (await told(archived))["breaks"]] == [(3, 3)]
    # What the former key signs alone leads nowhere any more.
    checkpointer.note = str(by_former)
    assert await checkpointer.look() == "former_key"


async def test_what_waited_while_the_break_was_noted_puts_no_place_back(checkpointer: Checkpointer) -> None:
    archived, worker = checkpointer.archived, checkpointer.archived.made.worker
    proof = await checkpointer.set_back(3)
    await archived.archive()
    noted, waited = asyncio.Event(), asyncio.Event()

    async def follow(unit: UnitOfWork) -> None:
        assert await breaks.follow(unit, LOG, 2, proof, proof.checked(POLICY))
        await unit.flush()
        noted.set()
        await waited.wait()

    async def placed(unit: UnitOfWork) -> tuple[int, str | None]:
        return await archive.placed(unit, LOG)

    async def waits() -> bool:
        async with archived.beside_the_archive() as connection:
            return bool(await connection.fetch("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"))

    async with asyncio.TaskGroup() as group:
        group.create_task(worker.attempt(WORKER, follow))
        await noted.wait()
        place = group.create_task(worker.attempt(WORKER, placed))
        await until(waits)
        waited.set()
    assert place.result()[0] == 2
    assert await archived.differences() == []


async def test_a_log_that_was_set_back_twice_has_two_breaks(checkpointer: Checkpointer) -> None:
    archived = checkpointer.archived
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    await archived.happen(4)
    await archived.archive()
    checkpointer.note = str(note_of(await archived.leaves(), 2))
    assert await everything_looked_at(checkpointer) == []
    await checkpointer.set_back(2, generation=3)
    assert await checkpointer.look() is None
    await archived.archive()
    checkpointer.note = str(note_of(await archived.leaves(), 3))
    assert await everything_looked_at(checkpointer) == []
    breaks = (await told(archived))["breaks"]
    assert [(one["generation"], one["kept"], one["lost"], one["held"]) for one in breaks] == [(2, 3, 3, 3), (3, 2, 8, 8)]


async def test_an_archive_that_was_not_asked_meanwhile_follows_two_breaks_at_once(checkpointer: Checkpointer) -> None:
    archived = checkpointer.archived
    await checkpointer.set_back(5)
    await archived.happen(4)
    await checkpointer.set_back(4, generation=3)
    assert await checkpointer.look() is None
    await archived.archive()
    checkpointer.note = str(note_of(await archived.leaves(), 3))
    assert await everything_looked_at(checkpointer) == []
    assert [(one["kept"], one["held"]) for one in (await told(archived))["breaks"]] == [(5, 1), (4, 1)]


# What it took for lost, and then found in the log, stands in the archive twice: that is told, and is for people to explain.
@pytest.mark.parametrize(
    ("asked", "ahead", "held", "rings"), [(True, False, 3, ["entries_twice"]), (True, True, 0, []), (False, False, 0, [])],
    ids=["where it was as far as the first acceptance", "where it had both", "where it had neither"],
)  # fmt: skip
async def test_a_log_whose_setting_back_was_accepted_anew_behind_the_first_acceptance_goes_on_as_its_third_name(
    checkpointer: Checkpointer, asked: bool, ahead: bool, held: int, rings: list[str]
) -> None:
    archived = checkpointer.archived
    await checkpointer.set_back(3)
    if asked:
        assert await checkpointer.look() is None
        await archived.archive()
    await checkpointer.accepted_anew(3, generation=3)
    if ahead:
        await archived.archive()
    assert await checkpointer.look() is None
    await archived.archive()
    leaves = await archived.leaves()
    checkpointer.note = str(note_of(leaves, 3))
    assert await everything_looked_at(checkpointer) == rings
    found = await told(archived)
    assert (found["archived"], found["checkpoint"]["size"]) == (9, 9)
    breaks = [(one["generation"], one["kept"], one["lost"], one["held"]) for one in found["breaks"]]
    assert breaks == [(2, 3, 3, 3), (3, 3, 3, held)]


@pytest.mark.parametrize("more", [0, 2], ids=["as far as the acceptance", "past what was signed since"])
async def test_what_came_since_is_not_lost_where_the_archive_took_it_before_it_heard_of_the_break(archived: ArchivedLog, more: int) -> None:
    checkpointer = Checkpointer(archived)
    await archived.happen(6)
    behind = [entry for entry in map(Entry.of, range(3), await archived.leaves()) if entry is not None]
    await archived.made.worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, behind, None))
    await checkpointer.set_back(3)
    since = await archived.leaves()
    if more:
        await archived.happen(more)
        await archived.archive()
    else:
        as_far = [entry for entry in map(Entry.of, range(4), since) if entry is not None]
        await archived.made.worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, as_far, None))
    assert await checkpointer.look() is None
    await archived.archive()
    assert await everything_looked_at(checkpointer) == []
    found = await told(archived)
    assert [(one["generation"], one["kept"], one["lost"], one["held"]) for one in found["breaks"]] == [(2, 3, 3, 0)]
    assert (found["archived"], found["checkpoint"]["size"]) == (len(since) + more, len(since))


async def test_an_archive_that_cannot_tell_yet_what_was_lost_waits_until_it_can(archived: ArchivedLog) -> None:
    checkpointer = Checkpointer(archived)
    await archived.happen(6)
    behind = [entry for entry in map(Entry.of, range(3), await archived.leaves()) if entry is not None]
    await archived.made.worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, behind, None))
    # The log went on before anybody found that it was set back, and the archive has that as far as the first of it.
    await checkpointer.set_back(3, since=2)
    leaves = await archived.leaves()
    as_far = [entry for entry in map(Entry.of, range(4), leaves) if entry is not None]
    await archived.made.worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, as_far, None))
    assert await checkpointer.look() is None
    assert (await told(archived))["breaks"] == []
    await archived.archive()
    assert await everything_looked_at(checkpointer) == []
    assert [(one["kept"], one["held"]) for one in (await told(archived))["breaks"]] == [(3, 0)]


async def test_hashes_of_the_tree_are_those_of_the_entries_at_any_size(archived: ArchivedLog) -> None:
    checkpointer = Checkpointer(archived)
    await archived.happen(700)
    await archived.archive()
    before = await archived.leaves()
    checkpointer.note = str(note_of(before))
    assert await checkpointer.look() is None
    for generation, kept in ((2, 515), (3, 512), (4, 300)):
        await checkpointer.set_back(kept, generation=generation)
        assert await checkpointer.look() is None
        await archived.happen(260)
        await archived.archive()
        checkpointer.note = str(note_of(await archived.leaves(), generation))
        assert await everything_looked_at(checkpointer) == []
    lost = json.loads(before[699])["id"]
    assert EntryProof.of((await archived.get(f"/v1/archive/events/{lost}/proof")).content).holds_for(before[699])


async def test_what_somebody_remembers_of_the_edge_of_the_former_tree_is_in_nobodys_way(checkpointer: Checkpointer) -> None:
    archived = checkpointer.archived
    worker = archived.made.worker
    leaves = await archived.leaves()
    entries = [entry for entry in map(Entry.of, range(6), leaves) if entry is not None]
    remembered = (await worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, entries, None))).tree
    if remembered is None:
        remembered = await worker.attempt(WORKER, lambda unit: archive.edge_of(unit, LOG, 6))
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    assert await archived.archive() == 6
    await archived.happen(2)
    more = [entry for entry in map(Entry.of, range(8), await archived.leaves()) if entry is not None][6:]
    await worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, more, remembered))
    checkpointer.note = str(note_of(await archived.leaves(), 2))
    assert await everything_looked_at(checkpointer) == []


@pytest.mark.parametrize("forged", ["by_one_person", "of_another_root", "of_another_closing", "of_nothing"])
async def test_a_log_that_was_set_back_stays_an_alarm_where_its_break_is_not_proven(checkpointer: Checkpointer, forged: str) -> None:
    archived = checkpointer.archived
    before = await archived.leaves()
    broken = await checkpointer.set_back(
        3, second="staff:invented-a" if forged == "by_one_person" else SECOND, root=bytes(32) if forged == "of_another_root" else None
    )
    if forged == "of_another_closing":
        other = [*before[:3], b"{}", b"{}", b"{}"]
        checkpointer.breaks[2] = bytes(break_of(other, await archived.leaves(), 3, (3, 5)))
    elif forged == "of_nothing":
        checkpointer.breaks[2] = bytes(broken)[:-40]
    expected = {"by_one_person": "accepted_by_one", "of_another_closing": "break_unlike_archive"}
    assert await checkpointer.look() == expected.get(forged, "break_unproven")
    found = await told(archived)
    assert (found["breaks"], found["archived"]) == ([], 6)
    assert await everything_looked_at(checkpointer) != []


async def test_a_former_name_is_refused_once_the_next_was_followed(checkpointer: Checkpointer) -> None:
    former = checkpointer.note
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    checkpointer.note = former
    assert await checkpointer.look() == "checkpoint_older"


@pytest.mark.parametrize("login", ["worker", "migrate"])
async def test_nobody_sets_anything_apart_but_by_a_break(checkpointer: Checkpointer, login: str) -> None:
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    await checkpointer.archived.archive()
    connection = await asyncpg.connect(getattr(checkpointer.archived.made.logins, login))
    try:
        if login == "migrate":
            await connection.execute("SET ROLE audit_owner")
        for statement in (
            f"UPDATE archive_entries SET log = '{LOG}.1' WHERE idx = 5 AND log = '{LOG}'",
            f"UPDATE archive_checkpoints SET log = '{LOG}.2'",
            "UPDATE archive_tiles SET log = 'other'",
            "DELETE FROM archive_breaks", "UPDATE archive_breaks SET kept = 1",
            f"INSERT INTO archive_breaks (log, generation, kept, proof, apart) VALUES ('{LOG}', 4, 0, '', true)",
        ):  # fmt: skip
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError, asyncpg.PostgresError)) as refused:
                await connection.execute(statement)
            assert refused.value.sqlstate in ("42501", "AV002", "23001")
    finally:
        await connection.close()


async def test_a_break_that_was_put_in_is_an_alarm_and_what_it_set_apart_is_there(checkpointer: Checkpointer) -> None:
    archived = checkpointer.archived
    connection = await asyncpg.connect(archived.made.logins.worker)
    await connection.execute(f"INSERT INTO archive_breaks (log, generation, kept, proof, apart) VALUES ('{LOG}', 2, 4, '\\x7b7d', true)")
    await connection.close()
    found = await everything_looked_at(checkpointer)
    assert "break_unproven" in found
    assert [row["position"] for row in (await archived.get("/v1/archive", service=f"{LOG}.1")).json()["items"]] == [5, 4]
