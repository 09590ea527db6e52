"""The commands of whoever operates a system in containers: by variables alone, to the deployed broker by TLS and an nkey.

Nothing was started in their data folder. All persons are invented.
"""

import asyncio
import http.server
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import rfc8785

from ops import databases
from ops.after_restore import accepting, mark, sources
from ops.bus_keys import CA_FILE, CERTIFICATE_FILE, KEY_FILE, SEED_FILE, make_bus_keys
from ops.doctor.examining import WATCHED, examine
from ops.embedded.nats import OPERATOR
from ops.operating import operator_bus
from ops.prepare import PASSWORDS
from ops.provision import IDENTITY, Provision
from ops.repairs import rebuild_stream, step_back
from ops.settings import CannotStart, OpsSettings, read_settings
from ops.supervisor import Running
from ops.verification import verify_system
from shared.appending import Leaf
from shared.blind_index import FileIndexKeys
from shared.bus import Bus
from shared.db import Database, Scope
from shared.epochs import FileEpochs
from shared.ids import uuid7
from shared.messages import Envelope
from shared.tlog.tree import leaf_hash
from shared.topology import COUNSELLING, LOGS, REINTEGRATION, RETURNS
from tests.integration.bus.deployed import Broker, deployed_broker
from tests.integration.conftest import PASSWORDS as OF_ROLES
from tests.unit.shared.signing import KEY, claims, header, signed

# Five databases are migrated first.
pytestmark = pytest.mark.timeout(300)

# The brokers that are given these keys go by the real clock.
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Operated:
    """A system of which an operator knows what the variables say."""

    broker: Broker
    settings: OpsSettings


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operators_keys")
    make_bus_keys(folder, ("localhost",), NOW)
    return folder


@pytest.fixture
def provider() -> Iterator[str]:
    """Who publishes the keys of access tokens."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": [KEY.as_dict(private=False)]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        answering = threading.Thread(target=server.serve_forever)
        answering.start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        server.shutdown()
        answering.join()


@pytest.fixture(scope="module")
async def prepared(servers: Running) -> AsyncIterator[str]:
    """The address of a server with every service's database."""
    await databases.prepare(servers.postgres, OF_ROLES)
    yield f"{servers.postgres.host}:{servers.postgres.port}"
    connection = await asyncpg.connect(servers.postgres.url)
    for owner in databases.OWNERS:
        await connection.execute(f"DROP DATABASE IF EXISTS {owner.name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def operated(
    prepared: str, keys: Path, tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Operated]:
    data = tmp_path / "operator"
    for service in LOGS:
        folder = data / "secrets" / "epochs" / service.name
        FileEpochs(folder).begin()
        if service.finds_by:
            FileIndexKeys(folder).begin()
    (tmp_path / "broker").mkdir()
    with deployed_broker(tmp_path / "broker", keys) as broker:
        await Provision(broker.url, keys=broker.of(IDENTITY)).ensure()
        own = keys / OPERATOR
        environment = {variable: OF_ROLES[role] for variable, role in PASSWORDS.items()} | {
            "AVRR_DATA": str(data), "AVRR_DATABASE_URL": f"postgresql://operator@{prepared}/postgres",
            "AVRR_NATS_URL": broker.url, "AVRR_NATS_CA_FILE": str(own / CA_FILE), "AVRR_NATS_CERTIFICATE_FILE": str(own / CERTIFICATE_FILE),
            "AVRR_NATS_KEY_FILE": str(own / KEY_FILE), "AVRR_NATS_SEED_FILE": str(own / SEED_FILE),
            "AVRR_OIDC_ISSUER": "https://identity.example", "AVRR_OIDC_JWKS_URL": provider,
            "AVRR_CHECKPOINTER_URL": "http://127.0.0.1:1",
        }  # fmt: skip
        for name in [name for name in os.environ if name.startswith("AVRR_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield Operated(broker, read_settings())


def lost_event() -> bytes:
    """An event of returns that only its stream has any more."""
    envelope = Envelope(
        id=uuid7(), source="urn:avrr:returns", type="avrr.returns.case.opened.v1", subject=uuid7(), partitionkey=uuid7(), time=NOW,
        dataschema="urn:avrr:schema:test", aggregateversion=1, actorid="somebody", actorrole="counsellor", actororg="iom",
        actorcountry="BA", actoracr="", authtime=None, correlationid="test", causationid=None, causeleafhash=None, data={"number": 1},
    )  # fmt: skip
    return rfc8785.dumps(envelope.model_dump(mode="json", exclude_none=True))


async def relayed(broker: Broker, leaf: bytes) -> None:
    async with Bus(broker.url, RETURNS.name, keys=broker.of(RETURNS.name)) as bus, asyncio.timeout(30):
        await bus.ready()
        await bus.publish("avrr.returns.case.opened", leaf, event_id=uuid7(), after=0)


def token_of(person: str, role: str) -> str:
    now = int(time.time())
    return signed(header(), claims(sub=f"staff:{person}", roles=[role], iat=now, exp=now + 300, auth_time=now - 5))


async def verified(settings: OpsSettings) -> dict[str, int]:
    return {line: wrong async for line, wrong in verify_system(settings, RETURNS.name)}


async def test_a_service_that_was_set_back_is_listed_accepted_by_two_and_opened(operated: Operated, servers: Running) -> None:
    settings = operated.settings
    await relayed(operated.broker, lost_event())
    await mark({"returns": databases.logins(servers.postgres, RETURNS, OF_ROLES).worker})
    said: list[str] = []
    (losses,) = await accepting.listed(settings, said.append)
    assert (len(losses.lost), losses.unknown, losses.unasked) == (1, 0, ())
    assert said[0].startswith("returns: set back to 0 of 1 entries")
    assert not await accepting.accept(settings, token_of("chief", "chief_of_mission"), "exercise", said.append)
    with pytest.raises(CannotStart) as refused:
        await accepting.accept(settings, token_of("anna", "counsellor"), None, said.append)
    assert refused.value.code == "not_permitted"
    assert await accepting.accept(settings, token_of("edin", "auditor"), None, said.append)
    assert said[-1] == "returns: takes orders again"
    async with operator_bus(settings) as bus:
        # Nobody relays here, so that what was made anew is empty.
        assert (await bus.stream_state(RETURNS.stream)).messages == 0
    assert list((settings.data_folder / "restored").glob("*/returns.ndjson"))


async def test_a_stream_that_holds_what_its_log_does_not_is_told_and_made_anew(operated: Operated) -> None:
    await relayed(operated.broker, b"{}")
    async with operator_bus(operated.settings) as bus:
        assert (await bus.stream_state(RETURNS.stream)).messages == 1
        assert sum((await verified(operated.settings)).values()) == 1
        await rebuild_stream(operated.settings, "returns")
        assert (await bus.stream_state(RETURNS.stream)).messages == 0


async def test_a_cursor_is_set_back_only_where_what_was_taken_is_not_the_sources_own(operated: Operated, servers: Running) -> None:
    source = Database(databases.logins(servers.postgres, COUNSELLING, OF_ROLES).worker, "counselling")
    await source.open()
    leaves = [lost_event() for _ in range(4)]
    for leaf in leaves:
        told = Envelope.model_validate_json(leaf)
        async with source.unit_of_work(Scope("service:test")) as unit:
            unit.append(Leaf(told.id, told.type, told.subject, told.aggregateversion, leaf))
    await source.close()
    follower = await asyncpg.connect(servers.postgres.url_for(REINTEGRATION.name, servers.postgres.user, servers.postgres.password))

    async def took(idx: int, leaf: bytes) -> None:
        await follower.execute("DELETE FROM cursor WHERE source = 'counselling'")
        await follower.execute("INSERT INTO cursor (source, last_idx, last_hash) VALUES ('counselling', $1, $2)", idx, leaf_hash(leaf))

    async def set_back(entries: int = 1) -> tuple[object, ...]:
        try:
            await step_back(operated.settings, REINTEGRATION.name, COUNSELLING.name, entries)
        except CannotStart as refused:
            return (refused.code,)
        row = await follower.fetchrow("SELECT last_idx, last_hash FROM cursor WHERE source = 'counselling'")
        assert row is not None
        return tuple(row.values())

    try:
        assert await set_back() == ("nothing_taken",)
        # As after a gap: what is missing comes again once the stream was rebuilt, and this came before it.
        await took(2, leaves[2])
        assert await set_back() == ("cursor_true",)
        for entries, last in ((1, 2), (2, 1)):
            await took(3, b"another event")
            assert await set_back(entries) == (last, leaf_hash(leaves[last]))
        await took(3, b"another event")
        assert await set_back(4) == (-1, b"")
        for entries in (0, 5):
            await took(3, b"another event")
            assert await set_back(entries) == ("not_as_many",)
        # The log is not as long as what was taken: whatever that was, it was not the log's.
        await took(4, leaves[3])
        assert await set_back() == (3, leaf_hash(leaves[3]))
        assert await set_back() == ("cursor_true",)
    finally:
        await follower.execute("DELETE FROM cursor WHERE source = 'counselling'")
        await follower.close()


async def test_the_doctor_looks_at_the_broker_as_the_operator(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WATCHED, "returns=http://127.0.0.1:1")
    found = {one.check: one.sentence for one in await examine(operated.settings)}
    assert found["broker"] == "The broker holds 4 streams and their durables as they are declared."


async def test_a_broker_that_is_away_is_said_in_one_line_and_not_waited_for(operated: Operated) -> None:
    away = operated.settings.model_copy(update={"nats_url": "tls://localhost:1"})
    with pytest.raises(CannotStart, match=r"^The broker at tls://localhost:1 cannot be reached"):
        async with operator_bus(away):
            pass
    assert "returns: the stream cannot be read (BrokerAway)" in await verified(away)
    assert await sources.in_stream(away, RETURNS, 0) is None
