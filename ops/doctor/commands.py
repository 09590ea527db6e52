"""The command `avrr doctor`."""

import asyncio
import json
import logging
import sys
from typing import Annotated

import structlog
import typer

from ops.settings import read_settings


def doctor(as_json: Annotated[bool, typer.Option("--json", help="one JSON object in place of sentences")] = False) -> None:
    """Says in plain words what is wrong and what to do; 0 if all is well, 1 if somebody should look, 2 if something is wrong."""
    from ops.backup.kept_settings import as_it_is_copied  # noqa: PLC0415 -- as the next
    from ops.doctor.examining import examine  # noqa: PLC0415 -- other commands need none of it
    from ops.doctor.findings import as_json as told  # noqa: PLC0415
    from ops.doctor.findings import code_of, lines  # noqa: PLC0415

    # What connections complain of meanwhile, the findings say.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger().setLevel(logging.CRITICAL)
    found = asyncio.run(examine(as_it_is_copied(read_settings())))
    typer.echo(json.dumps(told(found), indent=2) if as_json else "\n".join(lines(found)))
    sys.exit(code_of(found))
