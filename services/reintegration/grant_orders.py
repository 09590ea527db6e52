"""Orders on a grant as callers give them, by the version of it that each of them knows."""

from uuid import UUID

from services.reintegration import grant_told, grant_wiring
from shared.http import Call, Receipt
from shared.messages import Command


async def given(call: Call, grant_id: UUID, order: Command) -> Receipt:
    """Gives an order on a grant; who sees its money alone knows it, before and after, by what they are shown."""
    return await call.order(grant_wiring.GRANT, grant_id, order, shown_as=grant_told.shown_as(call.context.actor))
