"""Erasing persons: who asks, who decides, what stands against it, and how far it is."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.counselling import queries, wiring
from services.counselling.domain.erasure import (
    OF_ERASURES,
    ApproveErasure,
    Erasure,
    ErasureStatus,
    LiftLegalHold,
    PlaceLegalHold,
    RefuseErasure,
    RequestErasure,
)
from shared.callers import AuthenticatedRoute
from shared.contracts.erasure import HoldReason
from shared.http import Action, Calling, Limit, Page, Receipt

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class ErasureState(BaseModel):
    """What stands against a person's erasure or for it, how far it is, and what each service keeps until when."""

    legal_hold: bool
    legal_hold_reason: HoldReason | None
    erasure: Erasure | None
    erased_at: datetime | None


class ErasureView(BaseModel):
    """A person as who erases them sees them: by id alone, with what can be done."""

    id: UUID
    version: int
    state: ErasureState
    actions: list[Action]


@router.get("/erasures")
async def list_erasures(
    call: Calling,
    status: Annotated[ErasureStatus, Query()] = "requested",
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[queries.ErasureRow]:
    """Persons whose erasure was asked for, is under way or complete, oldest first, by their ids alone."""
    found = await call.page(queries.ERASURES, queries.ErasureRow, after, limit, status=status)
    await call.on_record(shown=tuple(row.id for row in found.items))
    return found


@router.get("/persons/{person_id}/erasure")
async def read_erasure(person_id: UUID, call: Calling) -> ErasureView:
    """How a person's erasure stands: what was asked and decided, who has confirmed, what is kept until when."""
    view = await call.view(wiring.PERSON, person_id)
    return ErasureView(
        id=view.id, version=view.version, actions=[action for action in view.actions if action.name in OF_ERASURES],
        state=ErasureState.model_validate(view.state, from_attributes=True),
    )  # fmt: skip


@router.post("/persons/{person_id}/request-erasure")
async def request_erasure(person_id: UUID, body: RequestErasure, call: Calling) -> Receipt:
    """Asks that a person is erased."""
    return await call.order(wiring.PERSON, person_id, body)


@router.post("/persons/{person_id}/approve-erasure")
async def approve_erasure(person_id: UUID, body: ApproveErasure, call: Calling) -> Receipt:
    """Erases a person: here with this answer, in every other service as soon as it hears of it."""
    receipt = await call.order(wiring.PERSON, person_id, body)
    call.person_keys.forget(person_id)
    return receipt


@router.post("/persons/{person_id}/refuse-erasure")
async def refuse_erasure(person_id: UUID, body: RefuseErasure, call: Calling) -> Receipt:
    """Decides that a person is not erased."""
    return await call.order(wiring.PERSON, person_id, body)


@router.post("/persons/{person_id}/place-legal-hold")
async def place_legal_hold(person_id: UUID, body: PlaceLegalHold, call: Calling) -> Receipt:
    """Keeps what is held about a person from being erased."""
    return await call.order(wiring.PERSON, person_id, body)


@router.post("/persons/{person_id}/lift-legal-hold")
async def lift_legal_hold(person_id: UUID, body: LiftLegalHold, call: Calling) -> Receipt:
    """Ends a legal hold."""
    return await call.order(wiring.PERSON, person_id, body)
