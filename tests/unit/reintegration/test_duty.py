"""Whether somebody on duty may give the next approval: each reason why nobody may, and the one who is enough."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.duty import OnDuty, Waiting, why_nobody
from shared.contracts.authority import ApprovingRole
from shared.money import Money

DAY = date(2023, 5, 2)
RATES = RatesInForce.on(DAY, [RecordedRate("BAM", "EUR", DAY, 1, Decimal("1.95583"), "fixed_by_law", void=False)])
INVOLVED = frozenset({"staff:requester", "staff:endorser", "staff:counsellor"})


def on_duty(
    who: str, up_to: str, currency: str = "EUR", holder: str | None = None, role: ApprovingRole = "finance_approver"
) -> OnDuty:
    return OnDuty(who, holder or who, role, Money(amount=Decimal(up_to), currency=currency))


WAITING = Waiting(Money(amount=Decimal("500.00"), currency="EUR"), 1, 1, INVOLVED)
ENOUGH = on_duty("staff:approver", "500.00")
SECOND = replace(WAITING, level=2, levels_needed=2, involved=INVOLVED | {"staff:approver"}, holders=frozenset({"staff:approver"}))
BY_A_DEPUTY = replace(SECOND, involved=INVOLVED | {"staff:deputy"})
THIRD = replace(WAITING, level=3, levels_needed=3)
CHIEF = on_duty("staff:chief", "9000.00", role="chief_of_mission")


@pytest.mark.parametrize(
    ("waiting", "found", "reason"),
    [
        (WAITING, [], "no_authority"),
        (WAITING, [ENOUGH], None),
        (WAITING, [on_duty("staff:approver", "499.99")], "beyond_authority"),
        (WAITING, [on_duty("staff:endorser", "9000")], "all_involved"),
        (WAITING, [on_duty("staff:counsellor", "9000"), on_duty("staff:requester", "9000")], "all_involved"),
        (WAITING, [on_duty("staff:deputy", "9000", holder="staff:endorser")], "all_involved"),
        (WAITING, [on_duty("staff:endorser", "9000", holder="staff:approver")], "all_involved"),
        (WAITING, [on_duty("staff:endorser", "9000"), on_duty("staff:other", "10")], "beyond_authority"),
        (WAITING, [on_duty("staff:endorser", "9000"), ENOUGH], None),
        # 500 EUR are 977.92 BAM.
        (WAITING, [on_duty("staff:approver", "977.91", "BAM")], "beyond_authority"),
        (WAITING, [on_duty("staff:approver", "977.92", "BAM")], None),
        (WAITING, [on_duty("staff:approver", "9000", "TND")], "rate_missing"),
        (WAITING, [on_duty("staff:approver", "9000", "TND"), on_duty("staff:other", "10")], "beyond_authority"),
        (WAITING, [CHIEF], None),
        # Where three are asked the chief of mission comes last.
        (replace(WAITING, levels_needed=3), [CHIEF], "no_authority"),
        (THIRD, [ENOUGH], "no_authority"),
        (THIRD, [CHIEF], None),
        (SECOND, [ENOUGH], "all_involved"),
        (SECOND, [on_duty("staff:deputy", "9000", holder="staff:approver")], "all_involved"),
        (SECOND, [ENOUGH, on_duty("staff:other", "500")], None),
        # Whose authority a deputy used gives no other one, whoever they stand in for.
        (BY_A_DEPUTY, [on_duty("staff:approver", "9000", holder="staff:other")], "all_involved"),
        (BY_A_DEPUTY, [on_duty("staff:other", "9000", holder="staff:deputy")], "all_involved"),
        (BY_A_DEPUTY, [on_duty("staff:other", "9000")], None),
    ],
)
def test_somebody_on_duty_may_decide_or_it_is_said_why_nobody_may(
    waiting: Waiting, found: list[OnDuty], reason: str | None
) -> None:
    assert why_nobody(waiting, found, RATES) == reason


_PEOPLE = st.sampled_from(["staff:requester", "staff:endorser", "staff:approver", "staff:other"])
_DUTIES = st.lists(
    st.builds(
        lambda who, holder, role, amount: on_duty(who, str(amount), "EUR", holder, role),
        _PEOPLE, _PEOPLE, st.sampled_from(["finance_approver", "chief_of_mission"]), st.integers(1, 1000),
    )
)  # fmt: skip


@given(_DUTIES, _DUTIES, st.integers(1, 3))
def test_one_more_on_duty_never_takes_a_decision_away(some: list[OnDuty], more: list[OnDuty], level: int) -> None:
    waiting = replace(WAITING, level=level, levels_needed=level)
    if why_nobody(waiting, some, RATES) is None:
        assert why_nobody(waiting, some + more, RATES) is None
