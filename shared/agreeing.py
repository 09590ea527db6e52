"""What a call asks of counselling's register at this moment: whether persons agree to be told of, and who is an adult."""

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


async def is_adult(call: Call, person_id: UUID) -> bool | None:
    """Whether this is, now, a registered adult who was not erased; None: no answer."""
    replayed = call.context.now if call.runtime.clock.mode == "replay" else None
    return await call.runtime.consents.is_adult(person_id, call.origin.correlation_id, replayed)
