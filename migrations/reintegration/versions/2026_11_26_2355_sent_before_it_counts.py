"""A line keeps which batches were in the bank's hands as its file was confirmed, so that no clock decides what was sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql

revision = "reintegration_102"
down_revision = "reintegration_110"
branch_labels = None
depends_on = None

# Of lines of before the log says what came first, by the order of its events.
_OF_BEFORE = (
    "UPDATE bank_lines l SET sent_batches = ARRAY(SELECT DISTINCT b.batch_id FROM batch_payments b JOIN payment_attempts a ON a.attempt_id = b.attempt_id "
    "JOIN event_log h ON h.subject = b.batch_id AND h.type = 'avrr.reintegration.payment_batch.handed_out.v1' "
    "WHERE h.idx < c.idx AND (b.attempt_id IN (l.attempt_id, l.of_attempt) OR (l.kind = 'booked' AND (a.status = 'released' OR a.reason = 'not_answered')))) "
    "FROM (SELECT f.id, (SELECT max(e.idx) FROM event_log e WHERE e.subject = f.id AND e.type = CASE WHEN f.before_rule "
    "THEN 'avrr.reintegration.bank_file.imported.v1' ELSE 'avrr.reintegration.bank_file.confirmed.v1' END) AS idx FROM bank_files f) c "
    "WHERE c.id = l.file_id AND l.state NOT IN ('unconfirmed', 'dropped')"
)


def upgrade() -> None:
    op.add_column("bank_lines", sa.Column("sent_batches", pg.ARRAY(sa.Uuid()), nullable=True))
    op.execute("GRANT UPDATE (sent_batches) ON bank_lines TO reintegration_api")
    op.execute(_OF_BEFORE)
    run_sql("lines_sent_1.sql")


def downgrade() -> None:
    run_sql("bank_files_revoked_1.sql")
    op.drop_column("bank_lines", "sent_batches")
