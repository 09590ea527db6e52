"""The invented year adds up to what was published whatever the seed, and is the same for the same seed."""

import unicodedata
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import get_args
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.demo_year import quotas
from ops.demo_year.banking import BringBankFile
from ops.demo_year.donors import taken
from ops.demo_year.names import NAMINGS
from ops.demo_year.people import Dice, households
from ops.demo_year.script import Step
from ops.demo_year.year import build_year, build_year_by_hand
from services.counselling.domain.identity import FIELDS, RecordIdentity, precision_of, stated_by
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.outreach import RecordOutreach
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.counselling.domain.session import HoldSession
from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.batch import MakeBatch
from services.reintegration.domain.grant import (
    ApproveGrant,
    CancelGrant,
    DraftGrant,
    RejectGrant,
    ReturnGrant,
)
from services.reintegration.domain.recovery import RecordRecovery
from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import ConfirmPayment, ReleaseTranche
from services.returns.domain.case_application import DeclareIneligible
from services.returns.domain.case_corrections import (
    AskForCorrection,
    CorrectArrival,
    CorrectDeparture,
    RejectCorrection,
)
from services.returns.domain.case_families import JoinFamily, SplitFamily
from services.returns.domain.case_holds import PutOnHold
from services.returns.domain.case_inquiry import AnswerFamilyAssessment
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_preparation import RecordMissedFlight
from services.returns.domain.case_screening import AssessTraffickingRisk
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from services.returns.domain.case_support import CancelSupport, GiveSupport
from services.returns.domain.case_withdrawal import LapseCase, RecordContactTried, WithdrawPerson
from shared.contracts.returns import HoldReason, IneligibleReason, LapseReason

SEEDS = st.integers(min_value=0, max_value=2**32)


def orders_of(year: list[list[Step]], kind: type) -> list[Step]:
    return [step for journey in year for step in journey if isinstance(step.order, kind)]


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_every_seed_makes_the_published_sums_and_grants_in_journeys_that_are_in_order(seed: int) -> None:
    year = build_year(seed)
    has_the_published_sums(year)
    has_the_hard_cases(year)
    grants_what_was_published(year)
    is_in_order_and_inside_the_year(year)


def has_the_published_sums(year: list[list[Step]]) -> None:
    held = [step.order for step in orders_of(year, HoldSession)]
    individual = [order for order in held if isinstance(order, HoldSession) and order.session_type == "individual"]
    assert len(individual) == quotas.SESSIONS
    assert sum(order.modality == "virtual_country_of_origin" for order in individual) == quotas.VIRTUAL_SESSIONS
    outreach = [step.order for step in orders_of(year, RecordOutreach)]
    assert sum(order.contacts for order in outreach if isinstance(order, RecordOutreach)) == quotas.OUTREACH_CONTACTS
    places = {order.location for order in outreach if isinstance(order, RecordOutreach)}
    assert len(places) == quotas.OUTREACH_LOCATIONS
    wishes = [step.order for step in orders_of(year, ExpressIntention)]
    assert len({id for order in wishes if isinstance(order, ExpressIntention) for id in order.person_ids}) == 290
    arrivals = [step.order for step in orders_of(year, ConfirmArrival)]
    arrived = {order.person_id for order in arrivals if isinstance(order, ConfirmArrival)}
    assert len(arrived) == sum(quotas.RETURNED.values()) == 96
    assert len(orders_of(year, RecordMissedFlight)) == quotas.MISSED_FLIGHTS


def has_the_hard_cases(year: list[list[Step]]) -> None:
    placed = [step.order.reason for step in orders_of(year, PutOnHold) if isinstance(step.order, PutOnHold)]
    refused = [step.order.reason for step in orders_of(year, DeclareIneligible) if isinstance(step.order, DeclareIneligible)]
    lapsed = [step.order.reason for step in orders_of(year, LapseCase) if isinstance(step.order, LapseCase)]
    assert set(placed) == set(get_args(HoldReason))
    assert set(refused) == set(get_args(IneligibleReason))
    assert set(lapsed) == set(get_args(LapseReason))
    for kind in (RecordGuardian, AnswerFamilyAssessment, RecordSupervision, JoinFamily, AssessTraffickingRisk, WithdrawPerson):
        assert orders_of(year, kind), kind.__name__
    for journey in year:
        kinds = Counter(type(step.order) for step in journey)
        assert kinds[LapseCase] == 0 or kinds[RecordContactTried] >= 2
        asked = {step.persona for step in journey if isinstance(step.order, AskForCorrection)}
        decided = {step.persona for step in journey if isinstance(step.order, CorrectDeparture | CorrectArrival | RejectCorrection)}
        assert len(asked) == len(decided)
        assert asked.isdisjoint(decided)
    parted = [journey for journey in year if any(isinstance(step.order, SplitFamily) for step in journey)]
    # One goes ahead and the others follow, and one comes back to the others.
    assert sorted(len(orders_of([journey], RecordDeparture)) for journey in parted) == [0, 2]
    for journey in parted:
        # What is not given yet goes along with whoever parts, and is given in their own case.
        [at] = [step.at for step in orders_of([journey], SplitFamily)]
        assert all(step.at < at for step in journey if isinstance(step.order, GiveSupport | CancelSupport))


def grants_what_was_published(year: list[list[Step]]) -> None:
    category = {step.id: step.order.category for step in orders_of(year, DraftGrant) if isinstance(step.order, DraftGrant)}
    approvals = Counter(step.id for step in orders_of(year, ApproveGrant))
    assert Counter(category[grant_id] for grant_id in approvals) == Counter(quotas.GRANTS)
    # What is more than one approves alone is approved by two.
    assert set(approvals.values()) == {1, 2}
    assert len(orders_of(year, ReturnGrant)) == quotas.REQUESTS_RETURNED
    assert len(orders_of(year, RejectGrant)) == quotas.REQUESTS_REJECTED
    assert len(orders_of(year, CancelGrant)) == quotas.REQUESTS_CANCELLED
    pays_by_bank(year)
    lines = taken(year).values()
    # Each of three donors pays for some, none for more than was granted, and at the end of the year nothing is owed.
    assert sum(line.grants for line in lines) == len(approvals) == sum(quotas.GRANTS.values())
    assert len(lines) == 3
    assert all(0 < line.paid == line.approved < line.granted.amount for line in lines)


def pays_by_bank(year: list[list[Step]]) -> None:
    released = {step.order.attempt_id: step.at for step in orders_of(year, ReleaseTranche) if isinstance(step.order, ReleaseTranche)}
    batches = [(step.at, step.order) for step in orders_of(year, MakeBatch) if isinstance(step.order, MakeBatch)]
    # What failed or came back is made again, each time under another id, and each attempt stands in one batch, after its release.
    assert sorted(id for _, batch in batches for id in batch.attempts) == sorted(released)
    assert all(released[id] < at for at, batch in batches for id in batch.attempts)
    assert len(orders_of(year, ReleaseTranche)) == len(released)
    files = [step.order for step in orders_of(year, BringBankFile) if isinstance(step.order, BringBankFile)]
    assert sum(file.file_kind == "status_report" for file in files) == quotas.PAYMENTS_FAILED
    lines = Counter((line.direction, line.attempt_id) for file in files for line in file.booked if line.attempt_id is not None)
    assert set(lines.values()) == {1}
    assert sum(direction == "CRDT" for direction, _ in lines) == quotas.PAYMENTS_CAME_BACK
    assert sum(direction == "DBIT" for direction, _ in lines) == len(released) - quotas.PAYMENTS_FAILED
    assert orders_of(year, ConfirmPayment) == []
    back = {step.id: step.order.money for step in orders_of(year, RecordRecovery) if isinstance(step.order, RecordRecovery)}
    assert back == {step.id: step.order.money for step in orders_of(year, OpenRecovery) if isinstance(step.order, OpenRecovery)}
    assert len(back) == quotas.RECOVERIES
    assert [line.of_grant for file in files for line in file.booked if line.of_grant is not None] == list(back)


def is_in_order_and_inside_the_year(year: list[list[Step]]) -> None:
    first, last = datetime(2023, 1, 1, 1, tzinfo=UTC), datetime(2023, 12, 31, 22, tzinfo=UTC)
    for journey in year:
        assert all(before.at <= after.at for before, after in pairwise(journey))
        assert all(first <= step.at <= last for step in journey)


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_those_who_return_are_as_published(seed: int) -> None:
    returning = [household for household in households(Dice(seed)) if household.outcome == "returned"]
    members = [(household.country, member) for household in returning for member in household.members]
    assert Counter(country for country, _ in members) == Counter(quotas.RETURNED)
    assert Counter(member.sex for _, member in members) == {"female": 7, "male": 89}
    assert sum(not member.adult for _, member in members) == 4
    alone = [household for household in returning if not household.adults]
    assert [(len(one.members), one.guardian is not None and one.guardian.adult) for one in alone] == [(1, True)]


def test_the_year_by_hand_takes_the_same_of_each_donor_line() -> None:
    by_hand = build_year_by_hand(3)
    assert taken(by_hand) == taken(build_year(3))
    assert len(orders_of(by_hand, ReportPaymentFailed)) == quotas.PAYMENTS_FAILED
    assert len(orders_of(by_hand, ReversePayment)) == quotas.PAYMENTS_CAME_BACK
    attempts = [step.order.attempt_id for step in orders_of(by_hand, ReleaseTranche) if isinstance(step.order, ReleaseTranche)]
    assert len(set(attempts)) == len(attempts) == len(orders_of(by_hand, ConfirmPayment)) + quotas.PAYMENTS_FAILED


def test_the_same_seed_makes_the_same_year_and_another_seed_another() -> None:
    year = build_year(3)
    assert build_year(3) == year
    assert build_year(4) != year


def test_who_everybody_is_is_recorded_once_they_agreed_and_before_they_are_spoken_with() -> None:
    year = build_year(5)
    registered = {step.id: step.order for step in orders_of(year, RegisterPerson) if isinstance(step.order, RegisterPerson)}
    recorded: dict[UUID, list[tuple[datetime, RecordIdentity]]] = defaultdict(list)
    for step in orders_of(year, RecordIdentity):
        assert isinstance(step.order, RecordIdentity)
        recorded[step.id].append((step.at, step.order))
    agreed = {step.id: step.at for step in reversed(orders_of(year, GiveConsent))}
    heard: dict[UUID, datetime] = {}
    for step in orders_of(year, HoldSession):
        assert isinstance(step.order, HoldSession)
        for person_id in step.order.person_ids:
            heard[person_id] = min(step.at, heard.get(person_id, step.at))
    assert recorded.keys() == registered.keys()
    for person_id, versions in recorded.items():
        at, first = versions[0]
        assert agreed[person_id] < at < heard[person_id]
        assert first.reason is None
        # A correction states what was stated before, otherwise, and why; a document is seen later and corrects nothing.
        for _, later in versions[1:]:
            assert (later.reason is None) == (stated_by(later) == ("documents",))
            assert later.reason is None or set(stated_by(later)) <= set(stated_by(first))
            assert all(getattr(later, field) != getattr(first, field) for field in stated_by(later))
        country, year_of_birth = registered[person_id].country_of_origin, registered[person_id].birth_year
        assert all(order.birth_date is None or order.birth_date.startswith(f"{year_of_birth}") for _, order in versions)
        own = any(naming.family[0][1] for naming in NAMINGS[country])
        assert (first.family_name_own_script is not None) == own, country
    every = [order for versions in recorded.values() for _, order in versions]
    said = {field for order in every for field in stated_by(order)}
    assert said == set(FIELDS)
    assert {order.reason for order in every} == {None, "misspelt", "document_seen"}
    assert {precision_of(order.birth_date) for order in every if order.birth_date} == {"year", "month", "day"}


def test_names_stand_in_both_scripts_or_in_the_one_that_is_latin() -> None:
    assert set(quotas.LANGUAGES) == set(NAMINGS)
    for namings in NAMINGS.values():
        for latin, own in (name for one in namings for name in (*one.family, *one.female, *one.male)):
            assert all("LATIN" in unicodedata.name(letter) for letter in latin if letter.isalpha()), latin
            assert own is None or all("LATIN" not in unicodedata.name(letter) for letter in own), own
