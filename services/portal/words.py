"""How pages are written: one Jinja environment, gettext for the portal's own words, codes and amounts for people."""

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

from services.portal.translation import _, counted, translated
from services.portal.wording import FAULTS, currencies, event, label, language, log_name, word
from shared.currencies import minor_units
from shared.ids import uuid7

HERE: Final = Path(__file__).parent
# A right-to-left preview of the English pages, for looking at them; no language of people.
PSEUDO_RTL: Final = "ar-XB"


def money(amount: Mapping[str, str] | str, currency: str = "") -> str:
    """An amount as it is written, with the decimals of its currency or with all that it has: ``1,250.00 EUR``."""
    if not isinstance(amount, str):
        return money(amount["amount"], amount["currency"])
    whole, _point, part = amount.partition(".")
    kept = part.rstrip("0").ljust(minor_units(currency), "0")
    return f"{int(whole or 0):,}{'.' if kept else ''}{kept} {currency}".strip()


def thousandths(amount: Mapping[str, str]) -> str:
    """Of an amount in a currency that is counted in thousandths how many whole there are and how many of these; else nothing."""
    if minor_units(amount["currency"]) != len("000"):
        return ""
    whole, _point, part = amount["amount"].partition(".")
    shown = translated(_("%(whole)s whole and %(part)s thousandths"), whole=f"{int(whole):,}", part=int(part[:3].ljust(3, "0")))
    return f" ({shown})"


def apart(text: str | None) -> Markup:
    """A text that keeps its own direction, whatever stands around it: digits would change places with words."""
    return Markup("<bdi>{}</bdi>").format(text)


def size(count: int) -> str:
    """A length in bytes as it is written: ``340 B``, ``12 KB``, ``1.2 MB``."""
    if count < 1024:
        return f"{count}\N{NO-BREAK SPACE}B"
    kilobytes = count / 1024
    return f"{kilobytes:.0f}\N{NO-BREAK SPACE}KB" if kilobytes < 1024 else f"{kilobytes / 1024:.1f}\N{NO-BREAK SPACE}MB"


def _size(count: int) -> str:
    return apart(size(count))


def _amount(amount: Mapping[str, str] | str, currency: str = "") -> str:
    return apart(money(amount, currency))


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    found.install_gettext_callables(translated, counted, newstyle=True)  # type: ignore[attr-defined]
    found.filters |= {"translated": translated, "word": word, "log_name": log_name, "label": label, "money": _amount, "event": event, "language": language}
    found.filters |= {"size": _size, "thousandths": thousandths}
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

    def who_is(id: str | None) -> Markup:
        name = request.app.state.staff.told(id, reader.roles if reader is not None else ())
        return apart(id) if name is None else Markup('{} <span class="note">{}</span>').format(apart(name), apart(id))

    rtl = PSEUDO_RTL in request.headers.get("accept-language", "")
    found = _environment().get_template(template)
    return HTMLResponse(
        found.render(
            **{
                "request": request, "direction": "rtl" if rtl else "ltr", "asset": request.app.state.static.url,
                "moment": moment, "day": day, "who_is": who_is, "has": has, "new_id": uuid7, "faults_in_words": FAULTS, "currencies": currencies, "session": None, "flash": None, **context,
            }
        ),
        status,
    )
