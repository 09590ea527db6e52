"""The replayed year, set back to its autumn: complete to that moment, shut until two accept it, and nothing forgotten of what came after.

A few journeys of the year by default, all of it with ``--restored-year``. All persons are invented.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from ops.after_restore import accepting, payments
from ops.after_restore.listing import Losses, all_losses
from ops.backup.restoring import Restored, restore
from ops.backup.taking import take_backup
from ops.demo_year.people import moment
from ops.demo_year.replay import replay_journeys
from ops.demo_year.script import Step
from ops.demo_year.year import build_year, build_year_by_hand
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.verification import verify_system
from services.counselling.domain.erasure import ApproveErasure, RequestErasure
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.reintegration.domain.fund import OpenFund
from services.reintegration.domain.grant import ApproveGrant
from services.reintegration.domain.tranches import ConfirmPayment, ReleaseTranche
from shared.ids import uuid7
from shared.statistics import Figure
from tests.e2e.test_after_restore import by, readiness
from tests.e2e.test_backup import Rows, at_rest, clock_of, copied_until, ready, rows_of
from tests.e2e.test_demo_year import read_logs, told_by_services
from tests.integration.bus.house import until
from tests.running import Mission, started

pytestmark = pytest.mark.timeout(1800)
SEED = 7
# A base is taken on the way, and the system is set back to the first of October.
BASE, AUTUMN = moment(181, 0), moment(273, 0)
OF_REINTEGRATION = "reintegration"
ERASED = "avrr.counselling.person.erased.v1"


def quiet(_: str) -> None:
    pass


@dataclass(frozen=True)
class Year:
    """A year that was played to its end, and how everything stood in autumn."""

    whole: bool
    steps: list[list[Step]]
    data: Path
    backups: Path
    keys: Path
    noted: datetime
    rows: Rows
    logs: Mapping[str, list[bytes]]
    figures: Mapping[str, Figure]
    sizes: Mapping[str, int]
    erased: UUID


def some_or_all(*, whole: bool) -> list[list[Step]]:
    """The year as its bank pays it; or without a bank, of which few households are paid, before the moment and on both sides of it."""
    if whole:
        return build_year(SEED)
    year = build_year_by_hand(SEED)
    money = [journey for journey in year if any(isinstance(step.order, OpenFund) for step in journey)]
    paid = [journey for journey in year if any(isinstance(step.order, ConfirmPayment) for step in journey)]
    across = [journey for journey in paid if released(journey, approved_before=AUTUMN) is not None]
    others = [journey for journey in paid if journey[-1].at < AUTUMN]
    return [*money, *sorted(across, key=len)[:2], *sorted(others, key=len)[:2]]


def released(journey: Sequence[Step], approved_before: datetime) -> Step | None:
    """The first release of a journey after a moment, of a grant that was approved before it and of a tranche that was not released then."""
    approved = {step.id for step in journey if isinstance(step.order, ApproveGrant) and step.at < approved_before}
    releases = [(step, step.order.number) for step in journey if isinstance(step.order, ReleaseTranche) and step.id in approved]
    begun = {(step.id, number) for step, number in releases if step.at < approved_before}
    return next((step for step, number in releases if step.at >= approved_before and (step.id, number) not in begun), None)


def between(year: Sequence[Sequence[Step]], first: datetime, last: datetime) -> list[list[Step]]:
    parts = [[step for step in journey if first <= step.at < last] for journey in year]
    return [part for part in parts if part]


async def played(mission: Mission, year: Sequence[Sequence[Step]], first: datetime, last: datetime) -> None:
    name = f"restored-{first:%m%d}"
    await replay_journeys(mission.addresses.services, mission.tokens, between(year, first, last), name, lambda *_: None)


async def known_person(mission: Mission) -> UUID:
    """Somebody who asked for counselling, and will ask for their erasure after the autumn."""
    person_id, at = uuid7(), moment(100, 9)
    for order in (
        RegisterPerson(sex="female", birth_year=1991, country_of_origin="TR", site="trc_usivak"),
        GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=at),
        RecordIdentity(family_name="Jesenovska"),
    ):
        await mission.done("counselling", "counsellor-1", person_id, order, at)
    return person_id


async def identity(mission: Mission, person_id: UUID) -> int:
    path = f"/v1/persons/{person_id}/identity?purpose=casework"
    return (await mission.raw("GET", "counselling", path, "counsellor-1")).status_code


@pytest.fixture(scope="module")
async def year(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Year:
    place = tmp_path_factory.mktemp("year")
    settings = OpsSettings(data=place / "data", backup_dir=place / "backups", backup_keys_dir=place / "keys")
    whole = request.config.getoption("--restored-year")
    steps = some_or_all(whole=whole)
    # Nothing is opened beside what the year opens itself.
    async with started(settings, restored=True) as mission:
        await mission.caller.learn()
        await played(mission, steps, moment(0, 0), BASE)
        somebody = await known_person(mission)
        await take_backup(settings, None, None, None, quiet)
        await played(mission, steps, BASE, AUTUMN)
        logs = await read_logs(mission.addresses.services, mission.tokens)
        figures = await told_by_services(mission.addresses.services, mission.tokens)
        # Whoever read is on record as well, so that the moment is after that.
        noted, rows = await at_rest(mission)
        await played(mission, steps, AUTUMN, moment(366, 0))
        await mission.done("counselling", "data-protection", somebody, RequestErasure(ground="person_asked"), moment(366, 9))
        await mission.done("counselling", "chief-of-mission", somebody, ApproveErasure(), moment(366, 10))
        await mission.caller.drained()
        assert await identity(mission, somebody) == 404
        await copied_until(settings, await clock_of(mission))
        sizes = {name: int(str((await readiness(mission, name))["log_size"])) for name in logs}
        mission.running.kill_everything()
    return Year(whole, steps, settings.data_folder, place / "backups", place / "keys", noted, rows, logs, figures, sizes, somebody)


@pytest.fixture(scope="module")
async def back(year: Year, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Restored]:
    into = tmp_path_factory.mktemp("back") / "data"
    return into, await restore(OpsSettings(), year.backups, year.keys, into, year.noted, year.data, quiet)


async def test_the_year_set_back_to_its_autumn_is_complete_to_that_moment(
    year: Year, back: tuple[Path, Restored], tell: Callable[[str], None]
) -> None:
    into, done = back
    async with Running(OpsSettings(data=into), services=(), other_ports={}, say=quiet) as running:
        found = await rows_of(running.postgres)
    assert {name for name in year.rows.keys() | found.keys() if year.rows.get(name) != found.get(name)} == set()
    assert (done.held_to, done.held_to_by) == (year.noted, "named")
    assert done.last is not None
    # What was done by then was done before it was noted, and all of it is there.
    assert done.last <= year.noted
    kept = sum(year.rows[name, "event_log"][0] for name in year.logs)
    tell(f"year restored to autumn: {kept} of {sum(year.sizes.values())} entries kept, RPO {done.rpo_seconds:.1f} s, RTO {done.rto_seconds:.1f} s")


async def test_what_came_after_it_is_listed_done_again_and_cleared_before_anything_is_paid(
    year: Year, back: tuple[Path, Restored], tell: Callable[[str], None]
) -> None:
    async with started(OpsSettings(data=back[0]), restored=True) as mission:
        losses = {one.service: one for one in await known_of_all(mission, year)}
        logs = await read_logs(mission.addresses.services, mission.tokens)
        # Byte for byte what was there, and nobody is read or served.
        assert {name: log[: len(year.logs[name])] for name, log in logs.items()} == year.logs
        assert await identity(mission, year.erased) == 503
        for name in year.logs:
            one, kept = losses[name], year.rows[name, "event_log"][0]
            assert (one.mark.kept, one.known, one.unknown, one.disagreeing, one.unasked) == (kept, year.sizes[name], 0, (), ())
            assert [lost.idx for lost in one.lost] == list(range(kept, year.sizes[name]))
        assert ERASED in {lost.envelope.type for lost in losses["counselling"].lost}

        said: list[str] = []
        assert await accepted_by(mission, "chief-of-mission", said) is False
        assert await identity(mission, year.erased) == 503
        while not await accepted_by(mission, "auditor", said):
            # What is known of the lost may have grown meanwhile.
            await accepted_by(mission, "chief-of-mission", said)
        assert "counselling: 1 persons erased again" in said
        for url in mission.addresses.services.values():
            await until(partial(ready, mission, url), 120)
        await mission.caller.learn()
        assert await identity(mission, year.erased) == 404
        assert {key: one.value for key, one in (await told_by_services(mission.addresses.services, mission.tokens)).items()} == {
            key: one.value for key, one in year.figures.items()
        }  # fmt: skip

        journey, step = next((one, found) for one in year.steps if (found := released(one, approved_before=AUTUMN)) is not None)
        assert await mission.refused(step.service, step.persona, step.id, step.order, step.at) == (409, "restore_not_cleared")
        entries = await settle_all(mission)
        if not year.whole:
            # What else was lost of the grant is recorded again by whoever did it; what a bank paid its statement says, which nobody brings here.
            for again in (one for one in journey if one.id == step.id and AUTUMN <= one.at < step.at):
                await mission.done(again.service, again.persona, again.id, again.order, again.at)
            assert await mission.refused(step.service, step.persona, step.id, step.order, step.at) == (409, "paid_before_restore")
        await mission.caller.drained()
        for name in year.logs:
            assert [line async for line, differs in verify_system(mission.settings, name) if differs] == []
        everywhere = [line async for line, differs in verify_system(mission.settings, None) if differs]
        kinds = Counter(lost.envelope.type.split(".")[1] for one in losses.values() for lost in one.lost)
        tell(f"lost after autumn and listed: {dict(kinds)}; {entries} lost entries told of payments and were cleared by two; {len(everywhere)} lines of `avrr verify` differ")


async def known_of_all(mission: Mission, year: Year) -> list[Losses]:
    """What was lost of each log, once all who know of it were asked."""
    async with asyncio.timeout(120):
        while True:
            found = await all_losses(mission.settings)
            if not any(one.unasked for one in found) and {one.service for one in found} >= year.logs.keys():
                return found
            await asyncio.sleep(0.5)


async def accepted_by(mission: Mission, persona: str, said: list[str]) -> bool:
    return await accepting.accept(mission.settings, await by(mission, persona), "exercise", said.append)


async def settle_all(mission: Mission) -> int:
    """States as two persons of finance that all of it left, and clears it; how many entries there were."""
    told: list[str] = []
    await payments.say_waiting(mission.settings, told.append)
    entries = [UUID(line.split()[0]) for line in told if line.startswith("  ")]
    for event_id in entries:
        await payments.settle(mission.settings, await by(mission, "finance-reconciler-2"), event_id, "left")
    with pytest.raises(CannotStart):
        await payments.clear(mission.settings, await by(mission, "finance-approver"), quiet)
    for persona in ("finance-reconciler-2", "finance-approver"):
        await payments.clear(mission.settings, await by(mission, persona), quiet, without_statements=True)
    return len(entries)
