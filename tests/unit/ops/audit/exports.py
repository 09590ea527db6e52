"""An invented house with three logs, whoever may sign for it, and exports of what they hold."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from uuid import UUID

from ops.audit.export import EXPORT_KEY_SUFFIX, ExportFolder, Period
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import COSIGNATURE, ED25519, Note, Signer
from shared.tlog.tiles import TILE_WIDTH
from shared.tlog.tree import Frontier, leaf_hash
from shared.tlog.trust import TrustPolicy

HOUSE = "logs.invented.example"
LOGS = ("counselling", "reintegration", "returns")
# When the witness saw what it signed, seconds since 1970: nine hours after the year.
SEEN = 1_704_100_000
# How sentences begin that are no finding.
REMARKS = ("Not all logs are in this export.", "Log ", "The tables tell of ")
YEAR = Period(datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))


def key(whose: str) -> bytes:
    """An invented private key."""
    return sha256(f"the invented key of {whose}".encode()).digest()


@dataclass(frozen=True)
class House:
    """Who signs: each log, whoever exports, and the witness, which somebody else runs."""

    logs: Mapping[str, Signer]
    exports: Signer
    witness: Signer
    name: str = HOUSE

    @classmethod
    def of(cls, whose: str, name: str = HOUSE) -> "House":
        """All keys of one house, or of somebody who pretends to be it under the same names."""
        return cls(
            {log: Signer.of(f"{name}/{log}", ED25519, key(f"{whose} {log}")) for log in LOGS},
            Signer.of(name + EXPORT_KEY_SUFFIX, ED25519, key(f"{whose} exports")),
            Signer.of("witness.invented.example", COSIGNATURE, key(f"{whose} witness")), name,
        )  # fmt: skip

    @property
    def policy(self) -> TrustPolicy:
        """Whom an auditor trusts, as they were told on paper."""
        keys = (*(signer.verifier_key for signer in self.logs.values()), self.exports.verifier_key)
        return TrustPolicy(keys, {"w": self.witness.verifier_key}, {}, "w")

    def checkpoint(
        self, name: str, entries: Iterable[bytes], *, witnessed: bool = True, seen: int = SEEN, generation: int = 1
    ) -> Note:
        """What a log says it holds, under the name of a generation, and whether the witness saw it."""
        tree = Frontier()
        for entry in entries:
            tree.append(leaf_hash(entry))
        origin = str(Origin(f"{self.name}/{name}", generation))
        text = Checkpoint(origin, tree.size, tree.root()).text
        signers = (self.logs[name].under(origin), *([self.witness] if witnessed else []))
        return Note(text, tuple(signer.sign(text, seen) for signer in signers))

    def export(
        self, folder: Path, logs: Mapping[str, Sequence[bytes]], *, proofs: int = 0, witnessed: bool = True, period: Period = YEAR,
        seen: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """An export of all that these logs hold, with proofs of the first entries of each."""
        folder.mkdir(parents=True, exist_ok=True)
        policy = self.policy if witnessed else TrustPolicy(self.policy.logs)
        with ExportFolder(folder, policy, period) as written:
            for name, entries in logs.items():
                note = self.checkpoint(name, entries, witnessed=witnessed, seen=(seen or {}).get(name, SEEN))
                written.add_log(name, note, in_bundles(entries))
                for index in range(min(proofs, len(entries))):
                    written.add_proof(name, "case-1", index)
            written.finish(self.exports)


    def manifest(self, files: Mapping[str, bytes]) -> bytes:
        """The manifest of an export with these files in the place of its own, signed by whoever has the key for exports."""
        head = [line for line in files["manifest"].decode().rpartition("\n\n")[0].split("\n") if not re.match("[0-9a-f]{64}  ", line)]
        lines = [f"{sha256(content).hexdigest()}  {name}" for name, content in sorted(files.items()) if name != "manifest"]
        text = "\n".join((*head, *lines, ""))
        return str(Note(text, (self.exports.sign(text),))).encode()


def rewritten(entries: Sequence[bytes], index: int) -> list[bytes]:
    """The same entries, of which one says something else."""
    event = json.loads(entries[index])
    event["data"] = {"count": 99}
    changed = json.dumps(event, sort_keys=True, separators=(",", ":")).encode()
    return [*entries[:index], changed, *entries[index + 1 :]]


def in_bundles(entries: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    """In runs of 256, as an export takes them."""
    return (entries[first : first + TILE_WIDTH] for first in range(0, len(entries), TILE_WIDTH))


def history(seed: int, events: int) -> dict[str, list[bytes]]:
    """Invented events of three services, each subject's one after the other, some of them caused by others' events."""
    dice = Random(seed)
    logs: dict[str, list[bytes]] = {name: [] for name in LOGS}
    versions: dict[UUID, int] = {}
    earlier: list[tuple[str, bytes]] = []
    for _ in range(events):
        name = dice.choice(LOGS)
        # A subject is a service's own.
        subject = UUID(int=LOGS.index(name) << 64 | dice.randrange(max(1, events // 5)))
        versions[subject] = versions.get(subject, 0) + 1
        event = {
            "id": str(UUID(int=dice.getrandbits(128))), "source": f"urn:avrr:{name}", "type": f"avrr.{name}.thing.done.v1",
            "subject": str(subject), "time": "2023-05-02T10:00:00Z", "aggregateversion": versions[subject],
            "actorid": dice.choice(("staff:a", "=cmd", "+1", "@x")), "data": {"count": dice.randrange(9)},
        }  # fmt: skip
        if earlier and dice.randrange(3) == 0:
            event["causationid"], hashed = dice.choice(earlier)
            event["causeleafhash"] = hashed.hex()
        entry = json.dumps(event, sort_keys=True, separators=(",", ":")).encode()
        logs[name].append(entry)
        earlier.append((str(event["id"]), leaf_hash(entry)))
    return logs
