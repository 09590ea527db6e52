"""What a folder of write-ahead log holds: its segments, where it ends, and when what was committed in it."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ops.backup.programs import Programs
from ops.settings import CannotStart

_SEGMENT: Final = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?")
_COMMIT: Final = re.compile(r"lsn: ([0-9A-F]+/[0-9A-F]+),.* desc: COMMIT(?:_PREPARED)? (?:xid \d+: )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) ")
# What follows the last record: nothing yet, or, where the server was cut off while it wrote, the beginning of a record.
_STOPPED: Final = re.compile(r"pg_waldump: error: (error in WAL record at [0-9A-F/]+: .*)")
_AT: Final = re.compile(r" at ([0-9A-F]+/[0-9A-F]+)")
_NO_FILE: Final = re.compile(r'could not find file "([0-9A-F]{24})"')
_PIECE: Final = 1 << 20
_COMPLAINTS: Final = 20


def lsn_of(text: str) -> int:
    """A position of the log as a number, out of `16/B374D848`."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(lsn: int) -> str:
    """A position as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def segment_name(timeline: int, lsn: int, segment_bytes: int) -> str:
    """The file that holds this position."""
    number, in_each = lsn // segment_bytes, 0x1_0000_0000 // segment_bytes
    return f"{timeline:08X}{number // in_each:08X}{number % in_each:08X}"


@dataclass(frozen=True, slots=True)
class Commit:
    """Something was committed, at this moment by the server's clock."""

    lsn: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """The write-ahead log that follows a base, as it can be read: where it ends, and the last that was committed in it.

    ``by_then`` is the last commit before the first that is later than a moment, at which PostgreSQL stops for it; with ``later``, whether
    there is such a one. ``broken`` names the segment in which something does not read, though more was written behind it.
    """

    end: int
    last: Commit | None
    by_then: Commit | None
    later: bool
    broken: str | None


def segments_in(folder: Path) -> dict[str, Path]:
    """The segments of a folder by their names, whole ones and the last one that is not."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = _SEGMENT.fullmatch(path.name)
        if name is not None and path.stat().st_size:
            found.setdefault(path.name.removesuffix(".partial"), path)
    return found


def joined(base: Path, copied: Path) -> dict[str, Path]:
    """The segments that came with a base and those that were copied since; of two the one in which more is written."""
    found = segments_in(base)
    for name, path in segments_in(copied).items():
        if name not in found or _written(path) >= _written(found[name]):
            found[name] = path
    return found


def unbroken(segments: dict[str, Path], first: str) -> dict[str, Path]:
    """Those from this one on, up to the first that is missing."""
    found: dict[str, Path] = {}
    name = first
    while name in segments:
        found[name] = segments[name]
        name = _following(name, segments[name].stat().st_size)
    return found


async def read_wal(programs: Programs, segments: dict[str, Path], start: int, known_end: int, moment: datetime | None = None) -> Held:
    """Reads the log of these segments from ``start`` on; up to ``known_end`` it was once known to read.

    Every record carries a checksum: what was changed since shows as a place where no more can be read. `CannotStart` where
    not even its beginning reads. However long the log is, of its commits no more is kept than what is answered.
    """
    names = list(segments)
    commits, said = await _read(programs, segments, start, moment)
    size = segments[names[-1]].stat().st_size
    end = _end(said, names, size)
    if end is None:
        raise CannotStart("wal_unreadable", f"The write-ahead log of {names[0]} can't be read: {' '.join(said) or 'no reason given'}")
    behind = end < (_number(names[-1], size)) * size or end < known_end
    return Held(end, commits.last, commits.by_then, commits.later, _file_of(names[0], end, size) if behind else None)


async def last_commit(programs: Programs, name: str, segment: Path) -> Commit | None:
    """The last that was committed in one segment, whether or not all of it reads; None where nothing was, or nothing does."""
    size = segment.stat().st_size
    commits, _ = await _read(programs, {name: segment}, _number(name, size) * size, None)
    return commits.last


@dataclass(slots=True)
class _Commits:
    """What is remembered of the commits while they go by."""

    moment: datetime | None
    last: Commit | None = None
    by_then: Commit | None = None
    later: bool = False

    def follow(self, commit: Commit) -> None:
        self.last = commit
        if self.moment is not None and commit.at > self.moment:
            self.later = True
        if not self.later:
            self.by_then = commit


async def _read(programs: Programs, segments: dict[str, Path], start: int, moment: datetime | None) -> tuple[_Commits, list[str]]:
    """What was committed in these segments, and what their reader complains of."""
    commits = _Commits(moment)
    said: list[str] = []
    with _linked(segments) as folder:
        timeline = int(next(iter(segments))[:8], 16)
        arguments = ("--path", str(folder), "--timeline", str(timeline), "--start", lsn_text(start), "--rmgr", "Transaction")
        async with programs.started("pg_waldump", *arguments) as process:
            assert process.stdout is not None
            async for line in process.stdout:
                text = line.decode("utf-8", "replace").rstrip()
                if found := _COMMIT.search(text):
                    commits.follow(Commit(lsn_of(found[1]), datetime.fromisoformat(found[2]).replace(tzinfo=UTC)))
                elif "error" in text:
                    said = [*said[-_COMPLAINTS:], text]
            await process.wait()
    return commits, said


def _end(said: list[str], names: list[str], size: int) -> int | None:
    """Where the first record would begin that is not there."""
    text = " ".join(said)
    if found := _NO_FILE.search(text):
        return _number(found[1], size) * size if found[1] == _following(names[-1], size) else None
    stopped = _STOPPED.search(text)
    places = _AT.findall(stopped[1]) if stopped else []
    return lsn_of(places[-1]) if places else None


def _number(name: str, size: int) -> int:
    return int(name[8:16], 16) * (0x1_0000_0000 // size) + int(name[16:24], 16)


def _file_of(first: str, lsn: int, size: int) -> str:
    return segment_name(int(first[:8], 16), lsn, size)


def _following(name: str, size: int) -> str:
    return segment_name(int(name[:8], 16), (_number(name, size) + 1) * size, size)


@contextmanager
def _linked(segments: dict[str, Path]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="avrr-wal-") as folder:
        for name, path in segments.items():
            (Path(folder) / name).symlink_to(path.resolve())
        yield Path(folder)


def _written(path: Path) -> int:
    """Up to where something else than nothing stands in it."""
    with path.open("rb") as file:
        at = path.stat().st_size
        while at:
            begin = max(0, at - _PIECE)
            file.seek(begin)
            piece = file.read(at - begin).rstrip(b"\0")
            if piece:
                return begin + len(piece)
            at = begin
    return 0
