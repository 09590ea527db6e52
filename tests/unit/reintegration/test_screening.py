"""A payee is held against the newest lists, a hit stops it until two persons clear it, and a confirmed one blocks it for good."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.reintegration.domain.alike import MATCHER
from services.reintegration.domain.payable import refuse_unless_payable
from services.reintegration.domain.payee import PAYEE, ChangeAccount, ClosePayee, ConfirmPayee
from services.reintegration.domain.payee_facts import Payable, PayeeFacts
from services.reintegration.domain.payee_state import ENDED, MOST_HITS, Payee
from services.reintegration.domain.screening import AskToClearHits, ClearHits, ConfirmHits, ScreenPayee
from shared.actors import Actor
from shared.contracts.payees import PayeeEnded, closed_for
from shared.contracts.sanctions import (
    ClearingReason,
    Finding,
    Hit,
    HitClearingAsked,
    HitsCleared,
    HitsConfirmed,
    PayeeScreened,
)
from shared.errors import FourEyes, Refusal
from shared.ledger import conceal
from shared.messages import Command, Context, Event
from tests.given import NOON, Given
from tests.unit.reintegration.examples import ARRIVED, CHIEF, OFFICE, PAYER, RECONCILER, ref
from tests.unit.reintegration.test_payee import (
    ASKED,
    CHANGE,
    CONFIRMED,
    OTHER_RECONCILER,
    REGISTERED,
    VENDOR,
    back,
)

FIRST, NEWER = ref(41), ref(42)
HIT = Hit(list_id=FIRST, list_name="UN", entry_id="QDi.001", how="near")
AGAIN = HIT.model_copy(update={"list_id": NEWER})
ELSEWHERE = HIT.model_copy(update={"entry_id": "QDi.002"})
CLEARING: ClearingReason = "another_birth_date"


def said(finding: Finding, lists: tuple[UUID, ...] = (FIRST,), account_no: int = 1) -> PayeeScreened:
    return PayeeScreened(account_no=account_no, list_ids=lists, hits=(), screened_at=NOON, found=finding.concealed(), matcher=MATCHER)


def found(*hits: Hit, lists: tuple[UUID, ...] = (FIRST,), account_no: int = 1) -> PayeeScreened:
    return said(Finding(step="screened", hits=hits), lists, account_no)


def cleared(*hits: Hit, more: bool = False) -> PayeeScreened:
    by = {"asked_by": RECONCILER.person_id, "cleared_by": CHIEF.person_id}
    return said(Finding(step="cleared", hits=hits, reason=CLEARING, more=more, **by))


CLOCK = Actor.service("reintegration")
CLEAN = found()
FOUND = found(HIT)
ASKED_TO_CLEAR = said(Finding(step="clearing_asked", reason=CLEARING, asked_by=RECONCILER.person_id))
CLEARED = cleared(HIT)
BLOCKED = PayeeEnded(closed_for=closed_for("meant_by_a_list"), closed_by=CHIEF.person_id, closed_at=NOON)
ASK = AskToClearHits(reason="another_birth_date")


def facing(*hits: Hit, lists: tuple[object, ...] = (FIRST,)) -> "Given[Payee, PayeeFacts]":
    return Given(PAYEE, PayeeFacts(ARRIVED, newest_lists=lists, found=hits)).given(REGISTERED)  # type: ignore[arg-type]


def test_who_was_screened_by_other_rules_is_screened_anew_by_the_clock_and_what_was_found_then_stays() -> None:
    before = found(HIT).model_copy(update={"matcher": MATCHER - 1})
    facing(HIT, ELSEWHERE).given(before).when(ScreenPayee(), CLOCK).then(found(HIT, ELSEWHERE))
    facing().given(before).when(ScreenPayee(), CLOCK).then(FOUND)
    facing(HIT).given(before).when(ScreenPayee(), CLOCK).then(FOUND)
    facing().given(CLEAN.model_copy(update={"matcher": MATCHER - 1})).when(ScreenPayee(), CLOCK).then(CLEAN)


def test_each_screening_is_a_fact_also_where_nothing_was_found() -> None:
    facing().when(ScreenPayee(), RECONCILER).then(CLEAN)
    facing(HIT).when(ScreenPayee(), RECONCILER).then(FOUND)
    facing().given(CLEAN).when(ScreenPayee(), CLOCK).then()
    facing(lists=()).when(ScreenPayee(), RECONCILER).then()


def test_whoever_has_a_payee_screened_once_more_records_it_so_that_a_repeated_screening_tells_of_no_clearing() -> None:
    facing().given(CLEAN).when(ScreenPayee(), RECONCILER).then(CLEAN)
    waits = facing(HIT).given(FOUND, ASKED_TO_CLEAR)
    known = said(Finding(step="screened", hits=(HIT,), reason=CLEARING, asked_by=RECONCILER.person_id))
    waits.when(ScreenPayee(), CHIEF).then(known)
    # What was asked goes on waiting, by whoever asked.
    waits.given(known).when(ClearHits(), RECONCILER).refused("four_eyes")
    waits.given(known).when(ClearHits(), CHIEF).then(CLEARED)
    assert after(FOUND, ASKED_TO_CLEAR, known) == after(FOUND, ASKED_TO_CLEAR)
    past = (FOUND, ASKED_TO_CLEAR, CLEARED)
    (once_more,) = facing(HIT).given(*past).when(ScreenPayee(), RECONCILER).events
    assert after(*past, once_more) == after(*past)


@pytest.mark.parametrize("number", [1, MOST_HITS], ids=["one", "as-many-as-are-kept"])
def test_in_their_leaves_a_clearing_and_a_repeated_screening_are_one_shape_with_the_same_lists(number: int) -> None:
    hits = tuple(HIT.model_copy(update={"entry_id": f"QDi.{each}"}) for each in range(number))
    of = facing(*hits).given(found(*hits))
    steps = (of.when(ASK, RECONCILER), of.given(ASKED_TO_CLEAR).when(ClearHits(), CHIEF), facing().given(CLEAN).when(ScreenPayee(), CHIEF))
    leaves = [conceal(event)[0].model_dump(mode="json", exclude={"found"}) for step in steps for event in step.events]
    assert len(leaves) == 3
    assert leaves[0] == leaves[1] == leaves[2]


def test_another_version_of_a_list_takes_no_hit_away_that_two_persons_have_not_cleared() -> None:
    newer = found(HIT, lists=(NEWER,))
    facing(lists=(NEWER,)).given(FOUND).when(ScreenPayee(), RECONCILER).then(newer)
    both = found(HIT, ELSEWHERE, lists=(NEWER,))
    facing(ELSEWHERE, lists=(NEWER,)).given(FOUND).when(ScreenPayee(), RECONCILER).then(both)
    # As the newest list says it, each once.
    facing(AGAIN, lists=(NEWER,)).given(FOUND).when(ScreenPayee(), RECONCILER).then(found(AGAIN, lists=(NEWER,)))


def test_more_hits_than_are_kept_are_cleared_in_turns_and_nobody_is_confirmed_in_between() -> None:
    many = tuple(HIT.model_copy(update={"entry_id": f"QDi.{number}"}) for number in range(1, MOST_HITS + 8))
    first = found(*many[:MOST_HITS])
    # All that were kept, and so not all that there are.
    all_kept = cleared(*many[:MOST_HITS], more=True)
    facing(*many).when(ScreenPayee(), RECONCILER).then(first)
    facing(*many).given(first).when(ScreenPayee(), CLOCK).then()
    between = facing(*many).given(first, ASKED_TO_CLEAR, all_kept)
    facing(*many).given(first, ASKED_TO_CLEAR).when(ClearHits(), CHIEF).then(all_kept)
    between.when(ConfirmPayee(), RECONCILER).refused("not_screened")
    between.when(ScreenPayee(), RECONCILER).then(found(*many[MOST_HITS:]))
    rest = cleared(*many[MOST_HITS:])
    done = between.given(first, ASKED_TO_CLEAR, all_kept, found(*many[MOST_HITS:]), ASKED_TO_CLEAR, rest)
    done.when(ConfirmPayee(), RECONCILER).then_kinds(type(CONFIRMED))


def test_a_list_that_counts_no_more_asks_for_no_new_screening() -> None:
    both = found(lists=(FIRST, NEWER))
    facing(lists=(NEWER,)).given(both).when(ConfirmPayee(), RECONCILER).then(CONFIRMED)


def test_nobody_is_confirmed_before_they_are_screened_against_the_newest_lists() -> None:
    facing().when(ConfirmPayee(), RECONCILER).refused("not_screened")
    facing().given(CLEAN).when(ConfirmPayee(), RECONCILER).then(CONFIRMED)
    facing(lists=(FIRST, NEWER)).given(CLEAN).when(ConfirmPayee(), RECONCILER).refused("not_screened")
    facing().given(FOUND).when(ConfirmPayee(), RECONCILER).refused("screening_hit")


def test_a_change_of_account_is_another_screening_in_which_nothing_is_cleared_yet() -> None:
    past = facing(HIT).given(FOUND, ASKED_TO_CLEAR, CLEARED, CONFIRMED, ASKED)
    past.when(back(), RECONCILER, NOON + timedelta(hours=2)).refused("not_screened")
    past.when(ScreenPayee(), RECONCILER).then(found(HIT, account_no=2))


def test_two_persons_clear_a_hit_and_a_newer_list_with_the_same_entry_does_not_stop_the_payee_again() -> None:
    hit = facing(HIT).given(FOUND)
    hit.when(ClearHits(), CHIEF).refused("nothing_waits")
    hit.when(ASK, RECONCILER).then(ASKED_TO_CLEAR)
    hit.given(ASKED_TO_CLEAR).when(ASK, CHIEF).refused("clearing_asked")
    hit.given(ASKED_TO_CLEAR).when(ClearHits(), RECONCILER).refused("four_eyes")
    hit.given(ASKED_TO_CLEAR).when(ClearHits(), CHIEF).then(CLEARED)
    newer = facing(AGAIN, lists=(NEWER,)).given(FOUND, ASKED_TO_CLEAR, CLEARED)
    newer.when(ScreenPayee(), RECONCILER).then(found(lists=(NEWER,)))
    facing(ELSEWHERE, lists=(NEWER,)).given(FOUND, ASKED_TO_CLEAR, CLEARED).when(ScreenPayee(), RECONCILER).then(
        found(ELSEWHERE, lists=(NEWER,))
    )
    facing().given(CLEAN).when(ASK, RECONCILER).refused("no_hits")


def test_a_confirmed_hit_blocks_for_good() -> None:
    blocked = facing(HIT).given(FOUND, BLOCKED)
    facing(HIT).given(FOUND).when(ConfirmHits(), CHIEF).then(BLOCKED)
    for order, code in (
        (ASK, "payee_closed"), (ClearHits(), "payee_closed"), (ConfirmPayee(), "wrong_status"), (CHANGE, "wrong_status"),
        (ClosePayee(reason="not_needed"), "payee_closed"),
    ):  # fmt: skip
        blocked.when(order, RECONCILER).refused(code)
    blocked.when(ScreenPayee(), RECONCILER).then()


@pytest.mark.parametrize(
    ("past", "lists", "code"),
    [
        ((CLEAN, CONFIRMED), (FIRST,), "1"), ((CLEAN, CONFIRMED), (NEWER,), "not_screened"), ((CONFIRMED,), (FIRST,), "not_screened"),
        ((CLEAN, CONFIRMED, FOUND), (FIRST,), "screening_hit"), ((CLEAN, CONFIRMED, FOUND, BLOCKED), (FIRST,), "payee_blocked"),
        ((CLEAN, CONFIRMED, FOUND, ASKED_TO_CLEAR, CLEARED), (FIRST,), "1"),
    ],
    ids=["clean", "newer-list", "never", "hit", "blocked", "cleared"],
)  # fmt: skip
def test_money_is_sent_to_whom_the_newest_lists_do_not_mean(past: tuple[Event, ...], lists: tuple[object, ...], code: str) -> None:
    known = Payable(PAYEE.fold((REGISTERED, *past)), True, frozenset(), False, lists)  # type: ignore[arg-type]
    try:
        answer = str(refuse_unless_payable(known, "PKR", PAYER.person_id, NOON))
    except Refusal as refusal:
        answer = refusal.code
    assert answer == code


ORDERS = st.sampled_from((VENDOR, ConfirmPayee(), CHANGE, ScreenPayee(), ASK, ClearHits(), ConfirmHits(), back(NOON)))
HITS = st.sampled_from(((), (HIT,), (HIT, ELSEWHERE)))


@examples(st.lists(st.tuples(ORDERS, st.sampled_from((OFFICE, RECONCILER, OTHER_RECONCILER, CHIEF)), HITS), max_size=14))
def test_whatever_is_ordered_nobody_with_an_open_hit_becomes_payable_and_what_is_blocked_stays_so(
    orders: list[tuple[Command, Actor, tuple[Hit, ...]]],
) -> None:
    state: Payee | None = None
    log: list[Event] = []
    for order, who, hits in orders:
        facts = PayeeFacts(ARRIVED, newest_lists=(FIRST,), found=hits)
        try:
            events = PAYEE.decide(state, order, facts, Context(who, NOON))
        except Refusal:
            events = ()
        before, state = state, PAYEE.fold(events, state)
        log += events
        if before is not None and state is not None and before != state:
            assert before.status not in ENDED
            if before.confirmed_no != state.confirmed_no:
                assert not before.hits and before.screened_no == before.newest_live_no
            if before.hits and not state.hits and isinstance(order, ClearHits):
                assert state.clearing_asked_by != state.cleared_by
    assert PAYEE.fold(log) == state
    if state is not None:
        adapter = TypeAdapter(Payee)
        assert adapter.validate_python(json.loads(adapter.dump_json(state)), strict=False) == state


def after(*events: Event) -> Payee:
    state = PAYEE.fold((REGISTERED, *events))
    assert state is not None
    return state


def test_what_was_said_in_clear_before_comes_to_the_same() -> None:
    in_clear = PayeeScreened(account_no=1, list_ids=(FIRST,), hits=(HIT,), screened_at=NOON, matcher=MATCHER)
    asked = HitClearingAsked(reason=CLEARING, asked_by=RECONCILER.person_id, asked_at=NOON)
    by_two = HitsCleared(hits=(HIT,), reason=CLEARING, asked_by=RECONCILER.person_id, cleared_by=CHIEF.person_id, cleared_at=NOON)
    assert after(in_clear) == after(FOUND)
    assert after(in_clear, asked) == after(FOUND, ASKED_TO_CLEAR)
    before, now = after(in_clear, asked, by_two), after(FOUND, ASKED_TO_CLEAR, CLEARED)
    assert (before.hits, before.cleared, before.cleared_by, before.screened_lists) == (
        now.hits, now.cleared, now.cleared_by, now.screened_lists
    )  # fmt: skip
    assert {*before.handlers} == {*now.handlers, *now.clearers}
    confirmed = HitsConfirmed(hits=(HIT,), confirmed_by=CHIEF.person_id, confirmed_at=NOON)
    assert after(FOUND, confirmed) == after(FOUND, BLOCKED)


def test_no_fact_tells_in_clear_nor_by_its_type_that_somebody_resembles_whom_a_list_names() -> None:
    hit = facing(HIT)
    facts = (
        *hit.when(ScreenPayee(), RECONCILER).events, *hit.given(FOUND).when(ASK, RECONCILER).events,
        *hit.given(FOUND, ASKED_TO_CLEAR).when(ClearHits(), CHIEF).events,
        *hit.given(FOUND).when(ConfirmHits(), CHIEF).events,
    )  # fmt: skip
    nothing_found = facing().when(ScreenPayee(), RECONCILER).events
    closed = facing().given(CLEAN).when(ClosePayee(reason="not_needed"), RECONCILER).events
    assert {type(fact) for fact in facts} == {type(fact) for fact in (*nothing_found, *closed)}
    in_leaves = [conceal(fact)[0].model_dump(mode="json") for fact in (*facts, *nothing_found, *closed)]
    shapes = {
        frozenset((name, type(value).__name__) for name, value in leaf.items()) for leaf in in_leaves
    }
    assert len(shapes) == 2
    assert not any(word in str(in_leaves) for word in ("QDi", "near", "birth_date", "meant", "'UN'"))


def gone(event: Event) -> Event:
    """As it is read once the person was erased."""
    return type(event).model_validate(conceal(event)[0].model_dump(mode="json"))


def test_once_what_was_found_went_with_the_person_nothing_of_it_is_left() -> None:
    past = (FOUND, ASKED_TO_CLEAR, CLEARED, found(ELSEWHERE), BLOCKED)
    left = after(*map(gone, past))
    assert (left.hits, left.cleared, left.clearers, left.cleared_by) == ((), (), (), None)
    assert (left.clearing_reason, left.clearing_asked_by, left.status, left.closing_reason) == (None, None, "closed", None)
    assert left == after(gone(CLEAN), gone(PayeeEnded(closed_for=closed_for("misused"), closed_by=CHIEF.person_id, closed_at=NOON)))


def test_whoever_had_hits_cleared_pays_nothing_to_the_payee() -> None:
    known = Payable(after(CLEAN, CONFIRMED, FOUND, ASKED_TO_CLEAR, CLEARED), True, frozenset(), False, (FIRST,))
    for who in (CHIEF, OTHER_RECONCILER):
        state = known.payee
        assert state is not None and (who.person_id in state.clearers) == (who is CHIEF)
    with pytest.raises(FourEyes):
        refuse_unless_payable(known, "PKR", CHIEF.person_id, NOON)
    assert refuse_unless_payable(known, "PKR", PAYER.person_id, NOON) == 1


def test_a_change_to_an_order_that_names_no_reason_is_malformed() -> None:
    with pytest.raises(ValueError, match="reason"):
        ChangeAccount.model_validate({"holder": "x"})
