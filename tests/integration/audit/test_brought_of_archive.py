"""What was signed of a log before is brought to who signs it out of the archive, which keeps it: breaks, and a checkpoint of what was kept."""

from ops.after_restore.signed_before import archived_of
from tests.integration.audit.archived_log import LOG, ArchivedLog
from tests.integration.audit.broken_log import FAMILY, Checkpointer, note_of


async def test_the_archive_has_how_a_log_went_on_and_the_last_checkpoint_of_no_more_than_was_kept(archived: ArchivedLog) -> None:
    checkpointer = Checkpointer(archived)
    assert await archived_of(archived.made.worker, LOG, 100) == ([], None)
    await archived.happen(6)
    await archived.archive()
    checkpointer.note = str(note_of(await archived.leaves()))
    assert await checkpointer.look() is None
    await checkpointer.set_back(3)
    await archived.archive()
    assert await checkpointer.look() is None
    notes: dict[int, str] = {}
    for _ in range(2):
        await archived.happen(4)
        await archived.archive()
        leaves = await archived.leaves()
        checkpointer.note = notes[len(leaves)] = str(note_of(leaves, 2))
        assert await checkpointer.look() is None
    assert list(notes) == [10, 14]
    broken = [checkpointer.breaks[2]]
    assert await archived_of(archived.made.worker, LOG, 100) == (broken, notes[14].encode())
    assert await archived_of(archived.made.worker, LOG, 13) == (broken, notes[10].encode())
    assert notes[10].startswith(f"{FAMILY}/2\n10\n")
