"""Who else was present in a counselling session and who interpreted, and what follows for whether somebody was heard alone."""

from collections.abc import Iterable
from typing import Final, Literal
from uuid import UUID

from shared.messages import Event

SessionType = Literal["individual", "legal_information"]
Interpreter = Literal["none", "in_person", "phone"]
# Who else was in the room, beside whoever counselled and whoever interpreted; ``alone`` is nobody.
Present = Literal[
    "alone", "spouse", "child", "guardian", "relative", "resident", "lawyer", "social_worker", "others", "not_known"
]
InterpreterKind = Literal["professional", "family", "resident", "not_known"]
AmendmentReason = Literal["misunderstood", "learnt_since", "recorded_by_mistake"]

# Who is bound to the person alone by their profession takes nobody's freedom to speak.
_LEAVES_ALONE: Final[frozenset[Present]] = frozenset({"alone", "lawyer", "social_worker"})


class SessionAmended(Event, kind="avrr.counselling.session.amended.v1"):
    """What was recorded of who was present in a held session, and of who interpreted, was set right; all of it stands here."""

    session_type: SessionType
    person_ids: tuple[UUID, ...]
    present: tuple[Present, ...]
    interpreter: Interpreter
    interpreter_kind: InterpreterKind | None
    reason: AmendmentReason


class PersonHeardAloneNoted(Event, kind="avrr.returns.person.heard_alone_noted.v1"):
    """Returns took note that a person was heard alone in that session, or that after all they were not."""

    session_id: UUID
    alone: bool


def is_heard_alone(
    session_type: SessionType, person_ids: Iterable[UUID], present: Iterable[Present], interpreter: Interpreter,
    interpreter_kind: InterpreterKind | None,
) -> bool:
    """Whether the one person of a held session was heard alone (domain reference 2.5, 4).

    Where several are named nobody was; relatives and residents neither sit beside the person nor interpret; what was not
    said counts as not so.
    """
    around = frozenset(present)
    alone = len(frozenset(person_ids)) == 1 and bool(around) and around <= _LEAVES_ALONE
    freely = interpreter == "none" or interpreter_kind == "professional"
    return session_type == "individual" and alone and freely
