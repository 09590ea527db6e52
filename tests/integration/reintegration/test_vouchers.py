"""Sealed vouchers as callers, the log and the database meet them: drawn again by anybody, opened to one for 14 days, each opening on record."""

import asyncio
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.settings import PROJECT
from services.reintegration.domain import vouchers
from services.reintegration.domain.person import EndKeptPapers
from services.reintegration.wiring import PERSON
from shared.actors import Actor
from shared.db import Sql
from shared.files.cleaning import cleaned
from shared.ids import uuid7
from shared.tlog.tiles import bundled
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_erasure import erase
from tests.integration.reintegration.test_evidence import PHOTO, file, filed
from tests.integration.reintegration.test_payees import code
from tests.unit.reintegration.examples import APPROVER, COUNSELLOR, ENDORSER, PAYER, REQUESTER
from tests.unit.shared.files.examples import pdf

people = people_of
_LOG = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log ORDER BY idx")
LATER = NOON + timedelta(days=1)
SEED = "a0b1c2d3e4f50617"
DAYS = {"from_day": "2023-05-01", "to_day": "2023-05-02", "size": 2, "seed": SEED}
CLOCK = Actor.service("retention")


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty paid grants for each of these take minutes; from how many is drawn, the core's own tests say."""
    monkeypatch.setattr(vouchers, "FEWEST", 1)
    monkeypatch.setattr(vouchers, "TIMES_THE_SIZE", 1)


@dataclass(frozen=True)
class Sample:
    """A sample that was drawn, and each of its grants with the paper that was filed for it."""

    id: UUID
    papers: dict[str, UUID]

    @property
    def path(self) -> str:
        return f"voucher-samples/{self.id}"

    def vouchers(self) -> list[str]:
        return [f"{self.path}/grants/{grant}/vouchers/{paper}" for grant, paper in self.papers.items()]


async def paid(house: House, people: People, how_many: int) -> dict[UUID, UUID]:
    """Grants of which money was paid, each with a receipt; and one more that was only approved."""
    fund_id, found = await house.fund(), {}
    for number in range(how_many + 1):
        line = await house.line()
        grant_id = await house.approved(line.request("100.00"), fund_id)
        if number < how_many:
            found[grant_id] = await filed(people, grant_id)
            await house.paid(grant_id, 1)
    return found


async def asked(people: People, **changed: Any) -> UUID:
    sample_id = uuid7()
    answer = await people.auditor.at(LATER).post(f"voucher-samples/{sample_id}", {**DAYS, **changed})
    assert answer.status_code == 201, answer.text
    return sample_id


async def give(caller: Caller, sample: Sample, verb: str, at: datetime = LATER) -> None:
    answer = await caller.at(at).post(f"{sample.path}/{verb}", {})
    assert answer.status_code == 200, answer.text


async def drawn(house: House, people: People, how_many: int = 3, **changed: Any) -> Sample:
    papers = await paid(house, people, how_many)
    sample = Sample(await asked(people, **changed), {})
    await give(people.auditor, sample, "draw")
    found = (await people.auditor.get(sample.path)).json()["state"]["drawn"]
    return Sample(sample.id, {one["grant_id"]: papers[UUID(one["grant_id"])] for one in found})


async def opened(house: House, people: People, how_many: int = 3, **changed: Any) -> Sample:
    sample = await drawn(house, people, how_many, **changed)
    await give(people.manager, sample, "offer")
    await give(people.protector, sample, "release")
    return sample


async def log(house: House) -> list[dict[str, Any]]:
    return [json.loads(row["leaf"]) for row in await house.rows(_LOG)]  # type: ignore[arg-type]


async def of(house: House, kind: str) -> list[dict[str, Any]]:
    return [leaf["data"] for leaf in await log(house) if leaf["type"].endswith(kind)]


async def test_anybody_draws_the_sample_again_out_of_the_log_alone(house: House, people: People) -> None:
    sample = await drawn(house, people, 5)
    leaves = await log(house)
    kinds = [leaf["type"] for leaf in leaves]
    place = kinds.index("avrr.reintegration.voucher_sample.drawn.v1")
    asking, event = (leaves[kinds.index(f"avrr.reintegration.voucher_sample.{kind}.v1")]["data"] for kind in ("asked", "drawn"))
    assert kinds.index("avrr.reintegration.voucher_sample.asked.v1") < place
    listed = sorted(
        {
            leaf["subject"]
            for leaf in leaves[:place]
            if leaf["type"] == "avrr.reintegration.grant.payment_confirmed.v1"
            and asking["from_day"] <= leaf["data"]["paid_on"] <= asking["to_day"]
        }
    )
    assert (event["population"], event["population_hash"]) == (5, hashlib.sha256("\n".join(listed).encode()).hexdigest())
    key = f"{asking['seed']}:{asking['counterseed']}"
    again = sorted(listed, key=lambda id: hashlib.sha256(f"{key}:{id}".encode()).digest())[: asking["size"]]
    assert [one["grant_id"] for one in event["drawn"]] == again == list(sample.papers)
    assert (await house.findings()).differences == []


async def test_the_program_in_the_docs_draws_again_out_of_an_export(house: House, people: People, tmp_path: Path) -> None:
    await drawn(house, people, 5)
    program = (PROJECT / "docs" / "audit.md").read_text(encoding="utf-8").split("```python\n")[2].partition("```")[0]
    entries = [json.dumps(leaf).encode() for leaf in await log(house)]
    folder = tmp_path / "tile" / "entries"
    folder.mkdir(parents=True)

    async def said(entries: Sequence[bytes]) -> tuple[int | None, str]:
        (folder / "000").write_bytes(bundled(entries))
        run = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path), stdout=asyncio.subprocess.PIPE)
        output, _ = await run.communicate()
        return run.returncode, output.decode()

    ended, output = await said(entries)
    assert (ended, " 2 of 5 as drawn" in output) == (0, True)
    # One that was paid is left out of what was drawn from.
    payments = [entry for entry in entries if b".payment_confirmed." in entry]
    ended, output = await said([entry for entry in entries if entry != payments[0]])
    assert (ended, "NOT as drawn" in output) == (1, True)


async def test_each_voucher_that_is_opened_is_on_record_with_the_hash_of_its_file(house: House, people: People) -> None:
    sample = await opened(house, people)
    listed = (await people.auditor.at(LATER).get(f"{sample.path}/vouchers")).json()
    assert {(one["grant_id"], one["evidence_id"], one["kind"], one["gone"]) for one in listed} == {
        (grant, str(paper), "receipt", False) for grant, paper in sample.papers.items()
    }
    clean = await cleaned(PHOTO, "image/jpeg")
    for path in sample.vouchers():
        answer = await people.auditor.at(LATER).get(path)
        assert (answer.status_code, answer.content) == (200, clean.content)
        assert answer.headers["content-disposition"].startswith('attachment; filename="receipt-')
        assert answer.headers["cache-control"] == "no-store"
    assert await of(house, "access.voucher_opened.v1") == [
        {
            "actor_id": "staff:auditor", "operation": "open_voucher", "sample_id": str(sample.id), "grant_id": grant, "about": str(paper),
            "sha256": clean.sha256,
        }
        for grant, paper in sample.papers.items()
    ]  # fmt: skip
    (reading,) = [one for one in await of(house, "access.record_read.v1") if one["operation"] == "list_vouchers"]
    assert set(reading["shown"]) == set(sample.papers)
    assert (await house.findings()).differences == []


async def test_nobody_but_the_auditor_who_asked_opens_anything(house: House, people: People) -> None:
    sample = await opened(house, people)
    (path, *_) = sample.vouchers()
    for nobody in (people.manager, people.protector, people.chief, people.payer, people.coordinator, people.office):
        assert (await nobody.at(LATER).get(path)).status_code == 403
    colleague = Caller(people.auditor._client, "auditor-2", ["auditor"], ["BA"]).at(LATER)
    for asked_for in (path, f"{sample.path}/vouchers"):
        assert await code(await colleague.get(asked_for)) == "vouchers_not_yours"
    refused = [(one["operation"], one["code"], one["about"]) for one in await of(house, "access.refused.v1")]
    assert ("open_voucher", "vouchers_not_yours", str(sample.id)) in refused
    # The auditor gains these papers, by this way, and nothing else.
    grant_id = next(iter(sample.papers))
    for closed in (f"grants/{grant_id}", f"grants/{grant_id}/evidence", f"grants/{grant_id}/evidence/{sample.papers[grant_id]}"):
        assert (await people.auditor.at(LATER).get(closed)).status_code == 403
    assert await of(house, "access.voucher_opened.v1") == []


async def test_what_is_not_of_the_sample_is_not_there(house: House, people: People) -> None:
    sample = await opened(house, people)
    line = await house.line()
    other = await house.approved(line.request("100.00"), await house.fund())
    paper = await filed(people, other)
    mine = next(iter(sample.papers))
    for path in (
        f"{sample.path}/grants/{other}/vouchers/{paper}", f"{sample.path}/grants/{mine}/vouchers/{paper}",
        f"voucher-samples/{uuid7()}/grants/{mine}/vouchers/{sample.papers[mine]}",
    ):  # fmt: skip
        assert (await people.auditor.at(LATER).get(path)).status_code == 404


async def test_it_ends_by_itself_after_14_days_and_at_once_by_one_person(house: House, people: People) -> None:
    sample = await opened(house, people)
    (path, *_) = sample.vouchers()
    over = LATER + timedelta(days=14)
    assert (await people.auditor.at(over - timedelta(seconds=1)).get(path)).status_code == 200
    assert await code(await people.auditor.at(over).get(path)) == "vouchers_closed"
    assert await code(await people.auditor.at(over).get(f"{sample.path}/vouchers")) == "vouchers_closed"
    # Two persons open the same sample again; one ends it.
    await give(people.protector, sample, "offer", over)
    assert await code(await people.auditor.at(over).get(path)) == "vouchers_closed"
    await give(people.manager, sample, "release", over)
    assert (await people.auditor.at(over).get(path)).status_code == 200
    await give(people.chief, sample, "withdraw", over)
    assert await code(await people.auditor.at(over).get(path)) == "vouchers_closed"
    assert (await house.findings()).differences == []


async def test_the_same_person_twice_or_somebody_with_a_part_opens_nothing(house: House, people: People) -> None:
    sample = await drawn(house, people)
    both = Caller(people.auditor._client, "auditor", ["auditor", "manager"], ["BA"])
    # The same persons who approved and paid, in another role as well.
    for name in (*(one.person_id for one in (APPROVER, PAYER, ENDORSER, REQUESTER, COUNSELLOR)), "staff:office-pk"):
        had_a_part = Caller(people.auditor._client, name.removeprefix("staff:"), ["manager"], ["BA"])
        assert await code(await had_a_part.at(LATER).post(f"{sample.path}/offer", {})) == "four_eyes", name
    assert await code(await both.at(LATER).post(f"{sample.path}/offer", {})) == "four_eyes"
    await give(people.manager, sample, "offer")
    for nobody in (people.manager, both):
        assert await code(await nobody.at(LATER).post(f"{sample.path}/release", {})) == "four_eyes"
    for nobody in (people.auditor, people.payer, people.approver, people.reconciler, people.counsellor, people.office, people.administrator):
        for verb in ("offer", "release", "withdraw"):
            assert (await nobody.at(LATER).post(f"{sample.path}/{verb}", {})).status_code == 403
    assert await code(await people.auditor.at(LATER).get(f"{sample.path}/vouchers")) == "vouchers_closed"
    refused = {(one["operation"], one["code"]) for one in await of(house, "access.refused.v1")}
    assert {("offer_vouchers", "four_eyes"), ("release_vouchers", "four_eyes")} <= refused


async def test_two_who_agree_at_the_same_moment_are_one_and_then_the_other(house: House, people: People) -> None:
    sample = await drawn(house, people)
    answers = await asyncio.gather(
        *(by.at(LATER).post(f"{sample.path}/offer", {}) for by in (people.manager, people.protector, people.chief))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_of_days_asked_for_at_the_same_moment_one_asking_counts(house: House, people: People) -> None:
    orders = ({**DAYS, "from_day": f"2023-04-{day:02}"} for day in range(1, 9))
    answers = await asyncio.gather(*(people.auditor.at(LATER).post(f"voucher-samples/{uuid7()}", order) for order in orders))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


async def test_nobody_asks_for_the_same_days_twice_or_draws_for_another(house: House, people: People) -> None:
    await paid(house, people, 1)
    sample_id = await asked(people)
    wider = {**DAYS, "from_day": "2023-04-01"}
    assert await code(await people.auditor.at(LATER).post(f"voucher-samples/{uuid7()}", wider)) == "vouchers_asked"
    colleague = Caller(people.auditor._client, "auditor-2", ["auditor"], ["BA"]).at(LATER)
    assert await code(await colleague.post(f"voucher-samples/{sample_id}/draw", {})) == "vouchers_not_yours"
    assert (await people.manager.at(LATER).post(f"voucher-samples/{sample_id}/draw", {})).status_code == 403
    assert (await colleague.post(f"voucher-samples/{uuid7()}", DAYS)).status_code == 201
    assert await code(await people.auditor.post(f"voucher-samples/{uuid7()}", {**DAYS, "to_day": "2023-05-02"})) == "period_not_over"
    assert (await people.auditor.at(LATER).post(f"voucher-samples/{uuid7()}", {**DAYS, "seed": "my own words"})).status_code == 422
    listed = (await people.protector.get("voucher-samples")).json()["items"]
    assert [(one["asked_by"], one["status"]) for one in listed] == [("staff:auditor", "asked"), ("staff:auditor-2", "asked")]


async def test_of_what_was_filed_only_receipts_invoices_and_handover_certificates_are_opened(house: House, people: People) -> None:
    line, fund_id, papers = await house.line(), await house.fund(), {}
    grant_id = await house.approved(line.request("100.00"), fund_id)
    for kind in ("receipt", "invoice", "handover_certificate", "photo", "lease", "quotation", "business_plan", "other"):
        papers[kind] = uuid7()
        assert (await file(people.office, grant_id, papers[kind], query=f"kind={kind}")).status_code == 200
    await house.paid(grant_id, 1)
    sample = Sample(await asked(people, size=1), {})
    for by, verb in ((people.auditor, "draw"), (people.manager, "offer"), (people.protector, "release")):
        await give(by, sample, verb)
    listed = (await people.auditor.at(LATER).get(f"{sample.path}/vouchers")).json()
    assert {one["kind"] for one in listed} == {"receipt", "invoice", "handover_certificate"}
    for kind, paper in papers.items():
        answer = await people.auditor.at(LATER).get(f"{sample.path}/grants/{grant_id}/vouchers/{paper}")
        assert (kind, answer.status_code) == (kind, 200 if kind in ("receipt", "invoice", "handover_certificate") else 404)


async def test_of_a_grant_of_health_nothing_is_listed_and_nothing_opened(house: House, people: People) -> None:
    (line,) = await house.lines("medical")
    fund_id = await house.fund()
    grant_id = await house.approved(line.request("100.00"), fund_id)
    receipt, report = await filed(people, grant_id), uuid7()
    assert (await file(people.office, grant_id, report, pdf(), "application/pdf", "kind=medical_report")).status_code == 200
    await house.paid(grant_id, 1)
    sample = Sample(await asked(people, size=1), {})
    await give(people.auditor, sample, "draw")
    await give(people.manager, sample, "offer")
    await give(people.protector, sample, "release")
    listed = (await people.auditor.at(LATER).get(f"{sample.path}/vouchers")).json()
    assert listed == []
    for paper in (receipt, report):
        assert (await people.auditor.at(LATER).get(f"{sample.path}/grants/{grant_id}/vouchers/{paper}")).status_code == 404


async def test_what_was_erased_is_told_as_erased(house: House, people: People) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("100.00"), fund_id)
    paper = await filed(people, grant_id)
    await house.accounted_for(grant_id, 1)
    sample = Sample(await asked(people, size=1), {str(grant_id): paper})
    await erase(house, line.person_id)
    long_after = datetime(2034, 1, 2, 12, tzinfo=UTC)
    await give(people.auditor, sample, "draw", long_after)
    await give(people.manager, sample, "offer", long_after)
    await give(people.protector, sample, "release", long_after)
    (path,) = sample.vouchers()
    # Receipts of paid money are kept for their time; whether they are of health is known no longer, and so they stay closed.
    assert (await people.auditor.at(long_after).get(f"{sample.path}/vouchers")).json() == []
    assert (await people.auditor.at(long_after).get(path)).status_code == 404
    await house.give(PERSON, line.person_id, EndKeptPapers(), CLOCK, at=long_after)
    (one,) = (await people.auditor.at(long_after).get(f"{sample.path}/vouchers")).json()
    assert (one["gone"], one["kind"]) == (True, None)
    assert await code(await people.auditor.at(long_after).get(path)) == "paper_erased"
    assert (await house.findings()).differences == []


async def test_row_security_opens_what_was_released_and_only_to_whom_and_until_when(house: House, people: People) -> None:
    sample = await opened(house, people, size=2)
    connection = await asyncpg.connect(house.made.logins.api)

    async def seen(actor: str, at: str | None) -> tuple[int, int]:
        await connection.execute("SELECT set_config('app.countries', '', false), set_config('app.actor', $1, false)", actor)
        await connection.execute("SELECT set_config('app.vouchers_at', $1, false)", at or "")
        files = await connection.fetch("SELECT grant_id FROM evidence_files")
        pieces = await connection.fetchval("SELECT count(DISTINCT evidence_id) FROM evidence_pieces")
        assert {str(row["grant_id"]) for row in files} <= set(sample.papers)
        return len(files), int(pieces)

    over = LATER + timedelta(days=14)
    found = [
        await seen("staff:auditor", LATER.isoformat()), await seen("staff:auditor", over.isoformat()),
        await seen("staff:auditor", None), await seen("staff:manager", LATER.isoformat()), await seen("", LATER.isoformat()),
    ]  # fmt: skip
    assert found == [(2, 2), (0, 0), (0, 0), (0, 0), (0, 0)]
    # Past the domain nobody opens anything to themselves, in another's name, or for longer, and no auditor writes a paper.
    faults: list[str] = []
    opening = "INSERT INTO released_vouchers VALUES (gen_random_uuid(), gen_random_uuid(), $1, $2, now())"
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:auditor', false)")
    for sql, values in (
        (opening, ("staff:auditor", "staff:auditor")), (opening, ("staff:auditor", "staff:manager")),
        ("UPDATE released_vouchers SET ends_at = 'infinity'", ()),
        ("UPDATE voucher_samples SET ends_at = ends_at + interval '1 day', version = version + 1 WHERE id = $1", (sample.id,)),
        ("UPDATE voucher_samples SET released_by = offered_by, version = version + 1 WHERE id = $1", (sample.id,)),
        ("DELETE FROM voucher_samples", ()),
    ):  # fmt: skip
        try:
            await connection.execute(sql, *values)
        except asyncpg.PostgresError as fault:
            faults.append(getattr(fault, "constraint_name", None) or type(fault).__name__)
    await connection.execute("SELECT set_config('app.countries', '', false), set_config('app.vouchers_at', $1, false)", LATER.isoformat())
    try:
        await connection.execute(
            "INSERT INTO evidence_files VALUES (gen_random_uuid(), $1, 'PK', '\\x00', 1, 'grant')", UUID(next(iter(sample.papers)))
        )
    except asyncpg.PostgresError as fault:
        faults.append(type(fault).__name__)
    await connection.close()
    assert faults == [
        "ck_released_vouchers_not_by_the_auditor", "InsufficientPrivilegeError", "InsufficientPrivilegeError",
        "ck_voucher_samples_open_for_14_days", "ck_voucher_samples_two_persons", "InsufficientPrivilegeError",
        "InsufficientPrivilegeError",
    ]  # fmt: skip
