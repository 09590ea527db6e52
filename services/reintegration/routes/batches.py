"""Reintegration's API for what goes to the bank together: what waits, batches by two signatures, and the file."""

from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.reintegration import batch_queries, grant_wiring, wiring
from services.reintegration.batch_wiring import written
from services.reintegration.domain.batch import (
    ApproveBatch,
    ConfirmBatchDrop,
    DropBatch,
    KeepBatch,
    MakeBatch,
    TakeBatchFile,
)
from services.reintegration.domain.batch_state import BatchStatus, PaymentBatch
from services.reintegration.policy import SIGNS_BATCHES
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.handling import read
from shared.http import Calling, Limit, Page, Receipt, View
from shared.money import Currency
from shared.new_ids import NewId

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)

_XML: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}}, "description": "The file for the bank."}
}


class BatchView(View[PaymentBatch]):
    """A batch with what the bank has done of it so far; ``taken_by_reader``: its file is open to who reads this.

    The hash of its file, by which the account of a payment that is alone in one could be guessed, is told to whoever may sign
    a batch and is empty for everybody else.
    """

    progress: batch_queries.BatchRow
    taken_by_reader: bool


@router.get("/payment-attempts")
async def list_payment_attempts(
    call: Calling,
    waiting: Annotated[bool, Query(description="Those alone that wait for a batch, in one currency, euros unless another is named.")] = False,
    currency: Annotated[Currency | None, Query()] = None,
    batch_id: Annotated[UUID | None, Query()] = None,
    for_line: Annotated[UUID | None, Query(description="Those alone that this line of the bank's may be of, which waits.")] = None,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[batch_queries.PaymentAttemptRow]:
    """Attempts to pay in the order of their ids: all, those of a batch, those that wait for one in a currency, or those that a line may be of."""
    if for_line is not None:
        return await call.page(batch_queries.OF_A_LINE, batch_queries.PaymentAttemptRow, after, limit, line_id=for_line)
    if batch_id is not None:
        return await call.page(batch_queries.OF_A_BATCH, batch_queries.PaymentAttemptRow, after, limit, batch_id=batch_id)
    if waiting:
        return await call.page(
            batch_queries.WAITING, batch_queries.PaymentAttemptRow, after, limit, currency=currency or "EUR"
        )
    return await call.page(batch_queries.ATTEMPTS, batch_queries.PaymentAttemptRow, after, limit)


@router.get("/payment-batches")
async def list_payment_batches(
    call: Calling,
    status: Annotated[BatchStatus | None, Query()] = None,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[batch_queries.BatchRow]:
    """Batches, oldest first, with their totals and how many of their payments were paid, failed or came back."""
    if status is not None:
        return await call.page(batch_queries.LISTED_OF_STATUS, batch_queries.BatchRow, after, limit, status=status)
    return await call.page(batch_queries.LISTED, batch_queries.BatchRow, after, limit)


@router.post("/payment-batches/{batch_id}")
async def make_batch(batch_id: NewId, body: MakeBatch, call: Calling) -> Receipt:
    """Puts released payments together for the bank under an id that the caller chose, by which the bank knows the file."""
    return await call.order(wiring.PAYMENT_BATCH, batch_id, body)


@router.get("/payment-batches/{batch_id}")
async def read_payment_batch(batch_id: UUID, call: Calling) -> BatchView:
    """One batch: who signed, the hash of its file for whoever may sign one, and what the bank has done of it so far."""
    view = await call.view(wiring.PAYMENT_BATCH, batch_id)
    progress = await call.ask(lambda unit: batch_queries.progress(unit, batch_id))
    if progress is None:
        raise NotFound
    state = replace(view.state, file_sha256="") if call.context.actor.roles.isdisjoint(SIGNS_BATCHES) else view.state
    return BatchView(
        id=view.id, version=view.version, state=state, actions=view.actions, progress=progress,
        taken_by_reader=call.context.actor.person_id in view.state.takers,
    )  # fmt: skip


@router.post("/payment-batches/{batch_id}/approve")
async def approve_batch(batch_id: UUID, body: ApproveBatch, call: Calling) -> Receipt:
    """Gives the second signature, after which the file can be taken."""
    return await call.order(wiring.PAYMENT_BATCH, batch_id, body)


@router.post("/payment-batches/{batch_id}/take-file")
async def take_batch_file(batch_id: UUID, body: TakeBatchFile, call: Calling) -> Receipt:
    """Takes the file of an approved batch to the bank, each time as a fact of its own; from then on it is open to who took it."""
    return await call.order(wiring.PAYMENT_BATCH, batch_id, body)


@router.get("/payment-batches/{batch_id}/file", response_class=Response, responses=_XML)
async def read_batch_file(batch_id: UUID, call: Calling) -> Response:
    """The file for the bank (pain.001), the same bytes each time, for who took it; each reading is on record."""

    async def file(unit: UnitOfWork) -> bytes:
        found = await read(unit, wiring.PAYMENT_BATCH, batch_id, call.context, reach=call.reach)
        return await written(unit, grant_wiring.GRANT, batch_id, found.state, call.context)

    content = await call.ask(file)
    await call.on_record(batch_id)
    return Response(
        content, media_type="application/xml",
        headers={
            "Content-Disposition": f'attachment; filename="batch-{batch_id}.xml"',
            # Whoever opens it in a browser all the same opens no page.
            "Content-Security-Policy": "sandbox",
        },
    )  # fmt: skip


@router.post("/payment-batches/{batch_id}/drop")
async def drop_batch(batch_id: UUID, body: DropBatch, call: Calling) -> Receipt:
    """Drops a batch, or asks for it once its file was taken."""
    return await call.order(wiring.PAYMENT_BATCH, batch_id, body)


@router.post("/payment-batches/{batch_id}/confirm-drop")
async def confirm_batch_drop(batch_id: UUID, body: ConfirmBatchDrop, call: Calling) -> Receipt:
    """Confirms that the bank never had the file."""
    return await call.order(wiring.PAYMENT_BATCH, batch_id, body)


@router.post("/payment-batches/{batch_id}/keep")
async def keep_batch(batch_id: UUID, body: KeepBatch, call: Calling) -> Receipt:
    """Leaves the batch as it is."""
    return await call.order(wiring.PAYMENT_BATCH, batch_id, body)
