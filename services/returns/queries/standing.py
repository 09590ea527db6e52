"""How the cases that began in a year stand now, told so that nobody learns how one of them does."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from services.returns.domain.case_guards import STATUS_IN_WORDS
from services.returns.domain.case_state import BEFORE_DEPARTURE, TERMINAL, TRANSITIONS, Status
from shared.statistics import Figure, Period, not_too_small

# Under way, gone, or ended by its reason. A hold is told where the case was put on it: that one is held concerns nobody here.
_STANDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(TRANSITIONS, "left"),
    **dict.fromkeys(BEFORE_DEPARTURE, "under_way"),
    **{status: status for status in TERMINAL},
}
_ENDED: Final[Mapping[str, str]] = {status: STATUS_IN_WORDS[status] for status in TERMINAL}
STANDS_IN_WORDS: Final[Mapping[str, str]] = {"under_way": "before departure", "left": "after departure", **_ENDED}


def standing(by_stretch: Mapping[Status, int], begun: int, period: Period) -> list[Figure]:
    """The cases that began in the period by how they stand now, of one whole calendar year alone and of no few.

    Of two periods that differ by a day, or day after day of one with few cases in it, the figures would follow one of
    them; the small ones are left out with so many others that what is left of ``begun`` tells none either.
    """
    if not period.is_one_year:
        return []
    counted: Counter[str] = Counter(dict.fromkeys(STANDS_IN_WORDS, 0))
    for stretch, cases in by_stretch.items():
        counted[_STANDS[stretch]] += cases
    told = not_too_small(counted)
    return [
        Figure(key=f"cases_{stands}", unit="cases", value=told[stands], of=begun) for stands in STANDS_IN_WORDS if stands in told
    ]
