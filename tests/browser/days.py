"""The mission's day, which the pages go by: late in the evening it is not the day of UTC, and a run may pass its midnight."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from shared.settings import MISSION


def today() -> date:
    """The day at the mission now; asked where it is needed and kept nowhere, or a run that passes midnight goes by the day before."""
    return datetime.now(UTC).astimezone(ZoneInfo(MISSION.mission_time_zone)).date()
