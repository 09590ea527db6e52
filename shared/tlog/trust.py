"""C2SP's tlog-policy: which logs and witnesses are trusted, and how many of them have to have signed a checkpoint."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import COSIGNATURE, ED25519, Note, VerifierKey
from shared.tlog.refusals import LogRefused

_NOBODY: Final = "none"
# A line of ours that is a comment to everybody else, who then believes less and nothing more.
_FORMER: Final = "#former"
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses or groups of them, of which so many are enough."""

    enough: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Former:
    """Witnesses whose word was asked for until a moment (seconds since 1970, UTC), of which so many were enough."""

    until: int
    enough: int
    keys: tuple[VerifierKey, ...]

    def __str__(self) -> str:
        """The line."""
        return f"{_FORMER} {datetime.fromtimestamp(self.until, UTC):{_MOMENT}} {self.enough} {' '.join(map(str, self.keys))}"

    def saw(self, found: Mapping[VerifierKey, int | None]) -> bool:
        """Whether enough of them say that they saw it before that moment."""
        return sum((at := found.get(key)) is not None and at < self.until for key in self.keys) >= self.enough


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Keys of logs, of witnesses by their names, groups by theirs, and whose word is asked for (``none``: nobody's).

    ``urls`` are the addresses of those witnesses, by their names, of whom the policy says where they are asked. The key of a log
    signs each of its generations (`Origin`) under that generation's name, so that a log's restore changes no policy. ``former``
    are whose word was asked for before, and are asked about the past alone.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = _NOBODY
    urls: Mapping[str, str] = field(default_factory=dict)
    former: tuple[Former, ...] = ()

    def __str__(self) -> str:
        """The file."""
        lines = [f"log {key}" for key in self.logs]
        lines += [" ".join(("witness", name, str(key), *self._url(name))) for name, key in self.witnesses.items()]
        lines += [f"group {name} {group.enough} {' '.join(group.members)}" for name, group in self.groups.items()]
        lines += map(str, self.former)
        return "\n".join((*lines, f"quorum {self.quorum}", ""))

    @classmethod
    def of(cls, written: str) -> "TrustPolicy":
        """A policy as it is written; LogRefused for the first line that cannot stand there."""
        return _Reading().read(written)

    def checked(self, note: Note, *, past: bool = False) -> Checkpoint:
        """What a note says of one of these logs.

        LogRefused where none of its keys signed it, a signature is false, it is another log's, or too few witnesses saw it. Of what
        proves the ``past`` it is enough that those saw it whose word was asked for then; nothing of now is believed for that.
        """
        said = Checkpoint.of(note)
        ours, former = self.keys_of(said.origin), self.former if past else ()
        of_former = (key for one in former for key in one.keys)
        found = note.signed_by(dict.fromkeys((*self.logs, *ours, *self.witnesses.values(), *of_former)))
        if not any(key in found for key in ours):
            raise LogRefused("log_unknown", "No key of this log that is trusted signed the checkpoint.")
        if self.quorum != _NOBODY and not self._saw(self.quorum, found) and not any(one.saw(found) for one in former):
            raise LogRefused("not_witnessed", "Too few of the witnesses that are trusted signed the checkpoint.")
        return said

    def keys_of(self, origin: str) -> tuple[VerifierKey, ...]:
        """By which keys a log of this origin is checked, the oldest first: those of its family, under this name."""
        family = Origin.of(origin).family
        return tuple(key.under(origin) for key in self.logs if key.name == family)

    def _url(self, name: str) -> tuple[str, ...]:
        return (self.urls[name],) if name in self.urls else ()

    def _saw(self, name: str, found: Mapping[VerifierKey, int | None]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name] in found
        group = self.groups[name]
        return sum(self._saw(member, found) for member in group.members) >= group.enough


class _Reading:
    """A policy's lines, one after the other: each may name only what stands before it."""

    def __init__(self) -> None:
        self._logs: list[VerifierKey] = []
        self._witnesses: dict[str, VerifierKey] = {}
        self._urls: dict[str, str] = {}
        self._groups: dict[str, Group] = {}
        self._in_groups: set[str] = set()
        self._quorum: str | None = None
        self._former: list[Former] = []

    def read(self, written: str) -> TrustPolicy:
        for line in written.split("\n"):
            words = line.replace("\t", " ").split(" ")
            self._line([word for word in words if word])
        if self._quorum is None:
            raise LogRefused("policy_wrong", "A policy says whose word is asked for.")
        return TrustPolicy(tuple(self._logs), self._witnesses, self._groups, self._quorum, self._urls, tuple(self._former))

    def _line(self, words: list[str]) -> None:
        match words:
            case []:
                return
            case [first, until, enough, *keys] if first == _FORMER:
                self._was(until, enough, [VerifierKey.of(key) for key in keys])
            case [first, *_] if first != _FORMER and first.startswith("#"):
                return
            case ["log", key] | ["log", key, _]:
                self._log(VerifierKey.of(key))
            case ["witness", name, key]:
                self._witness(name, VerifierKey.of(key))
            case ["witness", name, key, url]:
                self._witness(name, VerifierKey.of(key))
                self._urls[name] = url
            case ["group", name, enough, *members]:
                self._group(name, enough, members)
            case ["quorum", name] if self._quorum is None and (name == _NOBODY or self._known(name)):
                self._quorum = name
            case _:
                raise LogRefused("policy_wrong", "A line of the policy cannot stand there.")

    def _log(self, key: VerifierKey) -> None:
        if key.type != ED25519 or key.public in (log.public for log in self._logs):
            raise LogRefused("policy_wrong", "A log's key is of the type of logs, and stands there once.")
        self._logs.append(key)

    def _witness(self, name: str, key: VerifierKey) -> None:
        if key.type != COSIGNATURE or self._taken(name) or key.public in (one.public for one in self._witnesses.values()):
            raise LogRefused("policy_wrong", "A witness's name and key are of the type of witnesses, and stand there once.")
        self._witnesses[name] = key

    def _group(self, name: str, enough: str, members: Iterable[str]) -> None:
        named = tuple(members)
        least = _least(enough, len(named))
        if self._taken(name) or not 1 <= least <= len(named):
            raise LogRefused("policy_wrong", "A group has a name of its own, and asks for some of its members.")
        for member in named:
            if not self._known(member) or member in self._in_groups:
                raise LogRefused("policy_wrong", "A group's members stand before it, each in one group.")
            self._in_groups.add(member)
        self._groups[name] = Group(least, named)

    def _was(self, until: str, enough: str, keys: Sequence[VerifierKey]) -> None:
        least = _least(enough, len(keys))
        if not 1 <= least <= len({key.public for key in keys}) == len(keys) or any(key.type != COSIGNATURE for key in keys):
            raise LogRefused("policy_wrong", "Former witnesses have keys of the type of witnesses, each once, and some of them were asked.")
        self._former.append(Former(_moment(until), least, tuple(keys)))

    def _known(self, name: str) -> bool:
        return name in self._witnesses or name in self._groups

    def _taken(self, name: str) -> bool:
        return name == _NOBODY or self._known(name)


def _least(enough: str, count: int) -> int:
    """How many of so many are enough, 0 where that is not written as a line says it."""
    return {"any": 1, "all": count}.get(enough) or (int(enough) if enough.isascii() and enough.isdecimal() else 0)


def _moment(written: str) -> int:
    """The seconds since 1970 of a moment in UTC, written in the one way in which `Former` writes it."""
    try:
        found = datetime.strptime(written, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        found = None
    if found is None or f"{found:{_MOMENT}}" != written:
        raise LogRefused("policy_wrong", "Until when a former witness was asked is a moment in UTC, such as 2026-12-01T00:00:00Z.")
    return int(found.timestamp())
