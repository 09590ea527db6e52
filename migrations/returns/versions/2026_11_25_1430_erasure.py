"""A person is erased when counselling says so: why their cases ended goes once all of a case's persons are erased."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_6 import let_erase, let_erase_no_more, make_erasable, undo_erasable

revision = "returns_7"
down_revision = "returns_6"
branch_labels = None
depends_on = None

# Which cases somebody was in, the log's own index of ids knows.
_BESIDES = """
    DECLARE of_the_person uuid;
    BEGIN
        FOR of_the_person IN
            SELECT c.id FROM cases c WHERE c.id IN (
                SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = p_person
            ) AND NOT EXISTS (
                SELECT FROM jsonb_to_recordset(c.persons) AS covered(person_id uuid)
                LEFT JOIN persons p ON p.id = covered.person_id WHERE p.erased_at IS NULL
            )
        LOOP
            DELETE FROM disclosure d USING event_log e WHERE e.subject = of_the_person AND d.event_id = e.id;
            DELETE FROM idempotency i WHERE i.resource_id = of_the_person;
        END LOOP;
    END;
"""


def upgrade() -> None:
    op.add_column("persons", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    make_erasable("returns", _BESIDES)
    let_erase("returns", "cases", "", "id", "persons")
    let_erase("returns", "log_mentions", "", "about", "idx")


def downgrade() -> None:
    for table in ("log_mentions", "cases"):
        let_erase_no_more("returns", table)
    undo_erasable("returns")
    op.drop_column("persons", "erased_at")
