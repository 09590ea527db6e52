"""What a person is told of records in which others are named too: theirs as it is, everybody else by a word; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

ANOTHER_PERSON: Final = "another_person"
STAFF: Final = "staff"
ELSEWHERE: Final = "elsewhere"

# Fields that name persons, those that name members of staff, and those that name nobody though they sound like it.
PERSONS: Final = frozenset(
    {
        "person_id", "person_ids", "principal_id", "declared_by", "signed_by", "booked_person_ids", "active_person_ids",
        "case_guardian_id", "guardian_of", "no_more_of", "guarded_by", "guardian_id", "parent_ids", "given_by", "deciding_ids", "answered_by", "member_ids", "withdrawn_ids",
    }
)
STAFF_FIELDS: Final = frozenset(
    {
        "counsellor_id", "requester_id", "endorser_id", "former_endorsers", "former_approvers", "approver_id", "payer_id", "reconciler_id", "recorded_by",
        "submitted_by", "approved_by", "requested_by", "drafted_by", "authority_holder", "returned_by", "endorsed_by", "rejected_by", "cancelled_by", "released_by",
        "confirmed_by", "reconciled_by", "delivered_by", "filed_by", "actor_id",
        "witness_id", "placed_by", "lifted_by", "refused_by", "assessed_by", "asked_by", "end_asked_by", "ended_early_by", "ended_early_asked_by", "proposed_by", "corrected_by", "voided_by", "written_by",
        "attested_by", "holder_id", "deputy_id", "named_by", "ended_by", "published_by", "dropped_by", "agreed_by", "suspended_by", "resumed_by", "reported_by", "reversed_by", "witnessed_by", "added_by", "adder_id", "opened_by", "made_by", "sent_by", "drop_asked_by", "revocation_asked_by", "taken_by", "takers", "kept_by", "closed_by", "reopened_by", "registered_by", "stated_by", "accepted_by", "uploaded_by", "imported_by", "explained_by", "matched_by", "undone_by", "acted_by", "clearing_asked_by", "cleared_by", "handlers", "clearers", "planned_by", "drawn_by", "offered_by", "withdrawn_by", "settled_by", "found_by", "auditor_id",
    }
)  # fmt: skip
THINGS: Final = frozenset(
    {
        "event_id", "authority_id", "attempt_id", "paid_line", "ended_line", "bank_line", "own_account_id", "instruction_id",
        "id", "case_id", "plan_id", "line_id", "plan_line_id", "own_plan_id", "agreed_plan_id", "fund_id", "evidence_id",
        "session_id", "intention_id", "family_id", "consent_id", "known_by", "grant_ids", "hold_id", "alert_id",
        "record_id", "support_id", "report_id", "inquiry_id", "heard_alone_in", "payee_id", "survey_id", "round_id", "draw_id", "sample_id",
    }
)  # fmt: skip
# Fields that name another case. By its id anybody computes its reference, so it is told to those alone whose case it is.
OTHER_CASES: Final = frozenset(
    {
        "new_case_id", "from_case_id", "into_case_id", "other_case_id", "split_from", "split_into", "joined_into",
        "regrouping_with", "from_id", "to_id", "with_ids", "other_id", "list_id", "list_ids", "entry_id",
    }
)  # fmt: skip
# Parts of which each belongs to one: of a part that is not the person's nothing is told but that it is there.
OWNERS: Final = ("person_id", "grant_id")


@dataclass(frozen=True, slots=True)
class Whose:
    """Who is told, and the ids of what is theirs."""

    person: str
    own: frozenset[str]


def masked(value: Mapping[str, Any], whose: Whose) -> dict[str, Any]:
    """A record as it is told to one person.

    Default deny: an id is told if it is the person's own, or stands in a field that is known to name a thing.
    """
    return {name: _masked(name, found, whose) for name, found in value.items()}


def without_kept_back(value: Any, kept_back: Mapping[str, frozenset[str]]) -> Any:
    """A record without what is told of no record of its kind; ``kept_back`` are the fields, by the kind."""
    if isinstance(value, list):
        return [without_kept_back(item, kept_back) for item in value]
    if not isinstance(value, Mapping):
        return value
    fields = kept_back_of(value, kept_back)
    return {name: without_kept_back(found, kept_back) for name, found in value.items() if name not in fields}


def kept_back_of(value: Mapping[str, Any], kept_back: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The fields of a record that are not told, by what kind it says that it is of; none of most kinds."""
    kinds = (value.get(name) for name in ("kind", "evidence_kind"))
    return next((kept_back[kind] for kind in kinds if isinstance(kind, str) and kind in kept_back), frozenset())


def naming(value: Mapping[str, Any], whose: Whose) -> dict[str, Any]:
    """Where a record names the person, of one that is not theirs: the fields that do, and nothing of what else it says."""
    told = masked(value, whose)
    return {name: found for name, found in told.items() if whose.person in (found if isinstance(found, list) else [found])}


def is_of_another(value: Mapping[str, Any], whose: Whose) -> bool:
    """Whether a record says of itself that it is about another person, or about what belongs to one."""
    return any(isinstance(value.get(owner), str) and value[owner] not in whose.own for owner in OWNERS)


def disclosed(data: Mapping[str, Any], values: Mapping[str, str], path: str = "") -> dict[str, Any]:
    """What an event says, with what it conceals in its place; ``values`` are those by their path."""

    def at(value: Any, path: str) -> Any:
        if path in values:
            return values[path]
        if isinstance(value, dict):
            return disclosed(value, values, path)
        if isinstance(value, list):
            return [at(item, f"{path}.{place}") for place, item in enumerate(value)]
        return value

    return {name: at(value, f"{path}.{name}" if path else name) for name, value in data.items()}


def _masked(name: str, value: Any, whose: Whose) -> Any:
    if isinstance(value, dict):
        return _part(value, whose)
    if isinstance(value, list):
        return [_masked(name, item, whose) for item in value]
    if not isinstance(value, str) or value in whose.own:
        return value
    if name in STAFF_FIELDS:
        return STAFF
    if name in PERSONS:
        return ANOTHER_PERSON
    return ELSEWHERE if name not in THINGS and _is_an_id(name, value) else value


def _part(value: Mapping[str, Any], whose: Whose) -> dict[str, Any]:
    for owner in OWNERS:
        if isinstance(value.get(owner), str) and value[owner] not in whose.own:
            return {owner: ANOTHER_PERSON if owner in PERSONS else ELSEWHERE}
    return masked(value, whose)


def _is_an_id(name: str, value: str) -> bool:
    # A field that is new and not sorted in yet hides what might name somebody.
    if name.endswith(("_id", "_ids", "_by")):
        return True
    try:
        UUID(value)
    except ValueError:
        return False
    return True
