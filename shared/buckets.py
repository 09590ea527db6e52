"""How often one person may ask: a bucket of tokens for each actor and kind of request, kept in this process."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["write", "read", "search", "person_search", "disclosure", "export", "held"]

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class TooManyRequests(Exception):
    """Somebody asks more often than a person does; in ``retry_after`` seconds they may ask again."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too_many_requests")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many requests in so many nanoseconds, all of them at once if nothing was asked before."""

    requests: int
    nanoseconds: int

    @property
    def interval(self) -> int:
        """After how many nanoseconds another token is there; rounded up, so that there is never one too many."""
        return -(-self.nanoseconds // self.requests)

    @property
    def burst(self) -> int:
        """How far ahead of an even flow somebody may be who takes all tokens at once."""
        return (self.requests - 1) * self.interval


PEOPLE: Final[Mapping[Kind, Allowance]] = {
    "write": Allowance(60, MINUTE),
    "read": Allowance(300, MINUTE),
    "search": Allowance(10, MINUTE),
    # By these somebody could walk through everybody there is, were it only slowly enough.
    "person_search": Allowance(200, DAY),
    "disclosure": Allowance(60, MINUTE),
    "export": Allowance(3, HOUR),
    # Each person's is looked at before it is taken home, as data and as a document.
    "held": Allowance(30, HOUR),
}


class Buckets:
    """Token buckets: in any time t an actor gets at most a full bucket and what runs in during t.

    Kept as the moment at which a bucket will be full again, a whole number of nanoseconds, so that nothing is rounded.
    What is full is forgotten, and beyond ``most`` actors of a kind the one who asked longest ago.
    """

    def __init__(
        self,
        allowances: Mapping[Kind, Allowance] = PEOPLE,
        now: Callable[[], int] = time.monotonic_ns,
        most: int = 10_000,
    ) -> None:
        self._allowances = dict(allowances)
        self._now = now
        self._most = most
        self._full_at: dict[Kind, OrderedDict[str, int]] = {kind: OrderedDict() for kind in allowances}

    def __len__(self) -> int:
        return sum(map(len, self._full_at.values()))

    def take(self, actor_id: str, kind: Kind) -> float:
        """Takes a token, 0.0; or takes none and says in how many seconds there will be one."""
        allowance, full_at, now = self._allowances[kind], self._full_at[kind], self._now()
        full = max(full_at.get(actor_id, now), now)
        wait = full - now - allowance.burst
        if wait <= 0:
            full_at[actor_id] = full + allowance.interval
            full_at.move_to_end(actor_id)
            self._forget(full_at, now)
        return max(wait, 0) / SECOND

    def _forget(self, full_at: OrderedDict[str, int], now: int) -> None:
        while full_at:
            longest_ago = next(iter(full_at))
            if full_at[longest_ago] > now and len(full_at) <= self._most:
                return
            del full_at[longest_ago]
