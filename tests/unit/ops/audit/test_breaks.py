"""An export of a log that was set back holds where, how much it lost and who accepted it, and whoever checks it is told; all of it is invented."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ops.audit import verify_audit
from shared.tlog.breaks import Break
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import entries_in
from shared.tlog.witnessing import AddCheckpoint
from tests.unit.ops.audit.exports import House, history
from tests.unit.ops.audit.set_back import LOG, PERSONS, SetBack, caused, root_over, words

OURS = House.of("ours")
EVENTS = history(11, 1_400)
OTHERS = {name: entries for name, entries in EVENTS.items() if name != LOG}


def checked(folder: Path, *more: str) -> tuple[int, list[str]]:
    said: list[str] = []
    keys = folder.parent / "keys"
    keys.write_text(str(OURS.policy))
    return verify_audit.main([str(folder), "--policy", str(keys), *more], said.append), said


@pytest.fixture
def log() -> SetBack:
    """Set back once, and what followed has one cause that was lost."""
    made = SetBack(OURS, OTHERS, [EVENTS[LOG]])
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


@pytest.mark.parametrize("more", [1, 2])
@pytest.mark.parametrize("lost", [True, False], ids=["lost is there", "lost is gone"])
def test_a_log_that_was_set_back_to_within_its_acceptance_holds_no_entry_twice(log: SetBack, tmp_path: Path, more: int, lost: bool) -> None:
    # An archive sets all behind what was kept apart and takes it again, as far as the log still has it.
    log.goes_on(300, caused(3, 3), stood=log.now[300 : 300 + more])
    log.goes_on(300, caused(4, 4, caused(3, 3)), stood=log.now[300 : 300 + more])
    assert log.lost(2)[:more] == log.lost(3)[:more] == log.now[300 : 300 + more]
    log.export(tmp_path / "export", lost=lost)
    code, said = checked(tmp_path / "export")
    assert (code, said[-1].endswith("Nothing was found.")) == (0, True), said
    assert [f"goes on as {OURS.name}/{LOG}/{at}" in one for at, one in enumerate((one for one in said if "was set back" in one), 2)] == [True] * 3


@pytest.mark.parametrize("without", [1, 2, 3])
def test_of_what_the_histories_have_alike_a_part_may_be_gone(log: SetBack, tmp_path: Path, without: int) -> None:
    shared = log.now[300:301]
    log.goes_on(300, caused(3, 3), stood=shared)
    log.goes_on(300, caused(4, 4), stood=shared)
    log.export(tmp_path / "export", without=without)
    code, said = checked(tmp_path / "export")
    assert code == 0, said


def test_what_two_histories_had_alike_may_have_been_lost_since(log: SetBack, tmp_path: Path) -> None:
    log.goes_on(300, caused(3, 3), stood=log.now[300:302])
    log.goes_on(300, caused(4, 4))
    log.export(tmp_path / "export")
    code, said = checked(tmp_path / "export")
    assert code == 0, said


@pytest.mark.parametrize("more", [0, 1, 2])
@pytest.mark.parametrize("without", [0, 1, 2, 3])
def test_a_later_backup_of_an_earlier_history_holds_no_entry_twice(log: SetBack, tmp_path: Path, more: int, without: int) -> None:
    # The backup that was restored at first was the wrong one; what it lost stands in the log again, or among what was lost since.
    log.goes_on(300, caused(3, 3, EVENTS[LOG][340]), stood=EVENTS[LOG][300:350])
    for number, kept in enumerate((325, 300)[:more], 4):
        log.goes_on(kept, caused(number, number))
    log.export(tmp_path / "export", without=without)
    code, said = checked(tmp_path / "export")
    assert (code, said[-1].endswith("Nothing was found.")) == (0, True), said


def test_a_later_backup_of_one_of_several_earlier_histories_holds_no_entry_twice(log: SetBack, tmp_path: Path) -> None:
    second = log.now
    log.goes_on(302, caused(3, 3))
    log.goes_on(300, caused(4, 4), stood=EVENTS[LOG][300:310])
    log.goes_on(300, caused(5, 5), stood=second[300:303])
    log.goes_on(300, caused(6, 6), stood=EVENTS[LOG][300:350])
    log.goes_on(290)
    log.export(tmp_path / "export")
    code, said = checked(tmp_path / "export")
    assert (code, said[-1].endswith("Nothing was found.")) == (0, True), said


DOUBLES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "elsewhere": lambda lost: [caused(9, 9), *lost[:1]],
    "in its place behind another": lambda lost: [caused(9, 9), *lost[1:2]],
    "with another word": lambda lost: [lost[0].replace(b'"data":{}', b'"data":{"more":1}')],
    "twice": lambda lost: [*lost[:1], *lost[:1]],
}


@pytest.mark.parametrize("double", DOUBLES)
@pytest.mark.parametrize("between", [0, 1, 2])
def test_a_lost_entry_that_stands_in_the_log_again_is_found_where_both_histories_are_not_alike_up_to_it(
    tmp_path: Path, double: str, between: int
) -> None:
    # Each of these is the first version of a subject of its own.
    made, lost = SetBack(OURS, OTHERS, [[*EVENTS[LOG][:300]]]), [caused(number, number) for number in range(1, 9)]
    made.generations[-1] += lost
    for number in range(between):
        made.goes_on(300, caused(20 + number, 20 + number))
    made.goes_on(300, stood=DOUBLES[double](lost))
    made.export(tmp_path / "export")
    code, said = checked(tmp_path / "export")
    assert (code, said.count("Two entries have one id.")) == (1, 1), said


def test_lost_entries_that_stand_in_their_places_again_are_found_where_another_stands_before_what_was_kept(tmp_path: Path) -> None:
    made, lost = SetBack(OURS, OTHERS, [[*EVENTS[LOG][:300]]]), [caused(number, number) for number in range(1, 9)]
    made.generations[-1] += lost
    made.goes_on(302)
    made.goes_on(301, stood=[caused(9, 9), *lost[2:]])
    made.export(tmp_path / "export")
    code, said = checked(tmp_path / "export")
    assert (code, said.count("Two entries have one id.")) == (1, 6), said


def test_lost_entries_that_stand_elsewhere_are_found_where_of_those_before_them_nothing_is_proven(tmp_path: Path) -> None:
    made, lost = SetBack(OURS, OTHERS, [[*EVENTS[LOG][:300]]]), [caused(number, number) for number in range(1, 9)]
    made.generations[-1] += lost
    made.goes_on(304, caused(20, 20))
    made.goes_on(302, stood=lost[4:])
    # Of what the second history had and lost not everything is here.
    made.export(tmp_path / "export", only=4)
    code, said = checked(tmp_path / "export")
    assert (code, said.count("Two entries have one id.")) == (1, 4), said


@pytest.mark.parametrize("only", [1, 150], ids=["the first", "many"])
def test_a_part_of_what_was_lost_is_remarked_as_proven_by_nothing_and_is_no_cause(log: SetBack, tmp_path: Path, only: int) -> None:
    log.export(tmp_path / "export", only=only)
    code, said = checked(tmp_path / "export")
    assert (code, said[-1].endswith("Nothing was found.")) == (0, True), said
    told = f"Log {LOG}: {only} of the entries that it is to have lost are proven by nothing, for others of them are not here."
    assert told in said
    (line,) = [one for one in said if one.startswith("Of the entries that were lost")]
    assert f"{len(EVENTS[LOG]) - 300} are not here" in line


def test_as_many_were_lost_as_two_persons_accepted_as_known_though_fewer_were_signed(tmp_path: Path) -> None:
    made, known = SetBack(OURS, OTHERS, [EVENTS[LOG]]), len(EVENTS[LOG]) + 7
    # Its cause was recorded and lost before anybody signed it.
    made.goes_on(300, caused(1, 1, caused(2, 2)), known=known)
    made.export(tmp_path / "export")
    code, said = checked(tmp_path / "export")
    assert code == 0, said
    assert any(f"300 entries were kept and {known - 300} lost, of which {known - 307} are here" in one for one in said)
    assert "Of the entries that were lost 7 are not here or proven by nothing. 1 entries name a cause that may be among them." in said


def test_what_was_lost_before_it_was_signed_is_told_as_proven_by_nothing(log: SetBack, tmp_path: Path) -> None:
    log.export(tmp_path / "export", beside=[caused(70, 70), caused(71, 71)])
    code, said = checked(tmp_path / "export")
    assert code == 0, said
    assert any(f"Log {LOG}: 2 of the entries that it is to have lost are proven by nothing, for they were never signed." in one for one in said)


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


def _of_another_checkpoint(one: Break) -> Break:
    """Each proof leads to the same root under a name that the log never had."""
    note = OURS.checkpoint(LOG, [*EVENTS[LOG][:300], *one.entries], generation=3)
    return replace(one, proofs=(replace(one.proofs[0], note=note), replace(one.proofs[1], note=note)))


def written(folder: Path, change: Callable[[bytes], bytes]) -> None:
    path = folder / LOG / "breaks" / "2"
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before


FORGED: dict[str, Callable[[Path], object]] = {
    "no_break": lambda folder: (folder / LOG / "breaks" / "2").unlink(),
    "no_break_at_all": lambda folder: (folder / LOG / "breaks" / "2").write_text("{}"),
    "a_letter_in_a_place": lambda folder: written(folder, lambda text: text.replace(b"index 300", b"index 3i0")),
    "no_place": lambda folder: written(folder, lambda text: text.replace(b"index 300", b"")),
    "a_letter_in_what_was_kept": lambda folder: written(folder, lambda text: text.replace(b"old 300", b"old 3o0")),
    "another_kind_of_proof": lambda folder: written(folder, lambda text: text.replace(b"tlog-proof", b"tlog-prooF", 1)),
    "a_proof_of_another_checkpoint": lambda folder: rewritten(folder, _of_another_checkpoint),
    "no_end_of_line": lambda folder: written(folder, lambda text: text[:-1]),
    "brackets_without_end": lambda folder: written(folder, lambda _: b"[" * 60_000),
    "no_text": lambda folder: written(folder, lambda text: text.replace(b'"proof": "', b'"proof": 5, "": "', 1)),
    "another_closing": lambda folder: rewritten(folder, lambda one: replace(one, closed=AddCheckpoint(one.closed.old, one.closed.path, OURS.checkpoint(LOG, EVENTS[LOG][:-1])))),
    "another_beginning": lambda folder: rewritten(folder, lambda one: replace(one, begun=AddCheckpoint(one.begun.old, one.begun.path, OURS.checkpoint(LOG, EVENTS[LOG], generation=2)))),
    "one_word_twice": lambda folder: rewritten(folder, lambda one: replace(one, proofs=(one.proofs[1], one.proofs[1]), entries=(one.entries[1], one.entries[1]))),
    "words_that_are_not_in_the_log": lambda folder: rewritten(folder, lambda one: replace(one, entries=words(300, root_over(EVENTS[LOG][:300]), len(EVENTS[LOG]), 99))),
    "another_lost_entry": lambda folder: (folder / LOG / "breaks" / "2.lost").write_bytes((folder / LOG / "breaks" / "2.lost").read_bytes().replace(b"staff:a", b"staff:z")),
    "one_more_lost_entry": lambda folder: (folder / LOG / "breaks" / "2.lost").write_bytes(b"\x00\x02{}" + (folder / LOG / "breaks" / "2.lost").read_bytes()),
    "a_break_that_never_was": lambda folder: (folder / LOG / "breaks" / "3").write_bytes((folder / LOG / "breaks" / "2").read_bytes()),
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_break_is_found_also_where_whoever_forged_it_signed_the_manifest(
    log: SetBack, tmp_path: Path, forge: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.export(tmp_path / "export", proofs=2)
    forge(tmp_path / "export")
    # Of the manifest nothing is asked: what is found is found in the break.
    parts = {name: (0, len(log.now) if name == LOG else len(EVENTS[name])) for name in EVENTS}
    monkeypatch.setattr(verify_audit.Export, "manifest", lambda _: parts)
    code, said = checked(tmp_path / "export")
    assert code == 1 and any(one.startswith(f"{LOG}: ") for one in said), said
    # Whatever is wrong with the break keeps nothing else from being looked at.
    assert any(one.startswith("Log counselling: ") for one in said)


def test_a_restore_that_one_person_accepted_is_exported_by_nobody(tmp_path: Path) -> None:
    made = SetBack(OURS, OTHERS, [EVENTS[LOG]])
    made.goes_on(300, persons=(PERSONS[0], PERSONS[0]))
    with pytest.raises(LogRefused) as refusal:
        made.export(tmp_path / "export")
    assert refusal.value.code == "accepted_by_one"
