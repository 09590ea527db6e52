"""After a change of witness what the former one saw proves how a log went on: to the checkpointer, and to whoever goes by what it serves."""

import json
import time
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from ops.audit import verify_audit
from ops.audit.taking import Source, period_of, take_export
from ops.checkpointer.settings import LOG_NAMES, log_url_variable
from ops.checkpoints import latest
from ops.settings import CannotStart
from ops.supervisor import Running
from services.audit import archive
from services.audit.archive import Entry
from shared.tlog.breaks import Break
from shared.tlog.notes import Note
from shared.tlog.trust import Former, TrustPolicy
from tests.integration.audit.archiving import WORKER
from tests.integration.audit.test_taking_many import EXPORTS, leaf, serving
from tests.integration.bus.house import until
from tests.integration.checkpointer.office import LOG, Log, Office
from tests.integration.checkpointer.processes import checkpointer, key_of, witness
from tests.integration.checkpointer.restored import accepted, shown
from tests.integration.checkpointer.test_generations import (
    SECOND_NAME,
    THIRD_NAME,
    accepted_mark,
    as_of_the_base,
    gone_on,
    not_taken,
)
from tests.integration.checkpointer.test_set_back import policy_of, set_back
from tests.integration.checkpointer.test_watched_log import refused
from tests.integration.conftest import MakeDatabase
from tests.integration.returns.api import AUDITOR, token
from tests.unit.ops.audit.set_back import words

KEPT = 50
EVENTS = [leaf(number) for number in range(90)]


def whole(word: bytes) -> bytes:
    """The same event, with all that an archive asks of one."""
    return json.dumps({**json.loads(EVENTS[0]), **json.loads(word), "time": json.loads(EVENTS[-1])["time"]}).encode()


async def told(client: httpx.AsyncClient, url: str, path: str) -> str | None:
    """What the checkpointer answers there, None where it does not or has nothing."""
    try:
        answer = await client.get(f"{url}/{path}")
    except httpx.TransportError:
        return None
    return answer.text if answer.status_code == 200 else None


async def signed(client: httpx.AsyncClient, url: str, size: int) -> Note:
    """The checkpoint of so many entries, once witnesses saw it."""
    found: list[Note] = []

    async def there() -> bool:
        written = await told(client, url, f"{LOG}/checkpoint")
        if written is not None and written.splitlines()[1] == str(size):
            found.append(Note.of(written.encode()))
        return bool(found)

    await until(there, 60)
    return found[0]


async def alarmed(client: httpx.AsyncClient, url: str) -> bool:
    """Whether the log is refused for having been set back."""
    try:
        state = (await client.get(f"{url}/readyz")).json()
    except httpx.TransportError:
        return False
    return bool(state["logs"].get(LOG, {}).get("code") == "log_shrank")


def witness_changed(office: Office, *, named: bool) -> None:
    """The witness gets another key, and the former one is named as such or not."""
    before = Former(int(office.now.timestamp()) + 1, 1, (office.signer.verifier_key,))
    office.witness, office.former = "court", str(before) if named else ""
    office.later(60)


@pytest.mark.parametrize("named", [False, True])
async def test_a_checkpointer_that_lost_what_it_knew_is_brought_what_the_former_witness_saw(office: Office, named: bool) -> None:
    past = await gone_on(office)
    witness_changed(office, named=named)
    async with office.started("new") as watched:
        assert await refused(watched) == "generation_unknown"
        if not named:
            assert await not_taken(watched, past.broken) == "not_witnessed"
            return
        await watched.bring(past.broken)
        assert watched.published is None
        await watched.round()
        assert ((await office.told(watched)).origin, watched.alarm) == (SECOND_NAME, None)


async def test_a_name_is_closed_with_a_checkpoint_that_the_former_witness_saw_and_that_is_told_as_none_of_now(office: Office) -> None:
    past = await gone_on(office)
    as_of_the_base(office, witness=False)
    _, later = await accepted_mark(office, 350, 400)
    async with office.started("base") as watched:
        assert await refused(watched) == "log_set_back"
        await watched.show(past.words)
        assert await refused(watched) == "witness_saw_more"
    witness_changed(office, named=True)
    for _ in range(2):
        async with office.started("base") as watched:
            if watched.broken(2) is None:
                await watched.show(later)
                await watched.round()
                assert watched.unaccepted == "closing_unknown"
                await watched.bring(str(past.notes[340]).encode())
            assert (watched.published, watched.alarm is None) == (None, False)
            assert await not_taken(watched, str(past.notes[340]).encode()) == "checkpoint_known"
            await watched.show(later)
    async with office.started("base") as watched:
        await watched.round()
        written = watched.broken(3)
        assert written is not None
        assert Break.of(written).closed.note == past.notes[340]
        assert ((await office.told(watched)).origin, Break.of(written).checked(policy_of(office)).kept) == (THIRD_NAME, 350)


@pytest.mark.parametrize("named", [False, True])
async def test_a_log_that_was_set_back_before_the_change_goes_on_behind_what_the_former_witness_saw(office: Office, named: bool) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
    witness_changed(office, named=named)
    async with office.started() as watched:
        await watched.show(await accepted(office.log, 280, 300))
        await watched.round()
        if not named:
            assert (watched.unaccepted, watched.published) == ("closing_unknown", None)
            return
        said, written = await office.told(watched), watched.broken(2)
        assert (said.origin, said.size, watched.alarm) == (SECOND_NAME, 283, None)
        assert written is not None
        assert Break.of(written).checked(policy_of(office)).kept == 280


async def test_an_export_of_a_log_that_was_set_back_is_found_right_by_what_is_served_after_another_witness_came(
    make_database: MakeDatabase, servers: Running, tmp_path: Path, one_port: int
) -> None:
    logs = {name: await Log.of(name, make_database, servers) for name in LOG_NAMES}
    urls = {log_url_variable(name): log.made.logins.checkpoint for name, log in logs.items()}
    ours, url, exports = logs[LOG], f"http://127.0.0.1:{one_port}", str(EXPORTS.verifier_key)
    async with httpx.AsyncClient(trust_env=False) as client:
        async with witness(tmp_path, time.time) as seen_by, checkpointer(tmp_path, urls, seen_by, one_port, exports=exports):
            await ours.record(*EVENTS)
            await signed(client, url, len(EVENTS))
            await ours.restore(KEPT)
            await until(lambda: alarmed(client, url), 60)
            entered = [whole(word) for word in words(KEPT, await ours.root_at(KEPT), len(EVENTS), 1)]
            await ours.record(*entered)
            assert (await client.post(f"{url}/{LOG}/breaks", content=shown(*entered))).status_code == 202
            await signed(client, url, KEPT + 2)
            before = await told(client, url, "policy")
        former = Former(int(time.time()) + 1, 1, (key_of(tmp_path, "witness"),))

        archived, held = await make_database("audit"), [*EVENTS[:KEPT], *entered]
        entries = [entry for number, one in enumerate(held) if (entry := Entry.of(number, one)) is not None]
        await archived.worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, entries, None))

        async def of_mine() -> str:
            return token(AUDITOR)

        async def export(folder: Path, note: Note) -> tuple[int, list[str]]:
            lines, days = list[str](), period_of(date(2023, 1, 1), date(2023, 12, 31))
            async with serving(archived, note) as address:
                await take_export(Source(address, url, of_mine), folder, days, [LOG], [], EXPORTS, lines.append)
            return verify_audit.main([str(folder)], lines.append), lines

        async with witness(tmp_path, time.time, name="court") as seen_by:
            # Who is asked no more is named nowhere: nobody can tell then how the log goes on.
            async with checkpointer(tmp_path, urls, seen_by, one_port, "court", exports=exports):
                with pytest.raises(CannotStart) as refused:
                    await export(tmp_path / "none", await signed(client, url, KEPT + 2))
            assert refused.value.code == "not_witnessed"
            async with checkpointer(tmp_path, urls, seen_by, one_port, "court", str(former), exports):
                code, said = await export(tmp_path / "export", await signed(client, url, KEPT + 2))
                served = await told(client, url, "policy")
                shown_now, _ = await latest(url, None, lambda: datetime.now(UTC))
    assert (code, said[-1]) == (0, f"{KEPT + 2} events: Nothing was found."), said
    assert any(f"{KEPT} entries were kept and {len(EVENTS) - KEPT} lost" in line for line in said)
    (line,) = [line for line in shown_now if line.startswith(f"{LOG}: ")]
    assert f"/{LOG}/2, {KEPT + 2} entries, root " in line and "seen by w at " in line
    assert before is not None and served is not None
    asked = TrustPolicy.of(served)
    assert (TrustPolicy.of(before).former, asked.former, asked.witnesses) == ((), (former,), {"w": key_of(tmp_path, "court")})
    assert (tmp_path / "export" / "policy").read_text() == served
    for log in logs.values():
        await log.close()
