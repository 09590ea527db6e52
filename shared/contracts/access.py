"""The events of access, alike in every service: who was refused what, who read what, what an outsider was told."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.counselling import Country, Sha256
from shared.messages import Event, Part

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Purpose = Literal["reception", "reintegration", "follow_up"]
# Why somebody has it unmasked who a person is.
UnmaskingPurpose = Literal["casework", "travel_document", "medical", "correction"]
# These two nobody chooses: whoever counsels a person sees the names without being asked why, and what is collected for
# the person is read for nothing else.
ReadingPurpose = UnmaskingPurpose | Literal["counselling", "access_request"]
StatusReason = Literal[
    "told", "unknown", "other_country", "not_known_abroad", "not_consented", "consent_unanswered", "ended"
]


class Told(Part):
    """What somebody outside was told of one case."""

    case_id: UUID
    country: Country
    status: Code


class AccessRefused(Event, kind="avrr.*.access.refused.v1"):
    """Somebody asked for something that is not theirs to do or to see; repeats within a minute are only counted."""

    actor_id: str
    operation: Code
    code: Code
    about: UUID | None


class RefusalsCounted(Event, kind="avrr.*.access.refusals_counted.v1"):
    """How often the refusal that this follows was repeated in its minute, and when last."""

    actor_id: str
    repeats: Annotated[int, Field(ge=1)]
    last_at: datetime


class RecordRead(Event, kind="avrr.*.access.record_read.v1"):
    """Somebody was shown personal data, or took an export; ``shown`` is what a search came upon.

    ``purpose`` is what it was unmasked for; None where it stayed masked, or where nothing is masked.
    """

    actor_id: str
    operation: Code
    about: UUID | None
    shown: tuple[UUID, ...] = ()
    purpose: ReadingPurpose | None = None


class ExportTaken(Event, kind="avrr.*.access.export_taken.v1"):
    """Somebody began to take logs home, whole and with their proofs; the tables of it are of this period."""

    actor_id: str
    operation: Code
    logs: tuple[Code, ...]
    since: datetime
    until: datetime


class EntriesRead(Event, kind="avrr.*.access.entries_read.v1"):
    """Somebody was handed archived entries whole, as a bundle of their log; ``shown`` are persons whom these name.

    Where they name more than one record holds, several tell of one reading.
    """

    actor_id: str
    operation: Code
    log: Annotated[str, Field(pattern=r"^[a-z]{1,32}(\.[1-9][0-9]{0,3})?$")]
    first: Annotated[int, Field(ge=0)]
    entries: Annotated[int, Field(ge=1)]
    shown: tuple[UUID, ...]
    tail: Annotated[int, Field(ge=1)] | None = None


class VoucherOpened(Event, kind="avrr.*.access.voucher_opened.v1"):
    """An auditor opened one paper of a grant of a sample that two persons had opened to them; ``about`` is the paper, ``sha256`` its file's."""

    actor_id: str
    operation: Code
    sample_id: UUID
    grant_id: UUID
    about: UUID
    sha256: Sha256


class StatusAsked(Event, kind="avrr.*.access.status_asked.v1"):
    """Somebody outside asked where cases stand: what they were told, or the true reason why nothing."""

    actor_id: str
    operation: Code
    purpose: Purpose | None
    reason: StatusReason
    about: UUID | None
    told: tuple[Told, ...]
    asked_at: datetime


EVENTS: tuple[type[Event], ...] = (AccessRefused, RefusalsCounted, RecordRead, StatusAsked, ExportTaken, VoucherOpened, EntriesRead)
