"""The year 2023, replayed through the running services: its figures are the published ones, and everything agrees."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import floor
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import httpx
import pytest

from ops import bank_lines, donor_lines, report
from ops.browser import ensure_browser, open_browser, sign_in
from ops.demo_year.donors import taken
from ops.demo_year.replay import replay_present, replay_year
from ops.demo_year.script import Step
from ops.demo_year.year import build_year
from ops.identity.client import PersonaTokens
from ops.log_figures.report import report_from_export
from ops.settings import OpsSettings
from ops.system import addresses, development_secret, make_system
from ops.verification import verify_system
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.session import HoldSession
from services.returns.domain.case_application import DeclareIneligible
from services.returns.domain.case_families import JoinFamily, SplitFamily
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture, RecordNotDeparted
from services.returns.domain.case_reintegration import RequestClosing
from services.returns.domain.case_state import BEFORE_DEPARTURE, TERMINAL
from services.returns.domain.case_support import GiveSupport, PlanSupport
from services.returns.domain.case_withdrawal import LapseCase, WithdrawCase
from services.returns.domain.support import KIND_OF, KINDS
from services.returns.queries.standing import STANDS_IN_WORDS
from shared.messages import Command
from shared.statistics import Figure, Statistics, not_too_small
from shared.topology import SERVICES
from tests.unit.ops.audit.exports import House

KEYS = {
    "sessions", "virtual_sessions", "group_sessions", "outreach_contacts", "outreach_locations", "intentions",
    "returns", "countries", "female", "male", "children", "returns_TR", "returns_MA", "returns_PK", "returns_DZ",
    "returns_IN", "grants", "grants_business", "grants_housing", "grants_medical", "counselled", "own_plans",
}  # fmt: skip
# Of what the mission published no figure, the year says by itself how much there is.
COUNTED = {
    "supports", "supports_medical", "supports_psychosocial", "supports_childcare", "supports_accommodation",
    "supports_financial", "persons_supported", "days_to_departure", "days_to_departure_TR", "days_to_departure_MA",
    "days_to_departure_PK", "days_to_departure_DZ", "days_to_departure_IN",
}  # fmt: skip

# What became of the cases of the year.
CASES = {"withdrawn_cases", "ineligible_cases", "lapsed_cases", "missed_flights", "open_cases", "begun_cases"}
STANDING = {f"cases_{stands}" for stands in STANDS_IN_WORDS}
# The hard cases of the year: a child on its own, holds, a family that parts, wrong records, what is lost, who is not reached.
HARD = {
    "guardian_noted.v1": 1, "hold_placed.v1": 11, "hold_lifted.v1": 5, "family_split.v1": 2, "family_joined.v1": 1,
    "person_withdrew.v1": 1, "correction_asked.v1": 3, "departure_corrected.v1": 1, "arrival_corrected.v1": 1,
    "correction_rejected.v1": 1, "clearance_lost.v1": 1, "flight_missed.v1": 4, "contact_tried.v1": 100, "lapsed.v1": 50,
    "declared_ineligible.v1": 12, "not_departed.v1": 1,
}  # fmt: skip


# One payment that the bank does not take and one that it sends back, each made again.
TROUBLED = {"payment_failed.v1": 1, "payment_reversed.v1": 1, "disbursement_undone.v1": 1, "disbursed.v1": 68}
# Each has a page on which somebody can do something with it.
STAGES = {
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "arrived", "reintegrating",
    "grant_approved",
}  # fmt: skip


async def listed(returns: str, tokens: PersonaTokens, **only: str) -> list[dict[str, str]]:
    """The cases that a coordinator finds in their list."""
    found: list[dict[str, str]] = []
    query: dict[str, str] | None = {"limit": "100", **only}
    async with httpx.AsyncClient(base_url=returns, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {await tokens.token('coordinator')}"}
        while query is not None:
            answer = await client.get("/v1/cases", params=query, headers=headers)
            body = answer.raise_for_status().json()
            found += body["items"]
            query = {**query, "after": body["next"]} if body["next"] else None
    return found


def supported(year: list[list[Step]]) -> dict[str, int]:
    """How much support of which kind is given in a year, and to how many persons, as its orders say."""
    orders = [step.order for journey in year for step in journey]
    planned = {order.support_id: order for order in orders if isinstance(order, PlanSupport)}
    given = [planned[order.support_id] for order in orders if isinstance(order, GiveSupport)]
    kinds = Counter(KIND_OF[order.need] for order in given)
    return {
        **{f"supports_{kind}": count for kind, count in not_too_small({kind: kinds[kind] for kind in KINDS}).items()},
        "supports": len(given),
        "persons_supported": len({order.person_id for order in given}),
    }  # fmt: skip


def waited(year: list[list[Step]]) -> dict[str, int]:
    """The median of days from the wish to the departure over those who arrive, and over those of each country with five."""
    home = ZoneInfo("Europe/Sarajevo")
    steps = [step for journey in year for step in journey]
    held = {step.id: step.order.held_at for step in steps if isinstance(step.order, HoldSession)}
    wishes = {step.id: step.order for step in steps if isinstance(step.order, ExpressIntention)}
    left = {
        (step.id, person_id): step.order.departed_at
        for step in steps if isinstance(step.order, RecordDeparture) for person_id in step.order.person_ids
    }  # fmt: skip
    days: dict[str, list[int]] = defaultdict(list)
    for step in steps:
        # Whoever parts from a family has wished to go when they all did.
        if isinstance(step.order, SplitFamily):
            wishes[step.order.new_case_id] = wishes[step.id]
    arrivals = {(step.id, step.order.person_id) for step in steps if isinstance(step.order, ConfirmArrival)}
    for case_id, person_id in arrivals:
        wish, departed_at = wishes[case_id], left[case_id, person_id]
        waited = departed_at.astimezone(home).date() - held[wish.session_id].astimezone(home).date()
        for key in ("days_to_departure", f"days_to_departure_{wish.destination_country}"):
            days[key].append(waited.days)
    return {key: floor(median(each) + 0.5) for key, each in days.items() if len(each) >= 5 and key in COUNTED}


def ended(year: list[list[Step]]) -> dict[str, int]:
    """How many cases begin in a year, and how many end in which way, as its orders say."""
    orders = Counter(type(step.order) for journey in year for step in journey)
    ways: dict[str, type[Command]] = {
        "withdrawn": WithdrawCase, "lapsed": LapseCase, "ineligible": DeclareIneligible, "not_departed": RecordNotDeparted,
        "closed": RequestClosing, "joined": JoinFamily,
    }  # fmt: skip
    begun = orders[ExpressIntention] + orders[SplitFamily]
    return {"begun": begun, **{status: orders[kind] for status, kind in ways.items()}}


def told(statuses: Mapping[str, int]) -> dict[str, int]:
    """What the report tells of cases at these statuses."""
    before = sum(statuses[status] for status in (*BEFORE_DEPARTURE, "on_hold"))
    ends = {str(status): statuses[status] for status in TERMINAL}
    left = sum(statuses.values()) - before - sum(ends.values())
    return {f"cases_{stands}": cases for stands, cases in not_too_small({"under_way": before, "left": left, **ends}).items()}


async def recorded(services: Mapping[str, str], tokens: PersonaTokens, kinds: str = "returns.case") -> Counter[str]:
    """How often each event of a kind of thing was recorded in 2023, as an auditor reads the log."""
    service, _, _ = kinds.partition(".")
    async with httpx.AsyncClient(base_url=services[service], trust_env=False, timeout=60) as client:
        headers = {"Authorization": f"Bearer {await tokens.token('auditor')}"}
        log = (await client.get("/v1/events", headers=headers)).raise_for_status()
    leaves = [json.loads(line) for line in log.text.splitlines()]
    return Counter(leaf["type"].removeprefix(f"avrr.{kinds}.") for leaf in leaves if leaf["time"].startswith("2023"))


async def read_logs(services: Mapping[str, str], tokens: PersonaTokens) -> dict[str, list[bytes]]:
    """Every entry of each log, in the order of their names, as an auditor takes them home."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        headers = {"Authorization": f"Bearer {await tokens.token('auditor')}"}
        answers = {name: await client.get(f"{services[name]}/v1/events", headers=headers) for name in sorted(one.name for one in SERVICES)}
    return {name: answer.raise_for_status().content.splitlines() for name, answer in answers.items()}


async def told_by_services(services: Mapping[str, str], tokens: PersonaTokens) -> dict[str, Figure]:
    """Every figure of 2023 that any service tells a manager."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        headers = {"Authorization": f"Bearer {await tokens.token('manager')}"}
        asked = {"from": "2023-01-01", "to": "2023-12-31"}
        answers = [await client.get(f"{services[one.name]}/v1/statistics", params=asked, headers=headers) for one in SERVICES]
    return {figure.key: figure for answer in answers for figure in Statistics.model_validate_json(answer.content).figures}


def the_logs_alone_count_the_same(
    logs: Mapping[str, list[bytes]], figures: Mapping[str, Figure], rows: list[report.Row], folder: Path
) -> None:
    """Whoever has nothing but an export comes to every figure that the services tell, but for what no leaf tells."""
    # As a demo is called, where a year is replayed.
    house = House.of("invented", "invented.localhost")
    house.export(folder / "export", logs, seen=dict.fromkeys(logs, int(datetime.now(UTC).timestamp())))
    (folder / "trusted").write_text(str(house.policy))
    counted = report_from_export(folder / "export", 2023, folder / "trusted")
    kinds = {key for key in figures if key.startswith(("grants_", "supports_"))} - {"grants_requested", "grants_rejected"}
    assert counted.untold.keys() >= kinds
    assert {figure.key: figure for figure in counted.figures} == {key: one for key, one in figures.items() if key not in kinds}
    assert counted.rows == [row for row in rows if row.key not in kinds]
    assert {name: one.size for name, one in counted.checkpoints.items()} == {name: len(entries) for name, entries in logs.items()}


async def on_the_page(portal: str) -> dict[str, tuple[str, str]]:
    """Each figure of the manager's report of 2023, and its share, as the page writes them."""
    async with open_browser(ensure_browser()) as browser:
        page = await browser.new_page()
        await sign_in(page, portal, "manager", "/report?year=2023")
        cells = await page.locator("td.number[id]").evaluate_all(
            "cells => cells.map(one => [one.id, one.innerText, one.closest('tr').innerText.replaceAll('\\t', ' ')])"
        )
    return {key: (figure, row) for key, figure, row in cells}


@pytest.mark.timeout(1800)
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
        donors = await donor_lines.reconcile(found.services["reintegration"], tokens, taken(build_year(7)))
        of_bank = await bank_lines.standing(found.services["reintegration"], tokens)
        shown = await on_the_page(found.portal)
        lines = [line async for line in verify_system(settings, None)]
        cases = await listed(found.services["returns"], tokens)
        events = await recorded(found.services, tokens)
        payments = await recorded(found.services, tokens, "reintegration.grant")
        figures = await told_by_services(found.services, tokens)
        logs = await read_logs(found.services, tokens)
    assert replayed.commands > 7000
    assert present.commands > 300
    recently = (now - timedelta(days=60)).isoformat()
    assert {case["status"] for case in cases if case["expressed_at"] > recently} >= STAGES
    assert {row.key for row in rows} - STANDING == KEYS | COUNTED | CASES
    assert {key: events[key] for key in HARD} == HARD
    assert {key: payments[key] for key in TROUBLED} == TROUBLED
    assert {row.key for row in rows if row.published is not None} == KEYS
    year = build_year(7)
    assert {row.key: row.computed for row in rows if row.key in COUNTED} == supported(year) | waited(year)
    statuses = Counter(case["status"] for case in cases if case["expressed_at"].startswith("2023"))
    assert {"begun": statuses.total(), **{str(status): statuses[status] for status in TERMINAL}} == ended(year)
    # When the year ends, two cases wait for what holds them: both before they left, and neither is told of apart.
    assert statuses["on_hold"] == 2
    assert {row.key: row.computed for row in rows if row.key in STANDING} == told(statuses)
    assert {row.key: row.computed for row in rows if row.key == "begun_cases"} == {"begun_cases": statuses.total()}
    assert [(row.key, row.published, row.computed) for row in rows if not row.equal] == []
    assert [line.reconciles for line in donors] == [True, True, True]
    assert sum(line.grants for line in donors) == 67
    # Each payment went through a batch and is what the bank said of it, and nothing that the bank said waits.
    assert bank_lines.settled(of_bank, bank_lines.sent(year))
    assert (of_bank["rejected"], of_bank["returned"]) == (1, 1)
    assert [line.committed for line in donors] == [Decimal(0)] * 3
    # The same lines would not pass for reconciled if the orders had taken a cent more.
    assert not any(replace(line, ordered=replace(line.ordered, paid=line.ordered.paid + Decimal("0.01"))).reconciles for line in donors)
    for row in rows:
        figure, whole_row = shown[row.key]
        assert figure == f"{row.computed:,}", row.key
        assert row.of is None or f"{100 * row.computed / row.of:.0f} % of {row.of:,}" in whole_row, row.key
    assert sum(key.startswith("returns_") for key in shown) == 23
    assert [line for line, wrong in lines if wrong] == []
    the_logs_alone_count_the_same(logs, figures, rows, tmp_path_factory.mktemp("exported"))
