"""Which day it is where somebody travels, whose time zone is not known here: the earliest and the latest that it can be."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.settings import MISSION

_EARLIEST_ZONE: Final = timedelta(hours=14)
_HOME: Final = ZoneInfo(MISSION.mission_time_zone)
_LATEST_ZONE: Final = timedelta(hours=12)


def latest_day(at: datetime) -> date:
    """The latest calendar day that it can be anywhere at this moment (UTC+14)."""
    return (at + _EARLIEST_ZONE).date()


def earliest_day(at: datetime) -> date:
    """The earliest calendar day that it can be anywhere at this moment (UTC-12)."""
    return (at - _LATEST_ZONE).date()


def home_day(at: datetime) -> date:
    """The calendar day at this moment where the mission is."""
    return at.astimezone(_HOME).date()


def over_at_home(last_day: date) -> datetime:
    """The moment at which this day is over where the mission is, from where everybody leaves."""
    return datetime.combine(last_day + timedelta(days=1), time.min, _HOME).astimezone(UTC)


def over_at(last_day: date) -> datetime:
    """The first moment at which this day may be over somewhere: from then on `latest_day` is a later one."""
    return datetime.combine(last_day + timedelta(days=1), time.min, UTC) - _EARLIEST_ZONE
