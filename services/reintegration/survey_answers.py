"""Where it is kept what somebody answered and what it scores: sealed under their key, and gone with them."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from services.reintegration.domain.instruments import COMPOSITE
from shared.db import Sql, UnitOfWork, Write
from shared.handling import Handled
from shared.private import PersonKey, PersonKeys, Place, Unsealed, opened, seal

TABLE: Final = "survey_answers"

_KEEP = Sql(
    "INSERT INTO survey_answers (survey_id, answers_no, country, person_id, answered) "
    "VALUES (:survey_id, :answers_no, :country, :person_id, :answered)"
)
_FOUND = Sql(
    "SELECT survey_id, answers_no, person_id, answered FROM survey_answers WHERE survey_id = ANY (cast(:survey_ids AS uuid[])) "
    "ORDER BY survey_id, answers_no"
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What was recorded once: the option of each question by its code, and the scores as they were counted then."""

    survey_id: UUID
    answers_no: int
    answers: Mapping[str, str]
    scores: Mapping[str, Any]


def kept(
    survey_id: UUID, answers_no: int, country: str, person_id: UUID
) -> Callable[[PersonKey, Handled], Sequence[Write]]:
    """The write that keeps answers and scores, sealed, beside the event that conceals them."""

    def writes(key: PersonKey, handled: Handled) -> Sequence[Write]:
        # With the salts the person can prove that these are what the digests in the log are of.
        told = {one.path: [json.loads(one.value), one.salt] for one in handled.concealed}
        answered = seal(key, _place(survey_id, answers_no, person_id), json.dumps(told))
        values = {
            "survey_id": survey_id, "answers_no": answers_no, "country": country, "person_id": person_id, "answered": answered
        }  # fmt: skip
        return (Write(_KEEP, values),)

    return writes


async def found(unit: UnitOfWork, keys: PersonKeys, survey_ids: Sequence[UUID]) -> list[Answered]:
    """All that was ever recorded of these surveys, by statements for all of them together; nothing of who was erased.

    `Unsealed` if something does not stand where it was sealed.
    """
    rows = await unit.rows(_FOUND, survey_ids=list(survey_ids))
    of = await keys.keys_of(unit, {row["person_id"] for row in rows})
    told: list[Answered] = []
    for row in rows:
        key = of.get(row["person_id"])
        if key is None:
            raise Unsealed
        told.append(_answered(key, row["survey_id"], row["answers_no"], bytes(row["answered"])))
    return told


def without(answered: Answered, dimensions: Collection[str], items: Collection[str]) -> Answered:
    """The same without these dimensions and their questions; where there are any, without the composite of all of them."""
    if not dimensions:
        return answered
    scores = {name: value for name, value in answered.scores.items() if name != COMPOSITE}
    scores["dimensions"] = {name: score for name, score in scores["dimensions"].items() if name not in dimensions}
    answers = {item: option for item, option in answered.answers.items() if item not in items}
    return replace(answered, answers=answers, scores=scores)


def told(key: PersonKey, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was answered and what it scores, for the person themselves; `Unsealed` as for `found`."""
    answered = _answered(key, UUID(row["survey_id"]), row["answers_no"], bytes(row["answered"]))
    return {"answered": {"answers": dict(answered.answers), "scores": dict(answered.scores)}}


def _answered(key: PersonKey, survey_id: UUID, answers_no: int, answered: bytes) -> Answered:
    kept = json.loads(opened(key, _place(survey_id, answers_no, key.person_id), answered))
    return Answered(survey_id, answers_no, kept["answers"][0], kept["scores"][0])


def _place(survey_id: UUID, answers_no: int, person_id: UUID) -> Place:
    return Place("reintegration", TABLE, "answered", survey_id, person_id, answers_no)
