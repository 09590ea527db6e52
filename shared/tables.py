"""The tables every service has: its log, its place in others' logs, what could not be applied, what was answered."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

LEAF_LIMIT = 32_768

# How far row security opens a table to the API's login, in ``info={"scope": ...}``: each entry is one way by which a row
# is within reach, a rule and for some rules the column that it asks. Everybody else's policies are the same everywhere.
#   country:<column>, site:<column>   that country or site is in the transaction's scope
#   actor:<column>                    it belongs to whoever the transaction runs for
#   known                             any row, for an actor whose scope has some country
#   log                               any row, for a transaction that may read the log
#   released:<column>                 that grant's vouchers are open to whoever the transaction runs for, at the time that it states
#   released_paper:<column>           the same of the grant of that paper
#   any                               any row
# No entry at all is no row.
RowScope = tuple[str, ...]


def service_metadata() -> sa.MetaData:
    """A service's metadata with the kernel's own tables in it; the service adds its rows and projections."""
    metadata = sa.MetaData(naming_convention=NAMING)
    sa.Table(
        "log_head",
        metadata,
        sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.true()),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.CheckConstraint("one", name="single"),
        info=scope(),
    )
    sa.Table(
        "event_log",
        metadata,
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Uuid, nullable=False, unique=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Uuid, nullable=False),
        sa.Column("aggver", sa.Integer, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        # Made of the leaf by the database itself, for whoever searches; what is proved is the leaf.
        sa.Column("time", sa.DateTime(timezone=True), sa.Computed("leaf_time(leaf, at)", persisted=True), nullable=False),
        sa.Column("actorid", sa.Text, sa.Computed("leaf_actorid(leaf)", persisted=True), nullable=False),
        sa.UniqueConstraint("subject", "aggver"),
        sa.CheckConstraint(f"octet_length(leaf) <= {LEAF_LIMIT}", name="leaf_size"),
        *(
            sa.Index(f"ix_event_log_{'_'.join(walked)}", *walked)
            for walked in (
                ("time", "idx"), ("type", "time", "idx"), ("subject", "time", "idx"), ("actorid", "time", "idx"),
                ("actorid", "type", "time", "idx"),
            )
        ),
        info=scope("log"),
    )
    # Every id that stands in an event, but its own; a trigger of the log fills it.
    sa.Table(
        "log_mentions",
        metadata,
        sa.Column("about", sa.Uuid, primary_key=True),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        info=scope("log"),
    )
    sa.Table(
        "disclosure",
        metadata,
        sa.Column("event_id", sa.Uuid, sa.ForeignKey("event_log.id", deferrable=True, initially="DEFERRED"),
                  primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        info=scope(),
    )
    sa.Table(
        "cursor",
        metadata,
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("last_idx", sa.BigInteger, nullable=False),
        sa.Column("last_hash", sa.LargeBinary),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("stopped", sa.Text),
        # When its follower last had nothing left to read, by the database's own clock; rules ask how long ago it was.
        sa.Column("caught_up_at", sa.DateTime(timezone=True)),
        info=scope("any"),
    )
    sa.Table(
        "dead_letter",
        metadata,
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("partitionkey", sa.Uuid, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Index(None, "source", "partitionkey"),
        info=scope("any"),
    )
    sa.Table(
        "idempotency",
        metadata,
        sa.Column("actor_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("resource_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Index(None, "at"),
        sa.Index(None, "resource_id"),
        info=scope("actor:actor_id"),
    )
    sa.Table(
        "status_transition",
        metadata,
        sa.Column("aggregate", sa.Text, primary_key=True),
        sa.Column("from_status", sa.Text, primary_key=True),
        sa.Column("to_status", sa.Text, primary_key=True),
        info=scope("any"),
    )
    # The keys under which parts of rows are sealed, each wrapped under the key of its epoch (`shared.row_keys`).
    sa.Table(
        "row_keys",
        metadata,
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False, unique=True),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        info=scope("any", first_by="number"),
    )
    access_table(metadata)
    # Refusals whose repeats are being counted, one row for each kind of refusal of one actor.
    sa.Table(
        "refusal_windows",
        metadata,
        sa.Column("actor_id", sa.Text, primary_key=True),
        sa.Column("operation", sa.Text, primary_key=True),
        sa.Column("code", sa.Text, primary_key=True),
        # The nil UUID where a refusal is about nothing in particular.
        sa.Column("about", sa.Uuid, primary_key=True),
        sa.Column("access_id", sa.Uuid, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_correlation", sa.Text, nullable=False),
        sa.Index(None, "began_at"),
        info=scope("actor:actor_id"),
    )
    _verified_tables(metadata)
    _restored_tables(metadata)
    return metadata


def _verified_tables(metadata: sa.MetaData) -> None:
    # What the service's verification found; a row is added and then only gone. ``columns`` are names with commas between.
    sa.Table(
        "verify_differences",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("columns", sa.Text, nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("gone_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("fault IN ('other', 'missing', 'unlogged', 'broken', 'derived', 'log')", name="fault_known"),
        sa.Index(None, "kind", "about", "fault", "columns", unique=True, postgresql_where=sa.text("gone_at IS NULL")),
        sa.Index(None, "gone_at"),
        info=scope("log"),
    )
    # From which transaction on changes are looked for, how often they were, and how far the present round is.
    sa.Table(
        "verify_progress",
        metadata,
        sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.true()),
        sa.Column("looked_from", sa.BigInteger),
        sa.Column("looked_at", sa.DateTime(timezone=True)),
        sa.Column("looks", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("position", sa.Uuid),
        sa.Column("round_began_at", sa.DateTime(timezone=True)),
        sa.Column("rounds", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("round_ended_at", sa.DateTime(timezone=True)),
        sa.Column("round_seconds", sa.Double),
        sa.CheckConstraint("one", name="single"),
        info=scope("log"),
    )


def _restored_tables(metadata: sa.MetaData) -> None:
    # How far the database was set back (`shared.set_back`): one row at a time waits, and while it does nothing enters the log.
    sa.Table(
        "restored",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("one", sa.Boolean, nullable=False, server_default=sa.true()),
        # So many entries the log had when that was found, and so many somebody outside the database knows of.
        sa.Column("kept", sa.BigInteger, nullable=False),
        sa.Column("known", sa.BigInteger, nullable=False),
        sa.Column("finder", sa.Text, nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        # When orders were taken again: after what was accepted had been done.
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("one", name="single"),
        sa.CheckConstraint("kept >= 0 AND known >= kept", name="known_more"),
        sa.CheckConstraint("finder IN ('operator', 'stream', 'checkpointer', 'archive', 'follower')", name="finder_known"),
        sa.CheckConstraint("opened_at IS NULL OR accepted_at IS NOT NULL", name="accepted_first"),
        sa.Index(None, "one", unique=True, postgresql_where=sa.text("opened_at IS NULL")),
        info=scope("any"),
    )
    aggregate_table(
        metadata,
        "restores",
        sa.Column("kept", sa.BigInteger, nullable=False),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("known", sa.BigInteger, nullable=False),
        sa.Column("listed", sa.BigInteger, nullable=False),
        sa.Column("list_sha256", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("accepted_by", sa.Text),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("accepted_by <> proposed_by", name="two_persons"),
        sa.CheckConstraint("num_nulls(accepted_by, accepted_at) IN (0, 2)", name="accepted_whole"),
        info=scope("log"),
    )


def access_table(metadata: sa.MetaData) -> sa.Table:
    """The table of a service's accesses: refusals, sensitive reads, what outsiders were told."""
    return aggregate_table(
        metadata,
        "accesses",
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("about", pg.ARRAY(sa.Uuid), nullable=False),
        sa.Column("purpose", sa.Text),
        sa.Column("repeats", sa.Integer),
        info=scope("actor:actor_id"),
    )


def aggregate_table(
    metadata: sa.MetaData,
    name: str,
    *columns: sa.Column[object] | sa.Constraint | sa.Index,
    info: dict[str, RowScope],
) -> sa.Table:
    """The table whose rows are the states of one aggregate: its id, its version, and a column for each field."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        *columns,
        info=info,
    )


def person_keys_table(metadata: sa.MetaData) -> sa.Table:
    """The table of a service's keys of persons, each wrapped under the key of its epoch (`shared.private`).

    ``about`` is the person's id for their own key, and for one of the papers of something else that thing's id.
    ``keep_until`` is for how long such a key stays although the person was erased.
    """
    return sa.Table(
        "person_keys",
        metadata,
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("about", sa.Uuid, primary_key=True),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("keep_until", sa.Date),
        sa.Index(None, "epoch"),
        # A key says nothing about a person; who may know of one is said where the values are that it opens.
        info=scope("known"),
    )


def scope(*ways: str, written_by: str | None = None, first_by: str | None = None) -> dict[str, RowScope]:
    """A table's ``info``: the ways by which its rows are within an actor's reach.

    ``written_by`` is the column that names who wrote a row: the API writes none in another's name. ``first_by`` is the column
    that numbers the rows: API and worker write none but the first.
    """
    info: dict[str, RowScope] = {"scope": ways}
    if written_by is not None:
        info["written_by"] = (f"actor:{written_by}",)
    if first_by is not None:
        info["first_by"] = (f"first:{first_by}",)
    return info


def jsonb(name: str) -> sa.Column[object]:
    """A column for a field that holds a tuple of parts."""
    return sa.Column(name, pg.JSONB, nullable=False)
