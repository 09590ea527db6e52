"""Nothing personal leaves the sealed columns: canaries go in through every command, and are found nowhere else.

Whoever tells a service something of a person uses the fields that it describes. Each that takes a free text gets a
canary here, or stands in `OPEN` with the reason why it may be read; one that is added later fails until it does either.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from services.counselling.domain.identity import FIELDS
from shared.ids import uuid7
from tests.e2e.canaries import Flock, heard
from tests.e2e.canary_journeys import OPEN, Drive, bodies_of, is_personal
from tests.e2e.canary_questions import Driven, Told, fail_a_reaction, look, look_at_pages, refuse
from tests.e2e.conftest import Mission

# Where sealed values lie, so that the search can be seen to have had something to miss.
SEALED: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "identities": ("counselling", "SELECT {columns} FROM identities", FIELDS),
    "host_statuses": ("counselling", "SELECT {columns} FROM host_statuses", ("said",)),
    "evidence_pieces": ("reintegration", "SELECT {columns} FROM evidence_pieces", ("sealed",)),
}  # fmt: skip


@pytest.fixture(scope="module")
async def driven(mission: Mission, request: pytest.FixtureRequest) -> Driven:
    flock, bodies = Flock(), await bodies_of(mission)
    personal = [body for body in bodies if is_personal(body)]
    drive = Drive(mission, flock, request.config.getoption("--canaries"), personal)
    await drive.go()
    driven = Driven(mission, flock, drive.households, personal, bodies, Told(), uuid7(), drive.cases[0])
    await refuse(driven)
    await look_at_pages(driven)
    await fail_a_reaction(driven)
    await look(driven)
    return driven


async def tables(mission: Mission, only: Sequence[str] = ()) -> dict[str, bytes]:
    """Every table of every database as it is when it is dumped, in the form that leaves bytes as they are."""
    server, found = mission.running.postgres, {}
    connection = await asyncpg.connect(server.url)
    try:
        names = only or [row[0] for row in await connection.fetch("SELECT datname FROM pg_database WHERE datallowconn")]
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    for name in names:
        connection = await asyncpg.connect(server.url_for(name, server.user, server.password))
        try:
            for schema, table in await connection.fetch(
                "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
            ):
                content = bytearray()

                async def more(piece: bytes, content: bytearray = content) -> None:
                    content += piece

                await connection.copy_from_query(f'SELECT * FROM "{schema}"."{table}"', output=more, format="binary")
                found[f"{name}.{schema}.{table}"] = bytes(content)
        finally:
            await connection.close()
    return found


def files(folder: Path) -> dict[str, set[str]]:
    """In which files of a running system something is heard: servers' data, the write-ahead log, streams, what is printed."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:
            continue
        if marks := heard(content, packed="pg_wal" in path.parts or "base" in path.parts):
            found[str(path.relative_to(folder))] = marks
    return found


@pytest.mark.timeout(900)
async def test_every_text_of_a_command_about_somebody_had_a_canary_or_may_be_read(driven: Driven) -> None:
    takes = {(body.name, place) for body in driven.bodies for place, text in body.texts() if Flock().text(place, text)}
    assert OPEN.keys() <= takes, "what may be read has to be there"
    had = {tuple(where.split(" ")[1:]) for where in driven.flock.where.values()}
    assert sorted(takes - OPEN.keys() - had) == []
    assert ("record_identity", "birth_date") in had
    assert len(driven.person_ids) * 2 * 6 < len(driven.flock.where)


async def test_what_was_said_is_kept_and_shown_to_whoever_may_read_it(driven: Driven) -> None:
    mission = driven.mission
    answer = await mission.read("counselling", "coordinator", f"/v1/persons/{driven.person_ids[-1]}/identity?purpose=casework&all=true")
    for form in ("as it is", "a day"):
        assert any(heard_as.startswith(form) for heard_as in heard(answer.content))
    assert answer.json()["number"] == 2
    server = mission.running.postgres
    for table, (database, statement, columns) in SEALED.items():
        connection = await asyncpg.connect(server.url_for(database, server.user, server.password))
        try:
            kept = await connection.fetch(statement.format(columns=", ".join(columns)))
        finally:
            await connection.close()
        for column in columns:
            assert any(row[column] is not None for row in kept), f"{table}.{column} is empty"


async def test_no_answer_that_may_be_seen_by_others_holds_a_canary(driven: Driven) -> None:
    told = driven.told.answers
    assert len(told) > 4 * 30
    assert {asked: marks for asked, content in told.items() if (marks := heard(content))} == {}


@pytest.mark.timeout(900)
async def test_no_table_no_file_of_a_server_and_nothing_that_is_printed_holds_a_canary(
    driven: Driven, tell: Callable[[str], None]
) -> None:
    mission, folder = driven.mission, driven.mission.settings.data_folder
    dumped = await tables(mission)
    for name in ("counselling.public.identities", "returns.public.cases", "reintegration.public.evidence_pieces"):
        assert len(dumped[name]) > 500, name
    assert {table: marks for table, content in dumped.items() if (marks := heard(content))} == {}
    assert files(folder) == {}
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() else 0
    tell(
        f"canaries: {len(driven.flock.where):,} of {len(driven.person_ids):,} persons in none of {len(dumped)} tables "
        f"({sum(map(len, dumped.values())):,} bytes), {size:,} bytes of files and {len(driven.told.answers)} answers"
    )


async def test_a_canary_that_does_leave_is_heard(driven: Driven) -> None:
    """Last, for what is written here stays in the write-ahead log."""
    mission, folder = driven.mission, driven.mission.settings.data_folder
    flock = driven.flock
    escaped = f"{flock.latin('escaped')} {flock.own_script('escaped')} {flock.day('escaped')}"
    server = mission.running.postgres
    connection = await asyncpg.connect(server.url_for("counselling", server.user, server.password))
    line = folder / "logs" / "escaped.log"
    stored = folder / "nats" / "escaped.blk"
    try:
        await connection.execute("CREATE TABLE escaped (text text, bytes bytea, json jsonb)")
        await connection.execute("INSERT INTO escaped VALUES ($1, convert_to($1, 'UTF8'), to_jsonb($1::text))", escaped)
        for path in (line, stored):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'{{"event": "{escaped}"}}\n')
        dumped = await tables(mission, ["counselling"])
        assert {table for table, content in dumped.items() if heard(content)} == {"counselling.public.escaped"}
        places = files(folder)
    finally:
        await connection.execute("DROP TABLE IF EXISTS escaped")
        await connection.close()
        for path in (line, stored):
            path.unlink(missing_ok=True)
    for part in ("logs", "nats", "pg_wal", "base"):
        assert any(part in Path(place).parts for place in places), part
