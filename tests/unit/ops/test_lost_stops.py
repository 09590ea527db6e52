"""Which lost entries are stops that finance states again: each that nothing lost later ended, of kinds that there are."""

from datetime import date
from uuid import UUID

from ops.after_restore.stops import _STOPS, lost_stops
from services.portal.wording import WORDS
from services.reintegration.wiring import WIRING
from shared.contracts.funds import FundChanged, FundClosed
from shared.contracts.reintegration import PolicyPublished
from shared.contracts.stops import GrantResumed, GrantSuspended
from shared.messages import Event
from tests.given import NOON
from tests.unit.ops.test_lost_payments_told import GRANT, RELEASED, entry
from tests.unit.reintegration.examples import eur

OTHER = UUID(int=12)
SUSPENDED = GrantSuspended(reason="under_review", suspended_by="staff:x", suspended_at=NOON)
RESUMED = GrantResumed(resumed_by="staff:x", resumed_at=NOON)


def listed(*events: tuple[Event, UUID]) -> list[tuple[str, UUID]]:
    return [(one.kind, one.subject) for one in lost_stops([entry(place, event, about) for place, (event, about) in enumerate(events, 1)])]


def test_a_stop_is_told_with_what_it_is_of_when_and_by_whom_and_nothing_else_is() -> None:
    (found,) = lost_stops([entry(1, RELEASED), entry(2, SUSPENDED)])
    assert (found.event_id, found.kind, found.subject) == (UUID(int=2 << 64), SUSPENDED.kind, GRANT)
    assert (found.recorded_at, found.by) == (NOON, "staff:x")


def test_what_a_lost_entry_ended_later_is_no_stop_any_more_and_of_another_grant_it_is() -> None:
    assert listed((SUSPENDED, GRANT), (RESUMED, GRANT)) == []
    assert listed((SUSPENDED, GRANT), (RESUMED, OTHER)) == [(SUSPENDED.kind, GRANT)]
    assert listed((RESUMED, GRANT), (SUSPENDED, GRANT)) == [(SUSPENDED.kind, GRANT)]


def test_what_a_donor_grants_and_a_programme_caps_is_told_as_it_was_said_last() -> None:
    changed = FundChanged(
        change_no=2, granted=eur("90.00"), valid_until=date(2023, 6, 30), asked_by="staff:x", confirmed_by="staff:y", confirmed_at=NOON
    )
    closed = FundClosed(change_no=3, asked_by="staff:x", confirmed_by="staff:y", confirmed_at=NOON)
    published = PolicyPublished(
        programme="AVRR", policy_version=2, cap_per_person=eur("90.00"), cap_per_family=eur("90.00"), one_approver_up_to=eur("50.00"),
        two_approvers_up_to=eur("90.00"), quotations_above=eur("50.00"), own_contribution_percent=0, required_papers=(),
        published_by="staff:x", published_at=NOON,
    )  # fmt: skip
    assert listed((changed, GRANT), (published, OTHER)) == [(changed.kind, GRANT), (published.kind, OTHER)]
    again = [(changed, GRANT), (published, OTHER)] * 2
    assert listed(*again) == [(changed.kind, GRANT), (published.kind, OTHER)]
    assert listed((changed, GRANT), (closed, GRANT)) == [(closed.kind, GRANT)]


def test_kinds_of_stops_and_of_what_ends_them_are_events_of_reintegration_and_have_words() -> None:
    kinds = {event.kind for aggregate in WIRING.aggregates for event in aggregate.decider.events}
    assert _STOPS.keys() <= kinds
    assert {end for ends in _STOPS.values() for end in ends} <= kinds
    assert {f"stop_{'.'.join(kind.split('.')[2:4])}" for kind in _STOPS} <= WORDS.keys()
