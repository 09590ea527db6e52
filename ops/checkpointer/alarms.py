"""Why a log is signed no more, on disk, so that neither a restart nor a database that was put right ends it unseen."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from shared.durable_files import write_durably
from shared.tlog.refusals import LogRefused

_FILE: Final = "alarm"
DAMAGED: Final = "alarm_damaged"


@dataclass(frozen=True, slots=True)
class Alarm:
    """What was found, in a stable code and a sentence without contents, and when (UTC)."""

    code: str
    sentence: str
    at: str

    @classmethod
    def of(cls, refusal: LogRefused, at: datetime) -> "Alarm":
        """The alarm for what was refused."""
        return cls(refusal.code, str(refusal), at.isoformat(timespec="seconds"))


def raised_in(folder: Path) -> Alarm | None:
    """The alarm of the log with this folder, if there is one; what cannot be read is one."""
    try:
        return Alarm(**json.loads((folder / _FILE).read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return Alarm(DAMAGED, "There is an alarm, and what it says cannot be read.", "")


def raise_in(folder: Path, alarm: Alarm) -> None:
    """Returns once the alarm is on disk; the first one stays."""
    if not (folder / _FILE).exists():
        write_durably(folder / _FILE, json.dumps(asdict(alarm)).encode())
