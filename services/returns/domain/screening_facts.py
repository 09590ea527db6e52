"""How what screening found stands in an event that looks the same whatever it says, and how it is read back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final, cast
from uuid import UUID

from pydantic import TypeAdapter

from services.returns.domain.screening import (
    Alert,
    AlertCause,
    BestInterests,
    FamilyAssessment,
    Fear,
    Finding,
    PersonScreening,
    Trafficking,
    Voluntariness,
    Vulnerability,
)
from shared.contracts.returns import AlertOutcome, ScreeningRecorded
from shared.messages import Concealed

# Where what was found stands in the screening of a person.
_PARTS: Final[dict[type[Finding], str]] = {
    Voluntariness: "voluntariness",
    Fear: "fear",
    Vulnerability: "vulnerability",
    Trafficking: "trafficking",
    BestInterests: "best_interests",
    FamilyAssessment: "family_assessment",
}
_ADAPTERS: Final = {name: TypeAdapter[Finding](finding) for finding, name in _PARTS.items()}
_AN_ALERT_CLOSED: Final = "alert"
_A_DEPARTURE: Final = "departure"
_LEFT_UNCLEARED: Final[AlertCause] = "left_uncleared"
# Between the rules that called protection, where they stand beside the log.
_AND: Final = ","


def part_of(screening: PersonScreening, finding: Finding) -> Finding | None:
    """The finding of the same kind that is on record."""
    return cast("Finding | None", getattr(screening, _PARTS[type(finding)]))


def found(record_id: UUID, person_id: UUID, finding: Finding, alerts: tuple[AlertCause, ...]) -> ScreeningRecorded:
    """The fact that this was found out about a person, and that it calls protection for these reasons."""
    name = _PARTS[type(finding)]
    stated = _ADAPTERS[name].dump_json(finding).decode()
    return _recorded(record_id, person_id, name, stated, _AND.join(alerts), finding.at)


def left_uncleared(person_id: UUID, at: datetime, record_id: UUID | None = None) -> ScreeningRecorded:
    """The fact that protection is called for somebody who left without clearance at this moment.

    The alert's id is made of the one that the order named, which stands nowhere in the log, so that an alert that is closed
    later cannot be told from others by it.
    """
    return _recorded(_id_of_alert(person_id, at, record_id), person_id, _A_DEPARTURE, "", _LEFT_UNCLEARED, at)


def is_called_for(screening: PersonScreening) -> bool:
    """Whether protection is called already because this person left without clearance."""
    return any(_LEFT_UNCLEARED in alert.causes for alert in screening.alerts)


def not_left_uncleared(screening: PersonScreening) -> PersonScreening:
    """The screening of somebody who turns out not to have left: for that, protection is called no more."""
    return replace(screening, alerts=tuple(alert for alert in screening.alerts if alert.causes != (_LEFT_UNCLEARED,)))


def _id_of_alert(person_id: UUID, at: datetime, record_id: UUID | None) -> UUID:
    named = b"" if record_id is None else record_id.bytes
    chosen = int.from_bytes(sha256(b"".join((named, person_id.bytes, at.isoformat().encode()))).digest()[:10])
    moment = int(at.timestamp() * 1000) if record_id is None else record_id.int >> 80
    value = (moment << 80 | chosen) & ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)


def closed(alert_id: UUID, person_id: UUID, outcome: AlertOutcome, at: datetime) -> ScreeningRecorded:
    """The fact that protection closed an alert about a person, in the same words."""
    return _recorded(alert_id, person_id, _AN_ALERT_CLOSED, outcome, "", at)


def carried(screening: PersonScreening, into_id: UUID) -> Iterator[ScreeningRecorded]:
    """What was found about a person in another case, stated again in the one under this id, with the alerts that are open."""
    for name, adapter in _ADAPTERS.items():
        finding: Finding | None = getattr(screening, name)
        if finding is not None:
            stated = adapter.dump_json(finding).decode()
            record_id = _id_of_alert(into_id, finding.at, _id_of_part(screening.person_id, name, finding.at))
            yield _recorded(record_id, screening.person_id, name, stated, "", finding.at)
    for alert in screening.alerts:
        # An alert without a finding, as a departure is one.
        yield _recorded(
            alert.alert_id, screening.person_id, _A_DEPARTURE, "", _AND.join(alert.causes), alert.raised_at
        )


def _id_of_part(person_id: UUID, name: str, at: datetime) -> UUID:
    named = sha256(person_id.bytes + name.encode()).digest()[:10]
    return UUID(int=int(at.timestamp() * 1000) << 80 | int.from_bytes(named))


def _recorded(
    record_id: UUID, person_id: UUID, part: str, findings: str, alerts: str, at: datetime
) -> ScreeningRecorded:
    return ScreeningRecorded(
        record_id=record_id, person_id=person_id, part=Concealed.of(part), findings=Concealed.of(findings),
        alerts=Concealed.of(alerts), established_at=at,
    )  # fmt: skip


def with_recorded(screening: PersonScreening, event: ScreeningRecorded) -> PersonScreening:
    """The screening after one such fact; as it was once the person was erased, and with them what it says."""
    part, findings, alerts = event.part.value, event.findings.value, event.alerts.value
    if part is None or findings is None or alerts is None:
        return screening
    if part == _AN_ALERT_CLOSED:
        return replace(screening, alerts=tuple(one for one in screening.alerts if one.alert_id != event.record_id))
    known = screening
    if part != _A_DEPARTURE:
        known = replace(screening, **{part: _ADAPTERS[part].validate_json(findings)})  # type: ignore[arg-type]
    if not alerts:
        return known
    # What stands beside the log this module wrote itself.
    causes = cast("tuple[AlertCause, ...]", tuple(alerts.split(_AND)))
    return replace(known, alerts=(*known.alerts, Alert(event.record_id, event.established_at, causes)))
