"""How a person stays in the host country: the fact says that it was recorded and nothing else."""

from typing import get_args

import pytest
from pydantic import ValidationError

from services.counselling.domain.erasure import PersonFacts
from services.counselling.domain.host_status import (
    HostStatus,
    RecordHostStatus,
    StatedStatus,
    status_of,
    text_of,
)
from services.counselling.domain.person import PERSON
from shared.contracts.counselling import ConsentWithdrawn, HostStatusRecorded
from tests.given import NOON, Given, staff
from tests.unit.counselling.test_identity import AGREED, REGISTERED

AMIRA = staff("amira", "counsellor")
person = Given(PERSON, PersonFacts())
agreed = person.given(REGISTERED, AGREED)


@pytest.mark.parametrize("status", get_args(HostStatus))
def test_the_fact_says_only_that_a_status_was_recorded(status: HostStatus) -> None:
    order = RecordHostStatus(host_status=status)
    outcome = agreed.when(order, AMIRA)
    outcome.then(HostStatusRecorded(number=1))
    assert status_of(text_of(order)) == StatedStatus(status=status, reason=None)
    said = f"{order!r}{order}{status_of(text_of(order))!r}{outcome.events[0].model_dump_json()}"
    assert status not in said


def test_a_further_status_needs_a_reason_and_the_first_one_has_none() -> None:
    again = agreed.given(HostStatusRecorded(number=1))
    again.when(RecordHostStatus(host_status="rejected"), AMIRA).refused("correction_reason_missing")
    again.when(RecordHostStatus(host_status="rejected", reason="changed_since"), AMIRA).then(HostStatusRecorded(number=2))
    agreed.when(RecordHostStatus(host_status="visa", reason="misspelt"), AMIRA).refused("correction_reason_unexpected")


def test_without_a_data_consent_in_force_nothing_is_recorded() -> None:
    order = RecordHostStatus(host_status="asylum_seeker")
    person.given(REGISTERED).when(order, AMIRA).refused("data_consent_missing")
    agreed.given(ConsentWithdrawn(consent="data", withdrawn_at=NOON)).when(order, AMIRA).refused("data_consent_missing")
    person.when(order, AMIRA).refused("not_found")


def test_what_is_no_status_is_malformed_and_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as refused:
        RecordHostStatus.model_validate({"host_status": "wanted"})
    assert "wanted" not in str(refused.value)
