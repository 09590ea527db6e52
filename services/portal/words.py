"""How pages are written: one Jinja environment, gettext for the portal's own words, codes and amounts for people."""

import gettext
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from shared.ids import uuid7

HERE: Final = Path(__file__).parent
# A right-to-left preview of the English pages, for looking at them; no language of people.
PSEUDO_RTL: Final = "ar-XB"

# Codes of the services in words for people; what is not listed reads well enough with blanks for underscores.
WORDS: Final[Mapping[str, str]] = {
    "TR": "Türkiye", "MA": "Morocco", "PK": "Pakistan", "DZ": "Algeria", "IN": "India", "TN": "Tunisia",
    "trc_usivak": "Ušivak", "trc_blazuj": "Blažuj", "trc_lipa": "Lipa", "trc_borici": "Borići",
    "iom_office": "IOM office", "four_eyes": "another person must do this", "not_permitted": "not your part",
    "in_kind_vendor": "in kind, by a vendor", "in_kind_goods": "in kind, goods", "cash_instalment": "cash instalment",
    "yes": "Yes", "no": "No", "laissez_passer": "laissez-passer", "trc": "reception centre",
    "cleared_to_board": "cleared to board", "not_coming": "not coming",
}  # fmt: skip

FAULTS: Final[Mapping[str, str]] = {
    "missing": "Answer this.",
    "unreadable": "This cannot be read. Look at the example.",
    "not_offered": "Choose one of what is offered.",
    "out_of_range": "This number is too small or too large.",
}


def word(code: object) -> str:
    """A code as people read it."""
    text = str(code)
    return WORDS.get(text, text.replace("_", " "))


def label(key: str) -> str:
    """The name of a field as people read it, with its first letter large."""
    text = LABELS.get(key, key.replace("_", " "))
    return text[:1].upper() + text[1:]


LABELS: Final[Mapping[str, str]] = {
    "held_at": "when it was held", "scheduled_for": "when it will be held", "person_id": "person",
    "person_ids": "persons", "given_at": "when it was given", "screened_at": "when the screening was held",
    "signed_at": "when it was signed", "signed_by": "signed by", "departs_at": "departure", "arrives_at": "arrival",
    "departed_at": "when they departed", "arrived_at": "when the person arrived", "confirmed_at": "when it was confirmed",
    "tried_at": "when it was tried", "fund_id": "fund", "plan_line_id": "line of the plan", "money": "amount",
    "number": "number of the tranche", "text_version": "version of the text", "known_by": "how it is known",
    "country_of_origin": "country of origin (two letters)", "destination_country": "destination (two letters)",
    "receiving_country": "receiving country (two letters)", "recipient_country": "country of the office (two letters)",
    "language": "language (three letters)", "principal_id": "principal", "paid_on": "day of payment",
    "planned": "planned amount", "line_id": "line",
}  # fmt: skip


def money(amount: Mapping[str, str] | str, currency: str = "") -> str:
    """An amount as it is written: ``1,250.00 EUR``."""
    if not isinstance(amount, str):
        return money(amount["amount"], amount["currency"])
    whole, _, part = amount.partition(".")
    return f"{int(whole or 0):,}.{(part + '00')[: max(2, len(part.rstrip('0')))]} {currency}".strip()


def apart(text: str) -> Markup:
    """A text that keeps its own direction, whatever stands around it: digits would change places with words."""
    return Markup("<bdi>{}</bdi>").format(text)


def _amount(amount: Mapping[str, str] | str, currency: str = "") -> str:
    return apart(money(amount, currency))


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    translations = gettext.NullTranslations()
    found.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    found.filters |= {"word": word, "label": label, "money": _amount}
    return found


def render(request: Request, template: str, status: int = 200, /, **context: Any) -> HTMLResponse:
    """One page in the reader's direction and the mission's time."""
    zone = ZoneInfo(request.app.state.sessions.settings.mission_time_zone)

    def moment(value: str | datetime | None) -> str:
        if value is None:
            return "–"
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        return apart(f"{at.astimezone(zone):%-d %b %Y, %H:%M}")

    def day(value: str | date | None) -> str:
        if value is None:
            return "–"
        at = date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return apart(f"{at:%-d %b %Y}")

    reader = context.get("session")

    def has(*roles: str) -> bool:
        return reader is not None and bool(reader.roles & set(roles))

    rtl = PSEUDO_RTL in request.headers.get("accept-language", "")
    found = _environment().get_template(template)
    return HTMLResponse(
        found.render(
            **{
                "request": request, "direction": "rtl" if rtl else "ltr", "asset": request.app.state.static.url,
                "moment": moment, "day": day, "has": has, "new_id": uuid7, "faults_in_words": FAULTS, "session": None, "flash": None, **context,
            }
        ),
        status,
    )
