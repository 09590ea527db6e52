"""A session that informed a group, of whom only counts are kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.counselling.domain.command_fields import Topics
from shared.contracts.counselling import GroupSessionHeld, Language, Site, Topic
from shared.decider import Decider, Events, NoFacts, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Moment, refuse_future

Participants = Annotated[int, Field(strict=True, ge=1, le=1000)]
Share = Annotated[int, Field(strict=True, ge=0, le=1000)]


@dataclass(frozen=True, slots=True)
class GroupSession:
    """A group session that was held; ``female`` and ``male`` need not make up all ``participants``."""

    site: Site
    language: str
    held_at: datetime
    participants: int
    female: int
    male: int
    children: int
    topics: tuple[Topic, ...] = ()


class RecordGroupSession(Command):
    """Record that a group was informed, and how many took part. Nobody is named."""

    site: Site
    language: Language
    held_at: Moment
    topics: Topics = ()
    participants: Participants
    female: Share
    male: Share
    children: Share


def _record(command: RecordGroupSession, _: NoFacts, context: Context) -> Events:
    refuse_future(command.held_at, context)
    # Sex may be other or not stated, so the two shares are a lower bound; children are of any sex.
    if command.female + command.male > command.participants or command.children > command.participants:
        raise RuleViolation(
            "counts_do_not_add_up",
            "Women and men together, or children, are more than all who took part. Check the counts.",
        )
    return (
        GroupSessionHeld(
            site=command.site,
            language=command.language,
            held_at=command.held_at,
            topics=command.topics,
            participants=command.participants,
            female=command.female,
            male=command.male,
            children=command.children,
        ),
    )


def evolve(state: GroupSession | None, event: Event) -> GroupSession:
    """The group session after one fact; TypeError for a fact that is none of its own or comes out of turn."""
    match event:
        case GroupSessionHeld() if state is None:
            return GroupSession(
                site=event.site,
                language=event.language,
                held_at=event.held_at,
                participants=event.participants,
                female=event.female,
                male=event.male,
                children=event.children,
                topics=event.topics,
            )
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to a group session here")


GROUP_SESSION: Decider[GroupSession, NoFacts] = Decider(
    rules=(opening(RecordGroupSession, "Record a group session", _record),),
    evolve=evolve,
    events=(GroupSessionHeld,),
)
