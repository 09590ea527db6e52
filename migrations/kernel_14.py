"""What a later revision of each service makes alike: the waiting of a database that was set back ends by two persons' word alone, and who signs its log knows of it."""

from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import let_read_all, let_read_none


def end_waiting_by_two(service: str) -> None:
    """The mark ends only behind what two persons left in rows and log, and who signs checkpoints sees that there is one."""
    run_sql("restored_2.sql")
    let_read_all(service, "checkpoint", "restored", "id", "kept", "accepted_at")


def end_waiting_by_one(service: str) -> None:
    """Undoes `end_waiting_by_two`."""
    let_read_none(service, "checkpoint", "restored")
    op.execute("DROP TRIGGER restored_ends_by_two ON restored")
    op.execute("DROP FUNCTION restored_ends_by_two()")
