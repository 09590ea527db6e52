"""Reintegration's API for approval policies: what each funding programme asks for, and every version of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.reintegration import authority_queries, wiring
from services.reintegration.domain.policies import EXAMPLE, FundingPolicy, PublishPolicy
from shared.callers import AuthenticatedRoute
from shared.http import Calling, Limit, Page, Receipt, View

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class PolicyView(View[FundingPolicy]):
    """A programme's policy as it is now, with every version, the newest first."""

    versions: list[authority_queries.PolicyVersion]


@router.get("/approval-policies")
async def list_policies(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[authority_queries.PolicyVersion]:
    """The newest version of each programme's policy, the oldest policy first."""
    return await call.page(authority_queries.POLICIES, authority_queries.PolicyVersion, after, limit)


@router.get("/example-policy")
async def read_example_policy(call: Calling) -> PublishPolicy:
    """What a policy may look like: an example, never an IOM rule."""
    del call
    return EXAMPLE


@router.post("/approval-policies/{policy_id}")
async def publish_policy(policy_id: UUID, body: PublishPolicy, call: Calling) -> Receipt:
    """Publishes a programme's first policy under an id that the caller chose, or the next version of the one that is there."""
    return await call.order(wiring.FUNDING_POLICY, policy_id, body)


@router.get("/approval-policies/{policy_id}")
async def read_policy(policy_id: UUID, call: Calling) -> PolicyView:
    """One programme's policy, and every version of it."""
    view = await call.view(wiring.FUNDING_POLICY, policy_id)
    found = await call.ask(lambda unit: authority_queries.policy_versions(unit, policy_id))
    return PolicyView(id=view.id, version=view.version, state=view.state, actions=view.actions, versions=found)
