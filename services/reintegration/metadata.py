"""What reintegration's tables are declared in and with: their common metadata and the kinds of columns they share."""

from collections.abc import Iterable

import sqlalchemy as sa

from shared.tables import service_metadata

METADATA = service_metadata()


def begins(statuses: Iterable[str]) -> sa.CheckConstraint:
    """Holds the first status of a row; a trigger holds every later move to the declared transitions."""
    first = ", ".join(f"'{status}'" for status in sorted(statuses))
    return sa.CheckConstraint(f"version > 1 OR status IN ({first})", name="beginning")


def amount(name: str) -> sa.Column[object]:
    """A column for an amount, without a fixed scale, so that 1250.00 stays 1250.00 and is not shown as 1250.0000."""
    return sa.Column(name, sa.Numeric, nullable=False)
