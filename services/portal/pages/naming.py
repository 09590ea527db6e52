"""How pages tell persons and records apart that have no names here, and what a page's address names besides its own id."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.portal import sign_in
from services.portal.fields import Option
from services.portal.pages.frame import Page, Turned
from services.portal.translation import _
from services.portal.wording import word
from shared.clock import real_time


def short(id: object) -> str:
    """The end of an id, by which people tell two apart."""
    # Nothing breaks between the dots and the id: U+2060 joins words.
    return f"…\u2060{str(id)[-6:]}"


def travellers(of: Sequence[Mapping[str, Any]]) -> tuple[Option, ...]:
    """The persons of a case to choose from; they have no names here."""
    return tuple(
        Option(str(person["person_id"]), f"{word(person['age_group'])}, {word(person['sex'])} · {short(person['person_id'])}")
        for person in of
    )


def registered(state: Mapping[str, Any], id: object) -> str:
    """A registered person in a few words."""
    return f"{word(state['sex'])}, {state['birth_year']}, {word(state['country_of_origin'])} · {short(id)}"


def named(page: Page, name: str) -> UUID | None:
    """The id that a page's address names besides its own; what is no id is no page."""
    found = all_named(page, name)
    return found[0] if found else None


def all_named(page: Page, name: str) -> list[UUID]:
    """Every id that a page's address names so, each once, in their order; what is no id is no page."""
    return ids_of(page, page.request.query_params.getlist(name))


def ids_of(page: Page, stated: Sequence[str]) -> list[UUID]:
    """These as ids, each once, in their order; what is no id is no page."""
    try:
        return list(dict.fromkeys(UUID(one) for one in stated[:30]))
    except ValueError:
        raise Turned(page.fault(404, "not_found", _("There is no such page."))) from None


def days_since(moment: str) -> int:
    """How many whole days lie between a moment (RFC 3339) and now."""
    return (real_time() - datetime.fromisoformat(moment)).days


def here(page: Page, at: datetime) -> datetime:
    """This moment by the mission's clocks."""
    return at.astimezone(ZoneInfo(sign_in.sessions_of(page.request).settings.mission_time_zone))
