"""What the pages of an erasure say is still kept."""

from typing import Any

from services.portal.pages.erasures import still_kept


def confirmed(kept: int = 0, until: str | None = None, ended_on: str | None = None) -> dict[str, Any]:
    return {"kept": kept, "kept_until": until, "ended_on": ended_on}


def test_receipts_that_were_deleted_are_kept_no_more() -> None:
    assert still_kept([]) == still_kept([confirmed()]) == (0, None)
    assert still_kept([confirmed(), confirmed(2, "2033-03-31"), confirmed(1, "2034-01-02")]) == (3, "2034-01-02")
    assert still_kept([confirmed(2, "2033-03-31"), confirmed(1, "2034-01-02", "2034-01-03")]) == (2, "2033-03-31")
    assert still_kept([confirmed(), confirmed(2, "2033-03-31", "2033-04-01")]) == (0, None)
