"""What a release does that is put back in its place behind the revisions of a later one: real servers, invented later revisions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from ops import databases, revisions
from ops.database_server import PostgresAddress
from ops.doctor.databases import database
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.system import in_role_of_owner, make_system
from shared.topology import RETURNS
from tests.integration.conftest import PASSWORDS
from tests.integration.test_doctor import present
from tests.integration.test_prepare import run_job

# All databases are made first.
pytestmark = pytest.mark.timeout(300)

(NEWEST,) = revisions.newest("returns")
LATER, LATEST = "returns_9000", "returns_9001"
_REVISION = '''
"""What a later release does."""

from alembic import op

from migrations.online import needs

revision = "{revision}"
down_revision = "{after}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE {revision} (id integer PRIMARY KEY)")
    {word}


def downgrade() -> None:
    op.execute("DROP TABLE {revision}")
    needs(None)
'''
_ALL = """
    SELECT 'relation' AS what, relname::text AS name, coalesce(relacl::text, '') AS says FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', oid::regprocedure::text, coalesce(proacl::text, '') FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'database', datname, datacl::text FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'revision', version_num, coalesce(obj_description('alembic_version'::regclass, 'pg_class'), '') FROM alembic_version
"""


def migrate_url(server: PostgresAddress) -> str:
    return databases.logins(server, RETURNS, PASSWORDS).migrate


def written(folder: Path, revision: str, after: str, needs: str | None = None) -> Path:
    """A folder with this revision of a later release, and those that were written there before."""
    folder.mkdir(exist_ok=True)
    word = "pass" if needs is None else f"needs({needs!r})"
    (folder / f"{revision}.py").write_text(_REVISION.format(revision=revision, after=after, word=word))
    return folder


async def found_in(server: PostgresAddress) -> set[tuple[str, ...]]:
    connection = await asyncpg.connect(server.url_for("returns", server.user, server.password))
    try:
        return {tuple(row.values()) for row in await connection.fetch(_ALL)}
    finally:
        await connection.close()


async def says_that_it_is_at(server: PostgresAddress, *there: str) -> None:
    connection = await asyncpg.connect(server.url_for("returns", server.user, server.password))
    await connection.execute("DELETE FROM alembic_version")
    await connection.executemany("INSERT INTO alembic_version VALUES ($1)", [(one,) for one in there])
    await connection.close()


async def the_doctor_says(server: PostgresAddress) -> tuple[str, str, str]:
    (found,) = await database(RETURNS, in_role_of_owner(migrate_url(server), RETURNS), present)
    return found.check, found.level, found.sentence


@pytest.fixture(scope="module")
async def prepared(servers: Running) -> AsyncIterator[Running]:
    """Servers with every database at the newest revision of this release."""
    await databases.prepare(servers.postgres, PASSWORDS)
    connection = await asyncpg.connect(servers.postgres.url)
    await connection.execute("CREATE DATABASE returns_as_it_was TEMPLATE returns")
    yield servers
    for name in (*(owner.name for owner in databases.OWNERS), "returns_as_it_was"):
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def server(prepared: Running) -> AsyncIterator[PostgresAddress]:
    """The database server, the database of returns made anew for each test."""
    connection = await asyncpg.connect(prepared.postgres.url)
    yield prepared.postgres
    await connection.execute("DROP DATABASE returns WITH (FORCE)")
    await connection.execute("CREATE DATABASE returns OWNER returns_owner TEMPLATE returns_as_it_was")
    await databases.make_database(connection, RETURNS, RETURNS.name)
    await connection.close()


@pytest.mark.parametrize("needs", [None, NEWEST], ids=["it says nothing", "it needs what this release knows"])
async def test_a_database_that_a_later_release_migrated_is_left_as_it_is_and_the_job_ends_well(
    server: PostgresAddress, tmp_path: Path, needs: str | None
) -> None:
    further = written(tmp_path / "later", LATER, NEWEST, needs)
    await asyncio.to_thread(databases.upgrade, "returns", migrate_url(server), further)
    before = await found_in(server)
    assert {("revision", LATER, f"needs {needs}" if needs else "")} < before
    code, said = await run_job(server.url)
    left = f"avrr: the database of returns is at {LATER}, which a later release made: it is left as it is, and this release runs with it"
    assert (code, said.startswith(left), said.endswith("avrr: this release runs with all databases as they are\n")) == (0, True, True), said
    assert await found_in(server) == before
    check, level, sentence = await the_doctor_says(server)
    assert (check, level, LATER in sentence) == ("migrations", "warning", True)
    # Forward again: the later release goes on from where it was.
    written(further, LATEST, LATER)
    await asyncio.to_thread(databases.upgrade, "returns", migrate_url(server), further)
    assert ("relation", LATEST, "") in await found_in(server)


async def test_a_database_from_which_a_later_release_took_away_what_this_one_asks_for_is_refused(server: PostgresAddress, tmp_path: Path) -> None:
    further = written(tmp_path / "later", LATER, NEWEST)
    written(further, LATEST, LATER, needs=LATER)
    await asyncio.to_thread(databases.upgrade, "returns", migrate_url(server), further)
    before = await found_in(server)
    code, said = await run_job(server.url)
    assert (code, len(said.splitlines()), said.startswith(f"avrr: The database of returns is at {LATEST}: a later release took away")) == (1, 1, True), said
    assert await found_in(server) == before
    assert (await the_doctor_says(server))[:2] == ("migrations", "wrong")
    # Taken back, the word is taken back with it.
    await asyncio.to_thread(databases.downgrade, "returns", migrate_url(server), LATER, further)
    assert (await run_job(server.url))[0] == 0


@pytest.mark.parametrize("there", [("head",), ("counselling_1",), (LATER, LATEST)], ids=["no name", "another service's", "two"])
async def test_what_no_release_made_is_refused_in_one_line(server: PostgresAddress, there: tuple[str, ...]) -> None:
    await says_that_it_is_at(server, *there)
    before = await found_in(server)
    code, said = await run_job(server.url)
    assert (code, len(said.splitlines()), "which is no revision of any release" in said) == (1, 1, True), said
    assert await found_in(server) == before
    assert (await the_doctor_says(server))[:2] == ("migrations", "wrong")


async def test_a_system_on_one_machine_starts_behind_a_later_release_and_not_behind_what_none_made(tmp_path: Path) -> None:
    settings, said = OpsSettings(data=tmp_path / "data"), list[str]()

    def started() -> Running:
        # Its processes are not of interest here, and none looks at the revision when it starts (tests/chaos/test_migrating.py).
        return make_system(settings, say=said.append, recast=lambda running, children: ())

    async with started() as running:
        assert not [line for line in said if "later release" in line]
        passwords = {role: running.secrets.password(role) for role in databases.role_names()}
        further = written(tmp_path / "later", LATER, NEWEST)
        await asyncio.to_thread(databases.upgrade, "returns", databases.logins(running.postgres, RETURNS, passwords).migrate, further)
    async with started() as running:
        assert [LATER in line for line in said if "later release" in line] == [True]
        await says_that_it_is_at(running.postgres, "head")
    with pytest.raises(CannotStart) as refused:
        async with started():
            pass
    assert refused.value.code == "revision_unknown"
