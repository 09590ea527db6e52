"""Reintegration's API for what becomes of lists that somebody brought: a second person confirms each, or it is dropped."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import brought_list_queries
from services.reintegration.brought_list_queries import Differences, SanctionsListRow, StaffListRow
from services.reintegration.domain.sanctions import (
    ConfirmSanctionsList,
    DropSanctionsList,
    SanctionsList,
)
from services.reintegration.domain.staff_accounts import (
    ConfirmStaffAccounts,
    DropStaffAccounts,
    StaffList,
)
from services.reintegration.payee_wiring import SANCTIONS_LIST, STAFF_LIST
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class StaffListView(View[StaffList]):
    """A list of accounts of staff, with in what it differs from the one that counts while it waits; no account is told."""

    differences: Differences | None


class SanctionsListView(View[SanctionsList]):
    """A version of a list of sanctions, with in what it differs from the one that counts while it waits."""

    differences: Differences | None


@router.get("/staff-accounts")
async def list_staff_lists(call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50) -> Page[StaffListRow]:
    """Every list that was brought, oldest first, and whether it waits or counts."""
    return await call.page(brought_list_queries.STAFF_LISTED, StaffListRow, after, limit)


@router.get("/staff-accounts/{list_id}")
async def read_staff_list(list_id: UUID, call: Calling) -> StaffListView:
    """One list; while it waits, how many of its accounts are new and how many of the list that counts are gone."""
    view = await call.view(STAFF_LIST, list_id)
    differences = None
    if view.state.counts_since is None:
        differences = brought_list_queries.told(await call.ask(lambda unit: brought_list_queries.of_staff(unit, list_id)))
    return StaffListView(id=view.id, version=view.version, state=view.state, actions=view.actions, differences=differences)


@router.post("/staff-accounts/{list_id}/confirm")
async def confirm_staff_accounts(list_id: UUID, body: ConfirmStaffAccounts, call: Calling) -> Receipt:
    """Puts the list in force that somebody else brought."""
    return await call.order(STAFF_LIST, list_id, body)


@router.post("/staff-accounts/{list_id}/drop")
async def drop_staff_accounts(list_id: UUID, body: DropStaffAccounts, call: Calling) -> Receipt:
    """Drops a list that waits."""
    return await call.order(STAFF_LIST, list_id, body)


@router.get("/sanctions-lists")
async def list_sanctions_lists(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[SanctionsListRow]:
    """Every version that was brought, oldest first, and whether it waits or counts."""
    return await call.page(brought_list_queries.SANCTIONS_LISTED, SanctionsListRow, after, limit)


@router.get("/sanctions-lists/{list_id}")
async def read_sanctions_list(list_id: UUID, call: Calling) -> SanctionsListView:
    """One version; while it waits, how many entries are new, changed and gone."""
    view = await call.view(SANCTIONS_LIST, list_id)
    differences = None
    if view.state.counts_since is None:
        name = view.state.list_name
        differences = brought_list_queries.told(
            await call.ask(lambda unit: brought_list_queries.of_sanctions(unit, list_id, name))
        )
    return SanctionsListView(
        id=view.id, version=view.version, state=view.state, actions=view.actions, differences=differences
    )


@router.post("/sanctions-lists/{list_id}/confirm")
async def confirm_sanctions_list(list_id: UUID, body: ConfirmSanctionsList, call: Calling) -> Receipt:
    """Lets the version that somebody else brought take the place of the one before."""
    return await call.order(SANCTIONS_LIST, list_id, body)


@router.post("/sanctions-lists/{list_id}/drop")
async def drop_sanctions_list(list_id: UUID, body: DropSanctionsList, call: Calling) -> Receipt:
    """Drops a version that waits."""
    return await call.order(SANCTIONS_LIST, list_id, body)
