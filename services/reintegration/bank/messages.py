"""Reads the XML in which a bank answers: ISO 20022 messages, bounded, without anything that XML could fetch or unfold.

What goes wrong is said by a code alone; nothing that stands in a file is repeated.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from shared.errors import RuleViolation
from shared.files.media import LARGEST_BANK_FILE

LARGEST_FILE: Final = LARGEST_BANK_FILE
# A statement's line is some thirty elements, seven deep in the tree: no file of this size needs more.
_MOST_ELEMENTS: Final = 500_000
_DEEPEST: Final = 32
_LONGEST_NAME: Final = 35
_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3})\.([0-9]{3}\.[0-9]{2})")
# The letters of an ISO code; what a bank made up itself is kept if a digit says that it is a code and nobody's name.
_ISO_CODE: Final = re.compile(r"[A-Z0-9]{1,4}")
_OWN_CODE: Final = re.compile(r"(?=.*[0-9])[A-Z0-9]{1,8}")
_NARRATIVE: Final = "NARR"


def read_message(file: bytes, kind: str, versions: Collection[str]) -> Element:
    """The one element below ``Document`` of a message of this kind, ``camt.053`` for instance, its tags without namespace.

    Elements of other namespaces keep theirs, and so are found by nobody. Refused as ``file_too_large`` (10 MB),
    ``not_xml``, ``xml_unsafe`` for a document type, which ISO 20022 has none of, ``not_<kind>`` such as ``not_camt053``,
    and ``version_unknown``.
    """
    if len(file) > LARGEST_FILE:
        raise _too_large()
    document = _Reading().read(file)
    namespace, _, tag = document.tag.rpartition("}")
    message = _NAMESPACE.fullmatch(namespace)
    if message is None or tag != "Document" or message[1] != kind:
        raise RuleViolation(f"not_{kind.replace('.', '')}", "This is not the kind of file from a bank that is read here.")
    if message[2] not in versions:
        raise RuleViolation("version_unknown", "The bank wrote this file in a version that is not read here.")
    own = f"{namespace}}}"
    for element in document.iter():
        element.tag = element.tag.removeprefix(own)
    if len(document) != 1:
        raise incomplete()
    return document[0]


def incomplete() -> RuleViolation:
    """Refuses a file without something that each of its kind has."""
    return RuleViolation("file_incomplete", "Something that must stand in this file from the bank is missing or can't be read.")


def contradicts_itself() -> RuleViolation:
    """Refuses a file that says of one thing what cannot both be."""
    return RuleViolation("file_contradicts_itself", "This file from the bank says two different things of the same payment.")


def text(element: Element, path: str) -> str | None:
    """The text of the first element at a path, None where there is none or it is empty."""
    found = element.findtext(path)
    return (found.strip() or None) if found else None


def needed(element: Element, path: str) -> str:
    """The text at a path, refused as ``file_incomplete`` where there is none."""
    found = text(element, path)
    if found is None:
        raise incomplete()
    return found


def named(element: Element, path: str) -> str:
    """What the bank calls its message or statement: the text at a path, refused as ``file_incomplete`` if longer than 35."""
    found = needed(element, path)
    if len(found) > _LONGEST_NAME:
        raise incomplete()
    return found


def child(element: Element, path: str) -> Element:
    """The first element at a path, refused as ``file_incomplete`` where there is none."""
    found = element.find(path)
    if found is None:
        raise incomplete()
    return found


def day(element: Element, path: str) -> date | None:
    """The day at a path, of ``Dt`` or of ``DtTm`` as the bank's own clock had it; None where there is none."""
    written = text(element, f"{path}/Dt") or text(element, f"{path}/DtTm")
    if written is None:
        return None
    try:
        return date.fromisoformat(written[:10])
    except ValueError:
        raise incomplete() from None


def codes(element: Element, path: str) -> tuple[str, ...]:
    """The codes of the reasons at a path, each as its bank chose it; words become NARR, ISO's code for a reason in words."""
    return tuple(dict.fromkeys(code for reason in element.iterfind(path) for code in _codes(reason)))


def _codes(reason: Element) -> Iterator[str]:
    iso, own = text(reason, "Cd"), text(reason, "Prtry")
    if iso is not None:
        yield iso if _ISO_CODE.fullmatch(iso) else _NARRATIVE
    elif own is not None:
        yield own if _OWN_CODE.fullmatch(own) else _NARRATIVE


def _too_large() -> RuleViolation:
    return RuleViolation("file_too_large", "This file is larger than any that a bank sends.")


class _Reading:
    """One pass over a file; a document type ends it before anything that one declares is looked at."""

    def __init__(self) -> None:
        self._tree = TreeBuilder()
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._tree.data
        self._depth = self._elements = 0

    def read(self, file: bytes) -> Element:
        try:
            self._parser.Parse(file, True)
        except (expat.ExpatError, ValueError, LookupError):
            # Among them an encoding that Python does not know.
            raise RuleViolation("not_xml", "This file is not XML, or it is damaged.") from None
        root: Element = self._tree.close()
        return root

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._elements > _MOST_ELEMENTS or self._depth > _DEEPEST:
            raise _too_large()
        self._tree.start(tag, dict(attributes))

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._tree.end(tag)

    def _refuse(self, *_: object) -> None:
        raise RuleViolation("xml_unsafe", "This file has a document type, which no file from a bank needs.")
