"""The events of a log whose database was set back to an earlier time, alike in every service: who accepts that, and what is known to be lost."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from shared.contracts.counselling import Sha256, StaffId
from shared.messages import Event

RestoreReason = Literal["hardware_failure", "data_damaged", "wrong_change", "attack", "exercise"]
Entries = Annotated[int, Field(ge=0)]


class AcceptanceProposed(Event, kind="avrr.*.restore.acceptance_proposed.v1"):
    """The first of two persons accepts that the log goes on from where its database was set back to.

    Of ``known`` entries that somebody outside the database knows of, the first ``kept`` are there; ``root`` is the root of the
    tree over these (RFC 6962), in hexadecimal digits. ``listed`` of the others were found elsewhere, and ``list_sha256`` is the
    SHA-256 of the list of them.
    """

    kept: Entries
    root: Sha256
    known: Entries
    listed: Entries
    list_sha256: Sha256
    reason: RestoreReason
    proposed_by: StaffId
    proposed_at: datetime


class RestoreAccepted(Event, kind="avrr.*.restore.accepted.v1"):
    """The second of two persons accepts the same: what follows in this log follows the entries that were kept."""

    kept: Entries
    known: Entries
    accepted_by: StaffId
    accepted_at: datetime


EVENTS: Final[tuple[type[Event], ...]] = (AcceptanceProposed, RestoreAccepted)
