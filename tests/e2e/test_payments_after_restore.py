"""Reintegration's database is set back behind payments: each is put before finance, and what left is not paid once more.

It has a system of its own, whose database is replaced by a copy of before. All persons are invented.
"""

import re
from collections.abc import AsyncIterator, Sequence
from functools import partial
from uuid import UUID

import pytest

from ops.after_restore import accepting, mark, payments, sources
from ops.demo_year.replay import replay_journeys
from ops.demo_year.script import Step
from ops.demo_year.year import build_year_by_hand
from ops.settings import CannotStart, OpsSettings
from ops.system import worker_url
from ops.verification import verify_system
from services.reintegration.domain.authority import GiveAuthority
from services.reintegration.domain.fund import OpenFund
from services.reintegration.domain.policies import PublishPolicy
from services.reintegration.domain.rates import RecordRate
from services.reintegration.domain.stops import SuspendGrant
from services.reintegration.domain.tranches import ConfirmPayment, ReleaseTranche
from shared.contracts.lost_payments import MoneyOutcome
from shared.ids import uuid7
from shared.topology import BY_NAME
from tests.e2e.test_after_restore import by, copied, readiness, set_back, until
from tests.running import Mission, started

pytestmark = pytest.mark.timeout(600)
SERVICE = "reintegration"
# What the system was told as it began.
ONCE = (GiveAuthority, PublishPolicy, RecordRate)
LISTED = re.compile(r"^  (?P<event>[0-9a-f-]{36}) (?P<fact>\w+) +grant (?P<grant>[0-9a-f-]{36}) tranche (?P<number>\d+): (?P<outcome>.+)$")


@pytest.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mission]:
    async with started(OpsSettings(data=tmp_path_factory.mktemp("paid") / "data")) as made:
        yield made


def some_year() -> tuple[list[Step], list[list[Step]]]:
    """The opening of funds, and two journeys of which each pays one grant at once, by one approver."""
    year = build_year_by_hand(23)
    funds = [step for journey in year if any(isinstance(step.order, OpenFund) for step in journey) for step in journey]
    paying = [
        journey for journey in year
        if sum(isinstance(step.order, ReleaseTranche) for step in journey) == sum(isinstance(step.order, ConfirmPayment) for step in journey) == 1
        and not any(step.persona == "finance-approver-2" for step in journey)
    ]  # fmt: skip
    return [step for step in funds if not isinstance(step.order, ONCE)], sorted(paying, key=len)[:2]


def before(journey: Sequence[Step], kind: type) -> list[Step]:
    return list(journey[: next(place for place, step in enumerate(journey) if isinstance(step.order, kind))])


def the(journey: Sequence[Step], kind: type) -> Step:
    return next(step for step in journey if isinstance(step.order, kind))


async def told_everywhere(mission: Mission) -> int:
    """How long reintegration's log is, once stream, archive, checkpointer and followers know all of it."""
    size = 0

    async def told() -> bool:
        nonlocal size
        ready = await readiness(mission, SERVICE)
        assert isinstance(ready["log_size"], int)
        size = ready["log_size"]
        known = await sources.in_archive(mission.settings, BY_NAME[SERVICE], 0)
        covered = await sources.signed(mission.settings, BY_NAME[SERVICE])
        taken = await sources.followed(mission.settings, BY_NAME[SERVICE])
        return known is not None and {known.size, covered, *taken.values()} == {size}

    await until(told, 120)
    return size


async def is_shut(mission: Mission, *, shut: bool) -> bool:
    return (await readiness(mission, SERVICE)).get("set_back", False) is shut


async def stream_is_whole(mission: Mission) -> bool:
    known = await sources.in_stream(mission.settings, BY_NAME[SERVICE], 0)
    return known is not None and known.size == (await readiness(mission, SERVICE))["log_size"]


async def accepted(mission: Mission) -> None:
    """Two persons accept it, and the service is open."""
    assert await accepting.accept(mission.settings, await by(mission, "chief-of-mission"), "exercise", print) is False
    assert await accepting.accept(mission.settings, await by(mission, "auditor"), None, print) is True
    await until(partial(is_shut, mission, shut=False), 120)


async def waiting(mission: Mission) -> dict[tuple[UUID, str], tuple[UUID, str]]:
    """What finance reads of each lost payment: under its grant and what the entry says, the entry and what became of it."""
    found = [LISTED.match(line) for line in await said_of(mission) if not line.startswith("restore ")]
    return {(UUID(one["grant"]), one["fact"]): (UUID(one["event"]), one["outcome"]) for one in found if one is not None}


async def said_of(mission: Mission) -> list[str]:
    """All that finance reads on the command line."""
    said: list[str] = []
    await payments.say_waiting(mission.settings, said.append)
    return said


async def set_back_whole(mission: Mission, copy: str, size: int) -> None:
    """The database is set back, and somebody knows that its log had some entries more than anybody has."""
    await set_back(mission, SERVICE, copy)
    await until(partial(is_shut, mission, shut=True), 120)
    await mark({SERVICE: worker_url(mission.settings, BY_NAME[SERVICE])}, {SERVICE: size + 5})


async def stops(mission: Mission) -> list[UUID]:
    """Which grants a lost entry had suspended, as finance reads it."""
    told = re.compile(r"^stop that was lost, to be stated again: avrr\.reintegration\.grant\.suspended\.v1 ([0-9a-f-]{36}) ")
    return [UUID(found[1]) for line in await said_of(mission) if (found := told.match(line)) is not None]


async def cannot(mission: Mission, persona: str, event_id: UUID | None, outcome: MoneyOutcome = "left") -> str:
    """Why this person may not settle an entry, or clear all of them."""
    token = await by(mission, persona)
    with pytest.raises(CannotStart) as refused:
        await (payments.clear(mission.settings, token, print) if event_id is None else payments.settle(mission.settings, token, event_id, outcome))
    return refused.value.code


async def test_after_a_restore_what_was_paid_is_settled_and_cleared_by_two_and_is_not_paid_once_more(own: Mission) -> None:
    funds, (paid, ordered) = some_year()
    give = partial(replay_journeys, own.addresses.services, own.tokens)
    await give([funds, before(paid, ReleaseTranche), before(ordered, ReleaseTranche)], "before-it", lambda *_: None)
    await own.caller.drained()
    for name in ("before_it", "before_it_too"):
        await copied(own.running, SERVICE, name)

    async def order(step: Step) -> tuple[int, str | None]:
        answer = await own.give(step.service, step.persona, step.id, step.order, step.at)
        return answer.status_code, None if answer.is_success else answer.json()["code"]

    release_paid, release_ordered, confirm = the(paid, ReleaseTranche), the(ordered, ReleaseTranche), the(paid, ConfirmPayment)
    for step in (release_paid, confirm, release_ordered):
        assert await order(step) == (200, None)
    assert (await own.give(SERVICE, "coordinator", release_ordered.id, SuspendGrant(reason="under_review"), release_ordered.at)).status_code == 200
    size = await told_everywhere(own)
    await set_back(own, SERVICE, "before_it")
    await until(partial(is_shut, own, shut=True), 120)
    key = {"Idempotency_Key": str(uuid7()), "Avrr_Now": release_paid.at.isoformat()}
    # Whoever plays a year asks again as long as a service does not answer.
    path, body = f"/v1/grants/{release_paid.id}/release-tranche", release_paid.order.model_dump(mode="json")
    refused = await own.raw("POST", SERVICE, path, release_paid.persona, body, **key)
    assert (refused.status_code, refused.json()["code"]) == (503, "restored_not_accepted")

    (losses,) = await accepting.listed(own.settings, print)
    assert (losses.service, losses.known, losses.unknown) == (SERVICE, size, 0)
    await accepted(own)

    # Each entry that tells of a payment is listed, and until two cleared them nothing is paid.
    listed = await waiting(own)
    assert listed.keys() == {(release_paid.id, "released"), (release_paid.id, "paid"), (release_ordered.id, "released")}
    assert ({outcome for _, outcome in listed.values()}, await stops(own)) == ({"not known yet"}, [release_ordered.id])
    for step in (release_paid, release_ordered):
        assert await order(step) == (409, "restore_not_cleared")

    # A second restore loses that they were listed, and they are listed again all the same.
    await until(partial(stream_is_whole, own), 120)
    await set_back_whole(own, "before_it_too", size)
    await accepted(own)
    assert (await waiting(own), await stops(own)) == (listed, [release_ordered.id])
    # That there were others nobody has any more is said, and since when.
    assert any(re.match(r"^at least \d+ entries between .+ UTC are known to nobody: bring the bank's statements", line) for line in await said_of(own))
    assert await order(release_paid) == (409, "restore_not_cleared")

    left = [listed[release_paid.id, fact][0] for fact in ("released", "paid")]
    stayed = listed[release_ordered.id, "released"][0]
    assert await cannot(own, "finance-payer", stayed) == "not_permitted"
    assert await cannot(own, "finance-reconciler", None) == "payments_unsettled"
    for event_id in left:
        await payments.settle(own.settings, await by(own, "finance-reconciler"), event_id, "left")
    await payments.settle(own.settings, await by(own, "finance-reconciler-2"), stayed, "not_left")
    assert await cannot(own, "finance-approver", None) == "not_asked"
    await payments.clear(own.settings, await by(own, "finance-reconciler"), print, without_statements=True)
    assert await order(release_ordered) == (409, "restore_not_cleared")
    await payments.clear(own.settings, await by(own, "finance-approver"), print)
    assert await waiting(own) == {}

    # What was cleared is corrected all the same, and waits for two anew.
    for outcome in ("not_left", "left"):
        await payments.settle(own.settings, await by(own, "finance-reconciler"), left[0], outcome)
        assert (await waiting(own)).keys() == listed.keys()
    for persona in ("finance-reconciler", "finance-approver"):
        await payments.clear(own.settings, await by(own, persona), print, without_statements=True)
    assert await waiting(own) == {}

    # What left is not ordered again, and what did not is, once.
    assert await order(release_paid) == (409, "paid_before_restore")
    assert await order(release_ordered) == (200, None)
    assert await order(the(ordered, ConfirmPayment)) == (200, None)
    assert (await order(release_ordered))[0] == 409
    for service in ("counselling", "returns", SERVICE):
        assert [line async for line, differs in verify_system(own.settings, service) if differs] == []
