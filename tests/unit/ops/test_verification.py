"""That every status of a grant has a stage by which two services are compared."""

from typing import get_args

from ops.verification import STAGES
from services.reintegration.domain.grant_state import GrantStatus
from shared.contracts.returns import GrantStage


def test_every_status_of_a_grant_has_one_of_the_stages_that_returns_knows() -> None:
    assert STAGES.keys() == set(get_args(GrantStatus))
    assert set(STAGES.values()) <= set(get_args(GrantStage))
