"""The order of a chain: by time, and where several events have one, no cause behind its effect."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.audit.chains import ChainedEvent, in_order
from services.audit.linking import CauseLink
from services.audit.searching import ArchivedEntry

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)


def event(number: int, cause: int | None = None, after: int = 0) -> ChainedEvent:
    id = UUID(int=number)
    entry = ArchivedEntry(
        log="returns", lost=False, position=number, id=id, kind="avrr.returns.case.opened.v1", aggregate="case", subject=id, case_id=id,
        recorded_at=NOON + timedelta(seconds=after), actor_id="staff:anna", actor_role="counsellor", reason=None,
        leaf_hash="", place="",
    )  # fmt: skip
    link = None if cause is None else CauseLink(id=UUID(int=cause), leaf_hash=None, entry=None, agrees=None)
    return ChainedEvent(entry=entry, cause=link, findings=[])


def order(*events: ChainedEvent) -> list[int]:
    return [one.entry.id.int for one in in_order(events)]


def test_what_came_later_stays_later_whatever_it_names_as_its_cause() -> None:
    assert order(event(1), event(2, cause=3, after=1), event(3, after=2)) == [1, 2, 3]


def test_at_one_moment_a_cause_comes_first_and_the_rest_stays_as_it_was() -> None:
    assert order(event(1, cause=3), event(2), event(3, cause=4), event(4)) == [2, 4, 3, 1]


def test_a_circle_of_causes_and_an_event_that_caused_itself_end_all_the_same() -> None:
    assert sorted(order(event(1, cause=2), event(2, cause=1), event(3, cause=3))) == [1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), max_size=12))
def test_no_event_is_lost_and_no_cause_of_the_same_moment_stands_behind(drawn: list[tuple[int, int]]) -> None:
    # Only what came before can have caused something, so that there is no circle.
    events = [event(number + 1, cause if 0 < cause <= number else None, after) for number, (cause, after) in enumerate(drawn)]
    events.sort(key=lambda one: one.entry.recorded_at)
    found = in_order(events)
    places = {one.entry.id: place for place, one in enumerate(found)}
    assert len(places) == len(events)
    assert [one.entry.recorded_at for one in found] == [one.entry.recorded_at for one in events]
    for one in found:
        cause = next((other for other in found if one.cause and other.entry.id == one.cause.id), None)
        if cause is not None and cause.entry.recorded_at == one.entry.recorded_at:
            assert places[cause.entry.id] < places[one.entry.id]
