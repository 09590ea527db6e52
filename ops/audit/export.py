"""Writes an export of the logs into a folder, as `verify_audit.py` and anybody's tools for C2SP's formats read it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import Final

from ops.audit import verify_audit
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note, Signer
from shared.tlog.proofs import EntryProof
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import TILE_WIDTH, Growing, Tile, bundled, nodes_of
from shared.tlog.tree import inclusion_proof, leaf_hash, root_of
from shared.tlog.trust import TrustPolicy

MANIFEST: Final = "manifest"
EXPORT_KEY_SUFFIX: Final = "/exports"
_FIRST_LINE: Final = "avrr-export/1"
_CHECKER: Final = "verify_audit.py"


@dataclass(slots=True)
class ExportFolder:
    """An export while it is written; it is one once `finish` has signed what belongs to it."""

    folder: Path
    policy: TrustPolicy
    _hashes: dict[str, str] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)

    def add_log(self, name: str, note: Note, bundles: Iterable[Sequence[bytes]]) -> None:
        """One log with all of its entries, in runs of 256, the last of which may be shorter.

        Tiles are hashed from the entries. LogRefused where these do not make the root of the checkpoint, which is not trusted
        or of another log: then nothing of it may leave the house.
        """
        said = self.policy.checked(note)
        growing = Growing()
        with (self.folder / "events.ndjson").open("ab") as lines, (self.folder / "events.csv").open("ab") as rows:
            if not rows.tell():
                rows.write(verify_audit.csv_row(verify_audit.COLUMNS))
            for entries in bundles:
                first, leaves = growing.size, [leaf_hash(entry) for entry in entries]
                self._write_tiles(name, growing, leaves)
                self._write(f"{name}/{Tile(0, first // TILE_WIDTH, len(entries)).entries_path}", bundled(entries))
                for place, (leaf, entry) in enumerate(zip(leaves, entries, strict=True), first):
                    lines.write(verify_audit.line_of(name, place, leaf, entry))
                    rows.write(verify_audit.row_of(name, place, leaf, json.loads(entry)))
        for tile, hashes in growing.partials():
            self._write(f"{name}/{tile.path}", hashes)
        nodes = nodes_of(growing.size, lambda tile: (self.folder / name / tile.path).read_bytes())
        if (growing.size, root_of(growing.size, nodes)) != (said.size, said.root):
            raise LogRefused("log_unlike_checkpoint", "The entries of a log do not make the root of its checkpoint.")
        self._write(f"{name}/checkpoint", str(note).encode())
        self._sizes[name] = said.size

    def add_proof(self, name: str, case: str, index: int) -> None:
        """A proof of one entry of a log that was added, with the entry beside it."""
        note = Note.of((self.folder / name / "checkpoint").read_bytes())
        size = Checkpoint.of(note).size
        nodes = nodes_of(size, lambda tile: (self.folder / name / tile.path).read_bytes())
        proof = EntryProof(index, inclusion_proof(index, size, nodes), note)
        first = index - index % TILE_WIDTH
        bundle = self.folder / name / Tile(0, first // TILE_WIDTH, min(TILE_WIDTH, size - first)).entries_path
        entry = verify_audit.entries_of(bundle.read_bytes())[index - first]
        self._write(f"proofs/{case}/{name}-{index}.tlog-proof", str(proof).encode())
        self._write(f"proofs/{case}/{name}-{index}.json", entry)

    def finish(self, since: date, until: date, signer: Signer) -> None:
        """Adds the trusted keys and what checks it all, and signs the list of everything that belongs to the export."""
        self._write("policy", str(self.policy).encode())
        copyfile(verify_audit.__file__, self.folder / _CHECKER)
        for name in (_CHECKER, *verify_audit.VIEWS):
            self._hashes[name] = verify_audit.file_hash(self.folder / name)
        logs = [f"log {name} 0 {size}" for name, size in sorted(self._sizes.items())]
        lines = [f"{hashed}  {name}" for name, hashed in sorted(self._hashes.items())]
        text = "\n".join((_FIRST_LINE, f"from {since}", f"until {until}", *logs, *lines, ""))
        (self.folder / MANIFEST).write_bytes(str(Note(text, (signer.sign(text),))).encode())

    def _write_tiles(self, name: str, growing: Growing, leaves: Sequence[bytes]) -> None:
        for tile, hashes in growing.extend(leaves):
            self._write(f"{name}/{tile.path}", hashes)

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._hashes[name] = sha256(content).hexdigest()
