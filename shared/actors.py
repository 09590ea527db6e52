"""Who acts: a person with roles, an organisation and a scope, or a service reacting to a fact; pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

# The person id of a program that has credentials of its own begins like this; a program never signed in.
CLIENT: Final = "client:"


class Role(StrEnum):
    """The roles that a token may carry."""

    COUNSELLOR = "counsellor"
    COORDINATOR = "coordinator"
    PROTECTION = "protection"
    MEDICAL = "medical"
    OPERATIONS = "operations"
    RECEIVING_OFFICE = "receiving_office"
    CONSULAR_POST = "consular_post"
    FINANCE_APPROVER = "finance_approver"
    FINANCE_PAYER = "finance_payer"
    FINANCE_RECONCILER = "finance_reconciler"
    # Pays from the account or the cash box of the office in a country of origin, for grants of its countries.
    OFFICE_PAYER = "office_payer"
    CHIEF_OF_MISSION = "chief_of_mission"
    MANAGER = "manager"
    AUDITOR = "auditor"
    DATA_PROTECTION = "data_protection"
    ADMINISTRATOR = "administrator"
    # One of our own services that asks another by HTTP; never a person, so it has no persona and cannot step up.
    SERVICE = "service"
    # The program that keeps count of how long persons are kept; it learns nothing that our services ask of each other.
    RETENTION = "retention"
    # The program that compares what it archived with the services' own logs; it may read these and nothing else.
    ARCHIVE = "archive"


# The roles that no person has.
PROGRAMS: Final = frozenset({Role.SERVICE, Role.RETENTION, Role.ARCHIVE})

# The roles of whoever works abroad: what else they are, they are there, and not in the mission.
ABROAD: Final = frozenset({Role.RECEIVING_OFFICE, Role.OFFICE_PAYER, Role.CONSULAR_POST})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who orders a command, as a verified token or a reaction states it."""

    person_id: str
    roles: frozenset[str]
    organisation: str
    countries: frozenset[str]
    sites: frozenset[str]
    acr: str
    auth_time: datetime | None

    @classmethod
    def service(cls, name: str) -> Self:
        """The actor of a reaction inside one service."""
        return cls(f"service:{name}", frozenset({"service"}), "avrr", frozenset(), frozenset(), "", None)
