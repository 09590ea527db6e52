"""Hashes of an erased person's accounts go at once, wherever they are; whoever enters many hashes takes all turns before any row."""

from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_6 import let_erase, let_erase_no_more

revision = "reintegration_115"
down_revision = "reintegration_114"
branch_labels = None
depends_on = None

_HASHES = ("attempt_accounts", "bank_line_accounts")


def upgrade() -> None:
    for table in _HASHES:
        op.create_index(op.f(f"ix_{table}_token"), table, ["token"])
    let_erase("reintegration", "attempt_accounts", "DELETE", "attempt_id", "token")
    let_erase("reintegration", "bank_line_accounts", "DELETE", "line_id", "token")
    let_erase("reintegration", "payment_attempts", "", "attempt_id", "payee_id")
    let_erase("reintegration", "bank_lines", "UPDATE (other_payee)", "id", "attempt_id", "state")
    # By the trigger of the lines.
    let_erase("reintegration", "bank_files", "", "id", "status", "revocation_asked_by")
    op.execute("GRANT SELECT (token) ON payee_tokens TO reintegration_eraser")
    run_sql("erasure_of_hashes_1.sql")
    op.execute("REVOKE ALL ON FUNCTION erase_hashes() FROM PUBLIC")
    op.execute("GRANT CREATE ON SCHEMA public TO reintegration_eraser")
    op.execute("ALTER FUNCTION erase_hashes() OWNER TO reintegration_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM reintegration_eraser")
    # By its name it comes after the one that locks the payees and takes the turn.
    op.execute(
        "CREATE TRIGGER erases_the_hashes BEFORE INSERT OR UPDATE OF erased_at ON persons FOR EACH ROW "
        "WHEN (NEW.erased_at IS NOT NULL) EXECUTE FUNCTION erase_hashes()"
    )
    _forget_of_the_erased()
    run_sql("hashes_met_2.sql")
    op.execute("REVOKE ALL ON FUNCTION await_hashes(bytea[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION await_hashes(bytea[]) TO reintegration_api")


def downgrade() -> None:
    """Loses nothing: what was deleted with a person is to be gone."""
    run_sql("hashes_met_0.sql")
    op.execute("DROP FUNCTION await_hashes(bytea[])")
    op.execute("DROP TRIGGER erases_the_hashes ON persons")
    op.execute("DROP FUNCTION erase_hashes()")
    op.execute("REVOKE SELECT (token) ON payee_tokens FROM reintegration_eraser")
    for table in ("bank_files", "bank_lines", "payment_attempts", "bank_line_accounts", "attempt_accounts"):
        let_erase_no_more("reintegration", table)
    for table in reversed(_HASHES):
        op.drop_index(op.f(f"ix_{table}_token"), table)


def _forget_of_the_erased() -> None:
    """Whoever was erased before has hashes there as well."""
    op.execute(
        "WITH gone AS (DELETE FROM attempt_accounts t USING payment_attempts a, payees p, persons e WHERE a.attempt_id = t.attempt_id "
        "AND p.id = a.payee_id AND e.id = p.person_id AND e.erased_at IS NOT NULL RETURNING t.attempt_id, t.token) "
        "DELETE FROM bank_line_accounts b WHERE b.line_id IN (SELECT s.line_id FROM bank_line_accounts s JOIN gone ON gone.token = s.token "
        "EXCEPT SELECT s.line_id FROM bank_line_accounts s JOIN payee_tokens o ON o.token = s.token "
        "EXCEPT SELECT s.line_id FROM bank_line_accounts s JOIN attempt_accounts o ON o.token = s.token "
        "WHERE o.attempt_id NOT IN (SELECT attempt_id FROM gone))"
    )
