"""Canaries: texts that occur nowhere else, put where something is said of a person, and looked for in every place and form.

What is free to say is read from the services' own descriptions, so that a field that comes to be later gets one too.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

Json = dict[str, Any]

# Letters that no word begins with, of the Latin script and of Arabic ones that no language has side by side.
LATIN: Final = "Qzvxwk"
OWN: Final = "\u069d\u069f\u06a0\u06a5"
# Nobody else here was born in this year, and no time that is written anywhere lies in it.
BIRTH_YEAR: Final = 1941
_ARABIC: Final = "ابتثجحخدذرزسشصضطظعغفقكلمنه"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_SERIAL: Final = 4
# What a code may be where nothing can be said freely.
_CODES: Final = ("BT", "dzo", "EUR", "1.00")
_DAY: Final = f"{BIRTH_YEAR}-05-02"


class NotPlanted(AssertionError):
    """A text for which nobody has said what could stand there."""


@dataclass
class Flock:
    """All canaries that were put somewhere, each with where that was."""

    where: dict[str, str] = field(default_factory=dict)

    def latin(self, where: str) -> str:
        """One more in Latin letters, nowhere used before."""
        return self._put(LATIN + self._serial(_LETTERS), where)

    def own_script(self, where: str) -> str:
        """One more in letters of another script."""
        return self._put(OWN + self._serial(_ARABIC), where)

    def text(self, where: str, schema: Json) -> str | None:
        """A canary that this schema of a text lets stand there; None if nothing can be said there freely."""
        pattern, longest = schema.get("pattern", ""), schema.get("maxLength", 1000)
        made = self.own_script if "own_script" in where else self.latin
        first = made(where)
        for candidate in (first, first.lower(), first.upper()):
            if len(candidate) <= longest and re.search(pattern, candidate):
                self.where[candidate] = self.where.pop(first, where)
                return candidate
        del self.where[first]
        return None

    def day(self, where: str) -> str:
        """A day in the year in which nobody else was born."""
        number = len(self.where)
        return self._put(f"{BIRTH_YEAR}-{1 + number % 12:02}-{1 + number // 12 % 28:02}", where)

    def _put(self, canary: str, where: str) -> str:
        self.where[canary] = where
        return canary

    def _serial(self, letters: str) -> str:
        number, serial = len(self.where), ""
        for _ in range(_SERIAL):
            number, rest = divmod(number, len(letters))
            serial = letters[rest] + serial
        return serial


@dataclass(frozen=True, slots=True)
class Described:
    """A body that an operation takes, as its service describes it."""

    service: str
    method: str
    path: str
    name: str
    schema: Json
    parts: Json

    def fields(self) -> list[str]:
        """The names of its fields."""
        return list(self._plain(self.schema).get("properties", {}))

    def texts(self) -> Iterator[tuple[str, Json]]:
        """Each text in it that is neither a code to choose nor an id or a time, with its place."""
        yield from self._texts(self.schema, "")

    def example(self, flock: Flock, said: Mapping[str, Any]) -> Json:
        """A body in which every field is filled, a canary wherever one can stand; what is ``said`` of a field stands there."""
        return dict(self._example(self.schema, "", flock, said))

    def _plain(self, schema: Json) -> Json:
        while True:
            if "$ref" in schema:
                schema = self.parts[schema["$ref"].rpartition("/")[2]]
            elif "anyOf" in schema:
                schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
            elif "allOf" in schema:
                (schema,) = schema["allOf"]
            else:
                return schema

    def _texts(self, schema: Json, place: str) -> Iterator[tuple[str, Json]]:
        plain = self._plain(schema)
        if plain.get("type") == "string" and not plain.keys() & {"enum", "const", "format"}:
            yield place, plain
        for name, inner in plain.get("properties", {}).items():
            yield from self._texts(inner, f"{place}.{name}" if place else name)
        if "items" in plain:
            yield from self._texts(plain["items"], place)

    def _example(self, schema: Json, place: str, flock: Flock, said: Mapping[str, Any]) -> Any:
        plain, where = self._plain(schema), f"{self.service} {self.name} {place}"
        match plain:
            case {"enum": [first, *_]} | {"const": first}:
                return first
            case {"type": "object", "properties": properties}:
                return {
                    name: said[at] if (at := f"{place}.{name}" if place else name) in said
                    else self._example(inner, at, flock, said)
                    for name, inner in properties.items()
                }  # fmt: skip
            case {"type": "array"}:
                return [self._example(plain["items"], place, flock, said)]
            case {"type": "boolean"}:
                return True
            case {"type": "string", "format": "date"}:
                return "2035-05-02"
            case {"type": "string", **rest} if "format" not in rest:
                if re.search(rest.get("pattern", "$^"), _DAY) and not re.search(rest["pattern"], LATIN):
                    return flock.day(where)
                found = flock.text(where, plain) or next(
                    (code for code in _CODES if re.search(rest.get("pattern", ""), code)), None
                )
                if found is not None:
                    return found
        raise NotPlanted(f"say what can stand in {where}")


def described(service: str, description: Json) -> list[Described]:
    """Every body of JSON that a service takes (OpenAPI 3.1)."""
    parts = description["components"]["schemas"]
    return [
        Described(service, method, path, operation["operationId"], content["schema"], parts)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict)
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]


def _forms_of(mark: str) -> Iterator[tuple[str, bytes]]:
    for text in dict.fromkeys((mark, mark.lower(), mark.upper())):
        plain = text.encode()
        yield "as it is", plain
        yield "UTF-16", text.encode("utf-16-le")
        yield "UTF-16 big end first", text.encode("utf-16-be")
        yield "hex", plain.hex().encode()
        yield "HEX", plain.hex().upper().encode()
        if not text.isascii():
            escaped = json.dumps(text)[1:-1]
            yield "JSON", escaped.encode()
            yield "JSON, upper case", escaped.upper().replace("\\U", "\\u").encode()
            yield "JSON within JSON", json.dumps(escaped)[1:-1].encode()
            yield "in an address", quote(text).encode()
            yield "in an address, lower case", quote(text).lower().encode()
            yield "for HTML", text.encode("ascii", "xmlcharrefreplace")
    for before in range(3):
        coded = base64.b64encode(bytes(before) + mark.encode())
        # Letters that what stands before or behind has a part in are left out.
        middle = coded[-(-before * 8 // 6) : (before + len(mark.encode())) * 8 // 6]
        yield "base64", middle
        yield "base64 for addresses", middle.replace(b"+", b"-").replace(b"/", b"_")


MARKS: Final[Sequence[tuple[str, bytes]]] = tuple(dict.fromkeys((*_forms_of(LATIN), *_forms_of(OWN))))
# To the day, or four figures in an id would be taken for the year.
_DAYS: Final = re.compile(f"{BIRTH_YEAR}-[01][0-9]-[0-3]".encode())
_DAYS_IN_UTF_16: Final = re.compile(rb"1\x009\x004\x001\x00-\x00[01]\x00[0-9]\x00-\x00")
_DAYS_IN_HEX: Final = re.compile(rb"313934312[dD]3[01]3[0-9]2[dD]3")
# PostgreSQL packs pages in its write-ahead log, and long values: a byte may then stand between any two of the first letters.
_PACKED: Final = re.compile(b"|".join(b".?".join(re.escape(bytes([one])) for one in mark.encode()) for mark in (LATIN, OWN)), re.DOTALL)


def heard(content: bytes, *, packed: bool = False) -> set[str]:
    """In which forms a canary is in it, with the first one itself where it can be read; ``packed`` looks between bytes too."""
    found = {form + _whole(content, mark) for form, mark in MARKS if mark in content}
    found |= {f"a day {day[0]!r}" for days in (_DAYS, _DAYS_IN_UTF_16, _DAYS_IN_HEX) if (day := days.search(content))}
    if packed and (between := _PACKED.search(content)):
        found.add(f"packed {between[0]!r}")
    return found


def _whole(content: bytes, mark: bytes) -> str:
    at = content.find(mark)
    return f" {content[at : at + len(mark) + 10]!r}"
