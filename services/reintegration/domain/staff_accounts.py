"""The accounts of staff: a list that replaces the one before, of which the rules know how many there are and no account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from services.reintegration.bank.accounts import Iban, OtherAccount
from services.reintegration.domain.same_account import Spelling, spellings_of
from services.reintegration.domain.uploaded_csv import Cells, rows_of, unreadable_rows
from shared.contracts.payees import StaffAccountsUploaded, VendorCode
from shared.countries import is_country
from shared.decider import Decider, Events, NoFacts, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event

MOST_ACCOUNTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class StaffList:
    """One list of accounts of staff: what it is called, how many it holds, and who brought it when."""

    list_version: str
    accounts: int
    uploaded_by: str
    uploaded_at: datetime


class UploadStaffAccounts(Command):
    """Bring the accounts of all staff as a CSV; hashes of them are kept, under this name of a version, and nothing else."""

    list_version: VendorCode
    accounts: Annotated[int, Field(strict=True, ge=1, le=MOST_ACCOUNTS)]


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


def _upload(order: UploadStaffAccounts, _: NoFacts, context: Context) -> Events:
    return (
        StaffAccountsUploaded(
            list_version=order.list_version, accounts=order.accounts, uploaded_by=context.actor.person_id,
            uploaded_at=context.now,
        ),
    )  # fmt: skip


def evolve(state: StaffList | None, event: Event) -> StaffList:
    """The list after its one fact; TypeError for any other."""
    if state is None and isinstance(event, StaffAccountsUploaded):
        return StaffList(event.list_version, event.accounts, event.uploaded_by, event.uploaded_at)
    raise TypeError(f"{type(event).__name__} does not fit a list of accounts of staff here")


STAFF_LIST: Decider[StaffList, NoFacts] = Decider(
    rules=(opening(UploadStaffAccounts, "Bring the accounts of staff", _upload),), evolve=evolve, events=(StaffAccountsUploaded,)
)
