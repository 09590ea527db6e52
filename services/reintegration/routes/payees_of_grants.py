"""Reintegration's API for whom a tranche can be paid to: whoever releases one picks a payee here, by its masked account."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.reintegration import payable_queries, payee_details, window
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.payable import refuse_unless_payable
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.grant_wiring import GRANT
from services.reintegration.routes.payees import MaskedAccount
from shared.callers import AuthenticatedRoute
from shared.contracts.payees import PayeeKind
from shared.errors import NotFound, Refusal
from shared.handling import states
from shared.http import Call, Calling, Limit, Page

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class PayeeOfGrant(BaseModel):
    """A payee that a grant is for, by its masked account; ``reason`` and ``sentence`` say why nothing can be paid to it now."""

    id: UUID
    kind: PayeeKind
    vendor_code: str | None
    account: MaskedAccount | None
    reason: str | None
    sentence: str | None


@router.get("/grants/{grant_id}/payees")
async def list_payees_of_grant(
    grant_id: UUID, call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[PayeeOfGrant]:
    """Whom the tranches of a grant can be paid to, oldest first; the reading is on record."""
    await window.may_go_on(call, grant_id)
    known = await call.ask(lambda unit: states(unit, GRANT, [grant_id], call.context.actor, reach=call.reach))
    grant = known.get(grant_id)
    if grant is None:
        raise NotFound
    found = await call.ask(lambda unit: payable_queries.of_grant(unit, grant, after, limit + 1))
    listed = found[:limit]
    refused = {payee_id: _against(call, grant, payable) for payee_id, payable in listed}
    shown = {
        payee_id: payable.payee.confirmed_no
        for payee_id, payable in listed
        if payable.payee is not None and payable.payee.confirmed_no is not None and refused[payee_id] is None
    }
    details = await call.ask(lambda unit: payee_details.found_each(unit, call.person_keys, shown))
    await call.on_record(grant_id)
    items: list[PayeeOfGrant] = []
    for payee_id, payable in listed:
        payee, refusal, told = payable.payee, refused[payee_id], details.get(payee_id)
        assert payee is not None
        account = None if told is None else MaskedAccount(account_no=shown[payee_id], holder=told.holder, account=told.masked)
        items.append(
            PayeeOfGrant(
                id=payee_id, kind=payee.kind, vendor_code=payee.vendor_code, account=account,
                reason=refusal.code if refusal else None, sentence=refusal.sentence if refusal else None,
            )
        )  # fmt: skip
    return Page[PayeeOfGrant](items=items, next=call.goes_on_after(str(items[-1].id), limit) if len(found) > limit else None)


def _against(call: Call, grant: Grant, payable: Payable) -> Refusal | None:
    try:
        refuse_unless_payable(payable, grant.currency, call.context.actor.person_id, call.context.now)
    except Refusal as refusal:
        return refusal
    return None
