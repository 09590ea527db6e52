"""The choices of finance's pages are those that their service has."""

from typing import get_args

from services.portal.pages.finance import STATUSES
from services.reintegration.domain.grant_state import GrantStatus


def test_a_list_of_grants_is_narrowed_by_each_status_that_a_grant_can_have() -> None:
    assert get_args(GrantStatus) == STATUSES
