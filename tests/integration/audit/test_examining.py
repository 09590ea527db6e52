"""Exceptions as the worker finds them in a real archive and as an auditor is told of them: once each, however it is cut."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from services.audit import exceptions
from services.audit.examining import examine, examine_anew
from services.audit.exceptions import MANY_READS
from shared.ids import uuid7
from tests.given import staff
from tests.integration.audit.archived_log import LOG, ArchivedLog

ZONE = ZoneInfo("Europe/Sarajevo")
# A Wednesday; nobody's grant, account or day.
NOON = datetime(2023, 5, 3, 10, tzinfo=UTC)
WEAK = staff("amra", "auditor", acr="")


@pytest.fixture(autouse=True)
def rules_for_a_log_that_the_test_has(monkeypatch: pytest.MonkeyPatch) -> None:
    # The log of the test is counselling's, where no grant is: the rules look at the same events under its name.
    def here(kind: str) -> str:
        return kind.replace("reintegration", LOG)

    for name in ("_SAME_DAY", "_EDITS", "_BINDING", "EXAMINED"):
        monkeypatch.setattr(exceptions, name, frozenset(map(here, getattr(exceptions, name))))
    monkeypatch.setattr(exceptions, "_DEPUTED", {here(kind): by for kind, by in exceptions._DEPUTED.items()})
    monkeypatch.setattr(exceptions, "APPROVED", here(exceptions.APPROVED))
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


async def test_other_rules_find_all_of_it_anew(archived: ArchivedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await archived.happen(kind="payment_batch.approved", at=NOON + timedelta(hours=10))
    await archived.archive()
    await examined(archived)
    await examine_anew(archived.made.worker)
    assert len(await shown(archived)) == 1
    monkeypatch.setattr(exceptions, "RULES", exceptions.RULES + 1)
    monkeypatch.setattr(exceptions, "WORKING_UNTIL", datetime.max.time())
    await examine_anew(archived.made.worker)
    assert await shown(archived) == []
    await examined(archived)
    assert await shown(archived) == []
    assert (await told(archived))["waiting"] == 0


async def test_exceptions_are_for_auditors_with_their_key_and_only_the_worker_writes_them(archived: ArchivedLog) -> None:
    assert (await archived.get("/v1/archive/exceptions", WEAK)).status_code == 401
    refused = await archived.get("/v1/archive/exceptions", staff("berin", "manager"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    api = await asyncpg.connect(archived.made.logins.api)
    for table in ("archive_exceptions", "archive_reader_days", "archive_examined"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(f"DELETE FROM {table}")
    await api.close()
