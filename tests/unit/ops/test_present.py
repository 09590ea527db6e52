"""The present of the demo: at whatever hour it begins, a grant waits for each hat, and an office has something to confirm."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ops.demo_year.people import YOUNGEST_ADULT
from ops.demo_year.present import build_present
from services.counselling.domain.person import RegisterPerson

# After which command on a grant whose turn it is.
TURNS = {
    "SubmitGrant": "endorser", "EndorseGrant": "approver", "ApproveGrant": "payer", "ReleaseTranche": "payer",
    "ConfirmPayment": "deliverer", "ConfirmDelivery": "reconciler",
}  # fmt: skip


@pytest.mark.parametrize("hour", range(24))
def test_at_every_hour_a_grant_waits_for_each_hat(hour: int) -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC) + timedelta(hours=hour, minutes=30)
    asked_by: dict[UUID, str] = {}
    last: dict[UUID, str] = {}
    for journey in build_present(2023, now):
        for step in journey:
            last[step.id] = type(step.order).__name__
            asked_by.setdefault(step.id, step.persona)
    waiting = {(TURNS[order], asked_by[id]) for id, order in last.items() if order in TURNS}
    assert {hat for hat, _ in waiting} == set(TURNS.values())
    assert ("deliverer", "receiving-office-tr") in waiting


@pytest.mark.parametrize("year", [2026, 2031, 2040])
def test_its_children_are_children_in_whatever_year_it_begins(year: int) -> None:
    registered = [step.order for journey in build_present(2023, datetime(year, 3, 1, 9, tzinfo=UTC)) for step in journey]
    born = [order.birth_year for order in registered if isinstance(order, RegisterPerson) and order.birth_year > YOUNGEST_ADULT]
    assert born
    assert all(3 <= year - of <= 14 for of in born)
