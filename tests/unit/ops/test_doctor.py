"""What the doctor says of the machine and of figures: each thing that is wrong, made so for real, with what to do."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.alarms.rules import Sample, read_rules
from ops.alarms.targets import Told, named
from ops.backup.status import BackupStatus
from ops.doctor.copies import copies
from ops.doctor.databases import skew
from ops.doctor.examining import examine
from ops.doctor.findings import Finding, as_json, code_of, lines, warning, well, wrong
from ops.doctor.machine import certificate, disk, private_files
from ops.doctor.processes import figures, processes, told_of_alarms
from ops.settings import CannotStart, OpsSettings
from shared.topology import LOGS
from tests.listening import listening

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("findings", "code"),
    [([], 0), ([well("a", "A.")], 0), ([well("a", "A."), warning("b", "B.", "Do b.")], 1), ([wrong("c", "C.", "Do c."), warning("b", "B.", "Do b.")], 2)],
)
def test_the_exit_code_is_that_of_the_worst_finding(findings: list[Finding], code: int) -> None:
    assert code_of(findings) == code
    assert as_json(findings)["code"] == code


def test_the_worst_comes_first_and_says_what_to_do() -> None:
    told = lines([well("a", "All is well."), warning("b", "It is late.", "Look."), wrong("c", "It is broken.", "Mend it.")])
    assert told == ["wrong   It is broken.", "        What to do: Mend it.", "warning It is late.", "        What to do: Look.", "well    All is well."]
    assert lines([well("a", "All is well.")])[-1] == "Nothing is wrong."


def test_a_disk_is_told_before_it_is_full(tmp_path: Path) -> None:
    ample, none, endless = 0, 1, 1 << 60
    assert disk(tmp_path, ample, ample).level == "well"
    assert disk(tmp_path / "not" / "there", endless, none).level == "warning"
    assert disk(tmp_path, endless, endless).level == "wrong"


def test_what_others_could_read_is_named_and_nothing_else(tmp_path: Path) -> None:
    settings = OpsSettings(data=tmp_path / "data")
    assert [one.level for one in private_files(settings)] == ["well"]
    (settings.secrets_folder / "identity").mkdir(mode=0o700, parents=True)
    settings.data_folder.chmod(0o700)
    settings.secrets_folder.chmod(0o700)
    for name in ("closed", "identity/key"):
        (settings.secrets_folder / name).write_text("invented-secret")
        (settings.secrets_folder / name).chmod(0o600)
    assert [one.level for one in private_files(settings)] == ["well"]
    settings.data_folder.chmod(0o750)
    (settings.secrets_folder / "identity/key").chmod(0o640)
    found = private_files(settings)
    assert [one.level for one in found] == ["wrong", "wrong"]
    assert f"chmod 600 {settings.secrets_folder / 'identity/key'}" in found[1].do
    assert "invented-secret" not in str(found)


async def test_a_certificate_is_told_before_it_ends_and_when_it_has(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal.example")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=30)).sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp_path / "certificate").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")

    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        pass

    async with listening(silent, tls=context) as port:
        origin = f"https://127.0.0.1:{port}"
        levels = [(await certificate(origin, NOW + timedelta(days=days)))[0].level for days in (0, 20, 30)]
    assert levels == ["well", "warning", "wrong"]
    assert (await certificate(origin, NOW))[0].level == "wrong"
    assert await certificate("http://127.0.0.1:8000", NOW) == await certificate(None, NOW) == []


@pytest.mark.parametrize(
    ("wal", "base", "level"),
    [
        (timedelta(seconds=20), timedelta(hours=3), "well"), (timedelta(minutes=6), timedelta(hours=3), "wrong"),
        (timedelta(seconds=20), timedelta(days=9), "warning"), (timedelta(seconds=20), None, "wrong"), (None, timedelta(hours=3), "wrong"),
    ],
    ids=["fresh", "log not copied", "old base", "no base", "no log"],
)  # fmt: skip
def test_copies_that_are_late_or_restore_nothing_are_told(wal: timedelta | None, base: timedelta | None, level: str) -> None:
    status = BackupStatus(Path("/copies"), NOW - wal if wal else None, NOW - base if base else None)
    assert copies(status, NOW).level == level
    assert copies(None, NOW).level == "warning"


@pytest.mark.parametrize(("seconds", "levels"), [(0, []), (2, []), (10, ["warning"]), (31, ["wrong"])])
def test_clocks_that_are_apart_are_told(seconds: int, levels: list[str]) -> None:
    assert [one.level for one in skew("broker", "the broker", timedelta(seconds=seconds))] == levels


async def test_a_process_that_does_not_answer_is_told_and_whether_something_else_holds_its_port() -> None:
    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        pass

    async with listening(silent) as port:
        (other,) = await processes({"audit": f"http://127.0.0.1:{port}"}, read_rules())
    assert (other.level, "holds its port" in other.do) == ("wrong", True)
    (nobody,) = await processes({"audit": f"http://127.0.0.1:{port}"}, read_rules())
    assert (nobody.level, "Start it" in nobody.do) == ("wrong", True)


def test_each_rule_that_holds_is_told_once_with_where_and_how_grave_it_is() -> None:
    samples = (
        Sample("up", {"job": "returns"}, 1), Sample("avrr_dead_letters", {"job": "returns"}, 3),
        Sample("avrr_cursor_stopped", {"job": "returns", "source": "counselling"}, 1),
        Sample("avrr_cursor_stopped", {"job": "audit", "source": "returns"}, 1),
        Sample("avrr_queue_age_seconds", {"job": "returns", "queue": "cases:protection"}, 90_000),
    )  # fmt: skip
    found = {one.check: one for one in figures(Told(samples, {}), read_rules())}
    assert {name: one.level for name, one in found.items()} == {"EventsSetAside": "wrong", "SourceStopped": "wrong", "ProtectionWaits": "warning"}
    assert "(audit returns 1; returns counselling 1)" in found["SourceStopped"].sentence
    assert "docs/alerts.md#sourcestopped" in found["SourceStopped"].do
    replayed = figures(Told(samples, {}), read_rules(), replayed=True)
    assert "ProtectionWaits" not in {one.check for one in replayed}
    assert [one.level for one in figures(Told(samples[:1], {}), read_rules())] == ["well"]


async def test_the_doctor_works_where_nothing_was_ever_started_and_makes_no_secret(tmp_path: Path) -> None:
    found = await examine(OpsSettings(data=tmp_path / "data"))
    assert code_of(found) == 2
    assert any("./avrr up" in one.do for one in found)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("kind", ["migrate", "verify"])
async def test_the_doctor_works_while_everything_is_down(tmp_path: Path, kind: str) -> None:
    settings = OpsSettings(data=tmp_path / "data")
    settings.secrets_folder.mkdir(mode=0o700, parents=True)
    for name in (f"{service.name}_{kind}" for service in LOGS):
        (settings.secrets_folder / name).write_text("invented")
    (settings.secrets_folder / "nats_operator").write_text("invented")
    run = {
        "services": {service.name: "http://127.0.0.1:1" for service in LOGS}, "issuer": "http://127.0.0.1:1",
        "nats": "nats://127.0.0.1:1", "postgres": "127.0.0.1:1", "clock": "real", "portal": "http://127.0.0.1:1",
        "checkpointer": "http://127.0.0.1:1", "witness": "http://127.0.0.1:1", "alarms": "http://127.0.0.1:1",
        "of_a_later_release": "http://127.0.0.1:1",
    }  # fmt: skip
    for path in settings.secrets_folder.iterdir():
        path.chmod(0o600)
    (settings.data_folder / "run.json").write_text(json.dumps(run))
    found = [one for one in await examine(settings) if one.level == "wrong"]
    assert sum(one.check == "database" for one in found) == len(LOGS)
    assert sum(one.check == "processes" for one in found) == len(LOGS) + 4
    assert any(one.sentence.startswith("alarms does not answer") for one in found)
    assert [one.sentence for one in found if one.check == "broker"] == ["The broker at nats://127.0.0.1:1 cannot be reached, or refuses our login."]
    assert "invented" not in str(found)


def test_where_nobody_is_told_of_alarms_the_doctor_says_so() -> None:
    (found,) = told_of_alarms({"audit": "http://127.0.0.1:1"})
    assert (found.level, "AVRR_ALERT_SMTP_URL" in found.do) == ("warning", True)
    assert told_of_alarms({"audit": "http://127.0.0.1:1", "alarms": "http://127.0.0.1:1"}) == []


def test_where_the_servers_are_elsewhere_copies_cannot_be_seen_and_what_to_do_can_be_done_there() -> None:
    here, elsewhere = copies(None, NOW), copies(None, NOW, elsewhere=True)
    assert (here.level, "AVRR_BACKUP_DIR" in here.do) == ("warning", True)
    assert (elsewhere.level, "AVRR_BACKUP_DIR" in elsewhere.do, "volumes" in elsewhere.do) == ("warning", False, True)


@pytest.mark.parametrize("written", ["", "audit", "audit=ftp://127.0.0.1", "a b=http://127.0.0.1", "=http://127.0.0.1"])
def test_processes_that_are_named_otherwise_stop_the_start(written: str) -> None:
    with pytest.raises(CannotStart):
        named(written)


def test_processes_are_named_with_their_addresses() -> None:
    assert named("audit=http://audit:8000, portal=http://portal:8000/") == {"audit": "http://audit:8000", "portal": "http://portal:8000"}
