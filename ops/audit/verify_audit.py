"""Checks an export of avrr's logs, offline: python3 verify_audit.py DIR --policy KEYS [--since OLD_DIR].

Needs Python 3.11 and the package `cryptography`, nothing of avrr. KEYS is the file of trusted keys that you were given on
paper or by signed mail; without it the export's own is used, which then proves nothing about who made it. OLD_DIR is an
export that you kept, or the folder of its checkpoints: no log may say anything else of what it held then.

Ends with 0 and "Nothing was found" if all holds, with 1 and a sentence for each finding otherwise. Before that stands of each
log how much of it was seen, and when: what a log recorded later is not in the export, and nothing is found of it. A log that was
set back to an earlier time goes on under another name; where, how much it lost and who accepted that is said as well, and proven.

Formats: RFC 6962 (the tree), C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-policy, tlog-proof.
"""

import argparse
import base64
import bisect
import csv
import io
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from itertools import takewhile
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256
VIEWS = ("events.ndjson", "events.csv")
COLUMNS = (
    "log", "index", "leaf_hash", "id", "type", "time", "subject", "partitionkey", "aggregateversion", "actorid", "actorrole",
    "correlationid", "causationid",
)  # fmt: skip
Hash = bytes


class Wrong(Exception):
    """What is found; the sentence is told."""


# --- The tree (RFC 6962, 2.1) -----------------------------------------------------------------------------------------------

def leaf_hash(entry: bytes) -> Hash:
    """The hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """The hash over two neighbours."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The full subtrees at the left of a growing tree, each with its height; neighbours of one height become one."""

    def __init__(self, subtrees: Iterable[tuple[int, Hash]] = (), hashes: Iterable[Hash] = ()) -> None:
        self.subtrees = list(subtrees)
        for found in hashes:
            self.put(0, found)

    def put(self, height: int, found: Hash) -> None:
        """One more full subtree at the right."""
        while self.subtrees and self.subtrees[-1][0] == height:
            found = node_hash(self.subtrees.pop()[1], found)
            height += 1
        self.subtrees.append((height, found))

    def root(self) -> Hash:
        """The root over everything until now."""
        if not self.subtrees:
            return sha256(b"").digest()
        found = self.subtrees[-1][1]
        for _, left in self.subtrees[-2::-1]:
            found = node_hash(left, found)
        return found


def siblings(place: int, last: int, path: list[Hash]) -> Iterator[tuple[Hash, bool]]:
    """Each hash of a path, and whether it is the left one of both neighbours; Wrong where the path does not end at the root."""
    for sibling in path:
        if not last:
            raise Wrong("the path of a proof is too long")
        left = place % 2 == 1 or place == last
        yield sibling, left
        while left and place and place % 2 == 0:
            place, last = place // 2, last // 2
        place, last = place // 2, last // 2
    if last:
        raise Wrong("the path of a proof is too short")


def proven_root(entry: bytes, index: int, size: int, path: list[Hash]) -> Hash:
    """The root to which a path leads from an entry (RFC 9162, 2.1.3.2); Wrong where it cannot be that entry's path."""
    if not 0 <= index < size:
        raise Wrong("a proof is about an entry that its checkpoint does not cover")
    found = leaf_hash(entry)
    for sibling, left in siblings(index, size - 1, path):
        found = node_hash(sibling, found) if left else node_hash(found, sibling)
    return found


def continues(old_root: Hash, old: int, new_root: Hash, new: int, path: list[Hash]) -> bool:
    """Whether a path proves that the second tree begins with the first one (RFC 9162, 2.1.4.2), or nothing has to be; Wrong where the path has another length."""
    if old in (0, new):
        return not path and old <= new and old_root == (new_root if old == new else Tree().root())
    hashes = path if old & (old - 1) else [old_root, *path]
    if old > new or not hashes:
        return False
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place // 2, last // 2
    first = second = hashes[0]
    for sibling, left in siblings(place, last, hashes[1:]):
        first = node_hash(sibling, first) if left else first
        second = node_hash(sibling, second) if left else node_hash(second, sibling)
    return (first, second) == (old_root, new_root)


# --- Signed notes and the policy of trusted keys (C2SP) -----------------------------------------------------------------------

def decoded(written: str) -> bytes:
    """What stands there in base 64, if it is written in the one way in which it can be."""
    try:
        found = base64.b64decode(written, validate=True)
    except ValueError:
        raise Wrong("something is not written in base 64") from None
    if base64.b64encode(found).decode() != written:
        raise Wrong("something is written in base 64 in a second way")
    return found


@dataclass(frozen=True)
class Key:
    """Type 1 signs a checkpoint, type 4 is a witness's and signs when it saw the checkpoint, too."""

    name: str
    id: bytes
    type: int
    public: bytes

    @classmethod
    def of(cls, written: str) -> "Key":
        """A key as it is written: name, id and the type before its 32 bytes."""
        name, id_, blob = [*written.split("+", 2), "", ""][:3]
        key = decoded(blob)
        hashed = sha256(name.encode() + b"\n" + key).digest()[:4]
        if len(key) != 33 or key[0] not in (1, 4) or not name or id_ != hashed.hex():
            raise Wrong("a key in the policy is not one of Ed25519, or not written as its id says")
        return cls(name, hashed, key[0], key[1:])

    def under(self, name: str) -> "Key":
        """The same key under another name of its log."""
        return Key(name, sha256(name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4], self.type, self.public)

    def signed(self, text: str, blob: bytes) -> bool:
        """Whether this key signed that text."""
        said = text.encode()
        if self.type == 4:
            seconds, blob = int.from_bytes(blob[:8], "big"), blob[8:]
            said = f"cosignature/v1\ntime {seconds}\n".encode() + said
        with suppress(InvalidSignature):
            Ed25519PublicKey.from_public_bytes(self.public).verify(blob, said)
            return True
        return False


@dataclass
class Policy:
    """Whose signatures are asked for: one of the log's keys, and enough of the witnesses', or of the past of ``former`` ones, each until a moment."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    quorum: str = ""
    former: list[tuple[str, int, list[Key]]] = field(default_factory=list)

    @classmethod
    def of(cls, written: str) -> "Policy":
        """A policy as it is written, line by line."""
        policy = cls()
        for line in written.split("\n"):
            match line.split():
                case ["log", key, *rest] if len(rest) < 2:
                    policy.logs.append(Key.of(key))
                case ["witness", name, key, *rest] if len(rest) < 2:
                    policy.witnesses[name] = Key.of(key)
                case ["group" | "#former" as kind, name, enough, *names] if kind == "group" or MOMENT.fullmatch(name):
                    least = {"any": "1", "all": str(len(names))}.get(enough, enough)
                    if not least.isdecimal() or not 1 <= int(least) <= len(names) or len(set(names)) < len(names):
                        raise Wrong("a group of witnesses in the policy asks for none of them, or for more than it has")
                    if kind == "group":
                        policy.groups[name] = (int(least), names)
                    else:
                        policy.former.append((name, int(least), [Key.of(key) for key in names]))
                case ["quorum", name] if not policy.quorum:
                    policy.quorum = name
                case [first, *_] if first == "#former" or not first.startswith("#"):
                    raise Wrong("a line of the policy cannot be read")
        if policy.quorum not in ("none", *policy.witnesses, *policy.groups):
            raise Wrong("the policy does not say whose word is asked for")
        return policy

    def saw(self, name: str, signers: set[Key]) -> bool:
        """Whether this witness, or enough of this group, is among those who signed."""
        if name in self.groups:
            enough, names = self.groups[name]
            return sum(self.saw(one, signers) for one in names) >= enough
        return name in self.witnesses and self.witnesses[name] in signers


@dataclass(frozen=True)
class Checkpoint:
    """What a log says it holds: which log of the house, and which generation of it (the second one after it was set back once).

    ``seen`` is when a witness saw that, seconds since 1970, UTC, or 0.
    """

    origin: str
    log: str
    generation: int
    size: int
    root: Hash
    seen: int = field(compare=False)


def checkpoint(note: bytes, policy: Policy, past: bool = False) -> Checkpoint:
    """The checkpoint that a note is, if the policy trusts who signed it; of the ``past`` also who saw it while they were asked. Else Wrong."""
    try:
        said = note.decode("utf-8")
    except UnicodeDecodeError:
        raise Wrong("the checkpoint is no text") from None
    text, blank, lines = said.rpartition("\n\n")
    found = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([^\n]+)", text)
    if not blank or not lines.endswith("\n") or found is None or len(decoded(found[3])) != 32:
        raise Wrong("the checkpoint is not written as one")
    # X/2 is the second generation of the log X, whose keys sign that name too.
    again = re.fullmatch(r"(.+)/([2-9]|[1-9][0-9]{1,3})", found[1])
    family, generation = (again[1], int(again[2])) if again else (found[1], 1)
    ours = [key.under(found[1]) for key in policy.logs if key.name == family]
    former = policy.former if past else []
    trusted = (*policy.logs, *ours, *policy.witnesses.values(), *(key for _, _, keys in former for key in keys))
    known, signers = {(key.name, key.id): key for key in trusted}, dict[Key, int]()
    for line in lines.split("\n")[:-1]:
        signature = re.fullmatch(r"— (\S+) (\S+)", line)
        if signature is None:
            raise Wrong("the checkpoint is not written as one")
        blob = decoded(signature[2])
        key = known.get((signature[1], blob[:4]))
        if key is not None and not key.signed(text + "\n", blob[4:]):
            raise Wrong(f"the signature of {key.name} on the checkpoint is false")
        if key is not None:
            signers[key] = int.from_bytes(blob[4:12], "big") if key.type == 4 else 0
    if not any(key in signers for key in ours):
        raise Wrong("no key of this log that you trust signed the checkpoint")
    in_time = (sum(key in signers and moment(signers[key]) < until for key in keys) >= enough for until, enough, keys in former)
    if policy.quorum != "none" and not policy.saw(policy.quorum, {*signers}) and not any(in_time):
        raise Wrong("too few of the witnesses that you trust saw the checkpoint")
    return Checkpoint(found[1], family.rpartition("/")[2], generation, int(found[2]), decoded(found[3]), max(signers.values()))


def numbered(word: str, lines: list[str]) -> tuple[int, list[Hash]]:
    """The number that stands after a word in the first of these lines, and the path in the others."""
    found = re.fullmatch(rf"{word} (0|[1-9][0-9]{{0,18}})", lines[0]) if lines else None
    if found is None:
        raise Wrong(f"a proof does not say its number ({word})")
    return int(found[1]), [decoded(line) for line in lines[1:]]


def proven(proof: bytes, entry: bytes, policy: Policy, past: bool = False) -> tuple[int, Checkpoint]:
    """At which index an entry stands in the tree of which checkpoint (C2SP tlog-proof); Wrong where its proof does not hold."""
    head, _, note = proof.partition(b"\n\n")
    first, *lines = head.decode("utf-8", "replace").split("\n")
    if first != "c2sp.org/tlog-proof@v1":
        raise Wrong("a proof is not written as one")
    (index, path), said = numbered("index", lines), checkpoint(note, policy, past)
    if proven_root(entry, index, said.size, path) != said.root:
        raise Wrong("a proof does not hold for its entry")
    return index, said


# --- The files of one log (C2SP tlog-tiles) -----------------------------------------------------------------------------------

def tile_name(index: int, width: int) -> str:
    """The end of a tile's path: 1234067 is x001/x234/067, and one that is not full says how wide it is."""
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03}")
    return "/".join(parts) + ("" if width == WIDTH else f".p/{width}")


def entries_of(bundle: bytes, name: str = "a bundle") -> list[bytes]:
    """The entries of a bundle, each of which stands after its length in two bytes."""
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if at + 2 > len(bundle) or end > len(bundle):
            raise Wrong(f"{name} ends within an entry")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


class Log:
    """One log's folder: every tile is hashed from what lies below it, up to the root that its checkpoint says."""

    def __init__(self, folder: Path, size: int = 0) -> None:
        self.folder, self.size = folder, size
        self.read: set[Path] = set()
        # The tree as it was at each size that was asked for.
        self.trees: dict[int, Tree] = {0: Tree()}

    def bytes_of(self, name: str) -> bytes:
        """A file of the log, which is thereby one that it has to have."""
        path = self.folder / name
        self.read.add(path)
        try:
            return path.read_bytes()
        except OSError:
            raise Wrong(f"{name} is missing") from None

    def entries(self, sizes: dict[int, Hash]) -> Iterator[tuple[int, Hash, bytes]]:
        """Each entry after its leaf's hash; fills in the root at each of these sizes."""
        tree = Tree()
        full: list[Hash] = []
        for first in range(0, self.size, WIDTH):
            width = min(WIDTH, self.size - first)
            name = tile_name(first // WIDTH, width)
            hashes = self.bytes_of(f"tile/0/{name}")
            entries = entries_of(self.bytes_of(f"tile/entries/{name}"), f"tile/entries/{name}")
            if (len(hashes), len(entries)) != (32 * width, width):
                raise Wrong(f"tile/0/{name} and tile/entries/{name} have not the {width} entries that they have to have")
            leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
            for index, (leaf, entry) in enumerate(zip(leaves, entries, strict=True), first):
                if leaf_hash(entry) != leaf:
                    raise Wrong(f"entry {index} is not the one that the log's tree has there")
                yield index, leaf, entry
            for at in [at for at in sizes if first < at <= first + width]:
                self.trees[at] = Tree(tree.subtrees, leaves[: at - first])
                sizes[at] = self.trees[at].root()
            own = Tree(hashes=leaves)
            for height, found in own.subtrees:
                tree.put(height, found)
            full += [own.root()] if width == WIDTH else []
        self._check_above(full)
        sizes |= {0: Tree().root(), self.size: tree.root()}

    def _check_above(self, hashes: list[Hash]) -> None:
        """The tiles of the levels above: each holds the hashes of the full ones below it."""
        level = 1
        while hashes:
            tiles = [hashes[first : first + WIDTH] for first in range(0, len(hashes), WIDTH)]
            for index, tile in enumerate(tiles):
                name = f"tile/{level}/{tile_name(index, len(tile))}"
                if self.bytes_of(name) != b"".join(tile):
                    raise Wrong(f"{name} has other hashes than what lies below it")
            level, hashes = level + 1, [Tree(hashes=tile).root() for tile in tiles if len(tile) == WIDTH]


# --- A log that was set back -----------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Break:
    """Where a log was set back: its last checkpoint of before, the first one of its next name, who accepted it, and how many entries are gone."""

    kept: int
    root: Hash
    closed: Checkpoint
    begun: Checkpoint
    said: str
    lost: list[bytes]
    gone: int

    @classmethod
    def of(cls, name: str, written: bytes, lost: list[bytes], policy: Policy) -> "Break":
        """What the file of a break says, with the entries that were lost, as far as they are there; Wrong where its proofs do not hold."""
        try:
            told = json.loads(written)
            (kept, before, closing), (again, after, beginning) = (_shown(told[part]) for part in ("closed", "begun"))
            words = [(one["proof"].encode(), one["entry"].encode()) for one in told["accepted"]]
            first, second = (json.loads(entry) for _, entry in words)
            said, word = first["data"], second["data"]
            root, persons, known = bytes.fromhex(said["root"]), (first["actorid"], second["actorid"]), said["known"]
            ours = (first["type"], second["type"]) == tuple(f"avrr.{name}.restore.{kind}.v1" for kind in ("acceptance_proposed", "accepted"))
            one = (first["subject"], said["kept"], known) == (second["subject"], word["kept"], word["known"])
            named = persons == (said["proposed_by"], word["accepted_by"])
            roles, when, why = (first["actorrole"], second["actorrole"]), str(word["accepted_at"]), said["reason"]
            counted = type(known) is int and kept <= known
            as_written = f"{json.dumps(told, indent=1, ensure_ascii=False)}\n".encode() == written
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise Wrong("its break is not written as one") from None
        if not as_written:
            raise Wrong("its break is written in a second way")
        if not ours or not one or not named or not counted or said["kept"] != kept or again != kept:
            raise Wrong("the entries that are to have accepted its break do not")
        if persons[0] == persons[1]:
            raise Wrong("one person alone accepted its break")
        closed, begun = checkpoint(closing, policy, past=True), checkpoint(beginning, policy, past=True)
        smaller, larger = sorted(((closed.size, closed.root), (kept, root)))
        if not continues(root, kept, begun.root, begun.size, after) or not continues(smaller[1], smaller[0], larger[1], larger[0], before):
            raise Wrong("what is said to be kept at its break is not how both its histories begin")
        (proposed, of), (accepted, also) = (proven(proof, entry, policy, past=True) for proof, entry in words)
        if not (of == also == begun and kept <= proposed < accepted):
            raise Wrong("its break was accepted by entries that do not stand behind what was kept")
        gone = max(closed.size, known, kept + len(lost)) - kept
        told_of = f"{kept} entries were kept and {gone} lost, of which {len(lost)} are here; {persons[0]} ({roles[0]}) and {persons[1]} ({roles[1]})"
        return cls(kept, root, closed, begun, f"{told_of} accepted it at {when} ({why}), and it goes on as {begun.origin}", lost, gone)


def _shown(written: str) -> tuple[int, list[Hash], bytes]:
    """What C2SP's tlog-witness is asked: how many entries there were, the path, and the note."""
    head, _, note = written.partition("\n\n")
    return *numbered("old", head.split("\n")), note.encode()


class History:
    """Every generation that a log had: each is what the next one kept of it, and the entries that it lost."""

    def __init__(self, log: Log, generation: int, breaks: dict[int, Break]) -> None:
        self.log, self.generation, self.breaks = log, generation, breaks

    def root(self, generation: int, size: int) -> Hash | None:
        """The root over the first entries that a generation had; None where they are not all here."""
        found = self._tree(generation, size)
        return found.root() if found is not None else None

    def _tree(self, generation: int, size: int) -> Tree | None:
        if generation == self.generation:
            if size > self.log.size:
                return None
            if size not in self.log.trees:
                for _ in self.log.entries({size: b""}):
                    pass
            return Tree(self.log.trees[size].subtrees)
        after = self.breaks[generation + 1]
        more = size - after.kept
        tree = self._tree(generation + 1, min(size, after.kept))
        if tree is None or more > len(after.lost):
            return None
        for entry in after.lost[: max(more, 0)]:
            tree.put(0, leaf_hash(entry))
        return tree


# --- The whole export -----------------------------------------------------------------------------------------------------------

MOMENT = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z")


class Times:
    """When a log's entries say that they were recorded, held to when a witness saw them and to the entries before."""

    def __init__(self, seen: int, covered: str) -> None:
        # No two clocks go quite alike.
        self.end = moment(seen + 120)[:19] if seen else "9999"
        self.covered, self.newest, self.bound = covered, "", ""
        # Which say a later time than that, and which one of more than an hour before an earlier entry's.
        self.late, self.early = list[int](), list[int]()
        # The last one from before the moment until which all logs are here: whatever stands before it is from before that too.
        self.sure = -1

    def put(self, index: int, time: str) -> None:
        """The next entry; ValueError where it says no time."""
        if MOMENT.fullmatch(time) is None:
            raise ValueError
        if time < self.covered:
            self.sure = index
        if time[:19] > self.end:
            self.late.append(index)
        elif time[:16] < self.bound:
            self.early.append(index)
        elif time[:16] > self.newest:
            self.newest, self.bound = time[:16], (datetime.fromisoformat(time) - timedelta(hours=1)).isoformat()[:16]


class Export:
    """Everything that is looked at, and each finding as it is made."""

    def __init__(self, folder: Path, policy: Policy, old: Path | None, tell: Callable[[str], None]) -> None:
        self.folder, self.policy, self.old, self._tell = folder, policy, old, tell
        self.found = self.events = 0
        self.complete, self.period = True, ("", "")
        self.said, self.remarks, self.histories = dict[str, Checkpoint](), list[str](), dict[str, History]()
        # How many entries were lost where logs were set back and are not here, and how many causes may be among them.
        self.not_here = self.unsure = 0
        # What was recorded later may have a cause that its log's checkpoint, being older, does not cover yet.
        self.covered = "9999"
        # Of each event its id and the start of its leaf's hash, and the same of each cause with whose it is: packed, for they are many.
        self.known, self.causes = list[bytes](), list[bytes]()
        self.unsigned, self.times = set[bytes](), dict[str, Times]()
        # Of each payment where it stands, its day and its grant; and of each sample of vouchers where it was asked for, and how.
        self.paid, self.asked = list[tuple[int, str, str]](), dict[str, tuple[int, dict[str, Any]]]()
        self.views = {name: sha256() for name in VIEWS}
        self.views["events.csv"].update(csv_row(COLUMNS))

    def tell(self, sentence: str) -> None:
        """One finding."""
        self.found += 1
        self._tell(sentence)

    def check(self) -> None:
        """Everything, one after the other; what is wrong with one part keeps no other from being looked at."""
        parts = self.manifest()
        logs = sorted(parts.keys() | {path.parent.name for path in self.folder.glob("*/checkpoint")})
        for name in logs:
            with suppress(OSError, Wrong):
                self.said[name] = checkpoint((self.folder / name / "checkpoint").read_bytes(), self.policy)
        self.covered = self.covered_until(logs)
        for name in logs:
            try:
                self.log(name, *parts.get(name, (0, None)))
            except Wrong as wrong:
                self.complete = False
                self.tell(f"{name}: {wrong}.")
        self.withheld()
        self.since(logs)
        if self.complete:
            self.links()
            for name, hashed in self.views.items():
                path = self.folder / name
                if path.exists() and file_hash(path) != hashed.hexdigest():
                    self.tell(f"{name}: it does not say what the entries of the logs say.")
        else:
            self.tell("Of causes and of the tables nothing could be checked, for not every log is whole.")
        for path in sorted(self.folder.glob("proofs/**/*.tlog-proof")):
            try:
                proven(path.read_bytes(), path.with_suffix(".json").read_bytes(), self.policy)
            except (OSError, Wrong) as wrong:
                self.tell(f"{path.relative_to(self.folder)}: {wrong if isinstance(wrong, Wrong) else 'it is missing, or the entry that it is about'}.")

    def manifest(self) -> dict[str, tuple[int, int]]:
        """Which entries of which logs there have to be; told where a file is missing, more, or another than was signed."""
        logs, listed = dict[str, tuple[int, int]](), dict[str, str]()
        try:
            logs, listed, self.period = manifest_of((self.folder / "manifest").read_bytes(), self.policy)
        except (OSError, Wrong) as wrong:
            self.tell(f"manifest: {wrong if isinstance(wrong, Wrong) else 'it is missing'}.")
        there = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if not path.is_dir()}
        for name in sorted(there - listed.keys() - {"manifest"}):
            self.tell(f"{name}: it does not belong to the export.")
        for name in sorted({*listed, *VIEWS}):
            if name not in there:
                self.tell(f"{name}: it is missing.")
            elif name in listed and file_hash(self.folder / name) != listed[name]:
                self.tell(f"{name}: it is not the file that was exported.")
        return logs

    def log(self, name: str, first: int, end: int | None) -> None:
        """One log: who signed, every hash of its tree, and what each of its entries says by itself."""
        said = checkpoint(Log(self.folder / name).bytes_of("checkpoint"), self.policy)
        if said.log != name:
            raise Wrong(f"its checkpoint is of the log {said.origin}")
        log, sizes = Log(self.folder / name, said.size), {said.size: b""}
        history = self.histories[name] = History(log, said.generation, self.breaks(log, name, said.generation))
        for one in history.breaks.values():
            sizes |= dict.fromkeys((min(size, said.size) for size in (one.kept, one.begun.size, one.closed.size)), b"")
        if (first, said.size if end is None else end) != (0, said.size):
            self.tell(f"{name}: the manifest has its entries from {first} to before {end}, and its checkpoint is of {said.size}.")
        versions, before = dict[str, int](), len(self.known)
        times = self.times[name] = Times(said.seen, self.covered)
        for index, leaf, entry in log.entries(sizes):
            try:
                self.entry(name, index, leaf, entry, versions)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                raise Wrong(f"entry {index} is no event") from None
        if sizes[said.size] != said.root:
            raise Wrong(f"the root over its {said.size} entries is not the one that its checkpoint says")
        self.dated(name, said.origin, times)
        lost = [self.broken(name, history, generation) for generation in sorted(history.breaks)]
        low = min((one.kept for one in history.breaks.values()), default=said.size)
        # Each history from where the first of them parts, the latest first; a place of which nothing is proven is like no other.
        held = [self.known[before + low :]]
        for one, known in zip(reversed(history.breaks.values()), reversed(lost), strict=True):
            kept, after = one.kept - low, held[-1]
            held.append([*after[:kept], *[b""] * (kept - len(after)), *known])
            # What a later history has alike up to there stands in the log as well, or among what was lost since.
            self.known += known[max(kept, *(sum(takewhile(bool, map(bytes.__eq__, held[-1], other))) for other in held[:-1])) - kept :]
        for tail in sorted(f"tails/{path.name}" for path in log.folder.glob("tails/*")):
            self.unsigned.update(known := self.ids(apart := entries_of(log.bytes_of(tail), tail)))
            unread = f" {len(apart) - len(known)} of them are no event." if len(known) < len(apart) else ""
            self.remarks.append(f"Log {name}: its archive had taken {len(apart)} entries that nobody signed ({tail}): they are proven by nothing.{unread}")
        for path in sorted(path for path in log.folder.rglob("*") if path.is_file() and path not in log.read):
            if path.name != "checkpoint" or path.parent != log.folder:
                self.tell(f"{name}: {path.relative_to(log.folder)} is no file of a log that holds {said.size} entries.")

    def breaks(self, log: Log, name: str, generation: int) -> dict[int, Break]:
        """Every break of a log, by the generation that began there; Wrong where one is missing or proves nothing."""
        found: dict[int, Break] = {}
        for begins in range(2, generation + 1):
            path = f"breaks/{begins}.lost"
            lost = entries_of(log.bytes_of(path), path) if (log.folder / path).exists() else []
            one = found[begins] = Break.of(name, log.bytes_of(f"breaks/{begins}"), lost, self.policy)
            if (one.closed.log, one.closed.generation, one.begun.log, one.begun.generation) != (name, begins - 1, name, begins):
                raise Wrong(f"breaks/{begins} is not of this log, or of another of its names")
        return found

    def broken(self, name: str, history: History, generation: int) -> list[bytes]:
        """One break against the entries that there are: what was kept, what was lost, of which it answers the ids, and what was signed before and after."""
        one = history.breaks[generation]
        begun = history.root(generation, one.begun.size)
        if history.root(generation, one.kept) != one.root or begun not in (one.begun.root, None):
            raise Wrong(f"its entries are not those behind which it goes on as {one.begun.origin}")
        if generation == history.generation and begun is None:
            raise Wrong(f"its checkpoint is older than the first one that was seen of {one.begun.origin}")
        closed = history.root(generation - 1, one.closed.size)
        if closed not in (one.closed.root, None):
            raise Wrong(f"the entries that it lost are not those that were signed as {one.closed.origin}")
        signed = one.lost[: max(one.closed.size - one.kept, 0)] if closed is not None else []
        # What nothing proves may be anything: it is no entry that others could name as their cause.
        self.not_here += one.gone - len(signed)
        if len(one.lost) > len(signed):
            why = "for others of them are not here" if closed is None else "for they were never signed"
            self.remarks.append(f"Log {name}: {len(one.lost) - len(signed)} of the entries that it is to have lost are proven by nothing, {why}.")
        if len(known := self.ids(signed)) < len(signed):
            raise Wrong("an entry that it lost is no event")
        self.remarks.append(f"Log {name} was set back to an earlier time: {one.said}.")
        return known

    def ids(self, entries: list[bytes]) -> list[bytes]:
        """The id and the start of the leaf's hash of each of these, which stand in no log, that is an event."""
        found: list[bytes] = []
        for entry in entries:
            with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
                found.append(id_of(json.loads(entry, parse_int=str)["id"]) + leaf_hash(entry)[:16])
        return found

    def dated(self, name: str, origin: str, times: Times) -> None:
        """Whether the times that a log's entries say can be true."""
        late, early = "a later time than a witness saw them", "a time of more than an hour before one that an earlier entry says"
        for found, what in ((times.late, late), (times.early, early)):
            said = f"{len(found)} entries say {what}, the first of them entry {found[0]}." if found else ""
            # Under such a name a year is replayed, on one machine and by whatever times are asked for.
            if said and ".localhost/" in origin:
                self.remarks.append(f"Log {name}: {said}")
            elif said:
                self.tell(f"{name}: {said}")

    def entry(self, name: str, index: int, leaf: Hash, entry: bytes, versions: dict[str, int]) -> None:
        """One event: of its log, with the next version of its subject, and what it says led to it; any error if it is none."""
        said = json.loads(entry)
        id_, subject, version = id_of(said["id"]), said["subject"], said["aggregateversion"]
        if type(subject) is not str or type(version) is not int:
            raise ValueError
        self.times[name].put(index, said["time"])
        if said.get("source") != f"urn:avrr:{name}":
            self.tell(f"{name}: entry {index} says that another service recorded it.")
        before = versions.get(subject, 0)
        if version != before + 1:
            self.tell(f"{name}: entry {index} is version {version} of its subject, and the one before was {before}.")
        versions[subject] = version
        self.events += 1
        self.known.append(id_ + leaf[:16])
        if name == "reintegration" and not self._drawn_as_its_seeds_draw(index, subject, said.get("type"), said["data"]):
            self.tell(f"{name}: entry {index} says that a sample of vouchers was drawn, and its seeds draw another from the payments before it.")
        if "causationid" in said:
            cause = id_of(said["causationid"]) + bytes.fromhex(said.get("causeleafhash", ""))[:16].ljust(16)
            self.causes.append(cause + index.to_bytes(8, "big") + name.encode())
        if within(said, self.period):
            self.views["events.ndjson"].update(line_of(name, index, leaf, entry))
            self.views["events.csv"].update(row_of(name, index, leaf, said))

    def _drawn_as_its_seeds_draw(self, index: int, subject: str, kind: str, data: dict[str, Any]) -> bool:
        """Whether an event that says which grants were drawn names those whose hash with both seeds is smallest; true of all others."""
        if kind == "avrr.reintegration.grant.payment_confirmed.v1":
            self.paid.append((index, data["paid_on"], subject))
        elif kind == "avrr.reintegration.voucher_sample.asked.v1":
            self.asked[subject] = (index, data)
        elif kind == "avrr.reintegration.voucher_sample.drawn.v1":
            asked_at, of = self.asked.get(subject, (index, data))
            # Of how many entries the payments were counted; what was recorded meanwhile is in none of it.
            counted = data.get("log_size", index)
            if not asked_at < counted <= index:
                return False
            there = sorted({grant for at, day, grant in self.paid if at < counted and of["from_day"] <= day <= of["to_day"]})
            key = f"{of['seed']}:{of['counterseed']}:"
            drawn = sorted(there, key=lambda grant: sha256(f"{key}{grant}".encode()).digest())[: of["size"]]
            said = (data["population"], data["population_hash"], [one["grant_id"] for one in data["drawn"]])
            return said == (len(there), sha256("\n".join(there).encode()).hexdigest(), drawn)
        return True

    def covered_until(self, logs: list[str]) -> str:
        """The moment until which the checkpoints of all logs that there are cover everything; "" where a log is not in this export."""
        if {key.name.rpartition("/")[2] for key in self.policy.logs} - {"exports", *logs}:
            return ""
        seen = min((said.seen for said in self.said.values()), default=0)
        # No two clocks go quite alike.
        return moment(seen - 60)[:19] if seen and len(self.said) == len(logs) else "9999"

    def withheld(self) -> None:
        """Of each log how much of it was seen, and when; a finding where that was well before the period's end and another log."""
        for name, said in self.said.items():
            seen = f"seen by a witness at {moment(said.seen)}" if said.seen else "seen by no witness that you trust"
            self.remarks.append(f"Log {name}: {said.size} entries, {seen}.")
            others = max((other.seen for one, other in self.said.items() if one != name), default=0)
            # An export takes the checkpoints one after the other, each of which is at most half a minute old.
            if moment(said.seen + 120) < min(self.period[1], moment(others)):
                self.tell(f"{name}: its checkpoint was {seen}, and another log's at {moment(others)}: what came in between is not here.")
        if self.period[1]:
            self.remarks.append(f"The tables tell of what was recorded from {self.period[0]} to before {self.period[1]}.")

    def links(self) -> None:
        """Whether each cause is an event of this export, and the very one that was meant; no event stands there twice."""
        self.known.sort()
        for one, other in zip(self.known, self.known[1:], strict=False):
            if one[:16] == other[:16]:
                self.tell("Two entries have one id.")
        for one in self.causes:
            cause, index, name = one[:32], int.from_bytes(one[32:40], "big"), one[40:].decode()
            place = bisect.bisect_left(self.known, cause)
            if place < len(self.known) and self.known[place] == cause:
                continue
            there = any(other[:16] == cause[:16] for other in self.known[place - 1 : place + 1])
            if cause in self.unsigned:
                self.remarks.append(f"Log {name}: entry {index} names as its cause an entry that nobody signed.")
            elif not there and self.not_here:
                self.unsure += 1
            elif there or index <= self.times[name].sure:
                self.tell(f"{name}: entry {index} was caused by an event that {'reads otherwise here' if there else 'is in none of the logs'}.")
        if self.not_here:
            self.remarks.append(f"Of the entries that were lost {self.not_here} are not here or proven by nothing. {self.unsure} entries name a cause that may be among them.")

    def since(self, logs: list[str]) -> None:
        """No log says anything else of what it held when the older export was made, and none of them is gone or shorter."""
        if self.old is None:
            return
        if not (kept := sorted(self.old.glob("*/checkpoint"))):
            self.tell(f"{self.old}: no checkpoint was found in it, so that nothing was compared with before.")
        for name in sorted({*logs} - {path.parent.name for path in kept}) if kept else ():
            self.remarks.append(f"Log {name}: it was not compared with before, for the older export does not have it.")
        for path in kept:
            try:
                self.compared(path, logs)
            except Wrong as wrong:
                self.tell(f"{path.parent.name}, compared with before: {wrong}.")

    def compared(self, path: Path, logs: list[str]) -> None:
        """One log against its checkpoint of before."""
        name, was = path.parent.name, checkpoint(Log(path.parent).bytes_of(path.name), self.policy, past=True)
        if name not in logs:
            raise Wrong(f"it held {was.size} entries before and is not in this export")
        said = checkpoint(Log(self.folder / name).bytes_of("checkpoint"), self.policy)
        if was.generation > said.generation or (was.generation == said.generation and said.size < was.size):
            raise Wrong(f"it holds {said.size} entries, and held {was.size} before: this is an older state of it")
        if name not in self.histories:
            raise Wrong("what became of it since could not be checked")
        if (root := self.histories[name].root(was.generation, was.size)) is None:
            raise Wrong(f"it was set back since, and of the {was.size} entries that it held some are not here to compare")
        if root != was.root:
            raise Wrong(f"its first {was.size} entries are not those that it held before")


def file_hash(path: Path) -> str:
    """The SHA-256 of a file of any length."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def moment(seconds: int) -> str:
    """Seconds since 1970 as a moment in UTC, such that the later one is the greater text; the last of the year 9999 at most."""
    return f"{datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC).isoformat()[:19]}Z"


def id_of(written: str) -> bytes:
    """The 16 bytes of an id, in whichever form an archive takes it; ValueError if it is none."""
    if len(found := bytes.fromhex(written.removeprefix("urn:uuid:").strip("{}").replace("-", ""))) != 16:
        raise ValueError
    return found


def manifest_of(note: bytes, policy: Policy) -> tuple[dict[str, tuple[int, int]], dict[str, str], tuple[str, str]]:
    """What whoever made the export signed: from which entry to before which one each log is there, each file's SHA-256, and the period."""
    text, blank, signature = note.decode("utf-8", "replace").rpartition("\n\n")
    found = re.fullmatch(r"— (\S+) (\S+)\n", signature)
    if not blank or found is None:
        raise Wrong("it is not written as one")
    blob = decoded(found[2])
    keys = [key for key in policy.logs if (key.name, key.id) == (found[1], blob[:4]) and key.name.endswith("/exports")]
    if not keys or not keys[0].signed(text + "\n", blob[4:]):
        raise Wrong("no key for exports that you trust signed it")
    first, *lines = text.split("\n")
    logs = {row[1]: (int(row[2]), int(row[3])) for line in lines if (row := re.fullmatch(r"log (\S+) (\d+) (\d+)", line))}
    files = {row[2]: row[1] for line in lines if (row := re.fullmatch(r"([0-9a-f]{64})  (.+)", line))}
    period = [row[1] for line, name in zip(lines, ("from", "until"), strict=False) if (row := re.fullmatch(rf"{name} (\S+Z)", line))]
    if first != "avrr-export/1" or not logs or len(period) != 2:
        raise Wrong("it is not written as one")
    return logs, files, (period[0], period[1])


def within(event: dict[str, object], period: tuple[str, str]) -> bool:
    """Whether an event was recorded in a period whose bounds are whole seconds, and stands in the tables therefore."""
    return period[0][:19] <= str(event.get("time"))[:19] < period[1][:19]


def line_of(name: str, index: int, leaf: Hash, entry: bytes) -> bytes:
    """An event's line of events.ndjson."""
    return f'{{"log":"{name}","index":{index},"leaf_hash":"{leaf.hex()}","event":'.encode() + entry + b"}\n"


def row_of(name: str, index: int, leaf: Hash, event: dict[str, object]) -> bytes:
    """An event's line of events.csv."""
    return csv_row((name, index, leaf.hex(), *(event.get(column, "") for column in COLUMNS[3:])))


# What a program may leave out in front of a formula.
UNSEEN = re.compile(r"[\s\ufeff\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u2069]*")
QUOTED = re.compile(r'["\r\n]')


def plain(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet may take it for a formula (OWASP), be its sign written wide or small."""
    if text[:1].isascii() and text[:1].isalnum():
        return text
    shown = UNSEEN.sub("", text, count=1)
    risky = text[:1] in ("\t", "\r", "\n") or unicodedata.normalize("NFKC", shown[:1])[:1] in ("=", "+", "-", "@")
    return f"'{text}" if risky else text


def csv_row(cells: tuple[object, ...]) -> bytes:
    """A line of CSV, in which no cell is a formula for a program that opens it."""
    texts = [plain(str(cell)) for cell in cells]
    line = ",".join(texts)
    if len(texts) > 1 and line.count(",") == len(texts) - 1 and not QUOTED.search(line):
        return f"{line}\r\n".encode()
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(texts)
    return written.getvalue().encode()


def main(arguments: list[str] | None = None, tell: Callable[[str], None] = print) -> int:
    """Checks what the arguments say; the exit code."""
    parser = argparse.ArgumentParser(description="Checks an export of avrr's logs, offline.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the export")
    parser.add_argument("--policy", type=Path, help="the file of trusted keys that you were given apart from the export")
    parser.add_argument("--since", type=Path, help="an export that you kept from before")
    asked = parser.parse_args(arguments)
    try:
        policy = Policy.of((asked.policy or asked.folder / "policy").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, Wrong) as wrong:
        tell(f"policy: {wrong if isinstance(wrong, Wrong) else 'it cannot be read'}.")
        return 2
    export = Export(asked.folder, policy, asked.since, tell)
    export.check()
    if not export.covered:
        tell("Not all logs are in this export. Of causes in the others nothing was looked at.")
    for remark in export.remarks:
        tell(remark)
    if asked.policy is None:
        tell("The keys are the export's own. Check again with --policy and the keys that you were given apart from it.")
    tell(f"{export.events} events: " + (f"{export.found} findings." if export.found else "Nothing was found."))
    return 1 if export.found else 0


if __name__ == "__main__":
    sys.exit(main())
