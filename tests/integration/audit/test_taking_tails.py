"""What the archive had taken and nobody signed goes home with an export, apart from its log, and whoever checks it is told of it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from ops.audit import verify_audit
from ops.audit.taking import Source, period_of, take_export
from services.audit import archive
from services.audit.archive import Entry
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.tlog.tiles import bundled
from shared.tlog.trust import Former, TrustPolicy
from tests.integration.audit.archiving import WORKER, root_over
from tests.integration.audit.test_taking_many import EXPORTS, LOG, TRUSTED, WITNESS, leaf, serving
from tests.integration.conftest import MakeDatabase
from tests.integration.returns.api import AUDITOR, token
from tests.unit.ops.audit.exports import HOUSE


@pytest.mark.parametrize("trusted", [None, replace(TRUSTED, former=(Former(1_700_000_000, 1, (WITNESS.verifier_key,)),))])
async def test_an_export_takes_what_was_set_apart_and_is_found_right(
    make_database: MakeDatabase, tmp_path: Path, trusted: TrustPolicy | None
) -> None:
    database = await make_database("audit")
    leaves = [leaf(number) for number in range(9)]
    entries = [entry for number, one in enumerate(leaves) if (entry := Entry.of(number, one)) is not None]
    await database.worker.attempt(WORKER, lambda unit: archive.take(unit, "returns", entries, None))
    text = Checkpoint(f"{HOUSE}/returns", 5, root_over(leaves[:5])).text
    note = Note(text, (LOG.sign(text), WITNESS.sign(text, 1_704_100_000)))
    worker = await asyncpg.connect(database.logins.worker)
    await worker.execute(
        "INSERT INTO archive_tails (log, number, generation, kept, size, root, note) VALUES ('returns', 1, 1, 5, 7, $1, $2)", bytes(32), str(note)
    )
    await worker.close()

    async def of_mine() -> str:
        return token(AUDITOR)

    said: list[str] = []
    folder = tmp_path / "export"
    days = period_of(date(2023, 1, 1), date(2023, 12, 31))
    async with serving(database, note) as url:
        await take_export(Source(url, url, of_mine), folder, days, ["returns"], [], EXPORTS, said.append, trusted=trusted)
    assert "returns: 4 entries that nobody signed, set apart behind 5" in said
    assert (folder / "returns" / "tails" / "1").read_bytes() == bundled(leaves[5:])
    # The keys that people gave go along, and else those that are served.
    assert (folder / "policy").read_text() == str(trusted or TRUSTED)
    (tmp_path / "keys").write_text(str(trusted or TRUSTED))
    told: list[str] = []
    assert verify_audit.main([str(folder), "--policy", str(tmp_path / "keys")], told.append) == 0, told
    assert "Log returns: its archive had taken 4 entries that nobody signed (tails/1): they are proven by nothing." in told
