"""`avrr keys`: which epochs wrap keys, and how an epoch ends, so that older copies of a database stay shut."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from ops.backup.keys_apart import copy_keys
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from ops.system import api_url, epochs_folder, owner_url, verify_url, worker_url
from services.counselling.birth_years import hash_years_anew, seal_first
from services.counselling.finding import hash_anew, hash_first
from services.reintegration.account_tokens import hash_accounts_anew, hash_former_anew
from services.reintegration.files import wrap_anew
from services.reintegration.paid_accounts import hash_released_anew
from shared.blind_index import FileIndexKeys, TransitIndexKeys
from shared.countries import ALPHA_2
from shared.db import Database, Scope, Sql, UnitOfWork
from shared.epochs import Epochs, EpochsAway, FileEpochs
from shared.outgoing import Outgoing
from shared.policy import ALL_SITES
from shared.private import KeysShut, PersonKeys
from shared.row_sealing import seal_anew
from shared.sealing import FileSeal, Unsealed
from shared.topology import COUNSELLING, LOGS, Service
from shared.transit import TransitEpochs
from shared.wiring import Wiring

_SCOPE: Final = Scope("operator", ALPHA_2, ALL_SITES)
_ERASING = Sql("SELECT count(*) AS persons FROM persons WHERE (erasure ->> 'status') = ANY (ARRAY['approved'])")
_NOW = Sql("SELECT clock_timestamp() AS now")
# Whoever wrapped a key under the former epoch read which one it is within a transaction that had begun before.
_UNDER_WAY = Sql(
    "SELECT count(*) AS transactions FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = current_user AND pid <> pg_backend_pid() AND xact_start < :begun"
)
_COUNTED = Sql("SELECT epoch, count(*) AS keys FROM person_keys GROUP BY epoch ORDER BY length(epoch), epoch")
_ROW_KEYS = Sql("SELECT epoch, count(*) AS keys FROM row_keys GROUP BY epoch ORDER BY length(epoch), epoch")
PATIENCE_SECONDS: Final = 120.0
_MOST_NAMED: Final = 5
# Another lock than those of relays and of turns; the number only has to be ours.
_ROTATION: Final = 7_261_945

Say = Callable[[str], None]
Copied = Callable[[], None]
# What each service hashes anew under a new key of its index, a part at a time; each says of how many, 0 once none is left.
_HASHING: Final[Mapping[str, Sequence[Callable[..., Awaitable[int]]]]] = {
    "counselling": (hash_anew, hash_years_anew), "reintegration": (hash_accounts_anew, hash_former_anew, hash_released_anew),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Logins:
    """One service's database by the logins that a rotation needs: its API's, its worker's, and its owner's."""

    api: Database
    worker: Database
    owner: Database


async def show_keys(settings: OpsSettings) -> list[str]:
    """One line for each service: its epoch, and how many keys each epoch wraps, of persons and of rows."""
    lines: list[str] = []
    for service in LOGS:
        async with _opened(settings, service) as (logins, epochs, _):
            current = await _asked(service, epochs.current())
            counted = await logins.api.attempt(_SCOPE, lambda unit: unit.rows(_COUNTED)) if service.seals_persons else []
            told = [f"epoch {row['epoch']} wraps {row['keys']} keys" for row in counted]
            of_rows = await logins.api.attempt(_SCOPE, lambda unit: unit.rows(_ROW_KEYS))
            told += [f"epoch {row['epoch']} wraps {row['keys']} keys of rows" for row in of_rows]
            lines.append(f"{service.name}: epoch {current} is current; {', '.join(told) or 'no keys'}")
    return lines


async def rotate_keys(settings: OpsSettings, say: Say) -> None:
    """Ends the present epoch of each service: a new one, all keys wrapped and all rows sealed anew, the former ones destroyed.

    What an older copy of a database holds of the persons who were erased since opens no more after this, and what it
    holds of others neither, but from the present keys. Can be run again after it ended at any moment. `CannotStart`
    while somebody's erasure was approved and not every service has confirmed it.
    """
    await _refuse_while_erasing(settings)
    copied = partial(copy_keys, settings)
    for service in LOGS:
        async with _opened(settings, service) as (logins, epochs, index):
            await rotate(service, logins, epochs, say, copied=copied)
            if service.finds_by:
                await rotate_index(service, logins.api, epochs, index, say, copied=copied)
            if service.kept_files:
                await _end_the_services_own_key(settings, service, logins.api, epochs, say)
    # Without those that were destroyed: the sets that still hold them end with what they open.
    copied()


def _nowhere() -> None:
    """Copies no keys."""


async def rotate(
    service: Service, logins: Logins, epochs: Epochs, say: Say, patience: float = PATIENCE_SECONDS, copied: Copied = _nowhere,
) -> None:  # fmt: skip
    """Ends the present epoch of one service; `CannotStart` while somebody else does, or if something does not open."""
    try:
        async with _alone(service, logins.owner):
            await _rotate(service, logins, epochs, say, patience, copied)
    except KeysShut as shut:
        which = "; ".join(f"person_id {person_id}, about {about}" for person_id, about in shut.which[:_MOST_NAMED])
        raise CannotStart(
            "key_does_not_open",
            f"{service.name}: {len(shut.which)} kept keys do not open, such as those of {which}. Nothing was destroyed. Look for each by "
            "both columns in person_keys of the copies from before. One that stands there is put back from them, since it is the only "
            "key to what is sealed under it, also where its person_id is neither a person nor a grant, as with payees of no person. One "
            "that stands in none, and under which nothing is sealed, was put in: as the owner of the tables delete it by both columns, "
            "since by person_id alone the person's own key goes too, and all that it opens.",
        ) from None
    except Unsealed:
        raise CannotStart(
            "does_not_open",
            f"{service.name}: something does not stand where it was sealed, ./avrr verify says what. Nothing was destroyed.",
        ) from None
    except EpochsAway:
        raise _away(service) from None


@contextlib.asynccontextmanager
async def _alone(service: Service, owner: Database) -> AsyncIterator[None]:
    """Lets no other rotation of the service begin: the one would delete the key under which the other has sealed."""
    connection = await asyncpg.connect(owner.url)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ROTATION):
            raise CannotStart("rotation_under_way", f"{service.name}: somebody else rotates its keys at this moment.")
        yield
    finally:
        await connection.close()


async def _rotate(
    service: Service, logins: Logins, epochs: Epochs, say: Say, patience: float, copied: Copied
) -> None:
    wiring: Wiring = import_module(f"{service.module}.wiring").WIRING
    aggregates = tuple(wiring.by_name.values())
    keys = logins.api.keys = logins.owner.keys = PersonKeys(service.name, epochs)
    former = await _asked(service, epochs.current())
    # Before, so that nothing begins where it cannot be copied, and behind, so that nothing is written under a key that is not.
    copied()
    current = await _asked(service, epochs.rotate())
    copied()
    newest = await logins.owner.attempt(_SCOPE, keys.rows.begin)
    begun, wrapped, sealed = await _now(logins.api), 0, 0
    for finished in (False, True):
        if finished:
            for login in (logins.api, logins.worker):
                await _ended(service, login, begun, patience)
        if service.seals_persons:
            wrapped += await _until_none(logins.api, keys.rewrap)
        sealed += await seal_anew(logins.owner, _SCOPE, service.name, aggregates)
    await logins.owner.attempt(_SCOPE, lambda unit: keys.rows.drop_former(unit, newest))
    await _asked(service, epochs.destroy(former))
    say(
        f"{service.name}: epoch {current}, {wrapped} keys wrapped and {sealed} rows sealed anew; epoch {former} and all before "
        "it are destroyed"
    )


async def rotate_index(
    service: Service, database: Database, epochs: Epochs, index: FileIndexKeys | TransitIndexKeys, say: Say,
    patience: float = PATIENCE_SECONDS, copied: Copied = _nowhere,
) -> None:  # fmt: skip
    """Changes the key by which one service finds what is sealed: by hashes in older copies nothing can be tried any more."""
    keys = database.keys = PersonKeys(service.name, epochs, index)
    former = await _asked(service, index.current())
    current = await _asked(service, index.rotate())
    copied()
    begun = await _now(database)
    if service == COUNSELLING:
        last: UUID | None = UUID(int=0)
        while last is not None:
            last = await database.attempt(_SCOPE, partial(hash_first, keys=keys, after=last))
        await _until_none(database, seal_first)
    hashed = 0
    for finished in (False, True):
        if finished:
            await _ended(service, database, begun, patience)
        for hash_some in _HASHING[service.name]:
            hashed += await _until_none(database, partial(hash_some, keys=keys))
    await _asked(service, index.destroy(former))
    say(f"{service.name}: index key {current}, {hashed} entries hashed anew; index key {former} is destroyed")


async def _now(database: Database) -> datetime:
    row = await database.attempt(_SCOPE, lambda unit: unit.row(_NOW))
    assert row is not None
    now: datetime = row["now"]
    return now


async def _ended(service: Service, database: Database, begun: datetime, patience: float) -> None:
    """Waits until no transaction is left that had begun before."""

    async def under_way(unit: UnitOfWork) -> int:
        found = await unit.row(_UNDER_WAY, begun=begun)
        return int(found["transactions"]) if found is not None else 0

    try:
        async with asyncio.timeout(patience):
            while True:
                if not await database.attempt(_SCOPE, under_way):
                    break
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise CannotStart(
            "still_in_use", f"{service.name}: a transaction from before the rotation does not end. Nothing was destroyed."
        ) from None


async def _end_the_services_own_key(
    settings: OpsSettings, service: Service, database: Database, epochs: Epochs, say: Say
) -> None:
    """Wraps files from before papers had keys of their own under those, then destroys the one key that opened all."""
    path = settings.secrets_folder / "files"
    if not path.exists():
        return
    seal = FileSeal(Secrets(settings.secrets_folder).key("files"))
    keys = PersonKeys(service.name, epochs)
    files = await _until_none(database, lambda unit: wrap_anew(unit, keys, seal))
    _shred(path)
    say(f"{service.name}: {files} files wrapped anew; the key that opened them all is destroyed")


async def _refuse_while_erasing(settings: OpsSettings) -> None:
    database = Database(verify_url(settings, COUNSELLING), "avrr-keys", 1)
    await database.open()
    try:
        row = await database.attempt(_SCOPE, lambda unit: unit.row(_ERASING))
    except (OSError, asyncpg.PostgresError):
        raise CannotStart("not_running", "The database does not answer: start it with ./avrr up first.") from None
    finally:
        await database.close()
    if row is not None and row["persons"]:
        raise CannotStart(
            "erasure_under_way",
            f"{row['persons']} approved erasures are not complete: wait until every service has confirmed them.",
        )


async def _until_none(database: Database, work: Callable[[UnitOfWork], Awaitable[int]]) -> int:
    total = 0
    while found := await database.attempt(_SCOPE, work):
        total += found
    return total


@contextlib.asynccontextmanager
async def _opened(
    settings: OpsSettings, service: Service
) -> AsyncIterator[tuple[Logins, Epochs, FileIndexKeys | TransitIndexKeys]]:
    urls = (url(settings, service) for url in (api_url, worker_url, owner_url))
    logins = Logins(*(Database(url, "avrr-keys", 2) for url in urls))
    async with contextlib.AsyncExitStack() as stack:
        for login in (logins.api, logins.worker, logins.owner):
            await login.open()
            stack.push_async_callback(login.close)
        epochs, index = await stack.enter_async_context(epochs_of(settings, service))
        yield logins, epochs, index


@contextlib.asynccontextmanager
async def epochs_of(
    settings: OpsSettings, service: Service
) -> AsyncIterator[tuple[Epochs, FileIndexKeys | TransitIndexKeys]]:
    """Who holds the keys of a service's epochs and of its index: a vault, if the variables name one, else the data folder."""
    url, token_file = os.environ.get("AVRR_TRANSIT_URL"), os.environ.get("AVRR_TRANSIT_TOKEN_FILE")
    if url and token_file:
        async with Outgoing(trust_env=False, follow_redirects=False) as client:
            held = (client, url, service.name, Path(token_file))
            yield TransitEpochs(*held), TransitIndexKeys(*held)
    else:
        folder = epochs_folder(settings, service)
        yield FileEpochs(folder), FileIndexKeys(folder)


async def _asked(service: Service, question: Awaitable[str | None]) -> str:
    try:
        return await question or ""
    except EpochsAway:
        raise _away(service) from None


def _away(service: Service) -> CannotStart:
    return CannotStart("epochs_away", f"{service.name}: whoever holds the keys of its epochs does not answer.")


def _shred(path: Path) -> None:
    with path.open("r+b", buffering=0) as file:
        file.write(os.urandom(path.stat().st_size))
        os.fsync(file.fileno())
    path.unlink()
