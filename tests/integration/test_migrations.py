"""Each service's revisions: they make what the code describes, can be taken back, and give nobody too much."""

import asyncio
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from ops import databases, revisions
from ops.supervisor import Running
from shared.topology import BY_NAME, LOGS
from shared.wiring import Wiring
from tests.integration.conftest import PASSWORDS, MakeDatabase

NAMES = [service.name for service in LOGS]
# Each revision of a service is made, taken back and made again.
pytestmark = pytest.mark.timeout(600)


# SQLAlchemy reads back a constraint that is NOT VALID with an option that it then does not take.
@pytest.mark.filterwarnings("ignore:Can't validate argument 'dialect_options'")
@pytest.mark.parametrize("service", NAMES)
async def test_the_tables_in_the_database_are_those_in_the_code(service: str, same_database: MakeDatabase) -> None:
    made = await same_database(service)
    await asyncio.to_thread(databases.check, service, made.logins.migrate)


async def test_a_database_at_an_older_revision_is_not_taken_for_the_newest(make_database: MakeDatabase) -> None:
    made = await make_database("counselling")
    assert (await revisions.place_of("counselling", made.logins.migrate)).standing == "newest"
    connection = await asyncpg.connect(made.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    await connection.execute("UPDATE alembic_version SET version_num = 'counselling_1'")
    assert await revisions.place_of("counselling", made.logins.migrate) == revisions.Place("counselling_1", "behind")
    await connection.execute("DROP TABLE alembic_version")
    assert await revisions.place_of("counselling", made.logins.migrate) == revisions.Place("none", "behind")
    await connection.close()


@pytest.mark.parametrize("service", NAMES)
async def test_every_revision_can_be_taken_back_and_made_again(
    service: str, roles: Running
) -> None:
    name = f"there_and_back_{service}"
    admin = await asyncpg.connect(roles.postgres.url)
    await databases.make_database(admin, BY_NAME[service], name)
    url = databases.logins(roles.postgres, BY_NAME[service], PASSWORDS, name).migrate
    await asyncio.to_thread(databases.upgrade, service, url)
    await asyncio.to_thread(databases.downgrade, service, url)
    connection = await asyncpg.connect(url)
    left = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    functions = await connection.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    assert (left, functions) == ([], [])
    await asyncio.to_thread(databases.upgrade, service, url)
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


# Everything that says who may do what: rights on schema, tables, columns and functions, policies, owners.
_RIGHTS = """
    SELECT 'schema' AS what, nspname::text AS name, a::text AS says
    FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a WHERE nspname = 'public'
    UNION ALL SELECT 'table', relname::text, a::text
    FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) a
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, a::text FROM pg_attribute, aclexplode(attacl) a
    WHERE attrelid::regclass::text NOT LIKE 'pg%'
    UNION ALL SELECT 'function', p.oid::regprocedure::text, a::text || proowner::regrole
    FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'held', relname::text, relrowsecurity::text || relforcerowsecurity FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    UNION ALL SELECT 'policy', p::text, '' FROM pg_policies p WHERE schemaname = 'public'
    UNION ALL SELECT 'index', indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
"""


@pytest.mark.parametrize("service", NAMES)
async def test_a_revision_taken_back_leaves_the_rights_as_they_were_before_it(service: str, roles: Running) -> None:
    name = f"one_back_{service}"
    admin = await asyncpg.connect(roles.postgres.url)
    await databases.make_database(admin, BY_NAME[service], name)
    url = databases.logins(roles.postgres, BY_NAME[service], PASSWORDS, name).migrate
    config = databases.alembic_config(service, url)
    connection = await asyncpg.connect(roles.postgres.url_for(name, roles.postgres.user, roles.postgres.password))

    async def rights() -> set[tuple[str, ...]]:
        return {tuple(row.values()) for row in await connection.fetch(_RIGHTS)}

    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    left: list[set[tuple[str, ...]]] = []
    for revision in revisions:
        await asyncio.to_thread(command.upgrade, config, revision)
        left.append(await rights())
    for revision, before in list(zip(revisions, left, strict=True))[-2::-1]:
        await asyncio.to_thread(command.downgrade, config, revision)
        assert await rights() == before
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.mark.parametrize("service", NAMES)
def test_there_is_one_newest_revision(service: str) -> None:
    script = ScriptDirectory.from_config(databases.alembic_config(service, "postgresql://nowhere/none"))
    assert len(script.get_heads()) == 1


@pytest.mark.parametrize("service", NAMES)
async def test_the_database_knows_the_same_transitions_as_the_domain(
    service: str, same_database: MakeDatabase
) -> None:
    made = await same_database(service)
    connection = await asyncpg.connect(made.logins.migrate)
    rows = await connection.fetch("SELECT aggregate, from_status, to_status FROM status_transition")
    await connection.close()
    wiring: Wiring = import_module(f"services.{service}.wiring").WIRING
    declared = {
        (aggregate.table.name, before, after)
        for aggregate in wiring.aggregates
        for before, followers in transitions_of(import_module(aggregate.state.__module__)).items()
        if "status" in aggregate.table.columns
        for after in followers
    }
    assert {tuple(row.values()) for row in rows} == declared


def transitions_of(module: ModuleType) -> Mapping[str, Iterable[str]]:
    # Where one command may pass over a status, the rows know the transitions of commands, not those of events.
    found: Mapping[str, Iterable[str]] = getattr(module, "ROW_TRANSITIONS", getattr(module, "TRANSITIONS", {}))
    return found


@pytest.mark.parametrize("service", NAMES)
@pytest.mark.parametrize("login", ["api", "worker"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO event_log SELECT 0, gen_random_uuid(), 'x', gen_random_uuid(), 1, '', '', now()",
        "UPDATE event_log SET type = 'x'",
        "DELETE FROM event_log",
        "TRUNCATE event_log",
        "UPDATE log_head SET size = 0",
        "DELETE FROM disclosure",
        "UPDATE status_transition SET to_status = from_status",
        "UPDATE idempotency SET status = 200",
        "CREATE TABLE mine (id int)",
    ],
)
async def test_a_service_cannot_write_its_log_past_the_one_function(
    service: str, login: str, statement: str, same_database: MakeDatabase
) -> None:
    made = await same_database(service)
    connection = await asyncpg.connect(getattr(made.logins, login))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize("service", NAMES)
async def test_not_even_the_owner_can_change_the_log(service: str, same_database: MakeDatabase) -> None:
    made = await same_database(service)
    connection = await asyncpg.connect(made.logins.migrate)
    await connection.execute(f"SET ROLE {service}_owner")
    for statement in ("UPDATE event_log SET type = 'x'", "DELETE FROM event_log", "TRUNCATE event_log CASCADE"):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(statement)
        assert refused.value.sqlstate == "AV002"
    await connection.close()


async def test_no_service_can_open_another_ones_database(same_database: MakeDatabase) -> None:
    counselling = await same_database("counselling")
    returns = await same_database("returns")
    stranger = returns.logins.api.rpartition("/")[0] + "/" + counselling.logins.api.rpartition("/")[2]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(stranger)
