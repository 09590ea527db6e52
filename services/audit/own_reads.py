"""Whether somebody else reads a log in the archive's name: how often it was told to the archive, against how often the archive asked."""

import re
from typing import Final

_TOLD: Final = re.compile(r"(?P<process>[0-9a-f]{32}) (?P<count>[1-9][0-9]{0,17})")


class OwnReads:
    """What one log's processes said of their readings by the archive's program, since the archive began to ask."""

    def __init__(self) -> None:
        self._asked = 0
        self._before: dict[str, int] = {}
        self._now: dict[str, int] = {}

    @property
    def others(self) -> int:
        """How many readings were not ours, at least: one of ours that was lost on its way hides one."""
        told = sum(count - self._before[process] for process, count in self._now.items())
        return max(told - self._asked, 0)

    def asked(self) -> None:
        """The archive asks once."""
        self._asked += 1

    def told(self, header: str | None) -> None:
        """What an answer says; one that says nothing is passed over."""
        found = _TOLD.fullmatch(header or "")
        if found is None:
            return
        process, count = found["process"], int(found["count"])
        # What was read before the archive met this process may have been read by the archive of before.
        self._before.setdefault(process, count - 1)
        self._now[process] = max(self._now.get(process, 0), count)
