"""Checkpoints in a system on one machine: who signs and who sees them, by which keys, and what they say at the moment."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from ops import databases
from ops.audit.export import EXPORT_KEY_SUFFIX
from ops.checkpointer.keys import LogKeys, known
from ops.checkpointer.settings import DEFAULT_PORT, LOG_NAMES, log_url_variable
from ops.children import Child
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.witness import settings as witness
from shared import topology
from shared.outgoing import Outgoing
from shared.tlog.notes import ED25519, Note, Signer
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy

PORTS: Final[Mapping[str, int]] = {"checkpointer": DEFAULT_PORT, "witness": witness.DEFAULT_PORT}
_OURS: Final = "ours"


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
    """
    settings = running.settings
    keys, folder = log_keys(settings), settings.data_folder / "witness"
    today = datetime.now(UTC).date()
    of_logs = [key for log in LOG_NAMES for key in known(keys.of(log, today))]
    seen_by, children = settings.witnesses, []
    if seen_by is None:
        name, url = f"witness.{settings.logs_origin}", f"http://127.0.0.1:{running.ports['witness']}"
        seen_by = f"witness {_OURS} {witness.signer_in(folder, name).verifier_key} {url}, quorum {_OURS}"
        children.append(_witness(folder, name, of_logs, url))
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


def _witness(folder: Path, name: str, keys: list[witness.KnownKey], url: str) -> Child:
    told = {
        "AVRR_PORT": url.rpartition(":")[2], "AVRR_WITNESS_FOLDER": str(folder), "AVRR_WITNESS_NAME": name,
        "AVRR_LOG_KEYS": " ".join(map(str, keys)),
    }  # fmt: skip
    return Child("witness", (sys.executable, "-m", "ops.witness"), told, ready_url=f"{url}/healthz")


def rotate_log_keys(settings: OpsSettings) -> list[str]:
    """Gives each log a new key, for the next start; what to tell whoever trusts the former ones alone."""
    keys, today = log_keys(settings), datetime.now(UTC).date()
    keys.rotate(LOG_NAMES, today)
    return [f"log {keys.of(log, today)[-1].signer.verifier_key}" for log in LOG_NAMES]


async def trusted_keys(url: str) -> str:
    """The policy of the checkpointer at this address, for whoever is to trust it; `CannotStart` if it does not answer."""
    async with Outgoing(timeout=10, trust_env=False) as client:
        return (await _asked(client, f"{url}/policy")).text


async def latest(url: str, trusted: Path | None) -> tuple[list[str], bool]:
    """A line for each log, with its latest checkpoint and who saw it, and whether all is well.

    ``trusted`` is the file of a policy that was given apart from the system; without it the checkpointer's own is taken, and then the
    lines prove nothing about whose they are. `CannotStart` if the checkpointer does not answer, or the policy cannot be read.
    """
    async with Outgoing(timeout=10, trust_env=False) as client:
        try:
            policy = TrustPolicy.of(trusted.read_text("utf-8") if trusted else (await _asked(client, f"{url}/policy")).text)
        except (OSError, UnicodeDecodeError, LogRefused):
            raise CannotStart("policy_wrong", "The policy cannot be read.") from None
        state = (await _asked(client, f"{url}/readyz")).json()
        wrong, doubts = state["logs"], state.get("doubts", {})
        told = [
            _doubted(_line(log, await _asked(client, f"{url}/{log}/checkpoint"), policy, wrong.get(log)), doubts.get(log, {}))
            for log in LOG_NAMES
        ]
    return [line for line, _ in told], all(well for _, well in told)


def _line(log: str, answer: httpx.Response, policy: TrustPolicy, wrong: Mapping[str, str] | None) -> tuple[str, bool]:
    if answer.status_code != HTTPStatus.OK:
        return f"{log}: no checkpoint yet", False
    try:
        note = Note.of(answer.content)
        said = policy.checked(note)
    except LogRefused as refusal:
        return f"{log}: not to be trusted: {refusal}", False
    names = {key: name for name, key in policy.witnesses.items()}
    seen = {names[key]: at for key, at in note.signed_by(names).items() if at is not None}
    line = f"{log}: {said.size} entries, root {note.text.splitlines()[2]}, " + ", ".join(
        f"seen by {name} at {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC" for name, at in seen.items()
    )
    if wrong is not None:
        line += f"; {wrong['code']}" + (f": {wrong['found']}" if "found" in wrong else "")
    return line, wrong is None


def _doubted(told: tuple[str, bool], doubts: Mapping[str, str]) -> tuple[str, bool]:
    """The same line with which witness says that it knows another history."""
    line, well = told
    return line + "".join(f"; {name}: {code}" for name, code in doubts.items()), well and not doubts


async def _asked(client: httpx.AsyncClient, url: str) -> httpx.Response:
    try:
        return await client.get(url)
    except httpx.TransportError:
        raise CannotStart("not_running", "The checkpointer does not answer: start it with ./avrr up first.") from None
