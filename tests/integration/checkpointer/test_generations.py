"""Whoever signs a log and does not know all that was signed of it signs no second history of any name, and is told what it lacks."""

import shutil
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from ops.after_restore.signed_before import brought, in_export
from ops.checkpointer.app import create_app
from ops.checkpointer.marks import note_unsigned
from ops.checkpointer.watched_log import WatchedLog
from shared.tlog.breaks import Break
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.tlog.refusals import LogRefused
from shared.tlog.witnessing import AddCheckpoint
from tests.integration.checkpointer.office import HOUSE, LOG, Office
from tests.integration.checkpointer.restored import accepted, event, marked
from tests.integration.checkpointer.test_set_back import on_record, operator_of, policy_of
from tests.integration.checkpointer.test_watched_log import refused

SECOND_NAME, THIRD_NAME = f"{HOUSE}/{LOG}/2", f"{HOUSE}/{LOG}/3"


async def accepted_mark(office: Office, kept: int, known: int) -> tuple[UUID, bytes]:
    """The log is set back to so many entries, of which whoever restores leaves word, and two persons accept it; what is shown of that."""
    await office.log.restore(kept)
    mark = await marked(office.log, kept, known)
    words = await accepted(office.log, kept, known, mark=mark)
    await office.log.by_hand("UPDATE restored SET accepted_at = now(), opened_at = now()")
    return mark, words


@dataclass
class Past:
    """What was signed under the second name by a checkpointer that is gone, and what two persons accepted before."""

    words: bytes
    broken: bytes
    notes: dict[int, Note]


async def gone_on(office: Office) -> Past:
    """300 entries are signed, of which a base is taken; set back once, the log goes on as its second name, to 400 entries."""
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        for folder in ("signs", "witness"):
            shutil.copytree(office.folder / folder, office.folder / f"{folder} of the base")
        await office.log.append(20)
        await watched.round()
        _, words = await accepted_mark(office, 310, 320)
        assert await refused(watched) == "log_rewritten"
        await watched.show(words)
        await watched.round()
        notes: dict[int, Note] = {}
        for more in (27, 60):
            await office.log.append(more)
            await watched.round()
            assert watched.published is not None
            notes[(await office.told(watched)).size] = watched.published
        assert list(notes) == [340, 400]
        broken = watched.broken(2)
        assert broken is not None
        return Past(words, broken, notes)


def as_of_the_base(office: Office, *, witness: bool) -> None:
    """What was remembered of signing is what it was when the base was taken, and what the witness saw as well, or not."""
    shutil.copytree(office.folder / "signs of the base", office.folder / "base")
    if witness:
        for path in (office.folder / "witness").glob("*.json"):
            path.unlink()
        for path in (office.folder / "witness of the base").glob("*.json"):
            shutil.copy(path, office.folder / "witness")


def posted(office: Office, origin: str) -> list[int]:
    """How many entries the witness was shown under a name."""
    said = [Checkpoint.of(AddCheckpoint.of(one).note) for one in office.posted]
    return [one.size for one in said if one.origin == origin]


async def not_taken(watched: WatchedLog, written: bytes) -> str:
    """By which code what is brought is refused."""
    with pytest.raises(LogRefused) as refusal:
        await watched.bring(written)
    return refusal.value.code


async def test_a_base_that_is_older_than_the_logs_name_signs_of_that_name_only_what_was_kept(office: Office) -> None:
    past = await gone_on(office)
    as_of_the_base(office, witness=True)
    _, later = await accepted_mark(office, 350, 400)
    office.posted.clear()
    async with office.started("base") as watched:
        assert await refused(watched) == "log_set_back"
        await watched.show(past.words)
        assert await refused(watched) == "log_set_back"
        said = await office.told(watched)
        assert (said.origin, said.size, said.root) == (SECOND_NAME, 350, await office.log.root_at(350))
        await watched.round()
    async with office.started("base") as watched:
        await watched.round()
        assert posted(office, SECOND_NAME) == [350]
        await watched.show(later)
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.size, said.root) == (THIRD_NAME, 353, await office.log.root())
        kept = []
        for generation in (2, 3):
            written = watched.broken(generation)
            assert written is not None
            kept.append(Break.of(written).checked(policy_of(office)).kept)
        assert kept == [310, 350]
        # What auditors keep of the second name begins with all that was signed of it since.
        assert Break.of(written or b"").known.size == 350
        await office.log.append(5)
        await watched.round()
        assert (await office.told(watched)).size == 358
    assert posted(office, SECOND_NAME) == [350]


async def test_all_that_two_persons_accepted_is_shown_until_the_log_is_signed_under_the_last_name(office: Office) -> None:
    past = await gone_on(office)
    await on_record(office, 310, 320, past.words)
    as_of_the_base(office, witness=True)
    _, later = await accepted_mark(office, 350, 400)
    await on_record(office, 350, 400, later)
    async with office.started("base") as watched, operator_of(office, watched) as show:
        assert await show() == ""
        assert (await office.told(watched)).origin == THIRD_NAME


async def test_of_a_later_setting_back_nobody_accepted_only_what_was_kept_is_signed(office: Office) -> None:
    past = await gone_on(office)
    as_of_the_base(office, witness=True)
    await office.log.restore(350)
    mark = await marked(office.log, 350, 400)
    await office.log.record(event("access.record_read"))
    async with office.started("base") as watched:
        assert await refused(watched) == "log_set_back"
        await watched.show(past.words)
        assert await refused(watched) == "log_set_back"
        assert (await office.told(watched)).size == 350
        await watched.show(await accepted(office.log, 350, 400, mark=mark))
        await watched.round()
        assert (await office.told(watched)).origin == THIRD_NAME


async def test_a_witness_that_was_away_meanwhile_changes_nothing_of_what_is_signed(office: Office) -> None:
    past = await gone_on(office)
    as_of_the_base(office, witness=True)
    _, later = await accepted_mark(office, 350, 400)
    async with office.started("base") as watched:
        assert await refused(watched) == "log_set_back"
        office.reached = False
        await watched.show(past.words)
        assert await refused(watched) == "witness_away"
    async with office.started("base") as watched:
        assert await refused(watched) == "witness_away"
        office.reached = True
        assert await refused(watched) == "log_set_back"
        assert (await office.told(watched)).size == 350
        await watched.show(later)
        await watched.round()
        assert (await office.told(watched)).origin == THIRD_NAME


async def test_the_acceptance_of_a_later_setting_back_does_not_begin_what_an_earlier_one_may_have_begun(office: Office) -> None:
    past = await gone_on(office)
    as_of_the_base(office, witness=True)
    _, later = await accepted_mark(office, 350, 400)
    async with office.started("base") as watched:
        assert await refused(watched) == "log_set_back"
        await watched.show(later)
        await watched.round()
        assert (watched.unaccepted, posted(office, SECOND_NAME)) == ("earlier_first", [313, 340, 400])
        await watched.show(past.words)
        assert await refused(watched) == "log_set_back"
        await watched.show(later)
        await watched.round()
        assert (await office.told(watched)).origin == THIRD_NAME


async def test_where_a_witness_knows_more_of_the_name_somebody_brings_what_it_is_closed_with(office: Office) -> None:
    past = await gone_on(office)
    as_of_the_base(office, witness=False)
    _, later = await accepted_mark(office, 350, 400)
    async with office.started("base") as watched:
        assert await refused(watched) == "log_set_back"
        await watched.show(past.words)
        assert await refused(watched) == "witness_saw_more"
        await watched.show(later)
        await watched.round()
        assert (watched.unaccepted, watched.published) == ("closing_unknown", None)
        assert await not_taken(watched, str(past.notes[400]).encode()) == "checkpoint_unfit"
        forged = Note(past.notes[340].text.replace("\n340\n", "\n339\n"), past.notes[340].signatures)
        assert await not_taken(watched, str(forged).encode()) == "signature_false"
        await watched.bring(str(past.notes[340]).encode())
        assert await not_taken(watched, str(past.notes[340]).encode()) == "checkpoint_known"
        written = watched.broken(2)
        assert written is not None
        Break.of(written).checked(policy_of(office))
    async with office.started("base") as watched:
        assert watched.alarm is not None
        await watched.show(later)
        await watched.round()
        assert (await office.told(watched)).origin == THIRD_NAME
        written = watched.broken(3)
        assert written is not None
        assert Break.of(written).closed.note == past.notes[340]
        assert Break.of(written).checked(policy_of(office)).kept == 350


async def test_what_is_brought_counts_only_where_the_log_begins_with_it(office: Office) -> None:
    past = await gone_on(office)
    as_of_the_base(office, witness=False)
    await accepted_mark(office, 350, 400)
    await office.log.by_hand("UPDATE event_log SET leaf_hash = sha256('else') WHERE idx = 330")
    async with office.started("base") as watched:
        assert await refused(watched) == "log_set_back"
        await watched.show(past.words)
        assert await refused(watched) == "witness_saw_more"
        assert await not_taken(watched, str(past.notes[340]).encode()) == "unlike_log"


async def test_a_name_whose_acceptance_is_no_longer_in_the_log_is_not_signed(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        _, words = await accepted_mark(office, 280, 300)
        assert await refused(watched) == "log_rewritten"
        shutil.copytree(office.folder / "signs", office.folder / "killed")
        await watched.show(words)
        await watched.round()
    # Killed between the word on disk and the first signature.
    shutil.copy(office.folder / "signs" / LOG / "begun", office.folder / "killed" / LOG)
    for path in (office.folder / "witness").glob("*.json"):
        path.unlink()
    await office.log.restore(281)
    await office.log.append(40)
    office.posted.clear()
    async with office.started("killed") as watched:
        assert await refused(watched) == "log_rewritten"
        assert (watched.origin, office.posted) == (SECOND_NAME, [])


async def test_a_checkpointer_that_lost_what_it_knew_signs_nothing_until_it_is_brought_how_the_log_went_on(office: Office) -> None:
    past = await gone_on(office)
    asked = len(office.posted)
    async with office.started("lost") as watched:
        assert await refused(watched) == "generation_unknown"
    async with office.started("lost") as watched:
        assert await refused(watched) == "generation_unknown"
        app = create_app([watched], policy_of(office), lambda: office.now)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://invented.example") as client:
            assert (await client.get("/readyz")).json() == {"logs": {LOG: {"code": "generation_unknown"}}}
            assert f'avrr_checkpoint_alarm{{log="{LOG}"}} 1.0' in (await client.get("/metrics")).text
            assert len(office.posted) == asked
            # As an export has it.
            folder = office.folder / "export" / LOG
            (folder / "breaks").mkdir(parents=True)
            (folder / "breaks" / "2").write_bytes(past.broken)
            (folder / "checkpoint").write_text(str(past.notes[400]))
            assert await brought(client, f"/{LOG}/signed", *in_export(folder)) == [
                "break 2: taken", "last checkpoint: not taken, checkpoint_known",
                f"first checkpoint of {SECOND_NAME}: not taken, checkpoint_known",
            ]  # fmt: skip
            assert (await client.post("/nobody/signed", content=past.broken)).status_code == 404
            await watched.round()
            assert (await client.get("/readyz")).status_code == 200
            assert f'avrr_checkpoint_alarm{{log="{LOG}"}} 0.0' in (await client.get("/metrics")).text
    async with office.started("lost") as watched:
        await office.log.append(5)
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.size, said.root) == (SECOND_NAME, 405, await office.log.root())
        assert watched.broken(2) == past.broken
    assert posted(office, f"{HOUSE}/{LOG}") == [300, 320]


async def test_a_log_that_was_set_back_meanwhile_goes_on_as_the_name_after_what_was_brought(office: Office) -> None:
    past = await gone_on(office)
    _, later = await accepted_mark(office, 350, 400)
    async with office.started("lost") as watched:
        assert await refused(watched) == "generation_unknown"
        await watched.bring(past.broken)
        assert await refused(watched) == "log_set_back"
        await watched.show(later)
        await watched.round()
        assert (await office.told(watched)).origin == THIRD_NAME
        broken = watched.broken(3)
        assert broken is not None
    async with office.started("lost again") as watched:
        assert await refused(watched) == "generation_unknown"
        assert await not_taken(watched, broken) == "another_generation"
        await watched.bring(past.broken)
        await watched.bring(broken)
        await office.log.append(3)
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.root) == (THIRD_NAME, await office.log.root())


async def test_a_break_of_another_history_begins_no_name(office: Office) -> None:
    past = await gone_on(office)
    forged = past.broken.replace(b"exercise", b"attacked")
    await office.log.by_hand("UPDATE event_log SET leaf_hash = sha256('else') WHERE idx = 5")
    async with office.started("lost") as watched:
        assert await refused(watched) == "generation_unknown"
        assert await not_taken(watched, past.broken) == "unlike_log"
        assert await not_taken(watched, forged) == "break_unproven"
        assert await not_taken(watched, b"{}") == "break_unproven"
        assert await refused(watched) == "generation_unknown"


async def test_where_only_the_word_is_lost_under_which_name_a_log_goes_on_its_first_one_is_not_signed(office: Office) -> None:
    past = await gone_on(office)
    for name in ("begun", "alarm"):
        (office.folder / "signs" / LOG / name).unlink()
    async with office.started() as watched:
        assert await refused(watched) == "generation_unknown"
        await watched.bring(past.broken)
        await office.log.append(5)
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.size) == (SECOND_NAME, 405)


async def test_a_witness_that_saw_the_next_name_is_told_from_one_that_is_away(office: Office) -> None:
    past = await gone_on(office)
    # The database knows nothing of it.
    await office.log.by_hand("DELETE FROM restored")
    async with office.started("lost") as watched:
        assert await refused(watched) == "log_unknown_to_witness"
        app = create_app([watched], policy_of(office), lambda: office.now)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://invented.example") as client:
            assert (await client.get("/readyz")).json() == {"logs": {LOG: {"code": "log_unknown_to_witness"}}}
        await watched.bring(past.broken)
        await watched.round()
        assert (await office.told(watched)).origin == SECOND_NAME


async def test_a_log_that_was_never_signed_and_was_set_back_before_is_signed_once_somebody_says_so(office: Office) -> None:
    await office.log.append(8)
    _, words = await accepted_mark(office, 5, 8)
    await office.log.append(4)
    async with office.started() as watched:
        assert await refused(watched) == "generation_unknown"
        note_unsigned(office.folder / "signs" / LOG)
        assert await refused(watched) == "log_set_back"
        said = await office.told(watched)
        assert (said.origin, said.size) == (f"{HOUSE}/{LOG}", 5)
        await watched.show(words)
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.root) == (SECOND_NAME, await office.log.root())
    assert posted(office, f"{HOUSE}/{LOG}") == [5]


async def test_who_lost_what_was_signed_together_with_the_log_signs_of_its_name_only_what_was_kept(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
    for path in (office.folder / "witness").glob("*.json"):
        path.unlink()
    office.posted.clear()
    await office.log.restore(280)
    mark = await marked(office.log, 280, 300)
    async with office.started("lost") as watched:
        assert await refused(watched) == "set_back_waits"
        words = await accepted(office.log, 280, 300, mark=mark)
        await office.log.by_hand("UPDATE restored SET accepted_at = now(), opened_at = now()")
        await office.log.append(50)
        assert await refused(watched) == "log_set_back"
        assert (await office.told(watched)).size == 280
        await watched.show(words)
        await watched.round()
        assert (await office.told(watched)).origin == SECOND_NAME
    assert posted(office, f"{HOUSE}/{LOG}") == [280]
