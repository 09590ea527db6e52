"""Which commands append to the log before they write their rows: those that take out what others may be about to write."""

from importlib import import_module

import pytest

from shared.topology import LOGS
from shared.wiring import Wiring

ERASE = {
    "counselling": {"ApproveErasure", "RedoErasure"}, "returns": {"RecordErasure"}, "reintegration": {"RecordErasure"}, "audit": set[str](),
}  # fmt: skip


@pytest.mark.parametrize("service", [service.name for service in LOGS])
def test_whoever_erases_a_person_appends_first_and_nobody_else_does(service: str) -> None:
    wiring: Wiring = import_module(f"services.{service}.wiring").WIRING
    commands = {rule.command for aggregate in wiring.aggregates for rule in aggregate.decider.rules}
    assert {command.__name__ for command in commands if command.log_first} == ERASE[service]
