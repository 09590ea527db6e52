"""One trace from the form in the portal over the log to what another service makes of it, and nothing of anybody in it."""

import html
import re
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from uuid import UUID

import httpx
import pytest

from ops.demo_year.people import moment
from ops.settings import OpsSettings
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import EndorseGrant
from shared.ids import uuid7
from shared.money import Money
from tests.browser.signing_in import signed_in
from tests.e2e.canaries import Flock, heard
from tests.e2e.canary_journeys import IN_A_HOUSEHOLD, Drive, bodies_of, is_personal
from tests.e2e.collector import Collector, Kept, collecting
from tests.e2e.test_policy_matrix import ground, shown
from tests.running import Mission, started

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_APPROVED = "avrr.reintegration.grant.approved.v1"


@pytest.fixture(scope="module")
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as made:
        yield made


@pytest.fixture(scope="module")
async def mission(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mission]:
    settings = OpsSettings(data=tmp_path_factory.mktemp("traced") / "data")
    async with started(settings, AVRR_OTLP_ENDPOINT=collector.url) as made:
        yield made


def hidden_in(page: httpx.Response) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page.text)}


async def endorsed(mission: Mission) -> tuple[UUID, UUID]:
    """A grant that waits for an approval, and a fund that can pay it."""
    found, fund_id = await ground(mission, "TN", 78), uuid7()
    await mission.done("reintegration", "coordinator", found.grant_id, EndorseGrant.model_validate(await shown(mission, found.grant_id)), moment(47, 9))
    order = OpenFund(
        project="TRACED", donor="DONOR", granted=Money(amount=Decimal(5000), currency="EUR"), valid_from=date(2023, 1, 1),
        valid_until=date(2035, 12, 31),
    )  # fmt: skip
    await mission.done("reintegration", "manager", fund_id, order, moment(1, 9))
    await mission.done("reintegration", "chief-of-mission", fund_id, ConfirmFund(change_no=1), moment(1, 10))
    return found.grant_id, fund_id


def _way(spans: list[Kept], correlation: UUID) -> list[tuple[str, str] | None]:
    """The one way from what returns did with the approval up to the form; None ends it where its next span is not there yet."""
    by_id = {one.id: one for one in spans if one.trace == correlation.bytes}
    at = next((one for one in by_id.values() if one.process == "returns" and one.name == "handle"), None)
    way: list[tuple[str, str] | None] = []
    while at is not None:
        way.append((at.process, at.name))
        if at.parent == b"":
            return way
        at = by_id.get(at.parent)
    return [*way, None]


@pytest.mark.timeout(300)
async def test_an_approval_is_one_trace_from_the_form_to_what_another_service_makes_of_it(mission: Mission, collector: Collector) -> None:
    grant_id, fund_id = await endorsed(mission)
    page = f"{mission.addresses.portal}/do/reintegration/approve_grant/{grant_id}"
    cookies = await signed_in(mission.addresses.portal, "finance-approver")
    ours = {"Origin": mission.addresses.portal, "Sec-Fetch-Site": "same-origin", "Cookie": cookies}
    async with httpx.AsyncClient(trust_env=False, timeout=30, headers=ours) as client:
        asked = await client.get(page)
        posted = {**hidden_in(asked), "fund_id": str(fund_id), "step": "check"}
        checked = await client.post(page, data=posted)
        assert checked.status_code == 200, checked.text
        sent = await client.post(page, data={**hidden_in(checked), "step": "send"})
    assert sent.status_code == 303, sent.text
    correlation = UUID(sent.headers["x-correlation-id"])

    # Each process tells its spans by itself, so that one from the middle of the way may come last.
    spans = [
        one for one in await collector.until(lambda spans: _way(spans, correlation)[-1:] != [None]) if one.trace == correlation.bytes
    ]
    assert len({one.id for one in spans}) == len(spans)
    way = _way(spans, correlation)
    assert way[0] == ("returns", "handle")
    for part in (
        ("returns", f"take {_APPROVED}"), ("reintegration", f"publish {_APPROVED}"), ("reintegration", f"append {_APPROVED}"),
        ("reintegration", "approve_grant"), ("portal", "ask"),
    ):
        assert part in way, way
    assert way[-1] is not None and way[-1][0] == "portal"
    ordered = [one.attributes for one in spans if one.name == "handle" and one.process == "reintegration"]
    assert {"command": "ApproveGrant", "aggregate": "grant"} in ordered
    verbs = [one.name for one in spans if one.process == "reintegration" and one.attributes.get("db.system.name")]
    assert verbs.count("BEGIN") == verbs.count("COMMIT")
    assert {"BEGIN", "SELECT", "WITH", "COMMIT"} <= set(verbs)


@pytest.mark.timeout(600)
async def test_no_span_holds_anything_of_anybody(mission: Mission, collector: Collector) -> None:
    flock = Flock()
    personal = [body for body in await bodies_of(mission) if is_personal(body)]
    await Drive(mission, flock, IN_A_HOUSEHOLD, personal).go()
    await collector.until(lambda spans: any(one.name.startswith("take avrr.counselling") for one in spans))
    assert len(collector.spans) > 500
    assert {where for body in collector.bodies if (where := tuple(heard(body)))} == set()
    told = {f"{name}={value}" for one in collector.spans for name, value in (("name", one.name), *one.attributes.items())}
    # No id of any kind, no address, no statement, no actor.
    assert [one for one in told if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|/|@|staff:|[$:]\d", one)] == []
    assert heard(f"{next(iter(flock.where))}".encode()), "what was looked for would have been heard"
