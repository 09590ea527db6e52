"""The auditor searches the archive on a page without a script, also what a log lost, with the real archive behind it."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest

from ops.supervisor import Running
from services.portal.pages.archive_entries import FEW
from services.portal.pages.archive_selection import BACKWARDS, WRONG
from services.portal.settings import PortalSettings
from shared.db import Sql
from shared.ids import uuid7
from tests.integration.audit.archived_log import LOG, WORKER, ArchivedLog
from tests.integration.audit.broken_log import Checkpointer, note_of
from tests.integration.audit.test_breaks import everything_looked_at
from tests.integration.conftest import MakeDatabase
from tests.integration.portal.audit import archive_behind
from tests.integration.portal.person import People, Person, Portal

_ON_RECORD = Sql("SELECT leaf FROM event_log ORDER BY idx")


@pytest.fixture
async def archived(
    portal: Portal, settings: PortalSettings, make_database: MakeDatabase, servers: Running
) -> AsyncIterator[ArchivedLog]:
    async with archive_behind(portal, settings, make_database, servers) as found:
        yield found


async def at(person: Person, path: str, status: int = 200) -> str:
    answer = await person.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def shown(page: str) -> list[tuple[str, int]]:
    """The log and index of each entry on a page, by the links to their proofs."""
    links = re.findall(r'<th scope="row"><a href="/archive/events/[0-9a-f-]{36}\?([^"]+)"', page)
    return [(log, int(index)) for log, index in (re.findall(r"log=(.+)&position=([0-9]+)", unescape(link))[0] for link in links)]


async def test_entries_are_found_by_whatever_is_stated(people: People, archived: ArchivedLog, tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("id,name\nstaff:berin,Berin Invented\n", encoding="utf-8")
    case, named = uuid7(), uuid7()
    await archived.happen(kind="access.refused", by="staff:berin", role="counsellor,coordinator", code="not_permitted")
    await archived.happen(kind="session.held", case=case, session_id=str(named))
    await archived.happen(kind="session.held", case=case, subject=uuid7(), reason="no_show")
    await archived.archive()
    subject = json.loads((await archived.leaves())[2])["subject"]
    person = people()
    await person.sign_in("auditor")

    async def found(query: str) -> list[int]:
        return [index for _, index in shown(await at(person, f"/archive?{query}"))]

    assert await found("") == [2, 1, 0]
    assert await found(f"case={case}") == [2, 1]
    assert await found(f"case=%20{case}%20&reason=no_show") == [2]
    assert await found("reason=not_permitted") == [0]
    assert await found(f"subject={subject}") == [2]
    assert await found(f"about={named}") == [1]
    assert await found("actor=staff:berin") == [0]
    assert await found(f"log={LOG}&kind=avrr.{LOG}.session.held.v1") == [2, 1]
    assert await found("log=returns") == await found("to=2026-05-01") == []
    # The mission's day: events of the archived log are of the second of May and later.
    assert await found("from=2026-05-02&to=2027-01-01") == [2, 1, 0]
    page = await at(person, "/archive?actor=staff:berin")
    assert "Berin Invented" in page and "counsellor, coordinator" in page and 'href="/archive?reason=not_permitted"' in page
    # Each leads to its proof's page and to its case's chain, and each search is on record with whom it was about.
    assert f'href="/archive/cases/{case}"' in await at(person, f"/archive?case={case}")
    link = unescape(re.findall(r'<th scope="row"><a href="([^"]+)"', page)[0])
    assert "not_permitted" in await at(person, link)
    rows = await archived.made.worker.attempt(WORKER, lambda unit: unit.rows(_ON_RECORD))
    read = [json.loads(row["leaf"])["data"] for row in rows]
    assert any(one.get("operation") == "search_archive" and one.get("about") == str(case) for one in read), read


async def test_pages_follow_each_other_and_hold_every_entry_once(people: People, archived: ArchivedLog) -> None:
    case = uuid7()
    await archived.happen(2 * FEW + 5, case=case, reason="no_show")
    await archived.happen(3)
    await archived.archive()
    person = people()
    await person.sign_in("auditor")
    seen: list[list[tuple[str, int]]] = []
    path = f"/archive?case={case}&reason=no_show"
    while path:
        page = await at(person, path)
        seen.append(shown(page))
        following = re.findall(r'<a id="more-link" href="([^"]+)"', page)
        path = unescape(following[0]) if following else ""
    assert [len(one) for one in seen] == [FEW, FEW, 5]
    assert [index for one in seen for _, index in one] == list(reversed(range(2 * FEW + 5)))


async def test_what_a_restore_took_is_listed_marked_and_proven(people: People, archived: ArchivedLog) -> None:
    checkpointer = Checkpointer(archived)
    case = uuid7()
    await archived.happen(4)
    await archived.happen(2, case=case, reason="no_show")
    await archived.archive()
    checkpointer.note = str(note_of(await archived.leaves()))
    assert await everything_looked_at(checkpointer) == []
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    await archived.archive()
    await archived.happen(1, case=case, reason="no_show")
    await archived.archive()
    checkpointer.note = str(note_of(await archived.leaves(), 2))
    assert await everything_looked_at(checkpointer) == []
    person = people()
    await person.sign_in("auditor")

    section = (await at(person, "/integrity")).partition(f'id="{LOG}"')[2].partition("<h2")[0]
    (link,) = re.findall(r'href="(/archive\?log=[^"]+)"', section)
    page = await at(person, link)
    assert shown(page) == [(f"{LOG}.1", 5), (f"{LOG}.1", 4), (f"{LOG}.1", 3)]
    marked = "lost in a restore that two persons accepted:"
    assert page.count(marked) == 3 and page.count(f'href="/integrity#{LOG}"') == 3
    assert re.search(rf'<optgroup label="Lost in a restore[^"]*"><option value="{LOG}.1" selected>[^<]*: 3 entries</option>', page)
    # By reason and case both are found, and told apart.
    both = await at(person, f"/archive?case={case}&reason=no_show")
    assert shown(both) == [(LOG, 6), (f"{LOG}.1", 5), (f"{LOG}.1", 4)] and both.count(marked) == 2
    assert marked not in await at(person, f"/archive?log={LOG}")
    event = await at(person, unescape(re.findall(r'<th scope="row"><a href="([^"]+)"', page)[0]))
    assert "the last checkpoint before the log was set back" in event and f'href="/archive?log={LOG}.1"' in event


async def test_what_cannot_be_read_is_said_beside_each_field_and_kept(people: People, archived: ArchivedLog) -> None:
    await archived.happen(1)
    await archived.archive()
    person = people()
    await person.sign_in("auditor")
    page = await at(person, "/archive?case=0190&subject=x&from=2.5.2023&reason=no_show&actor=staff:anna&log=counselling", 422)
    assert sorted(re.findall(r'id="([a-z]+)-fault"', page)) == ["case", "from", "subject"]
    assert "3 filters cannot be read" in page and shown(page) == []
    for kept in ("0190", "x", "2.5.2023", "no_show", "staff:anna"):
        assert f'value="{kept}"' in page, kept
    assert f'<option value="{LOG}" selected>' in page
    # What only the archive knows is said in the same way.
    for query, field in (("actor=%22Somebody%22", "actor"), ("reason=No%20show", "reason"), ("log=returns.x", "log")):
        page = await at(person, f"/archive?{query}", 422)
        assert re.findall(r'id="([a-z]+)-fault">([^<]+)<', page) == [(field, WRONG[field])], query
    assert BACKWARDS in await at(person, "/archive?from=2023-05-02&to=2023-05-01", 422)
    # A log that is not there is none of the known ones, and a place that nobody was told is no page.
    assert shown(await at(person, "/archive?log=returns.7")) == []
    await at(person, "/archive?after=x", 422)


async def test_whoever_is_no_auditor_is_told_so_and_led_there_by_nothing(people: People, archived: ArchivedLog) -> None:
    await archived.happen(1)
    await archived.archive()
    for name in ("counsellor", "manager", "administrator", "data-protection"):
        person = people()
        await person.sign_in(name)
        for path in ("/archive", "/archive?case=x"):
            assert shown(await at(person, path, 403)) == []
    rows = await archived.made.worker.attempt(WORKER, lambda unit: unit.rows(_ON_RECORD))
    kinds = [json.loads(row["leaf"])["type"] for row in rows]
    assert kinds.count("avrr.audit.access.refused.v1") == 4 and "avrr.audit.access.record_read.v1" not in kinds
