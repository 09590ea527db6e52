"""Sealed vouchers on their pages, with the real reintegration behind them and without a script."""

import re
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from services.reintegration.domain import vouchers
from services.reintegration.domain.evidence import FileEvidence
from services.reintegration.files import EVIDENCE
from services.reintegration.grant_wiring import GRANT
from shared.db import UnitOfWork
from shared.handling import handle
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.portal.person import People, Person
from tests.integration.reintegration.office import OFFICE, House

PAPER = b"%PDF-1.4 an invented receipt"


async def filed(house: House, grant_id: UUID, person_id: UUID) -> UUID:
    """A receipt of a grant, kept as the API keeps one."""
    evidence_id = uuid7()
    order = FileEvidence(
        evidence_id=evidence_id, kind="receipt", media_type="application/pdf", size=len(PAPER), sha256=sha256(PAPER).hexdigest()
    )

    async def work(unit: UnitOfWork) -> None:
        key = await house.made.person_keys.made_key(unit, person_id, grant_id)
        await handle(unit, GRANT, grant_id, order, Context(OFFICE, NOON), Origin("test"), reach=EVERYWHERE)
        unit.write(*EVIDENCE.kept(grant_id, evidence_id, PAPER, key.files()))

    await house.made.api.attempt(EVERYWHERE.scope(OFFICE), work)
    return evidence_id


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def does(person: Person, page: str, operation: str) -> None:
    """Goes on from a page by one of the orders that it offers."""
    path = re.findall(rf'href="(/do/reintegration/{operation}/[^"]+)"', await at(person, page))[0].replace("&amp;", "&")
    form = await at(person, path)
    version = re.findall(r'name="version" value="([^"]*)"', form)[0]
    sent = await person.post(path, {"key": str(uuid7()), "version": version, "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, page), sent.text


async def test_an_auditor_asks_draws_and_reads_what_two_others_open(
    people: People, house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "staff.csv").write_text("id,name\nstaff:manager,Mira Invented\n", encoding="utf-8")
    # From how many is drawn, the core's own tests say.
    monkeypatch.setattr(vouchers, "FEWEST", 1)
    monkeypatch.setattr(vouchers, "TIMES_THE_SIZE", 1)
    await house.lenient()
    fund_id, line = await house.fund(), await house.line()
    grant_id = await house.approved(line.request("100.00"), fund_id)
    paper = await filed(house, grant_id, line.person_id)
    await house.paid(grant_id, 1)
    auditor, manager, protection, payer = people(), people(), people(), people()
    for person, name in ((auditor, "auditor"), (manager, "manager"), (protection, "data-protection"), (payer, "finance-payer")):
        await person.sign_in(name)
    path = re.findall(r'href="(/do/reintegration/ask_for_vouchers/[^"]+)"', await at(auditor, "/voucher-samples"))[0]
    seed = re.findall(r'name="seed"[^>]*value="([0-9a-f]{64})"', await at(auditor, path))[0]
    asked = {"from_day": "2023-05-01", "to_day": "2023-05-02", "size": "1", "seed": seed, "key": str(uuid7()), "version": "", "step": "send"}
    sent = await auditor.post(path, asked)
    assert sent.status_code == 303, sent.text
    sample = re.findall(r'href="(/voucher-samples/[0-9a-f-]{36})"', await at(auditor, "/voucher-samples"))[0]
    await does(auditor, sample, "draw_vouchers")
    assert str(grant_id) in await at(auditor, sample)
    assert f"{sample}/vouchers" not in await at(auditor, sample)
    await does(manager, sample, "offer_vouchers")
    assert "release_vouchers/" not in await at(manager, sample)
    await does(protection, sample, "release_vouchers")
    # The mission's list calls one of the two by name, and nobody else.
    opened_by = [re.findall(rf"<dt>{act}</dt><dd>(.*?) <span class=\"note\"><bdi>2", await at(auditor, sample))[0] for act in ("First to agree", "Opened by")]
    assert opened_by == ['<bdi>Mira Invented</bdi> <span class="note"><bdi>staff:manager</bdi></span>', "<bdi>staff:data-protection</bdi>"]
    listed = await at(auditor, f"{sample}/vouchers")
    assert sha256(PAPER).hexdigest() in listed
    file = f"{sample}/grants/{grant_id}/vouchers/{paper}"
    assert f'href="{file}"' in listed
    saved = await auditor.get(file)
    assert (saved.status_code, saved.content) == (200, PAPER)
    assert saved.headers["content-disposition"].startswith("attachment;")
    for nobody in (manager, protection, payer):
        assert (await nobody.get(file)).status_code == 403
    await does(manager, sample, "withdraw_vouchers")
    assert (await auditor.get(file)).status_code == 409
    assert "ended before its time" in await at(auditor, sample)
