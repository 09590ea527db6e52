"""Streams and cursors after a log goes on from where it was set back to: everybody follows what is there now."""

from collections.abc import Sequence

from ops.after_restore import sources
from ops.after_restore.listing import Losses
from ops.operating import operator_provision
from ops.settings import OpsSettings
from shared import dead_letters
from shared.db import Sql
from shared.topology import BY_NAME

_PLACE = Sql("SELECT last_idx FROM cursor WHERE source = :source")
_HASH = Sql("SELECT leaf_hash FROM event_log WHERE idx = :idx")


async def follow_anew(settings: OpsSettings, losses: Losses) -> Sequence[str]:
    """Makes the stream anew, sets those who follow it back to the last entry that was kept, and lets the service follow others
    from its own cursors; says what was set back.

    The service's relay rests meanwhile, so that the stream stays empty until every cursor stands. What followers made of lost
    entries are facts, and stay. Done again it changes nothing.
    """
    service, kept = BY_NAME[losses.service], losses.mark.kept
    async with operator_provision(settings) as provision:
        await provision.rebuild(service.stream)
    said: list[str] = []
    async with sources.database_of(settings, service) as origin, origin.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        last = await unit.row(_HASH, idx=kept - 1)
    for follower in sources.followers_of(service):
        if follower.archives:
            continue
        async with sources.database_of(settings, follower) as database:
            place = await database.alone(_PLACE, source=service.name)
            if place is not None and place["last_idx"] >= kept:
                await dead_letters.step_back(database, service.name, kept - 1, bytes(last["leaf_hash"]) if last is not None else b"")
                said.append(f"{follower.name} had taken {place['last_idx'] + 1} entries of {service.name} and goes on after {kept}")
    async with operator_provision(settings) as provision:
        await provision.begin_again(service)
    return said
