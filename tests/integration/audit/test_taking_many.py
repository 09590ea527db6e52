"""Many events are taken home and checked within bounds; the figures are printed, and asserted only where somebody asks for it."""

import asyncio
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import rfc8785
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from ops.audit.taking import BUNDLES_AT_A_TIME
from services.audit import archive
from services.audit.archive import Entry
from shared.auth import Tokens
from shared.clock import Clock
from shared.messages import Envelope
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import COSIGNATURE, ED25519, Note, Signer
from shared.tlog.tiles import TILE_WIDTH, bundled, entries_in
from shared.tlog.tree import Frontier, leaf_hash
from shared.tlog.trust import TrustPolicy
from tests.given import NOON
from tests.integration.any_service import app_of
from tests.integration.audit.archiving import WORKER
from tests.integration.bus.house import until
from tests.integration.conftest import MakeDatabase, ServiceDatabase
from tests.integration.returns.api import AUDITOR, SETTINGS, Keys, token
from tests.unit.ops.audit.exports import HOUSE, key

EVENTS = int(os.environ.get("AVRR_EXPORT_EVENTS", "3000"))
SECONDS = float(os.environ.get("AVRR_EXPORT_SECONDS", "inf"))
MEGABYTES = float(os.environ.get("AVRR_EXPORT_MEGABYTES", "inf"))
LOG = Signer.of(f"{HOUSE}/returns", ED25519, key("ours returns"))
EXPORTS = Signer.of(f"{HOUSE}/exports", ED25519, key("ours exports"))
WITNESS = Signer.of("witness.invented.example", COSIGNATURE, key("ours witness"))
TRUSTED = TrustPolicy((LOG.verifier_key, EXPORTS.verifier_key), {"w": WITNESS.verifier_key}, {}, "w")
TAKE = """
import asyncio, sys
from datetime import date
from pathlib import Path
from ops.audit.taking import Source, period_of, take_export
from shared.tlog.notes import ED25519, Signer
from tests.unit.ops.audit.exports import HOUSE, key
url, token, folder = sys.argv[1:]
async def of_mine(): return token
signer = Signer.of(f"{HOUSE}/exports", ED25519, key("ours exports"))
days = period_of(date(2023, 1, 1), date(2023, 12, 31))
asyncio.run(take_export(Source(url, url, of_mine), Path(folder), days, ["returns"], [], signer, print))
"""


def leaf(number: int) -> bytes:
    """An invented event of the size that most have, each third of them caused by the one before."""
    envelope = Envelope(
        id=UUID(int=1 << 76 | number), source="urn:avrr:returns", type="avrr.returns.case.support_given.v1", subject=UUID(int=2 << 76 | number // 5),
        partitionkey=UUID(int=3 << 76 | number // 20), time=NOON + timedelta(milliseconds=number), dataschema="urn:avrr:schema:avrr.returns.case.support_given.v1",
        aggregateversion=number % 5 + 1, actorid=f"staff:counsellor-{number % 40}", actorrole="counsellor", actororg="iom-bih", actorcountry="BA",
        actoracr="phr", authtime=NOON, correlationid=str(UUID(int=4 << 76 | number)),
        data={"number": number, "category": "medical", "amount": {"amount": "1250.00", "currency": "EUR"}, "given_on": "2023-05-02"},
    )  # fmt: skip
    return rfc8785.dumps(envelope.model_dump(mode="json", exclude_none=True))


async def archived(database: ServiceDatabase) -> Note:
    """Puts the events into an archive, and answers the checkpoint over them."""
    tree, growing = Frontier(), None
    for begin in range(0, EVENTS, 1000):
        entries = [entry for number in range(begin, min(begin + 1000, EVENTS)) if (entry := Entry.of(number, leaf(number))) is not None]
        for entry in entries:
            tree.append(leaf_hash(entry.leaf))
        edge = growing
        taken = await database.worker.attempt(WORKER, lambda unit, entries=entries, edge=edge: archive.take(unit, "returns", entries, edge))  # type: ignore[misc]
        growing = taken.tree
    text = Checkpoint(f"{HOUSE}/returns", tree.size, tree.root()).text
    return Note(text, (LOG.sign(text), WITNESS.sign(text, int(datetime.now(UTC).timestamp()))))


@asynccontextmanager
async def serving(database: ServiceDatabase, note: Note) -> AsyncIterator[str]:
    """The archive's API and what a checkpointer would say, at one address."""

    async def policy(_: Request) -> Response:
        return PlainTextResponse(str(TRUSTED))

    async def checkpoint(_: Request) -> Response:
        return PlainTextResponse(str(note))

    settings = SETTINGS.model_copy(update={"allowed_hosts": ("127.0.0.1",)})
    app = app_of("audit", settings, database, Tokens(SETTINGS, Keys(), lambda: datetime.now(UTC)), clock=Clock("real"))
    routes = [Route("/policy", policy), Route("/returns/checkpoint", checkpoint), Mount("/", app)]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def measured(what: str, arguments: Sequence[str]) -> str:
    """Runs Python with these arguments; what it says."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    seconds, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, most = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, used.ru_maxrss / 1024
    print(f"{what} of {EVENTS} events: {seconds:.1f} s, {cpu:.1f} s of CPU, at most {most:.0f} MB in a child until now")
    assert seconds <= SECONDS
    assert most <= MEGABYTES
    return said


@pytest.mark.timeout(120 + EVENTS // 200)
async def test_many_events_are_taken_home_and_checked(make_database: MakeDatabase, tmp_path: Path) -> None:
    database = await make_database("audit")
    note = await archived(database)
    folder = tmp_path / "export"
    served = time.process_time()
    async with serving(database, note) as url:
        await measured("export", ["-c", TAKE, url, token(AUDITOR), str(folder)])
        print(f"the archive's own part: {time.process_time() - served:.1f} s of CPU")
        again = await measured("the same again", ["-c", TAKE, url, token(AUDITOR), str(folder)])
    assert again == f"returns: {EVENTS} entries, of which {EVENTS} were there\n"
    (tmp_path / "keys").write_text(str(TRUSTED))
    said = await measured("verification", [str(folder / "verify_audit.py"), str(folder), "--policy", str(tmp_path / "keys")])
    assert said.splitlines()[-1] == f"{EVENTS} events: Nothing was found."
    # What was altered in between is fetched again alone, and where its hashes were altered with it, all of its log.
    bundle = folder / "returns" / "tile" / "entries" / "000"
    tile = folder / "returns" / "tile" / "0" / "000"
    whole = bundle.read_bytes()
    other = entries_in(whole)[::-1]
    there = EVENTS - min(EVENTS, TILE_WIDTH * BUNDLES_AT_A_TIME)
    async with serving(database, note) as url:
        bundle.write_bytes(bundled(other))
        said = await measured("a repair", ["-c", TAKE, url, token(AUDITOR), str(folder)])
        assert said == f"returns: {EVENTS} entries" + (f", of which {there} were there\n" if there else "\n")
        bundle.write_bytes(bundled(other))
        tile.write_bytes(b"".join(map(leaf_hash, other)))
        assert await measured("all anew", ["-c", TAKE, url, token(AUDITOR), str(folder)]) == f"returns: {EVENTS} entries\n"
    assert bundle.read_bytes() == whole
    said = await measured("verification again", [str(folder / "verify_audit.py"), str(folder), "--policy", str(tmp_path / "keys")])
    assert said.splitlines()[-1] == f"{EVENTS} events: Nothing was found."
