"""Findings of the archive on their page, explained by one person and accepted by another without a script, with the real archive behind it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ops.supervisor import Running
from services.audit.checking import Checking
from services.audit.findings import Difference, note
from services.portal.pages import findings, ordering
from services.portal.settings import PortalSettings
from shared.ids import uuid7
from tests.integration.audit.archived_log import LOG, WORKER, ArchivedLog
from tests.integration.audit.test_integrity import noted
from tests.integration.conftest import MakeDatabase
from tests.integration.portal.audit import archive_behind
from tests.integration.portal.person import People, Person, Portal


@pytest.fixture
async def archived(
    portal: Portal, settings: PortalSettings, make_database: MakeDatabase, servers: Running
) -> AsyncIterator[ArchivedLog]:
    async with archive_behind(portal, settings, make_database, servers) as found:
        portal.app.include_router(findings.router)
        portal.app.include_router(ordering.router)
        yield found


async def at(person: Person, path: str = "/findings") -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def offered(page: str) -> list[str]:
    return re.findall(r'href="(/do/audit/(?:explain|accept|reject)[^"]+)"', page)


async def does(person: Person, operation: str, **answers: str) -> None:
    """Goes on from the page by one of the orders that it offers, as whoever has no script does: asked, checked, sent."""
    (path,) = [path for path in offered(await at(person)) if operation in path]
    form = await at(person, path)
    version = re.findall(r'name="version" value="([^"]*)"', form)[0].replace("&#34;", '"')
    fields = {"key": str(uuid7()), "version": version, **answers}
    if answers:
        checked = await person.post(path, {**fields, "step": "check"})
        assert checked.status_code == 200 and "Check what will be recorded" in checked.text, checked.text
    sent = await person.post(path, {**fields, "step": "send"})
    assert (sent.status_code, sent.headers.get("location")) == (303, "/findings"), sent.text


async def test_what_rings_is_explained_by_one_and_accepted_by_another_and_rings_no_more(
    people: People, archived: ArchivedLog, tmp_path: Path
) -> None:
    (tmp_path / "staff.csv").write_text("id,name\nstaff:administrator,Ajla Invented\n", encoding="utf-8")
    await archived.happen(6)
    signed = await archived.signed(await archived.archive())
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("UPDATE cursor SET last_idx = 3")
    await Checking(archived.made.worker, (LOG,)).look(LOG)
    await noted(archived, signed)
    auditor, administrator, protection, chief = people(), people(), people(), people()
    for person, name in ((auditor, "auditor"), (administrator, "administrator"), (protection, "data-protection"), (chief, "chief-of-mission")):
        await person.sign_in(name)

    async def section() -> str:
        return (await at(auditor, "/integrity")).partition(f'id="{LOG}"')[2].partition("<h2")[0]

    assert 'class="alert"' in await section()
    link = re.findall(r'href="(/findings\?which=ringing)#(f-[0-9a-f-]{36})"', await section())
    shown = await at(auditor, link[0][0])
    assert f'id="{link[0][1]}"' in shown and "nobody has explained it" in shown and offered(shown) == []
    assert [path.split("/")[3] for path in offered(await at(administrator))] == ["explain_finding"]
    assert offered(await at(protection)) == []
    refused = await administrator.post(offered(await at(administrator))[0], {"cause": "exercise", "incident": "INC-1 of somebody", "step": "check"})
    assert refused.status_code == 422
    await does(administrator, "explain_finding", cause="database_restored", incident="INC-2026-14")
    assert "explained, waits for a second person" in await at(auditor) and offered(await at(administrator)) == []
    await does(chief, "reject_explanation", reason="cause_not_shown")
    assert "what is said is not shown" in await at(auditor)
    await does(administrator, "explain_finding", cause="changed_by_hand", incident="INC-2026-15")
    # Whoever decides reads by name whose word it is on.
    (asked,) = [path for path in offered(await at(protection)) if "accept" in path]
    assert '<dd><bdi>Ajla Invented</bdi> <span class="note"><bdi>staff:administrator</bdi></span></dd>' in await at(protection, asked)
    await does(protection, "accept_finding")
    said = await section()
    assert 'class="alert"' not in said and "1 finding that was explained and accepted" in said
    assert "INC-2026-15" in said and "staff:data-protection" in said and "staff:administrator" in said
    assert "None." in await at(auditor, "/findings?which=ringing")
    assert "explained and accepted" in await at(auditor, "/findings?which=accepted")
    counsellor = people()
    await counsellor.sign_in("counsellor")
    assert (await counsellor.get("/findings")).status_code == 403


async def test_what_ends_by_itself_is_shown_and_offers_nothing(people: People, archived: ArchivedLog) -> None:
    await archived.made.worker.attempt(WORKER, lambda unit: note(unit, LOG, [Difference("other", 1, 2)]))
    administrator = people()
    await administrator.sign_in("administrator")
    shown = await at(administrator)
    assert "This ends by itself once it is put right." in shown and offered(shown) == []
