"""From the JSON Schema of a command to the fields of a page, and from what was typed back to the command's body."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from services.portal.numbers import in_two_ways, with_point
from services.portal.wording import LANGUAGES, countries
from shared.currencies import is_currency

Kind = Literal["text", "number", "decimal", "choice", "choices", "yes_no", "day", "moment", "money", "rows", "fresh"]
FaultCode = Literal[
    "missing", "unreadable", "not_offered", "out_of_range", "in_two_ways", "comes_twice", "comes_never", "other_clock"
]
Posted = Mapping[str, Sequence[str]]

MOST_ROWS: Final = 40
# Whoever writes in another script types its digits, and means these.
_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose: what is sent, and what people read."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Note:
    """What stands beside the questions, and the page that it leads to.

    With ``sent`` that is by a form, since what it carries says something about a person and may stand in no address.
    """

    sentence: str
    path: str
    sent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What a page knows of a command before anybody types: fixed values, things to choose from, first suggestions.

    ``fresh`` are ids that the page makes itself, one for each row. ``version`` is the entity tag of what was read, if
    the command must not meet another. ``notes`` stand beside the questions.
    ``shown`` is what somebody decides on, to be read once more before it is sent; ``left_out`` what is not offered and why.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Sequence[Option]] = field(default_factory=dict)
    start: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    version: str = ""
    notes: Sequence[Note] = ()
    shown: Sequence[tuple[str, str]] = ()
    left_out: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a page. ``name`` is unique on it; ``rows`` are the questions of each row of a list."""

    name: str
    key: str
    kind: Kind
    required: bool
    options: tuple[Option, ...] = ()
    rows: tuple[tuple["Field", ...], ...] = ()
    fixed: tuple[tuple[str, Any], ...] = ()
    least: int | None = None
    most: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field, by a code that the page has a sentence for."""

    name: str
    code: FaultCode


def fields_of(schema: Mapping[str, Any], given: Given, prefix: str = "") -> tuple[Field, ...]:
    """The questions of a command in the order of its schema, without those whose answer is fixed."""
    definitions = schema.get("$defs", {})
    return tuple(_fields(schema, definitions, given, prefix))


def body_of(
    fields: Sequence[Field], given: Given, posted: Posted, zone: ZoneInfo
) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """The command's body, and what is missing or cannot be read; times are the mission's, sent as UTC."""
    faults: list[Fault] = []
    body: dict[str, Any] = {name: value for name, value in given.fixed.items() if "." not in name}
    for found in fields:
        value = _value(found, posted, zone, faults)
        if value is not None:
            body[found.key] = value
    return body, tuple(faults)


def as_sent(fields: Sequence[Field], posted: Posted, zone: ZoneInfo) -> dict[str, Any]:
    """What is sent of each field that people write in more than one way, by its name on the page."""
    sent: dict[str, Any] = {}
    for found in fields:
        for row in found.rows:
            sent |= as_sent(row, posted, zone)
        if found.kind in ("decimal", "money", "number", "day"):
            sent[found.name] = _value(found, posted, zone, [])
    return sent


def typed(name: str, posted: Posted) -> str:
    """What was typed into a field, without blanks around it and with our digits."""
    values = posted.get(name, ())
    return values[0].strip().translate(_DIGITS) if values else ""


def _fields(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], given: Given, prefix: str
) -> Iterator[Field]:
    required = set(schema.get("required", ()))
    for key, found in schema.get("properties", {}).items():
        name = f"{prefix}{key}"
        if name in given.fixed or key in given.fixed:
            continue
        one = _resolved(found, definitions)
        if one.get("x-asked") is False:
            # The service makes it itself, and nobody types it.
            continue
        yield _field(name, key, one, definitions, given, required=key in required)


def _field(
    name: str, key: str, one: Mapping[str, Any], definitions: Mapping[str, Any], given: Given, *, required: bool
) -> Field:
    if key in given.fresh:
        return Field(name, key, "fresh", required)
    options = tuple(given.options.get(key, ())) or _known(key)
    if one.get("type") == "array":
        items = _resolved(one["items"], definitions)
        if items.get("type") == "object":
            how_many = max(1, min(given.rows.get(key, len(given.start.get(key, ())) or 1), MOST_ROWS))
            rows = tuple(
                tuple(_fields(items, definitions, given, f"{name}.{number}.")) for number in range(how_many)
            )
            return Field(name, key, "rows", required, rows=rows, most=one.get("maxItems"))
        return Field(name, key, "choices", required, options or _enumerated(items), most=one.get("maxItems"))
    if options:
        # A number to choose is sent as one.
        least = one.get("minimum", 0) if one.get("type") == "integer" else None
        return Field(name, key, "choice", required, options, least=least)
    if "enum" in one:
        return Field(name, key, "choice", required, _enumerated(one))
    kind: Kind = "text"
    if one.get("type") == "boolean":
        kind = "yes_no"
    elif one.get("type") == "integer":
        kind = "number"
    elif one.get("type") == "object" and {"amount", "currency"} <= set(one.get("properties", {})):
        kind = "money"
    elif one.get("x-written") == "decimal":
        kind = "decimal"
    elif one.get("format") == "date":
        kind = "day"
    elif one.get("format") == "date-time":
        kind = "moment"
    return Field(
        name, key, kind, required, least=one.get("minimum"), most=one.get("maximum"), pattern=one.get("pattern")
    )


def _known(key: str) -> tuple[Option, ...]:
    """What a field of this name is chosen from wherever it is asked."""
    if key in ("language", "languages"):
        return tuple(Option(code, name) for code, name in LANGUAGES.items())
    if key in ("country_of_origin", "nationality") or key.endswith("_country"):
        return tuple(Option(code, name) for code, name in countries().items())
    return ()


def _enumerated(one: Mapping[str, Any]) -> tuple[Option, ...]:
    return tuple(Option(value, value) for value in one.get("enum", ()))


def _resolved(one: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in one:
        return _resolved(definitions[one["$ref"].rpartition("/")[2]], definitions)
    for name in ("anyOf", "allOf"):
        if name in one:
            some = [choice for choice in one[name] if choice.get("type") != "null"]
            return _resolved({**some[0], **{key: value for key, value in one.items() if key != name}}, definitions)
    return one


def _value(found: Field, posted: Posted, zone: ZoneInfo, faults: list[Fault]) -> Any:
    if found.kind == "rows":
        return _rows(found, posted, zone, faults)
    if found.kind == "choices":
        return _several(found, posted, faults)
    if found.kind == "money":
        return _money(found, posted, faults)
    if found.kind == "moment":
        return _moment(found, posted, zone, faults)
    text = typed(found.name, posted)
    if not text:
        if found.required:
            faults.append(Fault(found.name, "missing"))
        return None
    return _single(found, text, faults)


def _single(found: Field, text: str, faults: list[Fault]) -> Any:
    if found.kind == "choice":
        if text not in {option.value for option in found.options}:
            faults.append(Fault(found.name, "not_offered"))
            return None
        return int(text) if found.least is not None else text
    if found.kind == "yes_no":
        return text == "yes"
    if found.kind == "number":
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            faults.append(Fault(found.name, "unreadable"))
            return None
        number = int(text)
        if (found.least is not None and number < found.least) or (found.most is not None and number > found.most):
            faults.append(Fault(found.name, "out_of_range"))
        return number
    if found.kind == "day":
        on = day_of(text)
        if on is None:
            faults.append(Fault(found.name, "unreadable"))
            return None
        return on.isoformat()
    if found.kind == "decimal":
        if in_two_ways(text):
            faults.append(Fault(found.name, "in_two_ways"))
            return None
        text = with_point(text)
    if found.pattern is not None and not re.search(found.pattern, text):
        faults.append(Fault(found.name, "unreadable"))
    return text


def _several(found: Field, posted: Posted, faults: list[Fault]) -> list[str] | None:
    chosen = [value for value in posted.get(found.name, ()) if value]
    if not set(chosen) <= {option.value for option in found.options}:
        faults.append(Fault(found.name, "not_offered"))
    if not chosen and found.required:
        faults.append(Fault(found.name, "missing"))
    return chosen


def _money(found: Field, posted: Posted, faults: list[Fault]) -> dict[str, str] | None:
    stated = typed(f"{found.name}.amount", posted)
    currency = typed(f"{found.name}.currency", posted).upper() or "EUR"
    if not stated:
        if found.required:
            faults.append(Fault(found.name, "missing"))
        return None
    if in_two_ways(stated, currency):
        faults.append(Fault(found.name, "in_two_ways"))
        return None
    if not is_currency(currency):
        faults.append(Fault(found.name, "not_offered"))
    amount = with_point(stated)
    if not re.fullmatch(r"[0-9]{1,14}(\.[0-9]{1,4})?", amount):
        faults.append(Fault(found.name, "unreadable"))
    return {"amount": amount, "currency": currency}


def _moment(found: Field, posted: Posted, zone: ZoneInfo, faults: list[Fault]) -> str | None:
    day, clock = typed(f"{found.name}.day", posted), typed(f"{found.name}.time", posted)
    if not day and not clock:
        if found.required:
            faults.append(Fault(found.name, "missing"))
        return None
    on, at = day_of(day), _clock(clock)
    if on is None or at is None:
        faults.append(Fault(found.name, "unreadable"))
        return None
    shown = datetime.combine(on, at.replace(tzinfo=None))
    meant = _meant(shown, at.utcoffset(), zone)
    if len(meant) != 1:
        never: FaultCode = "other_clock" if _meant(shown, None, zone) else "comes_never"
        faults.append(Fault(found.name, "comes_twice" if meant else never))
        return None
    return meant[0].isoformat().replace("+00:00", "Z")


def _meant(shown: datetime, ahead: timedelta | None, zone: ZoneInfo) -> list[datetime]:
    """The moments in UTC at which clocks there show this: none or two in the nights in which they are changed.

    ``ahead`` of UTC, where it was typed, says which of two is meant.
    """
    local = [shown.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    moments = sorted({one.astimezone(UTC) for one in local if ahead is None or one.utcoffset() == ahead})
    return [one for one in moments if one.astimezone(zone).replace(tzinfo=None) == shown]


def day_of(text: str) -> date | None:
    """A day as people write it here: ``2023-05-02``, ``2.5.2023`` or ``02.05.2023.``; None for anything else."""
    found = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    parts = found.groups() if found else None
    if parts is None:
        found = re.fullmatch(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})\.?", text)
        parts = found.groups()[::-1] if found else None
    try:
        return date(*map(int, parts)) if parts is not None else None
    except ValueError:
        return None


def _clock(text: str) -> time | None:
    """A time of day as people write it: ``14:30``, ``14.30``, ``1430`` or ``14:30:05``; None for anything else.

    Behind it may stand how far that clock is ahead of UTC (``02:30 +01:00``), for the hour that comes twice.
    """
    found = re.fullmatch(r"(\d{1,2})[:.]?(\d{2})(?:[:.](\d{2}))? ?([+-]\d{2}:?\d{2})?", text, re.ASCII)
    try:
        zone = datetime.strptime(found[4], "%z").tzinfo if found is not None and found[4] else None
        return time(int(found[1]), int(found[2]), int(found[3] or 0), tzinfo=zone) if found is not None else None
    except ValueError:
        return None


def _rows(found: Field, posted: Posted, zone: ZoneInfo, faults: list[Fault]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, questions in enumerate(found.rows):
        named = f"{found.name}.{number}."
        asked = {f"{named}{question.key}" for question in questions if question.kind == "fresh"}
        answers = (values for name, values in posted.items() if name.startswith(named) and name not in asked)
        # A currency stands there before anybody has typed.
        if not any(value.strip() and value.strip() != "EUR" for values in answers for value in values):
            continue
        row: dict[str, Any] = {}
        for question in questions:
            value = _value(question, posted, zone, faults)
            if value is not None:
                row[question.key] = value
        rows.append(row)
    if not rows and found.required:
        faults.append(Fault(found.name, "missing"))
    return rows
