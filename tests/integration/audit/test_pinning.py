"""The archive believes the keys that it began with, and what is served afterwards only by a rotation or by what people set."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import asyncpg
import httpx
import pytest

from services.audit.checking import Checking
from services.audit.checkpoints import ARCHIVED_WITHIN_SECONDS, COVERED_WITHIN_SECONDS, Checkpoints, Lag
from services.audit.kept_checkpoints import KeptCheckpoints
from services.audit.noting import Noting
from services.audit.pinning import is_earlier
from shared.db import Sql, UnitOfWork, Write
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import COSIGNATURE, ED25519, Note, Signer
from shared.tlog.tree import Frontier, leaf_hash
from shared.tlog.trust import Former, TrustPolicy
from tests.integration.audit.archived_log import LOG, OF_LOG, OF_WITNESS, POLICY, WORKER, ArchivedLog
from tests.integration.audit.test_integrity import codes, told

NEW_KEY = Signer.of(OF_LOG.name, ED25519, bytes([7]) * 32)
NEWEST_KEY = Signer.of(OF_LOG.name, ED25519, bytes([8]) * 32)
OF_EXPORTS = Signer.of("logs.example/exports", ED25519, bytes([6]) * 32)
OTHER_WITNESS = Signer.of("witness.example", COSIGNATURE, bytes([9]) * 32)
_FORGED = Sql("INSERT INTO archive_checkpoints (log, size, root, note, agrees) VALUES (:log, :size, :root, :note, true)")
_FORGED_PIN = Sql("INSERT INTO archive_policies (number, policy, why, note) VALUES (next_archive_pin(), :policy, :why, :note)")
_PUT_PIN = "INSERT INTO archive_policies (number, policy, why, note) VALUES ($1, $2, 'set', NULL)"
ROTATED = replace(POLICY, logs=(OF_LOG.verifier_key, NEW_KEY.verifier_key))


@dataclass
class Checkpointer:
    """What a checkpointer tells at the moment, and what the archive makes of it, as time goes by."""

    archived: ArchivedLog
    policy: str = str(POLICY)
    note: str = ""
    now: float = 0.0
    asked: list[str] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def asked_by_the_archive(self, by_people: TrustPolicy | None = None) -> AsyncIterator[Checkpoints]:
        """The archive's worker as it has just been started."""

        def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(request.url.path)
            return httpx.Response(200, text=self.policy if request.url.path == "/policy" else self.note)

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            yield Checkpoints(
                self.archived.made.worker, client, "http://checkpointer.test", (LOG,), by_people, elapsed=lambda: self.now
            )

    async def look(self, checkpoints: Checkpoints) -> tuple[str | None, bool]:
        """A round a minute later: the alarm of the log, and whether the policy is another."""
        self.now += 60
        await checkpoints.round()
        assert checkpoints.logs[LOG].fault is None
        return checkpoints.logs[LOG].alarm, checkpoints.policy_changed

    async def signed(self, size: int, *signers: Signer, at: int = 1, witness: Signer = OF_WITNESS) -> str:
        """The checkpoint of the log's first entries, by these keys and a witness at that second."""
        tree = Frontier()
        for leaf in (await self.archived.leaves())[:size]:
            tree.append(leaf_hash(leaf))
        text = Checkpoint(OF_LOG.name, size, tree.root()).text
        return str(Note(text, (*(signer.sign(text) for signer in signers), witness.sign(text, at))))

    async def pins(self) -> list[tuple[object, ...]]:
        async with self.archived.beside_the_archive() as superuser:
            rows = await superuser.fetch("SELECT policy, why, note IS NOT NULL FROM archive_policies ORDER BY number")
        return [tuple(row.values()) for row in rows]


@pytest.fixture
async def checkpointer(archived: ArchivedLog) -> Checkpointer:
    await archived.happen(4)
    await archived.archive()
    found = Checkpointer(archived)
    found.note = await found.signed(2, OF_LOG)
    return found


@pytest.mark.parametrize("served", [
    replace(POLICY, quorum="none"), replace(POLICY, groups={}, quorum="w"),
    replace(POLICY, witnesses={"w": OTHER_WITNESS.verifier_key}), replace(POLICY, logs=(NEW_KEY.verifier_key,)),
    replace(POLICY, logs=(*POLICY.logs, NEW_KEY.verifier_key)), "no policy",
])  # fmt: skip
async def test_another_policy_that_is_served_is_an_alarm_and_is_not_believed(
    checkpointer: Checkpointer, served: TrustPolicy | str
) -> None:
    async with checkpointer.asked_by_the_archive() as checkpoints:
        assert await checkpointer.look(checkpoints) == (None, False)
        checkpointer.policy = str(served)
        assert await checkpointer.look(checkpoints) == (None, True)
        assert checkpoints.policy == POLICY
        # What only those sign whom it names is not believed either.
        checkpointer.note = await checkpointer.signed(3, NEW_KEY, witness=OTHER_WITNESS)
        assert await checkpointer.look(checkpoints) == ("log_unknown", True)
        known = Noting(checkpointer.archived.made.worker, checkpointer.archived.comparing, Checking(checkpoints._database, (LOG,)), checkpoints)
        await known.note()
    assert {"policy_changed", "checkpoint_refused"} <= set(codes(await told(checkpointer.archived)))
    # Nor by whoever starts next, before they asked for anything else.
    async with checkpointer.asked_by_the_archive() as checkpoints:
        assert await checkpointer.look(checkpoints) == ("log_unknown", True)
        checkpointer.policy, checkpointer.note = str(POLICY), await checkpointer.signed(3, OF_LOG)
        assert await checkpointer.look(checkpoints) == (None, False)
    assert await checkpointer.pins() == [(str(POLICY), "first", False)]


async def test_a_key_for_exports_that_the_served_policy_names_since_is_no_other_policy(checkpointer: Checkpointer) -> None:
    async with checkpointer.asked_by_the_archive() as checkpoints:
        assert await checkpointer.look(checkpoints) == (None, False)
        checkpointer.policy = str(replace(POLICY, logs=(*POLICY.logs, OF_EXPORTS.verifier_key)))
        assert await checkpointer.look(checkpoints) == (None, False)
        assert checkpoints.policy == POLICY


@pytest.mark.parametrize(("size", "latest"), [(4, None), (10**12, 3)])
async def test_a_row_that_no_key_signed_is_an_alarm_of_its_log_alone_and_keeps_no_honest_checkpoint_out(
    checkpointer: Checkpointer, size: int, latest: int | None
) -> None:
    archived = checkpointer.archived
    async with checkpointer.asked_by_the_archive() as checkpoints:
        assert await checkpointer.look(checkpoints) == (None, False)
        await archived.made.worker.attempt(WORKER, lambda unit: _unsigned(unit, size))
        checkpointer.note = await checkpointer.signed(3, OF_LOG, at=3)
        assert await checkpointer.look(checkpoints) == (None, False)
        await KeptCheckpoints(archived.made.worker, checkpoints.signed).look(LOG, 0, 4)
        await Noting(archived.made.worker, archived.comparing, Checking(archived.made.worker, (LOG,)), checkpoints).note()
    found = await told(archived)
    assert "entries_note" in codes(found)
    # What cannot be, for so much is not archived, is in the way of nothing else that is told.
    unproven = ("checkpoint_refused", "kept_unproven") in [(alarm["code"], alarm["detail"]) for alarm in found["alarms"]]
    assert (unproven, found["checkpoint"] and found["checkpoint"]["size"]) == (latest is None, latest)


async def test_a_row_as_long_as_the_archive_that_no_key_signed_makes_no_honest_checkpoint_an_older_one(checkpointer: Checkpointer) -> None:
    async with checkpointer.asked_by_the_archive() as checkpoints:
        assert await checkpointer.look(checkpoints) == (None, False)
        await checkpointer.archived.made.worker.attempt(WORKER, lambda unit: _unsigned(unit, 4))
        checkpointer.note = await checkpointer.signed(3, OF_LOG, at=3)
        assert await checkpointer.look(checkpoints) == (None, False)
        checkpointer.note = await checkpointer.signed(2, OF_LOG, at=4)
        assert await checkpointer.look(checkpoints) == ("checkpoint_older", False)


@pytest.mark.parametrize(("why", "note"), [("rotation", None), ("rotation", "forged"), ("set", None), ("first", None), ("rotation", "former")])
@pytest.mark.parametrize("by_people", [None, POLICY])
async def test_a_pin_that_whoever_writes_in_the_table_put_there_is_believed_by_nobody_who_starts(
    checkpointer: Checkpointer, why: str, note: str | None, by_people: TrustPolicy | None
) -> None:
    async with checkpointer.asked_by_the_archive(by_people) as checkpoints:
        assert await checkpointer.look(checkpoints) == (None, False)
        checkpointer.policy, checkpointer.note = str(ROTATED), await checkpointer.signed(3, NEW_KEY, OF_LOG)
        assert await checkpointer.look(checkpoints) == (None, False)
    proofs = {"forged": await checkpointer.signed(4, NEWEST_KEY), "former": await checkpointer.signed(4, NEWEST_KEY, OF_LOG)}
    taken = replace(ROTATED, logs=(*ROTATED.logs, NEWEST_KEY.verifier_key), quorum="none")

    async def put(unit: UnitOfWork) -> None:
        unit.write(Write(_FORGED_PIN, {"policy": str(taken), "why": why, "note": proofs.get(note or "")}))
        await unit.flush()
        unit.write(Write(_FORGED_PIN, {"policy": "no policy", "why": why, "note": None}))

    await checkpointer.archived.made.worker.attempt(WORKER, put)
    async with checkpointer.archived.beside_the_archive() as superuser:
        await superuser.execute(_PUT_PIN, -1, str(taken))
    async with checkpointer.asked_by_the_archive(by_people) as checkpoints:
        checkpointer.note = await checkpointer.signed(4, NEWEST_KEY)
        assert (await checkpointer.look(checkpoints))[0] == "log_unknown"
        assert checkpoints.policy is not None and NEWEST_KEY.verifier_key not in checkpoints.policy.logs
        assert checkpoints.policy.quorum == POLICY.quorum


async def test_a_pin_has_the_next_number_and_one_of_before_that_has_a_greater_one_is_in_nobodys_way(checkpointer: Checkpointer) -> None:
    async with checkpointer.asked_by_the_archive() as checkpoints:
        assert await checkpointer.look(checkpoints) == (None, False)
        worker = await asyncpg.connect(checkpointer.archived.made.logins.worker)
        for number in (2**63 - 1, 3, 1, 0, -1):
            with pytest.raises(asyncpg.RestrictViolationError):
                await worker.execute(_PUT_PIN, number, str(POLICY))
        await worker.close()
        async with checkpointer.archived.beside_the_archive() as superuser:
            await superuser.execute(_PUT_PIN, 2**63 - 1, "no policy")
        checkpointer.policy, checkpointer.note = str(ROTATED), await checkpointer.signed(3, NEW_KEY, OF_LOG)
        assert await checkpointer.look(checkpoints) == (None, False)
        assert checkpoints.policy == ROTATED
    assert (await checkpointer.pins())[:2] == [(str(POLICY), "first", False), (str(ROTATED), "rotation", True)]


async def _unsigned(unit: UnitOfWork, size: int) -> None:
    unit.write(Write(_FORGED, {"log": LOG, "size": size, "root": bytes(32), "note": "nothing"}))


@pytest.mark.parametrize(("kept", "signed", "earlier"), [
    ((100, 40), (130, 70), False), ((100, 40), (None, 70), False), ((100, 40), (70, 10), True), ((100, 40), (100, 10), True),
    ((100, 40), (100, 40), False), ((100, None), (None, 70), True), ((100, None), (None, 130), False), ((100, 40), (70, 70), False),
])  # fmt: skip
def test_times_are_compared_witness_by_witness_for_their_clocks_may_be_apart(
    kept: tuple[int | None, ...], signed: tuple[int | None, ...], earlier: bool
) -> None:
    witnesses = (OF_WITNESS, OTHER_WITNESS)

    def seen(times: tuple[int | None, ...]) -> Note:
        return Note("seen\n", tuple(one.sign("seen\n", at) for one, at in zip(witnesses, times, strict=True) if at is not None))

    assert is_earlier(seen(signed), seen(kept), [one.verifier_key for one in witnesses]) is earlier


async def test_a_log_whose_key_changes_under_two_signatures_is_believed_and_the_former_key_alone_no_more(checkpointer: Checkpointer) -> None:
    async with checkpointer.asked_by_the_archive() as checkpoints:
        await checkpointer.look(checkpoints)
        checkpointer.policy, checkpointer.note = str(ROTATED), await checkpointer.signed(3, NEW_KEY, OF_LOG)
        assert await checkpointer.look(checkpoints) == (None, False)
        checkpointer.note = await checkpointer.signed(4, OF_LOG)
        assert await checkpointer.look(checkpoints) == ("former_key", False)
        checkpointer.note = await checkpointer.signed(4, NEW_KEY)
        assert await checkpointer.look(checkpoints) == (None, False)
    assert await checkpointer.pins() == [(str(POLICY), "first", False), (str(ROTATED), "rotation", True)]
    async with checkpointer.asked_by_the_archive() as checkpoints:
        assert await checkpointer.look(checkpoints) == (None, False)
        assert checkpoints.policy == ROTATED


async def test_what_people_set_counts_before_what_is_served_and_a_rotation_since_stays(checkpointer: Checkpointer) -> None:
    async with checkpointer.asked_by_the_archive(replace(POLICY, logs=(NEW_KEY.verifier_key,))) as checkpoints:
        assert await checkpointer.look(checkpoints) == ("log_unknown", True)
    async with checkpointer.asked_by_the_archive(POLICY) as checkpoints:
        checkpointer.policy, checkpointer.note = str(ROTATED), await checkpointer.signed(3, OF_LOG, NEW_KEY)
        assert await checkpointer.look(checkpoints) == (None, False)
    async with checkpointer.asked_by_the_archive(POLICY) as checkpoints:
        checkpointer.note = await checkpointer.signed(4, NEW_KEY)
        assert await checkpointer.look(checkpoints) == (None, False)
        assert checkpoints.policy == ROTATED
    assert [why for _, why, _ in await checkpointer.pins()] == ["set", "set", "rotation"]


async def test_witnesses_of_before_that_people_name_are_no_other_policy_and_prove_nothing_of_now(checkpointer: Checkpointer) -> None:
    court = Signer.of("court.example", COSIGNATURE, bytes([9]) * 32)
    changed = replace(POLICY, witnesses={"court": court.verifier_key}, groups={}, quorum="court")
    by_people = replace(changed, former=(Former(2, 1, (OF_WITNESS.verifier_key,)),))
    # The checkpointer serves those whom it asks.
    checkpointer.policy = str(changed)
    async with checkpointer.asked_by_the_archive(by_people) as checkpoints:
        assert await checkpointer.look(checkpoints) == ("not_witnessed", False)
        checkpointer.note = await checkpointer.signed(3, OF_LOG, witness=court)
        assert await checkpointer.look(checkpoints) == (None, False)
        assert checkpoints.policy == by_people
        # A rotation keeps them.
        checkpointer.policy = str(replace(changed, logs=ROTATED.logs))
        checkpointer.note = await checkpointer.signed(4, OF_LOG, NEW_KEY, witness=court)
        assert await checkpointer.look(checkpoints) == (None, False)
    async with checkpointer.asked_by_the_archive(by_people) as checkpoints:
        assert await checkpointer.look(checkpoints) == (None, False)
        assert checkpoints.policy == replace(by_people, logs=ROTATED.logs)


async def test_former_witnesses_that_are_served_are_another_policy_until_people_name_them_as_well(checkpointer: Checkpointer) -> None:
    keys = (OF_WITNESS.verifier_key, OTHER_WITNESS.verifier_key)
    checkpointer.policy = str(replace(POLICY, former=(Former(2, 1, keys),)))
    for believed, changed in [
        ((), True), ((Former(3, 1, keys),), True), ((Former(2, 2, keys),), True), ((Former(2, 1, keys[:1]),), True),
        ((Former(9, 1, keys[:1]), Former(2, 1, keys[::-1])), False),
    ]:
        async with checkpointer.asked_by_the_archive(replace(POLICY, former=believed)) as checkpoints:
            assert await checkpointer.look(checkpoints) == (None, changed)
            assert checkpoints.policy is not None and checkpoints.policy.former == believed


async def test_an_older_checkpoint_that_is_told_again_is_an_alarm_also_after_a_start(checkpointer: Checkpointer) -> None:
    small, early, late = (
        checkpointer.note, await checkpointer.signed(3, OF_LOG, at=5), await checkpointer.signed(3, OF_LOG, at=9)
    )  # fmt: skip
    async with checkpointer.asked_by_the_archive() as checkpoints:
        for note in (small, early, late):
            checkpointer.note = note
            assert await checkpointer.look(checkpoints) == (None, False)
    for restarted in (True, False):
        async with checkpointer.asked_by_the_archive() as checkpoints:
            if not restarted:
                checkpointer.note = late
                assert await checkpointer.look(checkpoints) == (None, False)
            for note in (small, early):
                checkpointer.note = note
                assert await checkpointer.look(checkpoints) == ("checkpoint_older", False)


async def test_a_checkpoint_that_stays_behind_the_archive_and_an_archive_behind_its_checkpoint_are_alarms_in_time(
    checkpointer: Checkpointer
) -> None:
    archived = checkpointer.archived
    checking = Checking(archived.made.worker, (LOG,))

    async def noted(checkpoints: Checkpoints) -> set[str]:
        await checkpoints.round()
        await Noting(archived.made.worker, archived.comparing, checking, checkpoints).note()
        return set(codes(await told(archived))) & {"checkpoint_behind", "archive_behind"}

    async with checkpointer.asked_by_the_archive() as checkpoints:
        assert await noted(checkpoints) == set()
        checkpointer.now += COVERED_WITHIN_SECONDS + 1
        # What it covers meanwhile is what was waiting, and only what came since waits from now on.
        checkpointer.note = await checkpointer.signed(4, OF_LOG)
        assert await noted(checkpoints) == set()
        await archived.happen(1)
        await archived.archive()
        assert await noted(checkpoints) == set()
        checkpointer.now += COVERED_WITHIN_SECONDS + 1
        assert await noted(checkpoints) == {"checkpoint_behind"}
        await archived.happen(1)
        checkpointer.note = await checkpointer.signed(6, OF_LOG)
        await noted(checkpoints)
        checkpointer.now += ARCHIVED_WITHIN_SECONDS + 1
        assert "archive_behind" in await noted(checkpoints)
        await archived.archive()
        assert await noted(checkpoints) == set()


def test_what_is_behind_lags_until_what_was_ahead_is_reached() -> None:
    lag = Lag()
    for now, ahead, behind, seconds in ((0, 5, 5, 0), (1, 6, 5, 0), (3, 9, 5, 2), (4, 9, 6, 0), (5, 12, 8, 1), (9, 12, 9, 0), (10, 12, 12, 0)):
        lag.seen(ahead, behind, now)
        assert lag.seconds(now) == seconds
