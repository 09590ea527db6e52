"""A child that goes home on its own: its guardian, the family that would receive it, what is best, and who looks after it."""

from dataclasses import replace
from uuid import UUID

from ops.demo_year.people import Household, day_of, moment
from ops.demo_year.script import Journey, hold_session, record_of
from services.counselling.domain.person import GiveConsent
from services.returns.domain.case_inquiry import AnswerFamilyAssessment, AskForFamilyAssessment
from services.returns.domain.case_screening import RecordBestInterests
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision


def find_what_is_best(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """From the day after the wish: who stands up for the child, how its family is, and what is determined on the third.

    Three consents are behind it: the guardian's, the child's own and the family's.
    """
    assert household.guardian is not None
    child, guardian = household.principal.person_id, household.guardian.person_id
    hold_session(journey, replace(household, members=(household.guardian,)), moment(day + 1, 14), "follow_up")
    inquiry_id = record_of(child, 16)
    journey.give(
        moment(day + 1, 8), "protection", case_id, RecordGuardian(person_id=child, guardian_id=guardian)
    )
    journey.give(
        moment(day + 1, 8, 30), household.counsellor, child,
        GiveConsent(
            consent="family_assessment", text_version="2023-01", language=household.language, method="signature",
            given_at=moment(day + 1, 8, 30), given_by=guardian, recipient_country=household.country,
        ),
    )  # fmt: skip
    journey.give(
        moment(day + 1, 15), "protection", case_id, AskForFamilyAssessment(inquiry_id=inquiry_id, person_id=child)
    )
    journey.give(
        moment(day + 3, 9), f"receiving-office-{household.country.lower()}", case_id,
        AnswerFamilyAssessment(
            inquiry_id=inquiry_id, assessed_on=day_of(day + 2), family_found=True, ready_to_receive=True, family_agrees=True,
            housing="enough", livelihood="enough", school="good", medical_care="enough",
        ),
    )  # fmt: skip
    journey.give(
        moment(day + 3, 14), "protection", case_id,
        RecordBestInterests(
            record_id=record_of(child, 4), person_id=child, procedure="determination", outcome="return",
            established_at=moment(day + 3, 14), agreed=("child", "family", "guardian"),
        ),
    )  # fmt: skip


def arrange_supervision(journey: Journey, household: Household, case_id: UUID, day: int, departure: int) -> None:
    """For the booked flight: somebody of the mission goes along, the guardian hands the child over, a parent receives it."""
    at = moment(day, 16)
    journey.give(
        at, "protection", case_id,
        RecordSupervision(
            person_id=household.principal.person_id, travels_with="mission_escort", handed_over_by="by_guardian",
            received_by="to_parent", arranged_at=at, valid_from=day_of(departure - 1), valid_until=day_of(departure + 3),
        ),
    )  # fmt: skip
