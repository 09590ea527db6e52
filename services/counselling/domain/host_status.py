"""How a person stays in the host country: known to few, so that an embassy or an office abroad never learns of asylum.

What is stated leaves the command only sealed, the reason with it: that a status has changed may say which it is.
"""

import json
from typing import Literal

from shared.contracts.counselling import CorrectionReason, HostStatusRecorded
from shared.errors import RuleViolation
from shared.messages import Command
from shared.unprinted import Unprinted

HostStatus = Literal[
    "irregular", "registered_intention_asylum", "asylum_seeker", "rejected", "refugee", "subsidiary",
    "temporary_protection", "residence", "visa", "unknown",
]  # fmt: skip


class RecordHostStatus(Unprinted, Command):
    """Record how the person stays in this country. Nobody outside the mission's counselling ever sees it.

    What was recorded before is kept, with who recorded it. A further status needs a reason.
    """

    host_status: HostStatus
    reason: CorrectionReason | None = None


class StatedStatus(Unprinted):
    """A status as it was stated, and why in place of the former one."""

    status: HostStatus
    reason: CorrectionReason | None


def host_status_recorded(command: RecordHostStatus, *, number: int) -> HostStatusRecorded:
    """The fact that a status was stated, as the version of this number."""
    if number > 1 and command.reason is None:
        raise RuleViolation(
            "correction_reason_missing", "Something that was recorded before is corrected. Say for which reason."
        )
    if number == 1 and command.reason is not None:
        raise RuleViolation(
            "correction_reason_unexpected", "Nothing that was recorded before is corrected. Leave the reason out."
        )
    return HostStatusRecorded(number=number)


def text_of(command: RecordHostStatus) -> str:
    """What a command states as one text, ready to be sealed."""
    return json.dumps({"status": command.host_status, "reason": command.reason})


def status_of(text: str) -> StatedStatus:
    """The status that this text says, which `text_of` made."""
    return StatedStatus.model_validate_json(text)
