"""What reintegration's tables answer about authorities and approval policies: facts, lists, who may act, each version."""

import json
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator

from services.reintegration.domain.authority import AuthorityFacts
from services.reintegration.domain.policies import PolicyFacts
from services.reintegration.queries import TODAY
from shared.contracts.authority import ApprovingRole, AuthorityEndReason
from shared.contracts.reintegration import RequiredPaper
from shared.contracts.visits import NextTrancheNeed
from shared.db import Sql, UnitOfWork
from shared.money import Amount

_BEHIND_AN_AUTHORITY = Sql(
    "SELECT EXISTS (SELECT FROM open_authorities WHERE holder_id = cast(:holder_id AS text) AND role = cast(:role AS text) "
    f"AND currency = cast(:currency AS text) AND authority_id <> :authority_id) AS taken, {TODAY} AS today"
)
_LISTED = (
    "SELECT a.id, a.holder_id, a.role, a.up_to, a.currency, a.valid_from, a.valid_until, a.given_by, a.given_at, "
    "jsonb_array_length(a.deputies) AS deputies, a.ended_at, a.end_reason FROM authorities a {narrowed}"
    "WHERE a.id > :after ORDER BY a.id LIMIT :limit"
)
LISTED = Sql(_LISTED.format(narrowed=""))
LISTED_OPEN = Sql(_LISTED.format(narrowed="JOIN open_authorities o ON o.authority_id = a.id "))
_TERMS = Sql(
    "SELECT terms_no, acting_id, valid_from, valid_until, given_by, given_at FROM authority_terms "
    "WHERE authority_id = :authority_id ORDER BY terms_no"
)


class AuthorityRow(BaseModel):
    """One authority in a list; ``valid_from`` and ``valid_until`` both count, and one that was ended counts no more."""

    id: UUID
    holder_id: str
    role: ApprovingRole
    up_to: Amount
    currency: str
    valid_from: date
    valid_until: date
    given_by: str
    given_at: datetime
    deputies: int
    ended_at: datetime | None
    end_reason: AuthorityEndReason | None


class Terms(BaseModel):
    """From when until when somebody may act on an authority, and who gave them that; number 1 is the holder's."""

    terms_no: int
    acting_id: str
    valid_from: date
    valid_until: date
    given_by: str
    given_at: datetime


async def behind_an_authority(
    unit: UnitOfWork, authority_id: UUID, of: tuple[str, str, str], now: datetime, zone: str
) -> AuthorityFacts:
    """Whether this holder has an open authority of this role and currency under another id, and the mission's day."""
    holder_id, role, currency = of
    row = await unit.row(
        _BEHIND_AN_AUTHORITY, authority_id=authority_id, holder_id=holder_id, role=role, currency=currency, now=now,
        zone=zone,
    )  # fmt: skip
    assert row is not None
    return AuthorityFacts(row["taken"], row["today"])


async def terms(unit: UnitOfWork, authority_id: UUID) -> list[Terms]:
    """Everybody who may act on an authority, its holder first."""
    return [Terms.model_validate(dict(row)) for row in await unit.rows(_TERMS, authority_id=authority_id)]

_BEHIND_A_POLICY = Sql(
    "SELECT EXISTS (SELECT FROM policy_versions WHERE programme = :programme AND policy_id <> :policy_id) AS taken"
)
_OF_A_VERSION = (
    "programme, policy_version, currency, cap_per_person, cap_per_family, one_approver_up_to, two_approvers_up_to, "
    "quotations_above, own_contribution_percent, required_papers, published_by, published_at, next_tranche_needs, reconciling_needs"
)
POLICIES = Sql(f"SELECT id, {_OF_A_VERSION} FROM funding_policies WHERE id > :after ORDER BY id LIMIT :limit")
_VERSIONS = Sql(
    f"SELECT policy_id AS id, {_OF_A_VERSION} FROM policy_versions WHERE policy_id = :policy_id ORDER BY policy_version DESC"
)


def _parsed(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


class PolicyVersion(BaseModel):
    """One version of a programme's approval policy; every amount is in ``currency``."""

    id: UUID
    programme: str
    policy_version: int
    currency: str
    cap_per_person: Amount
    cap_per_family: Amount
    one_approver_up_to: Amount
    two_approvers_up_to: Amount
    quotations_above: Amount
    own_contribution_percent: int
    required_papers: Annotated[list[RequiredPaper], BeforeValidator(_parsed)]
    next_tranche_needs: list[NextTrancheNeed]
    reconciling_needs: list[NextTrancheNeed]
    published_by: str
    published_at: datetime


async def behind_a_policy(unit: UnitOfWork, policy_id: UUID, programme: str) -> PolicyFacts:
    """Whether this programme has a policy under another id."""
    row = await unit.row(_BEHIND_A_POLICY, policy_id=policy_id, programme=programme)
    assert row is not None
    return PolicyFacts(row["taken"])


async def policy_versions(unit: UnitOfWork, policy_id: UUID) -> list[PolicyVersion]:
    """Every version of a policy, the newest first."""
    return [PolicyVersion.model_validate(dict(row)) for row in await unit.rows(_VERSIONS, policy_id=policy_id)]
