"""A database that was set back while the rest of the system went on: found, listed, accepted by two persons, and nobody's erasure forgotten.

It has a system of its own, whose database is replaced by a copy of before. All persons are invented.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from ops import databases
from ops.after_restore import accepting, sources
from ops.audit import taking, verify_audit
from ops.demo_year.calling import Caller
from ops.demo_year.people import moment
from ops.demo_year.wire import Wire
from ops.identity.client import PersonaTokens, request_token
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.system import addresses, development_secret, make_system
from ops.verification import verify_system
from services.counselling.domain.erasure import ApproveErasure, RequestErasure
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.counselling.tables import PERSONAL_TABLES
from shared.ids import uuid7
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.topology import BY_NAME
from tests.e2e.test_erasure import NOON, identity
from tests.hurry import HURRIED
from tests.running import Mission

WORD = "Kanarivrijeme"


@pytest.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mission]:
    settings = OpsSettings(data=tmp_path_factory.mktemp("restored") / "data")
    system = make_system(settings, clock="replay", environment=HURRIED)
    async with system as running, httpx.AsyncClient(timeout=30, transport=Wire(), trust_env=False) as client:
        found = addresses(running, "replay")
        tokens = PersonaTokens(found.issuer, development_secret(settings), client=client)
        caller = Caller(client, found.services, tokens)
        await caller.learn()
        yield Mission(settings, running, found, client, caller, tokens)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 -- other processes do it
            await asyncio.sleep(0.1)


async def copied(running: Running, service: str, to: str) -> None:
    """Makes one database of another, as a restore does: nobody is connected meanwhile."""
    admin = await asyncpg.connect(running.postgres.url)
    try:
        await admin.execute(f"ALTER DATABASE {service} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", service)
        await admin.execute(f"CREATE DATABASE {to} TEMPLATE {service}")
        await admin.execute(f"ALTER DATABASE {service} ALLOW_CONNECTIONS true")
    finally:
        await admin.close()


async def set_back(mission: Mission, service: str, copy: str) -> None:
    admin = await asyncpg.connect(mission.running.postgres.url)
    try:
        await admin.execute(f"ALTER DATABASE {service} ALLOW_CONNECTIONS false")
        await admin.execute(f"DROP DATABASE {service} WITH (FORCE)")
        await admin.execute(f"ALTER DATABASE {copy} RENAME TO {service}")
        await databases.make_database(admin, BY_NAME[service], service)
    finally:
        await admin.close()


async def readiness(mission: Mission, service: str) -> dict[str, object]:
    found: dict[str, object] = (await mission.client.get(f"{mission.addresses.services[service]}/readyz")).json()
    return found


async def registered(mission: Mission, person_id: UUID) -> None:
    order = RegisterPerson(sex="male", birth_year=1987, country_of_origin="TR", site="trc_usivak")
    await mission.done("counselling", "counsellor-1", person_id, order, NOON)


async def person_known(mission: Mission, person_id: UUID) -> None:
    await registered(mission, person_id)
    consent = GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=NOON)
    await mission.done("counselling", "counsellor-1", person_id, consent, NOON)
    await mission.done("counselling", "counsellor-1", person_id, identity(WORD), NOON)


async def erased(mission: Mission, person_id: UUID) -> None:
    await mission.done("counselling", "data-protection", person_id, RequestErasure(ground="person_asked"), moment(201, 9))
    await mission.done("counselling", "chief-of-mission", person_id, ApproveErasure(), moment(201, 10))


async def by(mission: Mission, persona: str) -> str:
    return await request_token(mission.addresses.issuer, persona, development_secret(mission.settings))


async def told_everywhere(mission: Mission) -> int:
    """How long counselling's log is, once stream, archive, checkpointer and followers know all of it."""
    size = 0

    async def told() -> bool:
        nonlocal size
        ready = await readiness(mission, "counselling")
        assert isinstance(ready["log_size"], int)
        size = ready["log_size"]
        known = await sources.in_archive(mission.settings, BY_NAME["counselling"], 0)
        covered = await sources.signed(mission.settings, BY_NAME["counselling"])
        taken = await sources.followed(mission.settings, BY_NAME["counselling"])
        return known is not None and {known.size, covered, *taken.values()} == {size}

    await until(told)
    return size


async def signed(mission: Mission) -> bytes:
    return (await mission.client.get(f"{mission.addresses.checkpointer}/counselling/checkpoint")).content


async def all_is_well_with(mission: Mission, kept: int) -> bool:
    """Whether checkpointer and archive say of every log that nothing is wrong, and of counselling's that it was set back once."""
    if (await mission.client.get(f"{mission.addresses.checkpointer}/readyz")).status_code != 200:
        return False
    answer = await mission.read("audit", "auditor", "/v1/archive/integrity")
    logs = {one["log"]: one for one in answer.json()}
    told = [(one["generation"], one["kept"]) for one in logs["counselling"]["breaks"]]
    origin = Checkpoint.of(Note.of(await signed(mission))).origin
    return (
        not any(one["alarms"] for one in logs.values()) and told == [(2, kept)] and origin.endswith("/counselling/2")
        and logs["counselling"]["checkpoint"]["origin"] == origin
    )  # fmt: skip


async def is_shut(mission: Mission) -> bool:
    return (await readiness(mission, "counselling")).get("set_back") is True


async def refused_for_now(mission: Mission, somebody: UUID, another: UUID) -> None:
    body = {"sex": "male", "birth_year": 1990, "country_of_origin": "TR", "site": "trc_usivak"}
    key = {"Idempotency_Key": str(uuid7()), "Avrr_Now": NOON.isoformat()}
    for answer in (
        await mission.raw("POST", "counselling", f"/v1/persons/{another}", "counsellor-1", body, **key),
        await mission.raw("GET", "counselling", f"/v1/persons/{somebody}/identity?purpose=casework", "coordinator"),
        await mission.raw("GET", "counselling", f"/v1/persons/{somebody}", "counsellor-1"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "restored_not_accepted")
    assert (await mission.raw("GET", "counselling", "/v1/log", "auditor")).status_code == 200


async def refused_to_accept(mission: Mission, token: str, *codes: str) -> None:
    with pytest.raises(CannotStart) as refused:
        await accepting.accept(mission.settings, token, None, print)
    assert refused.value.code in codes


async def nothing_left_of(mission: Mission, person_id: UUID) -> None:
    password = Secrets(mission.settings.secrets_folder).password("counselling_verify")
    connection = await asyncpg.connect(mission.running.postgres.url_for("counselling", "counselling_verify", password))
    try:
        for table in ("person_keys", *(one.name for one in PERSONAL_TABLES)):
            assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE person_id = $1", person_id) == 0, table
        assert await connection.fetchval("SELECT erased_at IS NOT NULL FROM persons WHERE id = $1", person_id)
    finally:
        await connection.close()


async def break_told(mission: Mission, kept: int, size: int, former: bytes, folder: Path) -> None:
    """The log is signed again, under another name; whoever checks an export of it is told why, and finds nothing wrong."""
    await until(lambda: all_is_well_with(mission, kept), 120)
    exported, told = folder / "export", list[str]()
    await taking.export_from_here(mission.settings, exported, (date(2023, 1, 1), date(2023, 12, 31)), [], [], print)
    (folder / "keys").write_text((await mission.client.get(f"{mission.addresses.checkpointer}/policy")).text)
    before = folder / "before" / "counselling"
    before.mkdir(parents=True)
    (before / "checkpoint").write_bytes(former)
    found = verify_audit.main([str(exported), "--policy", str(folder / "keys"), "--since", str(before.parent)], told.append)
    assert found == 0, told
    (line,) = [one for one in told if "was set back" in one]
    assert f"{kept} entries were kept and {size - kept} lost, of which {size - kept} are here" in line


async def test_after_a_restore_of_one_database_two_persons_accept_and_who_was_erased_stays_erased(
    own: Mission, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    somebody, later, afterwards = uuid7(), uuid7(), uuid7()
    await person_known(own, somebody)
    await copied(own.running, "counselling", "before_it")
    await erased(own, somebody)
    await registered(own, later)
    size = await told_everywhere(own)
    former = await signed(own)
    await set_back(own, "counselling", "before_it")

    # The running service finds it by its stream, and so does one that is started anew.
    await until(lambda: is_shut(own))
    await refused_for_now(own, somebody, afterwards)
    await own.running.stop("counselling")
    await own.running.start("counselling")
    await refused_for_now(own, somebody, afterwards)

    # What was lost is listed from stream and archive, by ids, types and times.
    (losses,) = await accepting.listed(own.settings, print)
    assert (losses.known, losses.unknown, losses.disagreeing, losses.unasked) == (size, 0, (), ())
    assert [one.idx for one in losses.lost] == list(range(losses.mark.kept, size))
    kinds = {one.envelope.type.split(".")[3] for one in losses.lost}
    assert {"erasure_requested", "erasure_approved", "erased", "registered"} <= kinds
    written = Path(own.settings.data_folder, "restored", str(losses.mark.id), "counselling.json").read_text()
    assert json.loads(written) == losses.content
    said = capsys.readouterr().out
    assert WORD not in said + written
    assert f"{len(losses.lost)} of the lost are known, 0 are not" in said

    # What was signed before is still what is told of it, and nothing else is signed.
    assert await signed(own) == former

    # One person is not enough, nor the same one twice, nor one without a key, nor one of another role.
    assert await accepting.accept(own.settings, await by(own, "chief-of-mission"), "exercise", print) is False
    await refused_to_accept(own, await by(own, "chief-of-mission"), "four_eyes")
    await refused_to_accept(own, await by(own, "finance-approver"), "not_permitted")
    weak = await request_token(own.addresses.issuer, "auditor", development_secret(own.settings), acr="pwd")
    await refused_to_accept(own, weak, "insufficient_user_authentication")
    assert await is_shut(own)
    assert await accepting.accept(own.settings, await by(own, "auditor"), None, print) is True

    async def is_open() -> bool:
        return not await is_shut(own)

    await until(is_open)
    await nothing_left_of(own, somebody)

    # Work goes on, those who follow take it, and logs, rows and streams agree.
    await registered(own, afterwards)
    await erased(own, afterwards)

    async def completed() -> bool:
        answer = await own.read("counselling", "data-protection", "/v1/erasures?status=completed")
        return {str(somebody), str(afterwards)} <= {row["id"] for row in answer.json()["items"]}

    await until(completed)
    for service in ("counselling", "returns", "reintegration"):
        assert [line async for line, differs in verify_system(own.settings, service) if differs] == []
    await break_told(own, losses.mark.kept, size, former, tmp_path)
