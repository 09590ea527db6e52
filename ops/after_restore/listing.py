"""The list of what a database that was set back has lost: every entry that stream or archive still have, and how many nobody has."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from ops.after_restore import sources
from ops.after_restore.earlier import folder_of, kept_in, kept_of_accepted, kept_of_others
from ops.settings import OpsSettings
from shared.db import Database, Sql
from shared.durable_files import write_durably
from shared.messages import Envelope
from shared.set_back import Mark, mark, marked
from shared.tlog.tree import Frontier, leaf_hash
from shared.topology import LOGS, Service

_KEPT = Sql("SELECT leaf_hash FROM event_log WHERE idx >= :first AND idx < :end ORDER BY idx")
_LAST_KEPT = Sql("SELECT time FROM event_log WHERE idx < :end ORDER BY idx DESC LIMIT 1")
_HEAD = Sql("SELECT size FROM log_head")
_SINCE = Sql("SELECT idx, leaf_hash FROM event_log WHERE idx >= :first")
_AT_A_TIME: Final = 10_000
# What is done again before anybody is let in.
_ERASES: Final = ("avrr.counselling.person.erasure_approved.v1", "avrr.returns.person.erased.v1", "avrr.reintegration.person.erased.v1")


@dataclass(frozen=True, slots=True)
class Lost:
    """One entry that was lost: its place in the former log, its bytes, and what they say of themselves."""

    idx: int
    leaf: bytes
    envelope: Envelope

    @property
    def told(self) -> dict[str, object]:
        """What is listed of it: ids, type and time."""
        found = self.envelope
        return {
            "index": self.idx, "id": str(found.id), "type": found.type, "subject": str(found.subject),
            "time": found.time.isoformat(), "leaf_hash": leaf_hash(self.leaf).hex(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Losses:
    """What is known of one log that was set back.

    ``kept_until`` is when the last entry was recorded that it kept. ``root`` is that of the tree over what was kept. ``disagreeing``
    are indexes at which stream and archive hold different entries: of these the archive's are listed. ``unreadable`` are entries
    that are no event of this service. ``followers`` are how many entries each follower had taken, ``unasked``
    names who did not answer. ``also`` was lost as well: what stream or an earlier list hold at places at which another entry is listed,
    and what earlier restores lost of which this database does not know either.
    """

    service: str
    mark: Mark
    root: str
    kept_until: datetime | None
    known: int
    lost: tuple[Lost, ...]
    disagreeing: tuple[int, ...]
    unreadable: tuple[int, ...]
    followers: Mapping[str, int]
    unasked: tuple[str, ...] = ()
    also: tuple[Lost, ...] = ()

    @property
    def entries(self) -> tuple[Lost, ...]:
        """Each entry of which the database knows nothing, once, in the order in which they were recorded."""
        once = {one.envelope.id: one for one in (*self.also, *self.lost)}
        return tuple(sorted(once.values(), key=lambda one: (one.envelope.time, one.idx)))

    @property
    def unknown(self) -> int:
        """How many entries were lost of which nobody has more than that they were there."""
        return max(self.known - self.mark.kept - len(self.lost), 0)

    @property
    def content(self) -> dict[str, object]:
        """The list, the same as often as it is made of the same."""
        return {
            "service": self.service, "restore": str(self.mark.id), "kept": self.mark.kept, "root": self.root, "known": self.known,
            "unknown": self.unknown, "disagreeing": list(self.disagreeing), "unreadable": list(self.unreadable),
            "lost": [one.told for one in self.lost], "also": [one.told for one in self.also],
        }  # fmt: skip

    @property
    def sha256(self) -> str:
        """What stands for the list in the log."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()


async def losses_of(settings: OpsSettings, service: Service) -> Losses | None:
    """What a service's log lost, or None if its database does not wait for people."""
    # What was signed first, the log's size afterwards: the log only grows.
    covered = await sources.signed(settings, service)
    async with sources.database_of(settings, service) as database:
        waits = await marked(database)
        if waits is None:
            return None
        if not waits.accepted and covered is not None and covered > await _size(database):
            # Noted at once: what is accepted of this log grows it, and is signed like all else, without being of what was lost.
            waits = await mark(database, service.name, covered, "checkpointer") or waits
        root, kept_until = await _kept(database, waits.kept)
        async with database.unit_of_work(sources.SCOPE, snapshot=True) as unit:
            others = await kept_of_others(settings, unit, service, waits)
            since = {row["idx"]: bytes(row["leaf_hash"]) for row in await unit.rows(_SINCE, first=waits.kept)}
    streamed = await sources.in_stream(settings, service, waits.kept)
    archived = await sources.in_archive(settings, service, waits.kept)
    followers = await sources.followed(settings, service)
    # What stands in the log is not lost, such as the acceptance of an earlier restore to which it was set back.
    from_stream, from_archive = (
        {idx: leaf for idx, leaf in one.leaves.items() if since.get(idx) != leaf_hash(leaf)} if one is not None else {}
        for one in (streamed, archived)
    )
    # What an earlier list of the same kept: the stream may have been made anew since.
    before = await asyncio.to_thread(kept_in, folder_of(settings, waits.id), service.name)
    found = {**before.lost, **from_stream, **from_archive}
    lost, unreadable = _read(service, found.items())
    also, _ = _read(service, [*others, *before.also, *_besides(found, before.lost, from_stream)])
    sizes = [waits.known, *followers.values(), *(one.size for one in (streamed, archived) if one is not None)]
    return Losses(
        service.name, waits, root, kept_until, max(sizes), lost,
        tuple(idx for idx in sorted(from_stream.keys() & from_archive.keys()) if from_stream[idx] != from_archive[idx]),
        unreadable, followers,
        tuple(name for name, one in (("stream", streamed), ("archive", archived)) if one is None), _once(also, lost),
    )  # fmt: skip


async def lost_once(settings: OpsSettings, service: Service) -> tuple[Lost, ...]:
    """What two persons accepted that a service's log lost, also by restores that it was opened after."""
    async with sources.database_of(settings, service) as database, database.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        kept = await kept_of_accepted(settings, unit, service)
    return _read(service, kept)[0]


async def all_losses(settings: OpsSettings) -> list[Losses]:
    """What was lost of each log whose database waits for people."""
    found = [await losses_of(settings, service) for service in LOGS]
    return [one for one in found if one is not None]


async def keep(settings: OpsSettings, losses: Losses) -> Path:
    """Writes the list and every lost entry byte for byte below the data folder, before anything is accepted of it.

    Once the stream is made anew, what the archive does not have stands nowhere else.
    """
    folder = folder_of(settings, losses.mark.id)

    def write() -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # All leaves in one file and the list of them last: whatever breaks this off, each entry that a list names is there.
        leaves = [one.leaf for one in (*losses.lost, *losses.also)]
        write_durably(folder / f"{losses.service}.ndjson", b"".join(leaf + b"\n" for leaf in leaves))
        write_durably(folder / f"{losses.service}.json", json.dumps(losses.content, indent=1).encode() + b"\n")

    await asyncio.to_thread(write)
    return folder / f"{losses.service}.json"


def sentences(losses: Losses) -> Sequence[str]:
    """What people read of a list: how much, of when, and what kinds of facts."""
    waits = losses.mark
    how_much = f"{len(losses.lost)} of the lost are known, {losses.unknown} are not"
    lines = [f"{losses.service}: set back to {waits.kept} of {losses.known} entries, found by the {waits.finder}; {how_much}"]
    if losses.kept_until is not None and losses.lost:
        last = losses.lost[-1].envelope.time
        lines.append(f"  lost is what was recorded between {losses.kept_until:%Y-%m-%d %H:%M:%S} and {last:%Y-%m-%d %H:%M:%S} UTC")
    kinds = Counter(one.envelope.type for one in losses.entries)
    lines += [f"  {count:6} {kind}" for kind, count in sorted(kinds.items())]
    if losses.also:
        lines.append(f"  {len(losses.also)} of these were lost at the same places, or by earlier restores that this database does not know")
    erasures = sum(one.envelope.type in _ERASES for one in losses.also)
    if erasures:
        lines.append(f"  of these {erasures} erase persons again once two accept this, which nobody can take back")
    lines += [f"  {name} had taken {size} entries" for name, size in losses.followers.items() if size > waits.kept]
    lines += [f"  the {name} does not answer, and may know more" for name in losses.unasked]
    if losses.disagreeing:
        lines.append(f"  stream and archive hold different entries at {', '.join(map(str, losses.disagreeing[:20]))}: the archive's are listed")
    if losses.unreadable:
        lines.append(f"  no events of this service stand at {', '.join(map(str, losses.unreadable[:20]))}")
    return lines


def _besides(found: Mapping[int, bytes], *held: Mapping[int, bytes]) -> list[tuple[int, bytes]]:
    return [(idx, leaf) for one in held for idx, leaf in one.items() if found[idx] != leaf]


def _once(also: Sequence[Lost], lost: Sequence[Lost]) -> tuple[Lost, ...]:
    listed = {one.envelope.id for one in lost}
    return tuple({one.envelope.id: one for one in also if one.envelope.id not in listed}.values())


async def _size(database: Database) -> int:
    row = await database.alone(_HEAD)
    assert row is not None
    return int(row["size"])


async def _kept(database: Database, kept: int) -> tuple[str, datetime | None]:
    frontier = Frontier()
    async with database.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        for first in range(0, kept, _AT_A_TIME):
            for row in await unit.rows(_KEPT, first=first, end=min(kept, first + _AT_A_TIME)):
                frontier.append(bytes(row["leaf_hash"]))
        last = await unit.row(_LAST_KEPT, end=kept)
    return frontier.root().hex(), last["time"] if last is not None else None


def _read(service: Service, leaves: Iterable[tuple[int, bytes]]) -> tuple[tuple[Lost, ...], tuple[int, ...]]:
    lost: list[Lost] = []
    unreadable: list[int] = []
    for idx, leaf in sorted(leaves):
        try:
            envelope = Envelope.model_validate_json(leaf)
        except ValidationError:
            unreadable.append(idx)
            continue
        if envelope.source == f"urn:avrr:{service.name}":
            lost.append(Lost(idx, leaf, envelope))
        else:
            unreadable.append(idx)
    return tuple(lost), tuple(unreadable)


def subjects(lost: Sequence[Lost], kind: str) -> list[UUID]:
    """Whom or what the lost facts of one kind were about, each once, in order."""
    return list(dict.fromkeys(one.envelope.subject for one in lost if one.envelope.type == kind))
