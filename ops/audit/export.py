"""Writes an export of the logs into a folder, as `verify_audit.py` and anybody's tools for C2SP's formats read it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from ops.audit import verify_audit, who_acted
from shared.tlog.breaks import Break
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note, Signer
from shared.tlog.proofs import EntryProof
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import TILE_WIDTH, Growing, Tile, bundled, entries_in, nodes_of
from shared.tlog.tree import inclusion_proof, leaf_hash, root_of
from shared.tlog.trust import TrustPolicy

if TYPE_CHECKING:
    from hashlib import _Hash as Digest

MANIFEST: Final = "manifest"
POLICY: Final = "policy"
PROOFS: Final = "proofs"
EXPORT_KEY_SUFFIX: Final = "/exports"
_FIRST_LINE: Final = "avrr-export/1"
# Programs that come with an export: what checks it all, and what makes the tables of who acted.
_PROGRAMS: Final = {"verify_audit.py": Path(verify_audit.__file__), "who_acted.py": Path(who_acted.__file__)}
# What stands in an export beside the folders of its logs.
BESIDE: Final = (MANIFEST, POLICY, PROOFS, *_PROGRAMS, *verify_audit.VIEWS, *who_acted.TABLES)


@dataclass(frozen=True, slots=True)
class Period:
    """Of which events the tables of an export tell: recorded from one moment on to before another, both in whole seconds."""

    since: datetime
    until: datetime

    @property
    def bounds(self) -> tuple[str, str]:
        """Both moments as the manifest says them, in UTC."""
        return f"{self.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", f"{self.until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(slots=True)
class ExportFolder:
    """An export while it is written; it is one once `finish` has signed what belongs to it.

    One that was cut off, or another state of the same logs, is written over: every file ends up as in a new folder, and
    until then there is no manifest. ``cases`` are those of which each event gets a proof of its own, ``names`` those of staff
    by their ids, which no log holds.
    """

    folder: Path
    policy: TrustPolicy
    period: Period
    cases: Collection[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    _bounds: tuple[str, str] = field(init=False)
    _hashes: dict[str, str] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _views: "dict[str, _View]" = field(default_factory=dict)
    _acting: dict[str, who_acted.Acting] = field(default_factory=dict)
    _files: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        # Each event of a log is held to them: written down once, not a million times.
        self._bounds = self.period.bounds

    def __enter__(self) -> Self:
        """Begins, so that whatever stands there counts as no export until it is finished."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for name in verify_audit.VIEWS:
            self._views[name] = _View(self._files.enter_context((self.folder / name).open("wb")))
        self._views["events.csv"].write(verify_audit.csv_row(verify_audit.COLUMNS))
        return self

    def __exit__(self, *_: object) -> None:
        """Closes what is open."""
        self._files.close()

    def log(self, name: str, note: Note) -> "LogFolder":
        """A log that is to be written, the next by its name; LogRefused where its checkpoint is not trusted, or of another log."""
        if any(name <= other for other in self._sizes):
            raise ValueError("logs are written in the order of their names")
        said = self.policy.checked(note)
        if Origin.of(said.origin).log != name:
            raise LogRefused("log_unknown", "The checkpoint is of another log.")
        # Of a log that is written anew all is counted anew.
        self._acting[name] = who_acted.Acting(self._bounds)
        return LogFolder(self, name, note, said)

    def add_log(self, name: str, note: Note, bundles: Iterable[Sequence[bytes]]) -> None:
        """One log with all of its entries, in runs of 256, the last of which may be shorter; LogRefused as of `LogFolder`."""
        log = self.log(name, note)
        for entries in bundles:
            log.add(entries)
        log.finish()

    def add_break(self, name: str, proof: Break, lost: Sequence[bytes]) -> None:
        """Where a log that was set back goes on, with what it lost, as far as anybody has it; LogRefused where the policy has it believed by nothing."""
        proof.checked(self.policy)
        generation = proof.origin.generation
        if proof.origin.log != name:
            raise LogRefused("log_unknown", "The break is of another log.")
        self.write(f"{name}/breaks/{generation}", bytes(proof))
        if lost:
            self.write(f"{name}/breaks/{generation}.lost", bundled(lost))

    def add_tail(self, name: str, number: int, entries: Sequence[bytes]) -> None:
        """What the archive had taken of a log and nobody signed, set apart there; nothing proves it, and whoever checks is told so."""
        self.write(f"{name}/tails/{number}", bundled(entries))

    def add_proof(self, name: str, case: str, index: int) -> None:
        """A proof of one entry of a log that was added, with the entry beside it."""
        note = Note.of((self.folder / name / "checkpoint").read_bytes())
        size = Checkpoint.of(note).size
        nodes = nodes_of(size, lambda tile: (self.folder / name / tile.path).read_bytes())
        proof = EntryProof(index, inclusion_proof(index, size, nodes), note)
        first = index - index % TILE_WIDTH
        bundle = self.folder / name / Tile(0, first // TILE_WIDTH, min(TILE_WIDTH, size - first)).entries_path
        entry = verify_audit.entries_of(bundle.read_bytes())[index - first]
        self.write(f"{PROOFS}/{case}/{name}-{index}.tlog-proof", str(proof).encode())
        self.write(f"{PROOFS}/{case}/{name}-{index}.json", entry)

    def finish(self, signer: Signer) -> None:
        """Adds the trusted keys and what checks it all, and signs the list of everything that belongs to the export."""
        self._files.close()
        self.write(POLICY, str(self.policy).encode())
        for name, path in _PROGRAMS.items():
            copyfile(path, self.folder / name)
            self._hashes[name] = verify_audit.file_hash(self.folder / name)
        for name, table in who_acted.tables(self._acting, self.names).items():
            self.write(name, table)
        self._hashes |= {name: view.hash.hexdigest() for name, view in self._views.items()}
        self._leave_out_what_was_there_before()
        since, until = self._bounds
        logs = [f"log {name} 0 {size}" for name, size in sorted(self._sizes.items())]
        lines = [f"{hashed}  {name}" for name, hashed in sorted(self._hashes.items())]
        text = "\n".join((_FIRST_LINE, f"from {since}", f"until {until}", *logs, *lines, ""))
        _put(self.folder / MANIFEST, str(Note(text, (signer.sign(text),))).encode())

    def write(self, name: str, content: bytes) -> None:
        """A file of the export, whole or not there at all."""
        _put(self.folder / name, content)
        self._hashes[name] = sha256(content).hexdigest()

    def tell(self, name: str, index: int, leaf: bytes, entry: bytes) -> str:
        """An event's lines in the tables, if it is of the period; the case or person to which it belongs."""
        try:
            said = json.loads(entry.decode())
        except ValueError:
            raise LogRefused("log_unlike_checkpoint", "An entry of a log is no event.") from None
        self._acting[name].take(said)
        if verify_audit.within(said, self._bounds):
            self._views["events.ndjson"].write(verify_audit.line_of(name, index, leaf, entry))
            self._views["events.csv"].write(verify_audit.row_of(name, index, leaf, said))
        return str(said.get("partitionkey", ""))

    def marks(self) -> "list[tuple[_View, int, Digest]]":
        """How far the tables are, for whoever may have to write from here on anew."""
        return [(view, view.file.tell(), view.hash.copy()) for view in self._views.values()]

    def added(self, name: str, size: int) -> None:
        """A log stands there with so many entries."""
        self._sizes[name] = size

    def _leave_out_what_was_there_before(self) -> None:
        # Only below what is an export's: tiles that were narrower then, and proofs of cases that nobody asked for now.
        for top in (*self._sizes, PROOFS):
            for path in sorted((self.folder / top).rglob("*"), reverse=True):
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
                elif not path.is_dir() and path.relative_to(self.folder).as_posix() not in self._hashes:
                    path.unlink()


class LogFolder:
    """One log of an export while it is written: tiles are hashed from its entries, and are held to its checkpoint at the end."""

    def __init__(self, export: ExportFolder, name: str, note: Note, said: Checkpoint) -> None:
        self.size = said.size
        self._export, self._name, self._note, self._said = export, name, note, said
        self._growing = Growing()
        self._of_cases: list[tuple[str, int]] = []
        self._marks = export.marks()

    def held(self, index: int) -> list[bytes] | None:
        """The entries of a bundle that an earlier run left here with their hashes; None if they are not there, or others.

        That both are those of the log is for `finish` to say, as of all others.
        """
        first = index * TILE_WIDTH
        tile = Tile(0, index, min(TILE_WIDTH, self.size - first))
        log = self._export.folder / self._name
        try:
            found = entries_in((log / tile.entries_path).read_bytes())
            hashes = (log / tile.path).read_bytes()
        except (OSError, LogRefused):
            return None
        return found if len(found) == tile.width and b"".join(map(leaf_hash, found)) == hashes else None

    def undo(self) -> None:
        """Takes what was written of this log out of the tables, so that it can be written anew."""
        for view, length, hashed in self._marks:
            view.back_to(length, hashed)

    def add(self, entries: Sequence[bytes]) -> None:
        """The next 256 entries, or the last ones."""
        export, name = self._export, self._name
        first, leaves = self._growing.size, [leaf_hash(entry) for entry in entries]
        for tile, hashes in self._growing.extend(leaves):
            export.write(f"{name}/{tile.path}", hashes)
        export.write(f"{name}/{Tile(0, first // TILE_WIDTH, len(entries)).entries_path}", bundled(entries))
        for index, (leaf, entry) in enumerate(zip(leaves, entries, strict=True), first):
            case = export.tell(name, index, leaf, entry)
            if case in export.cases:
                self._of_cases.append((case, index))

    def finish(self) -> None:
        """Adds the checkpoint; LogRefused where the entries do not make its root: then nothing of it may leave the house."""
        export, name, growing = self._export, self._name, self._growing
        for tile, hashes in growing.partials():
            export.write(f"{name}/{tile.path}", hashes)
        nodes = nodes_of(growing.size, lambda tile: (export.folder / name / tile.path).read_bytes())
        if (growing.size, root_of(growing.size, nodes)) != (self._said.size, self._said.root):
            raise LogRefused("log_unlike_checkpoint", "The entries of a log do not make the root of its checkpoint.")
        export.write(f"{name}/checkpoint", str(self._note).encode())
        export.added(name, growing.size)
        for case, index in self._of_cases:
            export.add_proof(name, case, index)


class _View:
    """A table while it is written, with its hash."""

    def __init__(self, file: BinaryIO) -> None:
        self.hash, self.file = sha256(), file

    def write(self, line: bytes) -> None:
        self.file.write(line)
        self.hash.update(line)

    def back_to(self, length: int, hashed: "Digest") -> None:
        self.file.seek(length)
        self.file.truncate()
        self.hash = hashed


def programs() -> dict[str, str]:
    """The SHA-256 of each program that comes with an export, by its name."""
    return {name: verify_audit.file_hash(path) for name, path in _PROGRAMS.items()}


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whoever is cut off leaves no part of a file behind, which the next run would take for the whole.
    being_written = path.with_name(f".{path.name}.part")
    being_written.write_bytes(content)
    being_written.replace(path)
