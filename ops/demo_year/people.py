"""Invented people: households with sex, age and country, and nothing by which anybody could be named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Literal
from uuid import UUID

from ops.demo_year.quotas import FAMILIES_OF_OTHERS, LANGUAGES, OTHERS, RETURNED, WOMEN_ALONE, YEAR, Outcome
from ops.identity.personas import PERSONAS
from shared.actors import Role
from shared.contracts.counselling import Relation, Sex, Site

CENTRES: tuple[Site, ...] = ("trc_usivak", "trc_blazuj", "trc_lipa", "trc_borici")
# Which of the counsellors work at a centre: who somebody is, is recorded where they are registered.
COUNSELLORS: Mapping[Site, tuple[str, ...]] = {
    centre: tuple(sorted({one.name for one in PERSONAS.values() if one.role is Role.COUNSELLOR and centre in one.sites}))
    for centre in CENTRES
}

# A year of birth alone makes somebody a child to the end of the eighteenth year after it.
YOUNGEST_ADULT = YEAR - 19
Kind = Literal["father", "mother", "son", "daughter", "man", "woman", "boy"]


@dataclass(frozen=True, slots=True)
class Member:
    """One invented person."""

    person_id: UUID
    sex: Sex
    birth_year: int
    relation: Relation

    @property
    def adult(self) -> bool:
        """Whether the person is an adult throughout the year."""
        return self.birth_year <= YOUNGEST_ADULT


@dataclass(frozen=True, slots=True)
class Household:
    """Persons who go together, or one who goes alone; ``guardian`` stands up for a child on its own and stays here."""

    members: tuple[Member, ...]
    country: str
    language: str
    site: Site
    counsellor: str
    outcome: Outcome
    guardian: Member | None = None

    @property
    def principal(self) -> Member:
        """The adult who speaks for them, or the child who goes alone."""
        return self.members[0]

    @property
    def everybody(self) -> tuple[Member, ...]:
        """All who are known to the mission: those who go, and a guardian who does not."""
        return self.members if self.guardian is None else (*self.members, self.guardian)

    def speaker_for(self, member: Member) -> UUID:
        """Who signs and answers for a member: an adult in person, for a child its guardian or the principal."""
        if member.adult:
            return member.person_id
        return (self.guardian or self.principal).person_id

    @property
    def adults(self) -> tuple[Member, ...]:
        """The adults among them."""
        return tuple(member for member in self.members if member.adult)

    @property
    def person_ids(self) -> tuple[UUID, ...]:
        """Everybody's id."""
        return tuple(member.person_id for member in self.members)


class Dice:
    """Everything that chance decides in the year, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 -- invented people, not secrets

    def id(self, day: int) -> UUID:
        """A UUIDv7 of that day of the year (0: 1 January)."""
        stamp = int(moment(day, 7).timestamp() * 1000) + self.random.randrange(3_600_000)
        value = (stamp & 0xFFFF_FFFF_FFFF) << 80 | self.random.getrandbits(80)
        value &= ~(0xF << 76) & ~(0x3 << 62)
        return UUID(int=value | 0x7 << 76 | 0x2 << 62)

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self.random.randint(low, high)


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of a day of the year, in UTC."""
    return datetime.combine(date(YEAR, 1, 1), time(0), UTC) + timedelta(days=day, hours=hour, minutes=minute)


def day_of(day: int) -> date:
    """The date of a day of the year."""
    return date(YEAR, 1, 1) + timedelta(days=day)


def households(dice: Dice) -> list[Household]:
    """Everybody who expresses an intention in the year: those who return, and the others."""
    return [*_returning(dice), *_others(dice)]


def _returning(dice: Dice) -> list[Household]:
    families: tuple[tuple[str, tuple[Kind, ...]], ...] = (
        ("TR", ("father", "mother", "daughter", "son")),
        ("MA", ("mother", "daughter")),
        ("PK", ("boy",)),
    )
    found = [household(dice, country, kinds, "returned") for country, kinds in families]
    alone = dict(RETURNED)
    for country, kinds in families:
        alone[country] -= len(kinds)
    countries = [country for country, count in alone.items() for _ in range(count)]
    dice.random.shuffle(countries)
    for number, country in enumerate(countries):
        kind: Kind = "woman" if number < WOMEN_ALONE else "man"
        found.append(household(dice, country, (kind,), "returned"))
    return found


def _others(dice: Dice) -> list[Household]:
    countries = sorted(LANGUAGES)
    found: list[Household] = []
    for outcome, persons in OTHERS.items():
        left = persons
        for _ in range(FAMILIES_OF_OTHERS.get(outcome, 0)):
            kinds: tuple[Kind, ...] = ("father", "mother", "son", "daughter")
            found.append(household(dice, dice.random.choice(countries), kinds, outcome))
            left -= len(kinds)
        for _ in range(left):
            single: Kind = "woman" if dice.random.random() < 0.12 else "man"
            found.append(household(dice, dice.random.choice(countries), (single,), outcome))
    return found


def household(dice: Dice, country: str, kinds: tuple[Kind, ...], outcome: Outcome, year: int = YEAR) -> Household:
    """An invented household from a country, the principal first; its children are children in this year."""
    families_live_apart: Site = "trc_borici" if len(kinds) > 1 else dice.random.choice(CENTRES)
    guarded = "boy" in kinds
    return Household(
        members=tuple(_member(dice, kind, place, year) for place, kind in enumerate(kinds)),
        country=country,
        language=LANGUAGES[country],
        site=families_live_apart,
        counsellor=dice.random.choice(COUNSELLORS[families_live_apart]),
        outcome=outcome,
        # A relative who stays in this country was made the guardian of whoever came without parents.
        guardian=_member(dice, "man", 0, year) if guarded else None,
    )


def _member(dice: Dice, kind: Kind, place: int, year: int) -> Member:
    child = kind in ("son", "daughter")
    sex: Sex = "female" if kind in ("mother", "daughter", "woman") else "male"
    birth_year = dice.between(year - 14, year - 3) if child else dice.between(YEAR - 52, YOUNGEST_ADULT)
    relation: Relation = "principal" if place == 0 else "child" if child else "spouse"
    if kind == "boy":
        birth_year, relation = year - 16, "other_dependant"
    return Member(dice.id(0), sex, birth_year, relation)
