"""The services keep one shape, the archive among them: every route has a policy row, every command a form, every event a contract."""

from collections.abc import Sequence
from importlib import import_module
from inspect import isclass
from pathlib import Path
from pkgutil import iter_modules

import pytest
from fastapi import APIRouter

from shared.callers import AuthenticatedRoute
from shared.contracts import BY_SERVICE
from shared.db import Database
from shared.decider import Decider
from shared.endpoints import api_routes, command_of, forms_of, operations_of, router_for, without_policy
from shared.messages import Command
from shared.metrics import Metrics
from shared.topology import BY_NAME, LOGS, SERVICES
from shared.wiring import Wiring

NAMES = [service.name for service in SERVICES]
# Whoever is given orders: the archive too, about what it found.
ORDERED = [service.name for service in LOGS]
PROJECT = Path(__file__).parent.parent.parent


def wiring_of(service: str) -> Wiring:
    found = import_module(f"services.{service}.wiring").WIRING
    assert isinstance(found, Wiring)
    return found


def routers_of(service: str) -> Sequence[APIRouter]:
    router = import_module(f"services.{service}.routes").router
    return (router, router_for(list, dict, {}, Database("", service), Metrics(service)))


@pytest.mark.parametrize("service", ORDERED)
def test_every_route_is_named_in_the_policy(service: str) -> None:
    assert without_policy(routers_of(service), wiring_of(service).policy.operations) == []


@pytest.mark.parametrize("service", ORDERED)
def test_every_route_admits_its_callers_before_it_reads_anything_of_them(service: str) -> None:
    for route in api_routes(routers_of(service)):
        assert isinstance(route, AuthenticatedRoute), route.name


@pytest.mark.parametrize("service", ORDERED)
def test_every_policy_row_names_a_route(service: str) -> None:
    names = {route.name for route in api_routes(routers_of(service))}
    assert wiring_of(service).policy.operations <= names


@pytest.mark.parametrize("service", ORDERED)
def test_every_command_of_people_has_a_route_and_those_of_reactions_have_none(service: str) -> None:
    given = set(operations_of(routers_of(service)))
    known = {rule.command: rule for aggregate in wiring_of(service).aggregates for rule in aggregate.decider.rules}
    ordered_by_reactions = {
        command for command, rule in known.items() if rule.on == "any" and command.__name__.startswith("Record")
    } - given
    assert given <= set(known)
    assert {command.__name__ for command in set(known) - given - ordered_by_reactions} <= REACTED_TO


# Commands that only reactions and timers give although they may be refused or do not begin with Record, and those that a route gives in
# place of others where its caller may not be told of health.
REACTED_TO = {
    # Given after a restore, by whoever accepts it (ops.after_restore).
    "RedoErasure",
    "SealCase", "UnsealCase", "AgreePlanWithoutHealth", "RevisePlanWithoutHealth", "CompletePlanWithoutHealth", "CheckClearance", "CheckArrival", "SettleByBank",
}


@pytest.mark.parametrize("service", ORDERED)
def test_a_form_tells_how_each_command_is_given(service: str) -> None:
    forms = forms_of(routers_of(service), wiring_of(service).by_name)
    assert forms
    for form in forms:
        assert form.label
        assert form.description
        assert form.body["type"] == "object"
        assert form.body["additionalProperties"] is False


@pytest.mark.parametrize("service", ORDERED)
def test_every_operation_that_changes_something_is_a_post_named_as_its_command(service: str) -> None:
    for route in api_routes(routers_of(service)):
        command = command_of(route)
        if command is not None:
            assert route.methods == {"POST"}
            words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in command.__name__)
            assert route.name == words.removeprefix("_")


@pytest.mark.parametrize("service", ORDERED)
def test_every_event_of_an_aggregate_is_in_its_contract_and_bears_its_name(service: str) -> None:
    decided = {
        event: aggregate.name for aggregate in wiring_of(service).aggregates for event in aggregate.decider.events
    }
    assert set(decided) == set(BY_SERVICE[service])
    for event, aggregate in decided.items():
        assert event.kind.startswith(f"avrr.{service}.{aggregate}.")


@pytest.mark.parametrize("service", NAMES)
def test_a_service_hears_those_whom_the_topology_says_and_reacts_only_to_what_it_hears(service: str) -> None:
    wiring = wiring_of(service)
    heard = {event for followed in BY_NAME[service].follows for event in BY_SERVICE[followed]}
    assert set(wiring.heard) == heard
    assert set(wiring.reactions) <= heard


@pytest.mark.parametrize("service", ORDERED)
def test_every_decider_of_the_domain_is_wired(service: str) -> None:
    package = import_module(f"services.{service}.domain")
    deciders = {
        id(value)
        for module in iter_modules(package.__path__)
        for value in vars(import_module(f"{package.__name__}.{module.name}")).values()
        if isinstance(value, Decider)
    }
    assert deciders == {id(aggregate.decider) for aggregate in wiring_of(service).aggregates}


@pytest.mark.parametrize("service", ORDERED)
def test_every_command_says_to_people_what_it_does(service: str) -> None:
    for aggregate in wiring_of(service).aggregates:
        for rule in aggregate.decider.rules:
            assert isclass(rule.command)
            assert issubclass(rule.command, Command)
            assert rule.command.__doc__
            assert rule.command.__doc__ != Command.__doc__


# An auditor takes one file along, and reads it whole before they trust it; what proves the breaks of logs is a fifth of it.
LONGER = {"verify_audit": 860}


@pytest.mark.parametrize("path", sorted(PROJECT.glob("s*/**/*.py")) + sorted(PROJECT.glob("ops/**/*.py")))
def test_a_module_says_what_it_is_for_and_stays_short_enough_to_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if not text:
        return
    assert text.startswith('"""')
    assert len(text.splitlines()) <= LONGER.get(path.stem, 400)
    assert path.stem not in {"utils", "helpers", "manager", "base", "common", "misc"}


def test_no_process_asks_another_past_the_client_that_knows_how_connections_die() -> None:
    asking = [
        path.relative_to(PROJECT)
        for folder in ("shared", "services", "ops")
        for path in (PROJECT / folder).rglob("*.py")
        if "httpx.AsyncClient(" in path.read_text()
    ]
    assert asking == []


def test_no_two_decisions_have_one_number() -> None:
    numbers = [path.name[:4] for path in (PROJECT / "docs" / "decisions").glob("*.md")]
    assert sorted(numbers) == sorted(set(numbers))
