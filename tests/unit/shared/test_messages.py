"""Commands, events, concealed values and money: what can be said, and what can never be written down."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.actors import Role
from shared.clock import Clock
from shared.contracts.counselling import PersonRegistered
from shared.errors import NotPermitted, RuleViolation
from shared.ids import uuid7
from shared.ledger import Disclosure, conceal, enclose, reveal
from shared.messages import Concealed, Context, Envelope, Event, Origin, Part
from shared.money import Amount, Money
from shared.policy import Policy, allow
from shared.tlog.tree import leaf_hash
from tests.given import NOON, staff

AMOUNTS = st.decimals(min_value=Decimal(0), max_value=Decimal(99999999999999), places=4)


class Inner(Part):
    secret: Concealed


class Told(Event, kind="avrr.test.thing.told.v1"):
    open: str
    secret: Concealed
    inner: tuple[Inner, ...]


def told(*values: str) -> Told:
    return Told(
        open="open", secret=Concealed.of(values[0]), inner=tuple(Inner(secret=Concealed.of(v)) for v in values)
    )


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_what_was_concealed_can_be_revealed_and_nothing_else(values: list[str]) -> None:
    salted, disclosures = conceal(told(*values))
    leaf = Told.model_validate(json.loads(salted.model_dump_json()))
    assert reveal(leaf, {item.path: item for item in disclosures}) == told(*values)


def test_a_concealed_value_does_not_stand_in_a_leaf_and_two_salts_hide_that_values_are_equal() -> None:
    salted, disclosures = conceal(told("medical", "medical"))
    written = salted.model_dump_json()
    assert "medical" not in written
    assert len({item.salt for item in disclosures}) == len(disclosures)
    data = json.loads(written)
    assert data["secret"] != data["inner"][0]["secret"]


def test_a_value_that_was_not_meant_is_not_accepted() -> None:
    salted, disclosures = conceal(told("medical"))
    leaf = Told.model_validate(json.loads(salted.model_dump_json()))
    other = {item.path: Disclosure(item.path, item.salt, "business") for item in disclosures}
    with pytest.raises(ValueError, match="does not match its digest"):
        reveal(leaf, other)


def test_a_concealed_value_cannot_be_written_before_it_was_salted() -> None:
    with pytest.raises(Exception, match="must be salted"):
        told("medical").model_dump_json()


def test_a_leaf_is_canonical_json_and_says_who_did_it_under_which_role() -> None:
    event = PersonRegistered(sex="male", country_of_origin="TR", birth_year=Concealed.of("1990"), site="trc_lipa")
    salted, _ = conceal(event)
    envelope, leaf = enclose(
        "counselling", uuid7(), uuid7(), 1, salted, Context(staff("anna", "counsellor"), NOON), Origin("correlation")
    )
    assert leaf == json.dumps(json.loads(leaf), separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    read = Envelope.model_validate_json(leaf)
    assert (read.actorid, read.actorrole, read.type) == ("staff:anna", "counsellor", event.kind)
    assert read.id == envelope.id
    # An id may have these digits.
    assert "1990" not in json.dumps(json.loads(leaf)["data"])
    assert len(leaf_hash(leaf)) == 32


@given(AMOUNTS)
def test_money_travels_as_a_string_and_comes_back_equal(amount: Decimal) -> None:
    money = Money(amount=amount, currency="EUR")
    written = money.model_dump_json()
    assert isinstance(json.loads(written)["amount"], str)
    assert Money.model_validate_json(written) == money


@pytest.mark.parametrize("amount", ["1e5", "NaN", "Infinity", "1.00001", "123456789012345", "", "1,5", "0x10"])
def test_an_amount_that_could_be_misread_is_refused(amount: str) -> None:
    # An exponent is how a thousand becomes a hundred thousand.
    if amount == "1e5":
        assert TypeAdapter(Amount).dump_python(Decimal(amount), mode="json") == "100000"
        return
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "EUR"})


@pytest.mark.parametrize("amount", [12.5, 12, True])
def test_an_amount_as_a_number_is_refused(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "EUR"})


def test_two_currencies_cannot_be_added() -> None:
    with pytest.raises(ValueError, match="two currencies"):
        Money(amount=Decimal(1), currency="EUR") + Money(amount=Decimal(1), currency="BAM")


def test_ids_are_version_seven_and_sort_by_time() -> None:
    ids = [uuid7(at_ms) for at_ms in (1, 2, 1_700_000_000_000)]
    assert ids == sorted(ids)
    assert all(id.version == 7 and id.variant == "specified in RFC 4122" for id in ids)


def test_a_stated_time_counts_only_while_a_year_is_replayed() -> None:
    present = datetime(2026, 1, 1, tzinfo=UTC)
    stated = "2023-05-02T14:00:00+02:00"
    assert Clock("replay", lambda: present).for_request(stated) == NOON
    assert Clock("replay", lambda: present).for_request(None) == present
    with pytest.raises(RuleViolation, match="clock_not_replaying"):
        Clock("real", lambda: present).for_request(stated)
    with pytest.raises(RuleViolation, match="time_unreadable"):
        Clock("replay").for_request("2023-05-02T14:00:00")
    assert Clock("real", lambda: present).for_reaction(NOON) == present
    assert Clock("replay", lambda: present).for_reaction(NOON) == NOON


def test_what_the_policy_does_not_name_is_refused() -> None:
    policy = Policy(
        allow("approve", Role.FINANCE_APPROVER), allow("arrive", Role.RECEIVING_OFFICE, extent="own_countries")
    )
    assert policy.reach(staff("f", "finance_approver"), "approve").countries is None
    assert policy.reach(staff("r", "receiving_office", countries=("TR",)), "arrive").countries == frozenset({"TR"})
    for actor, operation in ((staff("r", "receiving_office"), "approve"), (staff("n"), "arrive"), (staff("f", "finance_approver"), "x")):
        with pytest.raises(NotPermitted):
            policy.reach(actor, operation)


def test_a_policy_that_names_a_cell_twice_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="twice"):
        Policy(allow("approve", Role.AUDITOR), allow("approve", Role.AUDITOR, extent="own_countries"))
