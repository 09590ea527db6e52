"""Drafts, submissions and revisions: a change after the submission is a new version, and nothing decided carries over."""

from dataclasses import replace

import pytest

from services.reintegration.domain.budget import BudgetLine, concealed
from services.reintegration.domain.grant import GRANT, ReviseGrant
from services.reintegration.domain.grant_facts import RequestedTranche
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.turns import Turn, turns
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.reintegration import GrantEndorsed, GrantRevised, GrantSubmitted
from shared.messages import Event
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    AGREED,
    APPROVE_ASKED,
    APPROVED,
    APPROVER,
    ASKED_HASH,
    AUTHORITY,
    CHIEF,
    DRAFTED,
    ENDORSE_ASKED,
    ENDORSED,
    ENDORSER,
    GIVEN,
    LENIENT,
    NOTHING_STANDS_AGAINST_IT,
    PERSON,
    RELEASED_1,
    REQUESTER,
    RETURNED,
    SUBMIT,
    SUBMITTED,
    eur,
    hash_after,
    ref,
)
from tests.unit.reintegration.test_grant_content import FILED

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
LESS = ReviseGrant(
    modality="service", money=eur("900.00"), tranches=(RequestedTranche(number=1, money=eur("900.00")),),
    budget_lines=(BudgetLine(what="rent", money=eur("900.00")),), nonce=ref(92),
)  # fmt: skip
BUDGET, BUDGET_HASH = concealed(LESS)
SUBMISSION: tuple[Event, ...] = (DRAFTED, SUBMITTED)
AFTER_SUBMISSION = {
    "submitted": SUBMISSION, "returned": (*SUBMISSION, RETURNED), "endorsed": (*SUBMISSION, ENDORSED),
}  # fmt: skip


def folded(*events: Event) -> Grant:
    grant = GRANT.fold(events)
    assert grant is not None
    return grant


def revised(*past: Event) -> GrantRevised:
    (event,) = GRANTS.given(*past).when(LESS, REQUESTER).events
    assert isinstance(event, GrantRevised)
    return event


def test_a_draft_is_nothing_that_was_asked_for_yet() -> None:
    draft = folded(DRAFTED)
    assert (draft.status, draft.submitted_version, draft.request_version) == ("draft", None, 1)
    assert turns(draft) == {"requester": Turn("submit", NOON)}
    for command, by in ((ENDORSE_ASKED, ENDORSER), (APPROVE_ASKED, APPROVER)):
        GRANTS.given(DRAFTED).when(command, by).refused("wrong_status")


def test_a_draft_is_submitted_as_it_was_read() -> None:
    GRANTS.given(DRAFTED).when(SUBMIT, REQUESTER).then(SUBMITTED)
    GRANTS.given(DRAFTED).when(SUBMIT.model_copy(update={"content_hash": "0" * 64}), REQUESTER).refused("content_changed")
    GRANTS.given(DRAFTED, FILED).when(SUBMIT, REQUESTER).refused("content_changed")
    GRANTS.given(DRAFTED).when(SUBMIT.model_copy(update={"request_version": 2}), REQUESTER).refused("version_changed")
    GRANTS.given(*SUBMISSION).when(SUBMIT, REQUESTER).refused("wrong_status")


def test_the_papers_that_are_filed_are_submitted_with_the_draft_and_later_ones_are_not() -> None:
    with_paper = hash_after(DRAFTED, FILED)
    submitted = SUBMITTED.model_copy(update={"content_hash": with_paper})
    assert folded(DRAFTED, FILED, submitted).papers == (FILED.evidence_id,)
    later = folded(*SUBMISSION, FILED)
    assert (later.papers, later.content_hash) == ((), ASKED_HASH)
    again = revised(*SUBMISSION, FILED)
    assert folded(*SUBMISSION, FILED, again).papers == (FILED.evidence_id,)


def test_a_request_stays_under_the_policy_that_it_was_submitted_under_first() -> None:
    knowing = GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, policy=replace(LENIENT, policy_version=3)))
    (submitted,) = knowing.given(DRAFTED).when(SUBMIT, REQUESTER).events
    assert isinstance(submitted, GrantSubmitted)
    later = GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, policy=replace(LENIENT, policy_version=4)))
    (again,) = later.given(DRAFTED, submitted).when(LESS, REQUESTER).events
    grant = folded(DRAFTED, submitted, again)
    assert (grant.policy_programme, grant.policy_version, grant.request_version) == ("default", 3, 2)


def test_a_draft_is_changed_and_stays_one_under_its_first_version() -> None:
    changed = revised(DRAFTED)
    draft = folded(DRAFTED, changed)
    assert (draft.status, draft.request_version, draft.submitted_version) == ("draft", 1, None)
    assert (draft.amount, draft.modality) == (LESS.money.amount, "service")
    GRANTS.given(DRAFTED, changed).when(SUBMIT, REQUESTER).refused("content_changed")


@pytest.mark.parametrize("past", AFTER_SUBMISSION.values(), ids=AFTER_SUBMISSION)
def test_a_change_after_the_submission_is_a_new_version_that_is_endorsed_anew(past: tuple[Event, ...]) -> None:
    changed = revised(*past)
    grant = folded(*past, changed)
    assert (grant.status, grant.request_version, grant.submitted_version) == ("submitted", 2, 2)
    assert (grant.endorser_id, grant.endorsed_at, grant.return_reasons) == (None, None, ())
    assert (grant.requester_id, grant.person_id, grant.requested_at) == (REQUESTER.person_id, PERSON, NOON)
    assert grant.content_hash == changed.content_hash != ASKED_HASH
    assert set(turns(grant)) == {"endorser"}
    again = GRANTS.given(*past, changed)
    again.when(ENDORSE_ASKED, ENDORSER).refused("version_changed")
    again.when(ENDORSE_ASKED.model_copy(update={"request_version": 2}), ENDORSER).refused("content_changed")


def test_an_edit_before_the_approval_voids_the_endorsement_and_the_old_versions_hash_is_refused() -> None:
    edited = (*SUBMISSION, ENDORSED, revised(*SUBMISSION, ENDORSED))
    GRANTS.given(*edited).when(APPROVE_ASKED, APPROVER).refused("wrong_status")
    second = folded(*edited)
    anew = (*edited, ENDORSED.model_copy(update={"request_version": 2, "content_hash": second.content_hash}))
    approving = GRANTS.given(*anew)
    approving.when(APPROVE_ASKED, APPROVER).refused("version_changed")
    approving.when(APPROVE_ASKED.model_copy(update={"request_version": 2}), APPROVER).refused("content_changed")
    read = APPROVE_ASKED.model_copy(update={"request_version": 2, "content_hash": second.content_hash})
    approving.when(read, APPROVER).refused("amount_changed")
    approving.when(read.model_copy(update={"money": LESS.money}), APPROVER).then_kinds(type(GIVEN), type(APPROVED))


def test_whoever_endorsed_an_earlier_version_wears_that_hat_still_and_so_does_their_deputy() -> None:
    edited = (*SUBMISSION, ENDORSED, revised(*SUBMISSION, ENDORSED))
    read = {"request_version": 2, "content_hash": folded(*edited).content_hash}
    anew = (*edited, ENDORSED.model_copy(update={**read, "endorsed_by": APPROVER.person_id}))
    assert (folded(*anew).endorser_id, folded(*anew).former_endorsers) == (APPROVER.person_id, (ENDORSER.person_id,))
    order = APPROVE_ASKED.model_copy(update={**read, "money": LESS.money})
    for wearer in (ENDORSER, APPROVER):
        GRANTS.given(*anew).when(order, wearer).refused("four_eyes")
    of_the_chief = replace(AUTHORITY, holder_id=CHIEF.person_id, acting_id=CHIEF.person_id)
    authorised = GRANTS.knowing(replace(GRANTS.facts, terms=(of_the_chief,)))
    authorised.given(*anew).when(order, CHIEF).then_kinds(ApprovalGiven, type(APPROVED))
    deputy = GRANTS.knowing(replace(GRANTS.facts, terms=(replace(AUTHORITY, holder_id=ENDORSER.person_id, acting_id=CHIEF.person_id),)))
    deputy.given(*anew).when(order, CHIEF).refused("stands_in_for_one_involved")


@pytest.mark.parametrize("past", [(APPROVED,), (APPROVED, RELEASED_1)], ids=["approved", "in disbursement"])
def test_what_is_approved_is_not_changed_any_more(past: tuple[Event, ...]) -> None:
    GRANTS.given(*SUBMISSION, ENDORSED, *past).when(LESS, REQUESTER).refused("wrong_status")


def test_the_hash_in_the_log_is_the_hash_of_the_grant() -> None:
    for past in ((DRAFTED,), *AFTER_SUBMISSION.values()):
        changed = revised(*past)
        alone = replace(folded(*past), modality="service", amount=LESS.money.amount)
        assert changed.content_hash == hash_after(
            DRAFTED.model_copy(update={**dict(LESS), "budget": BUDGET, "budget_hash": BUDGET_HASH})
        )
        assert alone.content_hash != changed.content_hash


AGREED_ANEW = replace(NOTHING_STANDS_AGAINST_IT, plan=replace(AGREED, plan_version=3))


def test_what_was_asked_for_on_an_earlier_version_of_the_plan_goes_no_further() -> None:
    anew = Given(GRANT, AGREED_ANEW)
    anew.given(DRAFTED).when(SUBMIT, REQUESTER).refused("plan_changed")
    anew.given(*SUBMISSION).when(ENDORSE_ASKED, ENDORSER).refused("plan_changed")
    anew.given(*SUBMISSION, ENDORSED).when(APPROVE_ASKED, APPROVER).refused("plan_changed")


def test_a_change_of_the_request_takes_the_new_plan() -> None:
    for past in ((DRAFTED,), *AFTER_SUBMISSION.values()):
        (changed,) = Given(GRANT, AGREED_ANEW).given(*past).when(LESS, REQUESTER).events
        now = folded(*past, changed)
        assert (now.plan_version, folded(*past).plan_version) == (3, 2)
        assert now.content_hash != folded(*past, changed.model_copy(update={"plan_version": 2, "content_hash": "0" * 64})).content_hash
        if now.status == "submitted":
            order = ENDORSE_ASKED.model_copy(update={"request_version": 2, "content_hash": now.content_hash})
            Given(GRANT, AGREED_ANEW).given(*past, changed).when(order, ENDORSER).then_kinds(GrantEndorsed)


def test_a_request_of_before_that_names_no_version_of_its_plan_is_decided_on_as_it_was() -> None:
    of_before = DRAFTED.model_copy(update={"plan_version": None})
    order = ENDORSE_ASKED.model_copy(update={"content_hash": hash_after(of_before)})
    Given(GRANT, AGREED_ANEW).given(of_before, SUBMITTED.model_copy(update={"content_hash": hash_after(of_before)})).when(
        order, ENDORSER
    ).then_kinds(GrantEndorsed)
