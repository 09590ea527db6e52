"""Some of many persons are erased in the running system: nothing of theirs is readable by anybody, nor from older copies.

By default 10 of 100; ``--erasure-persons`` says of how many a tenth is erased. All persons are invented.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import pytest

from ops.audit import verify_audit
from ops.demo_year import granting
from ops.demo_year.people import moment
from ops.identity.personas import PERSONAS
from ops.keys import rotate_keys, show_keys
from ops.log_figures.report import report_from_export
from ops.retention.nightly import Nightly, nightly
from ops.settings import CannotStart
from ops.system import epochs_folder
from ops.verification import verify_system
from services.counselling.domain.erasure import ApproveErasure, RequestErasure
from services.counselling.domain.host_status import RecordHostStatus
from services.counselling.domain.identity import FIELDS, RecordIdentity
from services.counselling.domain.identity_parts import Contact, OtherName
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.counselling.domain.session import HoldSession
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import ApproveGrant, CancelGrant, EndorseGrant
from services.reintegration.domain.person import EndKeptPapers
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
)
from services.returns.domain.case_reintegration import RequestClosing
from services.returns.domain.case_withdrawal import WithdrawCase
from shared.aggregate import AnyAggregate
from shared.blind_index import FileIndexKeys
from shared.epochs import FileEpochs, Wrapped
from shared.ids import uuid7
from shared.ledger import opened_disclosure, rows_of
from shared.messages import Command
from shared.private import PersonKey, Place, Unsealed, opened
from shared.row_keys import MARK, Opening, RowKey, is_sealed
from shared.sealed_rows import elements
from shared.statistics import Figure
from shared.topology import BY_NAME, SERVICES
from shared.wiring import Wiring
from tests.e2e.conftest import Mission
from tests.e2e.test_policy_matrix import Ground, ask, ground, request_for, shown, submitted
from tests.integration.bus.house import until
from tests.unit.ops.audit.exports import House
from tests.unit.shared.files.examples import png

AT_A_TIME: Final = 12
BORN: Final = 1987
AN_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOON: Final = moment(200, 12)
Rows = list[dict[str, Any]]
# At which place of a log something stands, which is as likely a number as anybody's year.
PLACES: Final = frozenset({"idx", "last_idx"})
Copy = Mapping[tuple[str, str], Rows]
SEALED_IN: Final = frozenset({"disclosure", "cases", "grants", "plans", "persons"})


@dataclass(frozen=True)
class Somebody:
    """A registered person, and a word that stands in each of their personal fields and nowhere else."""

    id: UUID
    word: str
    intention_id: UUID


def word(number: int) -> str:
    letters = "abcdefghij"
    return "Kanari" + "".join(letters[int(digit)] for digit in f"{number:04d}")


def identity(of: str) -> RecordIdentity:
    return RecordIdentity(
        family_name=f"{of}family", given_names=f"{of}given", given_names_own_script=f"{of}script",
        other_names=(OtherName(other_name=f"{of}other"),), birth_date=f"{BORN}-11-23", languages=("tur", "ara"),
        contacts=(Contact(kind="email", contact=f"{of}@example.org", safe=True),),
    )  # fmt: skip


async def each(persons: Sequence[Somebody], work: Callable[[Somebody], Any]) -> None:
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(somebody: Somebody) -> None:
        async with turns:
            await work(somebody)

    await asyncio.gather(*map(one, persons))


async def registered(mission: Mission, somebody: Somebody, *, withdraws: bool) -> None:
    async def give(order: Command, id: UUID = somebody.id, service: str = "counselling", hours: int = 0) -> None:
        at = NOON + timedelta(hours=hours)
        await mission.done(service, "counsellor-1", id, order, at)

    await give(RegisterPerson(sex="male", birth_year=BORN, country_of_origin="TR", site="trc_usivak"))
    await give(GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=NOON))
    await give(identity(somebody.word))
    await give(RecordHostStatus(host_status="irregular"))
    if withdraws:
        session_id = uuid7()
        held = HoldSession(
            session_type="individual", modality="in_person", site="trc_usivak", language="tur", interpreter="none", present=("not_known",),
            person_ids=(somebody.id,), held_at=NOON, topics=(), outcome="intention_expressed",
        )  # fmt: skip
        await give(held, session_id)
        wish = ExpressIntention(
            session_id=session_id, principal_id=somebody.id, person_ids=(somebody.id,), destination_country="TR"
        )
        await give(wish, somebody.intention_id, hours=1)


async def gone_home(mission: Mission) -> tuple[Ground, UUID, UUID]:
    """A mother whose case is closed, with a grant that was paid and one that was not, each with a paper."""
    at, second, papers = await ground(mission, "TR", 61), uuid7(), (uuid7(), uuid7())
    office = "receiving-office-tr"

    async def give(persona: str, id: UUID, order: Command, day: int) -> None:
        await mission.done("reintegration", persona, id, order, moment(day, 9))

    await submitted(mission, office, second, request_for(at.case_id, at.household, at.plan_id, at.lines, 1), moment(47, 9))
    for grant_id, evidence_id in zip((at.grant_id, second), papers, strict=True):
        path = f"/v1/grants/{grant_id}/evidence/{evidence_id}?kind=receipt"
        answer = await ask(mission, "reintegration", "PUT", path, await mission.tokens.token(office), png())
        assert answer.status_code == 200, answer.text
    await give(office, second, CancelGrant(reason="not_needed"), 48)
    fund_id, money = uuid7(), at.lines[0].planned
    fund = OpenFund(
        project="AVRR-1", donor="DONOR-1", granted=money, valid_from=moment(0, 0).date(), valid_until=moment(364, 0).date()
    )
    await give("manager", fund_id, fund, 48)
    await give("chief-of-mission", fund_id, ConfirmFund(change_no=1), 48)
    read = await shown(mission, at.grant_id)
    await give("coordinator", at.grant_id, EndorseGrant.model_validate(read), 49)
    approve = ApproveGrant.model_validate({**read, "fund_id": fund_id, "money": money})
    await give("finance-approver", at.grant_id, approve, 50)
    grant = (await mission.read("reintegration", "coordinator", f"/v1/grants/{at.grant_id}")).json()["state"]
    for tranche in grant["tranches"]:
        number, day = tranche["number"], 50 + 5 * tranche["number"]
        await give("finance-payer", at.grant_id, await mission.release(number, "TR"), day)
        paid = ConfirmPayment(number=number, reference=f"ERA-{at.grant_id.hex[:12]}-{number}", paid_on=moment(day, 9).date())
        await give("finance-payer", at.grant_id, paid, day)
        await give(office, at.grant_id, ConfirmDelivery(number=number), day + 1)
        await give("finance-reconciler", at.grant_id, ReconcileTranche(number=number), day + 2)
    await mission.caller.drained()
    await mission.done("returns", office, at.case_id, granting.final_report(at.case_id, 80), moment(90, 8))
    await mission.done("returns", "coordinator", at.case_id, RequestClosing(reason="completed"), moment(90, 9))
    await mission.caller.drained()
    return at, *papers


async def copied(mission: Mission) -> Copy:
    """Every row of every table of every service, as a dump has them."""
    server, found = mission.running.postgres, dict[tuple[str, str], Rows]()
    for service in SERVICES:
        connection = await asyncpg.connect(server.url_for(service.name, server.user, server.password))
        try:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in tables:
                found[service.name, table] = [dict(row) for row in await connection.fetch(f'SELECT * FROM "{table}"')]
        finally:
            await connection.close()
    return found


def says(copy: Copy, words: Sequence[str]) -> list[str]:
    """The places in which one of these words stands in clear."""
    return [
        f"{service}.{table}.{column}"
        for (service, table), rows in copy.items()
        for row in rows
        for column, value in row.items()
        for text in [value.decode("latin-1") if isinstance(value, bytes) else str(value)]
        if any(one in text for one in words)
    ]


def sealed_of(copy: Copy, ids: set[UUID]) -> list[tuple[Place, bytes]]:
    return [
        (Place("counselling", "identities", field, row["person_id"], row["person_id"], row["version"]), bytes(row[field]))
        for row in copy["counselling", "identities"]
        if UUID(bytes=row["person_id"].bytes) in ids
        for field in FIELDS
        if row.get(field) is not None
    ] + [
        (Place("counselling", "birth_years", "birth_year", row["person_id"], row["person_id"], 1), bytes(row["birth_year"]))
        for row in copy["counselling", "birth_years"]
        if UUID(bytes=row["person_id"].bytes) in ids
    ]


def in_words(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def years_of(copy: Copy, ids: set[UUID]) -> list[str]:
    """The tables in which a row about one of these persons says in clear when they were born."""
    names = set(map(str, ids))
    return [
        f"{service}.{table}"
        for (service, table), rows in copy.items()
        for row in rows
        for text in [" ".join(in_words(value) for name, value in row.items() if name not in PLACES)]
        # Four digits of an id may be those of any year by chance.
        if re.search(rf"\b{BORN}\b", AN_ID.sub("", text)) and any(name in text for name in names)
    ]


def index_of(mission: Mission) -> FileIndexKeys:
    return FileIndexKeys(epochs_folder(mission.settings, BY_NAME["counselling"]))


def keys_of(copy: Copy, service: str, ids: set[UUID]) -> list[tuple[UUID, Wrapped]]:
    found: list[tuple[UUID, Wrapped]] = []
    for row in copy[service, "person_keys"]:
        person_id, about = UUID(bytes=row["person_id"].bytes), UUID(bytes=row["about"].bytes)
        if person_id in ids:
            papers = b"" if about == person_id else about.bytes
            bound = b"avrr person key" + service.encode() + b"\0" + person_id.bytes + papers
            found.append((person_id, Wrapped(row["epoch"], bytes(row["wrapped"]), bound)))
    return found


async def opens(epochs: FileEpochs, keys: Sequence[tuple[UUID, Wrapped]], values: Sequence[tuple[Place, bytes]]) -> int:
    """How many of these values come out with any of these keys."""
    count = 0
    for person_id, wrapped in keys:
        try:
            (bare,) = await epochs.unwrap([wrapped])
        except Unsealed:
            continue
        for place, value in values:
            try:
                opened(PersonKey(person_id, bare), place, value)
            except Unsealed:
                continue
            count += 1
    return count


async def figures(mission: Mission) -> list[Any]:
    asked = "/v1/statistics?from=2023-01-01&to=2023-12-31"
    return [(await mission.read(service.name, "manager", asked)).json() for service in SERVICES]


async def counted_in_the_log(mission: Mission, folder: Path, since: Path | None = None) -> dict[str, Figure]:
    """Every figure of 2023 that the logs alone tell, taken home at this moment; they go on from what they held ``since``."""
    logs: dict[str, list[bytes]] = {}
    for name in sorted(service.name for service in SERVICES):
        answer: httpx.Response = await mission.read(name, "auditor", "/v1/events")
        logs[name] = answer.raise_for_status().content.splitlines()
    # As a demo is called, where a year is replayed.
    house = House.of("invented", "invented.localhost")
    house.export(folder / "export", logs, seen=dict.fromkeys(logs, int(datetime.now(UTC).timestamp())))
    (folder / "trusted").write_text(str(house.policy))
    earlier = [] if since is None else ["--since", str(since / "export")]
    assert verify_audit.main([str(folder / "export"), "--policy", str(folder / "trusted"), *earlier], lambda _: None) == 0
    return {figure.key: figure for figure in report_from_export(folder / "export", 2023, folder / "trusted").figures}


async def erase(mission: Mission, person_id: UUID) -> None:
    at = moment(300, 9)
    await mission.done("counselling", "data-protection", person_id, RequestErasure(ground="person_asked"), at)
    await mission.done("counselling", "chief-of-mission", person_id, ApproveErasure(), at)


async def stands(mission: Mission, person_id: UUID) -> dict[str, Any]:
    answer = await mission.read("counselling", "data-protection", f"/v1/persons/{person_id}/erasure")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()["state"]
    return state


async def readable(mission: Mission, gone: Sequence[Somebody]) -> tuple[int, int]:
    """How many answers any role gets about these persons, and how many of them tell anything personal."""
    asked = told = 0
    for name in PERSONAS:
        for somebody in gone[:3]:
            for path in ("", "/identity?purpose=casework", "/identity?all=true", "/host-status?purpose=casework", "/held", "/erasure"):
                answer: httpx.Response = await mission.read("counselling", name, f"/v1/persons/{somebody.id}{path}")
                asked += 1
                told += somebody.word in answer.text or f'"birth_year":{BORN}' in answer.text or "irregular" in answer.text
        found = await mission.read("counselling", name, f"/v1/persons?country_of_origin=TR&birth_year={BORN}&limit=100")
        asked += 1
        told += any(str(somebody.id) in found.text for somebody in gone)
    return asked, told


async def receipts_stay(mission: Mission, home: Ground, receipt: UUID, quotation: UUID) -> str:
    """What is kept is the receipt of paid money; who asks is told until when. Answers where the receipt is read."""
    kept = {one["service"]: one for one in (await stands(mission, home.mother))["erasure"]["confirmed"]}
    grant = (await mission.read("reintegration", "coordinator", f"/v1/grants/{home.grant_id}")).json()["state"]
    last_paid = max(tranche["paid_on"] for tranche in grant["tranches"])
    assert (kept["reintegration"]["kept"], kept["reintegration"]["kept_until"]) == (1, f"2033{last_paid[4:]}")
    files = {str(row["evidence_id"]) for row in (await copied(mission))["reintegration", "evidence_files"]}
    assert {str(receipt), str(quotation)} & files == {str(receipt)}
    path = f"/v1/grants/{home.grant_id}/evidence/{receipt}"
    assert (await mission.read("reintegration", "finance-reconciler", path)).status_code == 200
    return path


async def receipts_end(mission: Mission, home: Ground, path: str) -> None:
    """After their last day the nightly run ends the receipts, once, and nobody else does."""
    at = datetime(2034, 1, 2, 1, tzinfo=UTC)
    async with nightly(mission.settings) as found:
        program = Nightly(mission.client, mission.addresses.services, found.token, found.policy, found.zone, states_time=True)
        await end_them(mission, program, home, path, at)


async def end_them(mission: Mission, program: Nightly, home: Ground, path: str, at: datetime) -> None:
    (due,) = [one for one in await program.report(at) if one.kept_as == "receipts" and one.person_id == home.mother]
    assert not await program.carry_out(due, datetime.combine(due.since, time_of_day(9), UTC)), "on their last day they are kept"
    refused = await mission.refused("reintegration", "data-protection", home.mother, EndKeptPapers(), at)
    assert refused == (403, "not_permitted")
    assert await program.carry_out(due, at)
    assert home.mother not in {one.person_id for one in await program.report(at)}
    assert (await mission.read("reintegration", "finance-reconciler", path)).status_code == 404
    left = await copied(mission)
    assert not keys_of(left, "reintegration", {home.mother})
    grant_ids = {str(row["grant_id"]) for row in left["reintegration", "evidence_files"]}
    assert str(home.grant_id) not in grant_ids


def reasons_of(copy: Copy, ended_by: Copy, cases: set[UUID]) -> int:
    """How many of these withdrawn cases still have their concealed reason."""
    withdrawals = {
        str(row["id"]) for row in ended_by["returns", "event_log"]
        if row["type"] == "avrr.returns.case.withdrawn.v1" and UUID(bytes=row["subject"].bytes) in cases
    }  # fmt: skip
    assert len(withdrawals) == len(cases)
    return sum(str(row["event_id"]) in withdrawals for row in copy["returns", "disclosure"])


def needs_of(copy: Copy, person_id: UUID) -> list[str]:
    """What the person's grants and lines of plans are for, sealed or not, as far as it is still kept."""
    grants = [row for row in copy["reintegration", "grants"] if UUID(bytes=row["person_id"].bytes) == person_id]
    lines = [line for row in copy["reintegration", "plans"] for line in json.loads(row["lines"])]
    mine = [line for line in lines if line["person_id"] == str(person_id)]
    assert grants and mine
    concealed = {
        (str(row["event_id"]), row["path"]): row["value"] for row in copy["reintegration", "disclosure"]
    }  # fmt: skip
    told = [
        value
        for entry in copy["reintegration", "event_log"]
        for data in [json.loads(entry["leaf"])["data"]]
        for path, part in (("category", data), *((f"lines.{place}.category", line) for place, line in enumerate(data.get("lines", ()))))
        if part.get("person_id") == str(person_id)
        if (value := concealed.get((str(entry["id"]), path))) is not None
    ]  # fmt: skip
    kept = [row["category"] for row in grants] + [line.get("sealed", line.get("category")) for line in mine]
    return [one for one in kept if one is not None] + told


def in_clear(copy: Copy) -> list[str]:
    """Where a value stands in clear that events conceal: beside a log, or in a row."""
    found = [
        f"{service}.disclosure.{row['path']}"
        for service in [service.name for service in SERVICES]
        for row in copy[service, "disclosure"]
        if not is_sealed(row["value"]) or row["salt"]
    ]
    for service, aggregate in sealing():
        parts = rows_of(aggregate).parts
        for row in copy[service, aggregate.table.name]:
            told = {part.column: json.loads(row[part.column] or "null") if part.keys else row[part.column] for part in parts.parts}
            found += [
                f"{service}.{aggregate.table.name}.{part.column}"
                for part in parts.parts
                for one in (elements(told[part.column]) if part.keys and told[part.column] is not None else ())
                if not part.public(one) and (not is_sealed(one.get("sealed")) or set(part.keys) & set(one))
            ] + [
                f"{service}.{aggregate.table.name}.{part.column}"
                for part in parts.parts
                if not part.keys and told[part.column] is not None and not is_sealed(told[part.column])
            ]  # fmt: skip
    return found


def sealing() -> list[tuple[str, AnyAggregate]]:
    """The aggregates whose rows keep parts of them sealed."""
    wirings: list[Wiring] = [import_module(f"{service.module}.wiring").WIRING for service in SERVICES]
    return [(one.service.name, each) for one in wirings for each in one.aggregates if each.sealed]


async def rows_open(mission: Mission, copy: Copy) -> int:
    """How many values of rows, and of those beside the log, come out of a copy with the keys that wrap its own now."""
    count = 0
    openings: dict[str, Opening] = {}
    for service in [service.name for service in SERVICES]:
        epochs, keys = FileEpochs(epochs_folder(mission.settings, BY_NAME[service])), dict[str, RowKey]()
        for row in copy[service, "row_keys"]:
            bound = b"avrr row key" + service.encode() + b"\0" + row["name"].encode()
            with contextlib.suppress(Unsealed):
                (bare,) = await epochs.unwrap([Wrapped(row["epoch"], bytes(row["wrapped"]), bound)])
                keys[row["name"]] = RowKey(row["name"], bare)
        openings[service] = Opening(keys)
        for row in copy[service, "disclosure"]:
            with contextlib.suppress(Unsealed):
                opened_disclosure(service, openings[service], UUID(bytes=row["event_id"].bytes), row["path"], row["value"])
                count += 1
    for service, aggregate in sealing():
        parts = rows_of(aggregate).parts
        for row in copy[service, aggregate.table.name]:
            told = {part.column: json.loads(row[part.column] or "null") if part.keys else row[part.column] for part in parts.parts}
            with contextlib.suppress(Unsealed):
                parts.open(openings[service], UUID(bytes=row["id"].bytes), row["version"], told)
                count += json.dumps(told).count(MARK)
    return count


async def no_former_key_is_left(mission: Mission, before: Copy, mother: UUID, index_key: str) -> None:
    papers = keys_of(before, "reintegration", {mother})
    assert len(papers) == 2
    for _, wrapped in papers:
        with pytest.raises(Unsealed):
            await FileEpochs(epochs_folder(mission.settings, BY_NAME["reintegration"])).unwrap([wrapped])
    # Nor can a year be tried out by the hash under which it stood.
    with pytest.raises(Unsealed):
        await index_of(mission).hashes(index_key, [b"birth year"])


@pytest.mark.timeout(1800)
async def test_of_who_was_erased_nothing_is_readable_by_anybody_nor_from_copies_of_before(
    mission: Mission, request: pytest.FixtureRequest, tell: Callable[[str], None], tmp_path: Path
) -> None:
    many = int(request.config.getoption("--erasure-persons"))
    persons = [Somebody(uuid7(), word(number), uuid7()) for number in range(many)]
    gone, stay = persons[: many // 10], persons[many // 10 :]
    withdrawn, ids = gone[::2], {somebody.id for somebody in gone}
    began = time.monotonic()
    await each(persons, lambda one: registered(mission, one, withdraws=one in withdrawn))
    home, receipt, quotation = await gone_home(mission)
    for one in withdrawn:
        at = NOON + timedelta(hours=3)
        await mission.done("returns", "counsellor-1", one.intention_id, WithdrawCase(reason="health"), at)
    await mission.caller.drained()
    before, figures_before = await copied(mission), await figures(mission)
    logged_before = await counted_in_the_log(mission, tmp_path / "before")
    counselling, former = FileEpochs(epochs_folder(mission.settings, BY_NAME["counselling"])), await index_of(mission).current()
    values, keys = sealed_of(before, ids), keys_of(before, "counselling", ids)
    # Before, with the keys that there are, each of them opens.
    assert await opens(counselling, keys, values) == len(values) == 8 * len(gone)
    assert (years_of(before, ids), in_clear(before)) == ([], [])
    coded = await rows_open(mission, before)
    assert coded == sum(str(value).count(MARK) for one, rows in before.items() if one[1] in SEALED_IN for row in rows for value in row.values()) > 50
    made = time.monotonic() - began

    began = time.monotonic()
    await each(gone, lambda one: erase(mission, one.id))
    await erase(mission, home.mother)
    await mission.caller.drained()
    for person_id in (*ids, home.mother):
        assert (await stands(mission, person_id))["erasure"]["status"] == "completed"
    took = time.monotonic() - began
    path = await receipts_stay(mission, home, receipt, quotation)
    asked, told = await readable(mission, gone)
    after = await copied(mission)
    assert (told, says(after, [somebody.word for somebody in gone])) == (0, [])
    assert reasons_of(after, before, {one.intention_id for one in withdrawn}) == 0
    assert (len(needs_of(before, home.mother)), needs_of(after, home.mother)) == (10, [])
    # With every key that is there now, an older copy says nothing of them.
    present = keys_of(after, "counselling", {one.id for one in persons} | {home.mother})
    assert not ids & {person_id for person_id, _ in present}
    borrowed = [(person_id, wrapped) for person_id in ids for _, wrapped in present[:2]]
    by_present = await opens(counselling, borrowed, values)

    # The epoch ends: with the keys that are left, nobody's key of an older copy or of the log of that time unwraps.
    await rotate_keys(mission.settings, lambda _: None)
    assert [await rows_open(mission, copy) for copy in (before, after)] == [0, 0]
    by_left = await opens(counselling, keys, values)
    await no_former_key_is_left(mission, before, home.mother, former)
    in_the_log = sum(written_ahead(mission, wrapped.wrapped) for _, wrapped in keys)
    assert (by_present, by_left, in_the_log > 0) == (0, 0, True), "the log of that time was to be looked at too"
    assert [line for line in await show_keys(mission.settings) if line.count("epoch 1 wraps") != 0] == []

    # Everybody else is there as before, the receipt too, and the figures are the same.
    found = (await mission.read("counselling", "counsellor-1", f"/v1/persons/{stay[0].id}/identity?purpose=casework")).json()
    assert found["identity"]["family_name"] == f"{stay[0].word}family"
    assert (await mission.read("reintegration", "finance-reconciler", path)).status_code == 200
    await receipts_end(mission, home, path)
    # So is the report from the logs, which hold every proof as before.
    assert (await figures(mission), await counted_in_the_log(mission, tmp_path / "after", tmp_path / "before")) == (figures_before, logged_before)
    assert logged_before.items() <= {one["key"]: Figure.model_validate(one) for told in figures_before for one in told["figures"]}.items()
    assert [line async for line, count in verify_system(mission.settings, None) if count] == []
    tell(
        f"erasure: {len(gone)} of {many} persons and a mother with grants ({made:.0f} s to make them) erased in {took:.1f} s; "
        f"{told} of {asked} answers told anything, {by_present} of {len(values)} sealed values opened with the present keys, "
        f"{by_left} after the rotation, nor one of {coded} coded values of rows; {in_the_log} of {len(keys)} former keys found in "
        "the write-ahead log, 0 unwrapped"
    )


def written_ahead(mission: Mission, wrapped: bytes) -> bool:
    folder = mission.settings.data_folder / "postgres"
    for path in sorted(folder.glob("**/pg_wal/0*")):
        # A checkpoint meanwhile takes old files away, or gives them the names of later ones.
        with contextlib.suppress(FileNotFoundError):
            if wrapped in path.read_bytes():
                return True
    return False


async def test_no_epoch_ends_while_an_erasure_is_under_way(mission: Mission) -> None:
    """A service that is down has not erased: its keys would be wrapped anew with all others'."""
    somebody = Somebody(uuid7(), word(9999), uuid7())
    await registered(mission, somebody, withdraws=False)
    await mission.running.stop("returns")
    try:
        await erase(mission, somebody.id)
        await until(lambda: confirmed(mission, somebody.id, {"counselling", "reintegration"}))
        with pytest.raises(CannotStart) as refused:
            await rotate_keys(mission.settings, lambda _: None)
        assert refused.value.code == "erasure_under_way"
    finally:
        await mission.running.start("returns")
    await until(lambda: confirmed(mission, somebody.id, {"counselling", "reintegration", "returns"}))
    assert (await stands(mission, somebody.id))["erasure"]["status"] == "completed"


async def confirmed(mission: Mission, person_id: UUID, services: set[str]) -> bool:
    erasure = (await stands(mission, person_id))["erasure"]
    return {one["service"] for one in erasure["confirmed"]} == services
