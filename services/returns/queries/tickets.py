"""What the tickets of cases cost, for whoever answers for the money: nothing else of the case."""

import json
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, BeforeValidator

from services.returns.domain.tickets import TicketCost
from services.returns.tables import TICKETED
from shared.db import Sql

LISTED: Final = Sql(f"SELECT id, ticket_costs::text AS ticket_costs FROM cases WHERE {TICKETED} AND id > :after ORDER BY id LIMIT :limit")


def _read(stored: object) -> object:
    return json.loads(stored) if isinstance(stored, str) else stored


class TicketCostsOfCase(BaseModel):
    """What the tickets of each booking of one case cost, and what came back of it; who was to fly is nobody's business here."""

    id: UUID
    ticket_costs: Annotated[tuple[TicketCost, ...], BeforeValidator(_read)]
