"""Runs the alarms: `python -m ops.alarms`, as `ops.alarms.settings` says."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import uvicorn
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ops.alarms.child import NAME
from ops.alarms.copies import Copies
from ops.alarms.disks import Disks
from ops.alarms.mail import send
from ops.alarms.rules import read_rules
from ops.alarms.settings import AlarmSettings
from ops.alarms.targets import Told, asked, named
from ops.alarms.watching import STANDS_STILL_SECONDS, Watching
from ops.backup.status import backup_status
from ops.settings import CannotStart, OpsSettings
from shared.starting import begin
from shared.telemetry import configure_logging


def _present() -> datetime:
    return datetime.now(UTC)


def create_app(settings: AlarmSettings, now: Callable[[], datetime] = _present) -> Starlette:
    """Watches while it answers; raises `CannotStart` where rules, addresses or the mail server cannot be understood."""
    server, targets = settings.server, named(settings.watched)
    of_copies = OpsSettings()

    async def ask() -> Told:
        told = await asked(targets)
        own = [*await asyncio.to_thread(copies.told), *await asyncio.to_thread(disks.told)]
        return Told((*told.samples, *own), told.away)

    watching = Watching(
        read_rules(settings.alert_rules), settings.alarms_folder, ask, lambda mail: send(server, mail), settings.alert_from,
        settings.recipients, now,
    )  # fmt: skip
    copies = Copies(NAME, watching.registry, lambda: backup_status(of_copies), now)
    kept = {} if of_copies.backup_dir is None else {"copies": of_copies.backup_dir.expanduser().absolute()}
    disks = Disks(NAME, watching.registry, {"data": settings.alarms_folder, **kept})

    async def alive(_: Request) -> Response:
        still = watching.age() > STANDS_STILL_SECONDS
        return PlainTextResponse("no round for two minutes\n" if still else "ok\n", 503 if still else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(watching.registry), media_type=CONTENT_TYPE_LATEST)

    @contextlib.asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        rounds = asyncio.create_task(watching.run(), name="rounds of the alarms")
        try:
            yield
        finally:
            rounds.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await rounds

    return Starlette(routes=[Route("/healthz", alive), Route("/metrics", metrics)], lifespan=running)


def main() -> None:
    """Serves until it is stopped; a sentence on standard error and exit code 1 where it may not run like this."""
    try:
        settings = AlarmSettings()
        configure_logging(settings.log_level)
        app = create_app(settings)
    except ValidationError as error:
        names = sorted({f"AVRR_{str(fault['loc'][0]).upper()}" for fault in error.errors(include_input=False)})
        sys.exit(f"alarms: {', '.join(names)} missing, or not to be understood")
    except CannotStart as refusal:
        sys.exit(refusal.sentence)
    begin()
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False, server_header=False, proxy_headers=False)


if __name__ == "__main__":
    main()
