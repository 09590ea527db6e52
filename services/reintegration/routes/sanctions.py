"""Reintegration's API for lists of sanctions, and for whom of the payees they may mean."""

import asyncio
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import payee_queries, sanctions_screening
from services.reintegration.domain.sanctions import MOST_BYTES, UploadSanctionsList, entries_in
from services.reintegration.domain.screening import AskToClearHits, ClearHits, ConfirmHits, ScreenPayee
from services.reintegration.payee_wiring import PAYEE, SANCTIONS_LIST
from services.reintegration.routes.payees import CSV_SENT
from shared.callers import AuthenticatedRoute
from shared.contracts.payees import VendorCode
from shared.handling import Repeat
from shared.http import Calling, Receipt
from shared.new_ids import NewId
from shared.uploads import takes_file

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.put("/sanctions-lists/{list_id}", openapi_extra=CSV_SENT)
@takes_file(UploadSanctionsList, MOST_BYTES)
async def upload_sanctions_list(
    list_id: NewId, call: Calling, list_name: Annotated[VendorCode, Query()], list_version: Annotated[VendorCode, Query()]
) -> Receipt:
    """Takes a version of a list as a CSV (id, name, aliases, birth_date, country), whole or not at all; somebody else confirms it."""
    async with call.file() as sent:
        entries = await asyncio.to_thread(entries_in, sent)
        order = UploadSanctionsList(
            list_name=list_name, list_version=list_version, entries=len(entries), sha256=sha256(sent).hexdigest()
        )
        again = Repeat.of(f"sanctions:{list_id}", call.operation, list_id, order.model_dump_json().encode())
        return await call.order(
            SANCTIONS_LIST, list_id, order, repeat=again, beside=sanctions_screening.kept(list_id, entries)
        )


@router.get("/payees/{payee_id}/hits")
async def read_payee_hits(payee_id: UUID, call: Calling) -> list[payee_queries.HitRow]:
    """What lists of sanctions say of each entry that may mean this payee; the reading is on record."""
    await call.view(PAYEE, payee_id, recorded=True)
    found = await call.ask(lambda unit: payee_queries.hits(unit, payee_id))
    await call.on_record(payee_id)
    return found


@router.post("/payees/{payee_id}/screen")
async def screen_payee(payee_id: UUID, body: ScreenPayee, call: Calling) -> Receipt:
    """Holds the payee against the lists at once; by itself that takes up to a minute."""
    return await call.order(PAYEE, payee_id, body)


@router.post("/payees/{payee_id}/ask-to-clear-hits")
async def ask_to_clear_hits(payee_id: UUID, body: AskToClearHits, call: Calling) -> Receipt:
    """Asks that the hits are cleared."""
    return await call.order(PAYEE, payee_id, body)


@router.post("/payees/{payee_id}/clear-hits")
async def clear_hits(payee_id: UUID, body: ClearHits, call: Calling) -> Receipt:
    """Clears the hits, as a colleague asked."""
    return await call.order(PAYEE, payee_id, body)


@router.post("/payees/{payee_id}/confirm-hits")
async def confirm_hits(payee_id: UUID, body: ConfirmHits, call: Calling) -> Receipt:
    """Confirms that a list means the payee, which blocks it for good."""
    return await call.order(PAYEE, payee_id, body)
