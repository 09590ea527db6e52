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


def service_metadata() -> sa.MetaData:
    """A service's metadata with the kernel's own tables in it; the service adds its rows and projections."""
    metadata = sa.MetaData(naming_convention=NAMING)
    sa.Table(
        "log_head",
        metadata,
        sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.true()),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.CheckConstraint("one", name="single"),
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
        sa.UniqueConstraint("subject", "aggver"),
        sa.CheckConstraint(f"octet_length(leaf) <= {LEAF_LIMIT}", name="leaf_size"),
    )
    sa.Table(
        "disclosure",
        metadata,
        sa.Column("event_id", sa.Uuid, sa.ForeignKey("event_log.id", deferrable=True, initially="DEFERRED"),
                  primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
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
    )
    sa.Table(
        "status_transition",
        metadata,
        sa.Column("aggregate", sa.Text, primary_key=True),
        sa.Column("from_status", sa.Text, primary_key=True),
        sa.Column("to_status", sa.Text, primary_key=True),
    )
    return metadata


def aggregate_table(
    metadata: sa.MetaData, name: str, *columns: sa.Column[object] | sa.Constraint | sa.Index
) -> sa.Table:
    """The table whose rows are the states of one aggregate: its id, its version, and a column for each field."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        *columns,
    )


def jsonb(name: str) -> sa.Column[object]:
    """A column for a field that holds a tuple of parts."""
    return sa.Column(name, pg.JSONB, nullable=False)
