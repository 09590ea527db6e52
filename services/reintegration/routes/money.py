"""Reintegration's API for plans, funds, grants, and the figures of all of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import figures, lists, queries, window, wiring
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
from services.reintegration.domain.hats import Hat
from services.reintegration.domain.plan import (
    OF_HEALTH,
    AgreeFirstPlan,
    AgreePlan,
    AgreePlanWithoutHealth,
    Plan,
    PlanStatus,
    RecordOwnPlan,
)
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
    ReleaseTranche,
)
from services.reintegration.domain.turns import COMMANDS
from services.reintegration.policy import HATS, SEES_WHAT_IT_IS_FOR
from shared.actors import Role
from shared.callers import AuthenticatedRoute
from shared.conditions import refuse_without_version
from shared.db import UnitOfWork
from shared.handling import states
from shared.http import Action, Call, Calling, Limit, Page, Receipt, View
from shared.statistics import First, Last, Statistics, period

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class GrantInList(lists.GrantRow):
    """One grant in a list, with what its reader's part is and why it cannot be done now.

    Judged on the grant and the reader alone; what lies beside it (arrival, plan, cap) is judged where one is read.
    """

    actions: list[Action]


class TurnInList(GrantInList):
    """A grant that waits for its reader: in which hat, by which operation it goes on, and since when it waits."""

    hat: Hat
    operation: str
    since: datetime


class GrantView(View[Grant]):
    """A grant with the line of the plan that it is for."""

    line: queries.LineOfPlan | None


class FundView(View[Fund]):
    """A fund with what it still holds."""

    balance: queries.Balance


@router.get("/cases/{case_id}")
async def read_case(case_id: UUID, call: Calling) -> View[Case] | View[queries.CaseForReceivingOffice]:
    """What reintegration knows of a return case; its plan and grants are found by its id.

    A receiving office sees who arrived, and nothing of who did not come.
    """
    view, _ = await window.view(call, wiring.CASE, case_id, lambda _: case_id, "travel")
    if not window.is_abroad(call):
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
) -> Page[lists.PlanRow]:
    """The plans of the caller's countries, oldest first, of one case or at one status if asked for."""
    asked = lists.asked_for(case_id, status, call.reach.countries)
    if not window.is_abroad(call):
        return await call.page(lists.plans(asked), lists.PlanRow, after, limit, **asked)
    told, more = await window.listed(
        call, lambda after, unit: lists.plans_abroad(unit, asked, after, limit + 1), "plan", after, limit
    )
    return Page[lists.PlanRow](
        items=[plan.row for plan in told], next=call.goes_on_after(str(told[-1].id), limit) if more else None
    )


@router.get("/plans/{plan_id}")
async def read_plan(plan_id: UUID, call: Calling) -> View[Plan]:
    """One plan in its present version; for a receiving office from the first arrival on."""
    return await window.plan(call, plan_id)


@router.post("/plans/{plan_id}/record-own")
async def record_own_plan(plan_id: UUID, body: RecordOwnPlan, call: Calling) -> Receipt:
    """Records the returnee's own plan before departure, under an id that the caller chose."""
    return await call.order(wiring.PLAN, plan_id, body)


@router.post("/plans/{plan_id}/agree", responses={428: {}})
async def agree_plan(plan_id: UUID, body: AgreePlan, call: Calling) -> Receipt:
    """Records what was agreed after arrival, as the plan's next version; what its office is not told of stands.

    Its lines take the place of all that the office is shown, so it says by If-Match what that was.
    """
    refuse_without_version(call.request)
    judged = await window.may_agree(call, plan_id, body.lines)
    order = body if judged.health else AgreePlanWithoutHealth(lines=body.lines, agreed_on=body.agreed_on)
    return await call.order(wiring.PLAN, plan_id, order, shown_as=window.plan_shown_as(call, judged))


@router.post("/plans/{plan_id}/agree-first")
async def agree_first_plan(plan_id: UUID, body: AgreeFirstPlan, call: Calling) -> Receipt:
    """Records the agreement for a case without an own plan, under an id that the caller chose."""
    judged = await window.may_begin(call, body.case_id, "plan", [line.category for line in body.lines])
    return await call.order(wiring.PLAN, plan_id, body, shown_as=window.plan_shown_as(call, judged))


@router.get("/funds")
async def list_funds(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[lists.FundRow]:
    """All funds with what they still hold, oldest first."""
    return await call.page(lists.FUNDS, lists.FundRow, after, limit)


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
) -> Page[GrantInList]:
    """The grants of the caller's countries, oldest first, of one case or at one status if asked for."""
    asked = lists.asked_for(case_id, status, call.reach.countries)

    async def work(unit: UnitOfWork) -> tuple[list[UUID], dict[UUID, Grant]]:
        rows = await unit.rows(lists.grants(asked), after=after, limit=limit + 1, **asked)
        ids = [row["id"] for row in rows]
        return ids, await _states(unit, call, ids[:limit])

    if window.is_abroad(call):
        told, more = await window.listed(
            call, lambda after, unit: lists.grants_abroad(unit, asked, after, limit + 1), "grants", after, limit
        )
        ids = [grant.id for grant in told]
        found = await call.ask(lambda unit: _states(unit, call, ids))
    else:
        ids, found = await call.ask(work)
        ids, more = ids[:limit], len(ids) > limit
    items = [
        GrantInList(**dict(lists.GrantRow.of(id, found[id])), actions=call.actions(wiring.GRANT, found[id])) for id in ids
    ]
    return Page[GrantInList](items=items, next=call.goes_on_after(str(items[-1].id), limit) if more else None)


@router.get("/turns")
async def list_turns(
    call: Calling,
    after: Annotated[lists.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[TurnInList]:
    """The grants whose next step is the caller's, the longest waiting first, also where another has to take it."""
    hats = [hat for role, theirs in HATS.items() if role in call.context.actor.roles for hat in theirs]

    async def work(unit: UnitOfWork) -> tuple[list[lists.DueTurn], dict[UUID, Grant]]:
        due = await lists.due_turns(unit, hats, call.reach.countries, after, limit + 1)
        return due, await _states(unit, call, [turn.grant_id for turn in due[:limit]])

    due, found = await call.ask(work)
    items = [
        TurnInList(
            **dict(lists.GrantRow.of(turn.grant_id, found[turn.grant_id])),
            actions=call.actions(wiring.GRANT, found[turn.grant_id]), hat=turn.hat,
            operation=call.runtime.operations[COMMANDS[turn.step]], since=turn.since,
        )
        for turn in due[:limit]
    ]
    return Page[TurnInList](
        items=items, next=call.goes_on_after(due[limit - 1].place, limit) if len(due) > limit else None
    )


async def _states(unit: UnitOfWork, call: Call, ids: Sequence[UUID]) -> dict[UUID, Grant]:
    return await states(unit, wiring.GRANT, ids, call.context.actor, reach=call.reach)


@router.post("/grants/{grant_id}")
async def request_grant(grant_id: UUID, body: RequestGrant, call: Calling) -> Receipt:
    """Asks for a grant under an id that the caller chose."""
    await window.may_begin(call, body.case_id, "grants", [body.category])
    return await call.order(wiring.GRANT, grant_id, body)


@router.get("/grants/{grant_id}")
async def read_grant(grant_id: UUID, call: Calling) -> GrantView | View[queries.GrantToPay]:
    """One grant with its tranches; for who pays and who reconciles the money alone."""
    view = await window.grant(call, grant_id)
    actor = call.context.actor
    its_office = Role.RECEIVING_OFFICE in actor.roles and view.state.destination_country in actor.countries
    if its_office or actor.roles & set(SEES_WHAT_IT_IS_FOR):
        line = await call.ask(lambda unit: queries.line_of(unit, view.state))
        if its_office and line is not None and line.category == OF_HEALTH != view.state.category:
            # The line was agreed anew for something of which this grant does not tell.
            line = None
        return GrantView(id=view.id, version=view.version, state=view.state, actions=view.actions, line=line)
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
    await window.may_go_on(call, grant_id)
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
    await window.may_go_on(call, grant_id)
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
    await window.may_go_on(call, grant_id)
    return await call.order(wiring.GRANT, grant_id, body)


@router.post("/grants/{grant_id}/reconcile-tranche")
async def reconcile_tranche(grant_id: UUID, body: ReconcileTranche, call: Calling) -> Receipt:
    """Confirms that approval, payment and receipt of a tranche agree."""
    return await call.order(wiring.GRANT, grant_id, body)


@router.get("/statistics")
async def read_statistics(first: First, last: Last, call: Calling) -> Statistics:
    """Reintegration's figures for a period."""
    asked = period(first, last, call.runtime.mission_time_zone)
    found = await call.ask(lambda unit: figures.figures(unit, asked))
    return Statistics(
        service="reintegration", first=asked.first, last=asked.last, time_zone=asked.zone, figures=found
    )
