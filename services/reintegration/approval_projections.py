"""What else changes with an endorsement, an approval or an addition: rows that hold who decided on what, and their checks."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from services.reintegration.domain.grant_state import Grant
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.commitments import CommitmentAdded
from shared.contracts.reintegration import GrantEndorsed
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import Check

_VERSION = "grant_id, request_version, destination_country, requester_id, counsellor_id, amount, currency, content_hash, endorser_id"
_GIVEN = (
    "level, levels_needed, fund_id, approver_id, approved_at, approved_on, authority_id, terms_no, authority_holder_id, "
    "authority_role, authority_currency, authority_up_to, authority_valid_from, authority_valid_until, in_authority, strength, "
    "auth_age_seconds"
)
_COMMITTED = (
    "grant_id, request_version, destination_country, fund_id, amount, currency, levels_needed, level_1, level_2, level_3, "
    "policy_programme, policy_version, policy_currency, one_approver_up_to, two_approvers_up_to, weighed, fund_currency, fund_amount"
)
_ADDED = (
    "addition_no, fund_id, fund_currency, levels_given, policy_currency, one_approver_up_to, two_approvers_up_to, former_no, "
    "begun_with, former_total, added, total, levels_needed, weighed, adder_id, added_at, added_on, authority_id, terms_no, "
    "authority_holder_id, authority_role, authority_currency, authority_up_to, authority_valid_from, authority_valid_until, "
    "in_authority, strength, auth_age_seconds"
)


def _insert(table: str, columns: str) -> Sql:
    return Sql(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(f':{name.strip()}' for name in columns.split(','))})")


_ENDORSE = _insert("grant_endorsements", f"{_VERSION}, endorsed_at")
_APPROVE = _insert("grant_approvals", f"{_VERSION}, {_GIVEN}")
_COMMIT = _insert("grant_commitments", _COMMITTED)
_ADD = _insert("commitment_additions", f"{_VERSION}, {_ADDED}")


def grant_decisions(grant_id: UUID, grant: Grant, events: tuple[Event, ...]) -> Iterator[Write]:
    """The endorsement, approval, commitment and addition that a command brought; they refer to each other and to the version."""
    for event in events:
        if isinstance(event, GrantEndorsed):
            yield Write(_ENDORSE, {**_of_the_version(grant_id, grant), "endorsed_at": event.endorsed_at})
        elif isinstance(event, ApprovalGiven):
            yield Write(_APPROVE, {**_of_the_version(grant_id, grant), **_given(event)})
            if grant.approved_version is not None:
                yield Write(_COMMIT, _committed(grant_id, grant, event))
        elif isinstance(event, CommitmentAdded):
            yield Write(_ADD, {**_of_the_version(grant_id, grant), **_added(grant, event)})


def _of_the_version(grant_id: UUID, grant: Grant) -> dict[str, object]:
    return {
        "grant_id": grant_id, "request_version": grant.request_version, "destination_country": grant.destination_country,
        "requester_id": grant.requester_id, "counsellor_id": grant.counsellor_id, "amount": grant.amount,
        "currency": grant.currency, "content_hash": grant.content_hash, "endorser_id": grant.endorser_id,
    }  # fmt: skip


def _given(event: ApprovalGiven) -> dict[str, object]:
    return {
        "level": event.level, "levels_needed": event.levels_needed, "fund_id": event.fund_id,
        "approver_id": event.approved_by, "approved_at": event.approved_at, "approved_on": event.approved_on,
        **_by_authority(event),
    }  # fmt: skip


def _by_authority(event: ApprovalGiven | CommitmentAdded) -> dict[str, object]:
    return {
        "authority_id": event.authority_id, "terms_no": event.terms_no, "authority_holder_id": event.authority_holder,
        "authority_role": event.authority_role, "authority_currency": event.authority_up_to.currency,
        "authority_up_to": event.authority_up_to.amount, "authority_valid_from": event.authority_valid_from,
        "authority_valid_until": event.authority_valid_until, "in_authority": event.in_authority.amount,
        "strength": event.strength, "auth_age_seconds": event.auth_age_seconds,
    }  # fmt: skip


def _committed(grant_id: UUID, grant: Grant, last: ApprovalGiven) -> dict[str, object]:
    needed = last.levels_needed
    return {
        "grant_id": grant_id, "request_version": grant.request_version, "destination_country": grant.destination_country,
        "fund_id": last.fund_id, "amount": grant.amount, "currency": grant.currency, "levels_needed": needed, "level_1": 1,
        "level_2": 2 if needed >= 2 else None, "level_3": 3 if needed >= 3 else None,
        "policy_programme": grant.policy_programme, "policy_version": grant.policy_version,
        "policy_currency": last.weighed.currency, "one_approver_up_to": last.one_approver_up_to.amount,
        "two_approvers_up_to": last.two_approvers_up_to.amount, "weighed": last.weighed.amount,
        "fund_currency": grant.fund_currency, "fund_amount": grant.fund_amount,
    }  # fmt: skip


def _added(grant: Grant, event: CommitmentAdded) -> dict[str, object]:
    first = event.addition_no == 1
    return {
        "addition_no": event.addition_no, "fund_id": event.fund_id, "fund_currency": event.total.currency,
        "levels_given": len(grant.approvals), "policy_currency": event.weighed.currency,
        "one_approver_up_to": event.one_approver_up_to.amount, "two_approvers_up_to": event.two_approvers_up_to.amount,
        "former_no": None if first else event.addition_no - 1, "begun_with": grant.fund_amount if first else None,
        "former_total": event.total.amount - event.money.amount, "added": event.money.amount, "total": event.total.amount,
        "levels_needed": event.levels_needed, "weighed": event.weighed.amount, "adder_id": event.added_by,
        "added_at": event.added_at, "added_on": event.added_on, **_by_authority(event),
    }  # fmt: skip


CHECKS: Sequence[Check] = (
    Check(
        "grant endorsements",
        Sql(
            "SELECT g.id FROM grants g LEFT JOIN grant_endorsements e ON e.grant_id = g.id "
            "AND e.request_version = g.request_version "
            "WHERE (g.endorser_id, g.endorsed_at) IS DISTINCT FROM (e.endorser_id, e.endorsed_at)"
        ),
    ),
    Check(
        "grant approvals",
        Sql(
            "SELECT coalesce(t.id, a.grant_id) FROM (SELECT g.id, g.request_version, cast(a ->> 'level' AS integer) AS level, "
            "a ->> 'approver_id' AS approver_id, a ->> 'holder_id' AS holder_id, cast(a ->> 'levels_needed' AS integer) AS needed "
            "FROM grants g, jsonb_array_elements(g.approvals) a) t FULL JOIN (SELECT a.* FROM grant_approvals a "
            "JOIN grants g ON g.id = a.grant_id AND g.request_version = a.request_version) a "
            "ON a.grant_id = t.id AND a.request_version = t.request_version AND a.level = t.level "
            "WHERE (t.id, t.approver_id, t.holder_id, t.needed) "
            "IS DISTINCT FROM (a.grant_id, a.approver_id, a.authority_holder_id, a.levels_needed)"
        ),
    ),
    Check(
        "grant commitments",
        Sql(
            "SELECT coalesce(g.id, c.grant_id) FROM (SELECT * FROM grants WHERE approved_version IS NOT NULL) g "
            "FULL JOIN grant_commitments c ON c.grant_id = g.id AND c.request_version = g.approved_version "
            "WHERE (g.id, g.amount, g.currency, g.fund_id, g.fund_currency, g.fund_amount, jsonb_array_length(g.approvals)) "
            "IS DISTINCT FROM (c.grant_id, c.amount, c.currency, c.fund_id, c.fund_currency, c.fund_amount, c.levels_needed)"
        ),
    ),
    Check(
        "commitment additions",
        Sql(
            "SELECT coalesce(t.id, a.grant_id) FROM (SELECT g.id, g.approved_version, g.fund_id, g.fund_currency, "
            "cast(a ->> 'addition_no' AS integer) AS addition_no, cast(a ->> 'amount' AS numeric) AS added, "
            "a ->> 'adder_id' AS adder_id, a ->> 'holder_id' AS holder_id, cast(a ->> 'added_at' AS timestamptz) AS added_at "
            "FROM grants g, jsonb_array_elements(g.additions) a) t "
            "FULL JOIN commitment_additions a ON a.grant_id = t.id AND a.addition_no = t.addition_no "
            "WHERE (t.id, t.approved_version, t.fund_id, t.fund_currency, t.added, t.adder_id, t.holder_id, t.added_at) "
            "IS DISTINCT FROM (a.grant_id, a.request_version, a.fund_id, a.fund_currency, a.added, a.adder_id, "
            "a.authority_holder_id, a.added_at)"
        ),
    ),
)
