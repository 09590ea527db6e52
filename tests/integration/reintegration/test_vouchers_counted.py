"""Of what is paid while a sample is drawn nothing is in it, and who had a part in how a grant was paid opens no vouchers of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from ops.audit import verify_audit
from services.reintegration.domain.person import EndKeptPapers
from services.reintegration.domain.vouchers import DrawVouchers
from services.reintegration.wiring import PERSON, VOUCHER_SAMPLE
from shared.actors import Actor
from shared.db import Sql
from shared.handling import handle
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import staff
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported
from tests.integration.reintegration.test_erasure import erase
from tests.integration.reintegration.test_evidence import file, filed
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_payees import code
from tests.integration.reintegration.test_settlement import by_the_clock, debit
from tests.integration.reintegration.test_vouchers import (
    DAYS,
    LATER,
    Sample,
    asked,
    few_are_enough,
    give,
    log,
    of,
    paid,
)
from tests.integration.reintegration.vendors import CHECKER, CLERK
from tests.unit.ops.audit.exports import House as Exporting
from tests.unit.reintegration.bank.answers import Account

people = people_of
__all__ = ["few_are_enough", "people"]
AUDITOR = staff("auditor", "auditor")


async def drawn_while_something_is_paid(house: House, people: People) -> tuple[UUID, set[str], UUID]:
    """A sample, the grants that were paid when it was counted, and one that was paid before its drawing was on record."""
    before = set(map(str, await paid(house, people, 4)))
    late = await house.approved((await house.line()).request("100.00"), await house.fund())
    sample_id = await asked(people)
    async with house.made.api.unit_of_work(EVERYWHERE.scope(AUDITOR)) as unit:
        await handle(unit, VOUCHER_SAMPLE, sample_id, DrawVouchers(), Context(AUDITOR, LATER), Origin("x"), reach=EVERYWHERE)
        await house.paid(late, 1)
    return sample_id, before, late


async def test_what_is_recorded_while_a_sample_is_drawn_counts_for_nothing_when_it_is_drawn_again(
    house: House, people: People, tmp_path: Path
) -> None:
    _, before, late = await drawn_while_something_is_paid(house, people)
    leaves = await log(house)
    kinds = [leaf["type"] for leaf in leaves]
    place = kinds.index("avrr.reintegration.voucher_sample.drawn.v1")
    (event,) = await of(house, "voucher_sample.drawn.v1")
    told = [leaf["subject"] for leaf in leaves[: event["log_size"]] if leaf["type"].endswith(".grant.payment_confirmed.v1")]
    assert (set(told), event["population"]) == (before, 4)
    assert str(late) in {leaf["subject"] for leaf in leaves[event["log_size"] : place]}
    # So says the one file by which an export is checked.
    ours = Exporting.of("ours")
    ours.export(tmp_path / "now", {"reintegration": [json.dumps(leaf).encode() for leaf in leaves]})
    said: list[str] = []
    verify_audit.main([str(tmp_path / "now")], said.append)
    assert not [line for line in said if "sample of vouchers" in line]
    assert (await house.findings()).differences == []


async def opens(house: House, people: People, sample: Sample, who: Actor) -> str:
    caller = Caller(people.auditor._client, who.person_id.removeprefix("staff:"), ["manager"], ["BA"])
    return await code(await caller.at(LATER).post(f"{sample.path}/offer", {}))


async def test_who_stated_changed_or_confirmed_the_payees_account_opens_no_vouchers(house: House, people: People) -> None:
    await paid(house, people, 2)
    sample = Sample(await asked(people), {})
    await give(people.auditor, sample, "draw")
    assert [await opens(house, people, sample, who) for who in (CLERK, CHECKER)] == ["four_eyes", "four_eyes"]
    await give(people.manager, sample, "offer")


async def test_who_brought_or_confirmed_what_the_bank_says_of_a_grant_opens_no_vouchers(house: House, people: People) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    _, attempt_id = await released_by_bank(house, fund_id)
    await sent(people, account_id, [attempt_id])
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    await by_the_clock(house)
    row = (await house.rows(Sql("SELECT imported_by, confirmed_by FROM bank_files WHERE id = :id"), id=file_id))[0]
    sample = Sample(await asked(people, **{**DAYS, "size": 1}), {})
    await give(people.auditor, sample, "draw")
    for who in (str(row["imported_by"]), str(row["confirmed_by"])):
        assert await opens(house, people, sample, staff(who.removeprefix("staff:"), "manager")) == "four_eyes", who
    await give(people.manager, sample, "offer")


async def test_row_security_itself_opens_the_vouchers_that_were_filed_by_then_and_no_other_paper(house: House, people: People) -> None:
    line, fund_id, papers = await house.line(), await house.fund(), {}
    grant_id = await house.approved(line.request("100.00"), fund_id)
    kinds = ("receipt", "invoice", "handover_certificate", "photo", "lease", "quotation", "other")
    for kind in kinds:
        papers[kind] = uuid7()
        assert (await file(people.office, grant_id, papers[kind], query=f"kind={kind}")).status_code == 200
    await house.paid(grant_id, 1)
    sample = Sample(await asked(people, size=1), {})
    for by, verb in ((people.auditor, "draw"), (people.manager, "offer"), (people.protector, "release")):
        await give(by, sample, verb)
    late = await filed(people, grant_id)
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', '', false), set_config('app.actor', 'staff:auditor', false)")
    await connection.execute("SELECT set_config('app.vouchers_at', $1, false)", LATER.isoformat())
    seen = [
        {row["evidence_id"] for row in await connection.fetch(f"SELECT DISTINCT evidence_id FROM {table}")}
        for table in ("evidence_files", "evidence_pieces")
    ]
    vouchers = {papers[kind] for kind in ("receipt", "invoice", "handover_certificate")}
    assert seen == [vouchers, vouchers]
    # What is filed behind the opening waits for the next one.
    listed = (await people.auditor.at(LATER).get(f"{sample.path}/vouchers")).json()
    assert {UUID(one["evidence_id"]) for one in listed} == vouchers
    assert not any(one["gone"] for one in listed)
    path = f"{sample.path}/grants/{grant_id}/vouchers/{late}"
    assert (await people.auditor.at(LATER).get(path)).status_code == 404
    await give(people.manager, sample, "withdraw")
    assert [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in ("released_papers", "evidence_files")] == [0, 0]
    await connection.close()
    await give(people.manager, sample, "offer")
    await give(people.protector, sample, "release")
    assert (await people.auditor.at(LATER).get(path)).status_code == 200
    assert (await house.findings()).differences == []


async def test_a_paper_that_ends_while_it_is_open_is_open_no_more(house: House, people: People) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("100.00"), fund_id)
    await filed(people, grant_id)
    await house.accounted_for(grant_id, 1)
    sample = Sample(await asked(people, size=1), {})
    for by, verb in ((people.auditor, "draw"), (people.manager, "offer"), (people.protector, "release")):
        await give(by, sample, verb)
    papers = Sql("SELECT count(*) AS papers FROM released_papers")
    assert (await house.rows(papers))[0]["papers"] == 1
    await erase(house, line.person_id)
    await house.give(PERSON, line.person_id, EndKeptPapers(), Actor.service("retention"), at=datetime(2034, 1, 2, 12, tzinfo=UTC))
    assert (await house.rows(papers))[0]["papers"] == 0
    assert (await house.findings()).differences == []
