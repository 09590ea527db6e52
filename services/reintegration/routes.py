"""Reintegration's API: each route gives one command or answers one question."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.reintegration import files, lists, queries, wiring
from services.reintegration.domain.case import Case
from services.reintegration.domain.evidence import FileEvidence
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
from services.reintegration.domain.grant_facts import MOST_TRANCHES
from services.reintegration.domain.grant_state import Grant, GrantStatus
from services.reintegration.domain.hats import Hat
from services.reintegration.domain.plan import AgreeFirstPlan, AgreePlan, Plan, PlanStatus, RecordOwnPlan
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
from shared.contracts.reintegration import EvidenceKind
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.files.cleaning import cleaned
from shared.files.media import EXTENSIONS, MEDIA_TYPES, MOST_BYTES
from shared.handling import Repeat, states
from shared.http import Action, Call, Calling, Limit, Page, Receipt, View
from shared.policy import EVERYWHERE
from shared.statistics import First, Last, Statistics, period
from shared.uploads import takes_file

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
) -> Page[lists.PlanRow]:
    """The plans of the caller's countries, oldest first, of one case or at one status if asked for."""
    asked = lists.asked_for(case_id, status, call.reach.countries)
    return await call.page(lists.plans(asked), lists.PlanRow, after, limit, **asked)


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

    ids, found = await call.ask(work)
    items = [
        GrantInList(**dict(lists.GrantRow.of(id, found[id])), actions=call.actions(wiring.GRANT, found[id]))
        for id in ids[:limit]
    ]
    return Page[GrantInList](items=items, next=call.goes_on_after(str(items[-1].id), limit) if len(ids) > limit else None)


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
    return await call.order(wiring.GRANT, grant_id, body)


@router.get("/grants/{grant_id}")
async def read_grant(grant_id: UUID, call: Calling) -> GrantView | View[queries.GrantToPay]:
    """One grant with its tranches; for who pays and who reconciles the money alone."""
    view = await call.view(wiring.GRANT, grant_id)
    actor = call.context.actor
    its_office = Role.RECEIVING_OFFICE in actor.roles and view.state.destination_country in actor.countries
    if its_office or actor.roles & set(SEES_WHAT_IT_IS_FOR):
        line = await call.ask(lambda unit: queries.line_of(unit, view.state))
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


_A_FILE = {"schema": {"type": "string", "format": "binary"}}


@router.put(
    "/grants/{grant_id}/evidence/{evidence_id}",
    openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES, _A_FILE)}},
)
@takes_file(FileEvidence, MOST_BYTES)
async def file_evidence(
    grant_id: UUID,
    evidence_id: UUID,
    kind: EvidenceKind,
    call: Calling,
    tranche: Annotated[int | None, Query(ge=1, le=MOST_TRANCHES)] = None,
) -> Receipt:
    """Files a PDF, JPEG or PNG, the body as it is, under an id that the caller chose; the same again is recorded once.

    It is kept without what it tells besides its content: where and when a photo was taken, with what, by whom.
    """
    async with call.file() as sent:
        await _still_takes(call, grant_id, evidence_id)
        clean = await cleaned(sent, call.request.headers.get("content-type", ""))
        order = FileEvidence(
            evidence_id=evidence_id, kind=kind, media_type=clean.media_type, size=len(clean.content),
            sha256=clean.sha256, tranche=tranche,
        )  # fmt: skip
        # What is sent again is known by what it says and holds, also once the grant takes nothing more.
        said = order.model_dump_json().encode()
        again = Repeat.of(f"evidence:{sha256(grant_id.bytes + said).hexdigest()}", call.operation, grant_id, said)
        kept = files.kept(grant_id, evidence_id, clean.content, call.seal)
        return await call.order(wiring.GRANT, grant_id, order, repeat=again, beside=kept)


async def _still_takes(call: Call, grant_id: UUID, evidence_id: UUID) -> None:
    """Refuses what would be refused whatever the file holds, so that nobody has one looked at for nothing."""
    grant = (await call.ask(lambda unit: _states(unit, call, [grant_id]))).get(grant_id)
    if grant is None:
        if call.reach != EVERYWHERE:
            await call.refused("not_found", grant_id)
        raise NotFound
    refusal = wiring.GRANT.decider.refusal(grant, FileEvidence, None, call.context)
    # What is sent again is answered as it was also when the grant has ended meanwhile.
    if refusal is not None and not any(filed.evidence_id == evidence_id for filed in grant.evidence):
        raise refusal


@router.get("/grants/{grant_id}/evidence")
async def list_evidence(grant_id: UUID, call: Calling) -> list[queries.EvidenceRow]:
    """All evidence of a grant, in the order in which it was filed."""
    view = await call.view(wiring.GRANT, grant_id)
    return list(queries.evidence_of(view.state.evidence))


@router.get(
    "/grants/{grant_id}/evidence/{evidence_id}",
    response_class=StreamingResponse,
    responses={200: {"content": dict.fromkeys(MEDIA_TYPES, _A_FILE), "description": "The file as it is kept."}},
)
async def read_evidence(grant_id: UUID, evidence_id: UUID, call: Calling) -> StreamingResponse:
    """The file of one evidence, to be saved, never to be shown in place; that it was read is on record."""
    grant = (await call.view(wiring.GRANT, grant_id, recorded=True)).state
    filed = next((one for one in grant.evidence if one.evidence_id == evidence_id), None)
    if filed is None:
        if call.reach != EVERYWHERE:
            await call.refused("not_found", evidence_id)
        raise NotFound
    file = await call.ask(lambda unit: files.found(unit, grant_id, evidence_id, call.seal))
    await call.on_record(evidence_id)
    name = f"{filed.kind}-{str(evidence_id)[-6:]}.{EXTENSIONS[filed.media_type]}"
    return StreamingResponse(
        files.read_out(file, filed.sha256, call.ask),
        media_type=filed.media_type,
        headers={
            "Content-Length": str(filed.size),
            "Content-Disposition": f'attachment; filename="{name}"',
            # Beside the policy that every answer has; whoever opens it in a browser all the same opens no page.
            "Content-Security-Policy": "sandbox",
        },
    )


@router.get("/statistics")
async def read_statistics(first: First, last: Last, call: Calling) -> Statistics:
    """Reintegration's figures for a period."""
    asked = period(first, last, call.runtime.mission_time_zone)
    found = await call.ask(lambda unit: queries.figures(unit, asked))
    return Statistics(
        service="reintegration", first=asked.first, last=asked.last, time_zone=asked.zone, figures=found
    )
