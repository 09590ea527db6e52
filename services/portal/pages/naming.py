"""How pages name the persons whom their reader counsels, tell all others apart, and what a page's address names besides."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.portal import sign_in
from services.portal.fields import Option
from services.portal.pages.frame import Page, Turned
from services.portal.translation import _
from services.portal.wording import word
from shared.clock import real_time

Names = Mapping[str, str]

# As many as counselling names at a time; no list on a page holds more.
MOST_NAMES: Final = 100


def short(id: object) -> str:
    """The end of an id, by which people tell two apart."""
    # Nothing breaks between the dots and the id: U+2060 joins words.
    return f"…\u2060{str(id)[-6:]}"


async def names_of(page: Page, person_ids: Iterable[object]) -> Names:
    """How those of these persons are called whom the reader counsels, by their ids; by one question, which is on record.

    Nobody is named where counselling does not answer: pages are good enough without.
    """
    asked = list(dict.fromkeys(str(id) for id in person_ids))[:MOST_NAMES]
    if not asked or not page.has("counsellor"):
        return {}
    found = await page.try_asking("counselling", "/v1/names", person_id=asked)
    return {row["person_id"]: _called(row) for row in found["items"]} if found else {}


def _called(row: Mapping[str, Any]) -> str:
    """A name as it is read in a list: in Latin letters, or in the own script while only that is known."""
    latin, own = ((row[f"given_names{script}"], row[f"family_name{script}"]) for script in ("", "_own_script"))
    return " ".join(filter(None, latin if any(latin) else own))


def apart(name: str) -> str:
    """A name that keeps its own direction, for where no element can say so (U+2068 to U+2069)."""
    return f"\u2068{name}\u2069"


def travellers(of: Sequence[Mapping[str, Any]], names: Names) -> tuple[Option, ...]:
    """The persons of a case to choose from, named as far as the reader may name them."""
    return tuple(
        option(names, person["person_id"], f"{word(person['age_group'])}, {word(person['sex'])} · {short(person['person_id'])}")
        for person in of
    )


def option(names: Names, id: object, otherwise: str) -> Option:
    """A person to choose: the name before what tells them apart anyhow."""
    name = names.get(str(id))
    return Option(str(id), f"{apart(name)} · {otherwise}" if name else otherwise)


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
