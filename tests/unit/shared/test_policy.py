"""How far a policy lets an actor go, and the explicit lists that row security is handed."""

import pytest

from shared.actors import Role
from shared.countries import ALPHA_2
from shared.errors import NotPermitted
from shared.policy import ALL_SITES, EVERYWHERE, Policy, Reach, allow
from tests.given import staff

POLICY = Policy(
    allow("read", Role.COORDINATOR),
    allow("read", Role.RECEIVING_OFFICE, extent="own_countries"),
    allow("hear", Role.COUNSELLOR, extent="own_sites"),
    allow("hear", Role.COORDINATOR),
)


def test_the_widest_of_several_roles_holds() -> None:
    assert POLICY.reach(staff("a", "coordinator", "receiving_office", countries=("TR",)), "read") == EVERYWHERE
    assert POLICY.reach(staff("a", "receiving_office", countries=("TR",)), "read") == Reach(frozenset({"TR"}))


def test_a_role_that_gives_nothing_takes_nothing_away() -> None:
    mixed = staff("a", "receiving_office", "auditor", countries=("TR",))
    assert POLICY.reach(mixed, "read").countries == frozenset({"TR"})


def test_a_row_gives_nothing_beside_any_of_the_roles_that_it_names() -> None:
    policy = Policy(
        allow("read", Role.MEDICAL, unless={Role.RECEIVING_OFFICE, Role.CONSULAR_POST}),
        allow("read", Role.RECEIVING_OFFICE, extent="own_countries"),
    )
    assert policy.reach(staff("a", "medical"), "read") == policy.reach(staff("a", "medical", "manager"), "read") == EVERYWHERE
    assert policy.reach(staff("a", "medical", "receiving_office", countries=("TR",)), "read") == Reach(frozenset({"TR"}))
    with pytest.raises(NotPermitted):
        policy.reach(staff("a", "medical", "consular_post", countries=("TR",)), "read")


@pytest.mark.parametrize("roles", [(), ("auditor",), ("administrator",), ("counsellor",), ("no_such_role",)])
def test_what_is_not_in_the_table_is_refused(roles: tuple[str, ...]) -> None:
    with pytest.raises(NotPermitted):
        POLICY.reach(staff("a", *roles), "read")


def test_row_security_is_told_lists_and_never_a_wildcard() -> None:
    anna = staff("anna", "counsellor", countries=("BA",))
    everywhere = EVERYWHERE.scope(anna)
    assert (everywhere.countries, everywhere.sites, everywhere.log) == (ALPHA_2, ALL_SITES, False)
    limited = Reach(frozenset({"TR"}), frozenset()).scope(anna, log=True)
    assert (limited.countries, limited.sites, limited.log) == (frozenset({"TR"}), frozenset(), True)


def test_an_office_without_a_country_reaches_nothing() -> None:
    assert POLICY.reach(staff("a", "receiving_office"), "read").scope(staff("a")).countries == frozenset()


def test_an_operation_is_limited_by_country_or_by_site_and_not_by_both() -> None:
    with pytest.raises(ValueError, match="by country and by site"):
        Policy(
            allow("read", Role.COUNSELLOR, extent="own_sites"),
            allow("read", Role.RECEIVING_OFFICE, extent="own_countries"),
        )


def test_a_mark_on_an_operation_that_nobody_may_do_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nobody may do"):
        Policy(allow("read", Role.AUDITOR), step_up=("raed",))
