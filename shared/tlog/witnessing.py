"""C2SP's tlog-witness without its wire: what a witness is asked, what it answers, and what it has to remember before it does."""

import base64
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note, Signer, VerifierKey, decoded
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import EMPTY_ROOT, HASH_BYTES, continues

MOST_STEPS: Final = 63
MOST_REQUEST_BYTES: Final = 1 << 18
TEXT: Final = "text/plain; charset=utf-8"
SIZE: Final = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A checkpoint that a witness is shown, with the proof that it continues the one of ``old`` entries."""

    old: int
    path: tuple[bytes, ...]
    note: Note

    def __bytes__(self) -> bytes:
        """The request's body."""
        path = "".join(f"{base64.b64encode(step).decode()}\n" for step in self.path)
        return f"old {self.old}\n{path}\n{self.note}".encode()

    @classmethod
    def of(cls, body: bytes) -> "AddCheckpoint":
        """What a body asks; LogRefused where it is not written as such a request."""
        head, blank, note = body.partition(b"\n\n")
        if len(body) > MOST_REQUEST_BYTES or not blank:
            raise LogRefused("request_wrong", "This is not written as a request to a witness.")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise LogRefused("request_wrong", "This is not written as a request to a witness.") from None
        found = _OLD.fullmatch(first)
        path = tuple(decoded(line) for line in lines)
        if found is None or len(path) > MOST_STEPS or any(len(step) != HASH_BYTES for step in path):
            raise LogRefused("request_wrong", "This is not written as a request to a witness.")
        return cls(int(found[1]), path, Note.of(note))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a witness remembers of a log: the largest checkpoint that it signed."""

    size: int
    root: bytes


NOTHING_SEEN: Final = Seen(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body with its type, and what has to be remembered durably before it is sent; None: nothing new."""

    status: Literal[200, 400, 403, 404, 409, 422]
    body: str
    media_type: str = TEXT
    seen: Seen | None = None


def answer(asked: AddCheckpoint, seen: Seen | None, keys: Collection[VerifierKey], signer: Signer, at: int) -> Answer:
    """What a witness says to a checkpoint of a log with these keys of which it has seen that much, at second ``at`` (since 1970, UTC).

    Whoever calls holds the log's turn from reading ``seen`` until what is to be remembered is durable.
    """
    said = Checkpoint.of(asked.note)
    if not keys:
        return Answer(404, "This log is not known here.\n")
    try:
        signed = asked.note.signed_by(keys)
    except LogRefused:
        signed = {}
    if not any(key.name == said.origin for key in signed):
        return Answer(403, "No key of this log signed the checkpoint.\n")
    if asked.old > said.size:
        return Answer(400, "A log does not grow shorter.\n")
    known = seen or NOTHING_SEEN
    if asked.old != known.size or (known.size == said.size and known.root != said.root):
        return Answer(409, f"{known.size}\n", SIZE)
    if not continues(known.root, known.size, said.root, said.size, asked.path):
        return Answer(422, "The proof does not show that the log only grew.\n")
    return Answer(200, f"{signer.sign(asked.note.text, at)}\n", seen=Seen(said.size, said.root))


def keys_of(origin: str, known: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
    """The keys of one log among those that are known, each under the name of this generation of it."""
    family = Origin.of(origin).family
    return tuple(key.under(origin) for key in known if key.name == family)


def is_open(origin: str, seen: Callable[[str], Seen | None]) -> bool:
    """Whether a witness that has ``seen`` so much signs this generation of a log: nothing more once it saw the next one.

    Whoever were shown more of a former generation could not tell that the log went on under another name.
    """
    return seen(str(Origin.of(origin).next)) is None
