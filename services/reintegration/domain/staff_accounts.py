"""The accounts of staff: a list that replaces the one before once a second person confirmed it.

The rules know how many accounts there are, and none of them.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from services.reintegration.bank.accounts import Iban, OtherAccount
from services.reintegration.domain.brought_lists import (
    Brought,
    ListFacts,
    after_decision,
    by_another,
    counts_at_once,
    refuse_beside_another,
    still_waits,
)
from services.reintegration.domain.same_account import Spelling, spellings_of
from services.reintegration.domain.uploaded_csv import Cells, rows_of, unreadable_rows
from shared.contracts.payees import (
    StaffAccountsConfirmed,
    StaffAccountsDropped,
    StaffAccountsUploaded,
    VendorCode,
)
from shared.countries import is_country
from shared.decider import Decider, Events, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event

MOST_ACCOUNTS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffList(Brought):
    """One list of accounts of staff: what it is called and how many it holds."""

    list_version: str
    accounts: int


class UploadStaffAccounts(Command):
    """Bring the accounts of all staff as a CSV; hashes of them are kept, under this name of a version, and nothing else.

    The list counts once somebody else confirmed it.
    """

    list_version: VendorCode
    accounts: Annotated[int, Field(strict=True, ge=1, le=MOST_ACCOUNTS)]


class ConfirmStaffAccounts(Command):
    """Confirm the list that a colleague brought, after you saw how many accounts are new in it and how many are gone."""


class DropStaffAccounts(Command):
    """Drop the list: the one before goes on."""


def accounts_in(content: bytes) -> list[tuple[Spelling, ...]]:
    """Each account of a CSV with the columns iban, account_number and bank_country, by its spellings.

    Refused as ``csv_unreadable`` or ``rows_unreadable``, which names rows by their number and repeats nothing of them.
    """
    found: dict[tuple[Spelling, ...], None] = {}
    wrong: list[int] = []
    for number, cells in rows_of(content, {"iban", "account_number", "bank_country"}, MOST_ACCOUNTS):
        account = _account(cells)
        if account is None:
            wrong.append(number)
        else:
            found[account] = None
    unreadable_rows(wrong)
    return list(found)


def _account(cells: Cells) -> tuple[Spelling, ...] | None:
    iban, number, country = (cells.get(name, "") for name in ("iban", "account_number", "bank_country"))
    try:
        if iban and not number:
            return spellings_of(Iban.read(iban))
        if number and not iban and is_country(country):
            return spellings_of(OtherAccount(number), country)
    except RuleViolation:
        return None
    return None


def _upload(order: UploadStaffAccounts, facts: ListFacts, context: Context) -> Events:
    refuse_beside_another(facts)
    return (
        StaffAccountsUploaded(
            list_version=order.list_version, accounts=order.accounts, uploaded_by=context.actor.person_id,
            uploaded_at=context.now, proposed=True,
        ),
    )  # fmt: skip


def _confirm(_: StaffList, __: ConfirmStaffAccounts, facts: ListFacts, context: Context) -> Events:
    return (
        StaffAccountsConfirmed(
            added=facts.added, gone=facts.gone, confirmed_by=context.actor.person_id, confirmed_at=context.now
        ),
    )


def _drop(_: StaffList, __: DropStaffAccounts, ___: ListFacts, context: Context) -> Events:
    return (StaffAccountsDropped(dropped_by=context.actor.person_id, dropped_at=context.now),)


def evolve(state: StaffList | None, event: Event) -> StaffList:
    """The list after one fact; TypeError for one that does not fit."""
    match event:
        case StaffAccountsUploaded() if state is None:
            return StaffList(
                list_version=event.list_version, accounts=event.accounts, uploaded_by=event.uploaded_by,
                uploaded_at=event.uploaded_at, proposed=event.proposed,
                counts_since=counts_at_once(event.uploaded_at, proposed=event.proposed),
            )  # fmt: skip
        case StaffAccountsConfirmed() | StaffAccountsDropped() if state is not None:
            return after_decision(state, event)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a list of accounts of staff here")


STAFF_LIST: Decider[StaffList, ListFacts] = Decider(
    rules=(
        opening(UploadStaffAccounts, "Bring the accounts of staff", _upload),
        changing(ConfirmStaffAccounts, "Confirm the accounts of staff", _confirm, still_waits, by_another),
        changing(DropStaffAccounts, "Drop this list", _drop, still_waits),
    ),
    evolve=evolve, events=(StaffAccountsUploaded, StaffAccountsConfirmed, StaffAccountsDropped),
)  # fmt: skip
