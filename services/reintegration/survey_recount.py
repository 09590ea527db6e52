"""Counts again what every survey scores, out of the answers that are kept: the scores beside them have to be the same."""

import json
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.reintegration import survey_answers, survey_queries
from services.reintegration.domain.scoring import score
from services.reintegration.domain.surveys import scores_json
from shared.db import Sql, UnitOfWork
from shared.errors import Refusal
from shared.ids import FIRST
from shared.private import PersonKeys

_ANSWERED = Sql(
    "SELECT id, instrument, instrument_version, scheme, outcome FROM surveys WHERE id > :after ORDER BY id LIMIT :limit"
)
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Recounted:
    """How many sets of answers were counted again, and of which surveys the scores that are kept are others."""

    sets: int
    differ: tuple[UUID, ...]


async def recount(unit: UnitOfWork, keys: PersonKeys, batch: int = _BATCH) -> Recounted:
    """Counts every set of answers again, those of before a correction too; `Unsealed` if one does not stand where it was sealed.

    Sees the rows of the transaction's scope: it has to be that of somebody who may reach every country.
    """
    sets, differ, after = 0, list[UUID](), FIRST
    while True:
        rows = await unit.rows(_ANSWERED, after=after, limit=batch)
        surveys = {row["id"]: row for row in rows if row["outcome"] == "answered"}
        for one in await survey_answers.found(unit, keys, list(surveys)):
            row = surveys[one.survey_id]
            asked = await survey_queries.instrument(unit, row["instrument"], row["instrument_version"])
            try:
                again = None if asked is None else json.loads(scores_json(score(asked, row["scheme"], one.answers)))
            except Refusal:
                again = None
            sets += 1
            if again != one.scores:
                differ.append(one.survey_id)
        if len(rows) < batch:
            return Recounted(sets, tuple(differ))
        after = rows[-1]["id"]
