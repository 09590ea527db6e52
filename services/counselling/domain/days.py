"""Which calendar day it is where the mission is, by which consents end, ages are counted and days lie ahead."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from shared.settings import MISSION

_HOME: Final = ZoneInfo(MISSION.mission_time_zone)


def home_day(at: datetime) -> date:
    """The calendar day at this moment where the mission is."""
    return at.astimezone(_HOME).date()
