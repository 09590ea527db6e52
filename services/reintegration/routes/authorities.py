"""Reintegration's API for delegated authority: who may approve up to how much, and who stands in for them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import authority_queries, wiring
from services.reintegration.domain.authority import Authority, EndAuthority, GiveAuthority, NameDeputy
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View
from shared.new_ids import NewId

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class AuthorityView(View[Authority]):
    """An authority with everybody who may act on it, its holder first."""

    terms: list[authority_queries.Terms]


@router.get("/authorities")
async def list_authorities(
    call: Calling,
    ended: Annotated[bool, Query()] = False,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[authority_queries.AuthorityRow]:
    """Every authority that was not ended, oldest first, and with ``ended`` those that were as well."""
    listed = authority_queries.LISTED if ended else authority_queries.LISTED_OPEN
    return await call.page(listed, authority_queries.AuthorityRow, after, limit)


@router.post("/authorities/{authority_id}")
async def give_authority(authority_id: NewId, body: GiveAuthority, call: Calling) -> Receipt:
    """Gives a colleague the authority to approve up to an amount, under an id that the caller chose."""
    return await call.order(wiring.AUTHORITY, authority_id, body)


@router.get("/authorities/{authority_id}")
async def read_authority(authority_id: UUID, call: Calling) -> AuthorityView:
    """One authority, and who may act on it."""
    view = await call.view(wiring.AUTHORITY, authority_id)
    found = await call.ask(lambda unit: authority_queries.terms(unit, authority_id))
    return AuthorityView(id=view.id, version=view.version, state=view.state, actions=view.actions, terms=found)


@router.post("/authorities/{authority_id}/name-deputy")
async def name_deputy(authority_id: UUID, body: NameDeputy, call: Calling) -> Receipt:
    """Names who acts for the holder on some days."""
    return await call.order(wiring.AUTHORITY, authority_id, body)


@router.post("/authorities/{authority_id}/end")
async def end_authority(authority_id: UUID, body: EndAuthority, call: Calling) -> Receipt:
    """Ends an authority, and what its deputies had by it."""
    return await call.order(wiring.AUTHORITY, authority_id, body)
