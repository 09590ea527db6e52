"""What earlier restores lost, as their lists kept it: a database that is set back once more has forgotten what followed from them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from ops.settings import CannotStart, OpsSettings
from shared.db import Sql, UnitOfWork
from shared.set_back import Mark
from shared.tlog.tree import leaf_hash
from shared.topology import Service

FOLDER: Final = "restored"
# A restore that was opened has put what it lost before finance and erased anew: the database knows of it. One whose
# acceptance ended before that (`shared.set_back.mark`) has not.
_OPENED = Sql("SELECT id FROM restored WHERE opened_at <> accepted_at")
_ACCEPTED = Sql("SELECT id FROM restored WHERE accepted_at IS NOT NULL")
# What was lost before may stand in what is restored now.
_STANDS = Sql("SELECT idx, leaf_hash FROM event_log WHERE idx = ANY (cast(:idx AS bigint[]))")


@dataclass(frozen=True, slots=True)
class Kept:
    """What one list kept of a log: the entries that it lists by their places, and those besides, which others hold or held there."""

    lost: Mapping[int, bytes]
    also: Sequence[tuple[int, bytes]]


def folder_of(settings: OpsSettings, mark: UUID) -> Path:
    """Where the lists of one restore are kept."""
    return settings.data_folder / FOLDER / str(mark)


def kept_in(folder: Path, service: str) -> Kept:
    """What a list kept below this folder, each entry as its hash says; nothing where there is none.

    `CannotStart` names the folder where the list cannot be read, or an entry that it lists is not there as it was: what was lost
    once is not forgotten in silence. Lines that it does not list, as of a list that was about to be written, are left out.
    """
    try:
        told = json.loads((folder / f"{service}.json").read_bytes())
        leaves = {leaf_hash(leaf).hex(): leaf for file in folder.glob(f"{service}*.ndjson") for leaf in file.read_bytes().split(b"\n")}
        lost, also = ([(int(one["index"]), leaves[one["leaf_hash"]]) for one in told.get(kind, [])] for kind in ("lost", "also"))
        return Kept(dict(lost), also)
    except FileNotFoundError:
        return Kept({}, ())
    except (ValueError, LookupError, TypeError, AttributeError):
        raise CannotStart(
            "kept_list_broken",
            f"What an earlier restore lost of {service} is not kept whole in {folder}: put its files back from a copy, or move the folder away "
            "once two persons know that what it lists is forgotten with it.",
        ) from None


async def kept_of_others(settings: OpsSettings, unit: UnitOfWork, service: Service, waits: Mark) -> Sequence[tuple[int, bytes]]:
    """What lists of other restores kept of a log that its database neither has nor has dealt with, by place."""
    opened = {str(row["id"]) for row in await unit.rows(_OPENED)}
    lists = await asyncio.to_thread(_lists, settings, service.name)
    # What an opened restore listed besides its own is dealt with as well.
    done = {entry for name, entries in lists.items() if name in opened for entry in entries}
    found = [entry for name, entries in lists.items() if name not in opened | {str(waits.id)} for entry in entries if entry not in done]
    standing = {row["idx"]: bytes(row["leaf_hash"]) for row in await unit.rows(_STANDS, idx=[idx for idx, _ in found])}
    return [(idx, leaf) for idx, leaf in found if standing.get(idx) != leaf_hash(leaf)]


async def kept_of_accepted(settings: OpsSettings, unit: UnitOfWork, service: Service) -> Sequence[tuple[int, bytes]]:
    """What lists kept of a log that two persons accepted as lost, as far as its database knows of it, by place."""
    accepted = {str(row["id"]) for row in await unit.rows(_ACCEPTED)}
    lists = await asyncio.to_thread(_lists, settings, service.name)
    return [entry for name, entries in lists.items() if name in accepted for entry in entries]


def _lists(settings: OpsSettings, service: str) -> dict[str, list[tuple[int, bytes]]]:
    """Every entry that some list of this service's log kept, under the name of its folder."""
    found = {folder.name: kept_in(folder, service) for folder in sorted((settings.data_folder / FOLDER).glob("*/"))}
    return {name: [*kept.lost.items(), *kept.also] for name, kept in found.items()}
