"""Points in time as people state them in commands: with an offset, kept in UTC, and never in the future as a fact."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from shared.errors import RuleViolation
from shared.messages import Context


def _in_utc(at: datetime) -> datetime:
    # The bounds keep a far-off year from overflowing in the conversion.
    if not 2000 <= at.year < 2100:
        raise ValueError("the year must lie between 2000 and 2099")
    return at.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


def refuse_future(happened_at: datetime, context: Context) -> None:
    """What is said to have happened must not lie after the present: ``in_the_future``."""
    if happened_at > context.now:
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")
