"""Sealed vouchers are drawn by two seeds that anybody draws again by, and opened to one auditor for 14 days by two who had no part."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.spot_checks import OVER_FOR
from services.reintegration.domain.vouchers import (
    OPEN_FOR,
    VOUCHER_SAMPLE,
    AskForVouchers,
    DrawVouchers,
    OfferVouchers,
    ReleaseVouchers,
    VoucherFacts,
    VoucherSample,
    WithdrawVouchers,
    draw,
    population_hash,
    refuse_unless_open,
)
from shared.actors import Actor
from shared.contracts.vouchers import (
    DrawnGrant,
    VouchersAsked,
    VouchersDrawn,
    VouchersOffered,
    VouchersReleased,
    VouchersWithdrawn,
)
from shared.errors import Refusal, RuleViolation
from shared.messages import Command, Context, Event
from tests.given import NOON, SIGNED_IN, Given, folded, staff
from tests.unit.reintegration.examples import CHIEF, MANAGER, ref

AUDITOR, COLLEAGUE = staff("auditor", "auditor"), staff("another-auditor", "auditor")
PROTECTION = staff("data-protection", "data_protection")
SEED, COUNTERSEED = "a0" * 16, "5e" * 32
GRANTS = tuple(DrawnGrant(grant_id=ref(100 + number), country="PK") for number in range(24))
APRIL = AskForVouchers(from_day=date(2023, 4, 1), to_day=date(2023, 4, 30), size=3, seed=SEED)
FACTS = VoucherFacts(GRANTS, COUNTERSEED, NOON - timedelta(days=1), took_part=frozenset({CHIEF.person_id}))
ASKED = VouchersAsked(
    from_day=APRIL.from_day, to_day=APRIL.to_day, size=3, seed=SEED, counterseed=COUNTERSEED, asked_by=AUDITOR.person_id, asked_at=NOON
)
DRAWN = VouchersDrawn(
    population=24, population_hash=population_hash(GRANTS), drawn=draw(GRANTS, SEED, COUNTERSEED, 3), drawn_at=NOON
)
OFFERED = VouchersOffered(offered_by=MANAGER.person_id, offered_at=NOON)
RELEASED = VouchersReleased(
    auditor_id=AUDITOR.person_id, released_by=PROTECTION.person_id, released_at=NOON, ends_at=NOON + OPEN_FOR
)
WITHDRAWN = VouchersWithdrawn(was="released", withdrawn_by=MANAGER.person_id, withdrawn_at=NOON)
ASKING = Given(VOUCHER_SAMPLE, FACTS)
OVER = NOON + OPEN_FOR


def again(ids: Sequence[str], size: int) -> list[str]:
    """The same drawn by another hand, as docs/audit.md says it."""
    return sorted(ids, key=lambda id: hashlib.sha256(f"{SEED}:{COUNTERSEED}:{id}".encode()).hexdigest())[:size]


def sample(*events: Event) -> VoucherSample:
    found = folded(VOUCHER_SAMPLE, events)
    assert found is not None
    return found


def test_both_seeds_are_on_record_before_anything_is_drawn() -> None:
    (event,) = ASKING.when(APRIL, AUDITOR).events
    assert event == ASKED
    assert sample(ASKED).drawn == ()


def test_what_is_drawn_anybody_draws_again() -> None:
    (event,) = ASKING.given(ASKED).when(DrawVouchers(), AUDITOR).events
    assert isinstance(event, VouchersDrawn)
    ids = sorted(str(one.grant_id) for one in GRANTS)
    assert (event.population, event.population_hash) == (24, hashlib.sha256("\n".join(ids).encode()).hexdigest())
    assert [str(one.grant_id) for one in event.drawn] == again(ids, 3)


@examples(st.sets(st.integers(1, 500), max_size=30), st.integers(1, 50), st.randoms())
def test_a_draw_depends_on_the_seeds_and_not_on_the_order_of_the_rows(numbers: set[int], size: int, random: Random) -> None:
    there = [DrawnGrant(grant_id=ref(number), country="PK") for number in sorted(numbers)]
    shuffled = list(there)
    random.shuffle(shuffled)
    assert draw(shuffled, SEED, COUNTERSEED, size) == draw(there, SEED, COUNTERSEED, size)
    assert population_hash(shuffled) == population_hash(there)
    assert len(draw(there, SEED, COUNTERSEED, size)) == min(size, len(there))


@pytest.mark.parametrize(
    ("order", "facts", "at", "code"),
    [
        (APRIL.model_copy(update={"to_day": date(2023, 3, 1)}), FACTS, NOON, "period_reversed"),
        (APRIL, VoucherFacts(over_at=NOON - OVER_FOR + timedelta(seconds=1)), NOON, "period_not_over"),
        (APRIL, VoucherFacts(), NOON, "period_not_over"),
        (APRIL.model_copy(update={"from_day": date(2022, 4, 29)}), FACTS, NOON, "period_too_long"),
        (APRIL, VoucherFacts(over_at=NOON - timedelta(days=1), asked_before=True), NOON, "vouchers_asked"),
    ],
)
def test_nobody_asks_for_days_that_are_not_over_or_twice(
    order: AskForVouchers, facts: VoucherFacts, at: datetime, code: str
) -> None:
    ASKING.knowing(facts).when(order, AUDITOR, at).refused(code)


def test_only_whoever_asked_draws_and_only_once() -> None:
    ASKING.given(ASKED).when(DrawVouchers(), COLLEAGUE).refused("vouchers_not_yours")
    ASKING.given(ASKED, DRAWN).when(DrawVouchers(), AUDITOR).refused("already_drawn")
    ASKING.knowing(VoucherFacts()).given(ASKED).when(DrawVouchers(), AUDITOR).refused("nothing_to_draw")


@pytest.mark.parametrize(("size", "paid", "drawn"), [(3, 19, False), (3, 20, True), (7, 20, False), (7, 21, True), (50, 149, False), (50, 150, True)])
def test_from_few_grants_nothing_is_drawn(size: int, paid: int, drawn: bool) -> None:
    there = VoucherFacts(tuple(DrawnGrant(grant_id=ref(number), country="PK") for number in range(1, paid + 1)))
    given = ASKING.knowing(there).given(ASKED.model_copy(update={"size": size}))
    if drawn:
        (event,) = given.when(DrawVouchers(), AUDITOR).events
        assert isinstance(event, VouchersDrawn)
        assert len(event.drawn) == size
    else:
        given.when(DrawVouchers(), AUDITOR).refused("too_few_to_draw")


def test_nobody_asks_for_more_than_366_days() -> None:
    assert ASKING.when(APRIL.model_copy(update={"from_day": date(2022, 4, 30)}), AUDITOR).events


def test_whoever_took_a_part_since_they_agreed_counts_no_longer() -> None:
    since = VoucherFacts(took_part=frozenset({MANAGER.person_id}))
    ASKING.knowing(since).given(ASKED, DRAWN, OFFERED).when(ReleaseVouchers(), PROTECTION).refused("four_eyes")


def test_two_open_a_sample_for_14_days_to_whoever_asked() -> None:
    assert ASKING.given(ASKED, DRAWN).when(OfferVouchers(), MANAGER).events == (OFFERED,)
    assert ASKING.given(ASKED, DRAWN, OFFERED).when(ReleaseVouchers(), PROTECTION).events == (RELEASED,)
    assert RELEASED.ends_at - RELEASED.released_at == timedelta(days=14)


AUDITOR_AND_MANAGER = staff("auditor", "auditor", "manager")


@pytest.mark.parametrize(
    ("past", "order", "by", "code"),
    [
        ((ASKED,), OfferVouchers(), MANAGER, "wrong_status"),
        ((ASKED, DRAWN), ReleaseVouchers(), MANAGER, "wrong_status"),
        ((ASKED, DRAWN), WithdrawVouchers(), MANAGER, "wrong_status"),
        ((ASKED, DRAWN), OfferVouchers(), AUDITOR_AND_MANAGER, "four_eyes"),
        ((ASKED, DRAWN), OfferVouchers(), CHIEF, "four_eyes"),
        ((ASKED, DRAWN, OFFERED), ReleaseVouchers(), MANAGER, "four_eyes"),
        ((ASKED, DRAWN, OFFERED), ReleaseVouchers(), AUDITOR_AND_MANAGER, "four_eyes"),
        ((ASKED, DRAWN, OFFERED), ReleaseVouchers(), CHIEF, "four_eyes"),
        ((ASKED, DRAWN, OFFERED, RELEASED), WithdrawVouchers(), CHIEF, "four_eyes"),
        ((ASKED, DRAWN, OFFERED, RELEASED), OfferVouchers(), MANAGER, "wrong_status"),
        ((ASKED, DRAWN, OFFERED, RELEASED), ReleaseVouchers(), PROTECTION, "wrong_status"),
        ((ASKED, DRAWN, OFFERED, RELEASED, WITHDRAWN), ReleaseVouchers(), PROTECTION, "wrong_status"),
        ((ASKED, DRAWN, OFFERED, RELEASED, WITHDRAWN), WithdrawVouchers(), PROTECTION, "wrong_status"),
    ],
)  # fmt: skip
def test_whoever_asked_agreed_or_had_a_part_does_not_open(past: tuple[Event, ...], order: Command, by: Actor, code: str) -> None:
    ASKING.given(*past).when(order, by).refused(code)


def test_one_person_ends_it_and_two_open_the_same_sample_again() -> None:
    assert ASKING.given(ASKED, DRAWN, OFFERED, RELEASED).when(WithdrawVouchers(), MANAGER).events == (WITHDRAWN,)
    (taken_back,) = ASKING.given(ASKED, DRAWN, OFFERED).when(WithdrawVouchers(), PROTECTION).events
    assert isinstance(taken_back, VouchersWithdrawn)
    assert taken_back.was == "offered"
    ended = ASKING.given(ASKED, DRAWN, OFFERED, RELEASED, WITHDRAWN)
    assert len(ended.when(OfferVouchers(), PROTECTION).events) == 1
    over = ASKING.given(ASKED, DRAWN, OFFERED, RELEASED)
    assert len(over.when(OfferVouchers(), PROTECTION, OVER).events) == 1
    over.when(OfferVouchers(), PROTECTION, OVER - timedelta(microseconds=1)).refused("wrong_status")


@pytest.mark.parametrize(
    ("past", "reader", "at", "code"),
    [
        ((ASKED, DRAWN, OFFERED, RELEASED), AUDITOR, NOON, None),
        ((ASKED, DRAWN, OFFERED, RELEASED), AUDITOR, OVER - timedelta(microseconds=1), None),
        ((ASKED, DRAWN, OFFERED, RELEASED), AUDITOR, OVER, "vouchers_closed"),
        ((ASKED, DRAWN, OFFERED, RELEASED), COLLEAGUE, NOON, "vouchers_not_yours"),
        ((ASKED, DRAWN, OFFERED, RELEASED), MANAGER, NOON, "vouchers_not_yours"),
        ((ASKED, DRAWN, OFFERED), AUDITOR, NOON, "vouchers_closed"),
        ((ASKED, DRAWN), AUDITOR, NOON, "vouchers_closed"),
        ((ASKED, DRAWN, OFFERED, RELEASED, WITHDRAWN), AUDITOR, NOON, "vouchers_closed"),
        ((ASKED, DRAWN, OFFERED, RELEASED, OFFERED), AUDITOR, NOON, "vouchers_closed"),
    ],
)  # fmt: skip
def test_what_is_open_is_open_to_one_until_its_time(
    past: tuple[Event, ...], reader: Actor, at: datetime, code: str | None
) -> None:
    found = None
    try:
        refuse_unless_open(sample(*past), reader.person_id, at)
    except RuleViolation as refusal:
        found = refusal.code
    assert found == code


ORDERS: tuple[Command, ...] = (DrawVouchers(), OfferVouchers(), ReleaseVouchers(), WithdrawVouchers())
PEOPLE = (AUDITOR, COLLEAGUE, MANAGER, CHIEF, PROTECTION, AUDITOR_AND_MANAGER)


@examples(st.lists(st.tuples(st.sampled_from(ORDERS), st.sampled_from(PEOPLE), st.integers(0, 240)), max_size=25))
def test_whatever_is_ordered_it_is_open_only_after_two_others_and_within_14_days(steps: list[tuple[Command, Actor, int]]) -> None:
    state, now = sample(ASKED), NOON
    released: VouchersReleased | None = None
    for order, by, hours in steps:
        now += timedelta(hours=hours)
        try:
            events = VOUCHER_SAMPLE.decide(state, order, FACTS, Context(by, now, SIGNED_IN))
        except Refusal:
            events = ()
        for event in events:
            offered = state.offered_by
            state = VOUCHER_SAMPLE.evolve(state, event)
            if isinstance(event, VouchersReleased):
                released = event
                assert len({AUDITOR.person_id, offered, event.released_by}) == 3
                assert CHIEF.person_id not in (offered, event.released_by)
            if isinstance(event, VouchersWithdrawn | VouchersOffered):
                released = None
        for reader in PEOPLE:
            try:
                refuse_unless_open(state, reader.person_id, now)
                assert released is not None
                assert reader.person_id == AUDITOR.person_id
                assert released.released_at <= now < released.released_at + timedelta(days=14)
            except RuleViolation:
                assert reader.person_id != AUDITOR.person_id or released is None or now >= released.ends_at
