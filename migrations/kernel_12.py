"""What a later revision of each service makes alike: who verifies sees at which revision the database is."""

from migrations.kernel_2 import let_read_all, let_read_none


def tell_revision(service: str) -> None:
    """The login that verifies may read the revision, so that it waits while the tables are those of another one."""
    let_read_all(service, "verify", "alembic_version", "version_num")


def keep_revision(service: str) -> None:
    """Undoes `tell_revision`."""
    let_read_none(service, "verify", "alembic_version")
