"""Runs the checkpointer: `python -m ops.checkpointer`, as `ops.checkpointer.settings` says; with `keys` it prints the keys
that its checkpoints are checked by, one for each line and a former one with its end, with `rotate` it makes new ones, for the next
start, and with `unsigned` and a log's name it is told that nothing was ever signed of that log.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette

from ops.checkpointer.app import create_app
from ops.checkpointer.keys import LogKeys, known
from ops.checkpointer.marks import note_unsigned
from ops.checkpointer.reading import LogReader
from ops.checkpointer.settings import LOG_NAMES, CheckpointerSettings
from ops.checkpointer.watched_log import House, WatchedLog
from ops.settings import CannotStart
from ops.witness.memory import Memory, memory_in
from shared.outgoing import Outgoing
from shared.starting import begin
from shared.telemetry import configure_logging

# A witness that takes longer is asked again in the next round.
_WITNESS_SECONDS: Final = 3.0


def present() -> datetime:
    """The time by which checkpoints become old, which no replay changes."""
    return datetime.now(UTC)


def application(settings: CheckpointerSettings, memory: Memory) -> Starlette:
    """The checkpointer with these settings, over what it remembers."""
    keys = settings.keys_of_all(present().date())
    policy = settings.policy(keys)
    client = Outgoing(timeout=_WITNESS_SECONDS, trust_env=False, follow_redirects=False)
    house = House(policy, settings.asked(), client, memory, present)
    logs = [
        WatchedLog(log, settings.origin(log), settings.folder / log, LogReader(url), keys[log], house)
        for log, url in settings.urls.items()
    ]
    return create_app(logs, policy, present)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Serves until it is stopped; a sentence on standard error and exit code 1 where it may not run like this."""
    if arguments not in ([], ["keys"], ["rotate"], *(["unsigned", log] for log in LOG_NAMES)):
        sys.exit("the checkpointer takes nothing, or keys, or rotate, or unsigned and the name of a log")
    try:
        if arguments[:1] == ["unsigned"]:
            _unsigned(environment, arguments[1])
        elif arguments:
            print(*_keys(environment, rotated=arguments == ["rotate"]), sep="\n")
        else:
            _serve(CheckpointerSettings.from_environment(environment), environment.get("AVRR_LOG_LEVEL", "info"))
    except CannotStart as refusal:
        sys.exit(refusal.sentence)


def _serve(settings: CheckpointerSettings, log_level: str) -> None:
    configure_logging(log_level)
    with memory_in(settings.folder / "signed") as memory:
        app = application(settings, memory)
        begin()
        uvicorn.run(
            app, host=settings.host, port=settings.port, log_level="warning", access_log=False, server_header=False,
            proxy_headers=False,
        )  # fmt: skip


def _unsigned(environment: Mapping[str, str], log: str) -> None:
    folder = environment.get("AVRR_CHECKPOINTER_FOLDER")
    if not folder:
        raise CannotStart("checkpointer_settings", "what is known of a log is in AVRR_CHECKPOINTER_FOLDER")
    note_unsigned(Path(folder) / log)


def _keys(environment: Mapping[str, str], *, rotated: bool) -> list[str]:
    folder, house = environment.get("AVRR_CHECKPOINTER_KEYS"), environment.get("AVRR_LOGS_ORIGIN")
    if not folder or not house:
        raise CannotStart("checkpointer_settings", "keys are in AVRR_CHECKPOINTER_KEYS, of logs below AVRR_LOGS_ORIGIN")
    keys, today = LogKeys(Path(folder), house), present().date()
    if rotated:
        keys.rotate(LOG_NAMES, today)
    return [str(key) for log in LOG_NAMES for key in known(keys.of(log, today))]


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
