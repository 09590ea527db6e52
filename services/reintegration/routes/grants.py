"""Reintegration's API for asking for a grant and deciding on it."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import grant_orders, grant_queries, grant_told, grant_wiring, lists, window
from services.reintegration.commitment_queries import CostToday, costs_today, is_asked_for
from services.reintegration.domain.certificate import CertifyMedicalNeed, RefuseCertificate
from services.reintegration.domain.commitment_orders import AddToCommitment
from services.reintegration.domain.grant import (
    ApproveGrant,
    CancelGrant,
    DraftGrant,
    EndorseGrant,
    RejectGrant,
    ReturnGrant,
    ReviseGrant,
    SubmitGrant,
)
from services.reintegration.domain.grant_state import Grant, GrantStatus
from services.reintegration.domain.plan_lines import OF_HEALTH
from services.reintegration.domain.stops import OpenRecovery, ResumeGrant, SuspendGrant
from services.reintegration.policy import SEES_THE_FUND, SEES_WHAT_IT_IS_FOR, certifies
from shared.actors import Role
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.handling import states
from shared.http import Action, Call, Calling, Limit, Page, Receipt, View
from shared.new_ids import NewId

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class GrantInList(lists.GrantRow):
    """One grant in a list, with what its reader's part is and why it cannot be done now.

    Judged on the grant and the reader alone; what lies beside it (arrival, plan, cap) is judged where one is read.
    """

    actions: list[Action]


class GrantView(View[Grant]):
    """A grant with the line of the plan that it is for, and what it costs funds in other currencies today.

    ``programme`` is of its case, told to whoever commits a fund while the grant waits for that, since a fund may pay for some alone.
    """

    line: grant_queries.LineOfPlan | None
    costs: list[CostToday]
    programme: str | None


class GrantToPayView(View[grant_told.GrantToPay]):
    """A grant as who pays and who reconciles see it, and what it costs its fund today, if that is in another currency."""

    costs: list[CostToday]


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

    if window.is_abroad(call):
        shown, more = await window.listed(
            call, lambda after, unit: lists.grants_abroad(unit, asked, after, limit + 1), "grants", after, limit
        )
        ids = [grant.id for grant in shown]
        found = await call.ask(lambda unit: grants_found(unit, call, ids))
        told, following = [(id, found[id]) for id in ids], ids[-1] if more else None
    else:
        told, following = await window.opened(
            call, lambda after, most, unit: lists.grants_found(unit, asked, after, most),
            lambda row, grant: (row.grant_id, grant), lambda row: row.grant_id, after, limit,
        )  # fmt: skip
    items = [
        GrantInList(**dict(lists.GrantRow.of(id, grant)), actions=call.actions(grant_wiring.GRANT, grant)) for id, grant in told
    ]
    return Page[GrantInList](items=items, next=call.goes_on_after(str(following), limit) if following else None)


@router.post("/grants/{grant_id}")
async def draft_grant(grant_id: NewId, body: DraftGrant, call: Calling) -> Receipt:
    """Writes down a request under an id that the caller chose; it is kept until it is submitted."""
    await window.may_begin(call, body.case_id, "grants", [body.category])
    return await grant_orders.given(call, grant_id, body)


@router.get("/grants/{grant_id}")
async def read_grant(grant_id: UUID, call: Calling) -> GrantView | GrantToPayView:
    """One grant with its tranches; for who pays and who reconciles the money alone."""
    view = await window.grant(call, grant_id)
    actor = call.context.actor
    state, costs, programme = view.state, list[CostToday](), None
    if actor.roles.isdisjoint(SEES_THE_FUND):
        state = grant_told.without_its_fund(state)
    elif is_asked_for(state):
        zone = call.runtime.mission_time_zone
        costs = await call.ask(lambda unit: costs_today(unit, state, call.context.now, zone))
        if state.status == "endorsed":
            programme = await call.ask(lambda unit: grant_queries.programme_of(unit, state))
    its_office = Role.RECEIVING_OFFICE in actor.roles and view.state.destination_country in actor.countries
    if its_office or certifies(actor) or not actor.roles.isdisjoint(SEES_WHAT_IT_IS_FOR):
        line = await call.ask(lambda unit: grant_queries.line_of(unit, view.state))
        if its_office and line is not None and line.category in OF_HEALTH and view.state.category not in OF_HEALTH:
            # The line was agreed anew for something of which this grant does not tell.
            line = None
        return GrantView(
            id=view.id, version=view.version, state=state, actions=view.actions, line=line, costs=costs, programme=programme
        )
    return GrantToPayView(
        id=view.id, version=view.version, state=grant_told.to_pay(state), actions=view.actions, costs=costs
    )


@router.post("/grants/{grant_id}/return")
async def return_grant(grant_id: UUID, body: ReturnGrant, call: Calling) -> Receipt:
    """Sends the request back to whoever asked."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/submit")
async def submit_grant(grant_id: UUID, body: SubmitGrant, call: Calling) -> Receipt:
    """Hands in the draft."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/revise")
async def revise_grant(grant_id: UUID, body: ReviseGrant, call: Calling) -> Receipt:
    """Changes the request; once it was submitted this is a new version, which goes straight to whoever endorses."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/certify-medical-need")
async def certify_medical_need(grant_id: UUID, body: CertifyMedicalNeed, call: Calling) -> Receipt:
    """Certifies that what is asked for is needed, and what it may cost."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/refuse-certificate")
async def refuse_certificate(grant_id: UUID, body: RefuseCertificate, call: Calling) -> Receipt:
    """Refuses to certify the request."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/endorse")
async def endorse_grant(grant_id: UUID, body: EndorseGrant, call: Calling) -> Receipt:
    """Confirms for the programme that the request is in line with the plan."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/reject")
async def reject_grant(grant_id: UUID, body: RejectGrant, call: Calling) -> Receipt:
    """Refuses the request."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/approve")
async def approve_grant(grant_id: UUID, body: ApproveGrant, call: Calling) -> Receipt:
    """Commits money of one fund."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/add-to-commitment")
async def add_to_commitment(grant_id: UUID, body: AddToCommitment, call: Calling) -> Receipt:
    """Commits more of the grant's fund, which is in another currency."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/cancel")
async def cancel_grant(grant_id: UUID, body: CancelGrant, call: Calling) -> Receipt:
    """Ends the grant; what was committed and not paid is free again."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/suspend")
async def suspend_grant(grant_id: UUID, body: SuspendGrant, call: Calling) -> Receipt:
    """Stops the money of a grant."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/resume")
async def resume_grant(grant_id: UUID, body: ResumeGrant, call: Calling) -> Receipt:
    """Lets the money of a grant go on."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/open-recovery")
async def open_recovery(grant_id: UUID, body: OpenRecovery, call: Calling) -> Receipt:
    """Asks back what was paid and should not have been."""
    return await grant_orders.given(call, grant_id, body)


async def grants_found(unit: UnitOfWork, call: Call, ids: Sequence[UUID]) -> dict[UUID, Grant]:
    """The grants of these ids that the caller may know of."""
    return await states(unit, grant_wiring.GRANT, ids, call.context.actor, reach=call.reach)
