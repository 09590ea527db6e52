"""The checkpoints of a running system: signed of every log, seen by the witness, and shown to whoever asks."""

import asyncio
import os
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from ops.checkpointer.settings import LOG_NAMES
from ops.checkpoints import log_keys
from ops.demo_year.people import moment
from ops.settings import PROJECT, OpsSettings
from ops.system import verify_url
from services.counselling.domain.person import RegisterPerson
from shared.ids import uuid7
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import COSIGNATURE, Note, Signer
from shared.tlog.tree import Frontier
from shared.tlog.trust import TrustPolicy
from shared.topology import BY_NAME
from tests.e2e.conftest import Mission


async def avrr(data: Path, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from ops.cli import main; main()", "audit", *arguments, cwd=PROJECT,
        env={**os.environ, "AVRR_DATA": str(data)}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def published(mission: Mission, log: str, size: int) -> Note:
    """The checkpoint of a log, once it covers so many entries."""
    async with asyncio.timeout(60):
        while True:
            answer = await mission.client.get(f"{mission.addresses.checkpointer}/{log}/checkpoint")
            if answer.status_code == 200:
                note = Note.of(answer.content)
                if Checkpoint.of(note).size >= size:
                    return note
            await asyncio.sleep(0.2)


async def entries(mission: Mission, log: str) -> list[bytes]:
    connection = await asyncpg.connect(verify_url(mission.settings, BY_NAME[log]))
    rows = await connection.fetch("SELECT leaf_hash FROM event_log ORDER BY idx")
    await connection.close()
    return [row["leaf_hash"] for row in rows]


async def test_every_log_of_a_running_system_has_checkpoints_that_the_witness_saw(mission: Mission) -> None:
    policy = TrustPolicy.of((await mission.client.get(f"{mission.addresses.checkpointer}/policy")).text)
    for log in LOG_NAMES:
        hashes = await entries(mission, log)
        said = policy.checked(await published(mission, log, len(hashes)))
        assert said.origin == f"{mission.settings.logs_origin}/{log}"
        tree = Frontier()
        for leaf in (await entries(mission, log))[: said.size]:
            tree.append(leaf)
        assert tree.root() == said.root


async def test_checkpoints_are_shown_and_believed_by_the_keys_that_were_given_apart(mission: Mission, tmp_path: Path) -> None:
    policy = TrustPolicy.of((await mission.client.get(f"{mission.addresses.checkpointer}/policy")).text)
    code, printed = await avrr(mission.settings.data_folder, "policy")
    assert (code, TrustPolicy.of(printed)) == (0, policy)
    (tmp_path / "policy").write_text(printed)
    code, shown = await avrr(mission.settings.data_folder, "checkpoints", "--policy", str(tmp_path / "policy"))
    assert (code, len(re.findall(r"\d+ entries, root \S{44}, seen by ours at", shown))) == (0, len(LOG_NAMES)), shown
    # Whoever trusts other keys believes none of it.
    stranger = Signer.of(f"witness.{mission.settings.logs_origin}", COSIGNATURE, bytes(32)).verifier_key
    (tmp_path / "other").write_text(str(replace(policy, witnesses={"ours": stranger})))
    assert (await avrr(mission.settings.data_folder, "checkpoints", "--policy", str(tmp_path / "other")))[0] == 1


async def test_a_new_event_is_covered_by_a_checkpoint_of_its_own(mission: Mission) -> None:
    before = Checkpoint.of(await published(mission, "counselling", 0)).size
    assert before <= len(await entries(mission, "counselling"))
    order = RegisterPerson(sex="male", birth_year=1990, country_of_origin="TR", site="trc_lipa")
    await mission.done("counselling", "counsellor-1", uuid7(), order, moment(1, 9))
    hashes = await entries(mission, "counselling")
    assert Checkpoint.of(await published(mission, "counselling", len(hashes))).size > before


async def test_keys_are_of_their_processes_alone(mission: Mission) -> None:
    secrets = mission.settings.secrets_folder
    keys = [*(secrets / "checkpointer").iterdir(), secrets / "exports", mission.settings.data_folder / "witness" / "witness_key"]
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert len({path.read_bytes() for path in keys}) == len(LOG_NAMES) + 2


async def test_where_the_logs_keys_are_not_none_is_made(tmp_path: Path) -> None:
    code, said = await avrr(tmp_path, "rotate-keys")
    assert (code, "python -m ops.checkpointer rotate" in said, list(tmp_path.iterdir())) == (1, True, []), said


async def test_new_keys_wait_a_day(tmp_path: Path) -> None:
    keys = log_keys(OpsSettings(data=tmp_path))
    for log in LOG_NAMES:
        # As made tomorrow, so that none is older than a day if midnight comes before the command.
        keys.of(log, datetime.now(UTC).date() + timedelta(days=1))
    code, said = await avrr(tmp_path, "rotate-keys")
    assert (code, "before tomorrow" in said) == (1, True), said
