"""What the worker knows of each log that it watches, noted where the API reads it."""

from collections.abc import Mapping
from typing import Final

import structlog

from services.audit.checking import Checking
from services.audit.checkpoints import ARCHIVED_WITHIN_SECONDS, COVERED_WITHIN_SECONDS, Asked, Checkpoints
from services.audit.comparing import Comparing
from services.audit.repeating import Faulty, waited_out
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.topology import AUDIT

NOTE_SECONDS: Final = 5.0

# Rounds are counted by the process, so that another number is a round that ended since the last note.
_NOTE = Sql(
    "INSERT INTO archive_watched AS w (log, stopped, rounds, round_ended_at, comparison_fault, checkpoint_alarm, "
    "checkpoint_fault, policy, check_rounds, check_ended_at, check_next, check_fault, "
    "policy_changed, checkpoint_behind, archive_behind, read_by_others, read_by_others_at) "
    "VALUES (:log, (SELECT stopped FROM cursor WHERE source = :log), cast(:rounds AS bigint), "
    "CASE WHEN cast(:rounds AS bigint) > 0 THEN clock_timestamp() END, cast(:comparison_fault AS text), "
    "cast(:checkpoint_alarm AS text), cast(:checkpoint_fault AS text), cast(:policy AS text), cast(:check_rounds AS bigint), "
    "CASE WHEN cast(:check_rounds AS bigint) > 0 THEN clock_timestamp() END, coalesce(cast(:check_next AS bigint), 0), "
    "cast(:check_fault AS text), cast(:policy_changed AS boolean), cast(:checkpoint_behind AS boolean), "
    "cast(:archive_behind AS boolean), cast(:by_others AS bigint), CASE WHEN cast(:by_others AS bigint) > 0 THEN clock_timestamp() END) "
    "ON CONFLICT (log) DO UPDATE SET noted_at = clock_timestamp(), stopped = excluded.stopped, rounds = excluded.rounds, "
    "round_ended_at = CASE WHEN excluded.rounds > 0 AND excluded.rounds <> w.rounds THEN excluded.round_ended_at "
    "ELSE w.round_ended_at END, comparison_fault = excluded.comparison_fault, "
    "checkpoint_alarm = excluded.checkpoint_alarm, checkpoint_fault = excluded.checkpoint_fault, "
    "policy = coalesce(excluded.policy, w.policy), check_rounds = excluded.check_rounds, "
    "check_ended_at = CASE WHEN excluded.check_rounds > 0 AND excluded.check_rounds <> w.check_rounds "
    "THEN excluded.check_ended_at ELSE w.check_ended_at END, "
    "check_next = coalesce(cast(:check_next AS bigint), w.check_next), check_fault = excluded.check_fault, "
    "policy_changed = excluded.policy_changed, checkpoint_behind = excluded.checkpoint_behind, "
    "archive_behind = excluded.archive_behind, read_by_others = w.read_by_others + excluded.read_by_others, "
    "read_by_others_at = coalesce(excluded.read_by_others_at, w.read_by_others_at)"
)

log = structlog.get_logger("noting")


class Noting:
    """Notes what is known of every log; silence of it is told of every log as an alarm."""

    def __init__(
        self, database: Database, comparing: Comparing, checking: Checking, checkpoints: Checkpoints | None,
        examining: Faulty | None = None,
    ) -> None:  # fmt: skip
        self.fault: str | None = None
        self._database = database
        self._comparing, self._checking, self._checkpoints = comparing, checking, checkpoints
        self._examining = examining
        # A process counts from its start on, and what was counted before it stands in the row.
        self._by_others: dict[str, int] = {}

    async def round(self) -> None:
        """Notes it once; what fails is tried again in the next round."""
        with waited_out(self, lambda kind: log.warning("noting_waits", kind=kind)):
            await self.note()

    async def note(self) -> None:
        """Notes what is known at this moment, in one transaction; a policy stays until another was read."""
        now = {name: compared.read_by_others for name, compared in self._comparing.logs.items()}
        await self._database.attempt(Scope(f"service:{AUDIT.name}"), lambda unit: self._note(unit, now))
        self._by_others = now

    async def _note(self, unit: UnitOfWork, by_others: Mapping[str, int]) -> None:
        examined = self._examining.fault if self._examining is not None else None
        for name, compared in self._comparing.logs.items():
            checked = self._checking.logs[name]
            values: dict[str, object] = {
                "log": name, "rounds": compared.rounds, "comparison_fault": compared.fault,
                **_signed(self._checkpoints, name), "check_rounds": checked.rounds, "check_next": checked.next,
                # What is not looked at for exceptions is not checked either.
                "check_fault": checked.fault or examined,
                "by_others": max(by_others[name] - self._by_others.get(name, 0), 0),
            }  # fmt: skip
            unit.write(Write(_NOTE, values))
            await unit.flush()


def _signed(checkpoints: Checkpoints | None, name: str) -> dict[str, object]:
    """What is known of a log's checkpoints, nothing where nobody is asked for them."""
    asked = checkpoints.logs[name] if checkpoints is not None else Asked()
    policy = checkpoints.policy if checkpoints is not None else None
    uncovered, unarchived = (
        (checkpoints.seconds(asked.uncovered), checkpoints.seconds(asked.unarchived)) if checkpoints is not None else (0.0, 0.0)
    )
    return {
        "checkpoint_alarm": asked.alarm, "checkpoint_fault": asked.fault, "policy": str(policy) if policy else None,
        "policy_changed": checkpoints is not None and checkpoints.policy_changed,
        "checkpoint_behind": uncovered > COVERED_WITHIN_SECONDS, "archive_behind": unarchived > ARCHIVED_WITHIN_SECONDS,
    }  # fmt: skip
