"""What an auditor selects of the logs, and how the pages that the services answer become one, newest first."""

import heapq
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from services.portal import sign_in
from services.portal.client import Service
from services.portal.pages.frame import Page
from shared.contracts import BY_SERVICE, OF_EVERY_SERVICE

SERVICES: Final[tuple[Service, ...]] = ("counselling", "returns", "reintegration")
# Every kind of event that stands in each archived log, in the order in which its contract tells of them.
ARCHIVED_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    service: tuple(kind.kind_in(service) for kind in (*events, *OF_EVERY_SERVICE)) for service, events in BY_SERVICE.items()
}
# The same of the logs that their services are asked for.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {service: ARCHIVED_KINDS[service] for service in SERVICES}

_BEGINNING: Final = ""
_END: Final = "x"
_PLACE: Final = re.compile(r"[0-9]+-[0-9]+|x|", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Selection:
    """The filters as somebody typed them; each may be empty. Days are the mission's, the last one included."""

    service: str = ""
    kind: str = ""
    id: str = ""
    actor: str = ""
    first: str = ""
    last: str = ""

    def fault(self) -> str | None:
        """The filter that cannot be read, if one cannot."""
        if self.service not in ("", *SERVICES):
            return "service"
        if self.kind and not any(self.kind in kinds for kinds in KINDS.values()):
            return "kind"
        try:
            if self.id:
                UUID(self.id)
        except ValueError:
            return "id"
        if any(text and day_of(text) is None for text in (self.first, self.last)):
            return "day"
        return None

    def services(self) -> tuple[Service, ...]:
        """The services that can have such events."""
        return tuple(
            service for service in SERVICES
            if self.service in ("", service) and (not self.kind or self.kind in KINDS[service])
        )  # fmt: skip

    def query(self, page: Page) -> dict[str, str]:
        """The same as a service is asked for it."""
        found = {"kind": self.kind, "about": self.id, "actor": self.actor, **moments_of(page, self.first, self.last)}
        return {name: value for name, value in found.items() if value}

    def address_of(self) -> dict[str, str]:
        """The filters as they stand in the address of a page."""
        found = {
            "service": self.service, "kind": self.kind, "id": self.id, "actor": self.actor, "from": self.first, "to": self.last,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}

    def address(self) -> str:
        """The same, ready to be followed by another name."""
        found = urlencode(self.address_of())
        return f"{found}&" if found else ""

    def of_the_archive(self) -> str:
        """Where the archive shows the same."""
        names = {"service": "log", "id": "about"}
        found = urlencode({names.get(name, name): value for name, value in self.address_of().items()})
        return f"/archive?{found}" if found else "/archive"


def places_of(after: str | None) -> dict[Service, str | None]:
    """How far a list has gone on in each service: behind which place, "" at the beginning, None at the end.

    What cannot be read is the beginning.
    """
    stated = (after or "").split("_")
    if len(stated) != len(SERVICES) or not all(_PLACE.fullmatch(place) for place in stated):
        stated = [_BEGINNING] * len(SERVICES)
    return {service: None if place == _END else place for service, place in zip(SERVICES, stated, strict=True)}


def merged(
    bodies: Mapping[Service, Mapping[str, Any]], places: Mapping[Service, str | None], how_many: int
) -> dict[str, Any]:
    """The newest of what several services answered, each row with its service, and where the list goes on in each."""
    lists = [[{**row, "service": service} for row in body["items"]] for service, body in bodies.items()]
    newest = heapq.merge(*lists, key=lambda row: datetime.fromisoformat(row["recorded_at"]), reverse=True)
    items = list(islice(newest, how_many))
    places = dict(places)
    for service, body in bodies.items():
        shown = [row for row in items if row["service"] == service]
        if shown:
            places[service] = shown[-1]["place"]
        if len(shown) == len(body["items"]) and body["next"] is None:
            places[service] = None
    more = any(places[service] is not None for service in bodies)
    return {"items": items, "next": _text_of({**dict.fromkeys(SERVICES), **_only(places, bodies)}) if more else None}


def _only(
    places: Mapping[Service, str | None], bodies: Mapping[Service, Mapping[str, Any]]
) -> dict[Service, str | None]:
    return {service: place for service, place in places.items() if service in bodies}


def _text_of(places: Mapping[Service, str | None]) -> str:
    return "_".join(_END if (place := places[service]) is None else place for service in SERVICES)


def day_of(text: str) -> date | None:
    """The day that somebody typed; None where it is none, or far from any that a log could know."""
    if not _DAY.fullmatch(text):
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2099 else None


def moments_of(page: Page, first: str, last: str) -> dict[str, str]:
    """From when and until when the mission's days from the first to the last lie, as a service is asked; either may be empty."""
    zone = ZoneInfo(sign_in.sessions_of(page.request).settings.mission_time_zone)
    begins, ends = day_of(first), day_of(last)
    return {
        "since": _begins(begins, zone) if begins else "",
        "until": _begins(ends + timedelta(days=1), zone) if ends else "",
    }  # fmt: skip


def _begins(day: date, zone: ZoneInfo) -> str:
    return datetime.combine(day, time(), zone).astimezone(ZoneInfo("UTC")).isoformat().replace("+00:00", "Z")
