"""What a restore lost stays on record where its revision is taken back, and is told without a walk over all that the bank ever said."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from alembic import command

from ops import databases
from ops.supervisor import Running
from services.reintegration import lost_bank_queries
from services.reintegration.domain.lost_payments import (
    AskToClearLostPayments,
    ClearLostPayments,
    RecordLostPayments,
)
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_clearing_lost_payments import ordered
from tests.integration.reintegration.test_lost_payments import (
    APPROVER,
    RECONCILER,
    SERVICE,
    give,
)
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_proposals_before import opened
from tests.integration.reintegration.test_release import approved
from tests.integration.reintegration.test_settlement import debit
from tests.unit.reintegration.bank.answers import Account

people = people_of
_BEFORE = "reintegration_132"


async def test_a_restore_that_is_not_cleared_keeps_the_revision_and_one_that_was_does_not(house: House, servers: Running) -> None:
    restore = uuid7()
    await give(house, restore, RecordLostPayments(payments=(), since=NOON - timedelta(days=1)), SERVICE)
    config = databases.alembic_config("reintegration", await opened(house, servers))
    with pytest.raises(Exception, match="without the bank's statements"):
        await asyncio.to_thread(command.downgrade, config, _BEFORE)
    await give(house, restore, AskToClearLostPayments(), RECONCILER)
    await give(house, restore, ClearLostPayments(), APPROVER)
    await asyncio.to_thread(command.downgrade, config, _BEFORE)
    await asyncio.to_thread(databases.upgrade, "reintegration", house.made.logins.migrate)


async def test_tranches_that_a_line_was_found_to_have_paid_keep_the_revision_though_all_of_it_was_cleared(
    house: House, people: People, servers: Running
) -> None:
    restore, (one, other) = uuid7(), [await approved(house) for _ in range(2)]
    await give(house, restore, RecordLostPayments(payments=()), SERVICE)
    await own_account(people)
    file_id = await imported(people, Account([debit(uuid7(), amount="1000.00")], id="MAY-1"))
    (line,) = await lines_of(people, file_id)
    for grant_id in (one, other):
        found = {"line_id": line["id"], "grant_id": str(grant_id), "number": 1}
        assert await ordered(people.reconciler, f"lost-payments/{restore}/name-found", **found) == (200, None)
    assert await ordered(people.reconciler, f"lost-payments/{restore}/name-found", **found) == (409, "found_already")
    shop = await house.vendors.of()
    owner = await asyncpg.connect(await opened(house, servers))
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("UPDATE lost_payments SET status = 'cleared', asked_by = 'staff:a', cleared_by = 'staff:b', cleared_at = now()")
    for grant_id in (one, other):
        release = ordered(people.payer, f"grants/{grant_id}/release-tranche", number=1, payee_id=str(shop), method="office_account")
        assert await release == (409, "paid_before_restore")
    config = databases.alembic_config("reintegration", house.made.logins.migrate)
    with pytest.raises(Exception, match="found in the bank's lines"):
        await asyncio.to_thread(command.downgrade, config, _BEFORE)
    await owner.close()


async def test_of_what_the_bank_accepted_or_was_explained_only_the_lost_days_are_read_and_nothing_of_a_restore_that_was_cleared(house: House) -> None:
    waiting, cleared = uuid7(), uuid7()
    for restore in (waiting, cleared):
        await give(house, restore, RecordLostPayments(payments=(), since=NOON), SERVICE)
    await give(house, cleared, AskToClearLostPayments(), RECONCILER)
    await give(house, cleared, ClearLostPayments(), APPROVER)
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute(
        "INSERT INTO bank_lines (id, file_id, number, part, kind, reversal, attempt_id, of_attempt, by_code, reasons, occurrence, imported_at, state) "
        "SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 'accepted', false, a, a, false, '{}', 1, $1::timestamptz - make_interval(days => day), 'accepted' "
        "FROM (SELECT gen_random_uuid() AS a, day FROM generate_series(0, 3000) AS day) said",
        NOON + timedelta(days=1),
    )
    await owner.execute("ANALYZE bank_lines")
    for restore, told in ((waiting, 3), (cleared, 0)):
        statement = lost_bank_queries._LOOKED_AT
        arguments = statement.arguments({"id": restore})
        assert len(await owner.fetch(statement.text, *arguments)) == told
        explained = await owner.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.text, *arguments)
        assert sum(_read(json.loads(explained)[0]["Plan"])) < 10
    await owner.close()


def _read(node: dict[str, Any]) -> Iterator[float]:
    """How many rows each scan of the bank's lines reads."""
    if node.get("Relation Name") == "bank_lines":
        yield node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    for below in node.get("Plans", ()):
        yield from _read(below)
