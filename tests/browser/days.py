"""The mission's day and its clock, which the pages go by: late in the evening it is not the day of UTC, and a run may pass midnight."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.settings import MISSION

HERE: Final = ZoneInfo(MISSION.mission_time_zone)
_AMPLE: Final = timedelta(minutes=5)


def today() -> date:
    """The day at the mission now; asked where it is needed and kept nowhere, or a run that passes midnight goes by the day before."""
    return datetime.now(UTC).astimezone(HERE).date()


async def not_about_to_end() -> None:
    """Returns at once, or where the mission's day ends within five minutes on the next one: a page tells the day that another takes."""
    now = datetime.now(UTC).astimezone(HERE)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), HERE)
    if midnight - now < _AMPLE:
        await asyncio.sleep((midnight - now).total_seconds())


def written(moment: datetime) -> tuple[str, str]:
    """Day and time of a moment as somebody at the mission writes them, also in the hour that comes twice."""
    local = moment.astimezone(HERE)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{local:%Y-%m-%d}", f"{clock} {local:%z}" if twice else clock
