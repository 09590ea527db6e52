"""How the bytes of a PDF's parts are coded: photos among them are cleaned, and what cannot be looked into is refused."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from pypdf.filters import ASCII85Decode, ASCIIHexDecode, FlateDecode, LZWDecode, RunLengthDecode
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NullObject,
    NumberObject,
    PdfObject,
    StreamObject,
)

from shared.files.jpeg import cleaned_jpeg
from shared.files.media import MOST_BYTES
from shared.files.refusing import FileRefused

# Each of them makes some of the bytes before it, within the bounds of the library.
_WRAPPINGS: Final[Mapping[str, Callable[[bytes, DictionaryObject], bytes]]] = {
    "/ASCIIHexDecode": ASCIIHexDecode.decode,
    "/ASCII85Decode": ASCII85Decode.decode,
    "/LZWDecode": LZWDecode.decode,
    "/FlateDecode": FlateDecode.decode,
    "/RunLengthDecode": RunLengthDecode.decode,
}
_PHOTO: Final = "/DCTDecode"
# Codes of fax machines and scanners, which have no place for where and when. JPEG 2000 has one, and is not among them.
_SCANS: Final = frozenset({"/CCITTFaxDecode", "/JBIG2Decode"})
_SHORT: Final[Mapping[str, str]] = {
    "/AHx": "/ASCIIHexDecode",
    "/A85": "/ASCII85Decode",
    "/LZW": "/LZWDecode",
    "/Fl": "/FlateDecode",
    "/RL": "/RunLengthDecode",
    "/CCF": "/CCITTFaxDecode",
    "/DCT": _PHOTO,
}
_MOST_FILTERS: Final = 4
# How a filter reads its bytes if nothing is said, and what says nothing as long as that is so.
_AS_IF_UNSAID: Final[Mapping[str, frozenset[int]]] = {"/Predictor": frozenset({1}), "/EarlyChange": frozenset({1})}
_OF_A_PREDICTOR: Final = frozenset({"/Colors", "/BitsPerComponent", "/Columns"})
# The name of the filter among the words that draw a page: a photo that stands between them.
_PHOTO_IN_LINE: Final = re.compile(rb"/DCT(?:Decode)?(?![^\s\x00/\[\]<>(){}%])")


def clean_stream(stream: StreamObject) -> None:
    """Takes out of a stream what a photo tells besides its picture; refused if it is coded in a way that hides that.

    A photo that was wrapped in further codes is afterwards a plain one. Any other stream stays as it is.
    """
    filters = _filters(stream)
    if not filters:
        return
    *wrappings, last = filters
    if last not in {_PHOTO, *_SCANS, *_WRAPPINGS} or not _WRAPPINGS.keys() >= set(wrappings):
        raise FileRefused("pdf_picture_unknown")
    if last != _PHOTO:
        return
    parameters = _parameters(stream, len(filters))
    coded: bytes = stream._data  # noqa: SLF001 -- the library gives no other way to the coded bytes
    for wrapping, said in zip(wrappings, parameters, strict=False):
        if not _says_nothing(said):
            raise FileRefused("pdf_picture_unknown")
        coded = _WRAPPINGS[wrapping](coded, said)
    if len(coded) > MOST_BYTES:
        raise FileRefused("pdf_too_long")
    stream._data = cleaned_jpeg(coded)  # noqa: SLF001
    stream[NameObject("/Filter")] = NameObject(_PHOTO)
    stream.pop(NameObject("/DecodeParms"), None)
    colours = _at(parameters[-1], "/ColorTransform")
    if isinstance(colours, int):
        # How the colours are meant, for a photo that does not say it itself.
        stream[NameObject("/DecodeParms")] = DictionaryObject({NameObject("/ColorTransform"): NumberObject(colours)})


def refuse_photo_in_line(part: DictionaryObject) -> None:
    """Refused if a part of a PDF draws a photo that stands among its own words, where nothing can be taken out of it."""
    for stream in _drawing(part):
        wrappings = _filters(stream)
        if not _WRAPPINGS.keys() >= set(wrappings):
            raise FileRefused("pdf_picture_unknown")
        words: bytes = stream._data  # noqa: SLF001 -- what the library unfolds by itself it also keeps
        for wrapping, said in zip(wrappings, _parameters(stream, len(wrappings)), strict=False):
            words = _WRAPPINGS[wrapping](words, said)
        if _PHOTO_IN_LINE.search(words):
            raise FileRefused("pdf_picture_unknown")


def _drawing(part: DictionaryObject) -> list[StreamObject]:
    """The streams of a part that hold words that draw: a page's, a form's, a pattern's, the letters' of a drawn font."""
    found: list[PdfObject | None] = [part] if name_at(part, "/Subtype") == "/Form" or "/PatternType" in part else []
    if name_at(part, "/Type") == "/Page":
        contents = _at(part, "/Contents")
        found += [_resolved(one) for one in contents] if isinstance(contents, ArrayObject) else [contents]
    letters = _at(part, "/CharProcs")
    if isinstance(letters, DictionaryObject):
        found += [_resolved(one) for one in letters.values()]
    return [one for one in found if isinstance(one, StreamObject)]


def _filters(stream: StreamObject) -> list[str]:
    """The names of a stream's filters, in the order in which a reader takes them off."""
    stated = _at(stream, "/Filter")
    found = [_resolved(one) for one in stated] if isinstance(stated, ArrayObject) else [stated]
    names = [_SHORT.get(one, str(one)) for one in found if isinstance(one, NameObject)]
    if (stated is not None and len(names) != len(found)) or len(names) > _MOST_FILTERS:
        raise FileRefused("pdf_picture_unknown")
    return names


def _parameters(stream: StreamObject, filters: int) -> list[DictionaryObject]:
    """What is said of each of a stream's filters; an empty dictionary where nothing is."""
    stated = _at(stream, "/DecodeParms")
    found = [_resolved(one) for one in stated] if isinstance(stated, ArrayObject) else [stated]
    said = [one if isinstance(one, DictionaryObject) else DictionaryObject() for one in found]
    return (said + [DictionaryObject()] * filters)[:filters]


def _says_nothing(said: DictionaryObject) -> bool:
    return all(key in _OF_A_PREDICTOR or _at(said, key) in _AS_IF_UNSAID.get(key, ()) for key in said)


def name_at(part: DictionaryObject, key: str) -> str:
    """The name that stands at a key, wherever it lies; empty where none does."""
    found = _at(part, key)
    return found if isinstance(found, NameObject) else ""


def _at(part: DictionaryObject, key: str) -> PdfObject | None:
    return _resolved(part[key]) if key in part else None


def _resolved(part: PdfObject) -> PdfObject | None:
    found = part.get_object()
    return None if isinstance(found, NullObject) else found
