"""Checkpoints of C2SP's tlog-checkpoint: what a log says it holds, and which of two may follow the other."""

import base64
import re
from dataclasses import dataclass

from shared.tlog.notes import Note, decoded
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import HASH_BYTES

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LATER = re.compile(r"(?P<family>.+)/(?P<generation>[1-9][0-9]{0,3})")



@dataclass(frozen=True, slots=True)
class Origin:
    """Under which name a log is signed: one that was set back, which two persons accepted, goes on under another.

    ``family`` is the log's own name, by which its keys go; its second generation is ``family/2``. One origin never has two
    histories (C2SP tlog-checkpoint), so that what was signed of the lost entries stays true of the former one.
    """

    family: str
    generation: int = 1

    def __str__(self) -> str:
        """As the first line of a checkpoint says it."""
        return self.family if self.generation == 1 else f"{self.family}/{self.generation}"

    @classmethod
    def of(cls, written: str) -> "Origin":
        """The origin that a checkpoint says; whatever is written in no other way than `str` does is a family."""
        found = _LATER.fullmatch(written)
        if found is None or found["generation"] == "1":
            return cls(written)
        return cls(found["family"], int(found["generation"]))

    @property
    def log(self) -> str:
        """Which log of a house this is, as services, archive and exports name it."""
        return self.family.rpartition("/")[2]

    @property
    def next(self) -> "Origin":
        """Under which name the log goes on once it was set back again."""
        return Origin(self.family, self.generation + 1)

    @property
    def former(self) -> "Origin | None":
        """Under which name it was signed before, None of a log that was never set back."""
        return Origin(self.family, self.generation - 1) if self.generation > 1 else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many entries a log has, and the root of the tree over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def of(cls, note: Note) -> "Checkpoint":
        """What a note says of a log; LogRefused where it says anything else, or anything besides.

        Extension lines are allowed by the format and refused here: no log of ours writes any, and nobody audits them.
        """
        lines = note.text.split("\n")
        if len(lines) != 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise LogRefused("checkpoint_wrong", "A checkpoint is an origin, a size and a root, each on a line, and nothing else.")
        root = decoded(lines[2])
        if len(root) != HASH_BYTES:
            raise LogRefused("checkpoint_wrong", "The root of a checkpoint is a hash.")
        return cls(lines[0], int(lines[1]), root)
