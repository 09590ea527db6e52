"""After arrival: the plan agreed, grants asked for, decided by others, paid in tranches and accounted for."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from ops.demo_year import exchange
from ops.demo_year.paying import RECONCILER, Payee, Paying, Trouble
from ops.demo_year.people import Dice, Household, day_of, moment
from ops.demo_year.script import Journey
from ops.identity.personas import persona
from services.reintegration.domain.authority import GiveAuthority
from services.reintegration.domain.budget import BudgetLine, concealed
from services.reintegration.domain.certificate import CertifyMedicalNeed
from services.reintegration.domain.commitment_orders import AddToCommitment
from services.reintegration.domain.grant import (
    GRANT,
    ApproveGrant,
    CancelGrant,
    DraftGrant,
    EndorseGrant,
    RejectGrant,
    ReturnGrant,
    ReviseGrant,
    SubmitGrant,
)
from services.reintegration.domain.grant_facts import RequestedTranche
from services.reintegration.domain.payee import ConfirmPayee, RegisterPayee
from services.reintegration.domain.plan import AgreeFirstPlan, AgreePlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.policies import EXAMPLE
from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.returns.domain.case_final_report import WriteFinalReport
from shared.contracts.authority import ApprovingRole
from shared.contracts.plans import Dimension
from shared.contracts.reintegration import (
    CATEGORIES_OF_HEALTH,
    BudgetItem,
    GrantCategory,
    GrantDrafted,
    GrantModality,
    Tranche,
)
from shared.messages import Concealed
from shared.money import Money

# Invented: what one finance approver approves alone with the person's other grants of twelve months, and who has authority.
APPROVED_ALONE = Decimal(1500)
_AUTHORITIES: tuple[tuple[str, str, ApprovingRole, int], ...] = (
    ("manager", "chief-of-mission", "chief_of_mission", 5000), ("chief-of-mission", "finance-approver", "finance_approver", 3000),
    ("chief-of-mission", "finance-approver-2", "finance_approver", 3000),
)  # fmt: skip
# An own plan is the first version, what is agreed on it after arrival the second; of a plan without one it is the first.
OWN_PLAN_AGREED: Final = 2
FIRST_PLAN_AGREED: Final = 1
Fate = Literal["approved", "rejected", "cancelled"]
DIMENSIONS: dict[GrantCategory, Dimension] = {
    "business": "economic", "housing": "social", "medical": "social", "other": "immediate",
}  # fmt: skip
MODALITIES: dict[GrantCategory, GrantModality] = {
    "business": "in_kind_vendor", "housing": "service", "medical": "service", "other": "in_kind_goods",
}  # fmt: skip
# Invented amounts in euro, in steps of 50; together below the example cap of a person.
AMOUNTS: dict[GrantCategory, tuple[int, int]] = {
    "business": (1200, 1750), "housing": (600, 1100), "medical": (300, 900), "other": (200, 300),
}  # fmt: skip


ITEMS: dict[GrantCategory, BudgetItem] = {
    "business": "equipment", "housing": "rent", "medical": "treatment", "other": "goods",
}  # fmt: skip
# What the invented programme asks for. Nobody in the year files papers, so it asks for none and compares no prices.
POLICY_ID: Final = UUID("00000000-0000-7000-8000-00000000a551")
POLICY: Final = EXAMPLE.model_copy(
    update={
        "programme": "default", "quotations_above": Money(amount=Decimal(100_000), currency="EUR"), "required_papers": (), "next_tranche_needs": (), "reconciling_needs": (),
        "one_approver_up_to": Money(amount=APPROVED_ALONE, currency="EUR"),
        "two_approvers_up_to": Money(amount=Decimal(3000), currency="EUR"),
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A grant that will be asked for, and what becomes of the request."""

    line: PlannedLine
    fate: Fate
    returned_once: bool


def euro(amount: Decimal) -> Money:
    """An amount in euro."""
    return Money(amount=amount, currency="EUR")


def plan_lines(dice: Dice, household: Household, categories: dict[UUID, tuple[GrantCategory, ...]]) -> tuple[
    PlannedLine, ...
]:
    """A line for each need; whoever needs nothing named has one for other things."""
    return tuple(
        PlannedLine(
            line_id=dice.id(0), person_id=member.person_id, dimension=DIMENSIONS[category], category=category,
            planned=euro(Decimal(50 * dice.between(AMOUNTS[category][0] // 50, AMOUNTS[category][1] // 50))),
        )
        for member in household.members
        for category in categories.get(member.person_id, ("other",))
    )  # fmt: skip


def agree(
    journey: Journey, household: Household, plan_id: UUID, lines: tuple[PlannedLine, ...], day: int,
    first_of: UUID | None = None,
) -> None:
    """Returnee and receiving office agree the plan; of a case that was split off, it is the first one under this id."""
    agreed: AgreePlan | AgreeFirstPlan = AgreePlan(lines=lines, agreed_on=day_of(day), method="signed")
    if first_of is not None:
        agreed = AgreeFirstPlan(
            case_id=first_of, person_ids=household.person_ids, lines=lines, agreed_on=day_of(day), method="signed",
        )
    journey.give(moment(day, 9), _office(household), plan_id, agreed)


def request_and_pay(
    journey: Journey, household: Household, case_id: UUID, plan_id: UUID, fund_id: UUID, wanted: Wanted,
    paying: Paying, day: int, decided_after: int = 2, before: Decimal = Decimal(0),
    alone: Decimal = APPROVED_ALONE, fund_currency: str = "EUR",
    plan_version: int = OWN_PLAN_AGREED, trouble: Trouble | None = None,
) -> int:
    """One grant from request to reconciliation, each hat on another head; the answer is the day of the decision.

    ``decided_after`` is how many days after the request it is approved, later than the day after it; ``before`` what the
    person was given in the twelve months before it, by which with this one as many approve as the example asks for. Where the
    fund is in another currency and the rates have moved, the chief of mission adds what is short before the release.
    ``trouble`` befalls the last payment, which is made again, or a fifth of it is asked back and comes; for a fund in euro, by whose cost no rate moves.
    """
    office, grant_id, line = _office(household), journey.dice.id(day), wanted.line
    money, tranches = line.planned, _tranches(line)
    draft = DraftGrant(
        case_id=case_id, person_id=line.person_id, plan_id=plan_id, plan_line_id=line.line_id,
        category=line.category, modality=MODALITIES[line.category], money=money, tranches=tranches,
        **budget(grant_id, line.category, money),
    )  # fmt: skip
    # A correction that changes nothing but what was said with it asks for the same.
    version, content = 1, hash_of(draft, plan_version)
    journey.give(moment(day, 9), office, grant_id, draft)
    journey.give(moment(day, 10), office, grant_id, SubmitGrant(request_version=version, content_hash=content))
    if wanted.fate == "cancelled":
        journey.give(moment(day + 2, 9), "coordinator", grant_id, CancelGrant(reason="not_needed"))
        return day + 2
    if wanted.returned_once:
        journey.give(
            moment(day + 1, 9), "coordinator", grant_id,
            ReturnGrant(request_version=version, content_hash=content, reasons=("quotation_missing",)),
        )
        journey.give(
            moment(day + 2, 9), office, grant_id,
            ReviseGrant(
                modality=MODALITIES[line.category], money=money, tranches=tranches, **budget(grant_id, line.category, money)
            ),
        )  # fmt: skip
        version, day = 2, day + 2
    if line.category in CATEGORIES_OF_HEALTH:
        prices = {"price_from": euro(money.amount / 2), "price_to": money}
        certify = CertifyMedicalNeed(request_version=version, content_hash=content, **prices)
        journey.give(moment(day + 1, 11), "medical", grant_id, certify)
    endorse = EndorseGrant(request_version=version, content_hash=content)
    journey.give(moment(day + 1, 13), "coordinator", grant_id, endorse)
    if wanted.fate == "rejected":
        reject = RejectGrant(request_version=version, content_hash=content, reason="not_feasible", appeal_told=True)
        journey.give(moment(day + 3, 9), "finance-approver", grant_id, reject)
        return day + 3
    decided = day + decided_after
    payee = state_vendor(journey, office, grant_id, household.country, decided)
    approve = ApproveGrant(fund_id=fund_id, request_version=version, content_hash=content, money=money)
    for hour, approver in (11, "finance-approver"), (14, "finance-approver-2"):
        journey.give(moment(decided, hour), approver, grant_id, approve)
        if before + money.amount <= alone:
            break
    _pay(journey, office, grant_id, payee, tranches, paying, decided, fund_currency, trouble)
    return decided


def _pay(
    journey: Journey, office: str, grant_id: UUID, payee: Payee, tranches: tuple[RequestedTranche, ...],
    paying: Paying, decided: int, fund_currency: str, trouble: Trouble | None,
) -> None:
    """Each tranche from its release to its reconciliation, a week after the one before it."""
    amounts = tuple(tranche.money for tranche in tranches)
    committed = exchange.cost(amounts, fund_currency, day_of(decided)).amount
    for number, tranche in enumerate(tranches):
        paid = decided + 2 + 7 * (tranche.number - 1)
        rest = exchange.cost(amounts[number:], fund_currency, day_of(paid)).amount
        if rest > committed:
            short = Money(amount=rest - committed, currency=fund_currency)
            journey.give(moment(paid, 8), "chief-of-mission", grant_id, AddToCommitment(money=short))
            committed = rest
        committed -= exchange.cost((tranche.money,), fund_currency, day_of(paid)).amount
        befalls = trouble if tranche is tranches[-1] else None
        delivered = paying.pay(journey, grant_id, payee, tranche, paid, befalls)
        journey.give(moment(delivered, 9), office, grant_id, ConfirmDelivery(number=tranche.number))
        journey.give(
            moment(delivered + 2, 9), RECONCILER, grant_id, ReconcileTranche(number=tranche.number)
        )
        if befalls == "asked_back":
            some = euro(tranche.money.amount / 5)
            asked = OpenRecovery(reason="used_otherwise", money=some)
            journey.give(moment(delivered + 3, 9), RECONCILER, grant_id, asked)
            paying.take_back(journey, grant_id, some, delivered + 10)


def state_vendor(journey: Journey, office: str, grant_id: UUID, country: str, day: int) -> Payee:
    """An invented vendor of one grant, stated by the receiving office and confirmed by who reconciles: who it is paid to."""
    payee = Payee(UUID(int=grant_id.int ^ 7), vendor(country, f"V-{grant_id.hex[-12:]}"))
    journey.give(moment(day, 9), office, payee.payee_id, payee.stated)
    journey.give(moment(day, 10), RECONCILER, payee.payee_id, ConfirmPayee())
    return payee


def vendor(country: str, code: str) -> RegisterPayee:
    """An invented vendor under a code, with an account that no other one has; paid in euro."""
    return RegisterPayee(
        payee_kind="vendor", country=country, currency="EUR", vendor_code=code, holder=f"Invented vendor {code}",
        account_number=f"ACC-{code}", bank_name="Invented bank", bank_country=country, call_back_contact="+00 000 000 000",
    )  # fmt: skip


def budget(grant_id: UUID, category: GrantCategory, money: Money) -> dict[str, Any]:
    """What the money is made up of; its random part is made of the grant's id, so that the same year is the same again."""
    return {"budget_lines": (BudgetLine(what=ITEMS[category], money=money),), "nonce": UUID(int=grant_id.int ^ 5)}


def hash_of(draft: DraftGrant, plan_version: int = OWN_PLAN_AGREED) -> str:
    """The hash of what a request asks for that comes with no papers, on that version of the plan; who asks and when do not change it."""
    told, hashed = concealed(draft)
    grant = GRANT.evolve(
        None,
        GrantDrafted(
            case_id=draft.case_id, person_id=draft.person_id, plan_id=draft.plan_id, plan_line_id=draft.plan_line_id,
            category=Concealed.of(draft.category), modality=draft.modality, money=draft.money,
            tranches=tuple(Tranche(number=one.number, money=one.money) for one in draft.tranches), drafted_by="",
            counsellor_id="", destination_country="TR", drafted_at=moment(0, 0), budget=told, budget_hash=hashed,
            plan_version=plan_version,
        ),
    )  # fmt: skip
    return grant.content_hash


def authorise(journey: Journey, day: int) -> None:
    """Who may approve by their own authority from that day on: two for finance, and the chief of mission."""
    for number, (giver, holder, role, limit) in enumerate(_AUTHORITIES):
        given = GiveAuthority(
            holder_id=persona(holder).subject, role=role, up_to=euro(Decimal(limit)), valid_from=day_of(day),
            valid_until=date(2035, 12, 31),
        )
        journey.give(moment(day, 7, 10 + number), giver, journey.dice.id(day), given)


def final_report(case_id: UUID, day: int, *, declined: bool = False) -> WriteFinalReport:
    """What the receiving office writes at the end; its id is made of the case's, without a throw of the dice."""
    return WriteFinalReport(
        report_id=UUID(int=case_id.int ^ 6), final_meeting="not_held" if declined else "held_in_person",
        met_on=None if declined else day_of(day), contributed_to=("nothing",) if declined else ("income", "housing"),
        plan_outcome="not_known" if declined else "partly_reached", partner_feedback="not_given" if declined else "positive",
        follow_up="declined" if declined else "done",
    )  # fmt: skip


def _tranches(line: PlannedLine) -> tuple[RequestedTranche, ...]:
    whole = line.planned.amount
    if line.category != "business":
        return (RequestedTranche(number=1, money=euro(whole)),)
    first = (whole * 6 / 10).quantize(Decimal(1))
    return (
        RequestedTranche(number=1, money=euro(first)), RequestedTranche(number=2, money=euro(whole - first)),
    )  # fmt: skip


def _office(household: Household) -> str:
    return f"receiving-office-{household.country.lower()}"
