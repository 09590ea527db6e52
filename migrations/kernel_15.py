"""What a later revision of each service makes alike: whoever serves makes the first key of rows, and no other."""

from alembic import op

from migrations.kernel_2 import EVERY_ROW

_SERVING = ("api", "worker")


def let_make_the_first_key(service: str) -> None:
    """The logins of API and worker put in no key beside another: under the one of the highest number every command seals.

    Each later key is a rotation's, by the owner. Numbers are unique, so that of the first there is one at most.
    """
    for role in _SERVING:
        op.execute(f"ALTER POLICY {service}_{role} ON row_keys WITH CHECK ({EVERY_ROW} AND number = 1)")


def let_make_any_key(service: str) -> None:
    """Undoes `let_make_the_first_key`."""
    for role in _SERVING:
        op.execute(f"ALTER POLICY {service}_{role} ON row_keys WITH CHECK ({EVERY_ROW})")
