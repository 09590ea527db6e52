"""What else changes with authorities and approval policies: terms and versions that stay, and the checks that they are true."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import TypeAdapter

from services.reintegration.domain.authority import Authority
from services.reintegration.domain.policies import FundingPolicy
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import Check

_TERMS = Sql(
    "INSERT INTO authority_terms (authority_id, terms_no, holder_id, acting_id, role, currency, up_to, valid_from, "
    "valid_until, given_by, given_at) VALUES (:authority_id, :terms_no, :holder_id, :acting_id, :role, :currency, :up_to, "
    ":valid_from, :valid_until, :given_by, :given_at)"
)
_OPEN = Sql(
    "INSERT INTO open_authorities (holder_id, role, currency, authority_id) "
    "VALUES (:holder_id, :role, :currency, :authority_id)"
)
_END = Sql("DELETE FROM open_authorities WHERE authority_id = :authority_id")


def authority_terms(
    authority_id: UUID, before: Authority | None, authority: Authority, events: tuple[Event, ...]
) -> Sequence[Write]:
    """The terms that were added, the holder's own first; and that the authority is open, or is no more."""
    if before is not None and authority.ended_at is not None:
        return (Write(_END, {"authority_id": authority_id}),)
    of = {
        "authority_id": authority_id, "holder_id": authority.holder_id, "role": authority.role,
        "currency": authority.currency,
    }  # fmt: skip
    if before is None:
        own = {
            "terms_no": 1, "acting_id": authority.holder_id, "up_to": authority.up_to, "valid_from": authority.valid_from,
            "valid_until": authority.valid_until, "given_by": authority.given_by, "given_at": authority.given_at,
        }  # fmt: skip
        return (Write(_OPEN, of), Write(_TERMS, of | own))
    named = authority.deputies[-1]
    deputys = {
        "terms_no": 1 + len(authority.deputies), "acting_id": named.deputy_id, "up_to": authority.up_to,
        "valid_from": named.valid_from, "valid_until": named.valid_until, "given_by": named.named_by,
        "given_at": named.named_at,
    }  # fmt: skip
    return (Write(_TERMS, of | deputys),)

_VERSION = (
    "programme, policy_version, currency, cap_per_person, cap_per_family, one_approver_up_to, two_approvers_up_to, "
    "quotations_above, own_contribution_percent, required_papers, published_by, published_at, next_tranche_needs, reconciling_needs"
)
_KEEP = Sql(
    f"INSERT INTO policy_versions (policy_id, {_VERSION}) SELECT cast(:policy_id AS uuid), {_VERSION} "
    "FROM jsonb_populate_record(NULL\\:\\:policy_versions, cast(:version AS jsonb))"
)
_OF_A_POLICY: TypeAdapter[FundingPolicy] = TypeAdapter(FundingPolicy)


def policy_versions(
    policy_id: UUID, before: FundingPolicy | None, policy: FundingPolicy, events: tuple[Event, ...]
) -> Sequence[Write]:
    """The version that was published; the key of the first one holds that a programme has one policy."""
    return (Write(_KEEP, {"policy_id": policy_id, "version": _OF_A_POLICY.dump_json(policy).decode()}),)


_OWN = (
    "SELECT id AS authority_id, 1 AS terms_no, holder_id, holder_id AS acting_id, role, currency, up_to, valid_from, "
    "valid_until, given_by, given_at FROM authorities"
)
_DEPUTIES = (
    "SELECT a.id, cast(1 + d.place AS integer), a.holder_id, d.body ->> 'deputy_id', a.role, a.currency, a.up_to, "
    "cast(d.body ->> 'valid_from' AS date), cast(d.body ->> 'valid_until' AS date), d.body ->> 'named_by', "
    "cast(d.body ->> 'named_at' AS timestamptz) "
    "FROM authorities a, jsonb_array_elements(a.deputies) WITH ORDINALITY d(body, place)"
)
_KEPT = (
    "SELECT authority_id, terms_no, holder_id, acting_id, role, currency, up_to, valid_from, valid_until, given_by, "
    "given_at FROM authority_terms"
)

CHECKS: tuple[Check, ...] = (
    Check(
        "authority terms",
        Sql(
            f"WITH told AS ({_OWN} UNION ALL {_DEPUTIES}), kept AS ({_KEPT}) "
            "SELECT DISTINCT authority_id FROM ((TABLE told EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE told)) d"
        ),
    ),
    Check(
        "policy versions",
        Sql(
            "SELECT coalesce(p.id, v.policy_id) FROM funding_policies p FULL JOIN "
            "(SELECT policy_id, count(*) AS versions, max(policy_version) AS newest FROM policy_versions GROUP BY policy_id) v "
            "ON v.policy_id = p.id LEFT JOIN policy_versions n ON n.policy_id = v.policy_id AND n.policy_version = v.newest "
            "WHERE p.id IS NULL OR v.policy_id IS NULL "
            "OR (p.policy_version, p.policy_version) IS DISTINCT FROM (v.versions, v.newest) "
            "OR (p.programme, p.currency, p.cap_per_person, p.cap_per_family, p.one_approver_up_to, p.two_approvers_up_to, "
            "p.quotations_above, p.own_contribution_percent, p.required_papers, p.published_by, p.published_at, p.next_tranche_needs, p.reconciling_needs) "
            "IS DISTINCT FROM (n.programme, n.currency, n.cap_per_person, n.cap_per_family, n.one_approver_up_to, "
            "n.two_approvers_up_to, n.quotations_above, n.own_contribution_percent, n.required_papers, n.published_by, "
            "n.published_at, n.next_tranche_needs, n.reconciling_needs)"
        ),
    ),
    Check(
        "open authorities",
        Sql(
            "SELECT coalesce(a.id, o.authority_id) FROM (SELECT * FROM authorities WHERE ended_at IS NULL) a "
            "FULL JOIN open_authorities o ON o.authority_id = a.id "
            "WHERE (a.holder_id, a.role, a.currency) IS DISTINCT FROM (o.holder_id, o.role, o.currency)"
        ),
    ),
)
