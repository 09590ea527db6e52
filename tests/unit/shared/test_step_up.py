"""Which sign-in is strong and fresh enough, and which is challenged."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import StepUpNeeded
from shared.messages import SignIn
from shared.step_up import StepUp
from tests.given import NOON, staff

APPROVER = staff("mira", "finance_approver")
STEP_UP = StepUp(("phr", "phrh"), 300, present=lambda: NOON)


@pytest.mark.parametrize("seconds_ago", [-29, 0, 299, 300])
def test_a_strong_sign_in_of_a_moment_ago_is_enough(seconds_ago: int) -> None:
    found = STEP_UP.demand(replace(APPROVER, auth_time=NOON - timedelta(seconds=seconds_ago)))
    assert found == SignIn("phishing_resistant", seconds_ago)


@pytest.mark.parametrize("seconds_ago", [-31, 301, 86_400])
def test_an_old_sign_in_is_challenged_and_so_is_one_of_the_future(seconds_ago: int) -> None:
    with pytest.raises(StepUpNeeded) as challenge:
        STEP_UP.demand(replace(APPROVER, auth_time=NOON - timedelta(seconds=seconds_ago)))
    assert (challenge.value.acr_values, challenge.value.max_age_seconds) == (("phr", "phrh"), 300)


@pytest.mark.parametrize("acr", ["", "pwd", "PHR", "phr phrh"])
def test_a_fresh_but_weak_sign_in_is_challenged(acr: str) -> None:
    with pytest.raises(StepUpNeeded):
        STEP_UP.demand(replace(APPROVER, acr=acr, auth_time=NOON))


def test_a_machine_that_never_signed_in_is_challenged() -> None:
    with pytest.raises(StepUpNeeded):
        STEP_UP.demand(replace(APPROVER, auth_time=None))
