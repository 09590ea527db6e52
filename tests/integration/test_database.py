"""A unit of work when things go wrong in it: what is committed, what the caller hears, and who may act at all."""

import asyncpg
import pytest

from ops.supervisor import Running
from services.reintegration.grant_wiring import GRANT
from shared.appending import Leaf, appending
from shared.db import Database, NotCommitted, Scope, Sql, Write
from shared.errors import RuleViolation
from shared.ids import uuid7
from shared.ledger import rows_of
from tests.integration.conftest import MakeDatabase, ServiceDatabase

_TAKE = Sql("INSERT INTO payment_references (reference, grant_id, tranche) VALUES (:reference, :grant_id, 1)")
_TAKEN = Sql("SELECT reference FROM payment_references")
_END_OURSELVES = Sql("SELECT pg_terminate_backend(pg_backend_pid())")
SOMEBODY = Scope("staff:somebody", frozenset({"TR"}))


@pytest.fixture
async def made(make_database: MakeDatabase) -> ServiceDatabase:
    return await make_database("reintegration")


async def test_an_error_that_was_passed_over_cannot_end_in_a_commit_that_did_nothing(made: ServiceDatabase) -> None:
    async def pass_over_an_error() -> None:
        async with made.api.unit_of_work(SOMEBODY) as unit:
            unit.write(Write(_TAKE, {"reference": "BANK-1", "grant_id": uuid7()}))
            with pytest.raises(asyncpg.DivisionByZeroError):
                await unit.rows(Sql("SELECT 1 / 0"))

    with pytest.raises(NotCommitted):
        await pass_over_an_error()
    async with made.api.unit_of_work(SOMEBODY) as unit:
        assert await unit.rows(_TAKEN) == []


async def test_a_refusal_is_heard_although_the_connection_broke_with_it(made: ServiceDatabase) -> None:
    async def be_refused() -> None:
        async with made.api.unit_of_work(SOMEBODY) as unit:
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await unit.rows(_END_OURSELVES)
            raise RuleViolation("no_tranche_left", "Every tranche of this grant has been released.")

    with pytest.raises(RuleViolation, match="no_tranche_left"):
        await be_refused()
    async with made.api.unit_of_work(SOMEBODY) as unit:
        assert await unit.rows(_TAKEN) == []


@pytest.mark.parametrize("person_id", ["auth0|64fe", "b64/Zm9v+w==", "staff:a.b-c_d"])
async def test_whoever_may_sign_in_may_act(made: ServiceDatabase, person_id: str) -> None:
    async with made.api.unit_of_work(Scope(person_id)) as unit:
        row = await unit.row(Sql("SELECT current_setting('app.actor') AS actor"))
    assert row is not None
    assert row["actor"] == person_id


@pytest.mark.parametrize("said", ["'; DROP TABLE persons; --", "$1", "\\'", ":said", "\n"])
async def test_what_a_statement_is_handed_stays_a_value(made: ServiceDatabase, said: str) -> None:
    asks = Sql("SELECT CAST(:said AS text) AS said")
    async with made.api.unit_of_work(SOMEBODY) as unit:
        row = await unit.row(asks, said=said)
    assert row is not None
    assert (row["said"], asks.arguments({"said": said})) == (said, [said])
    assert asks.text == "SELECT CAST($1 AS text) AS said"


@pytest.mark.parametrize("person_id", ["a', true); SELECT ('", "a\\", "a\n", "a;b", "ä", "a" * 20_001])
async def test_a_character_that_could_end_the_setting_begins_no_transaction(
    made: ServiceDatabase, person_id: str
) -> None:
    with pytest.raises(ValueError, match="may not have"):
        async with made.api.unit_of_work(Scope(person_id)):
            pass


async def test_what_was_prepared_before_a_table_was_altered_is_asked_anew(made: ServiceDatabase) -> None:
    everything = Sql("SELECT r.* FROM (VALUES (1)) one LEFT JOIN payment_references r ON true")

    async def columns() -> int:
        rows = await made.api.attempt(SOMEBODY, lambda unit: unit.rows(everything))
        return len(rows[0])

    before = await columns()
    assert await columns() == before
    connection = await asyncpg.connect(made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner; ALTER TABLE payment_references ADD COLUMN next_word text")
    await connection.close()
    assert await columns() == before + 1


async def administrator(made: ServiceDatabase, servers: Running) -> "asyncpg.Connection[asyncpg.Record]":
    row = await made.api.alone(Sql("SELECT current_database() AS name"))
    assert row is not None
    server = servers.postgres
    return await asyncpg.connect(server.url_for(row["name"], server.user, server.password))


async def test_what_the_server_keeps_of_a_prepared_change_grows_with_its_columns_and_not_with_their_square(
    made: ServiceDatabase, servers: Running
) -> None:
    # No login of a service reads what memory is used for.
    connection = await administrator(made, servers)
    prepared = await connection.prepare(rows_of(GRANT).update_sql.text)
    kept = await connection.fetchval(
        "SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'CachedPlanSource' AND starts_with($1, left(ident, 200)) AND ident LIKE 'UPDATE grants%'", prepared.get_query()
    )
    await connection.close()
    assert 0 < kept < 256 * 1024


async def test_a_connection_remembers_so_many_prepared_statements_and_no_more(made: ServiceDatabase) -> None:
    database = Database(made.api.url, "few", 1, statements_kept=3)
    await database.open()
    try:
        for number in range(10):
            await database.alone(Sql(f"SELECT {number} AS number"))
        row = await database.alone(Sql("SELECT count(*) AS kept FROM pg_prepared_statements"))
    finally:
        await database.close()
    assert row is not None
    assert row["kept"] <= 4


_EVENTS = Sql("SELECT idx, id, type, subject, aggver, leaf FROM event_log ORDER BY idx")


def noted(version: int, body: bytes = b"{}") -> Leaf:
    return Leaf(uuid7(), "avrr.reintegration.thing.noted.v1", uuid7(), version, body)


async def test_events_enter_the_log_as_they_are_in_the_trip_that_commits(made: ServiceDatabase) -> None:
    first = [noted(1, b"it's; \\x00 \x00\xff $1 %s {\"a\":\"b\"}"), noted(2, b"{}")]
    before = made.api.counts.statements
    async with made.api.unit_of_work(SOMEBODY) as unit:
        unit.append(*first)
    assert made.api.counts.statements - before == 2
    async with made.api.unit_of_work(SOMEBODY) as unit:
        unit.write(Write(_TAKE, {"reference": "BANK-1", "grant_id": uuid7()}))
        unit.append(last := noted(1))
    assert made.api.counts.statements - before == 5
    async with made.api.unit_of_work(Scope("staff:somebody", log=True)) as unit:
        found = await unit.rows(_EVENTS)
    assert [(row["idx"], Leaf(row["id"], row["type"], row["subject"], row["aggver"], row["leaf"])) for row in found] == list(enumerate([*first, last]))


async def test_what_the_log_refuses_takes_everything_along_and_the_connection_goes_on(made: ServiceDatabase) -> None:
    known = noted(1)
    async with made.api.unit_of_work(SOMEBODY) as unit:
        unit.append(known)
        begun = await unit.row(Sql("SELECT pg_backend_pid() AS process"))

    async def twice() -> None:
        async with made.api.unit_of_work(SOMEBODY) as unit:
            unit.write(Write(_TAKE, {"reference": "BANK-1", "grant_id": uuid7()}))
            unit.append(Leaf(uuid7(), known.type, known.subject, known.version, b"{}"))

    with pytest.raises(asyncpg.UniqueViolationError):
        await twice()
    async with made.api.unit_of_work(Scope("staff:somebody", log=True)) as unit:
        assert await unit.rows(_TAKEN) == []
        assert len(await unit.rows(_EVENTS)) == 1
        assert await unit.row(Sql("SELECT pg_backend_pid() AS process")) == begun


@pytest.mark.parametrize("kind", ["a', 'b", "a}", "a,b", "A.b", "", "a" * 256])
def test_a_type_that_could_end_the_literal_enters_no_log(kind: str) -> None:
    with pytest.raises(ValueError, match="no event has"):
        appending([Leaf(uuid7(), kind, uuid7(), 1, b"{}")])


_SEES = """
CREATE FUNCTION sees() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN UPDATE payment_references SET tranche = (SELECT size FROM log_head); RETURN NULL; END $$;
CREATE TRIGGER sees AFTER INSERT ON payment_references FOR EACH ROW EXECUTE FUNCTION sees();
"""


@pytest.mark.parametrize(("first", "seen"), [(True, 3), (False, 1)])
async def test_who_takes_out_what_others_write_appends_before_triggers_fire(made: ServiceDatabase, servers: Running, first: bool, seen: int) -> None:
    connection = await administrator(made, servers)
    await connection.execute(_SEES)
    await connection.close()
    async with made.api.unit_of_work(SOMEBODY) as unit:
        unit.append(noted(1))
    async with made.api.unit_of_work(SOMEBODY) as unit:
        unit.append(noted(1), noted(1))
        unit.write(Write(_TAKE, {"reference": "BANK-1", "grant_id": uuid7()}))
        if first:
            unit.log_first()
    async with made.api.unit_of_work(SOMEBODY) as unit:
        assert [row["tranche"] for row in await unit.rows(Sql("SELECT tranche FROM payment_references"))] == [seen]
    async with made.api.unit_of_work(Scope("staff:somebody", log=True)) as unit:
        assert [row["idx"] for row in await unit.rows(_EVENTS)] == [0, 1, 2]
