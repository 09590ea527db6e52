"""Whether anybody on duty may give a request its next approval, and if nobody may, why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.reintegration.domain.approvals import fits
from services.reintegration.domain.conversion import RatesInForce
from shared.contracts.authority import ApprovingRole
from shared.errors import RuleViolation
from shared.money import Money

NobodyReason = Literal["no_authority", "all_involved", "beyond_authority", "rate_missing"]


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who may act today on an authority, their own or one whose holder they stand in for."""

    acting_id: str
    holder_id: str
    role: ApprovingRole
    limit: Money


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for an approval: which of how many, and who took part in it.

    ``involved`` asked, endorsed, counsel the case or approved it before; ``holders`` are those whose authority it was
    approved by.
    """

    money: Money
    level: int
    levels_needed: int
    involved: frozenset[str]
    holders: frozenset[str] = frozenset()


def why_nobody(waiting: Waiting, on_duty: Sequence[OnDuty], rates: RatesInForce) -> NobodyReason | None:
    """Why nobody may give the next approval; None if somebody may."""
    found = [one for one in on_duty if fits(one.role, waiting.level, waiting.levels_needed)]
    if not found:
        return "no_authority"
    found = [one for one in found if _has_no_part(one, waiting)]
    if not found:
        return "all_involved"
    limits = {_reaches(waiting.money, one.limit, rates) for one in found}
    if True in limits:
        return None
    return "beyond_authority" if False in limits else "rate_missing"


def _has_no_part(one: OnDuty, waiting: Waiting) -> bool:
    # A deputy of somebody who took part is no second pair of eyes beside them, nor are they beside their deputy.
    return not {one.acting_id, one.holder_id} & (waiting.involved | waiting.holders)


def _reaches(money: Money, limit: Money, rates: RatesInForce) -> bool | None:
    """Whether a limit covers an amount; None where no rate says so."""
    try:
        return rates.convert(money, limit.currency).money.amount <= limit.amount
    except RuleViolation:
        return None
