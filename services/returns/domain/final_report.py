"""The final report on a case: what came of its support, how it stands in an event, and who is told what it says."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from shared.actors import Role
from shared.contracts.final_report import (
    Contribution,
    FinalMeeting,
    FinalReportWritten,
    FollowUp,
    PartnerFeedback,
    PlanOutcome,
)
from shared.messages import Concealed

# What support contributed to may tell of health; who books flights needs no part of it.
_SHOWN_FINDINGS: Final = frozenset({Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION})


@dataclass(frozen=True, slots=True)
class Findings:
    """What a final report says, in codes: nobody is named in it."""

    final_meeting: FinalMeeting
    met_on: date | None
    contributed_to: tuple[Contribution, ...]
    plan_outcome: PlanOutcome
    partner_feedback: PartnerFeedback
    follow_up: FollowUp


@dataclass(frozen=True, slots=True)
class FinalReport:
    """Who wrote the final report on a case, when, and what it says, until all of its persons are erased."""

    report_id: UUID
    written_by: str
    written_at: datetime
    findings: Findings | None


_ADAPTER: Final = TypeAdapter(Findings)


def written(report_id: UUID, findings: Findings, by: str, at: datetime) -> FinalReportWritten:
    """The fact that this report was written."""
    stated = Concealed.of(_ADAPTER.dump_json(findings).decode())
    return FinalReportWritten(report_id=report_id, written_by=by, written_at=at, findings=stated)


def report_in(event: FinalReportWritten) -> FinalReport:
    """The report that a fact tells of; of erased persons not what it says."""
    stated = event.findings.value
    findings = _ADAPTER.validate_json(stated) if stated is not None else None
    return FinalReport(event.report_id, event.written_by, event.written_at, findings)


def report_seen_by(report: FinalReport | None, roles: Collection[str]) -> FinalReport | None:
    """The report as members of staff with these roles are shown it: that there is one, everybody."""
    if report is None or not _SHOWN_FINDINGS.isdisjoint(roles):
        return report
    return replace(report, findings=None)
