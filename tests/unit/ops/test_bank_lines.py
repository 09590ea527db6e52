"""The demo counts what the bank sent by itself, and says so where a line became something else or waits."""

import pytest

from ops.bank_lines import as_sentence, sent, settled
from ops.demo_year import quotas
from ops.demo_year.year import build_year


def test_what_the_bank_sent_is_counted_from_its_files() -> None:
    meant = sent(build_year(3))
    assert meant["rejected"] == quotas.PAYMENTS_FAILED
    assert meant["returned"] == quotas.PAYMENTS_CAME_BACK
    # What headquarters sent, and the charges of each month in which something was booked.
    assert 2 <= meant["explained"] <= 13
    assert meant["recovered"] == quotas.RECOVERIES
    assert meant["matched"] > sum(quotas.GRANTS.values())


@pytest.mark.parametrize(
    ("found", "equal"),
    [
        ({"matched": 2, "returned": 1, "unmatched": 0}, True),
        ({"matched": 2, "returned": 1, "unmatched": 1}, False),
        ({"matched": 3, "returned": 1}, False),
        ({"matched": 2, "returned": 1, "duplicate": 1}, False),
    ],
)
def test_a_line_that_waits_or_became_something_else_differs(found: dict[str, int], equal: bool) -> None:
    meant = {"matched": 2, "returned": 1, "rejected": 0}
    assert settled(found, meant) is equal
    assert ("equal" in as_sentence(found, meant)) is equal
    assert ("DIFFERS" in as_sentence(found, meant)) is not equal
