"""A PDF made anew of its pages alone, in a process of its own: what parses a stranger's file holds no secret of ours.

Refused are programs, forms that send, and files inside. Of the rest only what is needed to show the pages is taken over,
so that what was not thought of is not there either: no properties, no earlier versions, no bookmarks or outlines, no
authors of notes. Run as a program it reads the file and writes the new one, or a code of refusal and ends with
`REFUSED`.
"""

import io
import sys
from collections.abc import Iterator
from typing import Final

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    PdfObject,
    StreamObject,
)

from shared.files.media import BEGINS
from shared.files.pdf_streams import clean_stream, name_at, refuse_photo_in_line
from shared.files.refusing import FileRefused

MAGIC: Final = BEGINS["application/pdf"]
REFUSED: Final = 3
MOST_PAGES: Final = 200
MOST_OBJECTS: Final = 50_000
MOST_SECONDS: Final = 8
MOST_MEMORY: Final = 1024**3

# Wherever one of these stands, something runs, is sent, or lies inside that is no page.
_ACTIVE_KEYS: Final = frozenset({"/JS", "/EF", "/EmbeddedFiles", "/XFA", "/RichMediaContent"})
_ACTIVE_ACTIONS: Final = frozenset(
    {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/Rendition", "/Movie", "/Sound", "/RichMediaExecute"}
)  # fmt: skip
_ACTIVE_PARTS: Final = frozenset({"/RichMedia", "/Movie", "/Screen", "/3D", "/FileAttachment", "/Sound"})
_PAGE: Final = frozenset(
    {"/Type", "/MediaBox", "/CropBox", "/Rotate", "/UserUnit", "/Resources", "/Contents", "/Group", "/Annots"}
)
# How a filled-in field, a stamp or a drawn mark looks; not who made it, nor what it would do.
_ANNOTATION: Final = frozenset({"/Type", "/Subtype", "/Rect", "/F", "/AP", "/AS"})
_BESIDE: Final = ("/Metadata", "/PieceInfo", "/LastModified", "/AF", "/OPI", "/Measure", "/PtData")


def cleaned_pdf(sent: bytes) -> bytes:
    """The pages alone; refused if the file does more than show them, is damaged, locked or endless."""
    try:
        return _made_anew(PdfReader(io.BytesIO(sent)))
    except FileRefused:
        raise
    except MemoryError:
        raise FileRefused("pdf_too_hard") from None
    except (
        PyPdfError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        AssertionError,
        RecursionError,
        OSError,
    ):
        # What a damaged file does to its parser is as various as the damage.
        raise FileRefused("file_damaged") from None


def _made_anew(reader: PdfReader) -> bytes:
    if reader.is_encrypted:
        raise FileRefused("pdf_locked")
    if any(_is_active(part) for part in _dictionaries(reader.trailer)):
        raise FileRefused("pdf_active")
    pages = list(reader.pages)
    if not pages:
        raise FileRefused("file_damaged")
    if len(pages) > MOST_PAGES:
        raise FileRefused("pdf_too_long")
    writer = PdfWriter()
    for page in pages:
        writer.add_page(_bare(page))
    return _written(writer)


def _dictionaries(root: PdfObject) -> Iterator[DictionaryObject]:
    """Every dictionary that can be reached from here, each once."""
    waiting: list[PdfObject] = [root]
    seen: set[tuple[int, int]] = set()
    looked_at = 0
    while waiting:
        part: PdfObject | None = waiting.pop()
        if isinstance(part, IndirectObject):
            place = (part.idnum, part.generation)
            if place in seen:
                continue
            seen.add(place)
            part = part.get_object()
        if isinstance(part, DictionaryObject):
            yield part
            waiting += [
                value
                for value in part.values()
                if isinstance(value, IndirectObject | DictionaryObject | ArrayObject)
            ]
        elif isinstance(part, ArrayObject):
            waiting += [
                value for value in part if isinstance(value, IndirectObject | DictionaryObject | ArrayObject)
            ]
        looked_at += 1
        if looked_at > MOST_OBJECTS:
            raise FileRefused("pdf_too_long")


def _is_active(part: DictionaryObject) -> bool:
    if _ACTIVE_KEYS & part.keys():
        return True
    return (
        name_at(part, "/S") in _ACTIVE_ACTIONS
        or name_at(part, "/Subtype") in _ACTIVE_PARTS
        or name_at(part, "/Type") == "/EmbeddedFile"
    )


def _bare(page: PageObject) -> PageObject:
    for key in [key for key in page if key not in _PAGE]:
        del page[key]
    listed = page.get("/Annots")
    shown = listed.get_object() if listed is not None else None
    if isinstance(shown, ArrayObject):
        page[NameObject("/Annots")] = ArrayObject(
            DictionaryObject({key: value for key, value in mark.items() if key in _ANNOTATION})
            for mark in (item.get_object() for item in shown)
            if isinstance(mark, DictionaryObject) and "/AP" in mark
        )
    return page


def _written(writer: PdfWriter) -> bytes:
    writer.metadata = None
    for part in list(_dictionaries(writer.root_object)):
        if _is_active(part):
            raise FileRefused("pdf_active")
        refuse_photo_in_line(part)
        for key in _BESIDE:
            part.pop(NameObject(key), None)
        if isinstance(part, StreamObject):
            # A photo in a PDF tells where it was taken as well as one by itself.
            clean_stream(part)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _bound_this_process() -> None:
    try:
        import resource  # noqa: PLC0415 -- not on every system

        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        # Whoever started it still ends it when its time is over.
        return


def main() -> int:
    """Cleans what comes in; 0, or `REFUSED`."""
    _bound_this_process()
    try:
        found = cleaned_pdf(sys.stdin.buffer.read())
    except FileRefused as refusal:
        sys.stdout.buffer.write(refusal.code.encode())
        return REFUSED
    sys.stdout.buffer.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
