"""Takes an export out of a running system: checkpoints and keys from the checkpointer, entries from the archive, by an order that is on record."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import httpx

from ops.audit import who_acted
from ops.audit.export import BESIDE, ExportFolder, LogFolder, Period
from ops.checkpointer.settings import LOG_NAMES
from ops.checkpoints import export_signer
from ops.identity.client import PersonaTokens
from ops.identity.settings import is_loopback_url
from ops.process import refused_by_system
from ops.reaching import TOKEN, stated_token
from ops.settings import CannotStart, OpsSettings
from ops.system import development_secret, read_addresses
from shared.outgoing import Outgoing
from shared.tlog.breaks import Break
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note, Signer
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import TILE_WIDTH, entries_in
from shared.tlog.trust import TrustPolicy
from shared.topology import AUDIT

# So many bundles are asked for at a time: few requests, and few entries in memory while the next ones are on their way.
BUNDLES_AT_A_TIME: Final = 20
# So many seconds are waited for an archive that is behind its log, for a witness, or for the next request that is allowed.
_PATIENCE: Final = 60
# Of whom the development provider gives a token, where nobody says one.
PERSONA: Final = "auditor"
_ZONE: Final = "AVRR_MISSION_TIME_ZONE"
# Where the archive and the checkpointer answer, if the system is not the one on this machine.
_ADDRESSES: Final = ("AVRR_AUDIT_URL", "AVRR_CHECKPOINTER_URL")


@dataclass(frozen=True, slots=True)
class Source:
    """Where an export is taken from, and by whose token, asked for before each request."""

    archive: str
    checkpointer: str
    token: Callable[[], Awaitable[str]]


def period_of(first: date, last: date) -> Period:
    """From the beginning of the first day to the end of the last, as the mission's time zone has them."""
    zone = ZoneInfo(os.environ.get(_ZONE, "Europe/Sarajevo"))
    return Period(datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone))


async def take_export(
    source: Source, folder: Path, period: Period, logs: Sequence[str], cases: Sequence[str], signer: Signer,
    say: Callable[[str], None], names: Mapping[str, str] | None = None, trusted: TrustPolicy | None = None,
) -> None:  # fmt: skip
    """Writes an export of these logs into the folder, or goes on with one that was cut off there.

    What is there already isn't fetched again: a bundle that is full never changes, and all of them are held to the
    checkpoint in the end. ``trusted`` is a policy that people gave, without which the checkpointer's own is taken. `CannotStart`
    says why there is no export; the folder has no manifest then.
    """
    _refuse_others_files(folder, logs)
    async with Outgoing(timeout=60, trust_env=False) as client:
        taking = _Taking(source, client)
        policy = trusted or await taking.policy()
        if signer.verifier_key not in policy.logs:
            raise CannotStart(
                "export_key_unknown",
                f"No auditor could check this export: the policy lacks the key of this machine. Add {signer.verifier_key} to the checkpointer's AVRR_EXPORT_KEYS.",
            )
        notes = {name: await taking.checkpoint(name) for name in logs}
        order = await taking.order(period, logs)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExportFolder(folder, policy, period, cases, names or {}) as export:
            # The tables tell of the logs in the order of their names, in which whoever checks them reads the logs.
            for name in sorted(logs):
                await _log(taking, export, order.id, name, notes[name], say)
                await _breaks(taking, export, order, name, Checkpoint.of(notes[name]), say)
                await _tails(taking, export, order, name, say)
            await asyncio.to_thread(export.finish, signer)


async def export_from_here(
    settings: OpsSettings, folder: Path, days: tuple[date, date], logs: Sequence[str], cases: Sequence[str],
    say: Callable[[str], None], staff: Path | None = None, policy: Path | None = None,
) -> None:  # fmt: skip
    """The same out of the system on this machine, or at the addresses of ``AVRR_AUDIT_URL`` and ``AVRR_CHECKPOINTER_URL``.

    It is signed with this machine's key for exports, made where there is none; `CannotStart` says why not, such as that the
    system's policy does not name that key. Whoever has a provider of their own says an access token of an auditor's in ``AVRR_TOKEN``. ``staff`` is a list of the
    mission's own, CSV with the columns ``id`` and ``name``, ``policy`` a file of trusted keys.
    """
    staff_names, trusted = _names(staff), _trusted(policy)
    if days[1] < days[0] or not {*logs} <= {*LOG_NAMES}:
        raise CannotStart("export_wrong", f"Say a last day that is not before the first, and of the logs {', '.join(LOG_NAMES)}.")
    source = _source(settings)
    names = [name for name in LOG_NAMES if name in logs or not logs]
    try:
        await take_export(source, folder, period_of(*days), names, cases, export_signer(settings), say, staff_names, trusted)
    except OSError as error:
        raise refused_by_system(error, "The export can't be written") from None


def _source(settings: OpsSettings) -> Source:
    given = stated_token()
    archive, checkpointer = (os.environ.get(name) for name in _ADDRESSES)
    if archive and checkpointer:
        if given is None:
            raise _nobody()
        elsewhere = given

        async def as_given() -> str:
            return elsewhere

        return Source(archive.rstrip("/"), checkpointer.rstrip("/"), as_given)
    found = read_addresses(settings)
    if given is None and not is_loopback_url(found.issuer):
        raise _nobody()
    tokens = PersonaTokens(found.issuer, development_secret(settings))

    async def token() -> str:
        return given or await tokens.token(PERSONA)

    return Source(found.services[AUDIT.name], found.checkpointer, token)


def _nobody() -> CannotStart:
    return CannotStart("token_missing", f"Say an access token of an auditor's in {TOKEN}, as ./avrr token prints one.")


def _names(staff: Path | None) -> Mapping[str, str]:
    if staff is None:
        return {}
    try:
        return who_acted.names_in(staff.read_text(encoding="utf-8-sig"))
    except PermissionError as error:
        raise refused_by_system(error, "The list of staff can't be read") from None
    except (OSError, ValueError):
        raise CannotStart("staff_unreadable", f"{staff} is no CSV with the columns id and name.") from None


def _trusted(policy: Path | None) -> TrustPolicy | None:
    try:
        return TrustPolicy.of(policy.read_text(encoding="utf-8")) if policy is not None else None
    except PermissionError as error:
        raise refused_by_system(error, "The file of trusted keys can't be read") from None
    except (OSError, UnicodeDecodeError, LogRefused):
        raise CannotStart("policy_wrong", f"{policy} is no file of trusted keys (C2SP tlog-policy).") from None


async def _log(
    taking: "_Taking", export: ExportFolder, order: str, name: str, note: Note, say: Callable[[str], None]
) -> None:  # fmt: skip
    try:
        log = export.log(name, note)
        try:
            held = await _written(taking, log, order, name, reuse=True)
        except LogRefused as refusal:
            if refusal.code != "log_unlike_checkpoint":
                raise
            # What an earlier run left here may be what is wrong: once more, with every entry from the archive.
            log.undo()
            log = export.log(name, note)
            held = await _written(taking, log, order, name, reuse=False)
    except LogRefused as refusal:
        raise CannotStart(refusal.code, f"{name}: {refusal}") from None
    say(f"{name}: {log.size} entries" + (f", of which {held} were there" if held else ""))


async def _written(taking: "_Taking", log: LogFolder, order: str, name: str, *, reuse: bool) -> int:
    """Writes a log; how many of its entries were there before."""
    width = TILE_WIDTH * BUNDLES_AT_A_TIME
    firsts = range(0, log.size, width)
    held = 0

    async def stretch(first: int) -> tuple[list[list[bytes]], bool]:
        end = min(first + width, log.size)
        if reuse:
            found = await asyncio.to_thread(_held, log, first, end)
            if found is not None:
                return found, True
        entries = entries_in(await taking.entries(order, name, first, end - first))
        if len(entries) != end - first:
            raise LogRefused("log_unlike_checkpoint", "The archive answered with another number of entries than were asked for.")
        return [entries[at : at + TILE_WIDTH] for at in range(0, len(entries), TILE_WIDTH)], False

    # The next ones come while these are hashed.
    coming = asyncio.create_task(stretch(0)) if firsts else None
    try:
        for first in firsts:
            assert coming is not None
            bundles, was_there = await coming
            coming = asyncio.create_task(stretch(first + width)) if first + width < log.size else None
            held += sum(map(len, bundles)) if was_there else 0
            await asyncio.to_thread(_add, log, bundles)
    finally:
        if coming is not None:
            coming.cancel()
    await asyncio.to_thread(log.finish)
    return held


async def _breaks(
    taking: "_Taking", export: ExportFolder, order: "_Order", name: str, said: Checkpoint, say: Callable[[str], None]
) -> None:  # fmt: skip
    """Adds where a log was set back, with what it lost as far as the archive has it: the archive may have been set back with it."""
    try:
        for generation in range(2, Origin.of(said.origin).generation + 1):
            proof = await taking.broken(name, generation)
            entries = await _apart(taking, order, f"{name}.{generation - 1}", proof.begun.old)
            await asyncio.to_thread(export.add_break, name, proof, entries)
            say(f"{name}: set back to {proof.begun.old} entries; {len(entries)} of those that it lost")
    except LogRefused as refusal:
        raise CannotStart(refusal.code, f"{name}: {refusal}") from None


async def _tails(taking: "_Taking", export: ExportFolder, order: "_Order", name: str, say: Callable[[str], None]) -> None:
    """Adds what the archive had taken of a log and nobody signed."""
    for tail, kept in order.tails.items():
        of, _, number = tail.partition(".t")
        if of == name:
            entries = await _apart(taking, order, tail, kept)
            await asyncio.to_thread(export.add_tail, name, int(number), entries)
            say(f"{name}: {len(entries)} entries that nobody signed, set apart behind {kept}")


async def _apart(taking: "_Taking", order: "_Order", name: str, kept: int) -> list[bytes]:
    """The entries of what was set apart from a log, of which so many were kept."""
    entries: list[bytes] = []
    while (first := kept + len(entries)) < (end := order.archived.get(name, 0)):
        found = entries_in(await taking.entries(order.id, name, first, min(TILE_WIDTH * BUNDLES_AT_A_TIME, end - first)))
        if not found:
            raise CannotStart("log_unlike_checkpoint", f"{name}: the archive answered with fewer entries than it has.")
        entries += found
    return entries


def _held(log: LogFolder, first: int, end: int) -> list[list[bytes]] | None:
    found: list[list[bytes]] = []
    for index in range(first // TILE_WIDTH, -(-end // TILE_WIDTH)):
        bundle = log.held(index)
        if bundle is None:
            return None
        found.append(bundle)
    return found


def _add(log: LogFolder, bundles: Sequence[Sequence[bytes]]) -> None:
    for bundle in bundles:
        log.add(bundle)


@dataclass(frozen=True, slots=True)
class _Order:
    """The id by which the entries are read, how many of each log are archived, and behind how many each tail of unsigned ones begins."""

    id: str
    archived: Mapping[str, int]
    tails: Mapping[str, int]


class _Taking:
    """The requests."""

    def __init__(self, source: Source, client: httpx.AsyncClient) -> None:
        self._source, self._client = source, client

    async def policy(self) -> TrustPolicy:
        """Whom the system says to trust."""
        answer = await self._get(f"{self._source.checkpointer}/policy")
        try:
            return TrustPolicy.of(answer.text)
        except LogRefused:
            raise CannotStart("policy_wrong", "The checkpointer's policy cannot be read.") from None

    async def checkpoint(self, name: str) -> Note:
        """The latest checkpoint of a log that the witnesses saw."""
        for _ in range(_PATIENCE):
            answer = await self._get(f"{self._source.checkpointer}/{name}/checkpoint")
            if answer.status_code == HTTPStatus.OK:
                return Note.of(answer.content)
            await asyncio.sleep(1)
        raise CannotStart("no_checkpoint", f"{name}: there is no checkpoint that a witness saw.")

    async def broken(self, name: str, generation: int) -> Break:
        """What proves how a log goes on that was set back."""
        answer = await self._get(f"{self._source.checkpointer}/{name}/breaks/{generation}")
        if answer.status_code != HTTPStatus.OK:
            raise CannotStart("break_missing", f"{name}: the checkpointer has nothing that proves how it goes on since it was set back.")
        return Break.of(answer.content)

    async def order(self, period: Period, logs: Sequence[str]) -> "_Order":
        """The order of an export, which is on record."""
        since, until = period.bounds
        answer = await self._of_archive("/v1/archive/export", {"since": since, "until": until, "log": list(logs)})
        told = answer.json()
        return _Order(str(told["id"]), told["archived"], told.get("tails", {}))

    async def entries(self, order: str, name: str, first: int, entries: int) -> bytes:
        """Entries of a log, each after its length."""
        asked = {"first": str(first), "entries": str(entries)}
        return (await self._of_archive(f"/v1/archive/exports/{order}/{name}", asked)).content

    async def _of_archive(self, path: str, asked: Mapping[str, str | list[str]]) -> httpx.Response:
        for _ in range(_PATIENCE):
            bearer = {"Authorization": f"Bearer {await self._source.token()}"}
            answer = await self._get(self._source.archive + path, bearer, asked)
            if answer.status_code == HTTPStatus.OK:
                return answer
            code, sentence = _problem(answer)
            wait = int(answer.headers.get("Retry-After", "0"))
            if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS and 0 < wait <= _PATIENCE:
                await asyncio.sleep(wait)
            elif code == "not_archived_yet":
                await asyncio.sleep(1)
            else:
                raise CannotStart(code, sentence)
        raise CannotStart("not_archived", "The archive does not come to the checkpoint: see its readiness.")

    async def _get(
        self, url: str, headers: Mapping[str, str] | None = None, asked: Mapping[str, str | list[str]] | None = None
    ) -> httpx.Response:
        try:
            return await self._client.get(url, headers=headers, params=asked)
        except httpx.TransportError:
            raise CannotStart("not_running", "The system does not answer: start it with ./avrr up first.") from None


def _problem(answer: httpx.Response) -> tuple[str, str]:
    try:
        said = answer.json()
        return str(said["code"]), str(said["detail"])
    except (ValueError, KeyError, TypeError):
        return "no_answer", f"The archive answered {answer.status_code}."


def _refuse_others_files(folder: Path, logs: Sequence[str]) -> None:
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    # What was being written when somebody was cut off is written anew.
    if found - {*BESIDE, *(f".{name}.part" for name in BESIDE), *LOG_NAMES}:
        raise CannotStart("folder_taken", "The folder holds something that is no export. Name a new one.")
    if found & {*LOG_NAMES} - {*logs}:
        raise CannotStart("folder_taken", "The folder holds an export of further logs. Name a new one.")
