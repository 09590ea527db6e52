"""What is said of a line of the bank's that names a payment of ours two persons say, and what two found two undo."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "reintegration_77"
down_revision = "reintegration_81"
branch_labels = None
depends_on = None

_ACTS: Final = "bank_line_acts"
_BEGINNINGS: Final = ("explained", "explanation_asked", "match_asked")
_WAYS: Final = (
    ("match_dropped", "explanation_asked"), ("matched", "undo_asked"), ("undo_asked", "match_kept"), ("undo_asked", "match_undone"),
    ("match_kept", "undo_asked"), *(("match_undone", after) for after in _BEGINNINGS), ("explanation_asked", "explained"),
    ("explanation_asked", "explanation_dropped"), *(("explanation_dropped", after) for after in _BEGINNINGS),
)  # fmt: skip
# What two persons found was asked anew, or explained, by one.
_WAYS_NO_MORE: Final = (("matched", "explained"), ("matched", "match_asked"))
_RULES: Final = {
    "beginning": "version > 1 OR status IN ('explained', 'explanation_asked', 'match_asked')",
    "act_is_whole": (
        "(status IN ('explained', 'explanation_asked')) = (explanation IS NOT NULL) "
        "AND (status IN ('match_asked', 'matched', 'undo_asked', 'match_kept')) = (attempt_id IS NOT NULL) "
        "AND (other_than_named IS NULL OR attempt_id IS NOT NULL) AND CASE WHEN status IN ('match_asked', 'matched', 'undo_asked', "
        "'match_undone', 'explanation_asked') THEN asked_by IS NOT NULL ELSE status = 'explained' OR asked_by IS NULL END"
    ),
    "two_persons": "status NOT IN ('matched', 'match_undone', 'explained') OR asked_by <> acted_by",
}
_RULES_BEFORE: Final = {
    "beginning": "version > 1 OR status IN ('explained', 'match_asked')",
    "act_is_whole": (
        "(status = 'explained') = (explanation IS NOT NULL) AND (status IN ('match_asked', 'matched')) = (attempt_id IS NOT NULL) "
        "AND (attempt_id IS NULL) = (asked_by IS NULL)"
    ),
    "two_persons": "status <> 'matched' OR asked_by <> acted_by",
}


def upgrade() -> None:
    op.add_column(_ACTS, sa.Column("other_than_named", sa.Text(), nullable=True))
    _held_to(_RULES)
    for before, after in _WAYS:
        _way("INSERT INTO status_transition VALUES (:aggregate, :before, :after)", before, after)
    for before, after in _WAYS_NO_MORE:
        _way(_NO_MORE, before, after)
    # What one person explained, or asked of anew, after two had found its payment is of no payment that anybody stands by.
    op.execute(
        f"UPDATE bank_lines SET of_attempt = attempt_id WHERE of_attempt IS DISTINCT FROM attempt_id AND settled_attempt IS NULL "
        f"AND id IN (SELECT id FROM {_ACTS} WHERE status <> 'matched')"
    )


def downgrade() -> None:
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT FROM {_ACTS} WHERE status NOT IN ('match_asked', 'match_dropped', 'matched', 'explained') "
        "OR status = 'explained' AND asked_by IS NOT NULL) THEN "
        "RAISE EXCEPTION 'two persons said something of a line that was one''s to say before'; END IF; END $$"
    )
    for before, after in _WAYS_NO_MORE:
        _way("INSERT INTO status_transition VALUES (:aggregate, :before, :after)", before, after)
    for before, after in _WAYS:
        _way(_NO_MORE, before, after)
    _held_to(_RULES_BEFORE)
    op.drop_column(_ACTS, "other_than_named")


_NO_MORE: Final = (
    "DELETE FROM status_transition WHERE aggregate = :aggregate AND from_status = :before AND to_status = :after"
)


def _way(sql: str, before: str, after: str) -> None:
    op.execute(sa.text(sql).bindparams(aggregate=_ACTS, before=before, after=after))


def _held_to(rules: dict[str, str]) -> None:
    for name, rule in rules.items():
        op.drop_constraint(op.f(f"ck_{_ACTS}_{name}"), _ACTS)
        op.create_check_constraint(op.f(f"ck_{_ACTS}_{name}"), _ACTS, rule)
