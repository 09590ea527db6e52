"""C2SP's tlog-proof: one entry's proof in one file that is checked offline, with the checkpoint that it leads to."""

import base64
import re
from dataclasses import dataclass
from typing import Final

from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note, decoded
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import HASH_BYTES, includes, leaf_hash, node_hash

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
# A tree of more entries than that is not counted in 64 bits.
MOST_STEPS: Final = 63


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: the neighbour's hash, whether it stands to the left, and the hash over both."""

    sibling: bytes
    left: bool
    hash: bytes


@dataclass(frozen=True, slots=True)
class EntryProof:
    """Where an entry stands in a log, the path from it to the root, and the signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        """The file, as it is kept and sent."""
        path = "".join(f"{base64.b64encode(step).decode()}\n" for step in self.path)
        return f"{_FIRST_LINE}\nindex {self.index}\n{path}\n{self.note}"

    @classmethod
    def of(cls, written: bytes) -> "EntryProof":
        """A proof as it was sent; LogRefused where it is not written as one."""
        head, blank, note = written.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise LogRefused("proof_wrong", "A proof is not written as one.") from None
        # What anybody may add in `extra` is proven by nothing, so no proof of ours has any and it is passed over.
        if lines and lines[0].startswith("extra "):
            del lines[0]
        found = _INDEX.fullmatch(lines[0]) if lines else None
        if first != _FIRST_LINE or found is None or not blank or len(lines) > MOST_STEPS + 1:
            raise LogRefused("proof_wrong", "A proof is not written as one.")
        path = tuple(decoded(line) for line in lines[1:])
        if any(len(step) != HASH_BYTES for step in path):
            raise LogRefused("proof_wrong", "A step of a proof is no hash.")
        return cls(int(found[1]), path, Note.of(note))

    def steps_for(self, entry: bytes) -> tuple["Step", ...]:
        """The way from an entry up to the root, hash by hash; it leads to the checkpoint's root if `holds_for` says so."""
        place, last, found = self.index, Checkpoint.of(self.note).size - 1, leaf_hash(entry)
        steps: list[Step] = []
        for sibling in self.path:
            left = bool(place & 1) or place == last
            found = node_hash(sibling, found) if left else node_hash(found, sibling)
            steps.append(Step(sibling, left, found))
            while left and place and not place & 1:
                place, last = place >> 1, last >> 1
            place, last = place >> 1, last >> 1
        return tuple(steps)

    def holds_for(self, entry: bytes) -> bool:
        """Whether it proves that this entry stands there; who signed the checkpoint is for the reader's policy."""
        said = Checkpoint.of(self.note)
        return includes(said.root, said.size, leaf_hash(entry), self.index, self.path)
