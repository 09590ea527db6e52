"""Checkpoints in a system on one machine: who signs and who sees them, by which keys, and what they say at the moment."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from ops import databases
from ops.audit.export import EXPORT_KEY_SUFFIX
from ops.checkpointer.app import LATE_AFTER
from ops.checkpointer.keys import LogKeys, known
from ops.checkpointer.settings import DEFAULT_PORT, LOG_NAMES, log_url_variable, witnesses_in
from ops.children import Child
from ops.process import refused_by_system
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.witness import settings as witness
from shared import topology
from shared.outgoing import Outgoing
from shared.tlog.checkpoints import Origin
from shared.tlog.notes import ED25519, Note, Signer, VerifierKey
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy

PORTS: Final[Mapping[str, int]] = {"checkpointer": DEFAULT_PORT, "witness": witness.DEFAULT_PORT}
_OURS: Final = "ours"
# No two clocks go quite alike: a witness's may be so far from that of whoever looks.
CLOCKS_APART: Final = 60.0
# The last of the year 9999, behind which no calendar goes.
_LAST_SECOND: Final = 253_402_300_799


def checkpointer_url(running: Running) -> str:
    """Where the checkpointer tells the latest checkpoints."""
    return f"http://127.0.0.1:{running.ports['checkpointer']}"


def log_keys(settings: OpsSettings) -> LogKeys:
    """The keys of the logs of a system on one machine."""
    return LogKeys(settings.secrets_folder / "checkpointer", settings.logs_origin)


def export_signer(settings: OpsSettings) -> Signer:
    """Who signs exports of a system on one machine."""
    return Signer.of(f"{settings.logs_origin}{EXPORT_KEY_SUFFIX}", ED25519, Secrets(settings.secrets_folder).key("exports"))


def checkpoint_children(running: Running, passwords: Mapping[str, str], log_level: str) -> list[Child]:
    """The checkpointer, and the witness of ours if no others are named; each with its keys and its memory in a folder of its own.

    Both count as ready once they answer: a log that is refused, or a witness that is away, keeps nobody from their work.
    `CannotStart` where the witnesses cannot be meant.
    """
    settings = running.settings
    keys, folder = log_keys(settings), settings.data_folder / "witness"
    today = datetime.now(UTC).date()
    of_logs = [key for log in LOG_NAMES for key in known(keys.of(log, today))]
    seen_by, children = settings.witnesses or "", []
    if settings.witness_is_ours:
        name, url = f"witness.{settings.logs_origin}", f"http://127.0.0.1:{running.ports['witness']}"
        seen_by = seen_by_ours(settings, witness.signer_in(folder, name).verifier_key, url)
        children.append(_witness(folder, name, of_logs, url))
    witnesses_in(seen_by)
    told = {
        "AVRR_PORT": str(running.ports["checkpointer"]),
        "AVRR_LOG_LEVEL": log_level,
        "AVRR_CHECKPOINTER_FOLDER": str(settings.data_folder / "checkpointer"),
        "AVRR_CHECKPOINTER_KEYS": str(settings.secrets_folder / "checkpointer"),
        "AVRR_LOGS_ORIGIN": settings.logs_origin,
        "AVRR_WITNESSES": seen_by,
        "AVRR_EXPORT_KEYS": str(export_signer(settings).verifier_key),
    }
    for service in topology.LOGS:
        told[log_url_variable(service.name)] = databases.logins(running.postgres, service, passwords).checkpoint
    alive = f"{checkpointer_url(running)}/healthz"
    children.append(Child("checkpointer", (sys.executable, "-m", "ops.checkpointer"), told, ready_url=alive))
    return children


def seen_by_ours(settings: OpsSettings, key: VerifierKey, url: str) -> str:
    """The witness of ours, of whom this is asked, as a checkpointer is told of it, and the former ones that are named."""
    return f"witness {_OURS} {key} {url}, quorum {_OURS}, {settings.witnesses or ''}"


def _witness(folder: Path, name: str, keys: list[witness.KnownKey], url: str) -> Child:
    told = {
        "AVRR_PORT": url.rpartition(":")[2], "AVRR_WITNESS_FOLDER": str(folder), "AVRR_WITNESS_NAME": name,
        "AVRR_LOG_KEYS": " ".join(map(str, keys)),
    }  # fmt: skip
    return Child("witness", (sys.executable, "-m", "ops.witness"), told, ready_url=f"{url}/healthz")


def rotate_log_keys(settings: OpsSettings) -> list[str]:
    """Gives each log a new key, for the next start; what to tell whoever trusts the former ones alone.

    `CannotStart` where the logs' keys are not here: those that were made here would sign nothing.
    """
    if not (settings.secrets_folder / "checkpointer").is_dir():
        raise CannotStart("no_checkpointer_here", "The keys of the logs are not here. In the checkpointer's container: python -m ops.checkpointer rotate.")
    keys, today = log_keys(settings), datetime.now(UTC).date()
    keys.rotate(LOG_NAMES, today)
    return [f"log {keys.of(log, today)[-1].signer.verifier_key}" for log in LOG_NAMES]


async def trusted_keys(url: str) -> str:
    """The policy of the checkpointer at this address, for whoever is to trust it; `CannotStart` if it does not answer."""
    async with Outgoing(timeout=10, trust_env=False) as client:
        return (await _asked(client, f"{url}/policy")).text


async def latest(url: str, trusted: Path | None, now: Callable[[], datetime]) -> tuple[list[str], bool]:
    """A line for each log, with its latest checkpoint and who saw it, and whether all is well (`shown`).

    ``trusted`` is the file of a policy that was given apart from the system; without it the checkpointer's own is taken, and then the
    lines prove nothing about whose they are. `CannotStart` if the checkpointer does not answer, or the policy cannot be read.
    """
    async with Outgoing(timeout=10, trust_env=False) as client:
        try:
            policy = TrustPolicy.of(trusted.read_text("utf-8") if trusted else (await _asked(client, f"{url}/policy")).text)
        except PermissionError as error:
            raise refused_by_system(error, "The file of trusted keys can't be read") from None
        except (OSError, UnicodeDecodeError, LogRefused):
            raise CannotStart("policy_wrong", "The policy cannot be read.") from None
        state = (await _asked(client, f"{url}/readyz")).json()
        answers = {log: await _asked(client, f"{url}/{log}/checkpoint") for log in LOG_NAMES}
    notes = {log: answer.content if answer.status_code == HTTPStatus.OK else None for log, answer in answers.items()}
    return shown(notes, policy, now(), state["logs"], state.get("doubts", {}))


def shown(
    notes: Mapping[str, bytes | None], policy: TrustPolicy, now: datetime, wrong: Mapping[str, Mapping[str, str]],
    doubts: Mapping[str, Mapping[str, str]],
) -> tuple[list[str], bool]:  # fmt: skip
    """A line for each log of the note that was told as its checkpoint, None where none was, and whether all is well.

    It is where each is believed, is its own log's, was seen by a witness just now, and is of one house with the others; and where
    whoever signs says that nothing is ``wrong`` with it and no witness ``doubts`` it.
    """
    told = [_told(log, note, policy, now) for log, note in notes.items()]
    lines: list[str] = []
    faults = 0
    for log, one in zip(notes, told, strict=True):
        against = [*one.faults, *_wrong(wrong.get(log)), *(f"{name}: {code}" for name, code in doubts.get(log, {}).items())]
        lines.append(f"{log}: " + "; ".join((*([one.said] if one.said else []), *against)))
        faults += len(against)
    if len(houses := sorted({one.house for one in told if one.house is not None})) > 1:
        lines.append(f"These logs are not of one house: {', '.join(houses)}")
    return lines, not faults and len(houses) <= 1


@dataclass(frozen=True, slots=True)
class _Told:
    """What a note says, of which house it is, and what speaks against it; nothing is said by what is not believed."""

    said: str
    house: str | None
    faults: tuple[str, ...]


def _told(log: str, note: bytes | None, policy: TrustPolicy, now: datetime) -> _Told:
    if note is None:
        return _Told("", None, ("no checkpoint yet",))
    try:
        signed = Note.of(note)
        said = policy.checked(signed)
    except LogRefused as refusal:
        return _Told("", None, (f"not to be trusted: {refusal}",))
    names = {key: name for name, key in policy.witnesses.items()}
    seen = {names[key]: at for key, at in signed.signed_by(names).items() if at is not None}
    by = ", ".join(f"seen by {name} at {_moment(at)}" for name, at in seen.items()) or "seen by nobody"
    origin = Origin.of(said.origin)
    faults: list[str] = []
    if origin.log != log:
        faults.append("this is the checkpoint of another log")
    # Of several witnesses the clock of one may be wrong; another's word is enough.
    if not any(-CLOCKS_APART <= now.timestamp() - at <= LATE_AFTER + CLOCKS_APART for at in seen.values()):
        faults.append("no witness says that it saw it just now")
    line = f"{said.origin}, {said.size} entries, root {signed.text.splitlines()[2]}, {by}"
    return _Told(line, origin.family.rpartition("/")[0], tuple(faults))


def _wrong(state: Mapping[str, str] | None) -> list[str]:
    if state is None:
        return []
    return [state["code"] + (f": {state['found']}" if "found" in state else "")]


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(min(seconds, _LAST_SECOND), UTC):%Y-%m-%d %H:%M:%S} UTC"


async def _asked(client: httpx.AsyncClient, url: str) -> httpx.Response:
    try:
        return await client.get(url)
    except httpx.TransportError:
        raise CannotStart("not_running", "The checkpointer does not answer: start it with ./avrr up first.") from None
