"""A release's revisions run while people work: every request is answered, and nobody is sent away, by a process that starts behind them either."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from ops import databases
from ops.identity.client import PersonaTokens
from ops.system import addresses, development_secret
from shared.topology import LOGS, PORTAL, RETURNS, Front, Service
from tests.chaos.journeys import some_journeys
from tests.chaos.system import System
from tests.integration.bus.house import until

# The table that most of a service's requests meet, and by what its rows are found.
BUSIEST = {"counselling": ("persons", "id"), "returns": ("cases", "id"), "reintegration": ("grants", "id"), "portal": ("pending_sign_ins", "id_hash")}
READINGS = (
    ("counselling", "counsellor", "/v1/persons?country_of_origin=PK&birth_year=1990"), ("returns", "coordinator", "/v1/cases"), ("reintegration", "finance-approver", "/v1/grants"),
    ("audit", "auditor", "/v1/archive/integrity"), ("returns", "auditor", "/v1/events"),
)  # fmt: skip

# What the next release may do to tables that are in use, each in the manner of docs/upgrading.md.
_REVISION = '''
"""An invented next release."""

from alembic import op

from migrations.online import drop_index, fill, hold, make_index

revision = "next_release"
down_revision = "{head}"
branch_labels = None
depends_on = None
SERVICE, TABLE, KEY, LOG = "{service}", "{table}", "{key}", {log}


def upgrade() -> None:
    if LOG:
        op.execute("ALTER TABLE event_log ADD COLUMN next_seen boolean")
        append = op.get_bind().exec_driver_sql("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'append_events'").scalar_one()
        op.get_bind().exec_driver_sql(append)
    op.execute("CREATE TABLE next_things (id integer PRIMARY KEY)")
    op.execute(f"GRANT SELECT, INSERT ON next_things TO {{SERVICE}}_api")
    if not TABLE:
        return
    op.execute(f"ALTER TABLE {{TABLE}} ADD COLUMN next_number integer NOT NULL DEFAULT 7, ADD COLUMN next_word text")
    op.execute("CREATE FUNCTION next_word() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.next_word := 'new'; RETURN NEW; END $$")
    op.execute(f"CREATE TRIGGER next_word BEFORE INSERT OR UPDATE ON {{TABLE}} FOR EACH ROW EXECUTE FUNCTION next_word()")
    fill(f"UPDATE {{TABLE}} SET next_word = 'new' WHERE {{KEY}} IN (SELECT {{KEY}} FROM {{TABLE}} WHERE next_word IS NULL LIMIT 20)")
    hold(TABLE, "next_word_is_there", "CHECK (next_word IS NOT NULL)")
    make_index("ix_next_word", f"{{TABLE}} (next_word, {{KEY}})")


def downgrade() -> None:
    if TABLE:
        drop_index("ix_next_word")
        op.execute(f"DROP TRIGGER next_word ON {{TABLE}}")
        op.execute("DROP FUNCTION next_word()")
        op.execute(f"ALTER TABLE {{TABLE}} DROP CONSTRAINT next_word_is_there, DROP COLUMN next_word, DROP COLUMN next_number")
    op.execute("DROP TABLE next_things")
    if LOG:
        op.execute("ALTER TABLE event_log DROP COLUMN next_seen")
'''


class Rounds:
    """Work that begins again as soon as it has ended, until nobody needs it any more; what it raises ends the test."""

    def __init__(self, work: Callable[[int], Awaitable[None]]) -> None:
        self._work, self._wanted = work, True
        self.ended = 0

    async def run(self) -> None:
        """Round after round."""
        while self._wanted:
            await self._work(self.ended)
            self.ended += 1

    async def another(self) -> None:
        """Returns after a round that began later than now."""
        now = self.ended
        await until(lambda: self.ended >= now + 2, 240)

    def enough(self) -> None:
        """The round that goes on is the last."""
        self._wanted = False


@asynccontextmanager
async def going_on(*works: Callable[[int], Awaitable[None]]) -> AsyncIterator[list[Rounds]]:
    rounds = [Rounds(work) for work in works]
    async with asyncio.TaskGroup() as group:
        for each in rounds:
            group.create_task(each.run())
        yield rounds
        for each in rounds:
            each.enough()


def next_release(folder: Path, owner: Service | Front, url: str) -> Path:
    """A folder with one revision after the newest that there is."""
    (head,) = ScriptDirectory.from_config(databases.alembic_config(owner.name, url)).get_heads()
    table, key = BUSIEST.get(owner.name, ("", ""))
    mine = folder / owner.name
    mine.mkdir(exist_ok=True)
    (mine / "next_release.py").write_text(_REVISION.format(head=head, service=owner.name, table=table, key=key, log=isinstance(owner, Service)))
    return mine


async def changed(system: System, changes: Mapping[str, Callable[[], None]], rounds: list[Rounds]) -> None:
    """Each database after the other, and after each of them everybody goes on with it for a while."""
    for change in changes.values():
        await asyncio.to_thread(change)
        for each in rounds:
            await each.another()


async def test_a_release_changes_every_database_while_people_work_and_no_request_fails(
    system: System, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    seed = request.config.getoption("--chaos-seed")
    running = system.running
    passwords = {role: running.secrets.password(role) for role in databases.role_names()}
    urls = {owner: databases.logins(running.postgres, owner, passwords).migrate for owner in LOGS}
    front = databases.front_logins(running.postgres, passwords).migrate
    folders = {owner.name: next_release(tmp_path, owner, url) for owner, url in urls.items()}
    folders[PORTAL.name] = next_release(tmp_path, PORTAL, front)
    addressed = {**{owner.name: url for owner, url in urls.items()}, PORTAL.name: front}
    found = addresses(running, "replay")
    tokens = PersonaTokens(found.issuer, development_secret(system.settings))
    read: list[tuple[str, int]] = []

    async def commands(number: int) -> None:
        funds, journeys = some_journeys((seed + 1) * 10_000 + 500 + number, 20)
        await system.clients.run(f"migrating-{number}-funds", [funds])
        await system.clients.run(f"migrating-{number}", journeys)

    async def readings(_: int) -> None:
        for service, persona, path in READINGS:
            bearer = {"Authorization": f"Bearer {await tokens.token(persona)}"}
            answer = await system.client.get(found.services[service] + path, headers=bearer)
            read.append((path, answer.status_code))
        begun = await system.client.get(f"{found.portal}/sign-in", follow_redirects=False)
        read.append(("/sign-in", begun.status_code))

    async with going_on(commands, readings) as rounds:
        there = {name: partial(databases.upgrade, name, url, folders[name]) for name, url in addressed.items()}
        await changed(system, there, rounds)
    # Who goes back to the release before starts its processes behind the next one's revisions. Whoever asks meanwhile would be told
    # that nobody is there, so that nobody asks.
    for name in (RETURNS.name, PORTAL.name):
        await running.kill(name)
        await running.start(name)
    async with going_on(lambda number: commands(200 + number), readings) as rounds:
        back = {name: partial(databases.downgrade, name, url, "-1", folders[name]) for name, url in addressed.items()}
        await changed(system, back, rounds)
    attempts = [attempt for key, asked in system.history.asked.items() if key.startswith("migrating-") for attempt in asked.attempts]
    assert len(attempts) > 20 * 2 * len(addressed)
    # What waits for another service is told so. Nothing else was said but that, and that it is done.
    assert {attempt.status for attempt in attempts} <= {200, 201, 404, 409, 428}
    assert {status for _, status in read} == {200, 303}, read
    assert await system.wrong() == []
