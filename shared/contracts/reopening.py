"""How returns asks whether a closed case can be taken up again; fields are only ever added."""

from typing import Literal
from uuid import UUID

from shared.messages import Event

ReopeningReason = Literal["support_goes_on", "contact_regained", "closed_by_mistake"]


class ReopeningRequested(Event, kind="avrr.returns.case.reopening_requested.v1"):
    """Returns asks counselling, which knows of every attempt, whether a closed case can go on for all of these persons."""

    reason: ReopeningReason
    person_ids: tuple[UUID, ...]


class ReopeningRefused(Event, kind="avrr.returns.case.reopening_refused.v1"):
    """Somebody of the case wishes to return anew or was erased; it stays closed."""


EVENTS: tuple[type[Event], ...] = (ReopeningRequested, ReopeningRefused)
