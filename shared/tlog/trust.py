"""C2SP's tlog-policy: which logs and witnesses are trusted, and how many of them have to have signed a checkpoint."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import COSIGNATURE, ED25519, Note, VerifierKey
from shared.tlog.refusals import LogRefused

_NOBODY: Final = "none"


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses or groups of them, of which so many are enough."""

    enough: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Keys of logs, of witnesses by their names, groups by theirs, and whose word is asked for (``none``: nobody's).

    ``urls`` are the addresses of those witnesses, by their names, of whom the policy says where they are asked. The key of a log
    signs each of its generations (`Origin`) under that generation's name, so that a log's restore changes no policy.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = _NOBODY
    urls: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The file."""
        lines = [f"log {key}" for key in self.logs]
        lines += [" ".join(("witness", name, str(key), *self._url(name))) for name, key in self.witnesses.items()]
        lines += [f"group {name} {group.enough} {' '.join(group.members)}" for name, group in self.groups.items()]
        return "\n".join((*lines, f"quorum {self.quorum}", ""))

    @classmethod
    def of(cls, written: str) -> "TrustPolicy":
        """A policy as it is written; LogRefused for the first line that cannot stand there."""
        return _Reading().read(written)

    def checked(self, note: Note) -> Checkpoint:
        """What a note says of one of these logs.

        LogRefused where none of its keys signed it, a signature is false, it is another log's, or too few witnesses saw it.
        """
        said = Checkpoint.of(note)
        ours = self.keys_of(said.origin)
        found = note.signed_by(dict.fromkeys((*self.logs, *ours, *self.witnesses.values())))
        if not any(key in found for key in ours):
            raise LogRefused("log_unknown", "No key of this log that is trusted signed the checkpoint.")
        if self.quorum != _NOBODY and not self._saw(self.quorum, found):
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

    def read(self, written: str) -> TrustPolicy:
        for line in written.split("\n"):
            words = line.replace("\t", " ").split(" ")
            self._line([word for word in words if word])
        if self._quorum is None:
            raise LogRefused("policy_wrong", "A policy says whose word is asked for.")
        return TrustPolicy(tuple(self._logs), self._witnesses, self._groups, self._quorum, self._urls)

    def _line(self, words: list[str]) -> None:
        match words:
            case []:
                return
            case [first, *_] if first.startswith("#"):
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
        least = {"any": 1, "all": len(named)}.get(enough) or (int(enough) if enough.isascii() and enough.isdecimal() else 0)
        if self._taken(name) or not 1 <= least <= len(named):
            raise LogRefused("policy_wrong", "A group has a name of its own, and asks for some of its members.")
        for member in named:
            if not self._known(member) or member in self._in_groups:
                raise LogRefused("policy_wrong", "A group's members stand before it, each in one group.")
            self._in_groups.add(member)
        self._groups[name] = Group(least, named)

    def _known(self, name: str) -> bool:
        return name in self._witnesses or name in self._groups

    def _taken(self, name: str) -> bool:
        return name == _NOBODY or self._known(name)
