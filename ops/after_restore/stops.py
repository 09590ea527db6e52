"""Which lost entries said that money may not go: finance states them again, for nobody else does."""

from collections.abc import Mapping, Sequence
from typing import Final

from ops.after_restore.listing import Lost
from shared.contracts.lost_payments import LostStop
from shared.topology import REINTEGRATION

_OF: Final = f"avrr.{REINTEGRATION.name}."
# Each with what ends it of the same subject. Who changed their account and was called back since is still to be paid to the new one,
# which is lost as well. Which payees a list of sanctions means is concealed, and found again by the clock.
_STOPS: Final[Mapping[str, frozenset[str]]] = {
    f"{_OF}{kind}.v1": frozenset(f"{_OF}{end}.v1" for end in ends)
    for kind, ends in {
        "grant.suspended": ("grant.resumed",),
        "grant.rejected": (),
        "grant.cancelled": (),
        "grant.recovery_opened": ("grant.recovery_closed",),
        "payee.account_change_asked": ("payee.account_change_dropped",),
        "payee.ended": (),
        "payee.closed": (),
        "payee.hits_confirmed": (),
        "sanctions_list.uploaded": ("sanctions_list.dropped",),
        "staff_list.confirmed": (),
        "own_account.closed": (),
        "authority.ended": (),
        # Nobody can say by the entry alone whether the donor gives less, or a programme caps less, than what was kept says. What a
        # fund is changed to is all of it, so that of several changes the last one counts.
        "fund.changed": ("fund.changed", "fund.closed"),
        "fund.closed": (),
        "funding_policy.published": ("funding_policy.published",),
        "period.closed": ("period.reopened",),
        "payment_batch.drop_asked": ("payment_batch.kept", "payment_batch.dropped"),
        "payment_batch.dropped": (),
    }.items()
}


def lost_stops(lost: Sequence[Lost]) -> tuple[LostStop, ...]:
    """The stops among these entries, which are in the order in which they were recorded, but for those that a later one ended."""
    return tuple(
        LostStop(
            event_id=one.envelope.id, kind=one.envelope.type, subject=one.envelope.subject, recorded_at=one.envelope.time, by=one.envelope.actorid or None
        )
        for place, one in enumerate(lost)
        if one.envelope.type in _STOPS and not _ended(one, lost[place + 1 :])
    )  # fmt: skip


def _ended(stop: Lost, later: Sequence[Lost]) -> bool:
    return any(one.envelope.subject == stop.envelope.subject and one.envelope.type in _STOPS[stop.envelope.type] for one in later)
