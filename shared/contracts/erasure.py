"""What an erasure says in every service that holds something about persons: what was deleted, what is kept, until when."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from shared.messages import Event, Part

# Every service that holds something about persons. Each hears of an erasure, erases, and confirms it with an event that is
# an `Erased`; whoever joins writes its name here.
HOLDERS: Final = ("counselling", "returns", "reintegration")

ErasureGround = Literal["person_asked", "retention_over", "unlawfully_kept"]
RefusalGround = Literal["not_asked_by_the_person", "duty_to_keep", "claim_under_way", "asked_by_mistake"]
HoldReason = Literal["complaint", "court_proceedings", "audit", "investigation"]


class Deleted(Part):
    """How much of one kind was deleted: a table of what was personal, or the concealed values of events."""

    what: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,63}$")]
    count: Annotated[int, Field(ge=0)]


class Erased(Event):
    """A service has nothing personal of somebody any more, but for receipts of paid money until a day.

    ``kept`` is how many receipts stay under a key of their own until ``kept_until``; 0 and None where none do.
    """

    erased_at: datetime
    deleted: tuple[Deleted, ...]
    kept: Annotated[int, Field(ge=0)] = 0
    kept_until: date | None = None
