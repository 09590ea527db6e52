"""Readings of a log in the archive's name that the archive did not make are counted, over several processes of the service."""

from hypothesis import given
from hypothesis import strategies as st

from services.audit.own_reads import OwnReads

ONE, OTHER = "a" * 32, "b" * 32


@given(st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.booleans())), st.integers(0, 9))
def test_others_are_counted_once_they_stand_between_two_of_ours_and_never_more(happened: list[tuple[str, bool]], earlier: int) -> None:
    reads, counts, between, waiting = OwnReads(), {ONE: earlier, OTHER: earlier}, 0, {ONE: 0, OTHER: 0}
    met: set[str] = set()
    for process, ours in happened:
        counts[process] += 1
        if ours:
            reads.asked()
            reads.told(f"{process} {counts[process]}")
            between += waiting[process] if process in met else 0
            met.add(process)
            waiting[process] = 0
        else:
            waiting[process] += 1
    assert reads.others == between


def test_what_is_no_count_is_passed_over_and_a_reading_that_was_lost_hides_no_more_than_one() -> None:
    reads = OwnReads()
    for header in (None, "", "x 1", f"{ONE} 0", f"{ONE} -1", f"{ONE} 1 1"):
        reads.told(header)
    assert reads.others == 0
    reads.asked()
    reads.told(f"{ONE} 5")
    reads.asked()
    reads.asked()
    reads.told(f"{ONE} 9")
    assert reads.others == 2
