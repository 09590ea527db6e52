"""A family that parts before it leaves, and comes together again: one goes ahead, or plans to and does not."""

from dataclasses import replace
from uuid import UUID

from ops.demo_year import script, travelling
from ops.demo_year.people import Household, moment
from ops.demo_year.script import Journey
from services.returns.domain.case_families import JoinFamily, SplitFamily


def let_go_ahead(journey: Journey, household: Household, case_id: UUID, day: int) -> tuple[Household, UUID, Household]:
    """The principal goes on with a case of their own; the answer is who that is, that case, and who follows later.

    What the principal had signed and answered for the children, whoever goes with them signs and answers two days later.
    """
    ahead_id = split(journey, household, case_id, day)
    ahead = replace(household, members=household.members[:1])
    others = replace(household, members=household.members[1:])
    # The exit is reported for each flight. That it can be says that they have parted, before which the children's part
    # would be found of a journey beside both.
    travelling.report_the_exit(journey, ahead, ahead_id, day - 1)
    script.answer_anew_for_children(journey, others, case_id, day + 2)
    # Whoever goes ahead agrees that the children follow with the other parent.
    travelling.settle_other_parent(journey, others, case_id, day)
    return ahead, ahead_id, others


def split(journey: Journey, household: Household, case_id: UUID, day: int) -> UUID:
    """The principal parts from the others; the answer is the id of the principal's own case."""
    ahead_id, principal_id = journey.dice.id(day), household.principal.person_id
    journey.give(
        moment(day, 9), household.counsellor, case_id,
        SplitFamily(new_case_id=ahead_id, person_ids=(principal_id,), principal_id=principal_id),
    )  # fmt: skip
    return ahead_id


def part_and_join(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """The principal was to go ahead, and four days later they decide to go together after all."""
    ahead_id = split(journey, household, case_id, day)
    journey.give(moment(day + 4, 9), household.counsellor, ahead_id, JoinFamily(into_case_id=case_id))
    script.answer_anew_for_children(journey, household, case_id, day + 5)
