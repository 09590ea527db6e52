"""Runs a witness: `python -m ops.witness`, as `ops.witness.settings` says; with `key` it prints by which key it is checked."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvicorn

from ops.settings import CannotStart
from ops.witness.app import create_app
from ops.witness.memory import memory_in
from ops.witness.settings import WitnessSettings, signer_in
from shared.starting import begin
from shared.tlog.notes import Signer


def main(arguments: Sequence[str]) -> None:
    """Serves until it is stopped; a sentence on standard error and exit code 1 where it may not run like this."""
    if arguments not in ([], ["key"]):
        sys.exit("a witness takes nothing, or key")
    try:
        if arguments:
            print(_signer(os.environ).verifier_key)
        else:
            _serve(WitnessSettings.from_environment(os.environ))
    except CannotStart as refusal:
        sys.exit(refusal.sentence)


def _serve(settings: WitnessSettings) -> None:
    with memory_in(settings.folder) as memory:
        app = create_app(memory, settings.signer, settings.logs, time.time)
        begin()
        uvicorn.run(
            app, host=settings.host, port=settings.port, log_level="warning", access_log=False, server_header=False,
            proxy_headers=False,
        )  # fmt: skip


def _signer(environment: Mapping[str, str]) -> Signer:
    folder, name = environment.get("AVRR_WITNESS_FOLDER"), environment.get("AVRR_WITNESS_NAME")
    if not folder or not name:
        raise CannotStart("witness_settings", "the key of a witness is in AVRR_WITNESS_FOLDER, and its name AVRR_WITNESS_NAME")
    return signer_in(Path(folder), name)


if __name__ == "__main__":
    main(sys.argv[1:])
