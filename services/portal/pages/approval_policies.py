"""Approval policies: what each funding programme asks for now, and every version of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.pages.frame import Reading

router = APIRouter()


@router.get("/approval-policies")
async def approval_policies(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """The newest version of each programme's policy, and the example that is none."""
    found = (await page.ask("reintegration", "/v1/approval-policies", after=None if after is None else str(after))).body
    example = (await page.ask("reintegration", "/v1/example-policy")).body
    return await page.show("approval_policies.html", found=found, example=example)


@router.get("/approval-policies/{policy_id}")
async def approval_policy(policy_id: UUID, page: Reading) -> Response:
    """One programme's policy: each version, the newest first."""
    found = (await page.ask("reintegration", f"/v1/approval-policies/{policy_id}")).body
    return await page.show("approval_policy.html", found=found)
