"""Exceptions as the worker finds them in a real archive and as an auditor is told of them: once each, however it is cut."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from services.audit import exceptions, rederiving
from services.audit.checking import Checking
from services.audit.examining import Examining, examine
from services.audit.exceptions import MANY_READS
from services.audit.rederiving import Rederiving
from shared.db import Sql, UnitOfWork
from shared.ids import uuid7
from shared.settings import Mission
from tests.given import staff
from tests.integration.audit.archived_log import LOG, ArchivedLog
from tests.integration.audit.broken_log import Checkpointer, note_of

ZONE = ZoneInfo("Europe/Sarajevo")
# A Wednesday; nobody's grant, account or day.
NOON = datetime(2023, 5, 3, 10, tzinfo=UTC)
WEAK = staff("amra", "auditor", acr="")


@pytest.fixture(autouse=True)
def rules_for_a_log_that_the_test_has(monkeypatch: pytest.MonkeyPatch) -> None:
    # The log of the test is counselling's, where no grant is: the rules look at the same events under its name.
    def here(kind: str) -> str:
        return kind.replace("reintegration", LOG)

    for name in ("ORDERS", "_EDITS", "_BINDING", "EXAMINED"):
        monkeypatch.setattr(exceptions, name, frozenset(map(here, getattr(exceptions, name))))
    monkeypatch.setattr(exceptions, "_DEPUTED", {here(kind): by for kind, by in exceptions._DEPUTED.items()})
    for name in ("APPROVED", "ACCOUNT_CHANGED"):
        monkeypatch.setattr(exceptions, name, here(getattr(exceptions, name)))
    monkeypatch.setattr(exceptions, "_OF_GRANT", here(exceptions._OF_GRANT))


async def examined(archived: ArchivedLog, at_a_time: int = 1000) -> None:
    while await examine(archived.made.worker, LOG, ZONE, at_a_time):
        pass


async def told(archived: ArchivedLog, **query: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value for name, value in query.items()}
    answer = await archived.get("/v1/archive/exceptions", **stated)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def shown(archived: ArchivedLog, **query: Any) -> list[tuple[str, UUID]]:
    return [(one["kind"], UUID(one["entry"]["id"])) for one in (await told(archived, **query))["items"]]


@pytest.mark.parametrize("at_a_time", [1, 2, 1000])
async def test_each_exception_is_found_once_and_leads_to_its_events(archived: ArchivedLog, at_a_time: int) -> None:
    grant, case, night = uuid7(), uuid7(), NOON + timedelta(hours=10)
    of: dict[str, Any] = {"subject": grant, "case": case, "role": "finance_approver"}
    (approved,) = await archived.happen(kind="grant.approved", at=NOON, **of)
    (paid,) = await archived.happen(kind="grant.tranche_released", by="staff:payer", at=NOON + timedelta(hours=1), **of)
    (edited,) = await archived.happen(kind="plan.revised", case=case, at=NOON + timedelta(days=1))
    (deputy,) = await archived.happen(
        kind="grant.approval_given", by="staff:deputy", at=NOON + timedelta(days=2), approved_by="staff:deputy",
        authority_holder="staff:chief", **of,
    )  # fmt: skip
    (late,) = await archived.happen(kind="payment_batch.approved", by="staff:night", at=night)
    await archived.happen(kind="session.held", at=night)
    await archived.archive()
    await examined(archived, at_a_time)
    await examined(archived, at_a_time)
    everything = [("by_deputy", deputy), ("edited_after_approval", edited), ("out_of_hours", late), ("same_day", paid)]
    assert await shown(archived) == everything
    assert await shown(archived, kind="same_day") == [("same_day", paid)]
    assert await shown(archived, actor="staff:night") == [("out_of_hours", late)]
    assert await shown(archived, case=case) == [one for one in everything if one[1] != late]
    assert await shown(archived, case=case, kind="by_deputy") == [("by_deputy", deputy)]
    assert await shown(archived, since=NOON + timedelta(days=2)) == [("by_deputy", deputy)]
    assert await shown(archived, until=NOON + timedelta(hours=2)) == [("same_day", paid)]
    found = await told(archived)
    beside = {one["kind"]: [UUID(other["id"]) for other in one["beside"]] for one in found["items"]}
    assert (beside["same_day"], beside["edited_after_approval"], beside["by_deputy"]) == ([approved], [approved], [])
    assert (found["rules"]["time_zone"], found["waiting"]) == ("Europe/Sarajevo", 0)


@pytest.mark.parametrize("at_a_time", [7, 1000])
async def test_who_was_shown_too_many_records_on_one_day_is_found_with_how_many(archived: ArchivedLog, at_a_time: int) -> None:
    about = [str(uuid7()) for _ in range(MANY_READS + 9)]
    made: list[UUID] = []
    for begin in range(0, len(about), 10):
        made += await archived.happen(kind="access.record_read", about=about[begin], shown=about[begin + 1 : begin + 10], at=NOON)
    # The same once more are no others, and what somebody else is shown is theirs.
    await archived.happen(kind="access.record_read", about=about[0], shown=about[1:5], at=NOON)
    await archived.happen(kind="access.record_read", by="staff:berin", about=about[0], shown=about, at=NOON + timedelta(days=1))
    await archived.archive()
    await examined(archived, at_a_time)
    (of_berin, of_anna) = (await told(archived, kind="many_reads"))["items"]
    assert (of_berin["entry"]["actor_id"], of_anna["entry"]["actor_id"]) == ("staff:berin", "staff:anna")
    assert (UUID(of_anna["entry"]["id"]), of_anna["number"]) == (made[-1], MANY_READS + 9)


async def test_pages_hold_every_exception_once_and_say_what_was_not_looked_at_yet(archived: ArchivedLog) -> None:
    night = NOON + timedelta(hours=10)
    # Two exceptions of each event.
    await archived.happen(
        5, kind="grant.approval_given", at=night, role="finance_approver", approved_by="staff:anna", authority_holder="staff:chief"
    )
    await archived.archive()
    assert ((await told(archived))["waiting"], await shown(archived)) == (5, [])
    await examined(archived)
    seen: list[tuple[str, UUID]] = []
    after: dict[str, str] = {}
    while True:
        found = await told(archived, limit=3, **after)
        seen += [(one["kind"], UUID(one["entry"]["id"])) for one in found["items"]]
        if found["next"] is None:
            break
        after = {"after": found["next"]}
    assert len(seen) == len(set(seen)) == 10
    assert len(await shown(archived, kind="by_deputy", limit=3)) == 3


async def test_other_rules_find_all_of_it_anew_and_take_nothing_out(archived: ArchivedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await archived.happen(kind="payment_batch.approved", at=NOON + timedelta(hours=10))
    await archived.archive()
    await examined(archived)
    assert len(await shown(archived)) == 1
    monkeypatch.setattr(exceptions, "RULES", exceptions.RULES + 1)
    monkeypatch.setattr(exceptions, "MISSION", Mission(office_closes=time.max))
    assert ((await told(archived))["waiting"], await shown(archived)) == (1, [])
    await examined(archived)
    assert await shown(archived) == []
    assert (await told(archived))["waiting"] == 0


@pytest.mark.parametrize("breaks", [1, 2])
async def test_what_was_lost_is_looked_at_by_other_rules_too_and_held_against_what_had_gone_before_it(
    archived: ArchivedLog, monkeypatch: pytest.MonkeyPatch, breaks: int
) -> None:
    of: dict[str, Any] = {"subject": uuid7(), "case": uuid7(), "role": "finance_approver"}
    await archived.happen()
    await archived.happen(kind="grant.approved", at=NOON, **of)
    (paid,) = await archived.happen(kind="grant.tranche_released", by="staff:payer", at=NOON + timedelta(hours=1), **of)
    (late,) = await archived.happen(kind="payment_batch.approved", at=NOON + timedelta(hours=10))
    await archived.archive()
    everything = [("out_of_hours", late), ("same_day", paid)]
    await examined(archived)
    assert await shown(archived) == everything
    checkpointer = Checkpointer(archived)
    # The payment is lost, and then the approval too.
    for generation, kept in ((2, 2), (3, 1))[:breaks]:
        await checkpointer.set_back(kept, generation=generation)
        assert await checkpointer.look() is None
        await archived.archive()
    assert await shown(archived) == everything
    monkeypatch.setattr(exceptions, "RULES", exceptions.RULES + 1)
    held = len(await archived.leaves()) + 2 + (4 if breaks == 2 else 0)
    assert ((await told(archived))["waiting"], await shown(archived)) == (held, [])
    checkpointer.note = str(note_of(await archived.leaves(), breaks + 1))
    assert await checkpointer.look() is None
    examining = Examining(archived.made.worker, ZONE)
    await examining.round()
    assert (examining.fault, await shown(archived)) == (None, everything)
    assert (await told(archived))["waiting"] == 0
    # Beside the payment stands the approval, wherever that is now.
    (of_payment,) = (await told(archived, kind="same_day"))["items"]
    assert [(one["kind"], one["lost"]) for one in of_payment["beside"]] == [(f"avrr.{LOG}.grant.approved.v1", breaks == 2)]


@pytest.mark.parametrize("at_a_time", [1, 1000])
async def test_the_account_of_a_vendor_that_is_changed_after_an_approval_is_found_once(archived: ArchivedLog, at_a_time: int) -> None:
    vendor, case, grant, later = uuid7(), uuid7(), uuid7(), uuid7()
    ordered: dict[str, Any] = {"kind": "grant.tranche_released", "case": case, "payee_id": str(vendor)}
    (early,) = await archived.happen(kind="payee.call_back_confirmed", subject=vendor, case=vendor, at=NOON - timedelta(days=9))
    (approved,) = await archived.happen(kind="grant.approved", subject=grant, case=case, at=NOON - timedelta(days=8))
    await archived.happen(subject=grant, at=NOON - timedelta(days=7), **ordered)
    # A payment was ordered to it before, so that the change itself is one, and no later order of the same grant.
    (changed,) = await archived.happen(kind="payee.call_back_confirmed", subject=vendor, case=vendor, at=NOON - timedelta(days=6))
    await archived.happen(subject=grant, at=NOON - timedelta(days=5), **ordered)
    # Another grant was approved and never paid to it: which account it would be, nobody knew before the order.
    (other,) = await archived.happen(kind="grant.approved", subject=later, case=case, at=NOON - timedelta(days=5))
    (again,) = await archived.happen(kind="payee.call_back_confirmed", subject=vendor, case=vendor, at=NOON - timedelta(days=2))
    (first,) = await archived.happen(subject=later, at=NOON - timedelta(days=1), **ordered)
    await archived.happen(subject=later, at=NOON, **ordered)
    await archived.archive()
    await examined(archived, at_a_time)
    found = {
        UUID(one["entry"]["id"]): {UUID(of["id"]) for of in one["beside"]}
        for one in (await told(archived, kind="edited_after_approval"))["items"]
    }
    assert found == {changed: {approved}, again: {approved}, first: {other, again}}
    assert early not in found


async def rounds(archived: ArchivedLog) -> list[tuple[object, ...]]:
    """What a whole round of the archive over itself finds."""
    checking = Checking(archived.made.worker, (LOG,), [Rederiving(archived.made.worker, ZONE).look])
    while not checking.logs[LOG].rounds:
        await checking.look(LOG)
        assert checking.logs[LOG].fault is None
    return await archived.differences()


async def all_kinds(archived: ArchivedLog) -> None:
    """Of several kinds one, and of what is none some, in two tiles of the tree."""
    of: dict[str, Any] = {"subject": uuid7(), "case": uuid7(), "role": "finance_approver"}
    await archived.happen(kind="grant.approved", at=NOON, **of)
    await archived.happen(kind="grant.tranche_released", at=NOON + timedelta(hours=1), **of)
    about = [str(uuid7()) for _ in range(MANY_READS + 3)]
    for one in about:
        await archived.happen(kind="access.record_read", about=one, shown=[], at=NOON)
    await archived.happen(200)
    await archived.happen(kind="payment_batch.approved", at=NOON + timedelta(hours=10))
    await archived.archive()


async def test_exceptions_as_they_were_found_are_no_difference_also_while_some_were_not_looked_at(archived: ArchivedLog) -> None:
    await all_kinds(archived)
    assert await rounds(archived) == []
    await examine(archived.made.worker, LOG, ZONE, 40)
    assert await rounds(archived) == []
    await examined(archived)
    assert await rounds(archived) == []
    assert len(await shown(archived)) == 3


async def test_what_is_read_while_a_day_is_found_anew_is_no_difference(archived: ArchivedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await all_kinds(archived)
    await examined(archived)
    ask, told_so = UnitOfWork.rows, list[Sql]()

    async def read_between(unit: UnitOfWork, sql: Sql, **asked: Any) -> Any:
        rows = await ask(unit, sql, **asked)
        if sql in (rederiving._DAY, rederiving._COUNTED) and not told_so:
            told_so.append(sql)
            await archived.happen(kind="access.record_read", about=str(uuid7()), shown=[], at=NOON)
            await archived.archive()
            await examined(archived)
        return rows

    monkeypatch.setattr(UnitOfWork, "rows", read_between)
    assert await rounds(archived) == []
    assert len(told_so) == 1
    (found,) = (await told(archived, kind="many_reads"))["items"]
    assert found["number"] == MANY_READS + 4


async def test_a_place_that_was_set_past_entries_hides_nothing_of_them(archived: ArchivedLog) -> None:
    await all_kinds(archived)
    worker = await asyncpg.connect(archived.made.logins.worker)
    await examine(archived.made.worker, LOG, ZONE, 1)
    await worker.execute("UPDATE archive_examined SET last_idx = (SELECT max(idx) FROM archive_entries)")
    await worker.close()
    await examined(archived)
    assert await shown(archived) == []
    last = MANY_READS + 3 + 202
    crossing = MANY_READS + 2
    assert await rounds(archived) == [("exception", 1, 1), ("exception", crossing, crossing), ("exception", last, last)]
    assert sorted(kind for kind, _ in await shown(archived)) == ["many_reads", "out_of_hours", "same_day"]
    (found,) = (await told(archived, kind="many_reads"))["items"]
    assert found["number"] == MANY_READS + 3
    # It stays until somebody said what it was, though all is told again.
    assert len(await rounds(archived)) == 3
    assert set((await archived.sightings()).values()) == {1}


async def test_what_was_taken_out_or_put_in_past_every_right_is_named(archived: ArchivedLog) -> None:
    await all_kinds(archived)
    await examined(archived)
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("DELETE FROM archive_exceptions WHERE kind IN ('same_day', 'many_reads')")
        await superuser.execute("UPDATE archive_reader_days SET records = '{}'")
        await superuser.execute("UPDATE archive_exceptions SET idx = 5 WHERE kind = 'out_of_hours'")
    last, crossing = MANY_READS + 3 + 202, MANY_READS + 2
    named = [("exception", 1, 1), ("exception", 5, 5), ("exception", crossing, crossing), ("exception", last, last)]
    assert await rounds(archived) == named
    assert len((await told(archived))["items"]) == 4
    # What was put in is the same at each look, and what is taken out once more is found once more.
    once = {("exception", first): 1 for first in (1, 5, crossing, last)}
    assert (await rounds(archived), await archived.sightings()) == (named, once)
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("DELETE FROM archive_exceptions WHERE kind = 'same_day'")
    assert (await rounds(archived), await archived.sightings()) == (named, {**once, ("exception", 1): 2})


async def test_nobody_with_the_workers_password_takes_an_exception_back(archived: ArchivedLog) -> None:
    await all_kinds(archived)
    await examined(archived)
    worker = await asyncpg.connect(archived.made.logins.worker)
    for table in ("archive_exceptions", "archive_reader_days", "archive_examined"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.execute(f"DELETE FROM {table}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.execute(f"TRUNCATE {table}")
    for statement in ("UPDATE archive_exceptions SET kind = 'by_deputy'", "UPDATE archive_reader_days SET day = day - 1", "UPDATE archive_examined SET rules = 9"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.execute(statement)
    for statement in (
        "UPDATE archive_exceptions SET number = number - 1 WHERE kind = 'many_reads'", "UPDATE archive_exceptions SET number = NULL",
        "UPDATE archive_reader_days SET records = '{}'", "UPDATE archive_examined SET last_idx = last_idx - 1",
        "UPDATE archive_examined SET last_idx = last_idx + 1", "INSERT INTO archive_examined (log, last_idx, rules) VALUES ('returns', 7, 99)",
    ):  # fmt: skip
        with pytest.raises(asyncpg.RestrictViolationError):
            await worker.execute(statement)
    await worker.close()


async def test_exceptions_are_for_auditors_with_their_key_and_only_the_worker_writes_them(archived: ArchivedLog) -> None:
    assert (await archived.get("/v1/archive/exceptions", WEAK)).status_code == 401
    refused = await archived.get("/v1/archive/exceptions", staff("berin", "manager"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    api = await asyncpg.connect(archived.made.logins.api)
    for table in ("archive_exceptions", "archive_reader_days", "archive_examined"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(f"DELETE FROM {table}")
    await api.close()
