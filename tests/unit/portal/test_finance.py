"""The choices of finance's pages are those that their service has."""

from typing import get_args

from services.portal.pages.finance import DECISIONS, STATUSES
from services.reintegration.domain.grant_state import GrantStatus
from services.reintegration.grant_decisions import Decided


def test_a_list_of_grants_is_narrowed_by_each_status_that_a_grant_can_have() -> None:
    assert get_args(GrantStatus) == STATUSES


def test_each_decision_that_a_page_offers_to_look_for_is_one_and_only_an_office_s_own_is_not_offered() -> None:
    assert set(get_args(Decided)) - set(DECISIONS) == {"delivered"}
    assert set(DECISIONS) <= set(get_args(Decided))
