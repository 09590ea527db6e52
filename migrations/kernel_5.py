"""What a later revision of each service makes alike: what events conceal can be told to the person whom they are about."""

from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import give_function, let_read_all, let_read_none

_FUNCTION = "concealed_in(uuid[])"


def make_concealed_told(service: str) -> None:
    """The one function by which a service's API reads concealed values, owned by the role that sees no more than these."""
    let_read_all(service, "lookup", "disclosure", "event_id", "path", "value")
    run_sql("concealed_1.sql")
    give_function(service, "lookup", _FUNCTION)


def make_concealed_untold(service: str) -> None:
    """Undoes `make_concealed_told`."""
    op.execute(f"DROP FUNCTION {_FUNCTION}")
    let_read_none(service, "lookup", "disclosure")
