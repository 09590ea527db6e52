"""The one function that sees past row security: why an office sees a case or does not, and nothing else."""

from uuid import UUID

import asyncpg
import pytest

from services.returns.domain.case_ref import case_ref
from shared.db import Scope, Sql
from shared.ids import uuid7
from tests.integration.returns.mission import Mission

_LOOK_UP = Sql("SELECT * FROM status_lookup(:case_ref)")


async def looked_up(mission: Mission, reference: str, *countries: str) -> tuple[str, UUID | None]:
    async with mission.database.api.unit_of_work(Scope("staff:aylin", frozenset(countries))) as unit:
        (row,) = await unit.rows(_LOOK_UP, case_ref=reference)
    assert list(row.keys()) == ["reason", "case_id"]
    return row["reason"], row["case_id"]


async def test_each_reason_is_told_by_itself(mission: Mission) -> None:
    applied, approved = await mission.brought_to("applied"), await mission.brought_to("approved")
    left = await mission.opened()
    await mission.depart(left)
    for attempt, reason in ((applied, "not_known_abroad"), (approved, "visible"), (left, "visible")):
        assert await looked_up(mission, case_ref(attempt.id), "TR") == (reason, attempt.id)
        assert await looked_up(mission, case_ref(attempt.id), "IQ", "TR") == (reason, attempt.id)
        assert await looked_up(mission, case_ref(attempt.id), "IQ") == ("other_country", attempt.id)
        assert await looked_up(mission, case_ref(attempt.id)) == ("other_country", attempt.id)
    assert await looked_up(mission, case_ref(uuid7()), "TR") == ("unknown", None)
    assert await looked_up(mission, "", "TR") == ("unknown", None)


async def test_whoever_may_look_up_sees_no_more_than_before(mission: Mission) -> None:
    attempt = await mission.brought_to("approved")
    async with mission.database.api.unit_of_work(Scope("staff:aylin", frozenset({"IQ"}))) as unit:
        (row,) = await unit.rows(_LOOK_UP, case_ref=case_ref(attempt.id))
        assert row["case_id"] == attempt.id
        assert await unit.rows(Sql("SELECT id FROM cases")) == []


@pytest.mark.parametrize("login", ["worker", "verify"])
async def test_nobody_but_the_api_may_look_up(mission: Mission, login: str) -> None:
    connection = await asyncpg.connect(getattr(mission.database.logins, login))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT * FROM status_lookup('0000-0000-000')")
    await connection.close()
