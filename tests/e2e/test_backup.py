"""A system that was killed is there again as it was at a moment, from its copies alone; damaged copies are named."""

import asyncio
import os
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from ops.after_restore.accepting import accept
from ops.backup.bases import Base
from ops.backup.keys_apart import end_sets, sets_in
from ops.backup.login import programs_of
from ops.backup.newest import newest_of
from ops.backup.notes import Note as CopiedUntil
from ops.backup.notes import read_note, write_note
from ops.backup.places import Run, house_of, moment_of
from ops.backup.restoring import Restored, restore
from ops.backup.status import backup_status
from ops.backup.taking import take_backup
from ops.checkpointer.settings import LOG_NAMES
from ops.database_server import PostgresAddress
from ops.demo_year.people import moment
from ops.keys import rotate_keys
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.verification import verify_system
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.person import GiveConsent, RegisterPerson
from shared.ids import uuid7
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note
from shared.topology import SERVICES
from tests.integration.bus.house import until
from tests.running import Mission, started

# When a service last looked at others and through its own rows is noted while nobody does anything.
# That a database was restored is known to the restored one alone.
RESTLESS = {"cursor", "verify_progress", "verify_differences", "restored"}
SIBLINGS = 3

pytestmark = pytest.mark.timeout(600)
NAME = "Restorina"
# As a list of what an earlier restore lost; what it says is nothing.
LOST_BEFORE = "restored/00000000-0000-0000-0000-000000000007/counselling.note"

Rows = dict[tuple[str, str], tuple[int, str]]


def quiet(_: str) -> None:
    pass


@dataclass(frozen=True)
class Drill:
    """What was there at a noted moment of a system that was killed later on."""

    backups: Path
    keys: Path
    data: Path
    before: datetime
    noted: datetime
    rows: Rows
    persons: tuple[UUID, ...]
    after: UUID
    killed: datetime
    complete_until: datetime

    def run(self) -> Run:
        house = house_of(OpsSettings(data=self.data))
        assert house is not None
        return house.run_in(self.backups)

    async def restored(self, into: Path, moment: datetime | None, backups: Path | None = None) -> Restored:
        return await restore(OpsSettings(), backups or self.backups, self.keys, into, moment, None, quiet)


async def rows_of(server: PostgresAddress) -> Rows:
    """How many rows each table has, and what they say together."""
    found: Rows = {}
    for service in SERVICES:
        connection = await asyncpg.connect(server.url_for(service.name, server.user, server.password))
        try:
            names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for name in {row["tablename"] for row in names} - RESTLESS:
                table = await connection.fetchrow(f'SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{name}" t')
                assert table is not None
                found[service.name, name] = (table[0], table[1] or "")
        finally:
            await connection.close()
    return found


async def clock_of(mission: Mission) -> datetime:
    connection = await asyncpg.connect(mission.running.postgres.url)
    try:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return now
    finally:
        await connection.close()


async def at_rest(mission: Mission) -> tuple[datetime, Rows]:
    """A moment around which nothing changed, and what was there."""
    await mission.caller.drained()
    before = await rows_of(mission.running.postgres)
    async with asyncio.timeout(120):
        while True:
            noted = await clock_of(mission)
            after = await rows_of(mission.running.postgres)
            if after == before:
                return noted, after
            before = after


async def registered(mission: Mission, hour: int) -> UUID:
    person_id, at = uuid7(), moment(100, hour)
    for order in (
        RegisterPerson(sex="female", birth_year=1990, country_of_origin="TR", site="trc_usivak"),
        GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=at),
        RecordIdentity(family_name=NAME),
    ):
        await mission.done("counselling", "counsellor-1", person_id, order, at)
    return person_id


async def copied_until(settings: OpsSettings, moment: datetime) -> datetime:
    async with asyncio.timeout(60):
        while True:
            status = backup_status(settings)
            if status is not None and status.wal_complete_until is not None and status.wal_complete_until > moment:
                return status.wal_complete_until
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
async def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    place = tmp_path_factory.mktemp("drill")
    settings = OpsSettings(data=place / "data", backup_dir=place / "backups", backup_keys_dir=place / "keys")
    async with started(settings) as mission:
        lost = settings.data_folder / LOST_BEFORE
        lost.parent.mkdir(parents=True)
        lost.write_text("{}\n")
        persons = [await registered(mission, 7)]
        # What the checkpointer knows of the logs is a part of each copy, and is damaged in one of them below.
        await until(lambda: any((settings.data_folder / "checkpointer").rglob("edge")), 60)
        await take_backup(settings, None, None, None, quiet)
        before = await clock_of(mission)
        persons += [await registered(mission, hour) for hour in range(8, 8 + SIBLINGS)]
        noted, rows = await at_rest(mission)
        # What follows is written under other keys, and those of the noted moment are destroyed in the system.
        await rotate_keys(settings, quiet)
        after = await registered(mission, 20)
        complete_until = await copied_until(settings, await clock_of(mission))
        killed = datetime.now(UTC)
        mission.running.kill_everything()
    return Drill(place / "backups", place / "keys", place / "data", before, noted, rows, tuple(persons), after, killed, complete_until)


@pytest.fixture(scope="module")
async def into(drill: Drill, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the system as it was at the noted moment, from its copies alone."""
    folder = tmp_path_factory.mktemp("again") / "data"
    done = await drill.restored(folder, drill.noted)
    # Of what was done by the noted moment nothing is missing.
    assert (done.held_to, done.held_to_by) == (drill.noted, "named")
    assert 0 <= done.rpo_seconds < (drill.noted - drill.before).total_seconds()
    assert done.last is not None
    assert done.last <= drill.noted
    return folder


async def accepted(mission: Mission) -> None:
    """Two persons accept that this is a restored system."""
    async with asyncio.timeout(240):
        # What is known of the lost may grow while the system starts, and is then accepted by two anew.
        for persona in cycle(("chief-of-mission", "auditor")):
            if await accept(mission.settings, await mission.tokens.token(persona), "exercise", quiet):
                break
    # Each service looks every moment whether it may go on.
    for url in mission.addresses.services.values():
        await until(partial(ready, mission, url), 60)
    await mission.caller.learn()


async def signed(mission: Mission, log: str) -> Origin:
    """Under which name a log was signed last."""
    told = await mission.client.get(f"{mission.addresses.checkpointer}/{log}/checkpoint")
    return Origin.of(Checkpoint.of(Note.of(told.content)).origin)


async def refused_as(mission: Mission, codes: dict[str, str]) -> bool:
    """Whether the checkpointer refuses these logs by these codes, and no other."""
    told = (await mission.client.get(f"{mission.addresses.checkpointer}/readyz")).json()["logs"]
    return {log: one["code"] for log, one in told.items()} == codes


async def ready(mission: Mission, url: str) -> bool:
    return (await mission.client.get(f"{url}/v1/forms", headers={"Authorization": f"Bearer {await mission.tokens.token('counsellor-1')}"})).is_success


def test_a_restored_system_remembers_the_copies_that_it_was_made_of(drill: Drill, into: Path) -> None:
    own, former = house_of(OpsSettings(data=into)), house_of(OpsSettings(data=drill.data))
    assert own is not None
    assert former is not None
    assert (own.former, own.id == former.id) == ((former.id,), False)


def test_what_earlier_restores_lost_is_copied_and_is_there_again(into: Path) -> None:
    assert (into / LOST_BEFORE).read_text() == "{}\n"


async def test_a_killed_system_is_there_again_as_it_was_at_a_moment(drill: Drill, into: Path) -> None:
    # Its databases alone, before anything runs on them.
    async with Running(OpsSettings(data=into), services=(), other_ports={}, say=quiet) as running:
        found = await rows_of(running.postgres)
    assert {name for name in drill.rows.keys() | found.keys() if drill.rows.get(name) != found.get(name)} == set()


async def test_what_was_restored_takes_nothing_until_two_accept_it_and_then_goes_on_and_verifies(drill: Drill, into: Path) -> None:
    async with started(OpsSettings(data=into), restored=True) as again:
        path = f"/v1/persons/{drill.persons[0]}/identity?purpose=casework"
        assert (await again.raw("GET", "counselling", path, "counsellor-1")).status_code == 503
        # What was signed was restored with the logs, and finds nothing missing: nothing more is signed of them all the same.
        await until(partial(refused_as, again, dict.fromkeys(LOG_NAMES, "log_set_back")), 60)
        before = {log: await signed(again, log) for log in LOG_NAMES}
        assert {said.generation for said in before.values()} == {1}
        await accepted(again)
        await until(partial(refused_as, again, {}), 60)
        assert {(await signed(again, log)).generation for log in LOG_NAMES} == {2}
        for person_id in drill.persons:
            answer = await again.read("counselling", "counsellor-1", f"/v1/persons/{person_id}/identity?purpose=casework")
            assert NAME in answer.text
        assert (await again.read("counselling", "counsellor-1", f"/v1/persons/{drill.after}")).status_code == 404
        await registered(again, 21)
        await again.caller.drained()
        said = [line async for line in verify_system(again.settings, None)]
        assert sum(wrong for _, wrong in said) == 0, said


def copied(drill: Drill, folder: Path) -> Drill:
    """The same copies in another place, to be damaged."""
    shutil.copytree(drill.backups, folder / "backups")
    shutil.copytree(drill.keys, folder / "keys")
    return replace(drill, backups=folder / "backups", keys=folder / "keys")


def flip(path: Path, at: int | None = None, count: int = 1) -> None:
    """Changes a bit of so many bytes of a file."""
    content = bytearray(path.read_bytes())
    at = len(content) // 2 if at is None else at
    for place in range(at, at + count):
        content[place] ^= 1
    path.write_bytes(content)


def place_of(wal: Path, lsn: int) -> tuple[Path, int]:
    """The segment in which this place of the log is, and where in it."""
    for segment in wal.glob("[0-9A-F]" * 24 + "*"):
        size = segment.stat().st_size
        if int(segment.name[8:16], 16) * (2**32 // size) + int(segment.name[16:24], 16) == lsn // size:
            return segment, lsn % size
    raise AssertionError


async def refused(drill: Drill, moment: datetime | None = None, into: Path | None = None) -> CannotStart:
    """What stands against a restore, of which nothing is left then."""
    into = into or drill.backups.parent / "into"
    before = sorted(into.parent.iterdir())
    with pytest.raises(CannotStart) as found:
        await drill.restored(into, moment)
    assert sorted(into.parent.iterdir()) == before
    return found.value


def a_table(base: Path) -> Path:
    return max((base / "postgres" / "base").rglob("[0-9]*"), key=lambda path: path.stat().st_size if path.is_file() else 0)


@pytest.mark.parametrize("what", ["table", "list", "mark", "state", "log of the base", "key"])
async def test_a_flipped_bit_is_named_and_nothing_is_touched(drill: Drill, tmp_path: Path, what: str) -> None:
    held = copied(drill, tmp_path)
    base = held.run().bases()[-1]
    keys = max((held.keys / held.run().folder.parent.name).iterdir())
    damaged = {
        "table": a_table(base), "list": base / "manifest.json", "mark": base / "manifest.mac",
        "state": next((base / "state" / "checkpointer").rglob("edge")), "log of the base": next((base / "postgres/pg_wal").glob("0*")),
        "key": keys / "secrets" / "epochs" / "counselling" / "2",
    }[what]  # fmt: skip
    flip(damaged)
    found = await refused(held)
    assert found.code == "backup_damaged"
    assert damaged.name.removesuffix(".mac") in found.sentence or what == "mark"


@pytest.mark.parametrize("change", ["missing", "added"])
async def test_a_file_that_went_or_came_is_named(drill: Drill, tmp_path: Path, change: str) -> None:
    held = copied(drill, tmp_path)
    table = a_table(held.run().bases()[-1])
    if change == "missing":
        table.unlink()
    else:
        table = table.with_name("4294967295")
        table.touch()
    found = await refused(held)
    assert (found.code, table.name in found.sentence) == ("backup_damaged", True)


async def test_a_damaged_log_is_named_with_the_moment_until_which_it_restores(drill: Drill, tmp_path: Path) -> None:
    held = copied(drill, tmp_path)
    # Behind what was once known to be whole, damage is what a cut power leaves. The person registered last stands before that, and was
    # committed after the noted moment, as were the new keys.
    note = read_note(held.run().note)
    assert note is not None
    segment, at = place_of(held.run().wal, note.lsn - 2_000)
    # Up to seven bytes between two records are nobody's.
    flip(segment, at, 8)
    found = await refused(held)
    assert (found.code, str(segment) in found.sentence) == ("wal_damaged", True)
    named = datetime.fromisoformat(found.sentence.split("--to ")[1].split(" ")[0])
    assert drill.noted < named < drill.killed
    done = await held.restored(tmp_path / "before", named)
    assert done.last is not None
    assert done.last <= named


async def test_a_log_with_a_missing_part_restores_only_what_came_before(drill: Drill, tmp_path: Path) -> None:
    held = copied(drill, tmp_path)
    for segment in held.run().wal.iterdir():
        segment.unlink()
    assert (await refused(held)).code == "wal_damaged"
    assert (await refused(held, drill.noted)).code == "wal_damaged"


async def test_what_cannot_be_restored_is_told_in_a_sentence(drill: Drill, tmp_path: Path) -> None:
    first = drill.run().bases()[0]
    early = await refused(drill, datetime(2026, 1, 1, tzinfo=UTC), tmp_path / "into")
    assert (early.code, f"{moment_of(first.name):%H:%M:%S}" in early.sentence) == ("before_the_base", True)
    late = await refused(drill, drill.killed + timedelta(days=1), tmp_path / "into")
    assert late.code == "after_the_end"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    assert (await refused(drill, None, tmp_path / "full")).code == "folder_not_empty"
    empty = replace(drill, backups=tmp_path / "nothing")
    assert (await refused(empty, None, tmp_path / "into")).code == "no_backup"
    with pytest.raises(CannotStart) as other:
        await restore(OpsSettings(logs_origin="another.example"), drill.backups, drill.keys, tmp_path / "into", None, None, quiet)
    assert (other.value.code, "avrr.localhost" in other.value.sentence) == ("another_origin", True)
    keyless = replace(drill, keys=tmp_path / "nothing")
    assert (await refused(keyless, None, tmp_path / "into")).code == "no_keys"


async def test_copies_of_two_systems_are_not_mixed(drill: Drill, tmp_path: Path) -> None:
    held = copied(drill, tmp_path)
    shutil.copytree(held.run().folder.parent, held.backups / "0123456789ab")
    found = await refused(held)
    assert (found.code, "0123456789ab" in found.sentence) == ("several_systems", True)


async def test_the_end_of_the_log_restores_what_was_committed_before_the_kill(drill: Drill, tmp_path: Path) -> None:
    done = await drill.restored(tmp_path / "into", None)
    # Nothing tells of more than what was restored.
    assert done.last is not None
    assert done.held_to_by == "copies"
    assert done.held_to >= drill.complete_until
    assert done.rpo_seconds < (drill.killed - drill.noted).total_seconds()
    # Until then everything was known to be in the copy, and the person registered last was.
    assert done.last >= drill.complete_until - timedelta(seconds=1)
    assert (tmp_path / "into" / "secrets").stat().st_mode & 0o777 == 0o700
    epochs = {path.name for path in (tmp_path / "into" / "secrets" / "epochs" / "counselling").iterdir() if path.is_file()}
    # A base from before the keys changed opens with those of after, which the log was written under.
    assert epochs == {"2"}
    async with started(OpsSettings(data=tmp_path / "into"), restored=True) as mission:
        await accepted(mission)
        for person_id in (*drill.persons, drill.after):
            answer = await mission.read("counselling", "counsellor-1", f"/v1/persons/{person_id}/identity?purpose=casework")
            assert NAME in answer.text


async def test_what_was_copied_after_a_gap_without_a_base_is_said_and_counts_as_lost(drill: Drill, tmp_path: Path) -> None:
    held = copied(drill, tmp_path)
    following = Run(held.run().folder.with_name(f"run-{held.run().number + 1}"))
    shutil.copytree(held.run().wal, following.wal)
    newest = await newest_of(following, programs_of(OpsSettings(), Base.unchecked(held.run().bases()[-1]).postgres))
    assert newest is not None
    # By its log alone, and then by its note.
    assert drill.noted < newest < drill.killed
    gone = drill.killed + timedelta(seconds=90)
    write_note(following.note, CopiedUntil(gone, 1))
    said: list[str] = []
    done = await restore(OpsSettings(), held.backups, held.keys, tmp_path / "into", None, None, said.append)
    assert (done.held_to, done.held_to_by) == (gone, "copies")
    assert done.rpo_seconds >= 90
    assert [line for line in said if "Passed over" in line and following.folder.name in line]
    assert following.folder.name in (await refused(held, gone, tmp_path / "another")).sentence


async def test_a_former_data_folder_tells_how_much_more_was_done(drill: Drill, tmp_path: Path) -> None:
    held = copied(drill, tmp_path)
    former, last = tmp_path / "former", drill.killed + timedelta(seconds=40)
    (former / "witness").mkdir(parents=True)
    (former / "witness" / "memory").touch()
    os.utime(former / "witness" / "memory", (last.timestamp(), last.timestamp()))
    done = await restore(OpsSettings(), held.backups, held.keys, tmp_path / "into", None, former, quiet)
    assert (abs(done.held_to - last) < timedelta(milliseconds=1), done.held_to_by) == (True, "former")
    assert done.rpo_seconds >= 40


async def test_what_was_erased_from_the_keys_is_not_restored_to_a_moment_before(drill: Drill, tmp_path: Path) -> None:
    held = copied(drill, tmp_path)
    sets = sets_in(held.keys / held.run().folder.parent.name)
    before = [one for one in sets if moment_of(one.name) <= drill.noted]
    assert end_sets(held.keys / held.run().folder.parent.name, datetime.now(UTC)) == len(sets) - 1
    assert not any(one.exists() for one in before)
    assert (await refused(held, drill.noted, tmp_path / "into")).code == "keys_destroyed"
