"""What a grant's rules read from elsewhere, and the limits of a request: arrival, plan, cap and tranches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.amounts import NOTHING, PositiveMoney, refuse_two_currencies
from services.reintegration.domain.caps import Support, refuse_beyond_caps
from services.reintegration.domain.case import Case, refuse_unless_open
from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.domain.delegation import ActingTerms
from services.reintegration.domain.fund import FundBalance
from services.reintegration.domain.grant_state import Grant, GrantStatus
from services.reintegration.domain.matching import BankLine
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.plan_completion import plan_completed
from services.reintegration.domain.plan_state import Plan
from services.reintegration.domain.recovery_line import RecoveryLine
from shared.contracts.reintegration import RequiredPaper, Tranche
from shared.contracts.visits import NextTrancheNeed
from shared.decider import ReadsFacts
from shared.errors import RuleViolation
from shared.messages import Context, Part
from shared.money import Money, refuse_unpayable

MOST_TRANCHES = 6
_EVERY_TRANCHE = frozenset(range(1, MOST_TRANCHES + 1))

_UNKNOWN = Decimal("Infinity")
_NO_RATES = RatesInForce({})
_UNKNOWN_PAYEE = Payable()


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The version of a programme's policy that a request is submitted under."""

    programme: str
    policy_version: int
    currency: str
    quotations_above: Decimal
    own_contribution_percent: int
    required_papers: tuple[RequiredPaper, ...]
    next_tranche_needs: tuple[NextTrancheNeed, ...]
    reconciling_needs: tuple[NextTrancheNeed, ...]


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What is known beside the grant itself; whatever was not looked up refuses.

    ``grants_on_line``: other grants on the same plan line, unless rejected or cancelled; a completed one
    counts, for its money is spent. ``paid_on_line``: what the cancelled ones on that line had paid.
    ``support``: the other grants of the person and of their family that were requested in the twelve months before now,
    with their amount, of cancelled ones what was paid, of rejected ones nothing. ``open_advances``: the
    person's tranches, on any grant, that are released or paid and not yet delivered. ``reference_used``:
    whether any payment carries the reference of this order. ``month_closed``: whether the month is closed in which
    it would be posted, by the day of the payment or of its return or else by today; ``open_month``: the first day of the oldest
    open month that does not lie before that; ``later_month`` that of the payment, where what comes back of it would be posted before it
    by its own day. ``today``: the calendar day in the mission's time
    zone. ``policy``: the newest version of the policy of the case; None where none was published. ``terms``: all by which whoever asks may or might once
    act on an authority. ``rates``: what counts today. ``payable``: what is known of the payee that a tranche is to be released to.
    ``bank_line``: what the bank says of an attempt to pay and is not settled yet. ``in_a_batch``: whether the attempt that is under way stands in a batch for the bank that was not dropped.
    ``bank_line_waits``: whether a line of the bank's names it as if money had left, and nobody has found out yet what that is;
    ``own_line_waits``: whether one of those is, or may be, of the attempt that is under way.
    ``ordered_on``: the day on which the bank was to pay that attempt, by the batch of it that was taken and not dropped; None where there is none.
    ``said_paid_on``: the day on which a report came that says that money left for it, and that none after it took back; None without one. ``signed_its_batch``: whether whoever acts signed a batch with one of its payments. ``by_my_file``: the numbers of the tranches
    that were paid by a line out of a file which whoever acts imported, confirmed or let count on. ``recovery_line``: the line of the bank's by which an order
    says that money came back.
    ``restore_not_cleared``: whether a restore lost payments that finance has not cleared, and ``lost_tranches``: the numbers of those
    that a lost entry says were ordered, and of which nobody stated that no money left. ``fund_closed``: whether the fund of the grant
    is closed, so that nothing is committed of it any more.
    """

    case: Case | None = None
    plan: Plan | None = None
    grants_on_line: int = 1
    paid_on_line: Decimal = _UNKNOWN
    support: Support | None = None
    fund: FundBalance | None = None
    open_advances: int = 1
    reference_used: bool = True
    month_closed: bool = True
    open_month: date | None = None
    later_month: date | None = None
    today: date = date.min
    policy: PolicyInForce | None = None
    terms: tuple[ActingTerms, ...] = ()
    rates: RatesInForce = _NO_RATES
    payable: Payable = _UNKNOWN_PAYEE
    in_a_batch: bool = True
    bank_line_waits: bool = True
    own_line_waits: bool = True
    ordered_on: date | None = None
    said_paid_on: date | None = date.max
    signed_its_batch: bool = True
    by_my_file: frozenset[int] = _EVERY_TRANCHE
    bank_line: BankLine | None = None
    recovery_line: RecoveryLine | None = None
    restore_not_cleared: bool = True
    lost_tranches: frozenset[int] = _EVERY_TRANCHE
    fund_closed: bool = False


class RequestedTranche(Part):
    """One instalment of the grant that is asked for."""

    number: Annotated[int, Field(strict=True, ge=1, le=MOST_TRANCHES)]
    money: PositiveMoney


Tranches = Annotated[tuple[RequestedTranche, ...], Field(min_length=1, max_length=MOST_TRANCHES)]


def arrived_case(case: Case | None, person_id: UUID) -> Case:
    """The case, if it is open and this person of it has arrived; before that there is no money."""
    known = refuse_unless_open(case)
    if person_id not in known.person_ids:
        raise RuleViolation("not_in_the_case", "This person does not belong to the case.")
    if not known.has_arrived(person_id):
        raise RuleViolation(
            "not_arrived_yet",
            "The receiving office has not confirmed this person's arrival. Before that there is no "
            "reintegration money.",
        )
    return known


def refuse_outside_plan(
    facts: GrantFacts, case_id: UUID, person_id: UUID, plan_line_id: UUID, category: str | None, money: Money
) -> Plan:
    """The agreed plan; refused unless it has the line for this person and category, and still holds the money."""
    plan = facts.plan
    if plan is not None and plan.status == "completed":
        raise plan_completed()
    if plan is None or plan.status != "agreed":
        raise RuleViolation(
            "plan_not_agreed",
            "The plan has not been agreed after arrival. The receiving office agrees it first.",
        )
    line = plan.line(plan_line_id)
    if plan.case_id != case_id or line is None or (line.person_id, line.category) != (person_id, category):
        raise RuleViolation(
            "not_in_plan",
            "The agreed plan has no such line for this person and category. The receiving office can agree "
            "a new version of the plan.",
        )
    if facts.grants_on_line > 0:
        raise RuleViolation("line_has_a_grant", "There is a grant for this line of the plan already.")
    if money.currency != line.currency:
        raise RuleViolation("currencies_differ", "The grant must be in the currency of the plan.")
    if money.amount > line.planned - facts.paid_on_line:
        raise RuleViolation("beyond_plan", "This is more than the agreed plan still holds for this line.")
    return plan


def refuse_uneven_tranches(money: Money, tranches: Sequence[RequestedTranche]) -> tuple[Tranche, ...]:
    """The tranches, if they are numbered 1 to n, in the grant's currency, and together make its amount."""
    if [tranche.number for tranche in tranches] != list(range(1, len(tranches) + 1)):
        raise RuleViolation(
            "tranches_not_numbered", "The tranches must be numbered 1, 2, 3 and so on, in order."
        )
    refuse_two_currencies((money, *(tranche.money for tranche in tranches)))
    refuse_unpayable((money, *(tranche.money for tranche in tranches)))
    if sum((tranche.money.amount for tranche in tranches), NOTHING) != money.amount:
        raise RuleViolation(
            "tranches_do_not_add_up", "The tranches together must make exactly the amount of the grant."
        )
    return tuple(Tranche(number=tranche.number, money=tranche.money) for tranche in tranches)


@ReadsFacts
def person_has_arrived(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that asks for the arrival again where money is promised or moves."""
    arrived_case(facts.case, state.person_id)


@ReadsFacts
def within_the_plan(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that holds the request against the plan as it is agreed now, and refuses a later version as ``plan_changed``."""
    plan = refuse_outside_plan(
        facts, state.case_id, state.person_id, state.plan_line_id, state.category, state.money
    )
    # Requests of before do not say on which version they were asked for.
    if state.plan_version not in (None, plan.plan_version):
        raise RuleViolation(
            "plan_changed",
            "The plan was agreed anew since this was asked for. Whoever asked changes the request, which takes the new plan.",
        )


@ReadsFacts
def within_the_cap(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that holds the request against the caps as they are used now."""
    refuse_beyond_caps(facts.support, state.money)


def refuse_another(state: Grant, request_version: int, content_hash: str) -> None:
    """Refused as ``version_changed`` or ``content_changed`` unless the grant is as its reader says they read it."""
    if request_version != state.request_version:
        raise RuleViolation(
            "version_changed", "The request is not the version that you read. Read it again, then decide."
        )
    if content_hash != state.content_hash:
        raise RuleViolation(
            "content_changed", "What is asked for is not what you read. Read the request again, then decide."
        )


@dataclass(frozen=True, slots=True)
class _WhileIn:
    """Refuses as ``wrong_status`` unless the grant stands at one of these; ``done`` says in words what is refused."""

    done: str
    statuses: tuple[GrantStatus, ...]

    def __call__(self, state: Grant, facts: GrantFacts, context: Context) -> None:
        if state.status not in self.statuses:
            wanted = " or ".join(_words(status) for status in self.statuses)
            raise RuleViolation(
                "wrong_status",
                f"The grant is {_words(state.status)}. This can be {self.done} only while it is {wanted}.",
            )


def while_in(done: str, *statuses: GrantStatus) -> Callable[[Grant, GrantFacts, Context], None]:
    """The guard that refuses as ``wrong_status`` unless the grant stands at one of these."""
    return _WhileIn(done, statuses)


def _words(status: str) -> str:
    return status.replace("_", " ")
