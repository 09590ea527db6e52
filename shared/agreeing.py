"""Whether persons agree, at this moment, to what a call is about to tell an office abroad."""

from collections.abc import Collection
from uuid import UUID

from shared.contracts.counselling import ConsentKind, DataCategory
from shared.disclosure import Agreed, Question
from shared.http import Call


async def agreed(
    call: Call, person_ids: Collection[UUID], country: str, *categories: DataCategory, consent: ConsentKind = "transfer"
) -> Agreed | None:
    """Those of these persons who agree, now, that the office in this country is told this of them; None: no answer.

    ``consent`` is the kind of consent by which they do.
    """
    replayed = call.context.now if call.runtime.clock.mode == "replay" else None
    question = Question(country, call.origin.correlation_id, categories, replayed, consent)
    return await call.runtime.consents.agreed(person_ids, question)
