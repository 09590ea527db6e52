"""Reintegration's API for who acts next on a grant, for paying it and accounting for it, and for the figures."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import (
    figures,
    finance_queries,
    grant_decisions,
    grant_orders,
    grant_wiring,
    lists,
    window,
)
from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.cash import UNCLAIMED_AFTER, WitnessCash
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileInTheirPlace,
    ReconcileTranche,
    ReleaseTranche,
)
from services.reintegration.domain.turns import COMMANDS, Turn, TurnOf, turns
from services.reintegration.domain.unanswered import AskToEndPayment, ConfirmPaymentEnd, KeepPaymentOpen
from services.reintegration.domain.visits import RecordVisit
from services.reintegration.policy import hats_of
from services.reintegration.routes.grants import GrantInList
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt
from shared.statistics import First, Last, Statistics, period

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class TurnInList(GrantInList):
    """A grant that waits for its reader: in which hat, by which operation it goes on, and since when it waits."""

    hat: TurnOf
    operation: str
    since: datetime


@router.get("/turns")
async def list_turns(
    call: Calling,
    after: Annotated[lists.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[TurnInList]:
    """The grants whose next step is the caller's, the longest waiting first, also where another has to take it."""
    hats = hats_of(call.context.actor)
    # What has to be certified waits among what has to be endorsed, and is told apart once it is opened.
    listed: set[TurnOf] = {"endorser" if hat == "certifier" else hat for hat in hats}

    def tell(turn: lists.DueTurn, grant: Grant) -> TurnInList | None:
        hat, due = turn.hat, Turn(turn.step, turn.since)
        if hat not in hats:
            if (certify := turns(grant).get("certifier")) is None:
                return None
            hat, due = "certifier", certify
        return TurnInList(
            **dict(lists.GrantRow.of(turn.grant_id, grant)), actions=call.actions(grant_wiring.GRANT, grant), hat=hat,
            operation=call.runtime.operations[COMMANDS[due.step]], since=due.since,
        )  # fmt: skip

    items, following = await window.opened(
        call, lambda after, most, unit: lists.due_turns(unit, listed, call.reach.countries, after, most), tell,
        lambda turn: turn.place, after, limit,
    )  # fmt: skip
    return Page[TurnInList](items=items, next=call.goes_on_after(following, limit) if following else None)


@router.get("/my-decisions")
async def list_my_decisions(
    call: Calling,
    what: Annotated[grant_decisions.Decided | None, Query()] = None,
    after: Annotated[grant_decisions.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[grant_decisions.Decision]:
    """What the caller decided on grants, all of it or one kind, the newest first; nobody else's."""
    actor_id = call.context.actor.person_id
    found = await call.ask(lambda unit: grant_decisions.own(unit, actor_id, what, after, limit + 1))
    items = found[:limit]
    return Page[grant_decisions.Decision](
        items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None
    )


@router.post("/grants/{grant_id}/release-tranche")
async def release_tranche(grant_id: UUID, body: ReleaseTranche, call: Calling) -> Receipt:
    """Orders the payment of the next tranche."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/confirm-payment")
async def confirm_payment(grant_id: UUID, body: ConfirmPayment, call: Calling) -> Receipt:
    """Confirms that a released tranche was paid."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/report-payment-failed")
async def report_payment_failed(grant_id: UUID, body: ReportPaymentFailed, call: Calling) -> Receipt:
    """Reports that a released tranche was not paid."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/ask-to-end-payment")
async def ask_to_end_payment(grant_id: UUID, body: AskToEndPayment, call: Calling) -> Receipt:
    """Asks to end a payment that the bank was ordered and never answered."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/confirm-payment-end")
async def confirm_payment_end(grant_id: UUID, body: ConfirmPaymentEnd, call: Calling) -> Receipt:
    """Confirms that the bank never answered for a payment, which can be made anew then."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/keep-payment-open")
async def keep_payment_open(grant_id: UUID, body: KeepPaymentOpen, call: Calling) -> Receipt:
    """Takes back, or declines, that a payment which the bank has not answered is ended."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/reverse-payment")
async def reverse_payment(grant_id: UUID, body: ReversePayment, call: Calling) -> Receipt:
    """Records that what was paid came back."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/confirm-delivery")
async def confirm_delivery(grant_id: UUID, body: ConfirmDelivery, call: Calling) -> Receipt:
    """Confirms that the returnee received what a tranche was for."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/reconcile-tranche")
async def reconcile_tranche(grant_id: UUID, body: ReconcileTranche, call: Calling) -> Receipt:
    """Confirms that approval, payment and receipt of a tranche agree."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/reconcile-in-their-place")
async def reconcile_in_their_place(grant_id: UUID, body: ReconcileInTheirPlace, call: Calling) -> Receipt:
    """Confirms that approval, payment and receipt agree of a tranche that a file paid which every reconciler had part in."""
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/witness-cash")
async def witness_cash(grant_id: UUID, body: WitnessCash, call: Calling) -> Receipt:
    """States that cash was handed over to the person whom it was for, before who pays confirms the payment."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.post("/grants/{grant_id}/record-visit")
async def record_visit(grant_id: UUID, body: RecordVisit, call: Calling) -> Receipt:
    """Records what somebody found of what a paid tranche was for."""
    await window.may_go_on(call, grant_id)
    return await grant_orders.given(call, grant_id, body)


@router.get("/unclaimed-cash")
async def list_unclaimed_cash(
    call: Calling, days: Annotated[int, Query(ge=1, le=366)] = UNCLAIMED_AFTER.days, after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[finance_queries.UnclaimedCash]:
    """Cash that was released so many days ago and that nobody saw handed over, by the ids of the grants."""
    before = call.context.now - timedelta(days=days)
    return await call.page(finance_queries.UNCLAIMED, finance_queries.UnclaimedCash, after, limit, before=before)


@router.get("/statistics")
async def read_statistics(first: First, last: Last, call: Calling) -> Statistics:
    """Reintegration's figures for a period."""
    asked = period(first, last, call.runtime.mission_time_zone)
    found = await call.ask(lambda unit: figures.figures(unit, asked))
    return Statistics(
        service="reintegration", first=asked.first, last=asked.last, time_zone=asked.zone, figures=found
    )
