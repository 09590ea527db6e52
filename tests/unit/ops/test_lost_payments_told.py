"""Which lost entries tell of payments: each attempt is put before finance once for each entry that names it, and nothing else is."""

from uuid import UUID

from ops.after_restore.listing import Lost
from ops.after_restore.payments import lost_payments
from shared.messages import Envelope
from tests.given import NOON

GRANT, ATTEMPT, ANOTHER = (UUID(int=number) for number in (11, 12, 13))


def entry(place: int, kind: str, **data: object) -> Lost:
    envelope = Envelope(
        id=UUID(int=place), source="urn:avrr:reintegration", type=f"avrr.reintegration.{kind}.v1", subject=GRANT, partitionkey=GRANT,
        time=NOON, dataschema="urn:x", aggregateversion=1, actorid="staff:x", actorrole="", actororg="", actorcountry="", actoracr="",
        correlationid="x", data=data,
    )  # fmt: skip
    return Lost(place, b"", envelope)


def test_releases_payments_and_each_payment_of_a_batch_are_told() -> None:
    found = lost_payments(
        [
            entry(1, "grant.tranche_released", number=1, attempt_id=str(ATTEMPT)),
            entry(2, "grant.drafted"),
            entry(3, "payment_batch.made", attempts=[str(ATTEMPT), str(ANOTHER)]),
            entry(4, "payment_batch.payments_put_in", attempts=[str(ATTEMPT)]),
            entry(5, "grant.payment_confirmed", number=1),
        ]
    )
    assert [(one.fact, one.attempt_id, one.grant_id, one.number) for one in found] == [
        ("released", ATTEMPT, GRANT, 1), ("batched", ATTEMPT, None, None), ("batched", ANOTHER, None, None), ("batched", ATTEMPT, None, None),
        ("paid", None, GRANT, 1),
    ]  # fmt: skip
    assert len({one.event_id for one in found}) == len(found)
