"""A counsellor's desk in tests: persons, families, sessions and wishes by commands, and the API in front of them."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from services.counselling.domain.family import RegisterFamily
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.counselling.wiring import FAMILY, PERSON, WIRING
from shared.actors import Actor
from shared.aggregate import AnyAggregate
from shared.contracts.counselling import FamilyMember, Relation, Sex, Site
from shared.handling import transact
from shared.ids import uuid7
from shared.messages import Command, Context
from shared.policy import EVERYWHERE
from shared.verify import Findings, verify
from tests.given import NOON, staff
from tests.integration.conftest import ServiceDatabase
from tests.integration.registering import given
from tests.integration.returns.api import token

ANNA = staff("anna", "counsellor")

_MILLISECONDS = itertools.count(1_680_000_000_000)


def next_id() -> UUID:
    """An id that sorts behind all that were made before, also within one millisecond."""
    return uuid7(next(_MILLISECONDS))


@dataclass(frozen=True)
class Desk:
    """Counselling with its API, and what has to have happened before somebody asks."""

    database: ServiceDatabase
    client: httpx.AsyncClient

    async def give(
        self, aggregate: AnyAggregate, id: UUID, order: Command, by: Actor = ANNA, at: datetime = NOON
    ) -> None:
        await transact(
            self.database.api, EVERYWHERE.scope(by),
            lambda unit: given(unit, aggregate, id, order, Context(by, at)),
        )  # fmt: skip

    async def registered(
        self, birth_year: int = 1990, sex: Sex = "male", country: str = "TR", site: Site = "trc_lipa", at: datetime = NOON
    ) -> UUID:
        """Somebody who is registered and has not agreed to anything yet."""
        person_id = next_id()
        order = RegisterPerson(sex=sex, birth_year=birth_year, country_of_origin=country, site=site)
        await self.give(PERSON, person_id, order, at=at)
        return person_id

    async def agreed(self, birth_year: int = 1990, sex: Sex = "male") -> UUID:
        """Somebody who is registered and agreed to the processing of their data."""
        person_id = await self.registered(birth_year, sex)
        await self.give(
            PERSON, person_id,
            GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=NOON),
        )  # fmt: skip
        return person_id

    async def family(self, principal: UUID, other: UUID, relation: Relation = "spouse") -> UUID:
        """Two persons who belong together."""
        family_id = uuid7()
        members = (
            FamilyMember(person_id=principal, relation="principal"), FamilyMember(person_id=other, relation=relation),
        )  # fmt: skip
        await self.give(FAMILY, family_id, RegisterFamily(members=members))
        return family_id

    async def get(
        self, path: str, query: Mapping[str, str], by: Actor = ANNA, at: datetime = NOON
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(by)}", "Avrr-Now": at.isoformat()}
        return await self.client.get(f"/v1/{path}", params=query, headers=headers)

    async def post(
        self, path: str, body: Mapping[str, Any], by: Actor = ANNA, key: str | None = None, at: datetime = NOON
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {token(by)}", "Avrr-Now": at.isoformat(), "Idempotency-Key": key or str(uuid7())
        }  # fmt: skip
        return await self.client.post(f"/v1/{path}", json=body, headers=headers)

    async def readings(self) -> list[Mapping[str, Any]]:
        """What the log says of every reading that is on record, in order."""
        connection = await asyncpg.connect(self.database.worker.url)
        rows: Sequence[asyncpg.Record] = await connection.fetch(
            "SELECT leaf FROM event_log WHERE type = 'avrr.counselling.access.record_read.v1' ORDER BY idx"
        )
        await connection.close()
        return [json.loads(row["leaf"])["data"] for row in rows]

    async def by_hand(self, statement: str) -> None:
        """A change that no command made."""
        connection = await asyncpg.connect(self.database.logins.migrate)
        try:
            await connection.execute("SET ROLE counselling_owner")
            await connection.execute(statement)
        finally:
            await connection.close()

    async def verified(self) -> Findings:
        return await verify(self.database.verify, "counselling", WIRING.by_name, WIRING.checks)


def ids(answer: httpx.Response) -> list[UUID]:
    """The ids of the rows that a list was answered with."""
    assert answer.status_code == 200, answer.text
    return [UUID(row["id"]) for row in answer.json()["items"]]
