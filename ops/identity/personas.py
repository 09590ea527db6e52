"""The invented staff of the mission and its partners, as data: whom a development token can name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from shared.actors import PROGRAMS, Role
from shared.countries import is_country

MISSION: Final = "iom_ba"
MISSION_COUNTRY: Final = "BA"
SITES: Final = ("trc_usivak", "trc_blazuj", "trc_lipa", "trc_borici", "outreach")
COUNSELLORS: Final = 12

# How the name of a second person ends.
SECOND: Final = "-2"

ACR_PLAIN: Final = "pwd"
ACR_PHISHING_RESISTANT: Final = "phr"


@dataclass(frozen=True, slots=True)
class Persona:
    """One invented member of staff with a role, a second one for who stands in for somebody, and an explicit scope."""

    name: str
    role: Role
    organisation: str
    countries: tuple[str, ...]
    sites: tuple[str, ...]
    acr: str
    also: Role | None = None

    @property
    def subject(self) -> str:
        """The person id of this persona, the same in every token."""
        return f"staff:{self.name}"


class UnknownPersona(LookupError):
    """No persona bears this name."""


def persona(name: str) -> Persona:
    """The persona of this name, e.g. `finance-approver` or `receiving-office-tn`; UnknownPersona if none is.

    `counsellor` is `counsellor-1`. Staff of a country of origin exist for every ISO 3166-1 alpha-2 code, two of each kind:
    `receiving-office-tn` and `receiving-office-tn-2`.
    """
    mission = PERSONAS.get(name)
    if mission is not None:
        return mission
    for role, organisation in ABROAD.items():
        country = name.removeprefix(f"{dashed(role)}-").removesuffix(SECOND)
        if name.startswith(f"{dashed(role)}-") and country == country.lower() and is_country(country.upper()):
            return Persona(name, role, f"{organisation}_{country}", (country.upper(),), (), acr_of(role))
    raise UnknownPersona


def dashed(role: Role) -> str:
    """How a role stands in the names of its personas."""
    return role.value.replace("_", "-")


def acr_of(role: Role) -> str:
    """How strongly whoever has this role signs in each time."""
    return ACR_PHISHING_RESISTANT if role in _STEPS_UP else ACR_PLAIN


def _mission_staff(name: str, role: Role, sites: tuple[str, ...] = SITES) -> Persona:
    return Persona(name, role, MISSION, (MISSION_COUNTRY,), sites, acr_of(role))


def _all_mission_staff() -> Iterator[Persona]:
    for number in range(COUNSELLORS):
        yield _mission_staff(f"counsellor-{number + 1}", Role.COUNSELLOR, (SITES[number % len(SITES)],))
    for role in Role:
        if role is Role.ADMINISTRATOR:
            # Who runs the system sees no case.
            yield _mission_staff(dashed(role), role, sites=())
        elif role not in {Role.COUNSELLOR, *PROGRAMS} and role not in ABROAD:
            yield _mission_staff(dashed(role), role)
    # The second person of those acts that need two of one role.
    for role in (Role.COORDINATOR, Role.FINANCE_APPROVER, Role.FINANCE_PAYER, Role.FINANCE_RECONCILER):
        yield _mission_staff(f"{dashed(role)}-2", role)
    # In a small mission one person stands in for two; four eyes have to hold on each grant all the same. She signs in
    # without her key, which is asked for when she decides on money.
    yield replace(_mission_staff("deputy", Role.COORDINATOR), acr=ACR_PLAIN, also=Role.FINANCE_APPROVER)


ABROAD: Final[Mapping[Role, str]] = MappingProxyType(
    {Role.RECEIVING_OFFICE: "iom", Role.OFFICE_PAYER: "iom", Role.CONSULAR_POST: "consular_post"}
)
# Whose acts move money or stand for the mission, and who takes data out of it (the auditor's and the data protection
# officer's exports) or brings what payments are held against (the administrator): they sign in with a phishing-resistant key every time. A manager gives the chief of mission's authority.
_STEPS_UP: Final = frozenset(
    {
        Role.COORDINATOR,
        Role.CHIEF_OF_MISSION,
        Role.MANAGER,
        Role.FINANCE_APPROVER,
        Role.FINANCE_PAYER,
        Role.FINANCE_RECONCILER,
        Role.OFFICE_PAYER,
        Role.AUDITOR,
        Role.DATA_PROTECTION,
        Role.ADMINISTRATOR,
    }
)
_BY_NAME: Final = {member.name: member for member in _all_mission_staff()}
PERSONAS: Final[Mapping[str, Persona]] = MappingProxyType(
    {**_BY_NAME, "counsellor": _BY_NAME["counsellor-1"]}
)
