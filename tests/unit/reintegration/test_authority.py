"""Authority is given by somebody else, from a day to a day, and whoever stands in for its holder is named by somebody else."""

from datetime import date, timedelta

import pytest

from services.reintegration.domain.authority import (
    AUTHORITY,
    Authority,
    AuthorityFacts,
    Deputy,
    EndAuthority,
    GiveAuthority,
    NameDeputy,
)
from shared.contracts.authority import AuthorityEnded, AuthorityGiven, DeputyNamed
from shared.contracts.noted_cases import CaseEndNoted
from shared.messages import Context
from shared.money import Money
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import APPROVER, CHIEF, MANAGER, TODAY, eur

BOTH = staff("both", "chief_of_mission", "manager")
LAST = date(2023, 12, 31)
AUTHORITIES = Given(AUTHORITY, AuthorityFacts(today=TODAY))
GIVE = GiveAuthority(
    holder_id=APPROVER.person_id, role="finance_approver", up_to=eur("2500.00"), valid_from=TODAY, valid_until=LAST
)
GIVEN = AuthorityGiven(
    holder_id=APPROVER.person_id, role="finance_approver", up_to=eur("2500.00"), valid_from=TODAY, valid_until=LAST,
    given_by=CHIEF.person_id, given_at=NOON,
)  # fmt: skip
CHIEFS = GIVEN.model_copy(update={"holder_id": CHIEF.person_id, "role": "chief_of_mission", "given_by": MANAGER.person_id})
JUNE = (date(2023, 6, 1), date(2023, 6, 14))
NAME = NameDeputy(deputy_id="staff:deputy", valid_from=JUNE[0], valid_until=JUNE[1])
NAMED = DeputyNamed(
    deputy_id="staff:deputy", valid_from=JUNE[0], valid_until=JUNE[1], named_by=CHIEF.person_id, named_at=NOON
)
END = EndAuthority(reason="left_the_post")
ENDED = AuthorityEnded(reason="left_the_post", ended_by=CHIEF.person_id, ended_at=NOON)


def give(**changed: object) -> GiveAuthority:
    return GIVE.model_copy(update=changed)


def name(**changed: object) -> NameDeputy:
    return NAME.model_copy(update=changed)


def test_the_chief_of_mission_gives_finance_its_authority() -> None:
    AUTHORITIES.when(GIVE, CHIEF).then(GIVEN)


def test_an_authority_stands_as_it_was_given() -> None:
    assert AUTHORITY.fold((GIVEN,)) == Authority(
        holder_id=APPROVER.person_id, role="finance_approver", up_to=eur("2500.00").amount, currency="EUR", valid_from=TODAY,
        valid_until=LAST, given_by=CHIEF.person_id, given_at=NOON,
    )  # fmt: skip


def test_a_manager_gives_the_chief_of_mission_theirs() -> None:
    order = give(holder_id=CHIEF.person_id, role="chief_of_mission")
    AUTHORITIES.when(order, MANAGER).then(CHIEFS)


def test_neither_gives_what_is_the_others_to_give() -> None:
    AUTHORITIES.when(GIVE, MANAGER).refused("not_yours_to_give")
    AUTHORITIES.when(give(role="chief_of_mission"), CHIEF).refused("not_yours_to_give")


@pytest.mark.parametrize("role", ["finance_approver", "chief_of_mission"])
def test_nobody_gives_authority_to_themselves_whatever_roles_they_have(role: str) -> None:
    AUTHORITIES.when(give(holder_id=BOTH.person_id, role=role), BOTH).refused("four_eyes")
    AUTHORITIES.when(give(role=role), BOTH).then_kinds(AuthorityGiven)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"valid_until": TODAY - timedelta(days=1)}, "validity_reversed"),
        ({"valid_from": TODAY - timedelta(days=1)}, "backdated"),
        ({"up_to": Money(amount=eur("1").amount, currency="EUE")}, "not_a_currency"),
        ({"up_to": eur("2500.001")}, "finer_than_paid"),
    ],
)
def test_authority_counts_from_today_on_and_for_amounts_that_can_be_paid(changed: dict[str, object], code: str) -> None:
    AUTHORITIES.when(give(**changed), CHIEF).refused(code)


def test_authority_of_one_day_and_one_that_begins_later_can_be_given() -> None:
    AUTHORITIES.when(give(valid_until=TODAY), CHIEF).then_kinds(AuthorityGiven)
    AUTHORITIES.when(give(valid_from=LAST), CHIEF).then_kinds(AuthorityGiven)


def test_nobody_has_two_open_authorities_of_one_role_and_currency() -> None:
    AUTHORITIES.knowing(AuthorityFacts(taken=True, today=TODAY)).when(GIVE, CHIEF).refused("authority_open")


def test_what_was_given_under_an_id_is_not_given_again() -> None:
    AUTHORITIES.given(GIVEN).when(GIVE, CHIEF).refused("already_exists")


def test_a_deputy_is_named_by_whoever_gives_that_authority() -> None:
    AUTHORITIES.given(GIVEN).when(NAME, CHIEF).then(NAMED)
    AUTHORITIES.given(GIVEN).when(NAME, MANAGER).refused("not_yours_to_give")
    AUTHORITIES.given(CHIEFS).when(NAME, MANAGER).then_kinds(DeputyNamed)
    AUTHORITIES.given(CHIEFS).when(NAME, BOTH).then_kinds(DeputyNamed)


def test_whoever_holds_an_authority_does_not_name_who_stands_in_for_them() -> None:
    held = GIVEN.model_copy(update={"holder_id": BOTH.person_id})
    AUTHORITIES.given(held).when(NAME, BOTH).refused("four_eyes")
    AUTHORITIES.given(held).when(NAME, CHIEF).then_kinds(DeputyNamed)


def test_nobody_names_themselves_a_deputy() -> None:
    AUTHORITIES.given(GIVEN).when(name(deputy_id=CHIEF.person_id), CHIEF).refused("four_eyes")


def test_a_holder_is_nobodys_deputy_on_their_own_authority() -> None:
    AUTHORITIES.given(GIVEN).when(name(deputy_id=APPROVER.person_id), CHIEF).refused("deputy_of_oneself")


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (JUNE[1], JUNE[0], "validity_reversed"), (TODAY - timedelta(days=1), JUNE[1], "backdated"),
        (JUNE[0], LAST + timedelta(days=1), "outside_the_authority"),
    ],
)  # fmt: skip
def test_a_deputy_acts_on_days_of_the_authority_that_are_still_to_come(first: date, last: date, code: str) -> None:
    AUTHORITIES.given(GIVEN).when(name(valid_from=first, valid_until=last), CHIEF).refused(code)


def test_a_deputy_does_not_begin_before_the_authority() -> None:
    later = GIVEN.model_copy(update={"valid_from": JUNE[0]})
    AUTHORITIES.given(later).when(name(valid_from=JUNE[0] - timedelta(days=1)), CHIEF).refused("outside_the_authority")
    AUTHORITIES.given(later).when(name(valid_until=LAST), CHIEF).then_kinds(DeputyNamed)


def test_a_deputy_is_named_once_for_a_day_and_again_for_others() -> None:
    named = AUTHORITIES.given(GIVEN, NAMED)
    for first, last in ((JUNE[1], JUNE[1]), (JUNE[0], JUNE[0]), (TODAY, LAST)):
        named.when(name(valid_from=first, valid_until=last), CHIEF).refused("deputy_named_already")
    named.when(name(valid_from=JUNE[1] + timedelta(days=1), valid_until=LAST), CHIEF).then_kinds(DeputyNamed)
    named.when(name(valid_from=TODAY, valid_until=JUNE[0] - timedelta(days=1)), CHIEF).then_kinds(DeputyNamed)
    named.when(name(deputy_id="staff:other"), CHIEF).then_kinds(DeputyNamed)


@pytest.mark.parametrize("ending", [CHIEF, MANAGER, BOTH])
def test_either_who_gives_authority_ends_any_and_their_own_too(ending: object) -> None:
    own = CHIEFS.model_copy(update={"holder_id": BOTH.person_id})
    for past in (GIVEN, CHIEFS, own):
        AUTHORITIES.given(past).when(END, ending).then_kinds(AuthorityEnded)  # type: ignore[arg-type]


def test_what_was_ended_stays_so() -> None:
    ended = AUTHORITIES.given(GIVEN, NAMED, ENDED)
    ended.when(END, CHIEF).refused("authority_ended")
    ended.when(NAME, CHIEF).refused("authority_ended")
    ended.when(GIVE, CHIEF).refused("already_exists")


def test_an_authority_tells_its_limit_its_days_its_deputies_and_its_end() -> None:
    state = AUTHORITY.fold((GIVEN, NAMED, ENDED))
    assert state is not None
    assert (state.up_to, state.currency, state.valid_until) == (eur("2500.00").amount, "EUR", LAST)
    assert state.deputies == (Deputy("staff:deputy", *JUNE, CHIEF.person_id, NOON),)
    assert (state.ended_by, state.ended_at, state.end_reason) == (CHIEF.person_id, NOON, "left_the_post")


def test_who_may_not_name_a_deputy_reads_so_before_they_try() -> None:
    state = AUTHORITY.fold((GIVEN,))
    for reader, code in ((MANAGER, "not_yours_to_give"), (CHIEF, None)):
        refusal = AUTHORITY.refusal(state, NameDeputy, AuthorityFacts(), Context(reader, NOON))
        assert (None if refusal is None else refusal.code) == code


def test_an_event_of_another_aggregate_is_a_fault_of_ours() -> None:
    for state, event in ((None, CaseEndNoted()), (None, NAMED), (None, ENDED), (AUTHORITY.fold((GIVEN,)), GIVEN)):
        with pytest.raises(TypeError, match=f"^{type(event).__name__} does not fit an authority here$"):
            AUTHORITY.evolve(state, event)
