"""What a later revision of each service makes alike: a log that can be searched by time, kind, actor and any id in it."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG

# In the order in which a search walks each of them, newest first.
_WALKED = (
    ("time", "idx"),
    ("type", "time", "idx"),
    ("subject", "time", "idx"),
    ("actorid", "time", "idx"),
    ("actorid", "type", "time", "idx"),
)
_FUNCTIONS = ("note_mentions()", "leaf_ids(bytea)", "leaf_actorid(bytea)", "leaf_time(bytea, timestamptz)")


def make_log_searchable(service: str) -> None:
    """Columns made of the leaf itself, indexes for each search, and the ids that each event names, old ones too."""
    run_sql("log_search_1.sql")
    # Generated columns are filled by rewriting the table, which is no update: the log stays append-only meanwhile.
    op.add_column(
        "event_log",
        sa.Column(
            "time", sa.DateTime(timezone=True), sa.Computed("leaf_time(leaf, at)", persisted=True), nullable=False
        ),
    )
    op.add_column(
        "event_log", sa.Column("actorid", sa.Text(), sa.Computed("leaf_actorid(leaf)", persisted=True), nullable=False)
    )
    for columns in _WALKED:
        op.create_index(op.f(f"ix_event_log_{'_'.join(columns)}"), "event_log", list(columns))
    # Without a key to the log: only the log's own trigger writes here, and each append would pay for the check.
    op.create_table(
        "log_mentions",
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("about", "idx", name=op.f("pk_log_mentions")),
    )
    op.execute(
        "INSERT INTO log_mentions (about, idx) "
        "SELECT named, e.idx FROM event_log e CROSS JOIN LATERAL leaf_ids(e.leaf) named WHERE named <> e.id"
    )
    op.execute(
        "CREATE TRIGGER event_log_mentions AFTER INSERT ON event_log REFERENCING NEW TABLE AS entered "
        "FOR EACH STATEMENT EXECUTE FUNCTION note_mentions()"
    )
    _secure(service)


def make_log_unsearchable() -> None:
    """Undoes `make_log_searchable`."""
    op.execute("DROP TRIGGER event_log_mentions ON event_log")
    op.drop_table("log_mentions")
    for columns in _WALKED:
        op.drop_index(op.f(f"ix_event_log_{'_'.join(columns)}"), "event_log")
    op.drop_column("event_log", "actorid")
    op.drop_column("event_log", "time")
    for function in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")


def _secure(service: str) -> None:
    # Whoever may not read the log may not learn from this either what it is about.
    op.execute("ALTER TABLE log_mentions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE log_mentions FORCE ROW LEVEL SECURITY")
    for role, rows in (("verify", EVERY_ROW), ("worker", EVERY_ROW), ("api", READS_THE_LOG)):
        op.execute(f"CREATE POLICY {service}_{role} ON log_mentions FOR SELECT TO {service}_{role} USING ({rows})")
    op.execute(
        f"CREATE POLICY {service}_owner ON log_mentions FOR ALL TO {service}_owner "
        f"USING ({EVERY_ROW}) WITH CHECK ({EVERY_ROW})"
    )
    op.execute(f"GRANT SELECT ON log_mentions TO {service}_verify, {service}_api")
