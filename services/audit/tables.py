"""The archive's tables: the entries of every log as they came, what a search asks of each, and the tiles of each log's tree."""

from typing import Final

import sqlalchemy as sa

from shared.tables import LEAF_LIMIT, aggregate_table, scope, service_metadata

METADATA = service_metadata()

CAUSE: Final = (
    "cast(substring(encode(leaf, 'escape') from "
    "'\"causationid\":\"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\"') AS uuid)"
)

# In the order in which a search walks each of them, newest first; log and index tell apart what came at one moment.
WALKED: Final = (
    ("time",), ("log", "time"), ("type", "time"), ("subject", "time"), ("partitionkey", "time"), ("actorid", "time"),
    ("actorid", "type", "time"),
    ("reason", "time"),
)  # fmt: skip


def index_of(walked: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a search's index: what it is led by, and what orders every search."""
    return (*walked, *(name for name in ("log", "idx") if name not in walked))


# Beside the bytes stands only what searches ask for, read out of them as they come; what is proved is the bytes.
ARCHIVE_ENTRIES = sa.Table(
    "archive_entries",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("subject", sa.Uuid, nullable=False),
    sa.Column("partitionkey", sa.Uuid, nullable=False),
    sa.Column("actorid", sa.Text, nullable=False),
    sa.Column("time", sa.DateTime(timezone=True), nullable=False),
    # The code of why something was done, or was refused; null where an event says none, or conceals it.
    sa.Column("reason", sa.Text),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
    # The database reads it out of the bytes itself. In a canonical leaf (RFC 8785) the envelope's own stands before any in
    # `data`; who reads a row looks into the envelope whether it has one.
    sa.Column("causationid", sa.Uuid, sa.Computed(CAUSE, persisted=True)),
    sa.CheckConstraint(f"octet_length(leaf) <= {LEAF_LIMIT}", name="leaf_size"),
    sa.CheckConstraint("octet_length(leaf_hash) = 32", name="leaf_hash_size"),
    # One id in two logs, or twice in one, is for an auditor to see and no reason to stop archiving.
    sa.Index(None, "id"),
    sa.Index(
        "ix_archive_entries_causationid", "causationid", "log", "idx", postgresql_where=sa.text("causationid IS NOT NULL")
    ),
    *(
        sa.Index(
            f"ix_archive_entries_{'_'.join(index_of(walked))}", *index_of(walked),
            postgresql_where=sa.text("reason IS NOT NULL") if walked[0] == "reason" else None,
        )
        for walked in WALKED
    ),
    info=scope("log"),
)

# Every id that stands in an archived event, but its own; a trigger of the entries fills it. ``access`` parts who looked for
# something from what happened to it.
ARCHIVE_MENTIONS = sa.Table(
    "archive_mentions",
    METADATA,
    sa.Column("about", sa.Uuid, primary_key=True),
    sa.Column("time", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("access", sa.Boolean, nullable=False),
    # Both indexes hold it as well: of thousands that name one id those of a kind are told without reading any.
    sa.Column("type", sa.Text),
    sa.Index(
        "ix_archive_mentions_access", "about", "time", "log", "idx", postgresql_where=sa.text("access"), postgresql_include=["type"],
    ),
    info=scope("log"),
)

# Hashes of C2SP's tlog-tiles, 32 bytes each; a tile at the right edge is replaced as it grows, and what it began with stays.
ARCHIVE_TILES = sa.Table(
    "archive_tiles",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0", name="hashes_whole"),
    info=scope("log"),
)

# A difference says which entries and how, and nothing of what they say; one that is no more stays, with when it went.
ARCHIVE_DIFFERENCES = sa.Table(
    "archive_differences",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    # What each of them means says `services.audit.findings`.
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("first_idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last_idx", sa.BigInteger, nullable=False),
    sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("gone_at", sa.DateTime(timezone=True)),
    # Under which it is explained and accepted (`services.audit.explaining`).
    sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
    sa.CheckConstraint("kind IN ('other', 'missing', 'archive', 'root', 'column', 'tile', 'twice', 'place', 'note', 'exception', 'tail')", name="kind_known"),
    sa.UniqueConstraint("id"),
    info=scope("log", "known"),
)

# Each time that a finding was seen which nothing clears, and one by its mark once however often it is looked at. Only added to.
ARCHIVE_SIGHTINGS = sa.Table(
    "archive_sightings",
    METADATA,
    sa.Column("finding_id", sa.Uuid, sa.ForeignKey("archive_differences.id"), primary_key=True),
    sa.Column("mark", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    info=scope("known"),
)

# What one person found out about such a finding, and what another said to that (`services.audit.domain.explained`).
EXPLAINED_FINDINGS = aggregate_table(
    METADATA,
    "explained_findings",
    sa.Column("log", sa.Text, nullable=False),
    sa.Column("finding", sa.Text, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("sightings", sa.BigInteger, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("incident", sa.Text, nullable=False),
    sa.Column("explained_by", sa.Text, nullable=False),
    sa.Column("explained_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("accepted_by", sa.Text),
    sa.Column("accepted_at", sa.DateTime(timezone=True)),
    sa.Column("rejected_by", sa.Text),
    sa.Column("rejected_at", sa.DateTime(timezone=True)),
    sa.Column("rejection", sa.Text),
    sa.CheckConstraint("version > 1 OR status IN ('explained')", name="beginning"),
    sa.CheckConstraint("finding IN ('place', 'root', 'note', 'exception', 'twice', 'tail')", name="finding_lasts"),
    sa.CheckConstraint("accepted_by <> explained_by AND rejected_by <> explained_by", name="two_persons"),
    sa.CheckConstraint(
        "num_nulls(accepted_by, accepted_at) IN (0, 2) AND num_nulls(rejected_by, rejected_at, rejection) IN (0, 3) "
        "AND (status = 'accepted') = (accepted_by IS NOT NULL) AND (status = 'rejected') = (rejected_by IS NOT NULL)",
        name="decided_whole",
    ),
    info=scope("known"),
)

# Of each size and root the first note and the latest; one that does not agree with the archive is kept as what it is.
ARCHIVE_CHECKPOINTS = sa.Table(
    "archive_checkpoints",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary, primary_key=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("agrees", sa.Boolean, nullable=False),
    sa.Column("again", sa.Text),
    sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    info=scope("log"),
)

# Where each log was set back and goes on under the next origin, with what proves it. By a trigger the entries that were lost, and
# what is known of them, become those of a log of their own, `services.audit.apart.lost_log`; nothing is taken out.
ARCHIVE_BREAKS = sa.Table(
    "archive_breaks",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    # Which one begins.
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kept", sa.BigInteger, nullable=False),
    # `shared.tlog.breaks.Break`.
    sa.Column("proof", sa.LargeBinary, nullable=False),
    # Whether what was archived behind what was kept is set apart; what came since is not.
    sa.Column("apart", sa.Boolean, nullable=False),
    sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.CheckConstraint("log ~ '^[a-z]{1,32}$'", name="of_a_log"),
    sa.CheckConstraint("generation >= 2", name="not_the_first"),
    sa.CheckConstraint("kept >= 0", name="kept_some"),
    info=scope("log"),
)

# Where entries that nobody signed were set apart, behind those that are kept, and the checkpoint of what the log has in their place. By
# the same trigger they become those of a log of their own, `services.audit.apart.tail_log`; nothing is taken out.
ARCHIVE_TAILS = sa.Table(
    "archive_tails",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    # Of which generation of the log the checkpoint is.
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("kept", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.CheckConstraint("log ~ '^[a-z]{1,32}$'", name="of_a_log"),
    sa.CheckConstraint("number >= 1", name="counted"),
    sa.CheckConstraint("kept >= 0 AND kept < size", name="kept_before"),
    info=scope("log"),
)

# The worker's own knowledge of each log, noted every few seconds: whoever asks the API asks another process.
ARCHIVE_WATCHED = sa.Table(
    "archive_watched",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    # Why it is not archived any further, if it is not.
    sa.Column("stopped", sa.Text),
    sa.Column("rounds", sa.BigInteger, nullable=False),
    sa.Column("round_ended_at", sa.DateTime(timezone=True)),
    sa.Column("comparison_fault", sa.Text),
    sa.Column("checkpoint_alarm", sa.Text),
    sa.Column("checkpoint_fault", sa.Text),
    # The policy (C2SP tlog-policy) by which its checkpoints were last checked.
    sa.Column("policy", sa.Text),
    # Since when anybody watches the log at all.
    sa.Column("since", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    # The archive's rounds over its own tables: how many the process made, and at which tile it goes on.
    sa.Column("check_rounds", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("check_ended_at", sa.DateTime(timezone=True)),
    sa.Column("check_next", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("check_fault", sa.Text),
    # Whether another policy is served than the one that is believed, and which of checkpoint and archive waits for the other.
    sa.Column("policy_changed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("checkpoint_behind", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("archive_behind", sa.Boolean, nullable=False, server_default=sa.false()),
    # How often at least it was told to somebody else in the archive's name since anybody watches it, and when last.
    sa.Column("read_by_others", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("read_by_others_at", sa.DateTime(timezone=True)),
    info=scope("log"),
)

# Every policy by which checkpoints were ever believed, why, and of a new key the checkpoint that it signed beside the former.
ARCHIVE_POLICIES = sa.Table(
    "archive_policies",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.CheckConstraint("why IN ('first', 'set', 'rotation')", name="why_known"),
    info=scope("log"),
)

# What the worker found in the archived events by its rules, for somebody to look at. Nothing of it is changed or taken out, so
# that other rules find beside it what they find; asked for is what the present ones found.
ARCHIVE_EXCEPTIONS = sa.Table(
    "archive_exceptions",
    METADATA,
    sa.Column("rules", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("subject", sa.Uuid, nullable=False),
    sa.Column("partitionkey", sa.Uuid, nullable=False),
    sa.Column("actorid", sa.Text, nullable=False),
    # The other events that belong to it, such as the approval on the day of the payment.
    sa.Column("beside", sa.ARRAY(sa.Uuid), nullable=False),
    # How many, where it is of a number.
    sa.Column("number", sa.Integer),
    sa.Column("day", sa.Date, nullable=False),
    *(
        sa.Index(f"ix_archive_exceptions_{'_'.join(walked)}", "rules", *walked)
        for walked in (
            ("time", "log", "idx", "kind"), ("kind", "time", "log", "idx"), ("actorid", "time", "log", "idx", "kind"),
            ("partitionkey", "time", "log", "idx", "kind"),
        )
    ),
    sa.Index("ix_archive_exceptions_many_reads", "rules", "actorid", "day", postgresql_where=sa.text("kind = 'many_reads'")),
    info=scope("log"),
)  # fmt: skip

# Which records each person was shown on each of the mission's days: so many that somebody should look is an exception.
ARCHIVE_READER_DAYS = sa.Table(
    "archive_reader_days",
    METADATA,
    sa.Column("rules", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("actorid", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("records", sa.ARRAY(sa.Uuid), nullable=False),
    info=scope("log"),
)

# How far each log was looked at, and by which version of the rules.
ARCHIVE_EXAMINED = sa.Table(
    "archive_examined",
    METADATA,
    sa.Column("rules", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("last_idx", sa.BigInteger, nullable=False),
    info=scope("log"),
)

# What each service's verification said of its rows: which were not as its log has them, and until when. Columns are names.
ARCHIVE_ROWS = sa.Table(
    "archive_rows",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("about", sa.Text, primary_key=True),
    sa.Column("fault", sa.Text, primary_key=True),
    sa.Column("columns", sa.Text, primary_key=True),
    sa.Column("found_at", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("gone_at", sa.DateTime(timezone=True)),
    sa.Index("ix_archive_rows_log_found_at", "log", "found_at", postgresql_where=sa.text("gone_at IS NULL")),
    info=scope("log"),
)

# How far that verification was when it was asked last.
ARCHIVE_VERIFIED = sa.Table(
    "archive_verified",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("looked_at", sa.DateTime(timezone=True)),
    sa.Column("looks", sa.BigInteger, nullable=False),
    # When the archive last saw more looks than before, by its own clock.
    sa.Column("rose_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("rounds", sa.BigInteger, nullable=False),
    sa.Column("round_ended_at", sa.DateTime(timezone=True)),
    sa.Column("round_seconds", sa.Double),
    sa.Column("differences", sa.BigInteger, nullable=False),
    # Up to when it was told which differences are gone; what went in the minute before is asked for once more.
    sa.Column("gone_until", sa.DateTime(timezone=True)),
    info=scope("log"),
)
