"""What the archive does beside taking streams: it compares the services' logs, checks itself, keeps checkpoints, asks about rows."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from zoneinfo import ZoneInfo

from prometheus_client import Gauge

from services.audit import checking, checkpoints, comparing, examining, noting, verified
from services.audit.checking import Checking
from services.audit.checkpoints import Asked, Checkpoints
from services.audit.comparing import Comparing
from services.audit.examining import Examining
from services.audit.kept_checkpoints import KeptCheckpoints
from services.audit.noting import Noting
from services.audit.rederiving import Rederiving
from services.audit.repeating import repeating
from services.audit.verified import Verified
from shared.certificates import trusted
from shared.db import Database
from shared.metrics import Metrics
from shared.outgoing import Outgoing
from shared.service_token import ServiceToken
from shared.settings import Settings
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy
from shared.topology import AUDIT
from shared.turn import Turn


class Watching:
    """The archive's other work in one process, with the figures that alert rules look at."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        self._settings = settings
        self._database = database
        self._comparing: Comparing | None = None
        self._checking: Checking | None = None
        self._turn = Turn(settings.worker_login, f"{database.name}-turn", b"avrr-see")
        self._checkpoints: Checkpoints | None = None
        self._verified: Verified | None = None
        self._examining = Examining(database, ZoneInfo(settings.mission_time_zone))
        self._differences = Gauge(
            "avrr_archive_differences", "ranges of a log that are not as archived, and that nobody accepted", ["log"], registry=metrics.registry
        )
        self._accepted = Gauge(
            "avrr_archive_accepted", "findings that two persons explained and accepted, and that were not found again", ["log"],
            registry=metrics.registry,
        )
        self._changed = Gauge(
            "avrr_archive_policy_changed", "1 where another policy is served than the one that is believed", registry=metrics.registry
        )
        self._uncovered = Gauge(
            "avrr_archive_uncovered_seconds", "since when entries of a log wait for a checkpoint", ["log"], registry=metrics.registry
        )
        self._unarchived = Gauge(
            "avrr_archive_unarchived_seconds", "since when a log's checkpoint waits for its entries", ["log"], registry=metrics.registry
        )
        self._round = Gauge(
            "avrr_archive_round_seconds", "since when a log was not compared whole", ["log"], registry=metrics.registry
        )
        self._others = Gauge(
            "avrr_archive_read_by_others", "times that a log was told to somebody else in the archive's name", ["log"],
            registry=metrics.registry,
        )
        self._alarm = Gauge(
            "avrr_archive_checkpoint_alarm", "1 where a log's checkpoint was not believed", ["log"], registry=metrics.registry
        )

    def _since_compared(self, name: str) -> float:
        """A process that waits for its turn compares nothing, and has nothing to be late with."""
        return self._comparing.round_seconds(name) if self._comparing is not None and self._turn.held else 0.0

    def _lags(self, checkpoints: Checkpoints, name: str, asked: Asked) -> None:
        self._uncovered.labels(name).set_function(lambda: checkpoints.seconds(asked.uncovered))
        self._unarchived.labels(name).set_function(lambda: checkpoints.seconds(asked.unarchived))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watches while the block runs.

        Raises RuntimeError if the service was not told where the others are and who it is to them; without a checkpointer
        (AVRR_CHECKPOINTER_URL) no checkpoints are kept.
        """
        settings = self._settings
        client_id, secret = settings.service_client_id, settings.service_client_secret
        urls = addresses(settings)
        if len(urls) < len(AUDIT.asks) or client_id is None or secret is None:
            raise RuntimeError(
                "audit compares what it archives with the services' own logs: it needs AVRR_COUNSELLING_URL, AVRR_RETURNS_URL, "
                "AVRR_REINTEGRATION_URL, AVRR_AUDIT_URL, AVRR_SERVICE_CLIENT_ID and AVRR_SERVICE_CLIENT_SECRET"
            )
        async with contextlib.AsyncExitStack() as stack:
            # A proxy from the environment would carry loopback addresses off this machine.
            client = await stack.enter_async_context(Outgoing(verify=trusted(), trust_env=False, follow_redirects=False))
            token = ServiceToken(client, settings.oidc_issuer, client_id, secret, settings.service_scope)
            self._comparing = Comparing(self._database, client, urls, token, token.forget)
            self._verified = Verified(self._database, client, urls, token, token.forget)
            along = [Rederiving(self._database, ZoneInfo(settings.mission_time_zone)).look]
            if settings.checkpointer_url is not None:
                by_people = _set_policy(settings.trust_policy)
                self._checkpoints = Checkpoints(
                    self._database, client, settings.checkpointer_url, AUDIT.follows, by_people, told=self._comparing.told
                )
                along.append(KeptCheckpoints(self._database, self._checkpoints.signed).look)
                self._changed.set_function(lambda asked=self._checkpoints: float(asked.policy_changed))  # type: ignore[misc]
                for name, asked in self._checkpoints.logs.items():
                    self._lags(self._checkpoints, name, asked)
                    self._alarm.labels(name).set_function(lambda asked=asked: float(asked.alarm is not None))  # type: ignore[misc]
            self._checking = Checking(self._database, AUDIT.follows, along)
            for name, compared in self._comparing.logs.items():
                checked = self._checking.logs[name]
                self._round.labels(name).set_function(partial(self._since_compared, name))
                self._others.labels(name).set_function(lambda compared=compared: compared.read_by_others)  # type: ignore[misc]
                self._differences.labels(name).set_function(
                    lambda compared=compared, checked=checked: max(compared.differences, checked.differences)  # type: ignore[misc]
                )
                self._accepted.labels(name).set_function(lambda checked=checked: checked.found.accepted)  # type: ignore[misc]
            await stack.enter_async_context(self._turn.working(self._watching))
            yield

    @contextlib.asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        assert self._comparing is not None and self._checking is not None and self._verified is not None
        known = Noting(self._database, self._comparing, self._checking, self._checkpoints, self._examining)
        async with contextlib.AsyncExitStack() as stack:
            for what, work, every in (
                ("comparing logs with the archive", self._comparing.round, comparing.LOOK_SECONDS),
                ("checking the archive itself", self._checking.round, checking.LOOK_SECONDS),
                ("asking about rows", self._verified.round, verified.ASK_SECONDS),
                ("noting what is known of each log", known.round, noting.NOTE_SECONDS),
                ("looking for exceptions", self._examining.round, examining.LOOK_SECONDS),
            ):
                await stack.enter_async_context(repeating(what, work, every))
            if self._checkpoints is not None:
                asking = repeating("asking for checkpoints", self._checkpoints.round, checkpoints.ASK_SECONDS)
                await stack.enter_async_context(asking)
            yield

    def status(self) -> Mapping[str, object]:
        """What readiness tells of all of it; only the process that has the turn learns something."""
        found: dict[str, object] = {"watches": self._turn.held, "examining_fault": self._examining.fault}
        if self._checking is not None:
            found["checks"] = self._checking.status()
        if self._comparing is not None:
            found["comparisons"] = self._comparing.status()
        if self._checkpoints is not None:
            found["checkpoints"] = self._checkpoints.status()
            found["policy_changed"] = self._checkpoints.policy_changed
        if self._verified is not None:
            found["verifications"] = self._verified.status()
        return found


def _set_policy(written: str | None) -> TrustPolicy | None:
    """The policy that people set; RuntimeError where it is none."""
    try:
        return TrustPolicy.of(written.replace(",", "\n")) if written else None
    except LogRefused:
        raise RuntimeError("audit: AVRR_TRUST_POLICY is no policy (C2SP tlog-policy, with commas for ends of lines)") from None


def addresses(settings: Settings) -> dict[str, str]:
    """Where each service's own log is asked for, as far as the settings say."""
    told = {
        "counselling": settings.counselling_url, "returns": settings.returns_url,
        "reintegration": settings.reintegration_url, "audit": settings.audit_url,
    }  # fmt: skip
    return {name: url for name, url in told.items() if url is not None}
