"""Gives a command as the API does, also the registration of a person, whose year of birth is sealed beside it."""

from typing import Any
from uuid import UUID

from services.counselling.birth_years import Registration
from services.counselling.domain.person import RegisterPerson
from shared.aggregate import AnyAggregate
from shared.db import UnitOfWork
from shared.handling import Handled, handle
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE

ORIGIN = Origin("test-correlation")


async def given(unit: UnitOfWork, aggregate: AnyAggregate, id: UUID, order: Command, context: Context, **more: Any) -> Handled:
    """What a command comes to, everywhere within reach."""
    if not isinstance(order, RegisterPerson):
        return await handle(unit, aggregate, id, order, context, ORIGIN, reach=EVERYWHERE, **more)
    key, born = await unit.keys.made_key(unit, id), Registration(unit.keys.index, id, order)
    await born.hashed(unit)
    handled = await handle(unit, aggregate, id, order, context, ORIGIN, reach=EVERYWHERE, apart=True, **more)
    if handled.changed:
        unit.write(*born.writes(key, handled))
    return handled
