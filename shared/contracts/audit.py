"""The events of the archive's own decisions: what somebody found out about one of its findings, and who accepted that."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from shared.contracts.counselling import StaffId
from shared.messages import Event

# Which findings nothing clears, by the archive's own kinds; what each means says `services.audit.findings`.
LastingFinding = Literal["place", "root", "note", "exception", "twice", "tail"]
# ``not_found_out`` is said by whoever looked everywhere: it is accepted like any other, and is nobody's excuse.
FindingCause = Literal[
    "database_restored", "changed_by_hand", "software_fault", "checkpointer_restored", "key_changed_late", "exercise",
    "attack_reported", "not_found_out",
]  # fmt: skip
RejectionReason = Literal["cause_not_shown", "incident_unknown", "more_to_find_out"]
IncidentReference = Annotated[
    str, Field(pattern=r"^[A-Z]{2,8}(-[0-9]{1,8}){1,2}$", description="The number under which the incident is kept, such as INC-2026-14")
]
NamedLog = Annotated[str, Field(pattern=r"^[a-z]{1,32}(\.[1-9][0-9]{0,3})?$")]
Seen = Annotated[int, Field(strict=True, ge=0, le=2**53, description="How often it had been found when that was said")]


class FindingExplained(Event, kind="avrr.audit.finding.explained.v1"):
    """Somebody looked into a finding that nothing clears, and says by what it came about.

    It is about the entries ``first`` to ``last`` of ``log``, and about the first ``sightings`` times that it was found: whatever is
    found there afterwards is not explained by this.
    """

    log: NamedLog
    finding: LastingFinding
    first: int
    last: int
    sightings: Seen
    cause: FindingCause
    incident: IncidentReference
    explained_by: StaffId
    explained_at: datetime


class FindingAccepted(Event, kind="avrr.audit.finding.accepted.v1"):
    """A second person accepts what was found out: it rings no more until it is found again, and stays in every list."""

    log: NamedLog
    finding: LastingFinding
    first: int
    last: int
    sightings: Seen
    accepted_by: StaffId
    accepted_at: datetime


class ExplanationRejected(Event, kind="avrr.audit.finding.explanation_rejected.v1"):
    """A second person does not accept what was said of a finding, so that it rings on and waits for another explanation."""

    log: NamedLog
    finding: LastingFinding
    first: int
    last: int
    reason: RejectionReason
    rejected_by: StaffId
    rejected_at: datetime


EVENTS: Final[tuple[type[Event], ...]] = (FindingExplained, FindingAccepted, ExplanationRejected)
