"""Checkpoints of C2SP's tlog-checkpoint: what a log says it holds, and which of two may follow the other."""

import base64
import re
from dataclasses import dataclass

from shared.tlog.notes import Note, decoded
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import HASH_BYTES

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


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
