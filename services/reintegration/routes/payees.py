"""Reintegration's API for who is paid: payees, confirmed by another, and their accounts, shown masked but for who needs them."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.reintegration import (
    account_tokens,
    bank_queries,
    lost_payment_queries,
    payable_queries,
    payee_details,
    payee_queries,
    window,
)
from services.reintegration.domain.attempts import line_of_the_bank_waits
from services.reintegration.domain.payable import stands_against
from services.reintegration.domain.payee import (
    AcceptSharedAccount,
    ChangeAccount,
    ClosePayee,
    ConfirmCallBack,
    ConfirmPayee,
    DropAccountChange,
    RegisterPayee,
)
from services.reintegration.domain.payee_details import PayeeDetails, details_of
from services.reintegration.domain.payee_state import Payee, PayeeStatus
from services.reintegration.domain.staff_accounts import UploadStaffAccounts, accounts_in
from services.reintegration.domain.stood_against import refuse_unless_payable_still
from services.reintegration.grant_wiring import GRANT
from services.reintegration.payee_wiring import PAYEE, STAFF_LIST
from services.reintegration.policy import opens_what_they_pay_alone
from shared.callers import AuthenticatedRoute
from shared.contracts.payees import PayeeKind, VendorCode
from shared.db import UnitOfWork, Write
from shared.errors import NotFound, RuleViolation
from shared.files.media import LARGEST_STAFF_LIST
from shared.handling import Handled, Repeat, states
from shared.http import Call, Calling, Limit, Page, Receipt, View
from shared.ids import uuid7
from shared.new_ids import NewId
from shared.private import PersonKey
from shared.unprinted import Unprinted
from shared.uploads import takes_file

# How the document of the API describes a body that is a table of text.
CSV_SENT: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}
}
MOST_STAFF_BYTES: Final = LARGEST_STAFF_LIST

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)

AccountNumber = Annotated[int, Path(ge=1, le=10_000)]


class MaskedAccount(Unprinted):
    """An account by its last characters, and whose it is."""

    account_no: int
    holder: str
    account: str


class ContactToCall(BaseModel):
    """Under the contact of which account, of which payee, somebody has to call about what waits."""

    payee_id: UUID
    account_no: int


class PayeeView(View[Payee]):
    """A payee with its accounts, masked: the one that is paid to, or is to be once confirmed, and the one that waits.

    None for whoever may not know whose account it is, and where it went with the person. ``account_shared`` says that another
    payee has one of these too and nobody found that right; which, ``shared_with`` tells whoever sees all countries, and
    ``shared_left`` those of them of which the reader may find it right, for they stated and confirmed none of these accounts.
    ``call`` is under which contact somebody has to call before anything is paid, if they have to.
    """

    account: MaskedAccount | None
    waiting: MaskedAccount | None
    account_shared: bool
    shared_with: list[UUID]
    shared_left: list[UUID]
    account_of_staff: bool
    call: ContactToCall | None


class AccountView(BaseModel):
    """One account of a payee in full."""

    payee_id: UUID
    account_no: int
    details: PayeeDetails


@router.get("/payees")
async def list_payees(
    call: Calling,
    status: Annotated[PayeeStatus | None, Query()] = None,
    vendor_code: Annotated[VendorCode | None, Query()] = None,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[payee_queries.PayeeRow]:
    """Payees, oldest first, of one status or one vendor's code if asked for; an office sees those of its countries."""
    ours, theirs, asked = payee_queries.asked_for(status, vendor_code)
    if not window.is_abroad(call):
        return await call.page(ours, payee_queries.PayeeRow, after, limit, **asked)
    countries = sorted(call.reach.countries or ())
    items, more = await window.listed(
        call,
        lambda place, unit: payee_queries.abroad(unit, theirs, countries, place, limit + 1, asked),
        "grants", after, limit,
    )  # fmt: skip
    return Page(
        items=[one.row for one in items], next=call.goes_on_after(str(items[-1].id), limit) if more and items else None
    )


@router.post("/payees/{payee_id}")
async def register_payee(payee_id: NewId, body: RegisterPayee, call: Calling) -> Receipt:
    """Registers who is to be paid under an id that the caller chose; name and account are sealed."""
    if body.case_id is not None:
        await window.may_begin(call, body.case_id, "grants", ())
    return await _state_account(call, payee_id, body, body.payee_kind, body.country, body.person_id, body.currency)


@router.get("/payees/{payee_id}")
async def read_payee(payee_id: UUID, call: Calling) -> PayeeView:
    """One payee with its accounts, masked; the reading is on record."""
    view = await _view(call, payee_id)
    # Of several roles the one that reads accounts says how far, be it that another one reads every payee.
    reach = call.reach_of("read_payee_account")
    shown = reach is not None and reach.covers(view.state.country)
    account, waiting = await _masked(call, payee_id, view.state) if shown else (None, None)
    against = await call.ask(lambda unit: account_tokens.against(unit, payee_id))
    known, reader_id = against.known(), call.context.actor.person_id
    # An office is told of no other payee.
    told = frozenset[UUID]() if window.is_abroad(call) else known.shared_with
    return PayeeView(
        id=view.id, version=view.version, state=view.state, actions=view.actions, account=account, waiting=waiting,
        account_shared=bool(known.shared_with), shared_with=sorted(told), shared_left=sorted(told - known.had_parts(reader_id)),
        account_of_staff=against.of_staff, call=_to_call(payee_id, view.state),
    )  # fmt: skip


@router.get("/payees/{payee_id}/accounts/{account_no}")
async def read_payee_account(payee_id: UUID, account_no: AccountNumber, call: Calling) -> AccountView:
    """One account of a payee in full, with the contact for calling back; each reading is on record.

    After a change the contact to call is that of the account which the payee's ``call`` names, never one that came with it.
    Who pays for an office opens the account that they are to pay to, and no other; refused while something stands against paying to it.
    """
    payee = (await _view(call, payee_id, recorded=True)).state
    if opens_what_they_pay_alone(call.context.actor) and not await _pays_to(call, payee_id, account_no, payee):
        await call.refused(NotFound().code, payee_id)
        raise NotFound
    found = await call.ask(lambda unit: payee_details.found(unit, call.person_keys, payee_id, account_no))
    if found is None:
        raise NotFound
    await call.on_record(payee_id)
    return AccountView(payee_id=payee_id, account_no=account_no, details=found)


@router.post("/payees/{payee_id}/confirm")
async def confirm_payee(payee_id: UUID, body: ConfirmPayee, call: Calling) -> Receipt:
    """Confirms a payee that somebody else registered."""
    await _may_go_on(call, payee_id)
    return await call.order(PAYEE, payee_id, body)


@router.post("/payees/{payee_id}/change-account")
async def change_account(payee_id: UUID, body: ChangeAccount, call: Calling) -> Receipt:
    """Asks that the payee is paid to another account; nothing is paid until somebody else has called back."""
    payee = await _may_go_on(call, payee_id)
    if payee is None:
        return await call.order(PAYEE, payee_id, body)
    return await _state_account(call, payee_id, body, payee.kind, payee.country, payee.person_id, payee.currency)


@router.post("/payees/{payee_id}/confirm-call-back")
async def confirm_call_back(payee_id: UUID, body: ConfirmCallBack, call: Calling) -> Receipt:
    """Says that the payee, called under the contact of before, named the new account as theirs."""
    await _may_go_on(call, payee_id)
    return await call.order(PAYEE, payee_id, body)


@router.post("/payees/{payee_id}/drop-account-change")
async def drop_account_change(payee_id: UUID, body: DropAccountChange, call: Calling) -> Receipt:
    """Takes back, or declines, a change of account."""
    await _may_go_on(call, payee_id)
    return await call.order(PAYEE, payee_id, body)


@router.post("/payees/{payee_id}/accept-shared-account")
async def accept_shared_account(payee_id: UUID, body: AcceptSharedAccount, call: Calling) -> Receipt:
    """Finds it right that payees have the same account."""
    return await call.order(PAYEE, payee_id, body)


@router.get("/payee-findings")
async def list_payee_findings(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[payee_queries.PayeeRow]:
    """Payees of which somebody has to look at something: an account that others have too, or that is of staff."""
    return await call.page(payee_queries.FOUND, payee_queries.PayeeRow, after, limit)


@router.put("/staff-accounts/{list_id}", openapi_extra=CSV_SENT)
@takes_file(UploadStaffAccounts, MOST_STAFF_BYTES)
async def upload_staff_accounts(
    list_id: NewId, call: Calling, list_version: Annotated[VendorCode, Query()]
) -> Receipt:
    """Takes the accounts of all staff as a CSV (iban, or account_number and bank_country); hashes of them are kept alone."""
    async with call.file() as sent:
        accounts = accounts_in(sent)
        order = UploadStaffAccounts(list_version=list_version, accounts=len(accounts))
        beside: list[Write] = []

        async def hashed(unit: UnitOfWork) -> None:
            beside.extend(await account_tokens.kept_of_staff(unit, list_id, accounts))

        await call.ask(hashed)
        # What is sent again is known by its id; what it held stays sealed with what was asked under it.
        again = Repeat.of(f"staff_accounts:{list_id}", call.operation, list_id, list_version.encode() + b"\0" + sent)
        return await call.order(STAFF_LIST, list_id, order, beside=beside, repeat=again)


@router.post("/payees/{payee_id}/close")
async def close_payee(payee_id: UUID, body: ClosePayee, call: Calling) -> Receipt:
    """Closes the payee: nothing is paid to it any more."""
    await _may_go_on(call, payee_id)
    return await call.order(PAYEE, payee_id, body)


async def _state_account(
    call: Call, payee_id: UUID, order: RegisterPayee | ChangeAccount, kind: PayeeKind, country: str, person_id: UUID | None,
    currency: str,
) -> Receipt:
    """Gives an order that states an account, which is sealed and hashed under the number that its event says."""
    found: list[account_tokens.Hashed] = []

    async def hashed(unit: UnitOfWork) -> Sequence[Write]:
        # Anew where the transaction is tried again.
        found[:] = [await account_tokens.hashed(unit.keys.index, details_of(order, kind, currency).spellings)]
        return ()

    def kept(key: PersonKey, handled: Handled) -> Sequence[Write]:
        account_no = payee_details.stated_no(handled)
        sealed = payee_details.kept(key, handled, payee_id, account_no, country, person_id)
        return (sealed, *(one.kept(payee_id, account_no, person_id) for one in found))

    return await call.order_privately(
        PAYEE, payee_id, order, kept, key_of=payee_details.key_of(payee_id, person_id), apart=True, beside=hashed
    )


async def _pays_to(call: Call, payee_id: UUID, account_no: int, payee: Payee) -> bool:
    """Whether who pays for an office has something to pay to this account, by now or once it is released.

    Refused by what stands against all of it. That money left is recorded all the same.
    """
    released = await call.ask(lambda unit: payable_queries.released_to(unit, payee_id, account_no))
    refusals = [await _stopped(call, payee_id, one) for one in released]
    if any(refusal is None for refusal in refusals):
        return True
    if not await call.ask(lambda unit: payable_queries.may_be_paid_to(unit, payee_id, account_no, payee)):
        if refusals and refusals[0] is not None:
            raise refusals[0]
        return False
    # Of an attempt that is still to come nothing is lost, but for what a restore holds up until finance cleared it.
    await call.ask(lambda unit: lost_payment_queries.refuse_lost(unit, uuid7()))
    known = await call.ask(lambda unit: payable_queries.payable(unit, payee_id))
    for _, refusal in stands_against(known, payee, call.context.now):
        raise refusal
    return True


async def _stopped(call: Call, payee_id: UUID, attempt: payable_queries.ReleasedTo) -> RuleViolation | None:
    """By what a payment that was released is not to be made any more: something that stands against it, or a line of the bank's, or a restore."""
    known = await call.ask(lambda unit: payable_queries.payable(unit, payee_id))
    grants = await call.ask(lambda unit: states(unit, GRANT, [attempt.grant_id], call.context.actor, reach=call.reach))
    grant = grants.get(attempt.grant_id)
    tranche = None if grant is None else grant.tranche(attempt.tranche)
    if grant is None or tranche is None:
        raise NotFound
    try:
        if await call.ask(lambda unit: bank_queries.waits_for(unit, attempt.attempt_id)):
            raise line_of_the_bank_waits()
        await call.ask(lambda unit: lost_payment_queries.refuse_lost(unit, attempt.attempt_id))
        refuse_unless_payable_still(grant, tranche, known, call.context.now)
    except RuleViolation as refusal:
        return refusal
    return None


def _to_call(payee_id: UUID, payee: Payee) -> ContactToCall | None:
    known = payee.call
    return None if known is None else ContactToCall(payee_id=known.payee_id or payee_id, account_no=known.account_no)


async def _known(call: Call, payee_id: UUID) -> Payee | None:
    found = await call.ask(lambda unit: states(unit, PAYEE, [payee_id], call.context.actor, reach=call.reach))
    return found.get(payee_id)


async def _view(call: Call, payee_id: UUID, *, recorded: bool = False) -> View[Payee]:
    """A payee as far as its reader may know it: an office sees a returnee's while they agree, or money is to be accounted for."""
    payee = await _known(call, payee_id) if window.is_abroad(call) else None
    if not window.is_abroad(call) or (payee is not None and payee.case_id is None):
        return await call.view(PAYEE, payee_id, recorded=recorded)
    # Of what is not there it takes as long to say so.
    found, _ = await window.view(
        call, PAYEE, payee_id, lambda payee: payee.case_id or uuid7(), "grants", own=lambda _: True, recorded=recorded
    )
    return found


async def _may_go_on(call: Call, payee_id: UUID) -> Payee | None:
    """The payee that an order is about, None if the order itself says that there is none; an office's go by consent."""
    payee = await _known(call, payee_id)
    if payee is not None and payee.case_id is not None:
        await window.may_go_on_with(call, payee_id, payee.case_id)
    return payee


async def _masked(call: Call, payee_id: UUID, payee: Payee) -> tuple[MaskedAccount | None, MaskedAccount | None]:
    waiting = payee.change.account_no if payee.change is not None else None
    return await _one(call, payee_id, payee.confirmed_no or 1), await _one(call, payee_id, waiting)


async def _one(call: Call, payee_id: UUID, account_no: int | None) -> MaskedAccount | None:
    if account_no is None:
        return None
    found = await call.ask(partial(payee_details.found, keys=call.person_keys, payee_id=payee_id, account_no=account_no))
    return None if found is None else MaskedAccount(account_no=account_no, holder=found.holder, account=found.masked)
