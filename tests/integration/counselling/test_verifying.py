"""Rows are verified while the service works: what a superuser does to one is found, named and remembered."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest
import structlog

from ops.supervisor import Running
from services.counselling.domain.person import GiveConsent
from services.counselling.wiring import PERSON, WIRING
from shared.db import Sql, UnitOfWork
from shared.ids import uuid7
from shared.metrics import Metrics
from shared.revisions import OtherRevision, newest_of
from shared.verify import Check
from shared.verifying import Verifying
from tests.given import NOON, staff
from tests.integration.bus.house import until
from tests.integration.counselling.desk import Desk
from tests.integration.many import copy_person

Noted = tuple[str, str, str, str, bool]
# Begin, the revision, each check by id, the end and the revision again.
CHECKED = 4 + sum(one.by_id for one in WIRING.checks)


@dataclass(frozen=True)
class Watched:
    """A desk whose rows are verified, and somebody who gets past everything."""

    desk: Desk
    verifying: Verifying
    superuser: "asyncpg.Connection[asyncpg.Record]"

    async def noted(self) -> list[Noted]:
        """What was noted, in the order of its finding, each with whether it is gone."""
        rows = await self.superuser.fetch(
            "SELECT kind, about, fault, columns, gone_at IS NOT NULL AS gone FROM verify_differences ORDER BY id"
        )
        return [(row["kind"], row["about"], row["fault"], row["columns"], row["gone"]) for row in rows]

    async def whole_round(self) -> None:
        """Every step of one round."""
        rounds = await self.rounds()
        while await self.rounds() == rounds:
            await self.verifying.step()

    async def rounds(self) -> int:
        found: int | None = await self.superuser.fetchval("SELECT rounds FROM verify_progress")
        return found or 0


@pytest.fixture
async def watched(desk: Desk, servers: Running) -> AsyncIterator[Watched]:
    database = desk.database
    verifying = Verifying("counselling", WIRING.by_name, WIRING.checks, database.verify, database.worker, rests=False)
    name = database.logins.verify.rpartition("/")[2].partition("?")[0]
    superuser = await asyncpg.connect(
        servers.postgres.url_for(name, servers.postgres.user, servers.postgres.password)
    )
    await verifying.look()
    yield Watched(desk, verifying, superuser)
    verifying.found.ended()
    await superuser.close()


async def test_a_row_that_was_changed_is_found_by_the_next_look_with_the_columns_that_differ(watched: Watched) -> None:
    person_id, _ = await watched.desk.agreed(), await watched.desk.agreed()
    await watched.verifying.look()
    assert await watched.noted() == []
    await watched.superuser.execute("UPDATE persons SET country_of_origin = 'PK', sex = 'female' WHERE id = $1", person_id)
    await watched.verifying.look()
    await watched.verifying.check()
    found = await watched.noted()
    assert ("person", str(person_id), "other", "sex,country_of_origin", False) in found
    # The list by years of birth has the person's own country and sex.
    assert {one[0] for one in found} == {"person", "birth years"}


async def test_a_row_that_was_put_back_is_gone_and_not_forgotten(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("UPDATE persons SET data_consent = false WHERE id = $1", person_id)
    await watched.verifying.look()
    await watched.verifying.look()
    open_one = ("person", str(person_id), "other", "data_consent", False)
    assert await watched.noted() == [open_one]
    await watched.superuser.execute("UPDATE persons SET data_consent = true WHERE id = $1", person_id)
    await watched.verifying.look()
    assert await watched.noted() == [(*open_one[:-1], True)]
    await watched.superuser.execute("UPDATE persons SET data_consent = false WHERE id = $1", person_id)
    await watched.verifying.look()
    assert await watched.noted() == [(*open_one[:-1], True), open_one]


async def test_a_row_that_was_taken_out_and_one_that_was_put_in_are_found(watched: Watched) -> None:
    person_id, other_id = await watched.desk.agreed(), uuid7()
    await watched.superuser.execute(
        "INSERT INTO persons SELECT (jsonb_populate_record(p, jsonb_build_object('id', $2::uuid))).* FROM persons p WHERE id = $1",
        person_id, other_id,
    )  # fmt: skip
    await watched.superuser.execute("DELETE FROM persons WHERE id = $1", person_id)
    await watched.verifying.look()
    found = {one for one in await watched.noted() if one[0] == "person"}
    assert found == {
        ("person", str(person_id), "missing", "", False), ("person", str(other_id), "unlogged", "", False),
    }  # fmt: skip


async def test_a_row_under_the_nil_id_does_not_hide(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute(
        "INSERT INTO persons SELECT (jsonb_populate_record(p, jsonb_build_object('id', $2::uuid))).* FROM persons p WHERE id = $1",
        person_id, UUID(int=0),
    )  # fmt: skip
    await watched.whole_round()
    assert ("person", str(UUID(int=0)), "unlogged", "", False) in await watched.noted()


async def test_a_row_of_a_list_that_was_taken_out_is_named_by_its_check(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("DELETE FROM birth_years WHERE person_id = $1", person_id)
    await watched.verifying.check()
    assert await watched.noted() == [("birth years", str(person_id), "derived", "", False)]


async def test_what_no_rule_would_write_stops_nothing_and_is_named(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("UPDATE persons SET consents = '{\"none\": 1}' WHERE id = $1", person_id)
    await watched.verifying.look()
    assert ("person", str(person_id), "other", "", False) in await watched.noted()


async def test_a_change_disguised_as_a_commands_is_found_by_the_round(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    # The last event and the row are written anew in one transaction, which then looks like any command's.
    async with watched.superuser.transaction():
        await watched.superuser.execute("ALTER TABLE event_log DISABLE TRIGGER USER")
        await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
        await watched.superuser.execute("UPDATE event_log SET aggver = aggver WHERE subject = $1", person_id)
        await watched.superuser.execute("ALTER TABLE event_log ENABLE TRIGGER USER")
    # And whoever begins to verify looks from after it on.
    watched.verifying.found.ended()
    await watched.superuser.execute(
        "UPDATE verify_progress SET looked_from = pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    )
    await watched.superuser.execute("VACUUM FREEZE persons")
    await its_turn(watched.verifying)
    await watched.verifying.look()
    assert [one for one in await watched.noted() if one[0] == "person"] == []
    await watched.whole_round()
    assert ("person", str(person_id), "other", "site", False) in await watched.noted()


async def test_a_change_of_a_transaction_that_was_long_under_way_is_found_when_it_ends(watched: Watched, servers: Running) -> None:
    person_id = await watched.desk.agreed()
    transaction = watched.superuser.transaction()
    await transaction.start()
    async with watched.superuser.transaction():
        await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
    await watched.verifying.look()
    for _ in range(3):
        await watched.desk.agreed()
        await watched.verifying.look()
    await transaction.commit()
    await watched.verifying.look()
    assert ("person", str(person_id), "other", "site", False) in await watched.noted()


async def test_one_process_verifies_and_the_other_knows_how_it_stands(watched: Watched) -> None:
    database = watched.desk.database
    other = Verifying("counselling", WIRING.by_name, WIRING.checks, database.verify, database.worker, rests=False)
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
    await other.look()
    assert await watched.noted() == []
    await watched.verifying.look()
    await other.look()
    assert await other.found.taken() is None
    assert other.found.stands.differences == len(await watched.noted()) > 0
    other.found.ended()


async def test_whatever_is_written_to_the_progress_the_next_look_is_made_from_where_the_last_one_was(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.verifying.look()
    worker = await asyncpg.connect(watched.desk.database.logins.worker)
    await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
    await worker.execute(
        "UPDATE verify_progress SET looked_from = pg_snapshot_xmax(pg_current_snapshot())::text::bigint, looked_at = '2100-01-01', "
        "round_began_at = '2100-01-01', round_ended_at = '2100-01-01', position = 'ffffffff-ffff-ffff-ffff-ffffffffffff'"
    )
    await worker.close()
    other = Verifying(
        "counselling", WIRING.by_name, WIRING.checks, watched.desk.database.verify, watched.desk.database.worker, rests=False
    )
    assert await other.found.taken() is None
    # What lies ahead of the clock was not noted by it, and counts as late.
    assert other.found.looked_ago() == other.found.ended_ago() == math.inf
    other.found.ended()
    await watched.verifying.look()
    assert ("person", str(person_id), "other", "site", False) in await watched.noted()
    assert 0 <= (watched.verifying.found.looked_ago() or math.inf) < 180


async def test_what_a_trigger_keeps_from_being_noted_is_told_and_counted_once(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
    await watched.superuser.execute(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
        "CREATE TRIGGER swallowed BEFORE INSERT ON verify_differences FOR EACH ROW EXECUTE FUNCTION swallow()"
    )
    with structlog.testing.capture_logs() as logs:
        await watched.verifying.look()
        await watched.verifying.look()
    assert [(one["about"], one["columns"]) for one in logs if one["event"] == "row_differs_from_log"] == [(str(person_id), "site")]
    assert await watched.noted() == []
    assert watched.verifying.found.differences == 1
    metrics = Metrics("counselling")
    watched.verifying.measured(metrics)
    assert metrics.registry.get_sample_value("avrr_verify_differences") == 1


async def test_what_never_happened_is_as_late_as_the_process_is_old(watched: Watched) -> None:
    now = 0.0
    database = watched.desk.database
    never = Verifying("counselling", WIRING.by_name, (), database.verify, database.worker, elapsed=lambda: now)
    metrics = Metrics("counselling")
    never.measured(metrics)
    now = 90_000.0
    for name in ("avrr_verify_look_age_seconds", "avrr_verify_round_age_seconds"):
        assert metrics.registry.get_sample_value(name) == 90_000


async def test_nothing_is_found_while_five_hundred_commands_are_given(watched: Watched) -> None:
    done = asyncio.Event()

    async def work() -> None:
        for _ in range(50):
            person_id = await watched.desk.registered()
            for number in range(9):
                agreed = GiveConsent(
                    consent="data", text_version=f"v{number}", language="tur", method="signature", given_at=NOON
                )
                await watched.desk.give(PERSON, person_id, agreed)
        done.set()

    async def verify() -> None:
        while not done.is_set():
            await watched.verifying.look()
            await watched.verifying.check()
            await watched.whole_round()

    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        group.create_task(verify())
    await watched.verifying.look()
    await watched.verifying.check()
    await watched.whole_round()
    assert await watched.noted() == []


async def test_who_works_adds_to_what_was_found_and_takes_nothing_back(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
    await watched.verifying.look()
    worker = await asyncpg.connect(watched.desk.database.logins.worker)
    for statement in (
        "DELETE FROM verify_differences", "UPDATE verify_differences SET about = 'x'", "TRUNCATE verify_differences",
        "UPDATE verify_differences SET found_at = now()",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.execute(statement)
    await worker.execute("UPDATE verify_differences SET gone_at = now()")
    with pytest.raises(asyncpg.PostgresError, match="is not changed"):
        await worker.execute("UPDATE verify_differences SET gone_at = NULL")
    with contextlib.suppress(asyncpg.PostgresError):
        await watched.superuser.execute("DELETE FROM verify_differences")
    assert len(await watched.noted()) > 0
    await worker.close()


async def test_what_a_round_asks_of_the_database_is_bounded_by_how_much_there_is(
    watched: Watched, request: pytest.FixtureRequest
) -> None:
    many = int(request.config.getoption("--verified-rows"))
    person_id = await watched.desk.agreed()
    await copy_person(watched.superuser, person_id, 0, many - 1)
    database = watched.desk.database
    before = database.verify.counts.statements
    await watched.whole_round()
    # A hundred at a time: begin, the revision, ids, rows, events and what they conceal, the end, and the revision again; the last step finds none.
    assert database.verify.counts.statements - before <= (many // 100 + 3) * (8 + CHECKED)
    assert [one for one in await watched.noted() if one[2] != "derived"] == []


async def test_a_look_asks_for_nothing_more_when_a_thousand_commands_were_given(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    database = watched.desk.database

    async def asked() -> int:
        before = database.verify.counts.statements
        await watched.verifying.look()
        return database.verify.counts.statements - before

    await asked()
    few = await asked()
    await copy_person(watched.superuser, person_id, 0, 999)
    # What was changed lately is compared a hundred at a time, up to a thousand.
    assert await asked() <= few + 10 * (8 + CHECKED)
    assert await asked() == few


async def test_an_auditor_and_the_archive_are_told_what_was_found_and_nobody_else(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
    await watched.verifying.look()
    await watched.whole_round()
    answer = await watched.desk.get("verification", {}, by=staff("ines", "auditor"))
    told = answer.json()
    (row,) = (one for one in told["rows"] if one["fault"] != "derived")
    assert (row["kind"], row["about"], row["columns"], row["gone_at"]) == ("person", str(person_id), ["site"], None)
    assert (told["differences"], told["rounds"]) == (len(told["rows"]), 1)
    assert told["looked_seconds_ago"] is not None
    assert (await watched.desk.get("verification", {})).status_code == 403


async def test_a_changed_row_is_found_among_more_new_ones_than_a_look_compares(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await copy_person(watched.superuser, person_id, 0, 2_999)
    changed: UUID = await watched.superuser.fetchval(
        "UPDATE persons SET site = 'trc_usivak' WHERE id = (SELECT id FROM persons ORDER BY ctid DESC LIMIT 1) RETURNING id"
    )
    await watched.verifying.look()
    assert await watched.noted() == [("person", str(changed), "other", "site", False)]


async def test_a_look_ends_when_every_row_was_written_anew_and_the_next_ones_compare_the_rest(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await copy_person(watched.superuser, person_id, 0, 1_999)
    await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
    await watched.superuser.execute("UPDATE persons SET site = site WHERE id <> $1", person_id)
    newest: UUID = await watched.superuser.fetchval("SELECT id FROM persons WHERE id <> $1 LIMIT 1", person_id)
    await watched.superuser.execute("UPDATE persons SET sex = 'female', country_of_origin = 'PK' WHERE id = $1", newest)
    before = watched.desk.database.verify.counts.statements
    await watched.verifying.look()
    # A thousand at a time, a hundred in a transaction; the newest first.
    assert watched.desk.database.verify.counts.statements - before <= 10 * (6 + CHECKED) + 200
    assert {one[1] for one in await watched.noted()} == {str(newest)}
    await watched.verifying.look()
    await watched.verifying.look()
    assert {one[1] for one in await watched.noted()} == {str(newest), str(person_id)}


async def its_turn(verifying: Verifying) -> None:
    """Returns once nobody else verifies: the server may not have noticed yet that the one before hung up."""

    async def taken() -> bool:
        return await verifying.found.taken() is not None

    await until(taken)


async def test_a_check_that_cannot_be_made_while_a_table_is_altered_waits_and_is_no_difference(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("DELETE FROM birth_years WHERE person_id = $1", person_id)
    database = watched.desk.database
    altered = Check("altered meanwhile", Sql("SELECT no_such_column FROM persons"))
    watched.verifying.found.ended()
    verifying = Verifying("counselling", WIRING.by_name, (altered, *WIRING.checks), database.verify, database.worker, rests=False)
    await its_turn(verifying)
    with pytest.raises(asyncpg.UndefinedColumnError):
        await verifying.check()
    verifying.found.ended()
    assert await watched.noted() == [("birth years", str(person_id), "derived", "", False)]


async def test_a_check_that_a_value_makes_fail_is_a_difference(watched: Watched) -> None:
    await watched.desk.agreed()
    database = watched.desk.database
    failing = Check("failing", Sql("SELECT id FROM persons WHERE cast(site AS bigint) = 1"))
    watched.verifying.found.ended()
    verifying = Verifying("counselling", WIRING.by_name, (failing,), database.verify, database.worker, rests=False)
    await its_turn(verifying)
    await verifying.check()
    verifying.found.ended()
    assert await watched.noted() == [("failing", "InvalidTextRepresentationError", "derived", "", False)]


async def test_while_the_database_is_at_another_revision_every_work_waits_and_notes_nothing(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
    await watched.superuser.execute("UPDATE alembic_version SET version_num = 'counselling_1'")
    for work in (watched.verifying.look, watched.verifying.check, watched.verifying.step):
        with pytest.raises(OtherRevision):
            await work()
    assert await watched.noted() == []
    await watched.superuser.execute("UPDATE alembic_version SET version_num = $1", newest_of("counselling"))
    await watched.verifying.look()
    assert [one[:2] for one in await watched.noted()] == [("person", str(person_id))]


async def test_a_revision_that_ends_while_rows_are_read_has_what_was_found_forgotten(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)

    async def migrated_meanwhile(_: UnitOfWork) -> None:
        await watched.superuser.execute("UPDATE alembic_version SET version_num = 'counselling_1'")

    with pytest.raises(OtherRevision):
        await watched.verifying._timed(migrated_meanwhile)
    assert await watched.noted() == []


async def test_an_event_of_no_kind_that_the_service_has_takes_its_row_out_of_no_verification(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    api = await asyncpg.connect(watched.desk.database.logins.api)
    version = await watched.superuser.fetchval("SELECT version FROM persons WHERE id = $1", person_id)
    # With the password of the API; no later release, for that has another revision.
    await api.execute(
        "SELECT append_events(ARRAY[$1::uuid], ARRAY['avrr.counselling.person.renamed_later.v1'], ARRAY[$2::uuid], ARRAY[$3::integer], "
        "ARRAY[convert_to('{}', 'UTF8')])",
        uuid7(), person_id, version + 1,
    )  # fmt: skip
    await api.close()
    await watched.superuser.execute("UPDATE persons SET version = version + 1, site = 'trc_usivak' WHERE id = $1", person_id)
    await watched.verifying.look()
    await watched.whole_round()
    assert [one[:3] for one in await watched.noted()] == [("person", str(person_id), "broken")]
    assert watched.verifying.faults == {}


@pytest.mark.parametrize("value", ["sealed:{key}:é", "sealed:{key}:", "sealed:9-0123456789abcdef:AAAA", "in clear"])
async def test_what_was_put_beside_an_event_that_conceals_nothing_stops_no_round_and_is_named(watched: Watched, value: str) -> None:
    person_id, other = await watched.desk.agreed(), await watched.desk.agreed()
    event_id = await watched.superuser.fetchval("SELECT id FROM event_log WHERE subject = $1 ORDER BY aggver LIMIT 1", person_id)
    key = await watched.superuser.fetchval("SELECT name FROM row_keys")
    await watched.superuser.execute("INSERT INTO row_keys (name, number, epoch, wrapped) VALUES ('9-0123456789abcdef', 0, '1', 'invented')")
    # With the password of the API.
    api = await asyncpg.connect(watched.desk.database.logins.api)
    await api.execute("INSERT INTO disclosure (event_id, path, salt, value) VALUES ($1, 'made_up', '', $2)", event_id, value.format(key=key))
    await api.close()
    await watched.whole_round()
    assert [one[:3] for one in await watched.noted()] == [("person", str(person_id), "broken")]
    assert str(other) not in str(await watched.noted())
    found = (await watched.desk.verified()).differences
    assert found == [f"person {person_id}: beside version 1 stands a value that it does not conceal"]


async def test_a_leaf_that_is_nested_too_deep_to_be_read_stops_no_round_and_is_named(watched: Watched) -> None:
    person_id = await watched.desk.agreed()
    version = await watched.superuser.fetchval("UPDATE persons SET version = version + 1 WHERE id = $1 RETURNING version", person_id)
    api = await asyncpg.connect(watched.desk.database.logins.api)
    await api.execute(
        "SELECT append_events(ARRAY[$1::uuid], ARRAY['avrr.counselling.person.consent_given.v1'], ARRAY[$2::uuid], ARRAY[$3::integer], "
        "ARRAY[convert_to($4, 'UTF8')])",
        uuid7(), person_id, version, '{"data":' + "[" * 3_000 + "]" * 3_000 + "}",
    )  # fmt: skip
    await api.close()
    await watched.whole_round()
    assert {one[:3] for one in await watched.noted()} == {("person", str(person_id), "broken")}


async def test_what_is_checked_by_id_is_found_for_what_was_changed_and_by_rounds_and_gone_when_it_is_right(watched: Watched) -> None:
    database = watched.desk.database
    person_id, other = await watched.desk.agreed(), await watched.desk.agreed()
    sites = Check("sites", Sql("SELECT id FROM persons WHERE id = ANY (cast(:ids AS uuid[])) AND site = 'trc_usivak'"), by_id=True)
    failing = Check("failing", Sql("SELECT id FROM persons WHERE id = ANY (cast(:ids AS uuid[])) AND cast(site AS integer) = 1"), by_id=True)
    watched.verifying.found.ended()
    verifying = Verifying("counselling", WIRING.by_name, (sites, failing), database.verify, database.worker, rests=False)
    try:
        await its_turn(verifying)
        await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", person_id)
        await verifying.look()
        derived = {one for one in await watched.noted() if one[2] == "derived" and not one[4]}
        assert ("sites", str(person_id), "derived", "", False) in derived
        # What cannot be answered for one is told of that one; the others are checked all the same.
        assert ("failing", str(person_id), "derived", "", False) in derived
        assert ("sites", str(other), "derived", "", False) not in derived
        while await verifying.found.taken() is None or not verifying.found.stands.rounds:
            await verifying.step()
        await watched.superuser.execute("UPDATE persons SET site = 'trc_blazuj' WHERE id = $1", person_id)
        await verifying.look()
        assert ("sites", str(person_id), "derived", "", True) in await watched.noted()
    finally:
        verifying.found.ended()


async def test_what_a_check_by_id_found_is_gone_once_it_is_right_though_no_row_was_changed(watched: Watched) -> None:
    database, person_id = watched.desk.database, await watched.desk.agreed()
    await watched.superuser.execute("CREATE TABLE aside (id uuid); GRANT SELECT ON aside TO counselling_verify")
    await watched.superuser.execute("INSERT INTO aside VALUES ($1)", person_id)
    # As noted before this check was one by id: of nobody, and that it could not be answered.
    await watched.superuser.execute(
        "INSERT INTO verify_differences (kind, about, fault, columns) VALUES "
        "('aside', $1, 'derived', ''), ('aside', 'InvalidTextRepresentationError', 'derived', '')", str(uuid7()),
    )  # fmt: skip
    aside = Check("aside", Sql("SELECT id FROM aside WHERE id = ANY (cast(:ids AS uuid[]))"), by_id=True)
    watched.verifying.found.ended()
    verifying = Verifying("counselling", WIRING.by_name, (aside,), database.verify, database.worker, rests=False)
    try:
        await its_turn(verifying)
        while await verifying.found.taken() is None or not verifying.found.stands.rounds:
            await verifying.step()
        await verifying.check()
        assert {one[1] for one in await watched.noted() if not one[4]} == {str(person_id)}
        await watched.superuser.execute("DELETE FROM aside")
        await verifying.check()
        assert [one for one in await watched.noted() if not one[4]] == []
        assert verifying.found.differences == 0
    finally:
        verifying.found.ended()


async def test_a_check_by_id_that_cannot_be_made_keeps_no_other_and_no_row_from_being_looked_at(watched: Watched) -> None:
    database, person_id, other = watched.desk.database, await watched.desk.agreed(), await watched.desk.agreed()
    altered = Check("altered meanwhile", Sql("SELECT id FROM aside WHERE id = ANY (cast(:ids AS uuid[]))"), by_id=True)
    sites = Check("sites", Sql("SELECT id FROM persons WHERE id = ANY (cast(:ids AS uuid[])) AND site = 'trc_usivak'"), by_id=True)
    watched.verifying.found.ended()
    verifying = Verifying("counselling", WIRING.by_name, (altered, sites), database.verify, database.worker, rests=False)
    try:
        await its_turn(verifying)
        for changed in (person_id, other):
            await watched.superuser.execute("UPDATE persons SET site = 'trc_usivak' WHERE id = $1", changed)
            # The second time something is open, which is looked at first.
            with pytest.raises(asyncpg.UndefinedTableError):
                await verifying.look()
            noted = {one[:4] for one in await watched.noted()}
            assert {("person", str(changed), "other", "site"), ("sites", str(changed), "derived", "")} <= noted
        # The round goes on past those of whom it was not made, and is none.
        for _ in range(2):
            with pytest.raises(asyncpg.UndefinedTableError):
                await verifying.step()
            await verifying.step()
        assert await verifying.found.taken() is not None
        assert not verifying.found.stands.rounds
        assert "altered meanwhile" not in str(await watched.noted())
        await watched.superuser.execute("CREATE TABLE aside (id uuid); GRANT SELECT ON aside TO counselling_verify")
        await watched.superuser.execute("INSERT INTO aside VALUES ($1)", person_id)
        while await verifying.found.taken() is None or not verifying.found.stands.rounds:
            await verifying.step()
        assert ("altered meanwhile", str(person_id), "derived", "", False) in await watched.noted()
        await verifying.look()
    finally:
        verifying.found.ended()
