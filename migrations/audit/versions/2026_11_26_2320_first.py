"""The first tables of audit: a log of its own like every service's, in which stands who read in the archive."""

from alembic import op

from migrations.kernel_1 import create_kernel, drop_kernel
from migrations.kernel_2 import create_access_tables, drop_access_tables, secure
from migrations.kernel_3 import make_log_searchable, make_log_unsearchable
from migrations.kernel_5 import make_concealed_told, make_concealed_untold
from migrations.kernel_7 import make_answers_forgettable
from migrations.kernel_8 import drop_row_keys, make_row_keys
from migrations.kernel_9 import let_checkpoint, let_nobody_checkpoint

revision = "audit_1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_kernel("audit")
    create_access_tables()
    secure("audit", ())
    make_log_searchable("audit")
    make_concealed_told("audit")
    make_answers_forgettable("audit")
    make_row_keys("audit")
    let_checkpoint("audit")
    op.create_index(op.f("ix_idempotency_resource_id"), "idempotency", ["resource_id"])


def downgrade() -> None:
    let_nobody_checkpoint("audit")
    drop_row_keys()
    make_concealed_untold("audit")
    make_log_unsearchable()
    drop_access_tables()
    op.execute("DROP POLICY audit_owner ON alembic_version")
    op.execute("ALTER TABLE alembic_version NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE alembic_version DISABLE ROW LEVEL SECURITY")
    drop_kernel()
