"""A log that was set back is signed again under the next name, once two persons' words stand in it behind what was kept, and by no other."""

import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.types import ASGIApp

from ops.after_restore.showing import accepted_of, until_signed
from ops.checkpointer.app import create_app
from ops.checkpointer.watched_log import WatchedLog
from shared.db import Database
from shared.tlog.breaks import Break
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy
from shared.tlog.witnessing import AddCheckpoint
from shared.topology import BY_NAME
from tests.integration.checkpointer.office import HOUSE, LOG, Office
from tests.integration.checkpointer.restored import (
    FIRST,
    SECOND,
    acceptances,
    accepted,
    event,
    marked,
    shown,
)
from tests.integration.checkpointer.test_watched_log import refused


def policy_of(office: Office) -> TrustPolicy:
    settings = office.settings(office.folder)
    return settings.policy(settings.keys_of_all(office.now.date()))


async def set_back(office: Office, watched: WatchedLog, had: int = 300, kept: int = 280) -> None:
    await office.log.append(had)
    await watched.round()
    await office.log.restore(kept)
    assert await refused(watched) == "log_shrank"


async def test_a_log_that_was_set_back_goes_on_under_the_next_name_once_two_persons_accepted_it(office: Office) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        former = watched.published
        await watched.show(await accepted(office.log, 280, 300, event("access.record_read")))
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.size, said.root) == (f"{HOUSE}/{LOG}/2", 284, await office.log.root())
        assert (watched.alarm, watched.unaccepted) == (None, None)

        # Whoever has the keys and the former checkpoint checks by this alone what became of that history.
        written = watched.broken(2)
        assert written is not None
        proof = Break.of(written)
        assert bytes(proof) == written
        assert proof.closed.note == former
        found = proof.checked(policy_of(office))
        assert (found.kept, found.known, found.proposed_by != found.accepted_by) == (280, 300, True)

        await office.log.append(30)
        await watched.round()
        assert (await office.told(watched)).size == 314
    async with office.started() as watched:
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/2"
        assert watched.broken(2) == written


@pytest.mark.parametrize("whole", [True, False], ids=["all of it shown", "shown from the first acceptance on"])
async def test_what_was_recorded_before_anybody_found_that_a_log_was_set_back_stays_in_it(office: Office, whole: bool) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        since = (event("case.opened"), event("access.record_read"), *(event("case.noted") for _ in range(40)))
        await office.log.record(*since)
        both = acceptances(280, await office.log.root_at(280), 300)
        await office.log.record(*both)
        await watched.show(shown(*(since if whole else ()), *both))
        await watched.round()
        assert ((await office.told(watched)).size, watched.unaccepted) == (324, None)
        written = watched.broken(2)
        assert written is not None
        proof = Break.of(written)
        assert (proof.checked(policy_of(office)).kept, [one.index for one in proof.proofs]) == (280, [322, 323])


async def test_a_log_that_was_set_back_twice_has_a_third_name(office: Office) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        await watched.show(await accepted(office.log, 280, 300))
        await watched.round()
        await office.log.append(40)
        await watched.round()
        # Before the first restore, too.
        await office.log.restore(256)
        assert await refused(watched) == "log_shrank"
        await watched.show(await accepted(office.log, 256, 323))
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/3"
        for generation in (2, 3):
            written = watched.broken(generation)
            assert written is not None
            assert Break.of(written).origin == Origin(f"{HOUSE}/{LOG}", generation)
            Break.of(written).checked(policy_of(office))
        assert watched.broken(4) is None


async def test_a_log_that_seemed_shorter_for_a_moment_goes_on_though_more_is_kept_than_was_ever_signed(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        await office.log.by_hand("UPDATE event_log SET idx = idx + 100000 WHERE idx >= 290", "UPDATE log_head SET size = 290")
        assert await refused(watched) == "log_shrank"
        await office.log.by_hand("UPDATE event_log SET idx = idx - 100000 WHERE idx >= 100000", "UPDATE log_head SET size = 300")
        await office.log.append(500)
        await watched.show(await accepted(office.log, 800, 810))
        await watched.round()
        assert ((await office.told(watched)).size, watched.unaccepted) == (803, None)
        written = watched.broken(2)
        assert written is not None
        assert Break.of(written).checked(policy_of(office)).kept == 800


async def accepted_on_record(office: Office, kept: int, known: int) -> None:
    """Two persons accept, and the database knows that they did."""
    await on_record(office, kept, known, await accepted(office.log, kept, known))


async def on_record(office: Office, kept: int, known: int, shown_: bytes) -> None:
    """The database knows what two persons accepted."""
    words = shown_.splitlines()
    subject = json.loads(words[0])["subject"]
    await office.log.by_hand(
        f"UPDATE event_log SET subject = '{subject}', aggver = idx WHERE convert_from(leaf, 'UTF8')::jsonb ->> 'subject' = '{subject}'",
        "INSERT INTO restores (id, version, kept, root, known, listed, list_sha256, reason, proposed_by, accepted_by, accepted_at) "
        f"VALUES ('{subject}', 2, {kept}, '', {known}, 0, '', 'exercise', '{FIRST}', '{SECOND}', now())",
    )


@asynccontextmanager
async def operator_of(office: Office, watched: WatchedLog) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Shows what two persons accepted as a command does, while a round follows on each look at how the log is."""
    app = httpx.ASGITransport(create_app([watched], policy_of(office), lambda: office.now))

    async def line(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/readyz":
            with contextlib.suppress(LogRefused):
                await watched.round()
        return await app.handle_async_request(request)

    database = Database(office.log.made.logins.worker, "avrr-test", 1)
    await database.open()
    async with httpx.AsyncClient(transport=httpx.MockTransport(line)) as client:

        async def show() -> str:
            restores = await accepted_of(database, BY_NAME[LOG])
            return await until_signed(client, "http://invented.example", BY_NAME[LOG], database, restores)

        yield show
    await database.dispose()


async def test_whichever_restore_a_checkpointer_missed_it_is_shown_all_of_them_until_it_takes_one(office: Office) -> None:
    async with office.started() as watched, operator_of(office, watched) as show:
        await set_back(office, watched)
        # The checkpointer sees nothing of the first acceptance before the log was set back to behind it.
        await accepted_on_record(office, 280, 300)
        await office.log.append(40)
        await office.log.restore(310)
        await accepted_on_record(office, 310, 323)
        assert await show() == ""
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/2"
        # One that it did see: then the older ones have nothing to say, and the newest has.
        await office.log.append(20)
        await watched.round()
        await office.log.restore(320)
        assert await refused(watched) == "log_shrank"
        await accepted_on_record(office, 320, 333)
        assert await show() == ""
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/3"


async def restored_with_what_was_signed(office: Office) -> None:
    """A backup of the checkpointer from when 300 entries were signed, beside a log that is restored to 350 of 400 that were.

    The witness was restored as well: of what came after it knows nothing.
    """
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        shutil.copytree(office.folder / "signs", office.folder / "backup")
        office.reached = False
        await office.log.append(100)
        assert await refused(watched) == "witness_away"
        office.reached = True
    await office.log.restore(350)


async def test_a_log_that_was_restored_together_with_what_was_signed_of_it_is_signed_only_under_the_next_name(office: Office) -> None:
    await restored_with_what_was_signed(office)
    mark, asked = await marked(office.log, 350, 400), len(office.posted)
    async with office.started("backup") as watched:
        assert await refused(watched) == "log_set_back"
        await watched.round()
    async with office.started("backup") as watched:
        await watched.round()
        assert (len(office.posted), (await office.told(watched)).size) == (asked, 300)
        former = watched.published
        await watched.show(await accepted(office.log, 350, 400, mark=mark))
        await watched.round()
        said = await office.told(watched)
        assert (said.origin, said.size, said.root) == (f"{HOUSE}/{LOG}/2", 353, await office.log.root())
        assert (watched.alarm, watched.unaccepted) == (None, None)
        written = watched.broken(2)
        assert written is not None
        proof = Break.of(written)
        assert (proof.checked(policy_of(office)).kept, proof.closed.note) == (350, former)
        await office.log.by_hand("UPDATE restored SET accepted_at = now()")
        await office.log.append(5)
        await watched.round()
        assert (await office.told(watched)).size == 358
    async with office.started("backup") as watched:
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/2"


async def test_a_mark_that_two_accepted_while_the_checkpointer_was_away_is_shown_before_anything_is_signed(office: Office) -> None:
    await restored_with_what_was_signed(office)
    mark = await marked(office.log, 350, 400)
    shown_ = await accepted(office.log, 350, 400, mark=mark)
    await office.log.by_hand("UPDATE restored SET accepted_at = now(), opened_at = now()")
    await office.log.append(20)
    async with office.started("backup") as watched:
        assert await refused(watched) == "log_set_back"
        await watched.show(shown_)
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/2"


async def test_a_mark_behind_which_more_of_this_very_log_was_signed_keeps_nothing_from_being_signed(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        # The stream knows more than the log had when it was found; none of that was ever signed.
        await marked(office.log, 280, 310)
        await office.log.record(event("access.record_read"))
        await watched.round()
        assert ((await office.told(watched)).size, watched.alarm) == (301, None)


async def test_who_never_signed_a_log_that_was_set_back_waits_for_the_two_persons(office: Office) -> None:
    await office.log.append(5)
    mark = await marked(office.log, 5, 9)
    async with office.started() as watched:
        assert await refused(watched) == "set_back_waits"
        assert (watched.alarm, office.posted) == (None, [])
        words = await accepted(office.log, 5, 9, mark=mark)
        await office.log.by_hand("UPDATE restored SET accepted_at = now()")
        # What others may have signed of it begins with what was kept, and goes on otherwise.
        assert await refused(watched) == "log_set_back"
        said = await office.told(watched)
        assert (said.origin, said.size) == (f"{HOUSE}/{LOG}", 5)
        await watched.show(words)
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/2"


@pytest.mark.parametrize("kept", [320, 310], ids=["all that the log has", "what it has in common with the stream"])
async def test_what_only_a_witness_knows_ends_by_an_acceptance_too(office: Office, kept: int) -> None:
    await office.backed_up()
    await office.log.restore(320)
    async with office.started("backup") as watched:
        # Nobody left word that the database was set back; so much of it was signed, and no witness took it.
        assert await refused(watched) == "witness_saw_more"
        await watched.show(await accepted(office.log, kept, 400))
        await watched.round()
        assert ((await office.told(watched)).origin, watched.unaccepted) == (f"{HOUSE}/{LOG}/2", None)
        written = watched.broken(2)
        assert written is not None
        assert Break.of(written).checked(policy_of(office)).kept == kept


async def test_what_a_witness_knows_is_not_ended_by_an_acceptance_of_fewer_than_it_was_shown(office: Office) -> None:
    await office.backed_up()
    await office.log.restore(320)
    async with office.started("backup") as watched:
        assert await refused(watched) == "witness_saw_more"
        await watched.show(await accepted(office.log, 290, 400))
        await watched.round()
        assert (watched.alarm is not None, watched.unaccepted) == (True, "kept_fewer")


async def one_person(office: Office) -> bytes:
    proposed, _ = acceptances(280, await office.log.root_at(280), 300)
    await office.log.record(proposed)
    return shown(proposed)


async def one_person_twice(office: Office) -> bytes:
    both = acceptances(280, await office.log.root_at(280), 300, FIRST, FIRST)
    await office.log.record(*both)
    return shown(*both)


async def business_in_between(office: Office) -> bytes:
    proposed, second = acceptances(280, await office.log.root_at(280), 300)
    entries = (proposed, event("case.opened"), second)
    await office.log.record(*entries)
    return shown(*entries)


async def of_another_log(office: Office) -> bytes:
    return await accepted(office.log, 280, 300) + shown(event("restore.accepted", log="counselling"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (one_person, "not_accepted"), (one_person_twice, "accepted_by_one"), (business_in_between, "accepted_too_late"),
        (of_another_log, "not_accepted"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)  # fmt: skip
async def test_what_are_not_the_words_of_two_persons_is_not_even_kept(
    office: Office, words: Callable[[Office], Awaitable[bytes]], code: str
) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        written = await words(office)
        with pytest.raises(LogRefused) as refusal:
            await watched.show(written)
        assert refusal.value.code == code
        await watched.round()
        assert watched.alarm is not None


async def never_recorded(office: Office) -> bytes:
    both = acceptances(280, await office.log.root_at(280), 300)
    await office.log.append(2)
    return shown(*both)


async def of_another_root(office: Office) -> bytes:
    both = acceptances(280, bytes(32), 300)
    await office.log.record(*both)
    return shown(*both)


async def of_fewer_than_there_are(office: Office) -> bytes:
    both = acceptances(279, await office.log.root_at(279), 300)
    await office.log.record(*both)
    return shown(*both)


async def of_more_than_were_signed(office: Office) -> bytes:
    await office.log.append(21)
    both = acceptances(301, await office.log.root_at(301), 301)
    await office.log.record(*both)
    return shown(*both)


async def of_a_history_that_was_rewritten(office: Office) -> bytes:
    await office.log.by_hand("UPDATE event_log SET leaf_hash = sha256('else') WHERE idx = 7")
    return await accepted(office.log, 280, 300)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (never_recorded, "not_in_log"), (of_another_root, "kept_unlike"), (of_fewer_than_there_are, "kept_fewer"),
        (of_more_than_were_signed, "kept_unlike"), (of_a_history_that_was_rewritten, "kept_unlike"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)  # fmt: skip
async def test_a_log_that_was_set_back_stays_refused_where_what_was_accepted_is_not_that(
    office: Office, words: Callable[[Office], Awaitable[bytes]], code: str
) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        await watched.show(await words(office))
        await watched.round()
        assert (watched.alarm is not None, watched.unaccepted) == (True, code)
        # It was judged once, and is not read again by each round.
        assert not (office.folder / "signs" / LOG / "shown").exists()
        assert Checkpoint.of(watched.published).origin == f"{HOUSE}/{LOG}"  # type: ignore[arg-type]
    async with office.started() as watched:
        await watched.round()
        assert (watched.alarm is not None, watched.broken(2)) == (True, None)


async def test_an_acceptance_of_before_does_not_open_a_log_that_was_set_back_again(office: Office) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        words = await accepted(office.log, 280, 300)
        await watched.show(words)
        await watched.round()
        await office.log.append(40)
        await watched.round()
        await office.log.restore(283)
        assert await refused(watched) == "log_shrank"
        await watched.show(words)
        await watched.round()
        assert watched.unaccepted == "accepted_before"
        await watched.show(await accepted(office.log, 283, 323))
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/3"


async def test_a_checkpointer_that_was_killed_before_it_signed_the_next_name_goes_on_with_it(office: Office) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        await watched.show(await accepted(office.log, 280, 300))
        office.reached = False
        assert await refused(watched) == "witness_away"
        assert (watched.alarm, watched.published) == (None, None)
    office.reached = True
    async with office.started() as watched:
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/2"
        assert watched.broken(2) is not None


async def test_a_disk_that_did_not_take_the_next_name_skips_none(office: Office) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        await watched.show(await accepted(office.log, 280, 300))
        in_the_way = office.folder / "signs" / LOG / "begun"
        in_the_way.mkdir()
        with pytest.raises(OSError, match="begun"):
            await watched.round()
        in_the_way.rmdir()
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/2"
    async with office.started() as watched:
        await watched.round()
        assert (await office.told(watched)).origin == f"{HOUSE}/{LOG}/2"


async def test_a_witness_that_saw_the_next_name_signs_nothing_more_under_the_former_one(office: Office) -> None:
    async with office.started() as watched:
        await set_back(office, watched)
        former = watched.published
        assert former is not None
        await watched.show(await accepted(office.log, 280, 300))
        await watched.round()
        size = Checkpoint.of(former).size
        again = AddCheckpoint(size, (), former)
        answer = await office.client.post("http://witness.invented.example/add-checkpoint", content=bytes(again))
        assert answer.status_code == 404


async def test_whoever_asks_is_told_how_a_log_goes_on_and_anybody_may_show_what_was_accepted(office: Office) -> None:
    async with office.started() as watched:
        app: ASGIApp = create_app([watched], policy_of(office), lambda: office.now)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://invented.example") as client:
            before = await client.post(f"/{LOG}/breaks", content=shown(*acceptances(1, bytes(32), 2)))
            assert (before.status_code, before.json()["code"]) == (409, "not_set_back")
            await set_back(office, watched)
            words = await accepted(office.log, 280, 300)
            assert (await client.post(f"/{LOG}/breaks", content=b"{}\n")).json()["code"] == "not_accepted"
            assert (await client.post("/nobody/breaks", content=words)).status_code == 404
            assert (await client.get(f"/{LOG}/breaks/2")).status_code == 404
            assert (await client.post(f"/{LOG}/breaks", content=words)).status_code == 202
            assert (await client.get("/readyz")).json()["logs"][LOG]["code"] == "log_shrank"
            await watched.round()
            assert (await client.get("/readyz")).status_code == 200
            assert (await client.get(f"/{LOG}/breaks/2")).content == watched.broken(2)
