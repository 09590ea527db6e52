"""People reached outside reception centres, of whom only a count is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.contracts.counselling import Language, OutreachHeld, Place
from shared.decider import Decider, Events, NoFacts, opening
from shared.messages import Command, Context, Event
from shared.moments import Moment, refuse_future

Contacts = Annotated[int, Field(strict=True, ge=1, le=10_000)]


@dataclass(frozen=True, slots=True)
class Outreach:
    """One visit to one location; ``contacts`` counts talks, not distinct persons."""

    location: str
    municipality: str
    language: str
    held_at: datetime
    contacts: int


class RecordOutreach(Command):
    """Record how many people were reached at a place outside reception centres. Nobody is named."""

    location: Place
    municipality: Place
    language: Language
    held_at: Moment
    contacts: Contacts


def _record(command: RecordOutreach, _: NoFacts, context: Context) -> Events:
    refuse_future(command.held_at, context)
    return (
        OutreachHeld(
            location=command.location,
            municipality=command.municipality,
            language=command.language,
            held_at=command.held_at,
            contacts=command.contacts,
        ),
    )


def evolve(state: Outreach | None, event: Event) -> Outreach:
    """The outreach after one fact; TypeError for a fact that is none of its own or comes out of turn."""
    match event:
        case OutreachHeld() if state is None:
            return Outreach(
                location=event.location,
                municipality=event.municipality,
                language=event.language,
                held_at=event.held_at,
                contacts=event.contacts,
            )
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to an outreach here")


OUTREACH: Decider[Outreach, NoFacts] = Decider(
    rules=(opening(RecordOutreach, "Record outreach", _record),),
    evolve=evolve,
    events=(OutreachHeld,),
)
