"""Whatever somebody does to an export, with which keys of ours or of theirs, whoever checks it notices; all of it is invented."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from ops.audit import verify_audit
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note
from shared.tlog.tiles import bundled
from tests.unit.ops.audit.exports import SEEN, House, history, rewritten
from tests.unit.ops.audit.set_back import LOG, SetBack, caused

OURS, THEIRS = House.of("ours"), House.of("theirs")
EVENTS = history(2023, 900)
OTHERS = {name: entries for name, entries in EVENTS.items() if name != LOG}
# So many entries were kept of the log that was set back, and so many of each log are what somebody kept of before.
KEPT, BEFORE = 200, 150

Files = dict[str, bytes]


def set_back(entries: list[bytes]) -> SetBack:
    """The log with these entries, which was set back and goes on with the effect of one that it lost."""
    log = SetBack(OURS, OTHERS, [entries])
    log.goes_on(KEPT, caused(1, 1, entries[KEPT + 9]), *(caused(number, number) for number in range(2, 90)))
    return log


@dataclass(frozen=True)
class Told:
    """An export as it is, what is said of it, and what an auditor and a liar have beside it."""

    folder: Path
    trusted: Path
    kept: Path
    whole: Files
    remarks: tuple[str, ...]
    older: Files
    second: tuple[Files, ...]


def files_in(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def nobodys_cause(entries: list[bytes]) -> int:
    """Where an entry stands that was there before and led to nothing, so that no other one says how it read."""
    causes = {json.loads(entry).get("causationid") for log in EVENTS.values() for entry in log}
    return next(index for index in range(BEFORE - 1, 0, -1) if json.loads(entries[index])["id"] not in causes)


def said_of(folder: Path, trusted: Path, kept: Path | None) -> tuple[int, tuple[str, ...]]:
    said: list[str] = []
    since = [] if kept is None else ["--since", str(kept)]
    return verify_audit.main([str(folder), "--policy", str(trusted), *since], said.append), tuple(said)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    top = tmp_path_factory.mktemp("manipulated")
    folder, trusted, kept = top / "now", top / "trusted", top / "kept"
    trusted.write_text(str(OURS.policy))
    set_back(EVENTS[LOG]).export(folder, proofs=3)
    for name, entries in EVENTS.items():
        (kept / name).mkdir(parents=True)
        (kept / name / "checkpoint").write_text(str(OURS.checkpoint(name, entries[:BEFORE])))
    # The logs as they were before, and another history of each, with every signature that there is.
    OURS.export(top / "older", {name: entries[: BEFORE - 1] for name, entries in EVENTS.items()})
    second = []
    for name, entries in EVENTS.items():
        other = rewritten(entries, nobodys_cause(entries))
        log = set_back(other if name == LOG else EVENTS[LOG])
        replace(log, others={**OTHERS, name: other} if name != LOG else OTHERS).export(top / name, proofs=3)
        # Of those that keep nothing from before nobody can tell.
        assert said_of(top / name, trusted, None)[0] == 0
        second.append(files_in(top / name))
    code, said = said_of(folder, trusted, kept)
    assert (code, sum(line.startswith(f"Log {LOG} was set back") for line in said)) == (0, 1), said
    return Told(folder, trusted, kept, files_in(folder), said, files_in(top / "older"), tuple(second))


def _flip(files: Files, dice: Random, _: Told) -> str:
    name = dice.choice(sorted(name for name in files if files[name]))
    changed = bytearray(files[name])
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    files[name] = bytes(changed)
    return name


def _cut(files: Files, dice: Random, _: Told) -> str:
    name = dice.choice(sorted(name for name in files if files[name]))
    files[name] = files[name][: dice.randrange(len(files[name]))]
    return name


def _delete(files: Files, dice: Random, _: Told) -> str:
    name = dice.choice(sorted(files))
    del files[name]
    return name


def _insert(files: Files, dice: Random, _: Told) -> str:
    name = dice.choice(sorted(files))
    files[f"{name}.{dice.randrange(9)}"] = files[name]
    return name


def _swap(files: Files, dice: Random, _: Told) -> str:
    while True:
        one, other = dice.sample(sorted(files), 2)
        if files[one] != files[other]:
            files[one], files[other] = files[other], files[one]
            return f"{one} and {other}"


def _bundle(files: Files, dice: Random) -> tuple[str, list[bytes]]:
    name = dice.choice(sorted(name for name in files if "/tile/entries/" in name or name.endswith(".lost")))
    return name, verify_audit.entries_of(files[name])


def _reorder(files: Files, dice: Random, _: Told) -> str:
    name, entries = _bundle(files, dice)
    one, other = dice.sample(range(len(entries)), 2)
    entries[one], entries[other] = entries[other], entries[one]
    files[name] = bundled(entries)
    return name


def _entry_out(files: Files, dice: Random, _: Told) -> str:
    name, entries = _bundle(files, dice)
    del entries[dice.randrange(len(entries))]
    files[name] = bundled(entries)
    return name


def _entry_in(files: Files, dice: Random, _: Told) -> str:
    name, entries = _bundle(files, dice)
    entries.insert(dice.randrange(len(entries)), dice.choice(entries))
    files[name] = bundled(entries)
    return name


def _other_key(files: Files, dice: Random, _: Told) -> str:
    """A checkpoint by which a log, or a break of one, stands, signed by keys of which one at least is somebody else's."""
    note = dice.choice(sorted(_notes(files)))
    by, seen_by = dice.choice(((THEIRS, THEIRS), (THEIRS, OURS), (OURS, THEIRS)))
    text = Note.of(note).text
    origin = Origin.of(Checkpoint.of(Note.of(note)).origin)
    signers = (by.logs[origin.log].under(str(origin)), seen_by.witness)
    forged = str(Note(text, tuple(signer.sign(text, SEEN) for signer in signers)))
    name = next(name for name in sorted(files) if _within(note.decode()) in files[name] or files[name] == note)
    files[name] = forged.encode() if files[name] == note else files[name].replace(_within(note.decode()), _within(forged), 1)
    return name


def _notes(files: Files) -> Iterator[bytes]:
    """Every signed checkpoint by itself, and those in what proves a break."""
    for name, content in files.items():
        if name.endswith("/checkpoint"):
            yield content
        elif "/breaks/" in name and not name.endswith(".lost"):
            told = json.loads(content)
            yield from (told[part].partition("\n\n")[2].encode() for part in ("closed", "begun"))


def _within(note: str) -> bytes:
    """A note as it stands in a file of a break."""
    return json.dumps(note, ensure_ascii=False)[1:-1].encode()


def _older_checkpoint(files: Files, dice: Random, told: Told) -> str:
    """A checkpoint of a log that was signed before, alone, or with all that the logs were then."""
    if dice.randrange(2):
        return _replaced(files, told.older)
    name = dice.choice(sorted(EVENTS))
    entries = set_back(EVENTS[LOG]).now if name == LOG else EVENTS[name]
    note = OURS.checkpoint(name, entries[: dice.randrange(len(entries))], generation=2 if name == LOG else 1)
    files[f"{name}/checkpoint"] = str(note).encode()
    return f"{name}/checkpoint"


def _split_view(files: Files, dice: Random, told: Told) -> str:
    """Another history of a log that everybody signed: the export whole, or its checkpoint alone."""
    at = dice.randrange(len(EVENTS))
    if dice.randrange(2):
        return _replaced(files, told.second[at])
    name = f"{[*EVENTS][at]}/checkpoint"
    files[name] = told.second[at][name]
    return name


def _replaced(files: Files, other: Files) -> str:
    files.clear()
    files.update(other)
    return "everything"


CHANGES: tuple[Callable[[Files, Random, Told], str], ...] = (
    _flip, _cut, _delete, _insert, _swap, _reorder, _entry_out, _entry_in, _other_key, _older_checkpoint, _split_view,
)  # fmt: skip
# Nothing within such an export is wrong: that it is another one than before tells what the auditor kept.
NEEDS_WHAT_WAS_KEPT = (_older_checkpoint, _split_view)


@pytest.mark.parametrize("signed_anew", [False, True], ids=["as-it-was-signed", "signed-anew"])
def test_no_manipulation_of_an_export_goes_unnoticed(request: pytest.FixtureRequest, told: Told, signed_anew: bool) -> None:
    """``signed_anew``: by somebody who has the key for exports, so that the list of files holds and the trees alone tell.

    Of entries that a restore lost such a one may leave out any, for nobody proves who has them still: how many are not here is said then.
    """
    times = request.config.getoption("--manipulations") // 2
    whole = told.whole
    # Whoever signs anew may add what they like beside the logs, but not change a log.
    logs = {name: content for name, content in whole.items() if name.partition("/")[0] in EVENTS}
    dice, done = Random(90 + signed_anew), Counter[str]()
    for _ in range(times):
        change = dice.choice(CHANGES)
        open_to = logs if signed_anew and change not in NEEDS_WHAT_WAS_KEPT else whole
        changed = dict(open_to)
        what = change(changed, dice, told)
        files = {name: content for name, content in whole.items() if name not in open_to} | changed
        if signed_anew:
            files["manifest"] = _manifest(files)
        _lay(told.folder, whole, files)
        try:
            code, said = said_of(told.folder, told.trusted, told.kept if change in NEEDS_WHAT_WAS_KEPT else None)
        finally:
            _lay(told.folder, files, whole)
        left_out = signed_anew and what.endswith(".lost") and any("are not here or proven by nothing" in line for line in said)
        assert (code, said[-1].endswith(" findings.")) == (1, True) or left_out, f"{change.__name__} of {what} was not noticed"
        done[change.__name__] += 1
    assert done.total() == times
    assert times < 100 or len(done) == len(CHANGES)
    assert said_of(told.folder, told.trusted, told.kept) == (0, told.remarks)


def _manifest(files: Files) -> bytes:
    """Signed anew, with as many entries of each log as its checkpoint says."""
    text = files["manifest"].decode()
    for name in EVENTS:
        if f"{name}/checkpoint" in files:
            before = next(line for line in text.split("\n") if line.startswith(f"log {name} "))
            size = files[f"{name}/checkpoint"].split(b"\n")[1:2]
            if size and size[0].isdigit():
                text = text.replace(f"{before}\n", f"log {name} 0 {size[0].decode()}\n")
    return OURS.manifest({**files, "manifest": text.encode()})


def _lay(folder: Path, before: Files, after: Files) -> None:
    for name in before.keys() - after.keys():
        (folder / name).unlink()
    for name, content in after.items():
        if before.get(name) != content:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
