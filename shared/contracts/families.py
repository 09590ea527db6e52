"""The events of returns by which a family's case is split and joined again; fields are only ever added."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.counselling import AgeGroup, Country, Sex
from shared.messages import Event, Part

# Who looks after a child that travels without an adult of its case: on the way, where it leaves and where it lands.
TravelsWith = Literal["mission_escort", "relative_escort", "airline_service"]
HandedOverBy = Literal["by_guardian", "by_guardianship_service"]
ReceivedBy = Literal["to_parent", "to_relative", "to_guardian", "to_child_protection_service"]
Supervision = TravelsWith | HandedOverBy | ReceivedBy

# What settles that a child travels without one of its parents: that parent's consent and how it was given, a paper on
# custody, or what protection decided. Which of them it is tells of the parent, or of protection.
OtherParent = Literal[
    "consent_signed", "consent_notarised", "consent_at_consulate", "consent_at_receiving_office", "custody_decision",
    "sole_custody", "death_certificate", "protection_decision",
]
# Why what was settled of the other parent does not hold, or why it is asked for though both parents seem to travel.
NotSettled = Literal["consent_withdrawn", "paper_contested", "decision_withdrawn", "not_both_parents"]

# What a family that would receive a child can provide.
Provision = Literal["good", "enough", "not_enough", "not_known"]


class GoingOn(Part):
    """One person who goes on in another case, with what of theirs may stand in clear; ``declared_by`` is who signed."""

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: Country
    declared_by: UUID | None = None
    own_plan_id: UUID | None = None
    guardian_id: UUID | None = None
    parent_ids: tuple[UUID, ...] = ()


class SplitAsked(Event, kind="avrr.returns.case.split_asked.v1"):
    """Returns asks counselling, which keeps every attempt, whether these persons can go on with a case of their own."""

    new_case_id: UUID
    principal_id: UUID
    person_ids: tuple[UUID, ...]


class JoinAsked(Event, kind="avrr.returns.case.join_asked.v1"):
    """Returns asks counselling whether everybody of this case can go on in another case of the same family."""

    into_case_id: UUID
    person_ids: tuple[UUID, ...]


class RegroupingDropped(Event, kind="avrr.returns.case.regrouping_dropped.v1"):
    """What was asked for with that other case is not done, for something stands against it by now."""

    other_case_id: UUID


class FamilySplit(Event, kind="avrr.returns.case.family_split.v1"):
    """These persons belong to a case of their own from now on, with this principal; it begins in the same transaction."""

    new_case_id: UUID
    principal_id: UUID
    person_ids: tuple[UUID, ...]


class CaseSplitOff(Event, kind="avrr.returns.case.split_off.v1"):
    """A case began for persons who belonged to another one until then, and is as far as that one was.

    What else goes along with them is stated again by the events that follow it.
    """

    case_ref: str
    from_case_id: UUID
    principal_id: UUID
    persons: tuple[GoingOn, ...]
    destination_country: Country
    counsellor_id: str
    expressed_at: datetime
    last_contact_at: datetime
    status: str
    submitted_by: str | None = None
    approved_by: str | None = None
    programme: str | None = None
    receiving_country: Country | None = None


class CaseJoined(Event, kind="avrr.returns.case.joined.v1"):
    """Everybody of this case who still travels belongs to another one from now on; this one has ended."""

    into_case_id: UUID
    person_ids: tuple[UUID, ...]


class FamilyJoined(Event, kind="avrr.returns.case.family_joined.v1"):
    """These persons belong to this case from now on. What else goes along is stated again by the events that follow."""

    from_case_id: UUID
    persons: tuple[GoingOn, ...]


class GuardianNoted(Event, kind="avrr.returns.case.guardian_noted.v1"):
    """Who is the guardian of a child and does not travel with it is on record."""

    person_id: UUID
    guardian_id: UUID


class GuardianEnded(Event, kind="avrr.returns.case.guardian_ended.v1"):
    """Somebody is not the guardian of a child any more; what they signed, answered and agreed to is asked anew."""

    person_id: UUID
    guardian_id: UUID


class AgeGroupNoted(Event, kind="avrr.returns.case.age_group_noted.v1"):
    """Somebody counts as an adult or as a child from now on, as their year of birth was corrected.

    ``deciding_ids`` are the adults and the principal of the case as it is now, none if there is no adult: then all decide.
    """

    person_id: UUID
    age_group: AgeGroup
    deciding_ids: tuple[UUID, ...]


EVENTS: tuple[type[Event], ...] = (
    SplitAsked, JoinAsked, RegroupingDropped, FamilySplit, CaseSplitOff, CaseJoined, FamilyJoined, GuardianNoted,
    GuardianEnded, AgeGroupNoted,
)
