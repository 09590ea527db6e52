"""What proves that a log goes on under another origin: from where, over which closed checkpoint, and accepted by which two events."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.proofs import EntryProof
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import HASH_BYTES, continues
from shared.tlog.trust import TrustPolicy
from shared.tlog.witnessing import AddCheckpoint

MOST_BREAK_BYTES: Final = 1 << 20
_PROPOSED, _ACCEPTED = "avrr.{}.restore.acceptance_proposed.v1", "avrr.{}.restore.accepted.v1"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What two persons accepted of a log, by two of its events: ``kept`` entries with this root, of ``known`` ones."""

    kept: int
    root: bytes
    known: int
    reason: str
    proposed_by: str
    accepted_by: str
    roles: tuple[str, str]
    accepted_at: datetime

    @classmethod
    def of(cls, log: str, proposed: bytes, accepted: bytes) -> Self:
        """What two entries of this log say; LogRefused where they are not the two words of two persons on one restore."""
        try:
            first, second = _event(log, _PROPOSED, proposed), _event(log, _ACCEPTED, accepted)
            said, again = first["data"], second["data"]
            found = cls(
                said["kept"], bytes.fromhex(said["root"]), said["known"], str(said["reason"]), said["proposed_by"], again["accepted_by"],
                (str(first["actorrole"]), str(second["actorrole"])), datetime.fromisoformat(again["accepted_at"]),
            )  # fmt: skip
            whole = (first["subject"], said["kept"], said["known"]) == (second["subject"], again["kept"], again["known"])
            named = (first["actorid"], second["actorid"]) == (found.proposed_by, found.accepted_by)
        except (ValueError, LookupError, TypeError):
            raise _refused("These are not the entries by which two persons accept a restore.") from None
        sound = type(found.kept) is int and type(found.known) is int and 0 <= found.kept <= found.known and len(found.root) == HASH_BYTES
        if not (whole and named and sound):
            raise _refused("The two entries do not speak of one restore.")
        if found.proposed_by == found.accepted_by:
            raise LogRefused("accepted_by_one", "One person alone accepted the restore.")
        return found


@dataclass(frozen=True, slots=True)
class Break:
    """One setting back of a log: the last checkpoint of the former origin, the first one of the next, and both acceptances.

    ``closed`` shows that what was kept is how the former history began (or, of a former one that is shorter, how it ended),
    ``begun`` that the new one begins with the same; ``proofs`` and ``entries`` are those of the two acceptances, in order.
    """

    closed: AddCheckpoint
    begun: AddCheckpoint
    proofs: tuple[EntryProof, EntryProof]
    entries: tuple[bytes, bytes]

    def __bytes__(self) -> bytes:
        """The file, as it is kept and sent: JSON around files of C2SP's formats."""
        accepted = [{"proof": str(proof), "entry": entry.decode()} for proof, entry in zip(self.proofs, self.entries, strict=True)]
        told = {"closed": bytes(self.closed).decode(), "begun": bytes(self.begun).decode(), "accepted": accepted}
        return json.dumps(told, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def of(cls, written: bytes) -> Self:
        """A break as it was sent; LogRefused where it is not written as one."""
        try:
            told = json.loads(written)
            first, second = told["accepted"]
            return cls(
                AddCheckpoint.of(told["closed"].encode()), AddCheckpoint.of(told["begun"].encode()),
                (EntryProof.of(first["proof"].encode()), EntryProof.of(second["proof"].encode())),
                (first["entry"].encode(), second["entry"].encode()),
            )  # fmt: skip
        except LogRefused:
            raise
        except (ValueError, LookupError, TypeError, AttributeError):
            raise _refused("This is not written as a break of a log.") from None

    @property
    def origin(self) -> Origin:
        """Under which name the log goes on."""
        return Origin.of(Checkpoint.of(self.begun.note).origin)

    @property
    def known(self) -> Checkpoint:
        """What was last signed and seen under the former name."""
        return Checkpoint.of(self.closed.note)

    def checked(self, policy: TrustPolicy) -> Acceptance:
        """What was accepted; LogRefused where the policy does not have one of the checkpoints believed, or a proof does not hold.

        It proves the past, for which the witnesses of then are enough. Needs nothing but the keys: whoever has the former checkpoint
        knows by it what became of that history.
        """
        former, next_ = policy.checked(self.closed.note, past=True), policy.checked(self.begun.note, past=True)
        if Origin.of(former.origin).next != Origin.of(next_.origin):
            raise _refused("The one checkpoint is not of what follows the other.")
        said = Acceptance.of(self.origin.log, *self.entries)
        if (self.closed.old, self.begun.old) != (said.kept, said.kept):
            raise _refused("The proofs are about another number of entries than were kept.")
        if not continues(said.root, said.kept, next_.root, next_.size, self.begun.path):
            raise _refused("The log does not go on after the entries that were kept.")
        shorter = former.size < said.kept
        sizes = (former.root, former.size, said.root, said.kept) if shorter else (said.root, said.kept, former.root, former.size)
        if not continues(*sizes, self.closed.path):
            raise _refused("What was kept is not how the former history began.")
        places = [proof.index for proof in self.proofs]
        within = said.kept <= places[0] < places[1]
        own = all(proof.note.text == self.begun.note.text and proof.holds_for(entry) for proof, entry in zip(self.proofs, self.entries, strict=True))
        if not (within and own):
            raise _refused("The acceptances do not stand behind what was kept.")
        return said


def _event(log: str, kind: str, entry: bytes) -> Mapping[str, Any]:
    said: Mapping[str, Any] = json.loads(entry)
    if said["type"] != kind.format(log) or said["source"] != f"urn:avrr:{log}":
        raise ValueError
    return said


def _refused(sentence: str) -> LogRefused:
    return LogRefused("break_unproven", sentence)
