"""How it stands with the logs, as an auditor sees it and takes it home, with the real archive behind the page."""

from collections.abc import AsyncIterator
from typing import get_args

import pytest

from ops.supervisor import Running
from services.audit.archive import stop
from services.audit.findings import Kind
from services.audit.integrity import TOLD_APART
from services.portal.pages.integrity import ALARMS
from services.portal.settings import PortalSettings
from shared.folding import Fault
from shared.tlog.notes import Note
from shared.tlog.trust import TrustPolicy
from tests.integration.audit.archived_log import LOG, POLICY, WORKER, ArchivedLog
from tests.integration.audit.test_integrity import ROUND, differing, noted, rows_told
from tests.integration.conftest import MakeDatabase
from tests.integration.portal.audit import archive_behind
from tests.integration.portal.person import People, Portal


@pytest.fixture
async def archived(
    portal: Portal, settings: PortalSettings, make_database: MakeDatabase, servers: Running
) -> AsyncIterator[ArchivedLog]:
    async with archive_behind(portal, settings, make_database, servers) as found:
        yield found


async def test_an_auditor_sees_what_is_signed_and_takes_checkpoint_policy_and_keys_home(
    people: People, archived: ArchivedLog
) -> None:
    await archived.happen(3)
    signed = await archived.signed(await archived.archive())
    await noted(archived, signed)
    person = people()
    await person.sign_in("auditor")
    page = await person.get("/integrity")
    assert page.status_code == 200
    section = page.text.partition(f'id="{LOG}"')[2].partition("<h2")[0]
    assert "Seen by the witness" in section and 'class="alert"' not in section
    # Of the others nothing was archived nor signed, and the page does not pass over it.
    assert "3 logs have an alarm" in page.text

    checkpoint = await person.get(f"/integrity/{LOG}/checkpoint")
    assert checkpoint.headers["content-disposition"] == f'attachment; filename="{LOG}.checkpoint"'
    policy = TrustPolicy.of((await person.get("/integrity/policy")).text)
    assert policy == POLICY and policy.checked(Note.of(checkpoint.content)).size == 3
    assert (await person.get("/integrity/keys")).text.count("BEGIN PUBLIC KEY") == 2
    assert (await person.get("/integrity/returns/checkpoint")).status_code == 404


async def test_a_changed_row_stands_on_the_page_in_plain_words_with_its_place(people: People, archived: ArchivedLog) -> None:
    await archived.happen(3)
    signed = await archived.signed(await archived.archive())
    await archived.change("UPDATE event_log SET leaf = leaf || '\\x20' WHERE idx = 1")
    await archived.made.worker.attempt(WORKER, lambda unit: stop(unit, LOG, "gap"))
    await noted(archived, signed)
    person = people()
    await person.sign_in("auditor")
    section = (await person.get("/integrity")).text.partition(f'id="{LOG}"')[2].partition("<h2")[0]
    assert ALARMS["entries_other"][0].replace("'", "&#39;") in section and "1–1" in section
    assert ALARMS["archive_stopped_gap"][0] in section


async def test_a_row_that_differs_is_named_in_plain_words_and_stays_on_the_page_when_it_was_put_right(
    people: People, archived: ArchivedLog
) -> None:
    await archived.happen(1)
    await noted(archived, await archived.signed(await archived.archive()))
    person = people()
    await person.sign_in("auditor")

    async def section() -> str:
        return (await person.get("/integrity")).text.partition(f'id="{LOG}"')[2].partition("<h2")[0]

    await rows_told(archived, differing("7"))
    said = await section()
    assert ALARMS["rows_other"][0] in said and "grant 7 (status, amount)" in said and 'class="alert"' in said
    await rows_told(archived, differing("7", gone_at=ROUND))
    said = await section()
    assert "grant 7 (status, amount)" in said and "put right" in said and 'class="alert"' not in said


async def test_whoever_is_no_auditor_is_told_so(people: People, archived: ArchivedLog) -> None:
    del archived
    person = people()
    await person.sign_in("counsellor")
    for path in ("/integrity", "/integrity/policy", "/integrity/keys", f"/integrity/{LOG}/checkpoint"):
        assert (await person.get(path)).status_code == 403, path


def test_every_difference_and_every_reason_to_stop_has_words() -> None:
    codes = {f"entries_{kind}" for kind in (*get_args(Kind), "more")}
    codes |= {f"archive_stopped_{why}" for why in ("other", "gap", "unreadable", "damaged")}
    codes |= {"comparison_late", "check_waits", "check_late", "policy_changed", "checkpoint_behind", "archive_behind", "read_by_others", *TOLD_APART}
    codes |= {f"rows_{fault}" for fault in get_args(Fault)} | {"rows_more", "rows_not_verified"}
    assert codes - ALARMS.keys() == set()
