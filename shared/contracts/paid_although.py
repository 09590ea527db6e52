"""What stood against a payment that was made all the same; a part of events, whose fields are only ever added."""

from typing import Literal

from shared.messages import Event

# Of the grant, that it is suspended or money of it is asked back; of the payee, why nothing more is sent to it.
StoodAgainst = Literal[
    "grant_suspended", "recovery_open", "payee_closed", "payee_blocked", "payee_erased", "screening_hit", "account_of_staff",
    "payee_not_confirmed", "payee_on_hold", "not_screened", "account_shared", "account_changed",
]  # fmt: skip


class SaysWhatStoodAgainst(Event):
    """What stood against it at the moment in which it was said; nothing for most, and of events of before nobody asked."""

    paid_although: tuple[StoodAgainst, ...] = ()
