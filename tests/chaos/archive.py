"""Holds the archive against the logs: it is the logs, once, and of its exceptions none is lost, made up or there twice."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.audit import exceptions
from services.audit.exceptions import Approval, ExceptionKind, Seen
from services.audit.searching import envelope_of
from shared.settings import MISSION
from shared.tlog.tree import leaf_hash
from shared.topology import AUDIT, LOGS
from tests.chaos.system import LOOKS, System
from tests.integration.bus.house import until

CAUGHT_UP_SECONDS = 90.0
# What the rules find in one event and the approvals of its case, and nothing else.
KINDS: tuple[ExceptionKind, ...] = ("same_day", "out_of_hours", "by_deputy")


async def unlike_the_logs(system: System) -> list[str]:
    """Waits until everything is archived and was looked at; then all that the archive has otherwise than the logs, and of its exceptions."""
    for _ in range(LOOKS):
        before = await system.sizes()
        await until(lambda: _caught_up(system), CAUGHT_UP_SECONDS)
        wrong = [line for log in LOGS for line in await _unlike_its_log(system, log.name)] + await _unlike_the_rules(system)
        # A count of refusals, or whatever else a timer adds, may come in between.
        if not wrong or await system.sizes() == before:
            break
    return wrong


async def _caught_up(system: System) -> bool:
    """Whether everything that each log holds is archived, and was looked at."""
    for log in LOGS:
        size = len(await system.leaves(log.name))
        row = (
            await system.ask(
                AUDIT.name,
                f"SELECT (SELECT count(*) FROM archive_entries WHERE log = '{log.name}') AS archived, "
                f"(SELECT max(last_idx) FROM archive_examined WHERE log = '{log.name}' AND rules = {exceptions.RULES}) AS looked",
            )
        )[0]
        if row["archived"] != size or (size and row["looked"] != size - 1):
            return False
    return True


async def _unlike_its_log(system: System, name: str) -> list[str]:
    """What the archive has of a log otherwise than the log itself: its entries, its tree, what differs and what stopped."""
    leaves = await system.leaves(name)
    archived = await system.ask(AUDIT.name, f"SELECT idx, leaf, leaf_hash FROM archive_entries WHERE log = '{name}' ORDER BY idx")
    found = []
    if [(row["idx"], bytes(row["leaf"])) for row in archived] != list(enumerate(leaves)):
        found.append(f"{name}: the archive has {len(archived)} entries, or others than the {len(leaves)} of the log")
    tiles = await system.ask(AUDIT.name, f"SELECT idx, hashes FROM archive_tiles WHERE log = '{name}' AND level = 0 ORDER BY idx")
    if b"".join(bytes(row["hashes"]) for row in tiles) != b"".join(map(leaf_hash, leaves)):
        found.append(f"{name}: the archive's tree is not over the entries of the log")
    differences = await system.ask(AUDIT.name, f"SELECT kind, first_idx, last_idx FROM archive_differences WHERE log = '{name}'")
    found += [f"{name}: the archive found {tuple(row.values())}, and nobody changed anything" for row in differences]
    if await system.ask(AUDIT.name, f"SELECT source FROM cursor WHERE source = '{name}' AND stopped IS NOT NULL"):
        found.append(f"{name}: its archiving stands still")
    return found


async def _unlike_the_rules(system: System) -> list[str]:
    """Exceptions that were lost, made up or kept twice, held against the logs by the rules alone."""
    zone, expected = ZoneInfo(MISSION.mission_time_zone), Counter[tuple[str, UUID]]()
    for log in LOGS:
        events = _seen(log.name, await system.leaves(log.name))
        approvals: dict[UUID, list[Approval]] = defaultdict(list)
        for one in events:
            if one.kind == exceptions.APPROVED:
                approvals[one.case_id].append(Approval(one.index, one.id, one.subject, one.case_id, one.at))
        for one in events:
            found = exceptions.exceptions_of(one, approvals[one.case_id], zone) if one.kind in exceptions.EXAMINED else ()
            expected.update((exception.kind, one.id) for exception in found if exception.kind in KINDS)
    kept = await system.ask(AUDIT.name, f"SELECT kind, id FROM archive_exceptions WHERE rules = {exceptions.RULES}")
    there = Counter((row["kind"], UUID(bytes=row["id"].bytes)) for row in kept)
    twice = [f"{kind} {id} is kept {times} times" for (kind, id), times in there.items() if times > 1]
    ours = Counter({one: times for one, times in there.items() if one[0] in KINDS})
    return twice + [f"{kind} {id} is lost or made up" for kind, id in sorted((expected - ours) | (ours - expected), key=str)]


def _seen(name: str, leaves: Iterable[bytes]) -> list[Seen]:
    told = [envelope_of(leaf) for leaf in leaves]
    return [
        Seen(
            name, index, UUID(one["id"]), one["type"], UUID(one["subject"]), UUID(one["partitionkey"]), datetime.fromisoformat(one["time"]),
            one["actorid"], frozenset(one["actorrole"].split(",")), one["data"],
        )
        for index, one in enumerate(told)
    ]  # fmt: skip
