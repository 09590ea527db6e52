"""What is done after a restore is what two persons accepted: the entries by which it works are those of the list that they accepted."""

import asyncio
import hashlib
import json
from typing import Final

from ops.after_restore import sources
from ops.after_restore.earlier import folder_of, kept_in
from ops.after_restore.listing import Losses
from ops.settings import CannotStart, OpsSettings
from shared.db import Database, Sql
from shared.tlog.tree import leaf_hash

_ACCEPTED: Final = Sql("SELECT list_sha256 FROM restores WHERE id = :id AND accepted_at IS NOT NULL")


async def refuse_what_nobody_accepted(settings: OpsSettings, database: Database, losses: Losses) -> None:
    """Refuses to work by entries that are not those of the accepted list, as after a second restore, or where that list is not here.

    Which entries there are is compared, and nothing else: who disagrees about them, and who still has them, changes by what is
    done after an acceptance. `CannotStart` says how two persons accept anew.
    """
    async with database.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        row = await unit.row(_ACCEPTED, id=losses.mark.id)
    listed = await asyncio.to_thread(_listed, settings, losses, row["list_sha256"] if row is not None else None)
    if listed is None:
        raise CannotStart(
            "accepted_list_gone",
            f"{losses.service}: the list that two persons accepted is not in {folder_of(settings, losses.mark.id)} as they accepted it. "
            f"Put it back from a copy, or have two persons accept anew. {_anew(losses)}",
        )
    others = len(listed ^ {leaf_hash(one.leaf) for one in (*losses.lost, *losses.also)})
    if others:
        raise CannotStart(
            "accepted_other_entries",
            f"{losses.service}: what is known to be lost is not what two persons accepted, by {others} entries, as after a second restore. "
            f"Nothing was done. {_anew(losses)}",
        )


def _anew(losses: Losses) -> str:
    return f"To accept anew: ./avrr restored mark --service {losses.service}, then ./avrr restored list, and each of two ./avrr restored accept."


def _listed(settings: OpsSettings, losses: Losses, sha256: str | None) -> set[bytes] | None:
    """The hashes of the entries on the list that has this hash, None where that is not the list that is kept."""
    folder = folder_of(settings, losses.mark.id)
    try:
        content = json.loads((folder / f"{losses.service}.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest() != sha256:
        return None
    kept = kept_in(folder, losses.service)
    return {leaf_hash(leaf) for _, leaf in (*kept.lost.items(), *kept.also)}
