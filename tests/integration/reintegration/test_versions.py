"""Versions of a request: each stays as it was submitted, and what was read before an edit decides nothing after it."""

import asyncio

import asyncpg
import pytest
from alembic import command

from ops import databases
from ops.supervisor import Running
from services.reintegration.domain.grant import EndorseGrant
from services.reintegration.domain.grant_content import content_hash
from services.reintegration.domain.grant_state import Grant, GrantTranche
from services.reintegration.domain.plan import RevisePlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PLAN
from shared.db import Sql
from shared.topology import BY_NAME
from tests.integration.conftest import PASSWORDS
from tests.integration.reintegration.office import OFFICE, REQUESTER, House, Line, revision
from tests.unit.reintegration.examples import APPROVER, ENDORSER, TODAY, eur

VERSIONS = Sql("SELECT request_version, amount, content_hash FROM grant_versions ORDER BY request_version")
LESS = revision("400.00")


async def test_an_edit_before_the_approval_voids_the_endorsement_and_the_old_hash_is_refused(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await house.endorsed((await house.line()).request("500.00"))
    read = await house.approval(grant_id, fund_id)
    before = await house.grant(grant_id)
    await house.give(GRANT, grant_id, LESS, REQUESTER)
    assert await house.try_to(GRANT, grant_id, read, APPROVER) == "wrong_status"
    await house.give(GRANT, grant_id, EndorseGrant.model_validate(await house.shown(grant_id)), ENDORSER)
    assert await house.try_to(GRANT, grant_id, read, APPROVER) == "version_changed"
    now = await house.approval(grant_id, fund_id)
    for named, code in (("content_hash", "content_changed"), ("money", "amount_changed")):
        order = now.model_copy(update={named: getattr(read, named)})
        assert await house.try_to(GRANT, grant_id, order, APPROVER) == code
    assert await house.try_to(GRANT, grant_id, now, APPROVER) == "done"
    after = await house.grant(grant_id)
    assert [dict(row) for row in await house.rows(VERSIONS)] == [
        {"request_version": number, "amount": grant.amount, "content_hash": grant.content_hash}
        for number, grant in ((1, before), (2, after))
    ]
    assert (await house.findings()).differences == []


async def test_an_endorsement_that_waited_for_an_edit_endorses_nothing(house: House) -> None:
    grant_id = await house.submitted((await house.line()).request("500.00"))
    read = EndorseGrant.model_validate(await house.shown(grant_id))
    async with house.half_done(GRANT, grant_id, LESS, REQUESTER):
        waiting = await house.meanwhile(house.try_to(GRANT, grant_id, read, ENDORSER))
    assert await waiting == "version_changed"
    assert (await house.findings()).differences == []


def agreed_anew(line: Line) -> RevisePlan:
    """The same line with more planned for it, which is another version."""
    planned = PlannedLine(
        line_id=line.line_id, person_id=line.person_id, dimension="economic", category=line.category, planned=eur("2500.00")
    )
    return RevisePlan(lines=(planned,), agreed_on=TODAY, method="signed", reason="needs_changed")


async def test_what_was_endorsed_on_an_earlier_version_of_the_plan_is_revised_and_endorsed_anew(house: House) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.endorsed(line.request("500.00"))
    read = await house.approval(grant_id, fund_id)
    await house.give(PLAN, line.plan_id, agreed_anew(line), OFFICE)
    assert await house.try_to(GRANT, grant_id, read, APPROVER) == "plan_changed"
    await house.give(GRANT, grant_id, revision("500.00"), REQUESTER)
    shown = await house.shown(grant_id)
    assert shown["content_hash"] != read.content_hash
    await house.give(GRANT, grant_id, EndorseGrant.model_validate(shown), ENDORSER)
    assert await house.try_to(GRANT, grant_id, await house.approval(grant_id, fund_id), APPROVER) == "done"
    assert (await house.grant(grant_id)).plan_version == 2
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("first", ["plan", "approval"])
async def test_a_plan_that_is_agreed_anew_while_a_grant_is_approved_comes_before_or_after_it(house: House, first: str) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.endorsed(line.request("500.00"))
    order = await house.approval(grant_id, fund_id)
    if first == "plan":
        async with house.half_done(PLAN, line.plan_id, agreed_anew(line), OFFICE):
            waiting = await house.meanwhile(house.try_to(GRANT, grant_id, order, APPROVER))
        assert await waiting == "plan_changed"
    else:
        async with house.half_done(GRANT, grant_id, order, APPROVER):
            waiting = await house.meanwhile(house.try_to(PLAN, line.plan_id, agreed_anew(line), OFFICE))
        assert await waiting == "done"
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("change", ["UPDATE grant_versions SET amount = 1", "DELETE FROM grant_versions"])
async def test_no_version_is_changed_or_taken_away(house: House, change: str) -> None:
    connection = await asyncpg.connect(house.made.logins.api)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(change)
    await connection.close()


@pytest.mark.parametrize("change", ["amount = 400", "content_hash = repeat('0', 64)", "submitted_version = 2, request_version = 2"])
async def test_a_grant_is_what_its_version_says(house: House, change: str) -> None:
    await house.submitted((await house.line()).request("500.00"))
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    with pytest.raises(asyncpg.ForeignKeyViolationError) as caught:
        await connection.execute(f"UPDATE grants SET {change}")
    await connection.close()
    assert caught.value.constraint_name == "fk_grants_as_submitted"


async def test_only_a_draft_is_without_a_version_that_was_submitted(house: House) -> None:
    await house.submitted((await house.line()).request("500.00"))
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await connection.execute("UPDATE grants SET submitted_version = NULL")
    await connection.close()
    assert caught.value.constraint_name == "ck_grants_submitted_but_for_drafts"


async def test_a_grant_of_before_has_the_hash_and_the_version_that_a_fold_of_its_log_gives_it(roles: Running) -> None:
    name = "versions_of_before"
    admin = await asyncpg.connect(roles.postgres.url)
    await databases.make_database(admin, BY_NAME["reintegration"], name)
    url = databases.logins(roles.postgres, BY_NAME["reintegration"], PASSWORDS, name).migrate
    config = databases.alembic_config("reintegration", url)
    await asyncio.to_thread(command.upgrade, config, "reintegration_21")
    connection = await asyncpg.connect(url)
    await connection.execute("SET ROLE reintegration_owner")
    row = await connection.fetchrow(
        "INSERT INTO grants (id, version, case_id, person_id, plan_id, plan_line_id, category, modality, "
        "destination_country, counsellor_id, requester_id, requested_at, waiting_since, amount, currency, tranches, "
        "status, request_version, committed, paid, evidence) VALUES (gen_random_uuid(), 3, gen_random_uuid(), "
        "gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), NULL, 'service', 'PK', 'staff:c', 'staff:r', now(), "
        "now(), 900.00, 'EUR', '[{\"number\": 1, \"amount\": \"500.00\"}, {\"number\": 2, \"amount\": \"400.0\"}]', "
        "'returned', 2, 0, 0, '[]') RETURNING *"
    )
    assert row is not None
    await connection.execute("INSERT INTO grant_turns VALUES ($1, 'requester', 'PK', 'resubmit', now())", row["id"])
    await asyncio.to_thread(command.upgrade, config, "head")
    ((after, step),) = await connection.fetch(
        "SELECT to_jsonb(v) - 'grant_id' - 'submitted_at', t.step FROM grant_versions v JOIN grants g ON g.id = v.grant_id "
        "AND g.submitted_version = v.request_version JOIN grant_turns t ON t.grant_id = g.id"
    )
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
    of_before = {name: value for name, value in row.items() if name in Grant.__dataclass_fields__}
    tranches = (GrantTranche(1, eur("500").amount), GrantTranche(2, eur("400").amount))
    grant = Grant(**{**of_before, "tranches": tranches, "evidence": ()})
    assert content_hash(grant) in after
    assert '"request_version": 2' in after
    assert step == "revise"
