"""A setting back that is accepted anew, behind its first acceptance or in the place of it, has the log signed under one more name."""

from uuid import UUID

import pytest

from ops.checkpointer.watched_log import WatchedLog
from shared.tlog.breaks import Break
from tests.integration.checkpointer.office import Office
from tests.integration.checkpointer.restored import accepted, marked
from tests.integration.checkpointer.test_generations import (
    SECOND_NAME,
    THIRD_NAME,
    accepted_mark,
    posted,
)
from tests.integration.checkpointer.test_set_back import on_record, operator_of, policy_of
from tests.integration.checkpointer.test_watched_log import refused


def proven(office: Office, watched: WatchedLog, generation: int) -> tuple[int, int, list[int]]:
    """How many entries a break says were kept, of how many that were signed before, and where both acceptances stand."""
    written = watched.broken(generation)
    assert written is not None
    proof = Break.of(written)
    return proof.checked(policy_of(office)).kept, proof.known.size, [one.index for one in proof.proofs]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_setting_back_that_is_marked_and_accepted_anew_behind_its_first_acceptance_is_no_end_of_the_log(
    office: Office, newest_first: bool
) -> None:
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        _, first = await accepted_mark(office, 280, 300)
        assert await refused(watched) == "log_rewritten"
        # Nobody was let in, for what two persons accepted was not done; the stream still is the former one.
        mark = await marked(office.log, 280, 300)
        anew = await accepted(office.log, 280, 300, mark=mark)
        await office.log.by_hand("UPDATE restored SET accepted_at = now(), opened_at = now()")
        if newest_first:
            await watched.show(anew)
            await watched.round()
            said = await office.told(watched)
            assert (said.origin, said.size, watched.alarm) == (SECOND_NAME, 286, None)
            assert proven(office, watched, 2) == (280, 300, [283, 285])
            return
        await watched.show(first)
        assert await refused(watched) == "log_set_back"
        assert ((await office.told(watched)).origin, posted(office, SECOND_NAME)) == (SECOND_NAME, [283])
        await watched.show(first)
        await watched.round()
        assert (watched.unaccepted, watched.origin) == ("accepted_before", SECOND_NAME)
        await watched.show(anew)
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.size, said.root) == (THIRD_NAME, 286, await office.log.root())
        assert (proven(office, watched, 2), proven(office, watched, 3)) == ((280, 300, [280, 282]), (280, 283, [283, 285]))
        await office.log.append(5)
        await watched.round()
        assert ((await office.told(watched)).size, posted(office, SECOND_NAME)) == (291, [283])


async def test_whoever_shows_what_two_persons_accepted_anew_shows_all_of_it_until_the_log_is_signed(office: Office) -> None:
    async with office.started() as watched, operator_of(office, watched) as show:
        await office.log.append(300)
        await watched.round()
        _, first = await accepted_mark(office, 280, 300)
        await on_record(office, 280, 300, first)
        assert await refused(watched) == "log_rewritten"
        anew = await accepted(office.log, 280, 300, mark=await marked(office.log, 280, 300))
        # The first command was broken off once the log had its second name.
        await watched.show(first)
        assert await refused(watched) == "log_set_back"
        await on_record(office, 280, 300, anew)
        await office.log.by_hand("UPDATE restored SET accepted_at = now(), opened_at = now()")
        assert await show() == ""
        assert (await office.told(watched)).origin == THIRD_NAME


async def set_back_into_its_acceptance(office: Office, watched: WatchedLog, size: int) -> tuple[UUID, bytes]:
    """A log that goes on as its second name, signed to 300 entries, has so many again, within or just behind its acceptance at 280."""
    await office.log.append(300)
    await watched.round()
    mark, words = await accepted_mark(office, 280, 300)
    assert await refused(watched) == "log_rewritten"
    await watched.show(words)
    await watched.round()
    await office.log.append(17)
    await watched.round()
    await office.log.restore(size)
    # Its mark waits again, as it did then.
    await office.log.by_hand("UPDATE restored SET accepted_at = NULL, opened_at = NULL")
    assert await refused(watched) == "log_shrank"
    return mark, words


@pytest.mark.parametrize("size", [281, 282, 283])
async def test_a_log_that_was_set_back_to_within_its_acceptance_goes_on_once_two_persons_accept_that_again(office: Office, size: int) -> None:
    async with office.started() as watched:
        mark, before = await set_back_into_its_acceptance(office, watched, size)
        again = await accepted(office.log, 280, 300, mark=mark)
        await watched.show(before)
        await watched.round()
        assert watched.unaccepted == ("accepted_before" if size == 283 else "not_in_log")
        await watched.show(again)
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.size, said.root) == (THIRD_NAME, size + 3, await office.log.root())
        assert proven(office, watched, 3) == (280, 300, [size, size + 2])


@pytest.mark.parametrize("size", [284, 290])
async def test_fewer_than_there_are_behind_the_acceptance_of_the_present_name_are_not_what_was_kept(office: Office, size: int) -> None:
    async with office.started() as watched:
        mark, _ = await set_back_into_its_acceptance(office, watched, size)
        for kept in (280, 283):
            await watched.show(await accepted(office.log, kept, 300, mark=mark))
            await watched.round()
            assert (watched.unaccepted, watched.origin, watched.broken(3)) == ("kept_fewer", SECOND_NAME, None)
