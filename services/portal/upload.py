"""A form that brings a file: its fields as text, and the file held in memory up to a bound, never on a disk."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared.files.media import BEGINS, MEDIA_TYPES

# Each is held whole until its service has it, so that a slow line takes up a place here and none there.
UPLOADS_AT_A_TIME: Final = 8
NoPlace = Literal["upload_under_way", "too_many_uploads"]
PIECE_BYTES: Final = 64 * 1024
# A file, an id, a kind and a number, or two numbers of each of forty statements; whoever sends more sends something else.
_MOST_PARTS: Final = 100
_MOST_FIELD_BYTES: Final = 4 * 1024
# What browsers say of a file when they do not know what it is, and other names for what is taken.
_UNSAID: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_SAME_AS: Final[Mapping[str, str]] = {
    "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png",
    "application/x-pdf": "application/pdf",
}  # fmt: skip


class NoSuchForm(Exception):
    """What came is not whole, or is no form of ours."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as a browser sent it: what it is said to be, and what it holds, or nothing of it where that is too much."""

    media_type: str
    content: bytearray
    too_long: bool

    async def pieces(self) -> AsyncIterator[bytes]:
        """The content, so that it is held once only."""
        with memoryview(self.content) as whole:
            for start in range(0, len(whole), PIECE_BYTES):
                yield bytes(whole[start : start + PIECE_BYTES])


@dataclass(frozen=True, slots=True)
class SentForm:
    """The fields of a form, and its file if one was chosen."""

    fields: Mapping[str, list[str]]
    file: SentFile | None


@dataclass(slots=True)
class Places:
    """Whose files are held at a time in one process: few of all, and of each person one."""

    _taken_by: set[str] = field(default_factory=set)

    @contextmanager
    def taken_by(self, person_id: str) -> Iterator[NoPlace | None]:
        """A place while this lasts, or why there is none."""
        if person_id in self._taken_by:
            yield "upload_under_way"
        elif len(self._taken_by) >= UPLOADS_AT_A_TIME:
            yield "too_many_uploads"
        else:
            self._taken_by.add(person_id)
            try:
                yield None
            finally:
                self._taken_by.remove(person_id)


async def read_form(request: Request, name: str, most_bytes: int) -> SentForm:
    """The form of a request whose file is chosen in the field of this name, read to its end.

    Of a longer file than ``most_bytes``, and of any other file, nothing is kept. Raises `NoSuchForm`, and
    `ClientDisconnect` where the browser gave up.
    """
    stated, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if stated != b"multipart/form-data" or not boundary:
        raise NoSuchForm
    reader = _Reader(name, most_bytes)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.part_begins, "on_header_field": reader.names, "on_header_value": reader.says,
                "on_header_end": reader.said, "on_headers_finished": reader.head_ends, "on_part_data": reader.holds,
                "on_part_end": reader.part_ends, "on_end": reader.ends,
            },
        )  # fmt: skip
        async for piece in request.stream():
            parser.write(piece)
    except FormParserError:
        raise NoSuchForm from None
    if not reader.whole:
        raise NoSuchForm
    return SentForm(reader.fields, reader.file)


class _Reader:
    """Takes what the parser finds, part by part."""

    def __init__(self, file_name: str, most_bytes: int) -> None:
        self.fields: dict[str, list[str]] = {}
        self.file: SentFile | None = None
        self.whole = False
        self._file_name = file_name.encode()
        self._most_bytes = most_bytes
        self._told = self._parts = 0
        self._begin()

    def part_begins(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise NoSuchForm
        self._begin()

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value, self._name = b"", b"", b""
        self._is: Literal["field", "file", "other"] = "other"
        self._held, self._too_long, self._chosen = bytearray(), False, False

    def names(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def says(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def said(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def head_ends(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"")
        if b"filename" not in options:
            self._is = "field"
        elif self._name == self._file_name and self.file is None:
            # Of its name nothing is kept but whether there is one: without a choice browsers send an empty one.
            self._is, self._chosen = "file", bool(options[b"filename"])

    def holds(self, data: bytes, start: int, end: int) -> None:
        if self._is == "field":
            self._told += end - start
            if self._told > _MOST_FIELD_BYTES:
                raise NoSuchForm
            self._held += data[start:end]
        elif self._is == "file" and not self._too_long:
            self._too_long = len(self._held) + end - start > self._most_bytes
            if self._too_long:
                self._held = bytearray()
            else:
                self._held += data[start:end]

    def part_ends(self) -> None:
        if self._is == "field":
            text = self._held.decode("utf-8", "replace")
            self.fields.setdefault(self._name.decode("utf-8", "replace"), []).append(text)
        elif self._is == "file" and (self._chosen or self._held or self._too_long):
            said = self._headers.get(b"content-type", b"").partition(b";")[0].decode("latin-1").strip().lower()
            self.file = SentFile(_media_type(said, self._held), self._held, self._too_long)
            self._held = bytearray()

    def ends(self) -> None:
        self.whole = True


def _media_type(said: str, content: bytearray) -> str:
    if said in _UNSAID:
        return next((known for known, begins in BEGINS.items() if content.startswith(begins)), "application/octet-stream")
    known = _SAME_AS.get(said, said)
    # What a sender says goes into a header of ours, so that nothing is passed on but names that we know.
    return known if known in MEDIA_TYPES else "application/octet-stream"
