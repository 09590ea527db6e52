"""What every service does alike when a person is erased: it takes the person's turn, and nothing of them is left."""

from collections.abc import Collection

from shared.db import Sql
from shared.verify import ASKED, Check

# Whoever erases somebody waits here for all who are about to keep something of them, and they for whoever erases: the
# triggers of `migrations/sql/erasure_1.sql` take the same lock.
TAKE_TURN = Sql("SELECT pg_advisory_xact_lock(7041, mod(hashtext(cast(cast(:person_id AS uuid) AS text)), 256))")

# The same turn, shared with others: for whoever relies on somebody who is not the one about whom a row is kept.
SHARE_TURN = Sql("SELECT pg_advisory_xact_lock_shared(7041, mod(hashtext(cast(cast(:person_id AS uuid) AS text)), 256))")


def nothing_left_of_the_erased(tables: Collection[str]) -> Check:
    """Finds who was erased and has a row in one of these tables, or a concealed value of an event of their own."""
    # Person by person: hashed, each of these would be read as a whole.
    left = [f"EXISTS (SELECT FROM {table} WHERE person_id = p.id OFFSET 0)" for table in tables]
    return Check(
        "erased persons",
        Sql(
            f"SELECT p.id FROM persons p WHERE p.id = {ASKED} AND p.erased_at IS NOT NULL AND (EXISTS (SELECT FROM event_log e "
            "WHERE e.subject = p.id AND EXISTS (SELECT FROM disclosure d WHERE d.event_id = e.id OFFSET 0) OFFSET 0)"
            + "".join(f" OR {one}" for one in left) + ")"
        ),
        by_id=True,
    )  # fmt: skip
