"""Somebody writes into a stream past the log of a running system: the archive goes on by itself, and operators repair all others.

It has a system of its own, for what was archived and never signed stays in it. All persons are invented.
"""

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ops.demo_year.people import moment
from ops.settings import OpsSettings
from services.counselling.domain.person import RegisterPerson
from shared.bus import Bus
from shared.ids import uuid7
from shared.topology import COUNSELLING
from tests.e2e.test_archive import read, until
from tests.e2e.test_export import DAYS
from tests.e2e.test_export import avrr as audit
from tests.e2e.test_readme import avrr
from tests.running import Mission, started

pytestmark = pytest.mark.timeout(600)
LOG = COUNSELLING.name


@pytest.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mission]:
    async with started(OpsSettings(data=tmp_path_factory.mktemp("tails") / "data")) as made:
        yield made


async def registered(mission: Mission) -> None:
    order = RegisterPerson(sex="male", birth_year=1990, country_of_origin="TR", site="trc_lipa")
    await mission.done(LOG, "counsellor-1", uuid7(), order, moment(1, 9))


async def told(mission: Mission) -> dict[str, Any]:
    rows = (await read(mission, "/v1/archive/integrity")).json()
    found: dict[str, Any] = next(row for row in rows if row["log"] == LOG)
    return found


async def written_past_the_log(mission: Mission) -> bytes:
    """An entry of nobody's stands in the stream behind all that the log has."""
    nats = mission.running.nats
    like = json.loads((await mission.read(LOG, "auditor", "/v1/events")).content.splitlines()[-1])
    leaf = json.dumps({**like, "id": str(uuid7()), "source": "urn:avrr:elsewhere"}, separators=(",", ":"), sort_keys=True).encode()
    async with Bus(nats.url, LOG, LOG, nats.passwords[LOG]) as bus:
        await bus.ready()
        last = (await bus.stream_state(COUNSELLING.stream)).last
        await bus.publish(f"avrr.{LOG}.other", leaf, event_id=uuid7(), after=last)
    return leaf


async def is_archived(mission: Mission, leaf: bytes, log: str) -> bool:
    answer = await read(mission, f"/v1/archive/events/{json.loads(leaf)['id']}")
    return bool(answer.status_code == 200 and answer.json()["log"] == log)


async def follows(mission: Mission, service: str) -> dict[str, Any]:
    answer = await mission.client.get(f"{mission.addresses.services[service]}/readyz")
    found: dict[str, Any] = answer.json()["worker"]["sources"][LOG]
    return found


async def goes_on(mission: Mission) -> bool:
    """Whether more is archived and signed than there was when somebody wrote past the log, and nothing else is wrong."""
    stands = await told(mission)
    (tail,) = stands["tails"]
    signed = stands["checkpoint"]["size"]
    return {alarm["code"] for alarm in stands["alarms"]} == {"entries_tail"} and stands["archived"] >= signed > tail["kept"]


async def test_the_archive_goes_on_by_itself_and_whoever_followed_is_set_back(own: Mission, tmp_path: Path) -> None:
    await registered(own)
    await own.caller.drained()
    leaf = await written_past_the_log(own)
    await until(partial(is_archived, own, leaf, LOG))
    await registered(own)
    # The relay stands, and whoever runs the system fills the stream again from the log.
    assert (await avrr(own, "bus", "rebuild", COUNSELLING.stream))[0] == 0
    await until(partial(is_archived, own, leaf, f"{LOG}.t1"), 150)

    async def stands(service: str) -> bool:
        return bool((await follows(own, service))["stopped"] == "other")

    for service in ("returns", "reintegration"):
        await until(partial(stands, service), 120)
        code, said = await avrr(own, "bus", "step-back", "--service", service, "--source", LOG)
        assert code == 0, said
    assert "takes back nothing that it archived" in (await avrr(own, "bus", "step-back", "--service", "audit", "--source", LOG))[1]
    await own.caller.drained()
    await until(partial(goes_on, own), 150)
    (tail,) = (await told(own))["tails"]
    assert (tail["held"], tail["tail_log"]) == (1, f"{LOG}.t1")

    (one,) = (await read(own, "/v1/archive/findings?accepted=false")).json()["items"]
    for what, persona, body in (
        ("explain", "administrator", {"sightings": 1, "cause": "exercise", "incident": "INC-2026-14"}), ("accept", "data-protection", {}),
    ):  # fmt: skip
        answer = await own.raw("POST", "audit", f"/v1/archive/findings/{one['id']}/{what}", persona, body, Idempotency_Key=str(uuid7()))
        assert answer.is_success, answer.text
    assert (await told(own))["alarms"] == []
    code, said = await avrr(own, "verify")
    assert code == 0, said

    folder = tmp_path / "export"
    code, said = await audit(own, "export", *DAYS, "--out", str(folder))
    assert (code, f"{LOG}: 1 entries that nobody signed" in said) == (0, True), said
    (tmp_path / "keys").write_text((await audit(own, "policy"))[1])
    code, said = await audit(own, "verify", str(folder), "--policy", str(tmp_path / "keys"))
    assert (code, "1 entries that nobody signed (tails/1)" in said, said.endswith("events: Nothing was found.\n")) == (0, True, True), said
