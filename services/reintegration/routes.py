"""Reintegration's API: each route gives one command or answers one question."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import queries, wiring
from services.reintegration.domain.case import Case
from services.reintegration.domain.fund import Fund, OpenFund
from services.reintegration.domain.grant import (
    ApproveGrant,
    CancelGrant,
    EndorseGrant,
    RejectGrant,
    RequestGrant,
    ResubmitGrant,
    ReturnGrant,
)
from services.reintegration.domain.grant_state import Grant, GrantStatus
from services.reintegration.domain.plan import AgreeFirstPlan, AgreePlan, Plan, PlanStatus, RecordOwnPlan
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
    ReleaseTranche,
)
from services.reintegration.policy import SEES_WHAT_IT_IS_FOR
from shared.actors import Role
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View
from shared.statistics import First, Last, Statistics, period

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class FundView(View[Fund]):
    """A fund with what it still holds."""

    balance: queries.Balance


@router.get("/cases/{case_id}")
async def read_case(case_id: UUID, call: Calling) -> View[Case] | View[queries.CaseForReceivingOffice]:
    """What reintegration knows of a return case; its plan and grants are found by its id.

    A receiving office sees who arrived, and nothing of who did not come.
    """
    view = await call.view(wiring.CASE, case_id)
    if call.reach.countries is None:
        return view
    return View[queries.CaseForReceivingOffice](
        id=view.id, version=view.version, state=queries.for_receiving_office(view.state), actions=view.actions
    )


@router.get("/plans")
async def list_plans(
    call: Calling,
    case_id: UUID | None = None,
    status: PlanStatus | None = None,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[queries.PlanRow]:
    """The plans of the caller's countries, oldest first, of one case or at one status if asked for."""
    asked = queries.asked_for(case_id, status, call.reach.countries)
    return await call.page(queries.plans(asked), queries.PlanRow, after, limit, **asked)


@router.get("/plans/{plan_id}")
async def read_plan(plan_id: UUID, call: Calling) -> View[Plan]:
    """One plan in its present version; for a receiving office from the first arrival on."""
    return await call.view(wiring.PLAN, plan_id)


@router.post("/plans/{plan_id}/record-own")
async def record_own_plan(plan_id: UUID, body: RecordOwnPlan, call: Calling) -> Receipt:
    """Records the returnee's own plan before departure, under an id that the caller chose."""
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/agree")
async def agree_plan(plan_id: UUID, body: AgreePlan, call: Calling) -> Receipt:
    """Records what was agreed after arrival, as the plan's next version."""
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/agree-first")
async def agree_first_plan(plan_id: UUID, body: AgreeFirstPlan, call: Calling) -> Receipt:
    """Records the agreement for a case without an own plan, under an id that the caller chose."""
    return await call.order(wiring.PLAN, plan_id, body)


@router.get("/funds")
async def list_funds(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[queries.FundRow]:
    """All funds with what they still hold, oldest first."""
    return await call.page(queries.FUNDS, queries.FundRow, after, limit)


@router.post("/funds/{fund_id}")
async def open_fund(fund_id: UUID, body: OpenFund, call: Calling) -> Receipt:
    """Records a donor's money under an id that the caller chose."""
    return await call.order(wiring.FUND, fund_id, body)


@router.get("/funds/{fund_id}")
async def read_fund(fund_id: UUID, call: Calling) -> FundView:
    """One fund with what it still holds."""
    view = await call.view(wiring.FUND, fund_id)
    held = await call.ask(lambda unit: queries.balance(unit, fund_id))
    return FundView(id=view.id, version=view.version, state=view.state, actions=view.actions, balance=held)


@router.get("/grants")
async def list_grants(
    call: Calling,
    case_id: UUID | None = None,
    status: GrantStatus | None = None,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[queries.GrantRow]:
    """The grants of the caller's countries, oldest first, of one case or at one status if asked for."""
    asked = queries.asked_for(case_id, status, call.reach.countries)
    return await call.page(queries.grants(asked), queries.GrantRow, after, limit, **asked)


@router.post("/grants/{grant_id}")
async def request_grant(grant_id: UUID, body: RequestGrant, call: Calling) -> Receipt:
    """Asks for a grant under an id that the caller chose."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.get("/grants/{grant_id}")
async def read_grant(grant_id: UUID, call: Calling) -> View[Grant] | View[queries.GrantToPay]:
    """One grant with its tranches; for who pays and who reconciles the money alone."""
    view = await call.view(wiring.GRANT, grant_id)
    actor = call.context.actor
    its_office = Role.RECEIVING_OFFICE in actor.roles and view.state.destination_country in actor.countries
    if its_office or actor.roles & set(SEES_WHAT_IT_IS_FOR):
        return view
    return View[queries.GrantToPay](
        id=view.id, version=view.version, state=queries.to_pay(view.state), actions=view.actions
    )


@router.post("/grants/{grant_id}/return")
async def return_grant(grant_id: UUID, body: ReturnGrant, call: Calling) -> Receipt:
    """Sends the request back to whoever asked."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/resubmit")
async def resubmit_grant(grant_id: UUID, body: ResubmitGrant, call: Calling) -> Receipt:
    """Hands in the corrected request."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/endorse")
async def endorse_grant(grant_id: UUID, body: EndorseGrant, call: Calling) -> Receipt:
    """Confirms for the programme that the request is in line with the plan."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/reject")
async def reject_grant(grant_id: UUID, body: RejectGrant, call: Calling) -> Receipt:
    """Refuses the request."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/approve")
async def approve_grant(grant_id: UUID, body: ApproveGrant, call: Calling) -> Receipt:
    """Commits money of one fund."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/cancel")
async def cancel_grant(grant_id: UUID, body: CancelGrant, call: Calling) -> Receipt:
    """Ends the grant; what was committed and not paid is free again."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/release-tranche")
async def release_tranche(grant_id: UUID, body: ReleaseTranche, call: Calling) -> Receipt:
    """Orders the payment of the next tranche."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/confirm-payment")
async def confirm_payment(grant_id: UUID, body: ConfirmPayment, call: Calling) -> Receipt:
    """Confirms that a released tranche was paid."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/confirm-delivery")
async def confirm_delivery(grant_id: UUID, body: ConfirmDelivery, call: Calling) -> Receipt:
    """Confirms that the returnee received what a tranche was for."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/reconcile-tranche")
async def reconcile_tranche(grant_id: UUID, body: ReconcileTranche, call: Calling) -> Receipt:
    """Confirms that approval, payment and receipt of a tranche agree."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.get("/statistics")
async def read_statistics(first: First, last: Last, call: Calling) -> Statistics:
    """Reintegration's figures for a period."""
    asked = period(first, last, call.runtime.mission_time_zone)
    found = await call.ask(lambda unit: queries.figures(unit, asked))
    return Statistics(
        service="reintegration", first=asked.first, last=asked.last, time_zone=asked.zone, figures=found
    )
