"""How it stands with each log, as auditors are told: what is signed and by whom, what was noted, and each alarm by its name."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.audit.archive import stop
from services.audit.checking import Checking
from services.audit.checkpoints import Checkpoints
from services.audit.examining import Examining
from services.audit.kept_checkpoints import KeptCheckpoints
from services.audit.noting import Noting
from services.audit.verified import keep
from shared.db import Database
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.tlog.trust import TrustPolicy
from shared.topology import AUDIT
from shared.verification_routes import DifferingRow, Verification
from tests.given import staff
from tests.integration.audit.archived_log import LOG, OF_LOG, OF_WITNESS, POLICY, WORKER, ArchivedLog

ROUND = datetime(2023, 5, 2, 9, 30, tzinfo=UTC)
SOUND = Verification(
    differences=0, looked_seconds_ago=5, looks=9, rounds=2, round_began_at=ROUND, round_ended_at=ROUND, round_seconds=1.5, rows=[]
)


def differing(about: str, fault: str = "other", gone_at: datetime | None = None) -> DifferingRow:
    columns = ["status", "amount"] if fault == "other" else []
    return DifferingRow(kind="grant", about=about, fault=fault, columns=columns, found_at=ROUND, gone_at=gone_at)


async def noted(archived: ArchivedLog, signed: str) -> None:
    """The worker looks at the log, asks for its checkpoint, and notes what it then knows."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=str(POLICY) if request.url.path == "/policy" else signed)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        checkpoints = Checkpoints(archived.made.worker, client, "http://checkpointer.test", (LOG,))
        await checkpoints.ask(LOG)
        await archived.comparing.look(LOG)
        checking = Checking(archived.made.worker, (LOG,))
        await checking.look(LOG)
        await Noting(archived.made.worker, archived.comparing, checking, checkpoints).note()
    await keep(archived.made.worker, LOG, SOUND)


async def told(archived: ArchivedLog) -> dict[str, Any]:
    answer = await archived.get("/v1/archive/integrity")
    assert answer.status_code == 200, answer.text
    rows = answer.json()
    assert [row["log"] for row in rows] == list(AUDIT.follows)
    found: dict[str, Any] = next(row for row in rows if row["log"] == LOG)
    return found


def codes(found: dict[str, Any]) -> list[str]:
    return [alarm["code"] for alarm in found["alarms"]]


async def test_a_log_that_is_as_it_should_be_has_its_checkpoint_its_signers_and_no_alarm(archived: ArchivedLog) -> None:
    await archived.happen(3)
    size = await archived.archive()
    signed = await archived.signed(size)
    await noted(archived, signed)
    found = await told(archived)
    assert found["alarms"] == []
    assert (found["archived"], found["rounds"]) == (size, 1) and found["round_ended_at"] is not None
    latest = found["checkpoint"]
    said = Checkpoint.of(Note.of(signed.encode()))
    assert (latest["origin"], latest["size"], latest["root"]) == (said.origin, size, said.root.hex())
    assert latest["seconds_ago"] < 60
    signers = {one["name"]: (one["witness"], one["seen_at"]) for one in latest["signed_by"]}
    assert signers == {OF_LOG.name: (False, None), OF_WITNESS.name: (True, "1970-01-01T00:00:01Z")}


async def test_what_nobody_watches_or_signed_is_an_alarm_and_not_silence(archived: ArchivedLog) -> None:
    await archived.happen(1)
    await archived.archive()
    assert codes(await told(archived)) == ["not_watched", "no_checkpoint", "rows_not_verified"]


async def test_what_cannot_be_looked_at_for_exceptions_is_told_of_every_log(archived: ArchivedLog) -> None:
    await archived.happen(1)
    await noted(archived, await archived.signed(await archived.archive()))
    # Of a database that was never opened every use is an error.
    examining = Examining(Database("postgresql://nowhere.test/none", "closed"), ZoneInfo("Europe/Sarajevo"))
    await examining.round()
    await Noting(archived.made.worker, archived.comparing, Checking(archived.made.worker, (LOG,)), None, examining).note()
    (alarm,) = (await told(archived))["alarms"]
    assert (alarm["code"], alarm["detail"]) == ("check_waits", examining.fault)


async def test_a_row_that_was_changed_is_named_with_its_place_until_it_is_put_right(archived: ArchivedLog) -> None:
    await archived.happen(3)
    signed = await archived.signed(await archived.archive())
    leaf = (await archived.leaves())[1]
    await archived.change("UPDATE event_log SET leaf = leaf || '\\x20' WHERE idx = 1")
    await noted(archived, signed)
    (alarm,) = (await told(archived))["alarms"]
    assert (alarm["code"], alarm["first"], alarm["last"]) == ("entries_other", 1, 1)
    await archived.change("UPDATE event_log SET leaf = $1 WHERE idx = 1", leaf)
    await noted(archived, signed)
    assert codes(await told(archived)) == []


async def test_a_checkpoint_of_another_history_and_an_archive_that_stopped_are_each_named(archived: ArchivedLog) -> None:
    await archived.happen(3)
    size = await archived.archive()
    await archived.made.worker.attempt(WORKER, lambda unit: stop(unit, LOG, "gap"))
    await noted(archived, await archived.signed(size, other=b" "))
    found = await told(archived)
    assert codes(found) == ["entries_root", "archive_stopped_gap", "checkpoint_refused", "no_checkpoint"]
    assert found["alarms"][2]["detail"] == "root_unlike_archive"


async def test_a_row_of_more_than_is_archived_neither_rings_for_ever_nor_hides_that_a_checkpoint_is_late(archived: ArchivedLog) -> None:
    await archived.happen(3)
    size = await archived.archive()
    signed = await archived.signed(size)
    await noted(archived, signed)
    connection = await asyncpg.connect(archived.made.logins.worker)
    await connection.execute(
        "INSERT INTO archive_checkpoints (log, size, root, note, agrees) VALUES ($1, $2, $3, 'forged', true)", LOG, 10**18, bytes(32)
    )
    await connection.close()
    found = await told(archived)
    assert (codes(found), found["checkpoint"]["size"]) == ([], size)
    # The look at what is kept tells of the row itself, and no more than that.
    await KeptCheckpoints(archived.made.worker, lambda *_: True).look(LOG, 0, size)
    assert codes(await told(archived)) == ["entries_note"]
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("UPDATE archive_checkpoints SET kept_at = kept_at - interval '10 minutes'")
    assert codes(await told(archived)) == ["entries_note", "checkpoint_late"]


async def test_the_keys_are_those_by_which_the_archive_checks_and_openssl_reads_them(archived: ArchivedLog) -> None:
    assert (await archived.get("/v1/archive/policy")).status_code == 404
    await archived.happen(1)
    await noted(archived, await archived.signed(await archived.archive()))
    assert TrustPolicy.of((await archived.get("/v1/archive/policy")).text) == POLICY
    pem = (await archived.get("/v1/archive/keys")).text
    for key in (OF_LOG.verifier_key, OF_WITNESS.verifier_key):
        written = pem.partition(f"{key}\n")[2].partition("-----END")[0] + "-----END PUBLIC KEY-----\n"
        assert load_pem_public_key(written.encode()).public_bytes_raw() == key.public  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["integrity", "policy", "keys"])
async def test_whoever_is_no_auditor_is_refused(archived: ArchivedLog, path: str) -> None:
    answer = await archived.get(f"/v1/archive/{path}", staff("berin", "counsellor"))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def rows_told(archived: ArchivedLog, *rows: DifferingRow, differences: int | None = None, ago: int | None = 5) -> dict[str, Any]:
    """What auditors are told once a service has said this of its rows."""
    open_ones = sum(row.gone_at is None for row in rows) if differences is None else differences
    said = SOUND.model_copy(update={"rows": list(rows), "differences": open_ones, "looked_seconds_ago": ago})
    await keep(archived.made.worker, LOG, said)
    return await told(archived)


async def test_a_row_that_differs_is_named_with_its_columns_and_stays_when_the_service_forgets_it(archived: ArchivedLog) -> None:
    await noted(archived, await archived.signed(await archived.archive()))
    found = await rows_told(archived, differing("a"), differing("b", "missing"))
    alarms = [(alarm["code"], alarm["detail"]) for alarm in found["alarms"] if alarm["code"].startswith("rows_")]
    assert sorted(alarms) == [("rows_missing", "grant b"), ("rows_other", "grant a (status, amount)")]
    # Whoever empties the service's own table takes nothing back that was told.
    assert [code for code in codes(await rows_told(archived)) if code.startswith("rows_")] == [code for code, _ in alarms]


async def test_a_row_that_was_put_right_is_an_alarm_no_more_and_still_told(archived: ArchivedLog) -> None:
    await noted(archived, await archived.signed(await archived.archive()))
    await rows_told(archived, differing("a"))
    found = await rows_told(archived, differing("a", gone_at=ROUND))
    assert [code for code in codes(found) if code.startswith("rows_")] == []
    assert [gone["detail"] for gone in found["verified"]["gone"]] == ["grant a (status, amount)"]
    # Told otherwise later, it stays as it was told.
    again = await rows_told(archived, differing("a"), differences=0)
    assert [gone["detail"] for gone in again["verified"]["gone"]] == ["grant a (status, amount)"]


async def test_more_rows_than_are_named_are_counted_and_a_service_that_does_not_look_is_an_alarm(archived: ArchivedLog) -> None:
    await noted(archived, await archived.signed(await archived.archive()))
    found = await rows_told(archived, *(differing(f"r{number}") for number in range(25)))
    of_rows = [alarm for alarm in found["alarms"] if alarm["code"].startswith("rows_")]
    assert (len(of_rows), of_rows[-1]["code"], of_rows[-1]["detail"]) == (21, "rows_more", "5")
    # Ahead of the clock is no look that was made.
    for ago in (None, 4000, -4000):
        assert "rows_not_verified" in codes(await rows_told(archived, ago=ago))


async def test_a_service_whose_looks_do_not_rise_is_an_alarm_whatever_it_says_of_the_last(archived: ArchivedLog) -> None:
    await noted(archived, await archived.signed(await archived.archive()))
    await rows_told(archived)
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("UPDATE archive_verified SET rose_at = rose_at - interval '10 minutes'")
    assert "rows_not_verified" in codes(await rows_told(archived))
    await keep(archived.made.worker, LOG, SOUND.model_copy(update={"looks": SOUND.looks + 1}))
    assert "rows_not_verified" not in codes(await told(archived))
