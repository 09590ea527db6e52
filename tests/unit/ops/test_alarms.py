"""Alarms: told once, reminded of, told when they end, by a real mail server, and with nothing of anybody in them."""

import asyncio
import math
import re
import shutil
import ssl
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import Parser
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ops.alarms.__main__ import create_app
from ops.alarms.child import URL, alarm_children, usual_ports
from ops.alarms.copies import Copies
from ops.alarms.disks import Disks
from ops.alarms.judging import REMIND_AFTER, Key, Standing, judge
from ops.alarms.mail import Server, send, server_of, written
from ops.alarms.rules import Rule, Sample, read_rules, terms_of
from ops.alarms.settings import AlarmSettings
from ops.alarms.targets import Told, asked
from ops.alarms.watching import Watching
from ops.backup.status import BackupStatus
from ops.ports import next_free
from ops.process import inherited_environment
from ops.readiness import http_status
from ops.settings import PROJECT, CannotStart, OpsSettings
from shared.metrics import Metrics
from tests.listening import listening

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
PASSWORD = "invented-password"
TO = ("somebody@mission.example", "night@mission.example")


def rule(name: str, expression: str, seconds: int = 0) -> Rule:
    terms = terms_of(expression)
    assert terms is not None
    return Rule(name, terms, seconds, "page", "Something is wrong.", "Do something.", f"docs/alerts.md#{name.lower()}")


RULES = (rule("DeadLetters", "avrr_dead_letters > 0"), rule("Behind", "avrr_lag > 30", 60), rule("ProcessDown", "up == 0", 120))
UP = (Sample("up", {"job": "returns"}, 1), Sample("up", {"job": "audit"}, 1))
SET_ASIDE = Sample("avrr_dead_letters", {"job": "returns"}, 3)
LATE = Sample("avrr_lag", {"job": "audit", "source": "returns"}, 40)


@dataclass
class Mission:
    """What was said, round after round."""

    known: dict[Key, Standing] = field(default_factory=dict)
    now: datetime = NOW

    def round(self, *samples: Sample, later: timedelta = timedelta(), sent: bool = True) -> list[str]:
        self.now += later
        judged = judge(self.known, RULES, (*UP, *samples), self.now)
        self.known = dict(judged.if_sent if sent else judged.if_not)
        return [f"{one.rule.name} {one.what} {one.place}" for one in judged.said]


def test_an_alarm_is_told_once_and_again_every_four_hours_and_once_when_it_ends() -> None:
    mission = Mission()
    assert mission.round() == []
    assert mission.round(SET_ASIDE) == ["DeadLetters began returns"]
    assert mission.round(SET_ASIDE, later=REMIND_AFTER - timedelta(seconds=1)) == []
    assert mission.round(SET_ASIDE, later=timedelta(seconds=1)) == ["DeadLetters still stands returns"]
    assert mission.round(later=timedelta(minutes=1)) == ["DeadLetters has ended returns"]
    assert mission.round(later=timedelta(minutes=1)) == []


def test_a_rule_that_waits_is_told_only_when_it_has_held_all_the_while() -> None:
    mission = Mission()
    assert mission.round(LATE) == []
    assert mission.round(later=timedelta(seconds=45)) == []
    assert mission.round(LATE, later=timedelta(seconds=15)) == []
    assert mission.round(LATE, later=timedelta(seconds=59)) == []
    assert mission.round(LATE, later=timedelta(seconds=1)) == ["Behind began audit returns"]


def test_what_could_not_be_sent_is_said_again_also_that_something_ended() -> None:
    mission = Mission()
    assert mission.round(SET_ASIDE, sent=False) == ["DeadLetters began returns"]
    assert mission.round(SET_ASIDE, later=timedelta(seconds=15)) == ["DeadLetters began returns"]
    assert mission.round(later=timedelta(seconds=15), sent=False) == ["DeadLetters has ended returns"]
    assert mission.round(later=timedelta(seconds=15)) == ["DeadLetters has ended returns"]
    assert mission.known == {}


def test_an_alarm_of_a_process_that_does_not_answer_has_not_ended() -> None:
    mission = Mission()
    mission.round(SET_ASIDE)
    judged = judge(mission.known, RULES, (Sample("up", {"job": "returns"}, 0),), NOW + timedelta(minutes=1))
    assert (judged.said, ("DeadLetters", "returns") in judged.if_sent) == ((), True)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 20_000)), max_size=30))
def test_whatever_happens_an_alarm_ends_as_often_as_it_began_and_never_before(steps: list[tuple[bool, bool, int]]) -> None:
    mission, told = Mission(), []
    for wrong, sent, seconds in steps:
        said = mission.round(*((SET_ASIDE,) if wrong else ()), later=timedelta(seconds=seconds), sent=sent)
        told += [one.split(" ")[1] for one in said if sent]
    told += [one.split(" ")[1] for one in mission.round(later=timedelta(seconds=15))]
    began_and_ended = [one for one in told if one in ("began", "has")]
    assert began_and_ended == ["began", "has"] * (len(began_and_ended) // 2)


@dataclass
class Post:
    """A mail server of this process: what it was handed, and by whom."""

    port: int = 0
    mails: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)

    @property
    def mail(self) -> EmailMessage:
        return Parser(EmailMessage).parsestr(self.mails[-1])


@asynccontextmanager
async def post(tls: ssl.SSLContext | None = None, refuses: Collection[str] = ()) -> AsyncIterator[Post]:
    """Speaks SMTP (RFC 5321) with STARTTLS and AUTH PLAIN, as much as a client of ours needs; mails to whom it ``refuses`` are not for it."""
    made = Post()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = False

        async def answer(text: str) -> None:
            writer.write(text.replace("\n", "\r\n").encode() + b"\r\n")
            await writer.drain()

        await answer("220 post")
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].upper()
            made.said.append(verb)
            if verb == "EHLO":
                await answer("250-post\n" + ("250-STARTTLS\n" if tls and not secure else "") + "250 AUTH PLAIN")
            elif verb == "STARTTLS" and tls:
                await answer("220 go on")
                await writer.start_tls(tls)
                secure = True
            elif verb == "AUTH":
                await answer("235 yes")
            elif verb == "DATA":
                await answer("354 go on")
                body = (await reader.readuntil(b"\r\n.\r\n")).decode()
                made.mails.append(body)
                made.secure.append(secure)
                await answer("250 kept")
            elif verb == "QUIT":
                await answer("221 bye")
                break
            elif verb == "RCPT" and any(f"<{one}>" in line for one in refuses):
                await answer("550 nobody of that name")
            else:
                await answer("250 yes")

    async with listening(serve) as made.port:
        yield made


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's, with a certificate of its own for this machine, and that of a client who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(folder / "certificate", folder / "key")
    return serving, ssl.create_default_context(cafile=str(folder / "certificate"))


def samples_of(text: str, job: str) -> list[Sample]:
    """What a process told, as the alarms take it."""
    return [Sample(one.name, {**one.labels, "job": job}, one.value) for family in text_string_to_metric_families(text) for one in family.samples]


def a_mail() -> EmailMessage:
    return written(judge({}, RULES, (*UP, SET_ASIDE), NOW).said, "avrr@mission.example", TO)


async def test_a_mail_leaves_by_tls_with_the_password_and_only_to_a_server_that_is_trusted(tmp_path: Path) -> None:
    serving, trusting = contexts(tmp_path)
    async with post(serving) as server:
        told = Server("smtp", "localhost", server.port, "avrr", PASSWORD)
        await asyncio.to_thread(send, told, a_mail(), trusting)
        assert (server.secure, "AUTH" in server.said) == ([True], True)
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(send, told, a_mail())
        assert len(server.mails) == 1


async def test_a_mail_says_what_is_wrong_where_and_what_to_do() -> None:
    async with post() as server:
        await asyncio.to_thread(send, Server("smtp", "127.0.0.1", server.port, None, None), a_mail())
    mail = server.mail
    assert (mail["Subject"], mail["To"], mail["Auto-Submitted"]) == ("avrr: 1 began", ", ".join(TO), "auto-generated")
    text = mail.get_payload()
    for said in ("DeadLetters began: Something is wrong.", "Where: returns", "What to do: Do something.", "docs/alerts.md#deadletters"):
        assert said in str(text)


async def test_nothing_that_an_alarm_says_becomes_a_header_or_another_mail() -> None:
    hostile = Sample("avrr_dead_letters", {"job": "returns\r\nBcc: c@d.example\r\n\r\n.\r\nMAIL FROM:<e@f.example>\r\n"}, 3)
    mail = written(judge({}, RULES, (*UP, hostile), NOW).said, "avrr@mission.example", TO)
    async with post() as server:
        await asyncio.to_thread(send, Server("smtp", "127.0.0.1", server.port, None, None), mail)
    assert (len(server.mails), server.said.count("MAIL"), server.said.count("RCPT")) == (1, 1, len(TO))
    assert (server.mail["Bcc"], server.mail["Subject"], server.mail["To"]) == (None, "avrr: 1 began", ", ".join(TO))
    for name in ("a@b.example\nBcc: c@d.example", "a@b.example\r\nSubject: x"):
        with pytest.raises(ValueError, match="linefeed"):
            written((), name, TO)


async def test_whatever_was_told_is_not_told_again_after_a_restart_and_what_could_not_be_is(tmp_path: Path) -> None:
    samples: list[Sample] = [*UP, SET_ASIDE]

    async def ask() -> Told:
        return Told(tuple(samples), {})

    async with post() as server, post(refuses=TO) as refusing:
        def watching(port: int) -> Watching:
            told = Server("smtp", "127.0.0.1", port, None, None)
            return Watching(RULES, tmp_path / "alarms", ask, lambda mail: send(told, mail), "avrr@mission.example", TO, lambda: NOW)

        first = watching(refusing.port)
        await first.round()
        assert first.registry.get_sample_value("avrr_alarms_unsent") == 1
        second = watching(server.port)
        await second.round()
        assert (len(server.mails), second.registry.get_sample_value("avrr_alarms_unsent")) == (1, 0)
        third = watching(server.port)
        await third.round()
        assert (len(server.mails), third.registry.get_sample_value("avrr_alarms_standing")) == (1, 1)
        samples.remove(SET_ASIDE)
        await third.round()
        assert "DeadLetters has ended" in server.mails[-1]
    kept = tmp_path / "alarms/standing.json"
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_text("{")
    await watching(1).round()


async def test_whatever_keeps_a_mail_from_leaving_nobody_counts_as_told(tmp_path: Path) -> None:
    async def ask() -> Told:
        return Told((*UP, SET_ASIDE), {})

    sent: list[EmailMessage] = []

    def leaves(mail: EmailMessage) -> tuple[str, ...]:
        # As the library does with a password that it cannot say.
        if not sent:
            sent.append(mail)
            "š".encode("ascii")
        sent.append(mail)
        return ()

    watching = Watching(RULES, tmp_path / "alarms", ask, leaves, "avrr@mission.example", TO, lambda: NOW)
    await watching.round()
    assert (watching.registry.get_sample_value("avrr_alarms_unsent"), watching.registry.get_sample_value("avrr_alarms_standing")) == (1, 0)
    await watching.round()
    assert (watching.registry.get_sample_value("avrr_alarms_unsent"), watching.registry.get_sample_value("avrr_alarms_standing")) == (0, 1)
    await watching.round()
    assert len(sent) == 2


async def test_who_is_refused_beside_somebody_else_was_not_told_and_is_as_soon_as_the_server_takes_it(tmp_path: Path) -> None:
    async def ask() -> Told:
        return Told((*UP, SET_ASIDE), {})

    refused = {TO[1]}
    async with post(refuses=refused) as server:
        def watching() -> Watching:
            told = Server("smtp", "127.0.0.1", server.port, None, None)
            return Watching(RULES, tmp_path / "alarms", ask, lambda mail: send(told, mail), "avrr@mission.example", TO, lambda: NOW)

        first = watching()
        for _ in range(2):
            await first.round()
            # Whom it reached is not told again, and for whom it was not is said in figures.
            assert (len(server.mails), first.registry.get_sample_value("avrr_alarms_unsent")) == (1, 1)
        refused.clear()
        again = watching()
        await again.round()
        assert (len(server.mails), server.mail["To"], again.registry.get_sample_value("avrr_alarms_unsent")) == (2, TO[1], 0)
        await again.round()
        assert len(server.mails) == 2
    kept = (tmp_path / "alarms/standing.json").read_text()
    assert not [address for address in TO if address in kept]


async def test_a_label_that_came_from_outside_could_stand_in_no_mail() -> None:
    # Labels are ours (tests/e2e/test_watched.py); of figures only their labels are told, never a value.
    text = str(a_mail())
    assert not re.search(r"\b3\b|\b3\.0\b", text)


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://avrr@mail.example", "smtp://avrr:secret@mail.example", "smtp://mail.example:x"]
)
def test_a_mail_server_that_cannot_be_understood_stops_the_start(url: str) -> None:
    with pytest.raises(CannotStart) as refused:
        server_of(url, None)
    assert "secret" not in refused.value.sentence


@pytest.mark.parametrize(("user", "password"), [("avrr", "heslo-š"), ("p%C5%A1", PASSWORD), ("avrr", ""), ("avrr", "two\nlines"), ("avrr", "a\0b")])
def test_a_login_that_cannot_be_said_to_a_mail_server_stops_the_start(user: str, password: str) -> None:
    with pytest.raises(CannotStart) as refused:
        server_of(f"smtp://{user}@mail.example", password)
    assert refused.value.code == "alert_login"
    assert "heslo" not in refused.value.sentence


@pytest.mark.parametrize("to", ["nobody", "a@mail.example, nobody", "a@mail.example b@mail.example", "ž@mail.example", ""])
def test_recipients_that_cannot_be_understood_stop_the_start(tmp_path: Path, to: str) -> None:
    settings = AlarmSettings(watched="", alert_smtp_url="smtp://mail.example", alert_from=TO[0], alert_to=to, alarms_folder=tmp_path)
    with pytest.raises(CannotStart):
        _ = settings.recipients


def test_recipients_are_bare_addresses_each_once(tmp_path: Path) -> None:
    to = f"Night watch <{TO[1]}>, {TO[0]} , {TO[1]}"
    assert AlarmSettings(watched="", alert_smtp_url="smtp://mail.example", alert_from=TO[0], alert_to=to, alarms_folder=tmp_path).recipients == [TO[1], TO[0]]


def test_a_mail_server_has_its_usual_port_and_shows_no_password() -> None:
    assert (server_of("smtp://mail.example", None).port, server_of("smtps://a%40b@mail.example", "p").port) == (587, 465)
    assert PASSWORD not in repr(server_of("smtps://avrr@mail.example", PASSWORD))


_RULE = """
groups:
  - name: invented
    rules:
      - alert: ProcessDown
        expr: up == 0
        labels: {severity: page}
        annotations: {what: "A process does not answer.", do: "Start it.", runbook: docs/alerts.md#processdown}
"""


async def test_the_process_tells_of_one_that_does_not_answer_and_how_it_is_itself(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(_RULE)
    port = next_free(18_470)
    async with post() as server:
        told = {
            "AVRR_PORT": str(port), "AVRR_WATCHED": "audit=http://127.0.0.1:1,portal-worker=http://127.0.0.1:1", "AVRR_ALERT_RULES": str(tmp_path / "rules.yaml"),
            "AVRR_ALERT_SMTP_URL": f"smtp://127.0.0.1:{server.port}", "AVRR_ALERT_FROM": "avrr@mission.example", "AVRR_ALERT_TO": ",".join(TO),
            "AVRR_ALARMS_FOLDER": str(tmp_path / "alarms"),
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "ops.alarms", env={**inherited_environment(), **told}, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(60):
                while not server.mails:  # noqa: ASYNC110 -- the process tells nobody else
                    await asyncio.sleep(0.05)
            assert await http_status(f"http://127.0.0.1:{port}/metrics") == 200
        finally:
            process.terminate()
            said, _ = await process.communicate()
    assert server.mail["Subject"] == "avrr: 2 began"
    assert "Where: audit" in server.mails[0]
    assert "Where: portal-worker" in server.mails[0]
    assert b'"mail_sent"' in said
    assert not [address for address in TO if address.encode() in said]


async def test_alarms_that_look_at_nothing_any_more_say_so_to_whoever_asks(tmp_path: Path) -> None:
    moments = [NOW]
    settings = AlarmSettings(watched="audit=http://127.0.0.1:1", alert_smtp_url="smtp://127.0.0.1:1", alert_from=TO[0], alert_to=TO[1], alarms_folder=tmp_path)
    # Without its lifespan the process answers, and makes no round.
    app = create_app(settings, lambda: moments[-1])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://alarms") as client:
        for seconds, status, rules in ((0, 200, []), (120, 200, []), (121, 503, ["AlarmsStandStill"])):
            moments.append(NOW + timedelta(seconds=seconds))
            assert (await client.get("/healthz")).status_code == status
            told = samples_of((await client.get("/metrics")).text, "alarms")
            assert [rule.name for rule in read_rules() if rule.met(told)] == rules


async def test_a_round_that_ended_is_what_the_age_of_the_alarms_counts_from(tmp_path: Path) -> None:
    moments = [NOW]

    async def ask() -> Told:
        return Told(UP, {})

    watching = Watching(RULES, tmp_path, ask, lambda mail: (), "avrr@mission.example", TO, lambda: moments[-1])
    moments.append(NOW + timedelta(minutes=5))
    assert watching.registry.get_sample_value("avrr_alarms_round_age_seconds") == watching.age() == 300
    await watching.round()
    assert watching.age() == 0


async def test_whoever_answers_without_an_end_is_away(tmp_path: Path) -> None:
    async def drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1\r\n#\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with listening(drips) as port, asyncio.timeout(20):
        told = await asked({"audit": f"http://127.0.0.1:{port}"}, patience=2.0)
    assert told == Told((Sample("up", {"job": "audit"}, 0),), {"audit": "TimeoutError"})


@pytest.mark.parametrize(("code", "most", "rule"), [("internal_error", 3, "ServerErrors"), ("not_permitted", 300, "ManyRefusals"), ("not_found", 300, "ManyRefusals")])
def test_errors_of_our_own_and_many_refusals_are_mailed_and_end_after_ten_minutes(code: str, most: int, rule: str) -> None:
    seconds = [1000.0]
    metrics = Metrics("returns", lambda: seconds[-1])
    known: dict[Key, Standing] = {}
    said: list[str] = []

    def round() -> None:
        nonlocal known
        told = samples_of(generate_latest(metrics.registry).decode(), "returns")
        judged = judge(known, read_rules(), (*UP, *told), NOW + timedelta(seconds=seconds[-1]))
        known = dict(judged.if_sent)
        said.extend(f"{one.rule.name} {one.what} {one.place}" for one in judged.said)

    for _ in range(most):
        metrics.refused(code)
        metrics.refused("malformed")
    round()
    assert said == []
    # The most that there may be, and one of the last minute of the ten.
    seconds.append(1000 + 585)
    metrics.refused(code)
    round()
    assert said == [f"{rule} began returns"]
    assert str(written(judge({}, read_rules(), samples_of(generate_latest(metrics.registry).decode(), "returns"), NOW).said, TO[0], TO)).count(f"{rule} began: ") == 1
    seconds.append(1000 + 615)
    round()
    assert said[1:] == [f"{rule} has ended returns"]


async def test_a_process_without_recipients_does_not_start(tmp_path: Path) -> None:
    told = {"AVRR_WATCHED": "audit=http://127.0.0.1:1", "AVRR_ALERT_SMTP_URL": "smtp://127.0.0.1:1", "AVRR_ALERT_FROM": "a@b", "AVRR_ALARMS_FOLDER": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops.alarms", env={**inherited_environment(), **told}, cwd=PROJECT, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert (process.returncode, said.decode().strip()) == (1, "alarms: AVRR_ALERT_TO missing, or not to be understood")


def test_in_a_system_on_one_machine_alarms_run_where_a_mail_server_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, targets = OpsSettings(data=tmp_path), {"audit": "http://127.0.0.1:8004", "witness": ""}
    monkeypatch.delenv(URL, raising=False)
    assert (usual_ports(), alarm_children(settings, targets, {})) == ({}, [])
    monkeypatch.setenv(URL, "smtp://mail.example")
    monkeypatch.setenv("AVRR_ALERT_TO", TO[0])
    (child,) = alarm_children(settings, targets, usual_ports())
    assert child.argv[1:] == ("-m", "ops.alarms")
    assert (child.env["AVRR_WATCHED"], child.env["AVRR_ALERT_TO"]) == ("audit=http://127.0.0.1:8004", TO[0])


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (None, []),
        (BackupStatus(Path("/copies"), NOW - timedelta(seconds=400), NOW - timedelta(days=1)), [400.0, 86_400.0]),
        (BackupStatus(Path("/copies"), None, None), [math.inf, math.inf]),
    ],
    ids=["no copies", "late", "restores nothing"],
)
def test_the_age_of_the_copies_is_told_where_there_are_any(status: BackupStatus | None, told: list[float]) -> None:
    samples = Copies("alarms", registry := CollectorRegistry(), lambda: status, lambda: NOW).told()
    assert [one.value for one in samples] == told
    late = next(one for one in read_rules() if one.name == "BackupLate")
    assert bool(late.met(samples)) is (status is not None)
    assert math.isnan(registry.get_sample_value("avrr_backup_age_seconds") or 0.0) is (status is None)


@pytest.mark.parametrize(
    ("free", "rules"), [(25, []), (19, ["DiskFilling"]), (4, ["DiskFilling", "DiskAlmostFull"])], ids=["room", "a fifth", "a twentieth"]
)
def test_a_disk_that_fills_is_told_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, rules: list[str]) -> None:
    def usage(folder: Path) -> tuple[int, int, int]:
        if not folder.exists():
            raise FileNotFoundError
        return shutil._ntuple_diskusage(100, 100 - free, free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    registry = CollectorRegistry()
    samples = Disks("alarms", registry, {"data": tmp_path, "copies": tmp_path / "gone"}).told()
    assert {rule.name: [one.labels["disk"] for one in met] for rule in read_rules() if (met := rule.met(samples))} == {name: ["data"] for name in rules}
    assert registry.get_sample_value("avrr_disk_free_bytes", {"disk": "data"}) == free
    # Of a disk that is away nothing is said; that the copies are late is.
    assert math.isnan(registry.get_sample_value("avrr_disk_free_share", {"disk": "copies"}) or 0.0)


def test_the_room_on_a_workers_disk_is_told_at_each_scrape(tmp_path: Path) -> None:
    metrics = Metrics("counselling")
    metrics.room("data", tmp_path)
    share = metrics.registry.get_sample_value("avrr_disk_free_share", {"disk": "data"})
    assert share is not None
    assert 0 < share <= 1


def test_copies_that_cannot_be_read_are_infinitely_old() -> None:
    def broken() -> BackupStatus | None:
        raise CannotStart("note", "It cannot be read.")

    assert [one.value for one in Copies("alarms", CollectorRegistry(), broken, lambda: NOW).told()] == [math.inf, math.inf]
