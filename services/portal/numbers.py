"""Numbers as people type them: which sign stands before the decimals, and where that could be read in two ways."""

import re
from typing import Final

from shared.currencies import minor_units

_THOUSANDS: Final = 3
# One to three digits, a sign, and three more: here people write fifteen and a half thousand so, and elsewhere fifteen and a half.
_TWO_WAYS: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


def with_point(text: str) -> str:
    """The number with a point before its decimals, where here people write a comma."""
    return text.replace(",", ".")


def in_two_ways(text: str, currency: str = "") -> bool:
    """Whether the sign in it may stand behind thousands as well as before decimals.

    In a currency that is counted in thousandths three decimals are what an amount has; the page says them in words.
    """
    return _TWO_WAYS.fullmatch(text) is not None and (not currency or minor_units(currency) != _THOUSANDS)
