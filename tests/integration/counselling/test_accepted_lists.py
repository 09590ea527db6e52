"""What follows a restore works by the entries that two persons accepted and by no others; else two accept anew."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from ops.after_restore import sources
from ops.after_restore.agreeing import refuse_what_nobody_accepted
from ops.after_restore.earlier import folder_of, kept_of_others
from ops.after_restore.listing import Losses, Lost, keep
from ops.settings import CannotStart, OpsSettings
from shared.db import SetBack
from shared.restores import AcceptRestore, ProposeAcceptance
from shared.set_back import Mark, mark, marked
from shared.topology import COUNSELLING
from tests.given import NOON
from tests.integration.counselling.desk import Desk
from tests.integration.counselling.test_lost_before import lost
from tests.integration.counselling.test_set_back import AUDITOR, CHIEF, accept


def losses(waits: Mark, entries: Sequence[Lost], also: Sequence[Lost] = ()) -> Losses:
    return Losses("counselling", waits, "0" * 64, NOON, 9, tuple(entries), (), (), {}, also=tuple(also))


async def accepted(desk: Desk, settings: OpsSettings, found: Losses) -> None:
    """Two persons accept this list, as `./avrr restored accept` lets them."""
    await keep(settings, found)
    first = ProposeAcceptance(
        kept=found.mark.kept, root=found.root, known=found.known, listed=len(found.lost), list_sha256=found.sha256, reason="exercise"
    )
    await accept(desk, found.mark.id, first, CHIEF)
    await accept(desk, found.mark.id, AcceptRestore(list_sha256=found.sha256), AUDITOR)


async def refused(desk: Desk, settings: OpsSettings, found: Losses) -> str | None:
    """Why nothing is done by these entries; None where they are those that two accepted."""
    try:
        await refuse_what_nobody_accepted(settings, desk.database.worker, found)
    except CannotStart as stands:
        # What to do is said with it.
        return stands.code if "./avrr restored mark --service counselling" in stands.sentence else stands.sentence
    return None


@pytest.fixture
def settings(tmp_path: Path) -> OpsSettings:
    return OpsSettings(data=tmp_path)


async def test_only_entries_that_two_persons_accepted_are_worked_by_however_they_are_held_by_then(desk: Desk, settings: OpsSettings) -> None:
    await desk.registered()
    waits = await mark(desk.database.worker, "counselling", 4, "operator")
    assert waits is not None
    one, two, besides = lost(1, b"one"), lost(2, b"two"), lost(1, b"another at that place")
    found = losses(waits, [one, two], [besides])
    assert await refused(desk, settings, found) == "accepted_list_gone"
    await accepted(desk, settings, found)
    assert await refused(desk, settings, found) is None

    # Who still holds which of them, and what cannot be read, changes by what is done after the acceptance.
    held_otherwise = replace(losses(waits, [besides, two], [one]), known=12, disagreeing=(1,), unreadable=(7,), unasked=("stream",))
    assert held_otherwise.sha256 != found.sha256
    assert await refused(desk, settings, held_otherwise) is None
    for other in (losses(waits, [one, two, lost(3, b"three")], [besides]), losses(waits, [one, two]), losses(waits, [])):
        assert await refused(desk, settings, other) == "accepted_other_entries"


@pytest.mark.parametrize("what", ["longer", "gone", "torn"])
async def test_a_list_that_is_not_the_accepted_one_any_more_says_so_and_how_two_accept_anew(desk: Desk, settings: OpsSettings, what: str) -> None:
    await desk.registered()
    waits = await mark(desk.database.worker, "counselling", 4, "operator")
    assert waits is not None
    found, longer = losses(waits, [lost(1, b"one")]), losses(waits, [lost(1, b"one"), lost(2, b"two")])
    await accepted(desk, settings, found)
    file = folder_of(settings, waits.id) / "counselling.json"
    match what:
        case "longer":
            await keep(settings, longer)
        case "gone":
            file.unlink()
        case _:
            file.write_bytes(file.read_bytes()[:-10])
    for one in (found, longer):
        assert await refused(desk, settings, one) == "accepted_list_gone"


async def test_marked_anew_what_two_accepted_is_accepted_by_two_again_and_nobody_is_let_in_between(desk: Desk, settings: OpsSettings) -> None:
    worker = desk.database.worker
    await desk.registered()
    first = await mark(worker, "counselling", 4, "operator")
    assert first is not None
    await accepted(desk, settings, losses(first, [lost(1, b"one")]))
    # What is found meanwhile by others changes nothing of it.
    assert (await mark(worker, "counselling", 9, "stream")) == replace(first, accepted=True)

    again = await mark(worker, "counselling", 9, "operator", anew=True)
    assert again is not None
    assert (again.kept, again.known, again.accepted) == (3, 9, False)
    assert again.id > first.id
    assert await marked(worker) == again
    with pytest.raises(SetBack):
        await desk.registered()
    # Nothing of what the first one lost was dealt with, so that it is on the second one's list.
    async with worker.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        assert list(await kept_of_others(settings, unit, COUNSELLING, again)) == [(1, b"one")]
    # Said once more before anybody accepted it, it is the same.
    assert await mark(worker, "counselling", 9, "operator", anew=True) == again
    found = losses(again, [lost(3, b"three")], [lost(1, b"one")])
    await accepted(desk, settings, found)
    assert await refused(desk, settings, found) is None
    assert await refused(desk, settings, losses(replace(again, id=UUID(int=7)), found.lost, found.also)) == "accepted_list_gone"
