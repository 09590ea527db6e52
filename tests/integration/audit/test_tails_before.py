"""The revision that sets apart what nobody signed is taken back where there is nothing of it, and is refused where there is."""

import asyncio

import asyncpg
import pytest
from alembic import command
from sqlalchemy.exc import DBAPIError

from ops import databases
from ops.settings import PROJECT
from ops.supervisor import Running
from tests.integration.audit.archived_log import LOG
from tests.integration.audit.broken_log import Checkpointer
from tests.integration.audit.signed_log import Signed, foreign
from tests.integration.audit.test_integrity import told

BEFORE = "audit_24"
_FUNCTIONS = "SELECT proname, prosrc FROM pg_proc WHERE proname = ANY (ARRAY['archive_sets_apart', 'archive_is_set_apart'])"


async def opened(signed: Signed, servers: Running) -> str:
    """The address of its owner, who may make functions again: a copy of the template has the rights of a database in use."""
    url = signed.archived.made.logins.migrate
    admin = await asyncpg.connect(servers.postgres.url, database=url.rpartition("/")[2])
    await admin.execute("GRANT CREATE ON SCHEMA public TO audit_owner, audit_lookup")
    await admin.close()
    return url


async def taken_back(url: str) -> None:
    await asyncio.to_thread(command.downgrade, databases.alembic_config("audit", url), BEFORE)


async def test_what_sets_apart_is_as_it_was_before_and_again_as_it_is(signed: Signed, servers: Running) -> None:
    url = await opened(signed, servers)
    await taken_back(url)
    connection = await asyncpg.connect(url)
    former = (PROJECT / "migrations" / "sql" / "archive_breaks_1.sql").read_text()
    assert all(row["prosrc"] in former for row in await connection.fetch(_FUNCTIONS))
    await asyncio.to_thread(databases.upgrade, "audit", url)
    assert not any(row["prosrc"] in former for row in await connection.fetch(_FUNCTIONS))
    await connection.close()
    # A break sets apart as before.
    checkpointer = Checkpointer(signed.archived, signed.note)
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    assert [one["held"] for one in (await told(signed.archived))["breaks"]] == [3]


async def test_it_is_not_taken_back_where_something_was_set_apart(signed: Signed, servers: Running) -> None:
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(1)
    assert await signed.look() is None
    with pytest.raises(DBAPIError, match="which entries of the archive nobody signed"):
        await taken_back(await opened(signed, servers))
    assert len(await signed.held(f"{LOG}.t1")) == 1
