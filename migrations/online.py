"""What a revision does to a table while people work on it: an index, a rule and new values for which nobody has to wait.

The rest of how a release changes tables that are in use stands in docs/upgrading.md.
"""

from typing import Final

from alembic import op

LOCK_TIMEOUT: Final = "500ms"
"""So long a revision waits for a table; whoever asks for the same table meanwhile stands behind it, and waits as long."""

STATEMENT_TIMEOUT: Final = "60s"
"""So long one statement of a revision may take, but for what takes as long as it takes and is in nobody's way."""


def make_index(name: str, definition: str, *, unique: bool = False) -> None:
    """Makes an index beside whoever reads and writes the table; ``definition`` is what stands after ON.

    One that an earlier try left broken is made anew. It waits for transactions of before, and they do not wait for it.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    _beside(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE {kind} CONCURRENTLY {name} ON {definition}")


def drop_index(name: str) -> None:
    """Takes an index away in the same manner, if it is there."""
    _beside(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def hold(table: str, name: str, rule: str) -> None:
    """Makes a rule (``CHECK (…)`` or ``FOREIGN KEY …``) that new rows are held to at once, and the rows of before are afterwards.

    Two steps and two locks: the first is short, and during the second, which reads the whole table, everybody goes on writing.
    """
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID")
    _beside(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def fill(statement: str) -> int:
    """Runs an UPDATE that changes a bounded number of rows until it finds none any more; how many rows it changed in all.

    Each run is a transaction of its own, so that no row is held for longer than that takes. What breaks off is gone on with
    by the next try: the statement has to leave out what it has already changed.
    """
    changed = 0
    with op.get_context().autocommit_block():
        while found := op.get_bind().exec_driver_sql(statement).rowcount:
            changed += found
    return changed


def needs(revision: str | None) -> None:
    """Leaves word that only a release that knows this revision runs with the database from here on; None takes the word back.

    For a revision that takes away what an earlier release asks for: it names the newest revision of the release before its own, and
    its downgrade says again what was so before it. Whoever goes back too far is refused by it (ops/revisions.py).
    """
    word = "NULL" if revision is None else f"'needs {revision}'"
    op.execute(f"COMMENT ON TABLE alembic_version IS {word}")


def _beside(*statements: str) -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        for statement in statements:
            op.execute(statement)
        op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        op.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
