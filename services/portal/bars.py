"""How long the bars beside a page's figures are, in tenths of a percent; the figures themselves stand beside them as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

WHOLE: Final = 1000
# Shorter than this, a bar would not be seen, and what it stands for is not nothing.
_SEEN: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: where it begins and how long it is."""

    begins: int
    length: int

    @property
    def at(self) -> str:
        """Where it begins, as an SVG attribute takes it."""
        return _percent(self.begins)

    @property
    def width(self) -> str:
        """How long it is, as an SVG attribute takes it."""
        return _percent(self.length)


def parts_of(amounts: Sequence[Decimal]) -> tuple[Part, ...]:
    """A bar of these amounts one after the other, which fill it together; of nothing at all each part is empty."""
    counted = [max(amount, Decimal(0)) for amount in amounts]
    all_of_it = sum(counted, Decimal(0))
    if not all_of_it:
        return tuple(Part(0, 0) for _ in counted)
    # Where each ends is rounded, not how long it is: rounded lengths would not fill the bar, or would go beyond it.
    ends = [0]
    reached = Decimal(0)
    for amount in counted:
        reached += amount
        ends.append(int((reached * WHOLE / all_of_it).to_integral_value()))
    return tuple(Part(begins, end - begins) for begins, end in pairwise(ends))


def beside_each_other(values: Sequence[int]) -> tuple[Part, ...]:
    """A bar for each value: the largest fills its place, and only a bar of nothing cannot be seen."""
    largest = max(values, default=0)
    return tuple(Part(0, max(_SEEN, value * WHOLE // largest) if value > 0 else 0) for value in values)


def _percent(tenths: int) -> str:
    whole, part = divmod(tenths, 10)
    return f"{whole}.{part}%" if part else f"{whole}%"
