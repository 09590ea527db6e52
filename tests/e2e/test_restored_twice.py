"""A database is set back into an acceptance that was not over: nothing is done by what nobody accepted, and two accept anew.

It has a system of its own, whose database is replaced by copies of before. All persons are invented.
"""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from ops.after_restore import accepting, signed_before, sources
from ops.after_restore.marking import mark
from ops.settings import CannotStart, OpsSettings
from ops.system import worker_url
from shared.ids import uuid7
from shared.topology import COUNSELLING
from tests.e2e.test_after_restore import (
    by,
    copied,
    erased,
    nothing_left_of,
    person_known,
    set_back,
    told_everywhere,
    until,
)
from tests.e2e.test_erased_after_restore import IN_THE_WAY, OUT_OF_THE_WAY, changed, is_shut
from tests.running import Mission, started

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mission]:
    async with started(OpsSettings(data=tmp_path_factory.mktemp("twice") / "data")) as made:
        yield made


async def why_not(mission: Mission, persona: str) -> CannotStart:
    with pytest.raises(CannotStart) as refused:
        await accepting.accept(mission.settings, await by(mission, persona), None, print)
    return refused.value


async def is_signed_again(mission: Mission) -> bool:
    answer = await mission.client.get(f"{mission.addresses.checkpointer}/readyz")
    return answer.status_code == 200


async def has_both_breaks(mission: Mission) -> bool:
    breaks, last = await signed_before.in_archive(mission.settings, COUNSELLING)
    return len(breaks) == 2 and last is not None


async def test_set_back_into_an_acceptance_that_was_not_over_two_persons_accept_what_was_lost_since(own: Mission) -> None:
    first, later = uuid7(), uuid7()
    for person_id in (first, later):
        await person_known(own, person_id)
    await own.caller.drained()
    await copied(own.running, "counselling", "before_it")
    await erased(own, first)
    await told_everywhere(own)
    await set_back(own, "counselling", "before_it")
    await until(partial(is_shut, own, "counselling", shut=True), 120)

    # Two accept, and something stands in the way of what follows: accepted, and not opened.
    await changed(own, IN_THE_WAY.format(id=first))
    assert await accepting.accept(own.settings, await by(own, "chief-of-mission"), "exercise", print) is False
    assert (await why_not(own, "auditor")).code == "not_erased_again"
    await changed(own, OUT_OF_THE_WAY)
    await copied(own.running, "counselling", "accepted")
    assert await accepting.accept(own.settings, await by(own, "auditor"), None, print) is True
    await until(partial(is_shut, own, "counselling", shut=False), 120)
    await nothing_left_of(own, first)

    # Work goes on for a while, and the database is set back once more: to where it was accepted and not opened.
    await erased(own, later)
    await own.caller.drained()
    size = await told_everywhere(own)
    await set_back(own, "counselling", "accepted")
    await until(partial(is_shut, own, "counselling", shut=True), 120)

    # What one person orders now is not what two accepted.
    for _ in range(2):
        stands = await why_not(own, "chief-of-mission")
        assert stands.code == "accepted_other_entries"
        assert "./avrr restored mark --service counselling" in stands.sentence
    known = await sources.in_stream(own.settings, COUNSELLING, 0)
    assert known is not None
    assert known.size == size
    assert await is_shut(own, "counselling", shut=True)

    urls = {"counselling": worker_url(own.settings, COUNSELLING)}
    found = await mark(urls, stream=partial(sources.kept_of_stream, own.settings))
    assert (found["counselling"].known, found["counselling"].accepted) == (size, False)
    (losses,) = await accepting.listed(own.settings, print)
    assert [one.idx for one in losses.lost] == list(range(losses.mark.kept, size))
    kinds = {one.envelope.subject for one in losses.entries if one.envelope.type.endswith("erasure_approved.v1")}
    assert kinds == {first, later}
    assert await accepting.accept(own.settings, await by(own, "chief-of-mission"), "exercise", print) is False
    assert (await why_not(own, "chief-of-mission")).code == "four_eyes"
    assert await accepting.accept(own.settings, await by(own, "auditor"), None, print) is True
    await until(partial(is_shut, own, "counselling", shut=False), 120)
    for person_id in (first, later):
        await nothing_left_of(own, person_id)
    await until(partial(is_signed_again, own), 120)

    # The archive has how the log went on both times, for who signs it and knows it no more; who does know it takes nothing of that.
    await until(partial(has_both_breaks, own), 120)
    said: list[str] = []
    assert await signed_before.bring(own.settings, COUNSELLING, None, said.append) is True
    assert said[:3] == [
        "counselling: break 2: not taken, another_generation", "counselling: break 3: not taken, another_generation",
        "counselling: last checkpoint: not taken, checkpoint_known",
    ]  # fmt: skip
    assert said[-1] == "counselling: signed again"
