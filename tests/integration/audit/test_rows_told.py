"""What a service's verification found is kept by the archive until it is told gone, however much goes at once."""

import asyncpg
import pytest

from services.audit.verified import Verified
from shared.verification_routes import MOST_TOLD
from tests.integration.audit.archived_log import LOG, PROGRAM, URL, ArchivedLog
from tests.integration.returns.api import token

MANY = 2 * MOST_TOLD + 57


@pytest.fixture
async def verified(archived: ArchivedLog) -> Verified:
    async def bearer() -> str:
        return token(PROGRAM)

    return Verified(archived.made.worker, archived.client, {LOG: URL}, bearer, lambda: None)


async def noted(archived: ArchivedLog, statement: str) -> None:
    """The verification of the service notes this, by its worker's login."""
    worker = await asyncpg.connect(archived.source.logins.worker)
    await worker.execute(statement)
    await worker.close()


async def kept(archived: ArchivedLog) -> tuple[int, int]:
    """How many rows the archive was told of that are there still, and that are gone."""
    verify = await asyncpg.connect(archived.made.logins.verify)
    row = await verify.fetchrow("SELECT count(*) FILTER (WHERE gone_at IS NULL) AS there, count(gone_at) AS gone FROM archive_rows")
    await verify.close()
    assert row is not None
    return row["there"], row["gone"]


async def test_of_many_that_go_at_once_as_after_a_restore_none_stays_an_alarm(archived: ArchivedLog, verified: Verified) -> None:
    await noted(
        archived,
        "INSERT INTO verify_differences (kind, about, fault, columns) "
        f"SELECT 'person', 'nobody-' || n, 'other', '' FROM generate_series(1, {MANY}) n",
    )
    told = 0
    while told < MANY:
        # As the first ones go the next ones are told.
        await verified.ask(LOG)
        assert verified.logs[LOG].fault is None
        told = sum(await kept(archived))
        await noted(
            archived,
            "UPDATE verify_differences SET gone_at = '2026-11-01T12:00:00Z' WHERE id IN "
            f"(SELECT id FROM verify_differences WHERE gone_at IS NULL ORDER BY id LIMIT {MOST_TOLD})",
        )
    await verified.ask(LOG)
    assert (verified.logs[LOG].fault, await kept(archived)) == (None, (0, MANY))


async def test_many_that_went_at_one_moment_are_told_once_each_in_pages(archived: ArchivedLog, verified: Verified) -> None:
    await noted(
        archived,
        "INSERT INTO verify_differences (kind, about, fault, columns) "
        f"SELECT 'person', 'nobody-' || n, 'other', '' FROM generate_series(1, {MANY}) n",
    )
    await verified.ask(LOG)
    assert await kept(archived) == (MOST_TOLD, 0)
    await noted(archived, "UPDATE verify_differences SET gone_at = now()")
    await verified.ask(LOG)
    assert await kept(archived) == (0, MANY)
    # What goes within the same minute, and is committed after what went later, is told as well.
    await noted(archived, "INSERT INTO verify_differences (kind, about, fault, columns) VALUES ('person', 'late', 'other', '')")
    await noted(archived, "UPDATE verify_differences SET gone_at = now() - interval '20 seconds' WHERE about = 'late'")
    await verified.ask(LOG)
    assert await kept(archived) == (0, MANY + 1)
    pages, after = 0, "0-0"
    while True:
        said = (await archived.get("/v1/verification", PROGRAM, URL, gone_after=after)).json()
        pages += len([row for row in said["rows"] if row["gone_at"] is not None])
        if said["gone_until"] is None:
            break
        after = said["gone_until"]
    assert pages == MANY + 1
