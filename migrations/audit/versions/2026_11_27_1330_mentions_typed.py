"""What names an id says of which kind it is: of thousands that name one, those of a rare kind are found without reading each."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.online import drop_index, fill, make_index

revision = "audit_22"
down_revision = "audit_16"
branch_labels = None
depends_on = None

_KEY = "archive_mentions (about, time, log, idx)"
_AT_A_TIME = 20_000


def upgrade() -> None:
    op.add_column("archive_mentions", sa.Column("type", sa.Text(), nullable=True))
    run_sql("archive_mentions_2.sql")
    make_index("ix_archive_mentions_untyped", "archive_mentions (log, idx) WHERE type IS NULL")
    fill(
        "UPDATE archive_mentions m SET type = e.type FROM archive_entries e WHERE e.log = m.log AND e.idx = m.idx AND m.ctid = ANY "
        f"(ARRAY(SELECT n.ctid FROM archive_mentions n WHERE n.type IS NULL ORDER BY n.log, n.idx LIMIT {_AT_A_TIME}))"
    )
    drop_index("ix_archive_mentions_untyped")
    _indexes(" INCLUDE (type)")


def downgrade() -> None:
    """Nothing is lost: of which kind an event is, its archived entry says."""
    _indexes("")
    op.execute("DROP TRIGGER archive_entries_mentions ON archive_entries")
    op.execute("DROP FUNCTION note_archive_mentions()")
    run_sql("archive_mentions_1.sql")
    op.execute(
        "CREATE TRIGGER archive_entries_mentions AFTER INSERT ON archive_entries REFERENCING NEW TABLE AS entered "
        "FOR EACH STATEMENT EXECUTE FUNCTION note_archive_mentions()"
    )
    op.drop_column("archive_mentions", "type")


def _indexes(besides: str) -> None:
    """Both indexes made anew beside who searches, and put in the former ones' places in one step each."""
    make_index("archive_mentions_access", f"{_KEY}{besides} WHERE access")
    op.execute("DROP INDEX ix_archive_mentions_access")
    op.execute("ALTER INDEX archive_mentions_access RENAME TO ix_archive_mentions_access")
    make_index("archive_mentions_key", _KEY + besides, unique=True)
    op.execute(
        "ALTER TABLE archive_mentions DROP CONSTRAINT pk_archive_mentions, "
        "ADD CONSTRAINT pk_archive_mentions PRIMARY KEY USING INDEX archive_mentions_key"
    )
