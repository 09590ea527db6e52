"""Who signs checkpoints sees of a service its log's hashes, by a login of its own that reads nothing else."""

from alembic import op

from migrations.kernel_2 import let_read_all, let_read_none


def let_checkpoint(service: str) -> None:
    """The login may read which entries the log has and their hashes, and neither what they say nor anything besides."""
    op.execute(f"GRANT USAGE ON SCHEMA public TO {service}_checkpoint")
    let_read_all(service, "checkpoint", "event_log", "idx", "leaf_hash")


def let_nobody_checkpoint(service: str) -> None:
    """Undoes `let_checkpoint`."""
    let_read_none(service, "checkpoint", "event_log")
    op.execute(f"REVOKE ALL ON SCHEMA public FROM {service}_checkpoint")
