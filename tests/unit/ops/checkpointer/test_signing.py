"""A log that only grows is signed and seen; one that is shorter, rewritten or restored from a backup is signed by nobody."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from ops.checkpointer.signing import Shown, Witness, next_checkpoint
from ops.settings import CannotStart
from ops.witness.app import create_app
from ops.witness.memory import Memory, memory_in
from ops.witness.settings import KnownKey, WitnessSettings, known_keys_in
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import Nodes, leaf_hash
from shared.tlog.trust import TrustPolicy
from shared.tlog.witnessing import AddCheckpoint
from tests.unit.shared.tlog.test_notes import AT, FINANCE, LOG, OLD_LOG, ORIGIN, OTHER_LOG
from tests.unit.shared.tlog.test_tree import LEAVES, NODES, ROOTS, nodes_over

POLICY = TrustPolicy((LOG.verifier_key,), {"w": FINANCE.verifier_key}, {}, "w")
REWRITTEN = nodes_over([*LEAVES[:5], leaf_hash(b"rewritten"), *LEAVES[6:]])


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with memory_in(tmp_path / "signed") as opened:
        yield opened


@asynccontextmanager
async def witness_in(folder: Path) -> AsyncIterator[tuple[Witness, httpx.AsyncClient]]:
    """A witness that keeps what it saw in this folder, and whoever may ask it."""
    with memory_in(folder) as seen:
        app = create_app(seen, FINANCE, [KnownKey(LOG.verifier_key)], lambda: AT)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://w") as client:
            yield Witness(FINANCE.verifier_key, "http://w"), client


def signed(memory: Memory, size: int, nodes: Nodes = NODES) -> Note:
    return next_checkpoint(memory, [LOG], ORIGIN, size, nodes)


async def test_a_log_that_grows_is_signed_and_seen(memory: Memory, tmp_path: Path) -> None:
    async with witness_in(tmp_path / "witness") as (witness, client):
        shown = Shown()
        for size in (0, 1, 1, 256, 300, 1_000):
            note = signed(memory, size)
            note = note.with_signatures([await shown.to(witness, note, NODES, client)])
            assert POLICY.checked(note) == Checkpoint(ORIGIN, size, ROOTS[size])
        # Whoever begins anew does not know what the witness saw, and is told.
        assert await Shown().to(witness, note, NODES, client) == note.signatures[-1]


def test_a_log_that_is_shorter_or_reads_otherwise_is_not_signed(memory: Memory) -> None:
    signed(memory, 300)
    with pytest.raises(LogRefused) as refused:
        signed(memory, 299)
    assert refused.value.code == "log_shrank"
    for size in (300, 400):
        with pytest.raises(LogRefused) as refused:
            signed(memory, size, REWRITTEN)
        assert refused.value.code == "log_rewritten"
    assert Checkpoint.of(signed(memory, 300)).size == 300


async def test_after_a_restore_of_an_old_database_and_of_the_signers_own_memory_the_witness_refuses(tmp_path: Path) -> None:
    async with witness_in(tmp_path / "witness") as (witness, client):
        with memory_in(tmp_path / "signed") as memory:
            await Shown().to(witness, signed(memory, 300), NODES, client)
        with memory_in(tmp_path / "restored") as memory:
            for size, nodes, code in (
                (200, NODES, "witness_saw_more"), (300, REWRITTEN, "witness_saw_another"), (400, REWRITTEN, "witness_saw_another"),
            ):  # fmt: skip
                with memory_in(tmp_path / f"lost {size}") as lost, pytest.raises(LogRefused) as refused:
                    await Shown().to(witness, signed(lost, size, nodes), nodes, client)
                assert refused.value.code == code
            # A log that goes on where the witness saw it is seen again, whatever else was lost.
            await Shown().to(witness, signed(memory, 400), NODES, client)


async def test_a_witness_that_starts_anew_remembers(tmp_path: Path) -> None:
    with memory_in(tmp_path / "signed") as memory:
        async with witness_in(tmp_path / "witness") as (witness, client):
            await Shown().to(witness, signed(memory, 300), NODES, client)
        async with witness_in(tmp_path / "witness") as (witness, client):
            with memory_in(tmp_path / "other") as other, pytest.raises(LogRefused, match="300 entries"):
                await Shown().to(witness, signed(other, 200), NODES, client)


async def test_a_witness_signs_nothing_once_its_memory_is_damaged_or_for_logs_that_it_does_not_know(tmp_path: Path, memory: Memory) -> None:
    async with witness_in(tmp_path / "witness") as (witness, client):
        await Shown().to(witness, signed(memory, 300), NODES, client)
        (kept,) = (tmp_path / "witness").glob("*.json")
        kept.write_text(kept.read_text()[:-9])
        with pytest.raises(LogRefused) as refused:
            await Shown().to(witness, signed(memory, 400), NODES, client)
        assert refused.value.code == "witness_away"
        answer = await client.post("/add-checkpoint", content=b"old 0\n\n" + str(signed(memory, 400)).encode())
        assert answer.status_code == 503
        unknown = next_checkpoint(memory, [OTHER_LOG], "log.example/cases", 3, NODES)
        assert (await client.post("/add-checkpoint", content=b"old 0\n\n" + str(unknown).encode())).status_code == 404
        assert (await client.post("/add-checkpoint", content=b"what")).status_code == 400


async def test_a_witness_that_answers_with_anything_else_has_not_seen_it(memory: Memory) -> None:
    note = signed(memory, 5)
    lines = [
        (200, f"{OTHER_LOG.sign(note.text)}\n", "text/plain"), (200, f"{FINANCE.sign(note.text + 'x', AT)}\n", "text/plain"),
        (200, "nothing", "text/plain"), (409, "many\n", "text/x.tlog.size"), (409, "0\n", "text/plain"), (500, "", "text/plain"),
    ]  # fmt: skip
    for status, body, kind in lines:
        transport = httpx.MockTransport(lambda _, status=status, body=body, kind=kind: httpx.Response(status, text=body, headers={"content-type": kind}))
        async with httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(LogRefused):
                await Shown().to(Witness(FINANCE.verifier_key, "http://w"), note, NODES, client)


async def test_a_witness_that_knows_no_such_log_is_told_from_one_that_is_away(memory: Memory) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(404))) as client:
        with pytest.raises(LogRefused) as refused:
            await Shown().to(Witness(FINANCE.verifier_key, "http://w"), signed(memory, 5), NODES, client)
    assert refused.value.code == "log_unknown_to_witness"


def test_two_processes_never_share_a_memory(tmp_path: Path) -> None:
    with memory_in(tmp_path / "signed"), pytest.raises(CannotStart):
        Memory(tmp_path / "signed")


def test_a_log_changes_its_key_under_two_signatures(memory: Memory) -> None:
    note = next_checkpoint(memory, [OLD_LOG, LOG], ORIGIN, 7, NODES)
    for signer in (OLD_LOG, LOG):
        assert TrustPolicy((signer.verifier_key,)).checked(note).size == 7


async def test_a_former_key_counts_for_a_witness_until_its_end_as_it_is_written(tmp_path: Path) -> None:
    until = datetime.fromtimestamp(AT, UTC).date()
    for end, status in ((until, 404), (until + timedelta(days=1), 200)):
        (known,) = known_keys_in("AVRR_LOG_KEYS", f"{LOG.verifier_key}@{end.isoformat()}")
        assert known == KnownKey(LOG.verifier_key, end) and KnownKey.of(str(known)) == known
        with memory_in(tmp_path / "signed") as memory, memory_in(tmp_path / "witness") as seen:
            app = create_app(seen, FINANCE, [known], lambda: AT)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://w") as client:
                asked = AddCheckpoint(0, (), signed(memory, 0))
                assert (await client.post("/add-checkpoint", content=bytes(asked))).status_code == status


def test_a_witness_starts_only_with_what_it_needs(tmp_path: Path) -> None:
    whole = {"AVRR_WITNESS_FOLDER": str(tmp_path / "w"), "AVRR_WITNESS_NAME": "w.example", "AVRR_LOG_KEYS": str(LOG.verifier_key)}
    settings = WitnessSettings.from_environment(whole)
    assert settings.logs == (KnownKey(LOG.verifier_key),)
    assert settings.signer.verifier_key == WitnessSettings.from_environment(whole).signer.verifier_key
    assert (tmp_path / "w" / "witness_key").stat().st_mode & 0o777 == 0o600
    for wrong in (
        {"AVRR_PORT": "x"}, {"AVRR_PORT": "0"}, {"AVRR_LOG_KEYS": str(FINANCE.verifier_key)}, {"AVRR_LOG_KEYS": "nowhere"},
        {"AVRR_LOG_KEYS": f"{LOG.verifier_key}@2026-13-01"}, {"AVRR_LOG_KEYS": "nobody@2026-12-01"},
        {"AVRR_WITNESS_FOLDER": ""},
    ):  # fmt: skip
        with pytest.raises(CannotStart):
            WitnessSettings.from_environment({**whole, **wrong})
    with pytest.raises(CannotStart):
        _ = WitnessSettings.from_environment({**whole, "AVRR_WITNESS_NAME": "a b"}).signer
