"""The final report on a case, which is written before the case is closed."""

from typing import Annotated

from pydantic import AfterValidator, Field

from services.returns.domain.case_guards import also_on_hold
from services.returns.domain.case_state import FOLLOWING_GRANTS, Case, CaseFacts
from services.returns.domain.days import home_day
from services.returns.domain.final_report import Findings, written
from services.returns.domain.given_fields import ValidDay
from shared.contracts.final_report import (
    Contribution,
    FinalMeeting,
    FollowUp,
    PartnerFeedback,
    PlanOutcome,
)
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.new_ids import NewId


def _in_order(named: tuple[Contribution, ...]) -> tuple[Contribution, ...]:
    if len(set(named)) != len(named):
        raise ValueError("each may be named once")
    return tuple(sorted(named))


Contributions = Annotated[
    tuple[Contribution, ...],
    Field(
        min_length=1, max_length=7, json_schema_extra={"uniqueItems": True},
        description="What the support contributed to, or nothing.",
    ),
    AfterValidator(_in_order),
]  # fmt: skip


class WriteFinalReport(Command):
    """Write the final report on the case: the last meeting, what came of plan and support, and what the partner says.

    It takes the place of an earlier one. Without one no case is closed.
    """

    report_id: NewId
    final_meeting: FinalMeeting
    met_on: Annotated[ValidDay | None, Field(description="The day of the meeting, if there was one.")] = None
    contributed_to: Contributions
    plan_outcome: PlanOutcome
    partner_feedback: PartnerFeedback
    follow_up: Annotated[FollowUp, Field(description="The survey on reintegration, or why there is none.")]


def _write(case: Case, order: WriteFinalReport, _: CaseFacts, context: Context) -> Events:
    if (order.met_on is None) != (order.final_meeting == "not_held"):
        raise RuleViolation("meeting_without_day", "A meeting that was held has a day, and one that was not has none.")
    if order.met_on is not None and order.met_on > home_day(context.now):
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")
    if "nothing" in order.contributed_to and len(order.contributed_to) > 1:
        raise RuleViolation("contributions_do_not_fit", "Support that contributed to something did not contribute to nothing.")
    findings = Findings(
        order.final_meeting, order.met_on, order.contributed_to, order.plan_outcome, order.partner_feedback,
        order.follow_up,
    )  # fmt: skip
    if case.final_report is not None and case.final_report.report_id == order.report_id:
        if case.final_report.findings == findings:
            return ()
        raise RuleViolation("report_id_taken", "Another report was recorded under this id. Write this under a new id.")
    return (written(order.report_id, findings, context.actor.person_id, context.now),)


def a_final_report_is_there(case: Case, _: CaseFacts, __: Context) -> None:
    """A case is closed with a final report: ``final_report_missing``."""
    if case.final_report is None:
        raise RuleViolation(
            "final_report_missing",
            "There is no final report on this case yet. The receiving office, the counsellor or a coordinator can write it.",
        )


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(WriteFinalReport, "Write the final report", _write, also_on_hold("arrived", *FOLLOWING_GRANTS)),
)
