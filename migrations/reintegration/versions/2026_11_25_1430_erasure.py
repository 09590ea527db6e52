"""Papers of each grant have a key of the person's; when the person is erased, those of paid money stay until a day."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN
from migrations.kernel_4 import drop_person_keys, make_person_keys
from migrations.kernel_6 import (
    keys_for_papers,
    let_erase,
    let_erase_no_more,
    make_erasable,
    undo_erasable,
)

revision = "reintegration_7"
down_revision = "reintegration_6"
branch_labels = None
depends_on = None

# Of a grant on which money was paid the papers stay, and their key with a day until which.
_BESIDES = """
    DELETE FROM evidence_pieces p USING evidence_files f, grants g
        WHERE g.person_id = p_person AND g.paid = 0 AND f.grant_id = g.id AND p.evidence_id = f.evidence_id;
    DELETE FROM evidence_files f USING grants g
        WHERE g.person_id = p_person AND g.paid = 0 AND f.grant_id = g.id;
    DELETE FROM person_keys k WHERE k.person_id = p_person
        AND NOT EXISTS (SELECT FROM grants g WHERE g.id = k.about AND g.paid > 0);
    UPDATE person_keys k SET keep_until = (SELECT p.kept_until FROM persons p WHERE p.id = p_person)
        WHERE k.person_id = p_person;
"""
_REFUSING = ("refuse_papers_of_the_erased()", "refuse_keys_of_the_erased()")


def upgrade() -> None:
    op.create_table(
        "persons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.execute("ALTER TABLE persons ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE persons FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "ALL", EVERY_ROW),
        ("api", "SELECT", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(
            f"CREATE POLICY reintegration_{role} ON persons FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON persons TO reintegration_verify, reintegration_api")
    # A row is made once; to lock one takes the right to change it.
    op.execute("GRANT SELECT, INSERT, UPDATE (id) ON persons TO reintegration_worker")
    op.add_column("evidence_files", sa.Column("sealed_under", sa.Text(), server_default="service", nullable=False))
    op.alter_column("evidence_files", "sealed_under", server_default="grant")
    op.create_check_constraint(
        op.f("ck_evidence_files_sealed_under_a_key"), "evidence_files", "sealed_under IN ('grant', 'service')"
    )
    op.create_index(op.f("ix_evidence_files_grant_id"), "evidence_files", ["grant_id"])
    op.execute("GRANT UPDATE (wrapped_key, sealed_under) ON evidence_files TO reintegration_api")
    make_person_keys("reintegration")
    keys_for_papers()
    op.execute("REVOKE DELETE ON person_keys FROM reintegration_api")
    # Who erases says how much there was; what it opens, it cannot read.
    op.execute("GRANT SELECT (person_id, about, keep_until) ON person_keys TO reintegration_verify, reintegration_worker")
    op.execute("GRANT SELECT (evidence_id, grant_id) ON evidence_files TO reintegration_worker")
    op.execute("GRANT SELECT (id, person_id, paid, tranches) ON grants TO reintegration_worker")
    make_erasable("reintegration", _BESIDES)
    run_sql("erasure_of_papers_1.sql")
    op.execute("GRANT CREATE ON SCHEMA public TO reintegration_eraser")
    for function in _REFUSING:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"ALTER FUNCTION {function} OWNER TO reintegration_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM reintegration_eraser")
    op.execute(
        "CREATE TRIGGER papers_of_the_erased BEFORE INSERT ON evidence_files "
        "FOR EACH ROW EXECUTE FUNCTION refuse_papers_of_the_erased()"
    )
    op.execute(
        "CREATE TRIGGER keys_of_the_erased BEFORE INSERT ON person_keys "
        "FOR EACH ROW EXECUTE FUNCTION refuse_keys_of_the_erased()"
    )
    let_erase("reintegration", "person_keys", "DELETE", "person_id", "about", "keep_until")
    op.execute("GRANT UPDATE (keep_until) ON person_keys TO reintegration_eraser")
    let_erase("reintegration", "evidence_files", "DELETE", "evidence_id", "grant_id", "sealed_under")
    let_erase("reintegration", "evidence_pieces", "DELETE", "evidence_id")
    let_erase("reintegration", "grants", "", "id", "person_id", "paid")
    op.execute("GRANT SELECT (kept_until) ON persons TO reintegration_eraser")


def downgrade() -> None:
    op.execute("DROP TRIGGER keys_of_the_erased ON person_keys")
    op.execute("DROP TRIGGER papers_of_the_erased ON evidence_files")
    for function in _REFUSING:
        op.execute(f"DROP FUNCTION {function}")
    for table in ("grants", "evidence_pieces", "evidence_files", "person_keys"):
        let_erase_no_more("reintegration", table)
    undo_erasable("reintegration")
    op.execute("REVOKE SELECT (id, person_id, paid, tranches) ON grants FROM reintegration_worker")
    op.execute("REVOKE SELECT (evidence_id, grant_id) ON evidence_files FROM reintegration_worker")
    drop_person_keys()
    op.execute("REVOKE UPDATE (wrapped_key, sealed_under) ON evidence_files FROM reintegration_api")
    op.drop_index(op.f("ix_evidence_files_grant_id"), "evidence_files")
    op.drop_constraint(op.f("ck_evidence_files_sealed_under_a_key"), "evidence_files")
    op.drop_column("evidence_files", "sealed_under")
    op.drop_table("persons")
