"""What somebody starts by hand in containers works with exactly what compose gives it; only the addresses are those of this machine."""

import asyncio
import io
import json
import os
import re
import sys
import tarfile
from pathlib import Path

import pytest

from ops.audit import verify_audit
from ops.demo_year.people import moment
from ops.embedded.nats import OPERATOR
from ops.identity.clients import client_of, secret_of
from ops.prepare import PASSWORDS
from ops.retention.nightly import CLIENT
from ops.settings import PROJECT
from ops.system import epochs_folder, identity_folder
from services.counselling.domain.person import RegisterPerson
from shared.ids import uuid7
from shared.topology import LOGS
from tests.e2e.conftest import Mission
from tests.unit.ops.test_deploy import PARTS, _environment, _filled_in

DAYS = ("--from", "2023-01-01", "--to", "2023-12-31")
# The broker of this machine is come to by a password; that one in a container is come to by keys is tried with the true broker
# (tests/integration/bus/test_operating.py).
KEYS_OF_BROKER = {"AVRR_NATS_CA_FILE", "AVRR_NATS_CERTIFICATE_FILE", "AVRR_NATS_KEY_FILE", "AVRR_NATS_SEED_FILE"}


def given(mission: Mission, part: str, data: Path) -> dict[str, str]:
    """The variables of a part and no other of ours, with what is mounted in place of its volumes below ``data``."""
    client = client_of(CLIENT)
    assert client is not None
    filled = _filled_in() | {variable: mission.running.secrets.password(role) for variable, role in PASSWORDS.items()} | {
        "AVRR_LOGS_ORIGIN": mission.settings.logs_origin, "AVRR_OIDC_ISSUER": mission.addresses.issuer,
        "AVRR_RETENTION_CLIENT_SECRET": secret_of(identity_folder(mission.settings), client),
    }  # fmt: skip
    found = mission.addresses
    here = {**found.services, "checkpointer": found.checkpointer, "witness": found.witness, "portal": found.portal}

    def at(match: re.Match[str]) -> str:
        return here[match[1].removesuffix("-worker")]

    told = {
        name: re.sub(r"http://([a-z-]+):8000", at, value).replace("postgres:5432", found.postgres)
        for name, value in _environment(part, filled).items()
        if name not in KEYS_OF_BROKER
    }
    if "AVRR_NATS_URL" in told:
        told |= {"AVRR_NATS_URL": found.nats, "AVRR_NATS_USER": OPERATOR, "AVRR_NATS_PASSWORD": mission.running.secrets.password(f"nats_{OPERATOR}")}
    if "AVRR_DATA" in told:
        told["AVRR_DATA"] = str(data)
        for volume in PARTS[part]["volumes"]:
            if "_epochs:" in volume:
                service = next(one for one in LOGS if volume.startswith(f"{one.name}_epochs:"))
                (data / "secrets" / "epochs").mkdir(mode=0o700, parents=True, exist_ok=True)
                (data / "secrets" / "epochs" / service.name).symlink_to(epochs_folder(mission.settings, service))
    return {**{name: value for name, value in os.environ.items() if not name.startswith("AVRR_")}, **told}


async def run(environment: dict[str, str], part: str, *words: str) -> tuple[int, bytes, str]:
    """What a part answers: the code, and what it says on standard output and beside it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *PARTS[part]["entrypoint"][1:], *words, cwd=PROJECT, env=environment, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, beside = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said, beside.decode()


@pytest.mark.parametrize(
    ("part", "words", "codes", "says"),
    [
        ("operator", ("doctor",), {0, 1, 2}, "database of reintegration"), ("operator", ("verify",), {0}, "equals log size"),
        # What others left in the same archive may be listed; that nothing of it rings is the code.
        ("operator", ("audit", "findings"), {0}, ""), ("operator", ("recount-surveys",), {0}, "0 score otherwise"),
        ("operator", ("dead-letters", "list", "--service", "returns"), {0}, ""), ("operator", ("restored", "list"), {0}, "nothing was set back"),
        ("operator", ("restored", "payments"), {0}, ""), ("operator", ("restored", "show"), {0}, ""),
        ("auditor", ("audit", "policy"), {0}, "verify_audit.py"), ("auditor", ("audit", "export-key"), {0}, "/exports+"),
        ("keys", ("show",), {0}, "audit: epoch"), ("retention", ("report",), {0}, ""), ("desk", ("policy",), {0}, "add_family_member"),
        ("operator", ("dead-letters", "replay", "--service", "returns", "--source", "counselling", "--index", "3"), {1}, ""),
        ("operator", ("bus", "step-back", "--service", "reintegration", "--source", "returns", "--entries", "100000"), {1}, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
async def test_a_command_needs_nothing_but_what_its_part_is_given(
    mission: Mission, tmp_path: Path, part: str, words: tuple[str, ...], codes: set[int], says: str
) -> None:
    await mission.caller.drained()
    code, said, beside = await run(given(mission, part, tmp_path / "data"), part, *words)
    assert code in codes, (said, beside)
    assert says in said.decode(), (said, beside)
    assert not re.search("Traceback|is not known here", beside), beside
    assert b"failed itself" not in said


@pytest.mark.parametrize(
    ("part", "words", "says"),
    [
        ("operator", ("backup",), "where the backup goes"), ("operator", ("restore", "--from", "/proc", "--keys", "/proc/self", "--into", "/proc/data"), ""),
        ("operator", ("restored", "bring", "--from", "/proc", "--keys", "/proc/self"), ""),
        ("operator", ("restored", "unsigned", "--service", "returns"), "python -m ops.checkpointer unsigned"),
        ("operator", ("restored", "list", "--out", "/proc/lost.json"), "can't be written"),
        ("operator", ("staff", "suspend", "counsellor-1"), "provider at AVRR_OIDC_ISSUER"),
        ("operator", ("audit", "rotate-keys"), "python -m ops.checkpointer rotate"), ("auditor", ("audit", "rotate-keys"), "python -m ops.checkpointer rotate"),
        ("desk", ("audit", "export-key"), "can't be kept"), ("auditor", ("report",), "Nothing was started"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
async def test_what_no_container_gives_is_refused_in_a_line_and_leaves_nothing(
    mission: Mission, tmp_path: Path, part: str, words: tuple[str, ...], says: str
) -> None:
    environment = given(mission, part, tmp_path / "data")
    # Where nothing can be written, as in the root of a container.
    environment.setdefault("AVRR_DATA", "/proc/data")
    code, said, beside = await run(environment, part, *words)
    assert (code, said, len(beside.splitlines())) == (1, b"", 1) or words[:2] == ("restored", "list"), (said, beside)
    assert (code, says in beside, "Traceback" in beside) == (1, True, False), beside
    assert not (tmp_path / "data" / "secrets" / "checkpointer").exists()


async def test_what_is_held_about_a_person_comes_out_of_the_desk_as_a_stream(mission: Mission, tmp_path: Path) -> None:
    person = uuid7()
    order = RegisterPerson(sex="female", birth_year=1991, country_of_origin="MA", site="trc_lipa")
    await mission.done("counselling", "counsellor-1", person, order, moment(1, 9))
    asked = ("access-request", str(person), "--language", "bos", "--out", "-")
    code, said, beside = await run(given(mission, "desk", tmp_path), "desk", *asked)
    assert (code, said, "AVRR_TOKEN" in beside) == (1, b"", True)
    token = {"AVRR_TOKEN": await mission.tokens.token("data-protection")}
    code, said, beside = await run(given(mission, "desk", tmp_path) | token, "desk", *asked)
    assert (code, beside) == (0, "")
    with tarfile.open(fileobj=io.BytesIO(said)) as archive:
        data, document = archive.getmembers()
        assert (data.name, document.name, {data.mode, document.mode}) == (f"held-{person}.json", f"held-{person}-bos.pdf", {0o600})
        told = archive.extractfile(data)
        assert told is not None
        assert set(json.load(told)["held"]) == {"counselling", "audit"}
    assert list(tmp_path.iterdir()) == []


async def test_an_export_is_taken_and_checked_by_the_auditors_part(mission: Mission, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "exports" / "2023"
    environment = given(mission, "auditor", data) | {"AVRR_TOKEN": await mission.tokens.token("auditor")}
    code, said, beside = await run(environment, "auditor", "audit", "export", *DAYS, "--out", str(out))
    assert (code, "AVRR_EXPORT_KEYS" in beside, out.exists()) == (1, True, False), (said, beside)
    # By the key that the checkpointer of this system is told.
    own = mission.settings.secrets_folder / "exports"
    (data / "secrets" / "exports").write_bytes(own.read_bytes())
    code, said, beside = await run(environment, "auditor", "audit", "export", *DAYS, "--out", str(out))
    assert code == 0, (said, beside)
    assert out.stat().st_mode & 0o777 == 0o700
    assert {path.relative_to(data).as_posix() for path in data.rglob("*")} == {"secrets", "secrets/exports"}
    told: list[str] = []
    assert verify_audit.main([str(out)], told.append) == 0, told
    for words in (("audit", "verify", str(out)), ("report", "--year", "2022", "--from-export", str(out)), ("audit", "checkpoints")):
        code, said, beside = await run(given(mission, "auditor", data), "auditor", *words)
        assert code == 0, (words, said, beside)
