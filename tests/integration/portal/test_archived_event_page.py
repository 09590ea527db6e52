"""One archived event with the real archive behind the page: proof, cause and effects, and two files that need nobody of us."""

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ops.supervisor import Running
from services.portal.pages import log
from services.portal.pages.integrity import ALARMS
from services.portal.settings import PortalSettings
from shared.tlog.proofs import EntryProof
from shared.tlog.tree import leaf_hash
from tests.integration.audit.archived_log import LOG, POLICY, ArchivedLog
from tests.integration.audit.signed_log import Signed, foreign
from tests.integration.conftest import MakeDatabase
from tests.integration.portal.audit import archive_behind
from tests.integration.portal.person import People, Portal

LONG_AGO = 301


@pytest.fixture
async def archived(
    portal: Portal, settings: PortalSettings, make_database: MakeDatabase, servers: Running
) -> AsyncIterator[ArchivedLog]:
    async with archive_behind(portal, settings, make_database, servers) as found:
        yield found


async def test_an_event_is_shown_with_its_steps_its_links_and_a_proof_that_holds_without_us(
    people: People, archived: ArchivedLog
) -> None:
    (cause,) = await archived.happen()
    (cause_leaf,) = await archived.leaves()
    (event_id,) = await archived.happen(cause=cause_leaf)
    (false,) = await archived.happen(cause=cause_leaf + b" ")
    person = people()
    await person.sign_in("auditor")
    await archived.archive()
    early = await person.get(f"/archive/events/{event_id}")
    assert early.status_code == 200 and "No checkpoint covers this event yet" in early.text
    await archived.told(await archived.signed(3))

    page = (await person.get(f"/archive/events/{event_id}")).text
    assert f"/archive/events/{cause}" in page and "is that of the archived event" in page
    proof = EntryProof.of((await person.get(f"/archive/events/{event_id}/tlog-proof")).content)
    leaf = (await person.get(f"/archive/events/{event_id}/leaf")).content
    assert leaf == (await archived.leaves())[1]
    assert POLICY.checked(proof.note).size == 3 and proof.holds_for(leaf)
    steps = proof.steps_for(leaf)
    assert all(step.sibling.hex() in page and step.hash.hex() in page for step in steps)

    other = (await person.get(f"/archive/events/{false}")).text
    assert "is another one than that of the archived event" in other
    of_cause = (await person.get(f"/archive/events/{cause}")).text
    assert f"/archive/events/{event_id}" in of_cause and f"/archive/events/{false}" in of_cause


async def test_what_nobody_signed_is_shown_as_that_and_stands_on_the_page_of_the_logs(people: People, archived: ArchivedLog) -> None:
    made = Signed(archived)
    await made.sign(2)
    await archived.archive()
    never = foreign((await archived.leaves())[0])
    await made.take(never)
    await made.sign(1)
    assert "entries_tail" in await made.alarms()
    person = people()
    await person.sign_in("auditor")
    page = (await person.get(f"/archive/events/{json.loads(never)['id']}?log={LOG}.t1")).text
    assert "Nobody ever signed this event" in page and "There is none, for nobody signed it." in page and "(never signed)" in page
    logs = (await person.get("/integrity")).text
    assert "Set apart because nobody signed it" in logs and f"{LOG}.t1" in logs and ALARMS["entries_tail"][0] in logs


async def test_what_somebody_set_apart_by_hand_is_not_said_to_be_signed_by_nobody(people: People, archived: ArchivedLog) -> None:
    await archived.happen(2)
    await archived.archive()
    leaf = (await archived.leaves())[-1]
    connection = await asyncpg.connect(archived.made.logins.worker)
    await connection.execute(
        "INSERT INTO archive_tails (log, number, generation, kept, size, root, note) VALUES ($1, 1, 1, 1, 2, $2, 'x')", LOG, bytes(32)
    )
    await connection.close()
    person = people()
    await person.sign_in("auditor")
    page = (await person.get(f"/archive/events/{json.loads(leaf)['id']}")).text
    assert "Set apart as never signed, and nothing proves that." in page and "There is none." in page
    assert "Nobody ever signed this event" not in page and "nobody signed it" not in page


@pytest.mark.parametrize("part", ["", "/tlog-proof", "/leaf"])
async def test_what_an_event_says_waits_for_the_key_and_leads_back_to_its_page(
    people: People, portal: Portal, archived: ArchivedLog, part: str
) -> None:
    (event_id,) = await archived.happen()
    await archived.archive()
    await archived.told(await archived.signed(1))
    person = people()
    await person.sign_in("auditor")
    portal.hands.forward(LONG_AGO)
    path = f"/archive/events/{event_id}"
    back = await person.back(await person.at_provider(await person.get(path + part)))
    assert back.headers["refresh"] == f"0; url={path}"
    assert (await person.get(path + part)).status_code == 200


async def test_whoever_is_no_auditor_is_told_so(people: People, archived: ArchivedLog) -> None:
    (event_id,) = await archived.happen()
    await archived.archive()
    person = people()
    await person.sign_in("counsellor")
    assert (await person.get(f"/archive/events/{event_id}")).status_code == 403


async def test_the_page_of_an_event_in_the_log_is_out_of_the_archive_and_asks_no_service(
    people: People, portal: Portal, archived: ArchivedLog
) -> None:
    (event_id,) = await archived.happen()
    portal.app.include_router(log.router)
    person = people()
    await person.sign_in("auditor")
    # Nobody is at the address of the service, and the archive does not have it yet.
    assert (await person.get(f"/log/{LOG}/{event_id}")).status_code == 503
    await archived.archive()
    page = await person.get(f"/log/{LOG}/{event_id}")
    assert page.status_code == 200
    assert leaf_hash((await archived.leaves())[0]).hex() in page.text
    # An event of one log is none of another's.
    assert (await person.get(f"/log/returns/{event_id}")).status_code == 503
