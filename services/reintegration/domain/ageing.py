"""How long money waits: of what kind an open item is, and which of four ages it has."""

from bisect import bisect_right
from typing import Final, Literal, get_args

# In the order of a payment's way: what waits for a batch, for the bank or for somebody's word, then for the delivery and for
# whoever reconciles; and what stands beside that way.
OpenKind = Literal[
    "waits_for_batch", "waits_for_bank", "waits_for_payer", "cash_not_handed_over", "not_delivered", "not_reconciled",
    "unmatched_line", "open_recovery", "unconfirmed_file",
]  # fmt: skip
Age = Literal["0-30", "31-60", "61-90", "over-90"]

KINDS: Final[tuple[OpenKind, ...]] = get_args(OpenKind)
AGES: Final[tuple[Age, ...]] = get_args(Age)
# The first day of each age, counted from the day since which something waits.
BEGINS: Final = (0, 31, 61, 91)


def age_of(days: int) -> Age:
    """The age of what has waited for so many days by the mission's calendar; what is dated ahead has waited for none."""
    return AGES[bisect_right(BEGINS, max(days, 0)) - 1]
