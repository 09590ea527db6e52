"""Requests that somebody should look at though each was allowed: decided in haste, just below a threshold, split, many for one vendor, not found as delivered, paid by hand, to another account than was ordered, after it was ended, booked otherwise than ordered, or although something stood against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

ExceptionCode = Literal["same_day", "below_threshold", "split", "one_vendor", "spot_check", "moved_by_hand", "another_payee", "booked_after_all", "booked_otherwise", "ended_though_reported", "paid_although"]

# Ours, and not IOM's: the last tenth below a threshold, what one person is asked for within 30 days, and so many requests.
JUST_BELOW: Final = Decimal("0.9")
TOGETHER_DAYS: Final = 30
MANY_FOR_ONE: Final = 5


@dataclass(frozen=True, slots=True)
class Looked:
    """A request and what stands beside it; days are the mission's.

    ``thresholds`` are those of its policy, the lowest first, and none where they are in another currency. ``beside`` is what
    else the same person is asked for within `TOGETHER_DAYS`, each request of which is within the lowest threshold.
    ``marked``: it was marked as it was submitted, for it lies just below a threshold that it passes with what else person or
    family had. ``of_vendor`` is how many of the requests that are looked over chose the same vendor, this one among them. ``found_otherwise``: a spot check
    found a delivery of it otherwise than it was confirmed, or did not find it. ``moved_by_hand``: the bank moved money under the
    id of an attempt to pay of it that was never sent. ``another_payee``: it moved it to another account than that to which the
    attempt was released. ``booked_after_all``: it booked a payment that two persons had ended since it had not answered. ``booked_otherwise``: two persons
    found how much of a line of another amount paid it. ``ended_though_reported``: a payment was ended of which the bank had reported that it was made. ``paid_although``: something stood against a payment of it when that was
    said to be made.
    """

    submitted_on: date
    approved_on: date | None
    amount: Decimal
    thresholds: Sequence[Decimal]
    beside: Decimal
    of_vendor: int = 0
    marked: bool = False
    found_otherwise: bool = False
    moved_by_hand: bool = False
    another_payee: bool = False
    booked_after_all: bool = False
    booked_otherwise: bool = False
    ended_though_reported: bool = False
    paid_although: bool = False


def exceptions_of(request: Looked) -> tuple[ExceptionCode, ...]:
    """Why this request should be looked at; nothing for most."""
    found: list[ExceptionCode] = []
    if request.approved_on == request.submitted_on:
        found.append("same_day")
    if any(threshold * JUST_BELOW < request.amount <= threshold for threshold in request.thresholds):
        found.append("below_threshold")
    lowest = min(request.thresholds, default=None)
    together = lowest is not None and request.amount <= lowest < request.amount + request.beside
    if together or request.marked:
        found.append("split")
    if request.of_vendor >= MANY_FOR_ONE:
        found.append("one_vendor")
    if request.found_otherwise:
        found.append("spot_check")
    if request.moved_by_hand:
        found.append("moved_by_hand")
    if request.another_payee:
        found.append("another_payee")
    if request.booked_after_all:
        found.append("booked_after_all")
    if request.booked_otherwise:
        found.append("booked_otherwise")
    if request.ended_though_reported:
        found.append("ended_though_reported")
    if request.paid_although:
        found.append("paid_although")
    return tuple(found)
