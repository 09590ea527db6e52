"""Of two statements a line is told again only if each of its payments is the same, and two persons may find that it is another one."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_71"
down_revision = "reintegration_85"
branch_labels = None
depends_on = None

_TRANSITIONS = (
    ("apart_asked", "apart_dropped"), ("apart_asked", "told_apart"), ("apart_dropped", "apart_asked"), ("told_apart", "match_asked"),
    ("told_apart", "explained"), ("told_apart", "explanation_asked"),
)  # fmt: skip
# As `KeptLine.alike` is made of a line when it is read; the attempt that its code was found to be of the bank did not name.
_ALIKE = (
    "UPDATE bank_lines l SET alike = n.alike FROM (SELECT file_id, number, encode(sha256(convert_to(concat_ws('|', "
    "coalesce(bank_reference, ''), booked_on, line_amount, direction, string_agg(concat(CASE WHEN NOT by_code THEN attempt_id END, '/', "
    "remittance_code), '|' ORDER BY part)), 'UTF8')), 'hex') AS alike FROM bank_lines WHERE kind = 'booked' "
    "GROUP BY file_id, number, bank_reference, booked_on, line_amount, direction) n WHERE (n.file_id, n.number) = (l.file_id, l.number)"
)
_COUNTS = "kind = 'booked' AND duplicate_of IS NULL AND bank_reference IS NOT NULL AND state NOT IN ('unconfirmed', 'dropped')"
_STATE = (
    "CASE WHEN state IN ('unconfirmed', 'dropped') THEN true "
    "WHEN state IN ('unmatched', 'matched', 'returned', 'rejected', 'explained', 'recovered', 'duplicate', 'accepted') "
    "THEN (state = 'accepted') = (kind = 'accepted') AND (state = 'duplicate') = (duplicate_of IS NOT NULL{apart}) "
    "AND (state <> 'rejected' OR kind = 'rejected') AND (state NOT IN ('matched', 'returned') OR kind = 'booked') ELSE false END"
)
_ACT = (
    "(status IN ('explained', 'explanation_asked')) = (explanation IS NOT NULL) "
    "AND (status IN ('match_asked', 'matched', 'undo_asked', 'match_kept')) = (attempt_id IS NOT NULL) "
    "AND (other_than_named IS NULL OR attempt_id IS NOT NULL) AND CASE WHEN status IN ('match_asked', 'matched', 'undo_asked', "
    "'match_undone', 'explanation_asked'{apart}) THEN asked_by IS NOT NULL ELSE status = 'explained' OR asked_by IS NULL END"
)
_TWO = "status NOT IN ('matched', 'match_undone', 'explained'{apart}) OR asked_by <> acted_by"


def upgrade() -> None:
    op.add_column("bank_lines", sa.Column("alike", sa.Text(), nullable=True))
    op.add_column("bank_lines", sa.Column("apart", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(_ALIKE)
    _once(["own_account_id", "alike", "occurrence", "part"])
    _held("bank_lines", "state_is_known", _STATE.format(apart=" AND NOT apart"))
    _held("bank_line_acts", "beginning", "version > 1 OR status IN ('apart_asked', 'explained', 'explanation_asked', 'match_asked')")
    _held("bank_line_acts", "act_is_whole", _ACT.format(apart=", 'apart_asked', 'told_apart'"))
    _held("bank_line_acts", "two_persons", _TWO.format(apart=", 'told_apart'"))
    for before, after in _TRANSITIONS:
        op.execute(f"INSERT INTO status_transition VALUES ('bank_line_acts', '{before}', '{after}')")
    op.execute("GRANT UPDATE (apart) ON bank_lines TO reintegration_api")


def downgrade() -> None:
    # What two persons told apart, or asked to, nothing else would say.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_lines WHERE apart) OR EXISTS (SELECT FROM bank_line_acts "
        "WHERE status IN ('apart_asked', 'apart_dropped', 'told_apart')) THEN "
        "RAISE EXCEPTION 'there are lines of the bank that somebody told apart'; END IF; END $$"
    )
    for before, after in _TRANSITIONS:
        op.execute(
            f"DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = ('bank_line_acts', '{before}', '{after}')"
        )
    _held("bank_line_acts", "two_persons", _TWO.format(apart=""))
    _held("bank_line_acts", "act_is_whole", _ACT.format(apart=""))
    _held("bank_line_acts", "beginning", "version > 1 OR status IN ('explained', 'explanation_asked', 'match_asked')")
    _held("bank_lines", "state_is_known", _STATE.format(apart=""))
    _once(["own_account_id", "bank_reference", "booked_on", "line_amount", "direction", "occurrence", "part"])
    op.drop_column("bank_lines", "apart")
    op.drop_column("bank_lines", "alike")


def _held(table: str, name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def _once(columns: list[str]) -> None:
    op.drop_index("uq_bank_lines_once", "bank_lines")
    op.create_index("uq_bank_lines_once", "bank_lines", columns, unique=True, postgresql_where=sa.text(_COUNTS))
