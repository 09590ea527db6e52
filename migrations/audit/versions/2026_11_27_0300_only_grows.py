"""Tiles and notes only grow, a finding is taken out by nobody, and the archive's rounds over its own tables are noted."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_10 import refuse_to_lose

revision = "audit_7"
down_revision = "audit_10"
branch_labels = None
depends_on = None

_KIND = "ck_archive_differences_kind_known"
_FORMER = ("other", "missing", "archive", "root")
# A tile of 256 hashes can have no further one, so that by the same rule it is never another.
_TILE_GROWS = """
CREATE FUNCTION archive_tile_only_grows() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (NEW.log, NEW.level, NEW.idx) IS DISTINCT FROM (OLD.log, OLD.level, OLD.idx)
        OR substr(NEW.hashes, 1, octet_length(OLD.hashes)) IS DISTINCT FROM OLD.hashes THEN
        RAISE EXCEPTION 'a tile of the archive only grows' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""
_NOTE_STAYS = """
CREATE FUNCTION archive_note_stays() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF (NEW.log, NEW.size, NEW.root, NEW.note, NEW.agrees) IS DISTINCT FROM (OLD.log, OLD.size, OLD.root, OLD.note, OLD.agrees)
        OR split_part(NEW.again, E'\\n\\n', 1) IS DISTINCT FROM split_part(NEW.note, E'\\n\\n', 1)
        OR NEW.kept_at < OLD.kept_at THEN
        RAISE EXCEPTION 'a kept checkpoint stays as it came' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    op.execute(_TILE_GROWS)
    op.execute(
        "CREATE TRIGGER archive_tiles_only_grow BEFORE UPDATE ON archive_tiles "
        "FOR EACH ROW EXECUTE FUNCTION archive_tile_only_grows()"
    )
    op.add_column("archive_checkpoints", sa.Column("again", sa.Text(), nullable=True))
    op.execute(_NOTE_STAYS)
    op.execute(
        "CREATE TRIGGER archive_notes_stay BEFORE UPDATE ON archive_checkpoints "
        "FOR EACH ROW EXECUTE FUNCTION archive_note_stays()"
    )
    op.execute("REVOKE ALL ON FUNCTION archive_tile_only_grows(), archive_note_stays() FROM PUBLIC")
    op.execute("REVOKE UPDATE (note) ON archive_checkpoints FROM audit_worker")
    op.execute("GRANT UPDATE (again) ON archive_checkpoints TO audit_worker")
    for table in ("archive_tiles", "archive_checkpoints", "archive_differences"):
        op.execute(
            f"CREATE TRIGGER {table}_stay BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
        )
    op.execute("GRANT EXECUTE ON FUNCTION leaf_ids(bytea) TO audit_worker")
    _kinds((*_FORMER, "column", "tile", "twice", "place"))
    for column in (
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("check_rounds", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("check_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_next", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("check_fault", sa.Text(), nullable=True),
    ):
        op.add_column("archive_watched", column)


def downgrade() -> None:
    refuse_to_lose(
        "archive_differences WHERE kind NOT IN ('other', 'missing', 'archive', 'root')",
        "what was found of the archive itself would be lost",
    )
    refuse_to_lose("archive_checkpoints WHERE again IS NOT NULL", "the latest signatures of checkpoints would be lost")
    for column in ("check_fault", "check_next", "check_ended_at", "check_rounds", "since"):
        op.drop_column("archive_watched", column)
    for table in ("archive_tiles", "archive_checkpoints", "archive_differences"):
        op.execute(f"DROP TRIGGER {table}_stay ON {table}")
    op.execute("REVOKE EXECUTE ON FUNCTION leaf_ids(bytea) FROM audit_worker")
    _kinds(_FORMER)
    op.execute("GRANT UPDATE (note) ON archive_checkpoints TO audit_worker")
    op.execute("DROP TRIGGER archive_notes_stay ON archive_checkpoints")
    op.execute("DROP FUNCTION archive_note_stays()")
    op.drop_column("archive_checkpoints", "again")
    op.execute("DROP TRIGGER archive_tiles_only_grow ON archive_tiles")
    op.execute("DROP FUNCTION archive_tile_only_grows()")


def _kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(_KIND), "archive_differences")
    op.create_check_constraint(op.f(_KIND), "archive_differences", f"kind IN ({', '.join(f'{kind!r}' for kind in kinds)})")
