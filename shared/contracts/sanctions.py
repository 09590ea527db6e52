"""The events of reintegration about sanctions: which lists there are, and whom of the payees they may mean. No event names anybody."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.counselling import StaffId
from shared.contracts.payees import VendorCode
from shared.messages import Concealed, Event, Part

EntryId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-/]{1,60}$")]
HowAlike = Literal["exact", "near"]
ClearingReason = Literal["another_birth_date", "another_country", "another_kind", "alike_by_chance"]


class Hit(Part):
    """An entry of a list whose name is a payee's, or nearly: which entry of which list, and how alike they are."""

    list_id: UUID
    list_name: VendorCode
    entry_id: EntryId
    how: HowAlike


class SanctionsListUploaded(Event, kind="avrr.reintegration.sanctions_list.uploaded.v1"):
    """From now on every payee is screened against this version of a list; ``sha256`` is of the file as it was brought.

    ``proposed`` says that it takes the place of the version before once a second person confirmed it, and stands beside that
    until then; one of before did so at once.
    """

    list_name: VendorCode
    list_version: VendorCode
    entries: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    uploaded_by: StaffId
    uploaded_at: datetime
    proposed: bool = False


class SanctionsListConfirmed(Event, kind="avrr.reintegration.sanctions_list.confirmed.v1"):
    """This version takes the place of the one before, of which so many entries are gone or changed; so many are new."""

    added: Annotated[int, Field(ge=0)]
    gone: Annotated[int, Field(ge=0)]
    changed: Annotated[int, Field(ge=0)]
    confirmed_by: StaffId
    confirmed_at: datetime


class SanctionsListDropped(Event, kind="avrr.reintegration.sanctions_list.dropped.v1"):
    """This version takes nobody's place, and nobody is screened against it any more."""

    dropped_by: StaffId
    dropped_at: datetime


class PayeeScreened(Event, kind="avrr.reintegration.payee.screened.v1"):
    """The names of a payee up to account ``account_no`` were held against these lists, in the version of each.

    What was found, and what persons said of it, are facts of this one type and concealed (`Finding`): that there was anything
    to be said tells that somebody resembles whom a list names. Whoever of the staff has a payee screened records one of the same
    shape, whatever comes of it, so that one more against the same lists tells nothing. Those of before said their hits in clear (``hits``), where
    nothing is written any more. ``matcher`` says by which rules names were compared, 1 in events of before.
    """

    account_no: int
    list_ids: tuple[UUID, ...]
    hits: tuple[Hit, ...]
    screened_at: datetime
    found: Concealed | None = None
    matcher: int = 1


class Finding(Part):
    """What a screening found (``screened``), or what somebody said of the hits.

    That they are to be cleared for a reason and by whose word (``clearing_asked``), or that a second person cleared them. Where
    somebody screened again and found what was known, the screening says what was asked of it too. ``more``: there were as many as
    are kept at once, so that others are looked for before anything is paid.
    """

    step: Literal["screened", "clearing_asked", "cleared"]
    hits: tuple[Hit, ...] = ()
    reason: ClearingReason | None = None
    asked_by: StaffId | None = None
    cleared_by: StaffId | None = None
    more: bool = False

    def concealed(self) -> Concealed:
        """As an event has it."""
        return Concealed.of(self.model_dump_json())


def finding_in(found: Concealed) -> Finding | None:
    """What an event conceals; None once it went with the person."""
    return Finding.model_validate_json(found.value) if found.value is not None else None


class HitClearingAsked(Event, kind="avrr.reintegration.payee.hit_clearing_asked.v1"):
    """Somebody found that the lists mean somebody else. Of before: such a step is a `PayeeScreened` now, which conceals it."""

    reason: ClearingReason
    asked_by: StaffId
    asked_at: datetime


class HitsCleared(Event, kind="avrr.reintegration.payee.hits_cleared.v1"):
    """Two persons found that these entries mean somebody else. Of before, as `HitClearingAsked`."""

    hits: tuple[Hit, ...]
    reason: ClearingReason
    asked_by: StaffId
    cleared_by: StaffId
    cleared_at: datetime


class HitsConfirmed(Event, kind="avrr.reintegration.payee.hits_confirmed.v1"):
    """A list means this payee; nothing is ever paid to it. Of before: that is a `PayeeEnded` now, which conceals why."""

    hits: tuple[Hit, ...]
    confirmed_by: StaffId
    confirmed_at: datetime


EVENTS: tuple[type[Event], ...] = (
    SanctionsListUploaded, SanctionsListConfirmed, SanctionsListDropped, PayeeScreened, HitClearingAsked, HitsCleared, HitsConfirmed
)  # fmt: skip
