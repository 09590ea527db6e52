"""An auditor takes the logs of a running system home, checks them, and is on record for it; all in them is invented."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from ops.audit import verify_audit
from ops.demo_year.people import moment
from ops.settings import PROJECT
from services.counselling.domain.person import RegisterPerson
from shared.ids import uuid7
from tests.e2e.conftest import Mission
from tests.integration.bus.house import until

DAYS = ("--from", "2023-01-01", "--to", "2023-12-31")


async def begun(mission: Mission, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from ops.cli import main; main()", "audit", *arguments, cwd=PROJECT,
        env={**os.environ, "AVRR_DATA": str(mission.settings.data_folder), **environment}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


async def avrr(mission: Mission, *arguments: str, **environment: str) -> tuple[int, str]:
    process = await begun(mission, *arguments, **environment)
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def orders(mission: Mission) -> list[dict[str, object]]:
    """What is on record of exports, as another auditor reads it in the archive's own log."""
    answer = await mission.read("audit", "auditor", "/v1/events")
    events = [json.loads(line) for line in answer.content.splitlines()]
    return [event for event in events if event["type"] == "avrr.audit.access.export_taken.v1"]


@pytest.fixture(scope="module")
async def exported(mission: Mission, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with an export of the running system, and the person of whose events it has proofs."""
    person = uuid7()
    order = RegisterPerson(sex="female", birth_year=1991, country_of_origin="MA", site="trc_lipa")
    await mission.done("counselling", "counsellor-1", person, order, moment(1, 9))
    folder = tmp_path_factory.mktemp("export") / "taken"
    async with asyncio.timeout(120):
        # The checkpoint that is asked for may be of the second before.
        while not list(folder.glob(f"proofs/{person}/*.tlog-proof")):
            code, said = await avrr(mission, "export", *DAYS, "--out", str(folder), "--case", str(person))
            assert code == 0, said
    return folder, str(person)


async def test_what_an_auditor_takes_home_holds_everywhere(mission: Mission, exported: tuple[Path, str], tmp_path: Path) -> None:
    folder, person = exported
    _, keys = await avrr(mission, "policy")
    (tmp_path / "keys").write_text(keys)
    code, said = await avrr(mission, "verify", str(folder), "--policy", str(tmp_path / "keys"))
    assert (code, said.endswith("events: Nothing was found.\n")) == (0, True), said
    alone = [str(folder / "verify_audit.py"), str(folder), "--policy", str(tmp_path / "keys")]
    process = await asyncio.create_subprocess_exec(sys.executable, "-I", *alone, stdout=asyncio.subprocess.PIPE)
    assert (await process.communicate())[0].decode() == said
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"counselling", "returns", "reintegration", "audit", "proofs"}
    assert (folder / "proofs" / person).is_dir()
    assert any(person in line for line in (folder / "events.ndjson").read_text().splitlines())


async def test_who_took_which_logs_of_which_period_is_on_record(mission: Mission, exported: tuple[Path, str]) -> None:
    assert exported
    event = (await orders(mission))[0]
    assert (event["actorid"], event["actorrole"]) == ("staff:auditor", "auditor")
    assert event["data"] == {
        "actor_id": event["actorid"], "operation": "export_archive", "logs": ["counselling", "returns", "reintegration", "audit"],
        "since": "2022-12-31T23:00:00Z", "until": "2023-12-31T23:00:00Z",
    }  # fmt: skip


async def test_an_export_that_is_killed_goes_on_when_it_is_begun_again(mission: Mission, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    process = await begun(mission, "export", *DAYS, "--out", str(folder), "--log", "counselling", "--log", "returns")
    await until(lambda: bool(list(folder.glob("counselling/tile/entries/*"))), 60)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    code, said = await avrr(mission, "export", *DAYS, "--out", str(folder), "--log", "counselling", "--log", "returns")
    assert code == 0, said
    told: list[str] = []
    assert verify_audit.main([str(folder)], told.append) == 0, told
    assert told[0] == "Not all logs are in this export. Of causes in the others nothing was looked at."


async def test_who_is_no_auditor_takes_nothing_home_and_that_is_on_record(mission: Mission, tmp_path: Path) -> None:
    before = len(await orders(mission))
    token = await mission.tokens.token("coordinator")
    code, said = await avrr(mission, "export", *DAYS, "--out", str(tmp_path / "none"), AVRR_TOKEN=token)
    assert (code, (tmp_path / "none").exists()) == (1, False), said
    assert len(await orders(mission)) == before
    log = (await mission.read("audit", "auditor", "/v1/events")).text
    assert '"operation":"export_archive"' in [line for line in log.splitlines() if ".access.refused." in line][-1]


async def test_an_export_is_made_on_another_machine_once_the_system_trusts_its_key(mission: Mission, tmp_path: Path) -> None:
    addresses = {"AVRR_AUDIT_URL": mission.addresses.services["audit"], "AVRR_CHECKPOINTER_URL": mission.addresses.checkpointer}
    elsewhere = {**addresses, "AVRR_TOKEN": await mission.tokens.token("auditor")}
    asked = ("export", *DAYS, "--out", str(tmp_path / "taken"), "--log", "returns")
    code, said = await avrr(mission, *asked, **elsewhere, AVRR_DATA=str(tmp_path / "other"))
    _, key = await avrr(mission, "export-key", AVRR_DATA=str(tmp_path / "other"))
    assert (code, key.strip() in said, (tmp_path / "taken").exists()) == (1, True, False), said
    assert ((tmp_path / "other" / "secrets" / "exports").stat().st_mode & 0o777) == 0o600
    # With the key that the checkpointer's policy names.
    code, said = await avrr(mission, *asked, **elsewhere)
    assert code == 0, said
    told: list[str] = []
    assert verify_audit.main([str(tmp_path / "taken")], told.append) == 0, told


async def test_a_folder_that_holds_something_else_is_left_alone(mission: Mission, tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("mine")
    code, said = await avrr(mission, "export", *DAYS, "--out", str(tmp_path))
    assert (code, "no export" in said) == (1, True), said
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]
    code, said = await avrr(mission, "export", *DAYS, "--out", str(tmp_path / "thesis.odt" / "export"))
    assert (code, "can't be written" in said, len(said.strip().splitlines())) == (1, True, 1), said

