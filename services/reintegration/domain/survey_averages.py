"""How people are doing on average by one round of a survey: told once, when it ends, and of nobody alone (decision 76)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from services.reintegration.domain.instruments import COMPOSITE

# Of fewer people nothing is told on average: it would be about somebody.
LEAST_COUNTED: Final = 5
# A person's score of each dimension and of all of it together; None where too little was answered.
Scores = Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of so many scores; neither is told of fewer than `LEAST_COUNTED`."""

    counted: int | None
    value: Decimal | None


def means_of(people: Sequence[Scores]) -> dict[str, Mean]:
    """The mean of each dimension and of all of it, of the people of one country in one round.

    All of it is made of the dimensions: where some people lack one of them, what the others scored could be computed from
    the means. So each is of the people who have all of them, and of others as well only where these are five at least.
    Of fewer than five who have all of them, each dimension is told by itself, and nothing of all of it.
    """
    names = list(dict.fromkeys(name for one in people for name in one))
    whole = [one for one in people if all(one.get(name) is not None for name in names)]
    found: dict[str, Mean] = {}
    for name in names:
        all_of_them = [value for one in people if (value := one.get(name)) is not None]
        complete = [value for one in whole if (value := one.get(name)) is not None]
        if len(whole) < LEAST_COUNTED:
            counted = [] if name == COMPOSITE and len(names) > 1 else all_of_them
        else:
            counted = all_of_them if len(all_of_them) - len(complete) >= LEAST_COUNTED else complete
        found[name] = mean_of(counted)
    return found


def mean_of(values: Iterable[Decimal]) -> Mean:
    """How many values there are and their mean, rounded half up to four decimals; neither of fewer than `LEAST_COUNTED`."""
    counted = list(values)
    if len(counted) < LEAST_COUNTED:
        return Mean(None, None)
    return Mean(len(counted), (sum(counted, Decimal(0)) / len(counted)).quantize(Decimal("0.0001"), ROUND_HALF_UP))
