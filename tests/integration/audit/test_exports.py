"""Whole logs out of the archive: ordered and on record before anything leaves, and for nobody but whoever ordered; all invented."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import rfc8785

from services.audit import archive
from services.audit.archive import Entry
from services.audit.routes.exports import COUNTS_FOR
from shared.actors import Actor
from shared.auth import Tokens
from shared.db import Sql
from shared.ids import uuid7
from shared.messages import Envelope
from shared.tlog.tiles import bundled
from tests.given import NOON, staff
from tests.integration.any_service import app_of
from tests.integration.audit.archiving import WORKER
from tests.integration.conftest import MakeDatabase, ServiceDatabase
from tests.integration.returns.api import AUDITOR, SETTINGS, Keys, token

PERIOD: dict[str, Any] = {"since": "2023-01-01T00:00:00Z", "until": "2024-01-01T00:00:00Z"}
OTHER = staff("berin", "auditor")


def _leaf(number: int) -> bytes:
    envelope = Envelope(
        id=uuid7(), source="urn:avrr:returns", type="avrr.returns.case.opened.v1", subject=uuid7(), partitionkey=uuid7(), time=NOON,
        dataschema="urn:avrr:schema:test", aggregateversion=1, actorid="somebody", actorrole="counsellor", actororg="iom",
        actorcountry="BA", actoracr="", correlationid="test", data={"number": number},
    )  # fmt: skip
    return rfc8785.dumps(envelope.model_dump(mode="json", exclude_none=True))


ENTRIES = [_leaf(number) for number in range(300)]
_LOG = Sql("SELECT leaf FROM event_log ORDER BY idx")


@dataclass(frozen=True)
class Archive:
    """An archive with a log in it, and whoever asks for it."""

    database: ServiceDatabase
    client: httpx.AsyncClient

    async def get(self, path: str, by: Actor = AUDITOR, at: datetime = NOON, **query: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(by)}", "Avrr-Now": at.isoformat()}
        asked = {name: value if isinstance(value, list) else str(value) for name, value in query.items()}
        return await self.client.get(f"/v1/archive/{path}", params=asked, headers=headers)

    async def ordered(self, *logs: str) -> str:
        answer = await self.get("export", **PERIOD, log=list(logs or ("returns",)))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def on_record(self) -> list[dict[str, object]]:
        async with self.database.worker.unit_of_work(WORKER) as unit:
            return [json.loads(row["leaf"]) for row in await unit.rows(_LOG)]


@pytest.fixture
async def kept(make_database: MakeDatabase) -> AsyncIterator[Archive]:
    database = await make_database("audit")
    taken = [entry for index, leaf in enumerate(ENTRIES) if (entry := Entry.of(index, leaf)) is not None]
    await database.worker.attempt(WORKER, lambda unit: archive.take(unit, "returns", taken, None))
    settings = SETTINGS.model_copy(update={"allowed_hosts": ("log.test",)})
    app = app_of("audit", settings, database, Tokens(SETTINGS, Keys(), lambda: datetime.now(UTC)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://log.test") as client:
        yield Archive(database, client)


async def test_an_export_is_on_record_with_its_logs_and_its_period_before_its_first_entry_is_read(kept: Archive) -> None:
    answer = await kept.get("export", **PERIOD, log=["returns", "counselling"])
    ordered = answer.json()
    assert ordered["archived"] == {"returns": 300, "counselling": 0}
    (event,) = await kept.on_record()
    assert (event["type"], event["subject"]) == ("avrr.audit.access.export_taken.v1", ordered["id"])
    assert (event["actorid"], event["actorrole"]) == (AUDITOR.person_id, "auditor")
    assert event["data"] == {
        "actor_id": AUDITOR.person_id, "operation": "export_archive", "logs": ["returns", "counselling"],
        "since": "2023-01-01T00:00:00Z", "until": "2024-01-01T00:00:00Z",
    }  # fmt: skip


async def test_entries_leave_byte_for_byte_as_bundles_hold_them_from_any_place(kept: Archive) -> None:
    export = await kept.ordered()
    for first, many in ((0, 300), (0, 256), (256, 44), (299, 1)):
        answer = await kept.get(f"exports/{export}/returns", first=first, entries=many)
        assert answer.headers["Avrr-Events"] == str(many)
        assert answer.content == bundled(ENTRIES[first : first + many])
    assert len(await kept.on_record()) == 1


async def test_what_is_not_archived_yet_is_refused_whole(kept: Archive) -> None:
    export = await kept.ordered()
    answer = await kept.get(f"exports/{export}/returns", first=256, entries=45)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_archived_yet")


async def test_nobody_else_reads_by_an_order_nor_another_log_nor_without_end(kept: Archive) -> None:
    export = await kept.ordered()
    one: dict[str, Any] = {"first": 0, "entries": 1}
    assert (await kept.get(f"exports/{export}/returns", OTHER, **one)).status_code == 404
    assert (await kept.get(f"exports/{export}/counselling", **one)).status_code == 404
    assert (await kept.get(f"exports/{uuid7()}/returns", **one)).status_code == 404
    late = NOON + COUNTS_FOR
    assert (await kept.get(f"exports/{export}/returns", at=late, **one)).status_code == 404
    assert (await kept.get(f"exports/{export}/returns", at=late - timedelta(seconds=1), **one)).status_code == 200


async def test_who_is_no_auditor_is_refused_and_that_is_on_record(kept: Archive) -> None:
    anna = staff("anna", "counsellor")
    answer = await kept.get("export", anna, **PERIOD)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    answer = await kept.get(f"exports/{uuid7()}/returns", anna, first=0, entries=1)
    assert answer.status_code == 403
    refused = [(event["type"], event["data"]["operation"]) for event in await kept.on_record()]  # type: ignore[index]
    assert refused == [("avrr.audit.access.refused.v1", "export_archive"), ("avrr.audit.access.refused.v1", "read_exported")]


async def test_an_auditor_who_signed_in_weakly_signs_in_again_first(kept: Archive) -> None:
    answer = await kept.get("export", staff("amra", "auditor", acr=""), **PERIOD)
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    assert (await kept.get("export", since=PERIOD["until"], until=PERIOD["since"])).json()["code"] == "period_empty"
