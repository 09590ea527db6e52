"""An export of a log that was set back holds where, how much it lost and who accepted it, and whoever checks it is told; all of it is invented."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import pytest

from ops.audit import verify_audit
from ops.audit.export import ExportFolder
from shared.tlog.breaks import Break
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import entries_in
from shared.tlog.tree import leaf_hash
from shared.tlog.witnessing import AddCheckpoint
from tests.unit.ops.audit.exports import YEAR, House, history, in_bundles
from tests.unit.shared.tlog.breaking import break_between

OURS = House.of("ours")
EVENTS = history(11, 1_400)
LOG = "returns"
PERSONS = ("staff:invented-a", "staff:invented-b")


def word(kind: str, actor: str, version: int, restore: UUID, **data: object) -> bytes:
    event = {
        "id": str(UUID(int=(version << 90) + restore.int)), "source": f"urn:avrr:{LOG}", "type": f"avrr.{LOG}.restore.{kind}.v1",
        "subject": str(restore), "time": "2023-07-02T10:00:00Z", "aggregateversion": version, "actorid": actor, "actorrole": "auditor",
        "data": data,
    }  # fmt: skip
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


def words(kept: int, root: bytes, known: int, number: int, persons: tuple[str, str] = PERSONS) -> tuple[bytes, bytes]:
    restore = UUID(int=7_000 + number)
    first = word("acceptance_proposed", persons[0], 1, restore, kept=kept, root=root.hex(), known=known, reason="exercise", proposed_by=persons[0])
    second = word("accepted", persons[1], 2, restore, kept=kept, known=known, accepted_by=persons[1], accepted_at="2023-07-02T10:00:00Z")
    return first, second


def caused(number: int, subject: int, cause: bytes | None = None) -> bytes:
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
    """A log through all of its generations, the last of them what it holds now."""

    generations: list[list[bytes]]
    breaks: list[Break] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)

    @property
    def now(self) -> list[bytes]:
        return self.generations[-1]

    def goes_on(self, kept: int, *more: bytes, persons: tuple[str, str] = PERSONS) -> None:
        """It is set back, accepted, and then holds these as well."""
        before, number = self.now, len(self.generations)
        root = bytes.fromhex(verify_audit_root(before[:kept]))
        after = [*before[:kept], *words(kept, root, len(before), number, persons), *more]
        closed = OURS.checkpoint(LOG, before, generation=number)
        begun = OURS.checkpoint(LOG, after[: kept + 2], generation=number + 1)
        self.breaks.append(break_between(before, closed, after, begun, kept, (kept, kept + 1)))
        self.generations.append(after)
        self.kept.append(kept)

    def lost(self, generation: int) -> list[bytes]:
        return self.generations[generation - 1][self.kept[generation - 1] :]

    def export(self, folder: Path, *, lost: bool = True, logs: Sequence[str] = tuple(EVENTS), only: int | None = None, beside: Sequence[bytes] = ()) -> None:
        folder.mkdir()
        with ExportFolder(folder, OURS.policy, YEAR) as written:
            for name in sorted(logs):
                entries = self.now if name == LOG else EVENTS[name]
                written.add_log(name, OURS.checkpoint(name, entries, generation=len(self.generations) if name == LOG else 1), in_bundles(entries))
                for generation, one in enumerate(self.breaks, 1) if name == LOG else ():
                    written.add_break(LOG, one, [*self.lost(generation)[:only], *beside] if lost else [])
            written.finish(OURS.exports)


def verify_audit_root(entries: Sequence[bytes]) -> str:
    tree = verify_audit.Tree()
    for entry in entries:
        tree.put(0, verify_audit.leaf_hash(entry))
    return tree.root().hex()


def checked(folder: Path, *more: str) -> tuple[int, list[str]]:
    said: list[str] = []
    keys = folder.parent / "keys"
    keys.write_text(str(OURS.policy))
    return verify_audit.main([str(folder), "--policy", str(keys), *more], said.append), said


@pytest.fixture
def log() -> SetBack:
    """Set back once, and what followed has one cause that was lost."""
    made = SetBack([EVENTS[LOG]])
    made.goes_on(300, caused(1, 1, EVENTS[LOG][400]), caused(2, 2))
    return made


def test_an_export_of_a_log_that_was_set_back_is_found_right_and_says_so(log: SetBack, tmp_path: Path) -> None:
    log.export(tmp_path / "export")
    code, said = checked(tmp_path / "export")
    assert (code, said[-1].endswith("Nothing was found.")) == (0, True), said
    (line,) = [one for one in said if "was set back" in one]
    lost = len(EVENTS[LOG]) - 300
    for part in (f"300 entries were kept and {lost} lost, of which {lost} are here", *PERSONS, "(auditor)", "exercise", f"/{LOG}/2"):
        assert part in line
    assert entries_in((tmp_path / "export" / LOG / "breaks" / "2.lost").read_bytes()) == EVENTS[LOG][300:]


def test_a_log_that_was_set_back_often_is_found_right_whatever_was_kept_each_time(log: SetBack, tmp_path: Path) -> None:
    log.goes_on(303, caused(3, 3))
    log.goes_on(257, *(caused(number, number) for number in range(10, 300)))
    log.goes_on(256)
    log.export(tmp_path / "export")
    code, said = checked(tmp_path / "export")
    assert code == 0, said
    assert sum("was set back" in one for one in said) == 4
    # Whoever kept a checkpoint of any generation holds it against what became of that one.
    for generation, entries in enumerate(log.generations, 1):
        for size in (1, 256, len(entries)):
            old = tmp_path / f"old-{generation}-{size}" / LOG
            old.mkdir(parents=True)
            (old / "checkpoint").write_text(str(OURS.checkpoint(LOG, entries[:size], generation=generation)))
            assert checked(tmp_path / "export", "--since", str(old.parent))[0] == 0
    (old / "checkpoint").write_text(str(OURS.checkpoint(LOG, [b"another"] * 310, generation=1)))
    assert checked(tmp_path / "export", "--since", str(old.parent))[0] == 1


def test_what_is_said_to_be_lost_and_proven_by_nothing_is_found_and_no_cause(log: SetBack, tmp_path: Path) -> None:
    log.export(tmp_path / "export", only=150)
    code, said = checked(tmp_path / "export")
    assert code == 1, said
    assert any(f"{LOG}: 150 entries that it is to have lost are proven by nothing" in one for one in said)
    (line,) = [one for one in said if one.startswith("Of the entries that were lost")]
    assert f"{len(EVENTS[LOG]) - 300} are not here" in line


def test_what_was_lost_before_it_was_signed_is_told_as_proven_by_nothing(log: SetBack, tmp_path: Path) -> None:
    log.export(tmp_path / "export", beside=[caused(70, 70), caused(71, 71)])
    code, said = checked(tmp_path / "export")
    assert code == 0, said
    assert any(f"Log {LOG}: 2 of the entries that it is to have lost were never signed" in one for one in said)


def test_a_checkpoint_that_is_older_than_the_break_of_its_own_name_is_found(log: SetBack, tmp_path: Path) -> None:
    log.generations[-1] = log.now[:301]
    log.export(tmp_path / "export")
    code, said = checked(tmp_path / "export")
    assert code == 1
    assert any(f"{LOG}: its checkpoint is older than the first one" in one for one in said)


def test_what_nobody_has_any_more_is_said_and_no_cause_is_called_false_for_it(log: SetBack, tmp_path: Path) -> None:
    log.export(tmp_path / "export", lost=False)
    code, said = checked(tmp_path / "export")
    assert code == 0, said
    lost = len(EVENTS[LOG]) - 300
    (line,) = [one for one in said if one.startswith("Of the entries that were lost")]
    assert f"{lost} are not here" in line and not line.startswith("0")
    old = tmp_path / "old" / LOG
    old.mkdir(parents=True)
    (old / "checkpoint").write_text(str(OURS.checkpoint(LOG, EVENTS[LOG][:310])))
    code, said = checked(tmp_path / "export", "--since", str(old.parent))
    assert (code, any("are not here to compare" in one for one in said)) == (1, True)


def rewritten(folder: Path, change: Callable[[Break], Break]) -> None:
    path = folder / LOG / "breaks" / "2"
    path.write_bytes(bytes(change(Break.of(path.read_bytes()))))


FORGED: dict[str, Callable[[Path], object]] = {
    "no_break": lambda folder: (folder / LOG / "breaks" / "2").unlink(),
    "no_break_at_all": lambda folder: (folder / LOG / "breaks" / "2").write_text("{}"),
    "another_closing": lambda folder: rewritten(folder, lambda one: replace(one, closed=AddCheckpoint(one.closed.old, one.closed.path, OURS.checkpoint(LOG, EVENTS[LOG][:-1])))),
    "another_beginning": lambda folder: rewritten(folder, lambda one: replace(one, begun=AddCheckpoint(one.begun.old, one.begun.path, OURS.checkpoint(LOG, EVENTS[LOG], generation=2)))),
    "one_word_twice": lambda folder: rewritten(folder, lambda one: replace(one, proofs=(one.proofs[1], one.proofs[1]), entries=(one.entries[1], one.entries[1]))),
    "words_that_are_not_in_the_log": lambda folder: rewritten(folder, lambda one: replace(one, entries=words(300, bytes.fromhex(verify_audit_root(EVENTS[LOG][:300])), len(EVENTS[LOG]), 99))),
    "another_lost_entry": lambda folder: (folder / LOG / "breaks" / "2.lost").write_bytes((folder / LOG / "breaks" / "2.lost").read_bytes().replace(b"staff:a", b"staff:z")),
    "one_more_lost_entry": lambda folder: (folder / LOG / "breaks" / "2.lost").write_bytes(b"\x00\x02{}" + (folder / LOG / "breaks" / "2.lost").read_bytes()),
    "a_break_that_never_was": lambda folder: (folder / LOG / "breaks" / "3").write_bytes((folder / LOG / "breaks" / "2").read_bytes()),
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_break_is_found_also_where_whoever_forged_it_signed_the_manifest(
    log: SetBack, tmp_path: Path, forge: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.export(tmp_path / "export")
    forge(tmp_path / "export")
    # Of the manifest nothing is asked: what is found is found in the break.
    parts = {name: (0, len(log.now) if name == LOG else len(EVENTS[name])) for name in EVENTS}
    monkeypatch.setattr(verify_audit.Export, "manifest", lambda _: parts)
    code, said = checked(tmp_path / "export")
    assert code == 1 and any(one.startswith(f"{LOG}: ") for one in said), said


def test_a_restore_that_one_person_accepted_is_exported_by_nobody(tmp_path: Path) -> None:
    made = SetBack([EVENTS[LOG]])
    made.goes_on(300, persons=(PERSONS[0], PERSONS[0]))
    with pytest.raises(LogRefused) as refusal:
        made.export(tmp_path / "export")
    assert refusal.value.code == "accepted_by_one"
