"""Runs a witness: `python -m ops.witness`, as `ops.witness.settings` says."""

import os
import sys
import time

import uvicorn

from ops.settings import CannotStart
from ops.witness.app import create_app
from ops.witness.memory import memory_in
from ops.witness.settings import WitnessSettings
from shared.starting import begin


def main() -> None:
    """Serves until it is stopped; a sentence on standard error and exit code 1 where it may not run like this."""
    try:
        settings = WitnessSettings.from_environment(os.environ)
        with memory_in(settings.folder) as memory:
            app = create_app(memory, settings.signer, settings.logs, time.time)
            begin()
            uvicorn.run(
                app, host=settings.host, port=settings.port, log_level="warning", access_log=False, server_header=False,
                proxy_headers=False,
            )  # fmt: skip
    except CannotStart as refusal:
        sys.exit(refusal.sentence)


if __name__ == "__main__":
    main()
