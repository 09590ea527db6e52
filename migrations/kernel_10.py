"""What revisions say before they are taken back: that rows stand there of which nothing else would tell."""

from alembic import op


def refuse_to_lose(rows: str, sentence: str) -> None:
    """Ends taking back with this sentence as long as ``SELECT FROM`` these ``rows`` finds any; it repeats nothing of them."""
    quoted = sentence.replace("'", "''")
    op.execute(f"DO $$ BEGIN IF EXISTS (SELECT FROM {rows}) THEN RAISE EXCEPTION '{quoted}'; END IF; END $$")
