"""The mission's day and its clock, which the pages go by: late in the evening it is not the day of UTC, and a run may pass midnight."""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from shared.settings import MISSION

HERE: Final = ZoneInfo(MISSION.mission_time_zone)


def today() -> date:
    """The day at the mission now; asked where it is needed and kept nowhere, or a run that passes midnight goes by the day before."""
    return datetime.now(UTC).astimezone(HERE).date()


def written(moment: datetime) -> tuple[str, str]:
    """Day and time of a moment as somebody at the mission writes them, also in the hour that comes twice."""
    local = moment.astimezone(HERE)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{local:%Y-%m-%d}", f"{clock} {local:%z}" if twice else clock
