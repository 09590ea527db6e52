"""Whether somebody counts as an adult or a child on a given day, when only the year of birth is known."""

from datetime import date

from shared.contracts.counselling import AgeGroup


def age_group(birth_year: int, on: date) -> AgeGroup:
    """Child up to and including the last day on which the person could still be taken for one.

    Minors are those under 18 on the day in question. A year alone leaves every day of it as a possible
    birthday, and the doubt protects: until 31 December of the eighteenth year after the year of birth the
    person counts as a child.
    """
    return "child" if on <= date(birth_year + 18, 12, 31) else "adult"
