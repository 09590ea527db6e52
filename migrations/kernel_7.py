"""What a later revision of each service makes alike: answers that were given long ago are forgotten."""

from alembic import op

from migrations.kernel_2 import EVERY_ROW

# Whoever has taken over the worker's login makes no command be done twice: of recent answers it sees none.
_LONG_AGO = "at < clock_timestamp() - interval '90 days'"


def make_answers_forgettable(service: str) -> None:
    """Lets a service's worker delete the keys under which answers were given more than ninety days ago."""
    _let(service, "ALL", _LONG_AGO)
    op.execute(f"GRANT DELETE ON idempotency TO {service}_worker")


def make_answers_unforgettable(service: str) -> None:
    """Undoes `make_answers_forgettable`."""
    op.execute(f"REVOKE DELETE ON idempotency FROM {service}_worker")
    _let(service, "SELECT", EVERY_ROW)


def _let(service: str, action: str, rows: str) -> None:
    worker = f"{service}_worker"
    op.execute(f"DROP POLICY {worker} ON idempotency")
    op.execute(f"CREATE POLICY {worker} ON idempotency FOR {action} TO {worker} USING ({rows})")
