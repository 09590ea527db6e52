"""The events of reintegration about spot checks: which deliveries were drawn, out of which and by which seed, and what was found."""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.counselling import Country, Sha256, StaffId
from shared.contracts.surveys import SurveyMode
from shared.messages import Event, Part

# What a draw names has to fit into one event.
MOST_DRAWN: Final = 200
Size = Annotated[int, Field(strict=True, ge=1, le=MOST_DRAWN)]
Seed = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="32 bytes in hex")]
SpotCheckOutcome = Literal["confirmed", "differs", "not_found", "beneficiary_unreachable"]


class DrawnDelivery(Part):
    """A tranche whose delivery was confirmed, in the country of the office that confirmed it."""

    grant_id: UUID
    number: int
    country: Country


class SpotCheckDrawn(Event, kind="avrr.reintegration.spot_check_draw.drawn.v1"):
    """Some of the deliveries that were confirmed on these days, both counted, are looked at on the spot.

    Each delivery is ``<grant_id>/<number>``. ``population_hash`` is the SHA-256 of all of them in their order, one a line
    without an end of the last; drawn are the ``size`` of which SHA-256(seed ‖ delivery) is smallest, or all there are, in the order of that.
    """

    from_day: date
    to_day: date
    size: Size
    population: Annotated[int, Field(ge=1)]
    population_hash: Sha256
    seed: Seed
    drawn: tuple[DrawnDelivery, ...]
    drawn_by: StaffId
    drawn_at: datetime


class SpotCheckRecorded(Event, kind="avrr.reintegration.spot_check.recorded.v1"):
    """Somebody who had no part in delivery, payment or reconciliation looked at one delivery that was drawn."""

    draw_id: UUID
    grant_id: UUID
    number: int
    country: Country
    outcome: SpotCheckOutcome
    mode: SurveyMode
    checked_on: date
    recorded_by: StaffId
    recorded_at: datetime


EVENTS: tuple[type[Event], ...] = (SpotCheckDrawn, SpotCheckRecorded)
