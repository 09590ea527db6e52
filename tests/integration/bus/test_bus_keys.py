"""The broker as it is deployed: its very configuration, the keys that the job makes, and who is let in by them."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest

from ops.bus_keys import AUTHORITY, CA_FILE, CERTIFICATE_FILE, KEY_FILE, make_bus_keys
from ops.embedded.nats import Permissions, all_permissions
from ops.provision import IDENTITY, Provision
from shared.bus import Bus, BusDown
from shared.bus_settings import BusKeys
from shared.ids import uuid7
from shared.nkeys import UserKey
from shared.topology import BY_NAME, LOGS, RETURNS, Service, durable
from tests.integration.bus.deployed import Broker, deployed_broker
from tests.listening import listening

USERS = tuple(all_permissions())
# The brokers that are given these keys go by the real clock.
NOW = datetime.now(UTC)

each_user = pytest.mark.parametrize("user", USERS)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bus_keys")
    make_bus_keys(folder, ("localhost",), NOW)
    return folder


@pytest.fixture
def broker(tmp_path: Path, keys: Path) -> Iterator[Broker]:
    with deployed_broker(tmp_path, keys) as running:
        yield running


class Spoken:
    """A conversation in NATS's own protocol, by nothing of ours: what is refused is said, not waited for."""

    def __init__(self, broker: Broker, context: ssl.SSLContext) -> None:
        with contextlib.ExitStack() as open_:
            plain = open_.enter_context(socket.create_connection(("127.0.0.1", broker.port), timeout=10))
            self._socket = open_.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            self._lines = open_.enter_context(self._socket.makefile("rb"))
            self.info = json.loads(self._lines.readline().removeprefix(b"INFO "))
            open_.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def come(self, **said: object) -> list[str]:
        return self.say("CONNECT " + json.dumps({"verbose": False, "pedantic": False, **said}))

    def come_as(self, public: str, signing: UserKey) -> list[str]:
        signature = signing.sign(self.info["nonce"]).decode().rstrip("=").replace("+", "-").replace("/", "_")
        return self.come(nkey=public, sig=signature)

    def say(self, line: str) -> list[str]:
        """What the broker complains of, up to its answer to a PING behind it or until it hangs up."""
        self._socket.sendall(f"{line}\r\nPING\r\n".encode())
        complaints = []
        while heard := self._lines.readline().decode().strip():
            if heard == "PONG":
                break
            if heard.startswith("-ERR"):
                complaints.append(heard)
        return complaints


def _admitted(broker: Broker, user: str) -> Spoken:
    spoken = Spoken(broker, broker.of(user).context())
    key = broker.of(user).user_key()
    assert spoken.come_as(key.public, key) == []
    return spoken


def _covers(patterns: tuple[str, ...], subject: str) -> bool:
    def fits(pattern: str) -> bool:
        wanted, found = pattern.split("."), subject.split(".")
        if wanted[-1] == ">":
            wanted, found = wanted[:-1], found[: len(wanted) - 1] if len(found) >= len(wanted) else []
        return len(wanted) == len(found) and all(a in ("*", b) for a, b in zip(wanted, found, strict=True))

    return any(fits(pattern) for pattern in patterns)


def _tried(table: dict[str, Permissions]) -> list[str]:
    """Every subject that somebody may publish to, made whole, and what nobody should ever get."""
    named = {subject.replace("*", "x").replace(">", "x") for allowed in table.values() for subject in allowed.publish}
    forbidden = {f"$JS.API.{act}.{service.stream}" for service in LOGS for act in ("STREAM.PURGE", "STREAM.SNAPSHOT", "STREAM.RESTORE")}
    forbidden |= {f"$JS.API.STREAM.MSG.DELETE.{service.stream}" for service in LOGS}
    forbidden |= {f"$JS.API.DIRECT.GET.{service.stream}" for service in LOGS} | {f"_INBOX_{user}.x" for user in table}
    return sorted(named | forbidden | {"$SYS.REQ.SERVER.PING", "$JS.API.INFO", "$JS.API.META.LEADER.STEPDOWN", "anything"})


@each_user
def test_a_user_may_publish_to_exactly_what_the_table_says(broker: Broker, user: str) -> None:
    table = all_permissions()
    with _admitted(broker, user) as spoken:
        for subject in _tried(table):
            refused = spoken.say(f"PUB {subject} 0\r\n")
            assert bool(refused) != _covers(table[user].publish, subject), (subject, refused)


@each_user
def test_a_user_hears_exactly_what_the_table_says(broker: Broker, user: str) -> None:
    table = all_permissions()
    named = {subject.replace(">", "x") for allowed in table.values() for subject in allowed.subscribe}
    named |= {">", "*", "_INBOX.>", "_INBOX.x", "$SYS.>", "$JS.EVENT.>", *(service.subjects for service in LOGS), *table[user].subscribe}
    with _admitted(broker, user) as spoken:
        for number, subject in enumerate(sorted(named)):
            refused = spoken.say(f"SUB {subject} {number}")
            assert bool(refused) != (_covers(table[user].subscribe, subject) or subject in table[user].subscribe), subject


@pytest.mark.parametrize("service", LOGS, ids=lambda service: service.name)
async def test_a_service_publishes_its_log_and_follows_others_by_its_keys(broker: Broker, service: Service) -> None:
    await Provision(broker.url, keys=broker.of(IDENTITY)).ensure()
    stop = asyncio.Event()
    async with Bus(broker.url, service.name, keys=broker.of(service.name)) as own, asyncio.timeout(30):
        await own.ready()
        subject = f"avrr.{service.name}.case.opened"
        assert await own.publish(subject, b"{}", event_id=uuid7(), after=0) == 1
        assert (await own.stream_state(service.stream)).last == 1
        assert await own.message(service.stream, 1) == b"{}"
        for source in (BY_NAME[name] for name in service.follows if name != service.name):
            async with Bus(broker.url, source.name, keys=broker.of(source.name)) as other:
                await other.ready()
                await other.publish(f"avrr.{source.name}.case.opened", b"[]", event_id=uuid7(), after=0)
            async for delivery in own.deliveries(source.stream, durable(service, source), stop):
                assert delivery.data == b"[]"
                await delivery.ack()
                break


def test_whatever_is_older_than_tls_1_3_is_refused(broker: Broker) -> None:
    context = broker.of(RETURNS.name).context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="version"):
        Spoken(broker, context)


def test_the_broker_says_nothing_in_plain_text(broker: Broker) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as plain:
        plain.sendall(b'CONNECT {"verbose":false}\r\nPING\r\n')
        heard = plain.recv(4096)
    assert b"INFO" not in heard
    assert b"PONG" not in heard


def test_nobody_comes_without_a_certificate_of_the_authority(broker: Broker, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    make_bus_keys(foreign, ("localhost",), NOW)
    bare = ssl.create_default_context(cafile=str(broker.keys / AUTHORITY / CA_FILE))
    others = ssl.create_default_context(cafile=str(broker.keys / AUTHORITY / CA_FILE))
    others.load_cert_chain(foreign / RETURNS.name / CERTIFICATE_FILE, foreign / RETURNS.name / KEY_FILE)
    for context in (bare, others):
        # With TLS 1.3 a client hears what became of its certificate only when it reads.
        with pytest.raises(ssl.SSLError, match=r"CERTIFICATE_REQUIRED|UNKNOWN_CA"):
            Spoken(broker, context)


def test_an_unknown_key_a_foreign_signature_a_password_and_no_name_at_all_are_refused(broker: Broker) -> None:
    known, unknown = broker.of(RETURNS.name).user_key(), UserKey.made()
    context = broker.of(RETURNS.name).context()
    with Spoken(broker, context) as spoken:
        assert spoken.come_as(unknown.public, unknown) == ["-ERR 'Authorization Violation'"]
    with Spoken(broker, context) as spoken:
        assert spoken.come_as(known.public, unknown) == ["-ERR 'Authorization Violation'"]
    with Spoken(broker, context) as spoken:
        assert spoken.come(user=RETURNS.name, **{"pass": RETURNS.name}) == ["-ERR 'Authorization Violation'"]
    with Spoken(broker, context) as spoken:
        assert spoken.come() == ["-ERR 'Authorization Violation'"]
    with Spoken(broker, context) as spoken:
        assert spoken.come_as(known.public, known) == []


async def test_a_service_speaks_to_no_broker_of_another_authority_or_name(broker: Broker, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    make_bus_keys(foreign, ("localhost",), NOW)
    mine = broker.of(RETURNS.name)
    deceived = BusKeys(foreign / RETURNS.name / CA_FILE, mine.certificate_file, mine.key_file, mine.seed_file)
    for url, keys in ((broker.url, deceived), (broker.url.replace("localhost", "127.0.0.1"), mine)):
        async with Bus(url, RETURNS.name, keys=keys) as bus:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await bus.ready()
            with pytest.raises(BusDown):
                await bus.stream_state(RETURNS.stream)


async def test_a_service_with_keys_says_nothing_to_a_broker_without_tls(keys: Path) -> None:
    heard = asyncio.Event()
    said = bytearray()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.15.1","nonce":"abc","auth_required":true,"max_payload":65536}\r\n')
        said.extend(await reader.read(4096))
        heard.set()

    async with listening(greet) as port, Bus(f"tls://localhost:{port}", RETURNS.name, keys=Broker(port, keys).of(RETURNS.name)):
        async with asyncio.timeout(10):
            await heard.wait()
    # The first record of a TLS handshake, and neither CONNECT nor a signature.
    assert said[:1] == b"\x16"
    assert b"CONNECT" not in said
