"""Somebody who cannot be erased again after a restore is named, and keeps shut the service in which they could be read, and no other.

It has a system of its own, whose databases are replaced by copies of before. All persons are invented.
"""

from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest

from ops.after_restore import accepting, sources
from ops.settings import CannotStart, OpsSettings
from shared.ids import uuid7
from shared.topology import BY_NAME
from tests.e2e.test_after_restore import (
    by,
    copied,
    erased,
    nothing_left_of,
    person_known,
    readiness,
    set_back,
    until,
)
from tests.running import Mission, started

pytestmark = pytest.mark.timeout(600)
IN_THE_WAY = (
    "CREATE FUNCTION stands_in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.person_id = '{id}' THEN RAISE EXCEPTION "
    "'no' USING ERRCODE = 'check_violation', CONSTRAINT = 'stands_in_the_way'; END IF; RETURN OLD; END $$; "
    "CREATE TRIGGER stands_in_the_way BEFORE DELETE ON person_keys FOR EACH ROW EXECUTE FUNCTION stands_in_the_way()"
)
OUT_OF_THE_WAY = "DROP TRIGGER stands_in_the_way ON person_keys; DROP FUNCTION stands_in_the_way()"


@pytest.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mission]:
    async with started(OpsSettings(data=tmp_path_factory.mktemp("erased") / "data")) as made:
        yield made


async def changed(mission: Mission, statement: str) -> None:
    connection = await asyncpg.connect(mission.running.postgres.url_for("counselling", mission.running.postgres.user, mission.running.postgres.password))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def is_shut(mission: Mission, service: str, *, shut: bool) -> bool:
    return (await readiness(mission, service)).get("set_back", False) is shut


async def test_who_cannot_be_erased_again_is_named_and_keeps_shut_only_what_holds_them(own: Mission) -> None:
    stuck, other = uuid7(), uuid7()
    for person_id in (stuck, other):
        await person_known(own, person_id)
    await own.caller.drained()
    for service in ("counselling", "returns"):
        await copied(own.running, service, f"{service}_before")
    for person_id in (stuck, other):
        await erased(own, person_id)
    await own.caller.drained()
    for service in ("counselling", "returns"):
        await set_back(own, service, f"{service}_before")
        await until(partial(is_shut, own, service, shut=True), 120)
    await changed(own, IN_THE_WAY.format(id=stuck))

    assert await accepting.accept(own.settings, await by(own, "chief-of-mission"), "exercise", print) is False
    with pytest.raises(CannotStart) as refused:
        await accepting.accept(own.settings, await by(own, "auditor"), None, print)
    assert refused.value.code == "not_erased_again"
    assert refused.value.sentence.startswith("counselling stays shut")
    assert f"{stuck} (stands_in_the_way)" in refused.value.sentence
    assert str(other) not in refused.value.sentence
    await nothing_left_of(own, other)
    await until(partial(is_shut, own, "returns", shut=False), 120)
    # Who is let in follows what counselling's log has now, and takes nothing of what it lost.
    assert await sources.in_stream(own.settings, BY_NAME["counselling"], 0) == sources.Known(0, {})
    for _ in range(2):
        assert await is_shut(own, "counselling", shut=True)
        answer = await own.raw("GET", "counselling", f"/v1/persons/{stuck}/identity?purpose=casework", "coordinator")
        assert (answer.status_code, answer.json()["code"]) == (503, "restored_not_accepted")
        # Whoever gives the command again, be it one person, is told the same.
        with pytest.raises(CannotStart) as refused:
            await accepting.accept(own.settings, await by(own, "auditor"), None, print)
        assert refused.value.code == "not_erased_again"

    await changed(own, OUT_OF_THE_WAY)
    assert await accepting.accept(own.settings, await by(own, "auditor"), None, print) is True
    await until(partial(is_shut, own, "counselling", shut=False), 120)
    await nothing_left_of(own, stuck)
