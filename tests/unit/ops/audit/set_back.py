"""An invented log that was set back, once or often, and exports of it beside others' logs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from ops.audit.export import ExportFolder
from shared.tlog.breaks import Break
from shared.tlog.tree import Frontier, leaf_hash
from tests.unit.ops.audit.exports import YEAR, House, in_bundles
from tests.unit.shared.tlog.breaking import break_between

LOG = "returns"
PERSONS = ("staff:invented-a", "staff:invented-b")


def root_over(entries: Sequence[bytes]) -> bytes:
    """The root of the tree over these entries."""
    tree = Frontier()
    for entry in entries:
        tree.append(leaf_hash(entry))
    return tree.root()


def word(kind: str, actor: str, version: int, restore: UUID, **data: object) -> bytes:
    """One of the two events by which a restore is accepted."""
    event = {
        "id": str(UUID(int=(version << 90) + restore.int)), "source": f"urn:avrr:{LOG}", "type": f"avrr.{LOG}.restore.{kind}.v1",
        "subject": str(restore), "time": "2023-08-02T10:00:00Z", "aggregateversion": version, "actorid": actor, "actorrole": "auditor",
        "data": data,
    }  # fmt: skip
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


def words(kept: int, root: bytes, known: object, number: int, persons: tuple[str, str] = PERSONS) -> tuple[bytes, bytes]:
    """Both of them."""
    restore = UUID(int=7_000 + number)
    first = word("acceptance_proposed", persons[0], 1, restore, kept=kept, root=root.hex(), known=known, reason="exercise", proposed_by=persons[0])
    second = word("accepted", persons[1], 2, restore, kept=kept, known=known, accepted_by=persons[1], accepted_at="2023-08-02T10:00:00Z")
    return first, second


def caused(number: int, subject: int, cause: bytes | None = None) -> bytes:
    """An event of after the restore, which another one led to."""
    event: dict[str, object] = {
        "id": str(UUID(int=90_000 + number)), "source": f"urn:avrr:{LOG}", "type": f"avrr.{LOG}.thing.done.v1",
        "subject": str(UUID(int=80_000 + subject)), "time": "2023-08-02T10:00:00Z", "aggregateversion": 1, "actorid": "service:returns",
        "data": {},
    }  # fmt: skip
    if cause is not None:
        event |= {"causationid": json.loads(cause)["id"], "causeleafhash": leaf_hash(cause).hex()}
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class SetBack:
    """A log through all of its generations, the last of them what it holds now, beside ``others``."""

    house: House
    others: Mapping[str, Sequence[bytes]]
    generations: list[list[bytes]]
    breaks: list[Break] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)

    @property
    def now(self) -> list[bytes]:
        """What it holds."""
        return self.generations[-1]

    def goes_on(
        self, kept: int, *more: bytes, persons: tuple[str, str] = PERSONS, known: int | None = None, stood: Sequence[bytes] = ()
    ) -> None:
        """It is set back, accepted, and then holds these as well; ``known`` entries were there before, or as many as were signed.

        Behind what was kept ``stood`` in it before that was accepted.
        """
        before, number = self.now, len(self.generations)
        accepted = words(kept, root_over(before[:kept]), len(before) if known is None else known, number, persons)
        after, first = [*before[:kept], *stood, *accepted, *more], kept + len(stood)
        closed = self.house.checkpoint(LOG, before, generation=number)
        begun = self.house.checkpoint(LOG, after[: first + 2], generation=number + 1)
        self.breaks.append(break_between(before, closed, after, begun, kept, (first, first + 1)))
        self.generations.append(after)
        self.kept.append(kept)

    def lost(self, generation: int) -> list[bytes]:
        """What this generation had and the next one has not."""
        return self.generations[generation - 1][self.kept[generation - 1] :]

    def export(
        self, folder: Path, *, lost: bool = True, only: int | None = None, beside: Sequence[bytes] = (), proofs: int = 0, size: int | None = None,
        without: int = 0,
    ) -> None:  # fmt: skip
        """An export of it and of the others, with what was lost or ``only`` the first of that, as its first ``size`` entries stood.

        Of what the generation ``without`` had nothing is in it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with ExportFolder(folder, self.house.policy, YEAR) as written:
            for name in sorted({*self.others, LOG}):
                entries = self.now[:size] if name == LOG else self.others[name]
                note = self.house.checkpoint(name, entries, generation=len(self.generations) if name == LOG else 1)
                written.add_log(name, note, in_bundles(entries))
                for index in range(min(proofs, len(entries))):
                    written.add_proof(name, "case-1", index)
                for generation, one in enumerate(self.breaks, 1) if name == LOG else ():
                    written.add_break(LOG, one, [*self.lost(generation)[:only], *beside] if lost and generation != without else [])
            written.finish(self.house.exports)
