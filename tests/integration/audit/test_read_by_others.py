"""That somebody read a log in the archive's name is told on the page of integrity, and is forgotten by no new process."""

import asyncpg

from services.audit.checking import Checking
from services.audit.noting import Noting
from tests.integration.audit.archived_log import LOG, PROGRAM, URL, ArchivedLog
from tests.integration.audit.test_integrity import told


async def alarms(archived: ArchivedLog) -> list[str | None]:
    return [one["detail"] for one in (await told(archived))["alarms"] if one["code"] == "read_by_others"]


async def test_whoever_reads_in_the_archives_name_is_told_with_how_often_for_thirty_days_after_the_last_time(archived: ArchivedLog) -> None:
    await archived.happen(3)
    await archived.archive()
    noting = Noting(archived.made.worker, archived.comparing, Checking(archived.made.worker, (LOG,)), None)
    await archived.comparing.look(LOG)
    await noting.note()
    assert await alarms(archived) == []
    for times in (1, 2):
        await archived.get("/v1/events", PROGRAM, URL, limit=1)
        await archived.comparing.look(LOG)
        await noting.note()
        await noting.note()
        assert await alarms(archived) == [str(times)]
    # A process that begins anew has counted nothing yet.
    archived.comparing.logs[LOG].read_by_others = 0
    await Noting(archived.made.worker, archived.comparing, Checking(archived.made.worker, (LOG,)), None).note()
    assert await alarms(archived) == ["2"]
    superuser = await asyncpg.connect(archived.made.logins.migrate)
    await superuser.execute("SET ROLE audit_owner")
    await superuser.execute("UPDATE archive_watched SET read_by_others_at = now() - interval '31 days'")
    assert await alarms(archived) == []
    assert await superuser.fetchval("SELECT read_by_others FROM archive_watched WHERE log = $1", LOG) == 2
    await superuser.close()
