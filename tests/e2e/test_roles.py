"""A service's API and worker as two processes: what the one commits, the other hears of and relays."""

from datetime import UTC, datetime

import httpx

from ops.ports import next_free
from ops.system import service_child
from services.counselling.domain.person import GiveConsent, RegisterPerson
from shared.ids import uuid7
from shared.topology import COUNSELLING
from tests.e2e.conftest import Mission
from tests.hurry import HURRIED
from tests.integration.bus.house import until

NOW = datetime(2023, 5, 2, 12, 0, tzinfo=UTC)


async def test_an_api_without_worker_is_relayed_by_a_worker_without_api(mission: Mission) -> None:
    running = mission.running
    await running.stop("counselling")
    port = next_free(9100)

    async def relayed_and_heard() -> bool:
        # Whoever answers requests sees neither log nor followers; its worker tells of both.
        async with httpx.AsyncClient(trust_env=False) as client:
            of = {name: await client.get(f"http://127.0.0.1:{at}/readyz") for name, at in (("worker", port), ("returns", running.ports["returns"]))}
        worker, returns = of["worker"].json(), of["returns"].json()
        return (
            bool(returns["cursors"].get("counselling", -1) + 1 == worker["log_size"] >= 2)
            and bool(worker["cursors"].get("returns", -1) + 1 == returns["log_size"])
        )  # fmt: skip

    try:
        await running.add(
            service_child(running, COUNSELLING, "replay", "api", environment=HURRIED),
            service_child(running, COUNSELLING, "replay", "worker", port, environment=HURRIED),
        )
        person_id = uuid7()
        order = RegisterPerson(sex="female", birth_year=1990, country_of_origin="MA", site="trc_borici")
        await mission.done("counselling", "counsellor", person_id, order, NOW)
        consent = GiveConsent(consent="data", text_version="v1", language="ara", method="signature", given_at=NOW)
        await mission.done("counselling", "counsellor", person_id, consent, NOW)
        await until(relayed_and_heard)
    finally:
        for name in ("counselling-api", "counselling-worker"):
            await running.stop(name)
        await running.start("counselling")
