"""Where it is kept how a person stays in the host country, sealed and apart from who the person is."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from services.counselling.domain.host_status import HostStatus, RecordHostStatus, status_of, text_of
from services.counselling.identities import kept_of
from shared.contracts.counselling import CorrectionReason
from shared.db import Sql, UnitOfWork, Write
from shared.handling import Handled
from shared.messages import Context
from shared.private import PersonKey, PersonKeys, Place, opened, seal
from shared.verify import ASKED, LOG_OF_ASKED, Check

_TABLE: Final = "host_statuses"

# The site is the person's, as that of an identity is.
_KEEP = Sql(
    "INSERT INTO host_statuses (person_id, version, number, site, recorded_by, recorded_at, said) "
    "SELECT id, cast(:version AS integer), host_status_number + 1, site, cast(:recorded_by AS text), "
    "cast(:recorded_at AS timestamptz), cast(:said AS bytea) FROM persons WHERE id = :person_id"
)
_VERSIONS = Sql(
    "SELECT version, number, recorded_by, recorded_at, said FROM host_statuses WHERE person_id = :person_id ORDER BY version"
)


class HostStatusVersion(BaseModel):
    """One status that was stated, by whom and when, and why in place of the former one."""

    number: int
    recorded_by: str
    recorded_at: datetime
    status: HostStatus
    reason: CorrectionReason | None


class HostStatusView(BaseModel):
    """How a person stays in the host country, None where nobody stated it, and all that was stated, oldest first."""

    person_id: UUID
    status: HostStatus | None
    versions: list[HostStatusVersion]


def kept(
    person_id: UUID, command: RecordHostStatus, context: Context
) -> Callable[[PersonKey, Handled], Sequence[Write]]:
    """The write that keeps a stated status, sealed, beside the event that says that there is one."""

    def writes(key: PersonKey, handled: Handled) -> Sequence[Write]:
        values = {
            "person_id": person_id, "version": handled.version, "recorded_by": context.actor.person_id,
            "recorded_at": context.now, "said": seal(key, _place(person_id, handled.version), text_of(command)),
        }  # fmt: skip
        return (Write(_KEEP, values),)

    return writes


async def found(unit: UnitOfWork, keys: PersonKeys, person_id: UUID) -> HostStatusView:
    """How a person stays here; `Unsealed` if anything of it does not stand where it was sealed, else as `kept_of`."""
    rows, key = await kept_of(unit, keys, person_id, _VERSIONS)
    versions: list[HostStatusVersion] = []
    for row in rows:
        assert key is not None
        said = status_of(opened(key, _place(person_id, row["version"]), bytes(row["said"])))
        versions.append(
            HostStatusVersion(
                number=row["number"], recorded_by=row["recorded_by"], recorded_at=row["recorded_at"], status=said.status,
                reason=said.reason,
            )
        )
    return HostStatusView(person_id=person_id, status=versions[-1].status if versions else None, versions=versions)


def told(key: PersonKey, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What one row states, for the person themselves; `Unsealed` if it does not stand where it was sealed."""
    place = _place(UUID(row["person_id"]), row["version"])
    return {"said": status_of(opened(key, place, bytes(row["said"]))).model_dump()}


def _place(person_id: UUID, version: int) -> Place:
    return Place("counselling", _TABLE, "said", person_id, person_id, version)


CHECKS: tuple[Check, ...] = (
    Check(
        "host statuses",
        Sql(
            "SELECT coalesce(h.person_id, e.subject) FROM (SELECT person_id, version, number, recorded_by, recorded_at "
            f"FROM host_statuses WHERE person_id = {ASKED}) h FULL JOIN "
            "(SELECT subject, aggver, actorid, time, cast(convert_from(leaf, 'UTF8') AS jsonb) -> 'data' AS data "
            f"FROM {LOG_OF_ASKED} e WHERE type = 'avrr.counselling.person.host_status_recorded.v1' "
            f"AND subject NOT IN (SELECT id FROM persons WHERE id = {ASKED} AND erased_at IS NOT NULL)) e ON e.subject = h.person_id "
            "AND e.aggver = h.version AND cast(e.data ->> 'number' AS integer) = h.number "
            "AND e.actorid = h.recorded_by AND e.time = h.recorded_at "
            "WHERE h.person_id IS NULL OR e.subject IS NULL"
        ),
        by_id=True,
    ),
    # One of nobody is found here, and not by the person.
    Check(
        "sites of host statuses",
        Sql(
            "SELECT h.person_id FROM host_statuses h LEFT JOIN persons p ON p.id = h.person_id AND p.site = h.site "
            "WHERE p.id IS NULL"
        ),
    ),
)
