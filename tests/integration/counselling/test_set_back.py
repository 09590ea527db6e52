"""A database that was set back takes no order until two persons accept that, whatever process asks; who looks into its log goes on."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from services.counselling.wiring import WIRING
from shared.db import SetBack, Sql
from shared.errors import FourEyes
from shared.handling import handle, transact
from shared.messages import Context, Origin
from shared.metrics import Metrics
from shared.policy import EVERYWHERE
from shared.restores import AcceptRestore, ProposeAcceptance
from shared.set_back import Standing, mark, marked
from shared.settings import Settings
from shared.topology import COUNSELLING
from shared.verify import verify
from tests.given import NOON, staff
from tests.integration.counselling.desk import ANNA, Desk
from tests.integration.returns.api import COUNSELLING as APP
from tests.integration.returns.api import token
from tests.listening import listening

CHIEF, AUDITOR = staff("chief", "chief_of_mission"), staff("edin", "auditor")
_LIST = hashlib.sha256(b"invented list").hexdigest()
_OPEN = Sql("UPDATE restored SET opened_at = clock_timestamp() WHERE accepted_at IS NOT NULL RETURNING id")
_TYPES = Sql("SELECT type FROM event_log ORDER BY idx")


def proposed(kept: int, known: int) -> ProposeAcceptance:
    return ProposeAcceptance(kept=kept, root="0" * 64, known=known, listed=0, list_sha256=_LIST, reason="exercise")


async def accept(desk: Desk, id: UUID, order: ProposeAcceptance | AcceptRestore, by: object) -> None:
    assert by in (CHIEF, AUDITOR)
    actor = CHIEF if by is CHIEF else AUDITOR
    await transact(
        desk.database.worker, EVERYWHERE.scope(actor),
        lambda unit: handle(unit, WIRING.restore, id, order, Context(actor, NOON), Origin("invented"), reach=EVERYWHERE),
    )  # fmt: skip


def standing(desk: Desk, checkpointer: str | None = None) -> Standing:
    url = SecretStr(desk.database.logins.worker)
    settings = Settings(
        api_database_url=url, worker_database_url=url, nats_url="nats://127.0.0.1:1", oidc_issuer="http://127.0.0.1:1",
        checkpointer_url=checkpointer,
    )  # fmt: skip
    return Standing(COUNSELLING, settings, desk.database.worker, Metrics("counselling"))


@asynccontextmanager
async def behind(found: Standing, *, works: bool = False) -> AsyncIterator[None]:
    APP.state.standing = found
    try:
        async with found.running(works=works):
            yield
    finally:
        del APP.state.standing


async def asked(desk: Desk, path: str, *roles: str) -> httpx.Response:
    return await desk.client.get(path, headers={"Authorization": f"Bearer {token(staff('edin', *roles))}"})


async def types(desk: Desk) -> list[str]:
    async with desk.database.verify.unit_of_work(EVERYWHERE.scope(ANNA, log=True)) as unit:
        return [row["type"] for row in await unit.rows(_TYPES)]


async def test_nothing_enters_the_log_of_a_database_that_was_set_back_until_two_persons_accept_it(desk: Desk) -> None:
    await desk.registered()
    found = await mark(desk.database.worker, "counselling", 7, "operator")
    assert found is not None
    assert (found.kept, found.known, found.accepted) == (1, 7, False)
    with pytest.raises(SetBack):
        await desk.registered()
    await accept(desk, found.id, proposed(1, 7), CHIEF)
    with pytest.raises(SetBack):
        await desk.registered()
    with pytest.raises(FourEyes):
        await accept(desk, found.id, AcceptRestore(list_sha256=_LIST), CHIEF)
    await accept(desk, found.id, AcceptRestore(list_sha256=_LIST), AUDITOR)
    await desk.registered()
    assert [kind.split(".", 2)[2] for kind in await types(desk)] == [
        "person.registered.v1", "restore.acceptance_proposed.v1", "restore.accepted.v1", "person.registered.v1",
    ]  # fmt: skip
    findings = await verify(desk.database.verify, "counselling", WIRING.by_name, WIRING.checks)
    assert findings.differences == []


_FORGED = (
    "INSERT INTO restores (id, version, kept, root, known, listed, list_sha256, reason, proposed_by, accepted_by, accepted_at) "
    "SELECT id, 2, kept, '', known, 0, '', 'exercise', 'staff:invented-a', 'staff:invented-b', now() FROM restored"
)


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE restored SET accepted_at = now()",),
        ("UPDATE restored SET accepted_at = now(), opened_at = now()",),
        (_FORGED, "UPDATE restored SET accepted_at = now()"),
        (_FORGED.replace("'staff:invented-b', now()", "NULL, NULL"), "UPDATE restored SET accepted_at = now()"),
    ],
    ids=["accepted", "opened", "with a row but no entry", "with the word of one"],
)
async def test_the_workers_login_alone_does_not_end_the_waiting_for_two_persons(desk: Desk, statements: tuple[str, ...]) -> None:
    assert await mark(desk.database.worker, "counselling", 7, "operator") is not None
    worker = await asyncpg.connect(desk.database.logins.worker)
    try:
        with pytest.raises(asyncpg.PostgresError) as refused:
            # Several in one go are one transaction.
            await worker.execute("; ".join(statements))
    finally:
        await worker.close()
    assert refused.value.sqlstate == "AV005"
    left = await marked(desk.database.worker)
    assert left is not None
    assert not left.accepted


async def test_what_two_persons_accepted_is_opened_and_neither_is_taken_back(desk: Desk) -> None:
    found = await mark(desk.database.worker, "counselling", 7, "operator")
    assert found is not None
    await accept(desk, found.id, proposed(0, 7), CHIEF)
    await accept(desk, found.id, AcceptRestore(list_sha256=_LIST), AUDITOR)
    worker = await asyncpg.connect(desk.database.logins.worker)
    try:
        await worker.execute("UPDATE restored SET opened_at = now()")
        for column in ("accepted_at", "opened_at"):
            for value in ("NULL", "now()"):
                with pytest.raises(asyncpg.PostgresError) as refused:
                    await worker.execute(f"UPDATE restored SET {column} = {value}")
                assert refused.value.sqlstate in ("AV005", "23514")
    finally:
        await worker.close()
    assert await marked(desk.database.worker) is None


async def test_a_second_word_of_it_says_only_what_more_is_known(desk: Desk) -> None:
    first = await mark(desk.database.worker, "counselling", 4, "operator")
    second = await mark(desk.database.worker, "counselling", 9, "stream")
    third = await mark(desk.database.worker, "counselling", 2, "checkpointer")
    assert first is not None
    assert second is not None
    assert second == third
    assert (second.id, second.kept, second.known, second.finder) == (first.id, 0, 9, "operator")


async def test_meanwhile_orders_and_readings_are_refused_by_one_code_and_auditors_read_the_log(desk: Desk) -> None:
    person_id = await desk.registered()
    await mark(desk.database.worker, "counselling", 3, "operator")
    async with behind(standing(desk)):
        for path in (f"/v1/persons/{person_id}", "/v1/statistics?from=2023-01-01&to=2023-12-31"):
            refused = await asked(desk, path, "counsellor", "manager", "auditor")
            assert (refused.status_code, refused.json()["code"]) == (503, "restored_not_accepted")
        assert (await asked(desk, "/v1/log", "auditor")).status_code == 200
        assert (await asked(desk, "/v1/log", "counsellor")).status_code == 503
        assert (await asked(desk, "/v1/forms", "counsellor")).status_code == 503
    # Who looked is on record, though nothing else is taken.
    assert (await types(desk))[-1] == "avrr.counselling.access.record_read.v1"


async def test_what_was_signed_of_a_longer_log_shuts_the_service_at_its_start(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who answers here is a task of this very loop, and the service asks once at its start.
    monkeypatch.setattr("shared.set_back._CHECKPOINTER_SECONDS", 30.0)
    await desk.registered()
    note = f"avrr.test/counselling\n5\n{'A' * 43}=\n\n— avrr.test/counselling AAAAAAAAAAAA\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = note.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with listening(answer) as port:
        found = standing(desk, f"http://127.0.0.1:{port}")
        async with behind(found, works=True):
            refused = await asked(desk, "/v1/statistics?from=2023-01-01&to=2023-12-31", "manager")
            assert refused.json()["code"] == "restored_not_accepted"
    kept = await marked(desk.database.worker)
    assert kept is not None
    assert (kept.kept, kept.known, kept.finder) == (1, 5, "checkpointer")


async def test_a_database_that_was_never_set_back_is_open_at_once_and_a_mark_is_seen_while_it_runs(desk: Desk) -> None:
    found = standing(desk)
    async with behind(found):
        assert found.is_open.is_set()
        kept = await mark(desk.database.worker, "counselling", 3, "operator")
        assert kept is not None
        async with asyncio.timeout(60):
            await found.is_shut.wait()
            assert (await asked(desk, "/v1/statistics?from=2023-01-01&to=2023-12-31", "manager")).status_code == 503
            await accept(desk, kept.id, proposed(0, 3), CHIEF)
            await accept(desk, kept.id, AcceptRestore(list_sha256=_LIST), AUDITOR)
            async with desk.database.worker.unit_of_work(EVERYWHERE.scope(ANNA)) as unit:
                assert await unit.row(_OPEN) is not None
            await found.is_open.wait()
        assert (await asked(desk, "/v1/statistics?from=2023-01-01&to=2023-12-31", "manager")).status_code == 200
