"""The log as its auditor searches, follows and downloads it, alike in every service; all events in it are invented."""

import csv
import hashlib
import io
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import rfc8785

from shared import log_search
from shared.actors import Actor
from shared.appending import Leaf
from shared.auth import Tokens
from shared.errors import RuleViolation
from shared.ids import uuid7
from shared.log_search import NEWEST, Place, Selection
from shared.policy import EVERYWHERE
from shared.topology import LOGS
from tests.given import NOON, staff
from tests.integration.any_service import app_of
from tests.integration.conftest import MakeDatabase, ServiceDatabase
from tests.integration.returns.api import AUDITOR, SETTINGS, Keys, problem, token
from tests.integration.test_scoped_lists import filled, nodes, rows_read

NAMES = [service.name for service in LOGS]
UNARMED = staff("amra", "auditor", acr="")
CASE, OTHER_CASE, PERSON = (UUID(f"00000000-0000-7000-8000-00000000000{n}") for n in range(1, 4))
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Log:
    """One service with its log, and whoever asks for it."""

    service: str
    database: ServiceDatabase
    client: httpx.AsyncClient

    async def add(
        self, fact: str, subject: UUID, at: datetime = NOON, by: str = "staff:anna", correlation: UUID | None = None,
        **data: object,
    ) -> UUID:  # fmt: skip
        """An event as a command would leave it, save that no command was given."""
        event_id = uuid7()
        kind = f"avrr.{self.service}.{fact}.v1"
        envelope = {
            "specversion": "1.0", "id": str(event_id), "source": f"urn:avrr:{self.service}", "type": kind,
            "subject": str(subject), "partitionkey": str(subject), "time": at.isoformat().replace("+00:00", "Z"),
            "dataschema": f"urn:avrr:schema:{kind}", "aggregateversion": 1, "actorid": by, "actorrole": "counsellor",
            "actororg": "iom-bih", "actorcountry": "", "actoracr": "phr", "correlationid": str(correlation or uuid7()),
            "data": data,
        }  # fmt: skip
        async with self.database.api.unit_of_work(EVERYWHERE.scope(AUDITOR)) as unit:
            version = next(_VERSIONS)
            unit.append(Leaf(event_id, kind, subject, version, rfc8785.dumps(envelope)))  # type: ignore[arg-type]
        return event_id

    async def get(self, path: str, by: Actor = AUDITOR, accept: str = "*/*", **query: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(by)}", "Avrr-Now": NOON.isoformat(), "Accept": accept}
        return await self.client.get(f"/v1/log{path}", params={k: str(v) for k, v in query.items()}, headers=headers)

    async def found(self, **query: Any) -> list[UUID]:
        """The ids that a search comes upon, leaving out the searches themselves."""
        answer = await self.get("", **query)
        assert answer.status_code == 200, answer.text
        return [UUID(row["id"]) for row in answer.json()["items"] if row["aggregate"] != "access"]

    async def stored(self) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database.worker.url)
        rows: list[asyncpg.Record] = await connection.fetch("SELECT idx, type, leaf, leaf_hash FROM event_log ORDER BY idx")
        await connection.close()
        return rows


_VERSIONS = itertools.count(1)


@pytest.fixture(params=NAMES)
async def log(request: pytest.FixtureRequest, make_database: MakeDatabase) -> AsyncIterator[Log]:
    service: str = request.param
    database = await make_database(service)
    settings = SETTINGS.model_copy(update={"allowed_hosts": ("log.test",)})
    app = app_of(service, settings, database, Tokens(SETTINGS, Keys(), lambda: datetime.now(UTC)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://log.test") as client:
        yield Log(service, database, client)


async def test_each_filter_leaves_out_what_it_should(log: Log) -> None:
    opened = await log.add("case.opened", CASE, NOON, person_id=str(PERSON))
    closed = await log.add("case.closed", CASE, NOON + MINUTE, by="staff:berin")
    other = await log.add("case.opened", OTHER_CASE, NOON + 2 * MINUTE, persons=[{"person_id": str(PERSON)}])
    kind = f"avrr.{log.service}.case.opened.v1"
    assert await log.found() == [other, closed, opened]
    assert await log.found(kind=kind) == [other, opened]
    assert await log.found(subject=CASE) == [closed, opened]
    assert await log.found(subject=CASE, kind=kind) == [opened]
    assert await log.found(about=PERSON) == [other, opened]
    assert await log.found(about=PERSON, subject=CASE) == [opened]
    assert await log.found(about=CASE, until="2023-05-02T12:01:00Z") == [opened]
    assert await log.found(actor="staff:berin") == [closed]
    assert await log.found(actor="staff:anna", kind=kind, since="2023-05-02T12:01:00Z") == [other]
    # From the first moment on, and up to the other one.
    assert await log.found(since="2023-05-02T12:01:00Z", until="2023-05-02T12:02:00Z") == [closed]
    assert await log.found(actor="staff:nobody") == []


@pytest.mark.parametrize("query", [{}, {"actor": "staff:anna"}, {"about": CASE}, {"subject": CASE}])
async def test_pages_hold_every_event_once_and_nothing_that_came_meanwhile(log: Log, query: dict[str, Any]) -> None:
    # Two at the same moment are told apart by their place in the log.
    made = [await log.add("case.opened", CASE, NOON + n // 2 * MINUTE) for n in range(7)]
    pages: list[list[UUID]] = []
    asked: dict[str, Any] = {**query, "limit": 3, "until": "2023-05-03T00:00:00Z", "kind": f"avrr.{log.service}.case.opened.v1"}
    while True:
        answer = await log.get("", **asked)
        pages.append([UUID(row["id"]) for row in answer.json()["items"]])
        following = answer.json()["next"]
        assert (answer.headers.get("link") is None) == (following is None)
        if following is None:
            break
        await log.add("case.opened", CASE, NOON + timedelta(hours=1))
        asked["after"] = following
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [id for page in pages for id in page] == made[::-1]


async def test_a_row_says_which_event_it_is_and_nothing_of_what_it_says(log: Log) -> None:
    event_id = await log.add("case.opened", CASE, destination_country="TR")
    (row,) = (await log.get("", subject=CASE)).json()["items"]
    correlation, leaf_hash = row.pop("correlation_id"), row.pop("leaf_hash")
    stored = next(entry for entry in await log.stored() if entry["idx"] == row["position"])
    assert (leaf_hash, correlation) == (stored["leaf_hash"].hex(), json.loads(stored["leaf"])["correlationid"])
    assert row.pop("aggregate_version") >= 1
    assert (await log.get("", subject=CASE, after=row.pop("place"))).json()["items"] == []
    assert row == {
        "position": 0, "id": str(event_id), "kind": f"avrr.{log.service}.case.opened.v1", "aggregate": "case",
        "subject": str(CASE), "recorded_at": "2023-05-02T12:00:00Z", "actor_role": "counsellor", "actor_id": "staff:anna",
        "causation_id": None,
    } | {"position": stored["idx"]}  # fmt: skip


async def test_one_event_comes_with_what_is_needed_to_verify_it(log: Log) -> None:
    await log.add("case.opened", OTHER_CASE)
    event_id = await log.add("case.opened", CASE, note="žlica")
    answer = (await log.get(f"/{event_id}")).json()
    stored = (await log.stored())[answer["position"]]
    assert hashlib.sha256(b"\x00" + answer["leaf"].encode()).hexdigest() == answer["leaf_hash"]
    assert (answer["leaf"].encode(), answer["leaf_hash"]) == (bytes(stored["leaf"]), stored["leaf_hash"].hex())
    assert problem(await log.get(f"/{uuid7()}")) == (404, "not_found")


async def test_a_chain_is_every_leaf_that_names_an_id_as_it_is_logged_and_in_order(log: Log) -> None:
    await log.add("case.opened", CASE, NOON + MINUTE)
    await log.add("case.opened", OTHER_CASE)
    await log.add("grant.requested", PERSON, NOON, case_id=str(CASE))
    await log.add("access.status_asked", uuid7(), told=[{"case_id": str(CASE)}])
    answer = await log.get(f"/chain/{CASE}")
    assert answer.headers["content-type"] == "application/x-ndjson"
    leaves = answer.content.splitlines()
    expected = [bytes(row["leaf"]) for row in await log.stored() if str(CASE).encode() in row["leaf"]]
    assert leaves == expected
    # Whoever asks for it is in it, too.
    assert [json.loads(leaf)["type"].split(".", 2)[2] for leaf in leaves] == [
        "case.opened.v1", "grant.requested.v1", "access.status_asked.v1", "access.record_read.v1"
    ]  # fmt: skip
    assert answer.headers["avrr-events"] == "4"
    assert (await log.get(f"/chain/{uuid7()}")).headers["avrr-events"] == "1"


async def test_nobody_writes_into_a_chain_by_sending_its_id_as_the_correlation_of_a_request(log: Log) -> None:
    await log.add("case.opened", OTHER_CASE, correlation=CASE)
    assert await log.found(about=CASE) == []
    assert (await log.get(f"/chain/{CASE}")).headers["avrr-events"] == "2"
    # Only what was sent beside the request is left out, and not what the event itself says.
    own = await log.add("case.opened", CASE, correlation=CASE)
    said = await log.add("case.opened", OTHER_CASE, correlation=CASE, correlationid=str(CASE), note='"correlationid":"')
    assert await log.found(about=CASE) == [said, own]


async def test_a_download_is_the_same_selection_as_leaves_or_as_a_table(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "BATCH", 2)
    made = [await log.add("case.opened", CASE, NOON + n * MINUTE, by="staff:anna", n=n) for n in range(5)]
    await log.add("case.opened", OTHER_CASE)
    stored = {json.loads(row["leaf"])["id"]: row for row in await log.stored()}
    query: dict[str, Any] = {"subject": CASE, "since": "2023-05-02T12:01:00Z"}
    expected = [stored[str(id)] for id in made[:0:-1]]
    leaves = await log.get("/export", **query)
    assert leaves.content.splitlines() == [bytes(row["leaf"]) for row in expected]
    assert leaves.headers["avrr-events"] == "4"
    for answer in (await log.get("/export", **query, format="csv"), await log.get("/export", accept="text/csv", **query)):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["leaf_hash"] for row in rows] == [row["leaf_hash"].hex() for row in expected]
        assert [json.loads(row["data"]) for row in rows] == [{"n": n} for n in (4, 3, 2, 1)]
        assert {(row["service"], row["actor_id"]) for row in rows} == {(log.service, "staff:anna")}


async def test_a_download_is_whole_or_refused(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        await log.add("case.opened", CASE)
    selection, scope = Selection(subject=CASE), EVERYWHERE.scope(AUDITOR, log=True)
    async with log.database.api.unit_of_work(scope) as unit:
        assert await log_search.counted(unit, selection, most=3) == (3, 2)
        assert await log_search.counted_chain(unit, CASE, most=3) == (3, 2)
        for refused in (log_search.counted(unit, selection, most=2), log_search.counted_chain(unit, CASE, most=2)):
            with pytest.raises(RuleViolation) as caught:
                await refused
            assert caught.value.code == "too_many_events"
    # What comes while it is being sent is not in it.
    batches = log_search.exported(log.database.api, scope, selection, last=1, how_many=2)
    assert [row["idx"] async for rows in batches for row in rows] == [1, 0]


async def test_only_a_search_goes_without_the_key_of_a_moment_ago(log: Log) -> None:
    event_id = await log.add("case.opened", CASE)
    assert (await log.get("", UNARMED)).status_code == 200
    for path in (f"/{event_id}", f"/chain/{CASE}", "/export"):
        answer = await log.get(path, UNARMED)
        assert problem(answer) == (401, "insufficient_user_authentication")
        assert (await log.get(path)).status_code == 200


@pytest.mark.parametrize("role", ["manager", "coordinator", "administrator", "data_protection"])
async def test_nobody_but_an_auditor_learns_what_is_in_the_log(log: Log, role: str) -> None:
    event_id = await log.add("case.opened", CASE)
    for path in ("", f"/{event_id}", f"/chain/{CASE}", "/export"):
        assert problem(await log.get(path, staff("mira", role))) == (403, "not_permitted")


async def test_whatever_an_auditor_is_shown_is_on_record(log: Log) -> None:
    event_id = await log.add("case.opened", CASE)
    for path in (f"/{event_id}", f"/chain/{CASE}"):
        await log.get(path)
    await log.get("", about=CASE)
    await log.get("/export", subject=PERSON)
    read = [json.loads(row["leaf"])["data"] for row in await log.stored() if row["type"].endswith("record_read.v1")]
    assert [(data["operation"], data["about"]) for data in read] == [
        ("read_event", str(event_id)), ("read_chain", str(CASE)), ("search_log", str(CASE)), ("export_log", str(PERSON)),
    ]  # fmt: skip
    assert {data["actor_id"] for data in read} == {AUDITOR.person_id}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", {"kind": "case"}), ("", {"actor": "a b"}), ("", {"subject": "x"}), ("", {"after": "1"}), ("", {"since": "2023"}),
        ("", {"limit": 101}), ("", {"q": "x"}), ("/export", {"format": "xml"}), ("/chain/x", {}), ("/x", {}),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused_before_anything_is_searched(
    log: Log, path: str, query: Mapping[str, Any]
) -> None:
    assert (await log.get(path, **query)).status_code == 422


async def test_the_api_sees_no_mention_without_the_right_to_the_log(log: Log) -> None:
    await log.add("case.opened", CASE)
    scope = EVERYWHERE.scope(AUDITOR)
    for log_too, expected in ((False, 0), (True, 1)):
        async with log.database.api.unit_of_work(replace(scope, log=log_too)) as unit:
            assert (await log_search.counted_chain(unit, CASE))[0] == expected


# As unkind as a real log: one kind is common and old, one rare and new, and a program does most of what is done.
ROWS = 200_000
EVENT = "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
# A fund has a quarter of all events; everything else has few.
SUBJECT = "('00000000-0000-7000-8100-' || lpad(to_hex(CASE WHEN n % 4 = 0 THEN 1 ELSE n % 19999 END), 12, '0'))::uuid"
FUND, FEW = (UUID(f"00000000-0000-7000-8100-{n:012x}") for n in (1, 7))
KIND = f"CASE WHEN n < {ROWS // 10} THEN 'avrr.returns.case.old.v1' WHEN n % 9999 = 0 THEN 'avrr.returns.case.rare.v1' ELSE 'avrr.returns.case.common.v1' END"
ACTOR = "CASE WHEN n % 10 < 8 THEN 'service:returns' ELSE 'staff:c' || n % 400 END"
AT = "to_char(timestamptz '2023-01-01' + n * interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
FILLED = (
    # The ids that are named are put in by hand, which is quicker for so many.
    "ALTER TABLE event_log DISABLE TRIGGER event_log_mentions",
    f"""INSERT INTO event_log (idx, id, type, subject, aggver, leaf, leaf_hash) SELECT n, {EVENT}, {KIND}, {SUBJECT},
    n + 1, convert_to('{{"actorid":"' || {ACTOR} || '","time":"' || {AT} || '"}}', 'UTF8'), ''
    FROM generate_series(0, {ROWS - 1}) n""",
    f"INSERT INTO log_mentions SELECT {SUBJECT}, n FROM generate_series(0, {ROWS - 1}) n",
    "ALTER TABLE event_log ENABLE TRIGGER event_log_mentions",
    f"UPDATE log_head SET size = {ROWS}",
    # As autovacuum leaves a table to which rows are only added.
    "VACUUM event_log, log_mentions",
)


def searches() -> list[tuple[Selection, Place]]:
    moment = datetime(2023, 1, 1, tzinfo=UTC)
    middle = Place(moment + ROWS // 2 * MINUTE, ROWS // 2)
    days = ((None, None), (moment + ROWS // 3 * MINUTE, moment + (ROWS // 3 + 5000) * MINUTE))
    return [
        (Selection(kind and f"avrr.returns.case.{kind}.v1", named, about, actor, since, until), place)
        for kind in (None, "old", "rare", "common")
        for actor in (None, "service:returns", "staff:c9", "staff:nobody")
        for named, about in ((None, None), (FEW, None), (None, FEW), (FUND, None), (None, FUND))
        for since, until in days
        for place in (NEWEST, middle)
        # Of what has many events, those of one kind or actor are picked out of all of them.
        if FUND not in (named, about) or (kind, actor, since) == (None, None, None)
    ]


async def test_no_search_reads_many_more_rows_than_it_shows(make_database: MakeDatabase) -> None:
    scope = EVERYWHERE.scope(AUDITOR, log=True)
    async with filled(await make_database("returns"), "returns", FILLED) as reader:
        for mode in ("force_custom_plan", "force_generic_plan"):
            for selection, place in searches():
                names = frozenset(selection.values())
                plan = await reader.plan(mode, scope, log_search.search(names), log_search.asked(selection, place, 51))
                found = [node for node in nodes(plan["Plan"]) if "Relation Name" in node]
                assert not [node for node in found if node["Node Type"] == "Seq Scan"], selection
                assert sum(map(rows_read, found)) <= 200, f"{mode} {selection} {place}"
            chain: dict[str, Any] = {"about": FUND, "after": -1, "last": ROWS}
            for sql, values in ((log_search.CHAIN, {**chain, "limit": 500}), (log_search.CHAIN_LENGTH, {**chain, "limit": 10})):
                plan = await reader.plan(mode, scope, sql, values)
                assert "Seq Scan" not in json.dumps(plan)
                assert sum(map(rows_read, [n for n in nodes(plan["Plan"]) if "Relation Name" in n])) <= 1000
