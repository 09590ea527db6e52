"""How it stands with each log: what was signed of it, by whom and when, how far the archive is, and what is wrong."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from services.audit.breaks import LogBreak, told_of
from services.audit.findings import ACCEPTED, LASTING
from services.audit.pinning import log_of
from services.audit.tails import LogTail
from shared.contracts.audit import FindingCause
from shared.db import Sql
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import COSIGNATURE, Note
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy

# A log is signed at least every 60 seconds; what is older than this was missed.
LATE_SECONDS: Final = 90.0
# The worker notes what it knows every 5 seconds.
UNWATCHED_SECONDS: Final = 60.0
# A round of comparing walks some hundred thousand entries a minute (`comparing`): millions are within an hour.
COMPARED_WITHIN_SECONDS: Final = 3_600.0
# A round over the archive's own tables has a quarter of a second in twenty (`checking`): some million entries in two hours.
CHECKED_WITHIN_SECONDS: Final = 86_400.0
# Of one kind and log so many findings are told one by one, so that none hides another kind, or another log.
MOST_OF_A_KIND: Final = 25
# Why a checkpoint is refused that has words of its own.
TOLD_APART: Final = frozenset({"checkpoint_older", "former_key", "break_unproven", "break_unlike_archive"})
# A service is asked about its rows every 10 seconds, and looks for changed ones more than once a minute.
UNVERIFIED_SECONDS: Final = 180.0
# That somebody read a log in the archive's name is told for thirty days after the last time, and stays in the archive's tables.
TOLD_FOR_SECONDS: Final = 30 * 86_400.0
# What lies further ahead than an answer takes was not noted by this clock.
AHEAD_SECONDS: Final = 5.0

LOGS = Sql(
    "SELECT l.log, a.archived, w.stopped, w.rounds, w.round_ended_at, w.comparison_fault, "
    "w.checkpoint_alarm, w.checkpoint_fault, w.policy, w.check_ended_at, w.check_fault, "
    "w.policy_changed, w.checkpoint_behind, w.archive_behind, w.read_by_others, w.read_by_others_at, "
    "extract(epoch FROM clock_timestamp() - w.read_by_others_at)::float8 AS read_by_others_ago, "
    "extract(epoch FROM clock_timestamp() - coalesce(w.round_ended_at, w.since))::float8 AS compared_ago, "
    "extract(epoch FROM clock_timestamp() - coalesce(w.check_ended_at, w.since))::float8 AS checked_ago, "
    "extract(epoch FROM clock_timestamp() - w.noted_at)::float8 AS noted_ago, "
    "p.size, p.root, p.note, p.kept_at, extract(epoch FROM clock_timestamp() - p.kept_at)::float8 AS kept_ago "
    "FROM unnest(cast(:logs AS text[])) WITH ORDINALITY AS l(log, place) "
    "CROSS JOIN LATERAL (SELECT coalesce(max(e.idx) + 1, 0) AS archived FROM archive_entries e WHERE e.log = l.log) a "
    "LEFT JOIN archive_watched w ON w.log = l.log "
    # Nothing is kept of what is not archived: a row of more was written by somebody else, which is a finding of its own (`note`).
    "LEFT JOIN LATERAL (SELECT size, root, coalesce(again, note) AS note, kept_at FROM archive_checkpoints k WHERE k.log = l.log AND k.agrees "
    "AND k.size <= a.archived ORDER BY k.size DESC LIMIT 1) p ON true ORDER BY l.place"
)
# Those that were accepted hide none that rings.
OPEN = Sql(
    "SELECT * FROM (SELECT d.id, d.log, d.kind, d.first_idx, d.last_idx, d.found_at, d.accepted, e.cause, e.incident, e.explained_by, "
    "e.accepted_by, e.accepted_at, count(*) OVER of_one AS of_kind, row_number() OVER (of_one ORDER BY d.first_idx) AS number "
    f"FROM (SELECT d.*, {ACCEPTED} AS accepted FROM archive_differences d WHERE d.gone_at IS NULL) d "
    "LEFT JOIN explained_findings e ON e.id = d.id WINDOW of_one AS (PARTITION BY d.log, d.kind, d.accepted)) d "
    f"WHERE number <= {MOST_OF_A_KIND} ORDER BY log, first_idx, kind"
)
# The oldest twenty that are there still, and the newest twenty that are not.
ROWS = Sql(
    "SELECT w.log, w.kind, w.about, w.fault, w.columns, w.found_at, w.gone_at FROM unnest(cast(:logs AS text[])) l(log) "
    "CROSS JOIN LATERAL ((SELECT * FROM archive_rows r WHERE r.log = l.log AND r.gone_at IS NULL ORDER BY r.found_at LIMIT 20) "
    "UNION ALL (SELECT * FROM archive_rows r WHERE r.log = l.log AND r.gone_at IS NOT NULL ORDER BY r.gone_at DESC LIMIT 20)) w"
)
VERIFIED = Sql(
    "SELECT v.log, v.rounds, v.round_ended_at, v.round_seconds, v.differences, extract(epoch FROM clock_timestamp() - v.asked_at)::float8 "
    "AS asked_ago, extract(epoch FROM clock_timestamp() - v.looked_at)::float8 AS looked_ago, "
    "extract(epoch FROM clock_timestamp() - v.rose_at)::float8 AS rose_ago FROM archive_verified v"
)
POLICIES = Sql("SELECT policy FROM archive_watched WHERE policy IS NOT NULL ORDER BY noted_at DESC, log LIMIT 1")


class SignedBy(BaseModel):
    """Whose signature on a checkpoint was checked: the log's own, or a witness's with the moment at which it saw it."""

    name: str
    key: str
    witness: bool
    seen_at: datetime | None


class LatestCheckpoint(BaseModel):
    """The newest checkpoint that has the archive's own root; ``seconds_ago`` is since it was last signed anew."""

    origin: str
    size: int
    root: str
    kept_at: datetime
    seconds_ago: int
    signed_by: list[SignedBy]


class LogAlarm(BaseModel):
    """What is wrong with a log, by a stable code; ``first`` and ``last`` are the entries that it is about.

    ``finding_id`` is under which it is explained and accepted, where somebody can.
    """

    code: str
    detail: str | None = None
    first: int | None = None
    last: int | None = None
    found_at: datetime | None = None
    gone_at: datetime | None = None
    finding_id: UUID | None = None


class AcceptedFinding(BaseModel):
    """A finding that rings no more since two persons explained and accepted it, until it is found again; it stays, as what it is."""

    finding_id: UUID
    code: str
    first: int
    last: int
    found_at: datetime
    cause: FindingCause
    incident: str
    explained_by: str
    accepted_by: str
    accepted_at: datetime

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """An accepted row of `OPEN`."""
        told = {name: row[name] for name in ("found_at", "cause", "incident", "explained_by", "accepted_by", "accepted_at")}
        return cls(finding_id=row["id"], code=f"entries_{row['kind']}", first=row["first_idx"], last=row["last_idx"], **told)


class RowsVerified(BaseModel):
    """How far a service held its rows against their events, every one in a round; ``gone`` are differences that are no more."""

    rounds: int
    round_ended_at: datetime | None
    round_seconds: float | None
    gone: list[LogAlarm]


class LogIntegrity(BaseModel):
    """How it stands with one log; no alarm means that every check passed the last time that it was made.

    ``round_ended_at`` is when it was last compared whole with the service's own log, ``check_ended_at`` when the archive of it
    was last checked whole in itself. ``accepted`` are open findings that ring no more, as far as they are told one by one.
    """

    log: str
    archived: int
    checkpoint: LatestCheckpoint | None
    rounds: int | None
    round_ended_at: datetime | None
    check_ended_at: datetime | None
    alarms: list[LogAlarm]
    verified: RowsVerified | None = None
    breaks: list[LogBreak] = Field(default_factory=list)
    tails: list[LogTail] = Field(default_factory=list)
    accepted: list[AcceptedFinding] = Field(default_factory=list)
    accepted_in_all: int = 0

    @classmethod
    def of(cls, row: asyncpg.Record, different: Sequence[asyncpg.Record]) -> Self:
        """How it stands by a row of `LOGS` and the rows of `OPEN`."""
        latest = _latest(row) if row["note"] is not None else None
        own = [one for one in different if one["log"] == row["log"]]
        accepted = [one for one in own if one["accepted"]]
        return cls(
            log=row["log"], archived=row["archived"], checkpoint=latest, rounds=row["rounds"],
            round_ended_at=row["round_ended_at"], check_ended_at=row["check_ended_at"],
            alarms=_alarms(row, latest, [one for one in own if not one["accepted"]]),
            accepted=[AcceptedFinding.of(one) for one in accepted],
            accepted_in_all=sum({one["kind"]: one["of_kind"] for one in accepted}.values()),
        )  # fmt: skip

    def with_breaks(self, rows: Sequence[asyncpg.Record], policy: str | None) -> Self:
        """The same with where the log was set back: rows of `BREAKS`, proven by the keys that are believed; nothing ends that it is told."""
        breaks, unproven = told_of(self.log, rows, policy)
        alarms = [LogAlarm(code="break_unproven", detail=str(generation)) for generation in unproven]
        return self.model_copy(update={"breaks": breaks, "alarms": [*self.alarms, *alarms]})

    def with_tails(self, tails: list[LogTail], unproven: Sequence[int]) -> Self:
        """The same with where entries that nobody signed were set apart, as `tails_of` told it; nothing ends that it is told."""
        alarms = [LogAlarm(code="tail_unproven", detail=str(number)) for number in unproven]
        return self.model_copy(update={"tails": tails, "alarms": [*self.alarms, *alarms]})

    def with_strange(self, breaks: Sequence[asyncpg.Record], tails: Sequence[asyncpg.Record], logs: Sequence[str]) -> Self:
        """The same with the breaks and tails that stand there of logs other than these, which are none."""
        alarms = [
            LogAlarm(code=code, detail=f"{row['log']} {row[which]}")
            for code, which, rows in (("break_unproven", "generation", breaks), ("tail_unproven", "number", tails))
            for row in rows if row["log"] not in logs
        ]  # fmt: skip
        return self.model_copy(update={"alarms": [*self.alarms, *alarms]})

    def with_rows(self, rows: Sequence[asyncpg.Record], verified: Sequence[asyncpg.Record]) -> Self:
        """The same with what the service's verification said: rows of `ROWS` and of `VERIFIED`."""
        own = [_of_row(row) for row in rows if row["log"] == self.log]
        stands = next((row for row in verified if row["log"] == self.log), None)
        alarms = [one for one in own if one.gone_at is None]
        if stands is None or not _verified(stands):
            alarms.append(LogAlarm(code="rows_not_verified"))
        elif stands["differences"] > len(alarms):
            alarms.append(LogAlarm(code="rows_more", detail=str(stands["differences"] - len(alarms))))
        gone = [one for one in own if one.gone_at is not None]
        told = stands and RowsVerified(**{name: stands[name] for name in ("rounds", "round_ended_at", "round_seconds")}, gone=gone)
        return self.model_copy(update={"alarms": [*self.alarms, *alarms], "verified": told})


def _verified(stands: asyncpg.Record) -> bool:
    """Whether a service looks for changes: by its own word, which may be forged or lie ahead, and by looks that the archive saw rise."""
    ages = [stands[name] for name in ("asked_ago", "looked_ago", "rose_ago")]
    return all(age is not None and -AHEAD_SECONDS <= age <= UNVERIFIED_SECONDS for age in ages)


def _of_row(row: asyncpg.Record) -> LogAlarm:
    of = f" ({row['columns'].replace(',', ', ')})" if row["columns"] else ""
    return LogAlarm(
        code=f"rows_{row['fault']}", detail=f"{row['kind']} {row['about']}{of}", found_at=row["found_at"], gone_at=row["gone_at"]
    )


def _latest(row: asyncpg.Record) -> LatestCheckpoint | None:
    """The kept checkpoint of a row, None where what stands there is not what a key of this log signed."""
    try:
        note = Note.of(row["note"].encode())
        said = Checkpoint.of(note)
    except LogRefused:
        return None
    by = signers(note, row["policy"])
    # What was kept a moment before the first policy was noted is not told to be false.
    proven = row["policy"] is None or any(one.name == said.origin and not one.witness for one in by)
    if not proven or (log_of(said.origin), said.size, said.root) != (row["log"], row["size"], bytes(row["root"])):
        return None
    return LatestCheckpoint(
        origin=said.origin, size=said.size, root=said.root.hex(), kept_at=row["kept_at"],
        seconds_ago=int(max(row["kept_ago"], 0)), signed_by=by,
    )  # fmt: skip


def signers(note: Note, policy: str | None) -> list[SignedBy]:
    """Whose signatures on a note hold by the keys of a policy; nobody's where one of them does not."""
    try:
        trusted = TrustPolicy.of(policy or "")
        ours = trusted.keys_of(Checkpoint.of(note).origin)
        found = note.signed_by(dict.fromkeys((*trusted.logs, *ours, *trusted.witnesses.values())))
    except LogRefused:
        return []
    return [
        SignedBy(
            name=key.name, key=str(key), witness=key.type == COSIGNATURE,
            seen_at=datetime.fromtimestamp(at, UTC) if at is not None else None,
        )
        for key, at in found.items()
    ]  # fmt: skip


def _alarms(row: asyncpg.Record, latest: LatestCheckpoint | None, different: Sequence[asyncpg.Record]) -> list[LogAlarm]:
    found = [
        LogAlarm(
            code=f"entries_{one['kind']}", first=one["first_idx"], last=one["last_idx"], found_at=one["found_at"],
            finding_id=one["id"] if one["kind"] in LASTING else None,
        )
        for one in different
    ]  # fmt: skip
    more = {one["kind"]: one["of_kind"] - MOST_OF_A_KIND for one in different if one["of_kind"] > MOST_OF_A_KIND}
    found += [LogAlarm(code="entries_more", detail=f"{kind}: {count}") for kind, count in more.items()]
    if row["stopped"] is not None:
        found.append(LogAlarm(code=f"archive_stopped_{row['stopped']}", first=row["archived"]))
    if row["checkpoint_alarm"] is not None:
        told = row["checkpoint_alarm"]
        found.append(LogAlarm(code=told) if told in TOLD_APART else LogAlarm(code="checkpoint_refused", detail=told))
    if row["read_by_others_ago"] is not None and row["read_by_others_ago"] <= TOLD_FOR_SECONDS:
        found.append(LogAlarm(code="read_by_others", detail=str(row["read_by_others"]), found_at=row["read_by_others_at"]))
    if row["noted_ago"] is None or row["noted_ago"] > UNWATCHED_SECONDS:
        found.append(LogAlarm(code="not_watched"))
    else:
        if row["comparison_fault"] is not None:
            found.append(LogAlarm(code="comparison_waits", detail=row["comparison_fault"]))
        if row["compared_ago"] > COMPARED_WITHIN_SECONDS:
            found.append(LogAlarm(code="comparison_late"))
        if row["check_fault"] is not None:
            found.append(LogAlarm(code="check_waits", detail=row["check_fault"]))
        found += [LogAlarm(code=code) for code in ("policy_changed", "checkpoint_behind", "archive_behind") if row[code]]
        if row["checked_ago"] > CHECKED_WITHIN_SECONDS:
            found.append(LogAlarm(code="check_late"))
    if row["note"] is None:
        found.append(LogAlarm(code="no_checkpoint"))
    elif latest is None:
        found.append(LogAlarm(code="checkpoint_refused", detail="kept_unproven"))
    elif row["kept_ago"] > LATE_SECONDS:
        found.append(LogAlarm(code="checkpoint_late", detail=row["checkpoint_fault"]))
    return found
