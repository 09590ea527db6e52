"""The year 2023, replayed through the running services: its figures are the published ones, and everything agrees."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from ops import report
from ops.demo_year.replay import replay_present, replay_year
from ops.identity.client import PersonaTokens
from ops.settings import OpsSettings
from ops.system import addresses, development_secret, make_system
from ops.verification import verify_system

KEYS = {
    "sessions", "virtual_sessions", "group_sessions", "outreach_contacts", "outreach_locations", "intentions",
    "returns", "countries", "female", "male", "children", "returns_TR", "returns_MA", "returns_PK", "returns_DZ",
    "returns_IN", "grants", "grants_business", "grants_housing", "grants_medical", "counselled", "own_plans",
}  # fmt: skip


# Each has a page on which somebody can do something with it.
STAGES = {
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "arrived", "reintegrating",
    "grant_approved",
}  # fmt: skip


async def stages(returns: str, tokens: PersonaTokens, since: datetime) -> set[str]:
    """Where the cases stand that began since then."""
    found: set[str] = set()
    query: dict[str, str] | None = {"limit": "100", "open": "true"}
    async with httpx.AsyncClient(base_url=returns, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {await tokens.token('coordinator')}"}
        while query is not None:
            answer = await client.get("/v1/cases", params=query, headers=headers)
            body = answer.raise_for_status().json()
            found |= {row["status"] for row in body["items"] if datetime.fromisoformat(row["expressed_at"]) > since}
            query = {**query, "after": body["next"]} if body["next"] else None
    return found


@pytest.mark.timeout(300)
async def test_the_replayed_year_has_the_published_figures_and_nothing_differs_afterwards(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = OpsSettings(data=tmp_path_factory.mktemp("year") / "data")
    async with make_system(settings, clock="replay") as running:
        found = addresses(running, "replay")
        tokens = PersonaTokens(found.issuer, development_secret(settings))
        # Another seed than the demo's: the figures must not depend on which people were invented.
        replayed = await replay_year(found.services, tokens, 7, lambda *_: None)
        now = datetime.now(UTC)
        present = await replay_present(found.services, tokens, 7, now, lambda *_: None)
        rows = await report.compute(found.services, tokens, 2023)
        lines = [line async for line in verify_system(settings, None)]
        under_way = await stages(found.services["returns"], tokens, now - timedelta(days=60))
    assert replayed.commands > 7000
    assert present.commands > 300
    assert under_way >= STAGES
    assert {row.key for row in rows} == KEYS
    assert [(row.key, row.published, row.computed) for row in rows if not row.equal] == []
    assert [line for line, wrong in lines if wrong] == []
