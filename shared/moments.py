"""Times and days as people state them in commands: written as RFC 3339 has it, and never in the future as a fact."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from shared.errors import RuleViolation
from shared.messages import Context

_A_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_A_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Every number of this form is a moment, so that a place in a list can be described exactly by a pattern.
MICROSECONDS: Final = "[0-9]{1,17}"


def _written_as(form: re.Pattern[str], value: object) -> object:
    # Else a number would do as well, for seconds since 1970.
    if isinstance(value, date) or (isinstance(value, str) and form.fullmatch(value)):
        return value
    raise ValueError("a time or a day is written as RFC 3339 has it")


def _in_utc(at: datetime) -> datetime:
    # The bounds keep a far-off year from overflowing in the conversion.
    if not 2000 <= at.year < 2100:
        raise ValueError("the year must lie between 2000 and 2099")
    return at.astimezone(UTC)


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(lambda value: _written_as(_A_TIME, value)),
    AfterValidator(_in_utc),
    Field(json_schema_extra={"pattern": "^20[0-9]{2}-"}),
]
Day = Annotated[date, BeforeValidator(lambda value: _written_as(_A_DAY, value))]


def refuse_future(happened_at: datetime, context: Context) -> None:
    """What is said to have happened must not lie after the present: ``in_the_future``."""
    if happened_at > context.now:
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")


def in_microseconds(at: datetime) -> str:
    """A moment from 1970 on as the microseconds since then, without a zone to be misread."""
    return str((at - EPOCH) // timedelta(microseconds=1))


def from_microseconds(text: str) -> datetime:
    """The moment that is written so, in UTC; the text has the form of `MICROSECONDS`."""
    return EPOCH + timedelta(microseconds=int(text))
