"""Of somebody erased receipts are kept until a day, and end once it is over."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.person import PERSON, EndKeptPapers, PersonFacts
from shared.actors import Actor
from shared.contracts.erasure import Deleted
from shared.contracts.reintegration import KeptPapersEnded, PersonErased
from tests.given import NOON, Given

CLOCK = Actor.service("retention")
LAST = date(2033, 3, 31)
GRANT = UUID(int=41)
HELD = (Deleted(what="person_keys", count=1), Deleted(what="evidence_files", count=2))
ERASED = PersonErased(erased_at=NOON, deleted=(), kept=2, kept_until=LAST)
NOTHING_KEPT = PersonErased(erased_at=NOON, deleted=())


def on(day: date) -> Given[object, PersonFacts]:
    return Given(PERSON, PersonFacts(held=HELD, grant_ids=(GRANT,), today=day))  # type: ignore[arg-type]


@examples(st.integers(-4000, 4000))
def test_receipts_end_on_any_day_after_their_last_and_on_none_before(days: int) -> None:
    day = LAST + timedelta(days=days)
    asked = on(day).given(ERASED).when(EndKeptPapers(), CLOCK)
    if days > 0:
        asked.then(KeptPapersEnded(grant_ids=(GRANT,), deleted=HELD, kept_until=LAST, ended_on=day))
    else:
        asked.refused("not_due")


@pytest.mark.parametrize("day", [LAST - timedelta(days=1), LAST + timedelta(days=9)])
def test_what_ended_does_not_end_again(day: date) -> None:
    ended = KeptPapersEnded(grant_ids=(GRANT,), deleted=HELD, kept_until=LAST, ended_on=LAST + timedelta(days=1))
    on(day).given(ERASED, ended).when(EndKeptPapers(), CLOCK).then()


def test_where_nothing_is_kept_nothing_ends() -> None:
    after = on(LAST + timedelta(days=1))
    after.given(NOTHING_KEPT).when(EndKeptPapers(), CLOCK).refused("nothing_kept")
    after.when(EndKeptPapers(), CLOCK).refused("not_found")
