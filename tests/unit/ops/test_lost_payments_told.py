"""Which lost entries tell of payments: each attempt is put before finance once for each entry that names it, and nothing else is."""

from uuid import UUID

import pytest

from ops.after_restore.listing import Lost
from ops.after_restore.payments import lost_payments
from ops.settings import CannotStart
from shared.ledger import conceal
from shared.messages import Envelope, Event
from tests.given import NOON
from tests.unit.reintegration.examples import ATTEMPT_1, PAID_1, RELEASED_1
from tests.unit.reintegration.test_batch import AGAIN, BATCH_ID, FIRST, MADE, PUT_IN, SECOND, SENT
from tests.unit.reintegration.test_seen_on_the_spot import WITNESSED

GRANT = UUID(int=11)
RELEASED = RELEASED_1.model_copy(update={"attempt_id": FIRST})


def entry(place: int, event: Event, about: UUID = GRANT) -> Lost:
    """A lost entry as the log has it."""
    envelope = Envelope(
        id=UUID(int=place << 64), source="urn:avrr:reintegration", type=event.kind, subject=about, partitionkey=about,
        time=NOON, dataschema="urn:x", aggregateversion=1, actorid="staff:x", actorrole="", actororg="", actorcountry="", actoracr="",
        correlationid="x", data=conceal(event)[0].model_dump(mode="json"),
    )  # fmt: skip
    return Lost(place, b"", envelope)


def test_releases_payments_and_each_payment_of_a_batch_are_told() -> None:
    found = lost_payments([entry(place, event) for place, event in enumerate((RELEASED, MADE, PUT_IN, PAID_1), 1)], {})
    assert [(one.fact, one.attempt_id, one.grant_id, one.number) for one in found] == [
        ("released", FIRST, GRANT, 1), ("batched", FIRST, None, None), ("batched", SECOND, None, None), ("paid", None, GRANT, 1),
    ]  # fmt: skip
    assert len({one.event_id for one in found}) == len(found)
    assert {one.by for one in found} == {"staff:x"}


def test_that_a_batch_was_made_names_no_payment() -> None:
    assert lost_payments([entry(1, MADE)], {}) == ()


def test_cash_that_somebody_saw_handed_over_is_told_as_paid() -> None:
    (found,) = lost_payments([entry(1, WITNESSED)], {})
    assert (found.fact, found.attempt_id, found.grant_id, found.number) == ("paid", ATTEMPT_1, GRANT, 1)


def test_of_a_file_that_was_taken_each_payment_is_told_that_the_restored_database_has_in_it() -> None:
    lost = [entry(1, SENT, BATCH_ID), entry(2, AGAIN, BATCH_ID), entry(3, SENT)]
    found = lost_payments(lost, {BATCH_ID: (FIRST, SECOND)})
    assert [(one.fact, one.attempt_id) for one in found] == [("batched", id) for id in (FIRST, SECOND, FIRST, SECOND)]
    assert len({one.event_id for one in found}) == len(found)
    assert lost_payments(lost, {BATCH_ID: (FIRST, SECOND)}) == found


@pytest.mark.parametrize("data", [{}, {"number": "first"}, {"attempts": None}, {"attempts": ["no id"]}], ids=["empty", "no-number", "no-attempts", "no-id"])
@pytest.mark.parametrize("event", [RELEASED, PUT_IN], ids=["released", "put-in"])
def test_an_entry_of_a_payment_that_cannot_be_read_is_named_by_its_id_alone(event: Event, data: dict[str, object]) -> None:
    broken = entry(2, event)
    broken = Lost(2, b"", broken.envelope.model_copy(update={"data": data}))
    with pytest.raises(CannotStart) as refused:
        lost_payments([entry(1, PAID_1), broken], {})
    assert refused.value.code == "payment_not_read"
    assert str(broken.envelope.id) in refused.value.sentence
