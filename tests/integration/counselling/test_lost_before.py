"""What lists of earlier restores kept is told by a later one, but for what the database has, and what it has dealt with."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from ops.after_restore import sources
from ops.after_restore.earlier import kept_of_accepted, kept_of_others
from ops.after_restore.erasing import _APPROVED, _given, decided_before
from ops.after_restore.listing import Losses, Lost, keep
from ops.settings import OpsSettings
from services.counselling.wiring import PERSON as OF_COUNSELLING
from shared.actors import Actor
from shared.db import Sql
from shared.ids import uuid7
from shared.messages import Command, Context
from shared.restores import AcceptRestore
from shared.set_back import Mark, mark
from shared.topology import COUNSELLING
from tests.given import NOON
from tests.integration.counselling.desk import Desk
from tests.integration.counselling.test_set_back import _LIST, _OPEN, AUDITOR, CHIEF, accept, proposed
from tests.unit.ops.test_lost_payments_told import RELEASED, entry

_LEAF = Sql("SELECT leaf FROM event_log WHERE idx = 0")


def lost(place: int, leaf: bytes) -> Lost:
    return replace(entry(place, RELEASED), leaf=leaf)


async def listed(settings: OpsSettings, id: UUID, entries: Sequence[Lost], also: Sequence[Lost] = ()) -> None:
    waits = Mark(id=id, kept=0, known=9, finder="operator", accepted=False)
    await keep(settings, Losses("counselling", waits, "00", NOON, 9, tuple(entries), (), (), {}, also=tuple(also)))


async def test_what_an_earlier_restore_lost_is_told_until_the_database_has_it_or_has_dealt_with_it(desk: Desk, tmp_path: Path) -> None:
    settings, worker = OpsSettings(data=tmp_path), desk.database.worker
    await desk.registered()
    async with worker.unit_of_work(sources.SCOPE) as unit:
        row = await unit.row(_LEAF)
        assert row is not None
        stands = bytes(row["leaf"])
    first = await mark(worker, "counselling", 3, "operator")
    assert first is not None
    other, late = replace(first, id=UUID(int=8)), replace(first, id=UUID(int=9))

    async def told() -> list[tuple[int, bytes]]:
        async with worker.unit_of_work(sources.SCOPE, snapshot=True) as unit:
            return list(await kept_of_others(settings, unit, COUNSELLING, late))

    assert await told() == []
    # What stands in the database, be it at that place, is no loss; what only looks so is.
    await listed(settings, first.id, [lost(0, stands), lost(1, b"one")], [lost(0, b"another")])
    await listed(settings, late.id, [lost(2, b"its own")])
    assert sorted(await told()) == [(0, b"another"), (1, b"one")]

    await accept(desk, first.id, proposed(1, 3), CHIEF)
    await accept(desk, first.id, AcceptRestore(list_sha256=_LIST), AUDITOR)
    assert sorted(await told()) == [(0, b"another"), (1, b"one")]
    async with worker.unit_of_work(sources.SCOPE) as unit:
        assert len(await unit.rows(_OPEN)) == 1
    assert await told() == []
    # Of another one, of which this database knows nothing, only what the opened one had not listed.
    await listed(settings, other.id, [lost(1, b"one"), lost(1, b"two")])
    assert await told() == [(1, b"two")]

    # Of what two accepted all is known also afterwards, for whoever stayed shut; of what nobody accepted nothing is.
    async with worker.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        known = await kept_of_accepted(settings, unit, COUNSELLING)
    assert sorted(known) == [(0, b"another"), (0, stands), (1, b"one")]


def test_whom_counselling_decided_to_erase_is_known_also_once_it_was_opened() -> None:
    approved = entry(1, RELEASED).envelope.model_copy(update={"type": _APPROVED})
    assert list(decided_before([], [Lost(1, b"", approved)])) == [approved.subject]


@pytest.mark.parametrize("error", [AssertionError, ValueError, AttributeError, KeyError])
async def test_whatever_stands_against_erasing_one_person_is_theirs_and_names_them(desk: Desk, error: type[Exception]) -> None:
    stuck, unknown = uuid7(), uuid7()

    async def broken() -> Command:
        raise error("of a person")

    waits = Mark(id=UUID(int=7), kept=0, known=9, finder="operator", accepted=True)
    losses = Losses("counselling", waits, "00", NOON, 9, (), (), (), {})
    orders = [(stuck, broken), (unknown, broken)]
    redone = await _given(desk.database.worker, OF_COUNSELLING, losses, Context(Actor.service("restore"), NOON), orders)
    assert (redone.erased, redone.failed) == (0, {stuck: error.__name__, unknown: error.__name__})
