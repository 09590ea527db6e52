"""The document in which a person reads what is held about them: made of what was collected, printed by typst."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import fontpkg_noto_sans
import fontpkg_noto_sans_arabic
import fontpkg_noto_sans_devanagari
import typst

from services.portal.told.catalogue import ONLY_IN_THE_FILE, Words, catalogue
from services.portal.told.collecting import Collected
from services.portal.told.coverage import covered

_TEMPLATE: Final = Path(__file__).parent / "document.typ"
_FONTS: Final[tuple[Path, ...]] = tuple(
    package.ROOT / "files" for package in (fontpkg_noto_sans, fontpkg_noto_sans_arabic, fontpkg_noto_sans_devanagari)
)
# It stands for a letter of which no font here has a picture; a document for readers of screens must not hold such.
_NO_LETTER: Final = "\N{REPLACEMENT CHARACTER}"
# Steer the direction of what stands around them and have no picture of their own.
_INVISIBLE: Final = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")


def as_pdf(collected: Collected, language: str, zone: ZoneInfo) -> bytes:
    """The document in one of the product's languages as PDF/UA-1; the same bytes for the same content."""
    # Data goes in as data: nothing of it is ever read as markup.
    found = typst.compile(
        _TEMPLATE, format="pdf", ignore_system_fonts=True, font_paths=list(_FONTS),
        sys_inputs=_inputs(collected, language, zone), pdf_standards="ua-1", timestamp=int(collected.asked_at.timestamp()),
    )  # fmt: skip
    return bytes(found)


def written(collected: Collected, language: str, zone: ZoneInfo) -> dict[str, Any]:
    """What the document says, in its order and in the reader's words; the template lays it out and adds none."""
    words = Words(language, zone, str(collected.person_id))
    history = [event for held in collected.held.values() for event in held["history"]]
    readers = [reader for held in collected.held.values() for reader in held["readers"]]
    return {
        "language": words.locale,
        "direction": words.direction,
        "title": words.say("title"),
        "made": [words.say("made"), words.moment(collected.asked_at.isoformat())],
        "paragraphs": [words.say(key) for key in (*(("erased",) if collected.erased else ()), "about", "whole", "others")],
        "rights": [words.say(key) for key in ("correct", "erase", "papers", "complain")],
        "nothing": words.say("nothing"),
        "unprintable": words.say("unprintable"),
        "sections": list(_sections(collected, words)),
        "tables": [
            {
                "heading": words.say("happened"),
                "head": [words.say(key) for key in ("when", "what", "by")],
                "rows": [
                    [words.moment(one["recorded_at"]), _happened(one, words), words.roles(one["roles"])]
                    for one in sorted(history, key=lambda one: one["recorded_at"])
                ],
            },
            {
                "heading": words.say("looked"),
                "head": [words.say(key) for key in ("when", "what", "by", "organisation", "purpose")],
                "rows": [_reader(one, words) for one in sorted(readers, key=lambda one: one["at"])],
            },
        ],
    }


def _sections(collected: Collected, words: Words) -> Iterator[dict[str, Any]]:
    for service, held in collected.held.items():
        for table, rows in held["records"].items():
            records = [list(_fields(row, words)) for row in rows]
            yield {"heading": words.call("sections", f"{service}.{table}"), "records": [one for one in records if one]}


def _fields(row: Mapping[str, Any], words: Words) -> Iterator[dict[str, Any]]:
    for name, value in row.items():
        lines = words.lines(name, value) if name not in ONLY_IN_THE_FILE else []
        if lines:
            yield {"label": words.call("fields", name), "lines": [asdict(line) for line in lines]}


def _happened(one: Mapping[str, Any], words: Words) -> str:
    # What led to it stands in no row of its own.
    reason = one["said"].get("reason") or one["said"].get("ground")
    return words.event(one["kind"]) + (f" ({words.call('codes', reason)})" if reason in catalogue()["codes"] else "")


def _reader(one: Mapping[str, Any], words: Words) -> list[str]:
    outcome = "" if one["outcome"] in ("read", "told") else f" ({words.call('codes', one['outcome'])})"
    purpose = words.call("purposes", one["purpose"]) if one["purpose"] else ""
    return [
        words.moment(one["at"]), words.call("operations", one["operation"]) + outcome, words.roles(one["roles"]),
        one["organisation"], purpose,
    ]  # fmt: skip


def _inputs(collected: Collected, language: str, zone: ZoneInfo) -> dict[str, str]:
    document = written(collected, language, zone)
    printed = _printable(document)
    if printed != document:
        printed["paragraphs"].append(document["unprintable"])
    return {"document": json.dumps(printed, ensure_ascii=False)}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(letter if letter in _INVISIBLE or ord(letter) in _letters() else _NO_LETTER for letter in value)
    if isinstance(value, Mapping):
        return {name: _printable(item) for name, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


@cache
def _letters() -> frozenset[int]:
    return frozenset().union(*(covered(font) for folder in _FONTS for font in folder.glob("*.ttf")))
