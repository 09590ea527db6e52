"""An export of after a change of witness holds what the former one saw, and is found right by keys that say until when it was asked."""

from dataclasses import replace
from pathlib import Path

import pytest

from ops.audit import verify_audit
from ops.audit.export import ExportFolder
from shared.tlog.notes import COSIGNATURE, Signer
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import Former, TrustPolicy
from tests.unit.ops.audit.exports import SEEN, YEAR, House, history, in_bundles, key
from tests.unit.ops.audit.set_back import LOG, SetBack, caused

BEFORE = House.of("ours")
NOW = replace(BEFORE, witness=Signer.of("court.invented.example", COSIGNATURE, key("the court")))
EVENTS = history(12, 600)
OTHERS = {name: entries for name, entries in EVENTS.items() if name != LOG}
# What stands in a break was seen at this second by the witness of then.
UNTIL = SEEN + 1


def former(until: int = UNTIL, enough: int = 1) -> TrustPolicy:
    return replace(NOW.policy, former=(Former(until, enough, (BEFORE.witness.verifier_key,)),))


def export(folder: Path, policy: TrustPolicy) -> None:
    """Set back while the former witness was asked, and taken home by what the court saw."""
    made = SetBack(BEFORE, OTHERS, [EVENTS[LOG]])
    made.goes_on(100, caused(1, 1, EVENTS[LOG][120]), caused(2, 2))
    folder.mkdir(parents=True)
    with ExportFolder(folder, policy, YEAR) as written:
        for name in sorted(EVENTS):
            entries = made.now if name == LOG else EVENTS[name]
            written.add_log(name, NOW.checkpoint(name, entries, generation=2 if name == LOG else 1, seen=SEEN + 60), in_bundles(entries))
            written.add_proof(name, "case-1", 0)
            if name == LOG:
                written.add_break(LOG, made.breaks[0], made.lost(1))
        written.finish(NOW.exports)


def checked(folder: Path, policy: TrustPolicy | str, *more: str) -> tuple[int, list[str]]:
    said: list[str] = []
    keys = folder.parent / "keys"
    keys.write_text(str(policy))
    return verify_audit.main([str(folder), "--policy", str(keys), *more], said.append), said


def test_it_is_written_and_found_right_by_keys_that_say_until_when_the_former_one_was_asked(tmp_path: Path) -> None:
    export(tmp_path / "export", former())
    code, said = checked(tmp_path / "export", former())
    assert (code, said[-1].endswith("Nothing was found.")) == (0, True), said
    assert any(one.startswith(f"Log {LOG} was set back to an earlier time: 100 entries were kept") for one in said)
    # The keys that come with it say the same.
    assert (tmp_path / "export" / "policy").read_text() == str(former())


def test_without_the_former_one_it_is_neither_written_nor_found_right(tmp_path: Path) -> None:
    with pytest.raises(LogRefused) as refused:
        export(tmp_path / "none", NOW.policy)
    assert refused.value.code == "not_witnessed"
    export(tmp_path / "export", former())
    assert checked(tmp_path / "export", NOW.policy)[0] == 1
    assert f"{LOG}: too few of the witnesses that you trust saw the checkpoint." in checked(tmp_path / "export", NOW.policy)[1]


@pytest.mark.parametrize("until", [SEEN, SEEN - 86_400])
def test_what_the_former_one_saw_when_it_was_asked_no_more_proves_nothing(tmp_path: Path, until: int) -> None:
    with pytest.raises(LogRefused):
        export(tmp_path / "none", former(until))
    export(tmp_path / "export", former())
    assert checked(tmp_path / "export", former(until))[0] == 1


def test_what_a_log_holds_now_is_proven_by_no_former_one(tmp_path: Path) -> None:
    with ExportFolder(tmp_path, former(), YEAR) as written, pytest.raises(LogRefused) as refused:
        written.add_log(LOG, BEFORE.checkpoint(LOG, EVENTS[LOG]), in_bundles(EVENTS[LOG]))
    assert refused.value.code == "not_witnessed"
    BEFORE.export(tmp_path / "export", EVENTS, proofs=1)
    code, said = checked(tmp_path / "export", former())
    assert code == 1
    for name in (*EVENTS, f"proofs/case-1/{LOG}-0.tlog-proof"):
        assert f"{name}: too few of the witnesses that you trust saw the checkpoint." in said


def test_a_checkpoint_that_was_kept_from_before_the_change_is_held_against_what_there_is(tmp_path: Path) -> None:
    NOW.export(tmp_path / "export", EVENTS, seen=dict.fromkeys(EVENTS, SEEN + 60))
    for name, entries in EVENTS.items():
        (tmp_path / "old" / name).mkdir(parents=True)
        (tmp_path / "old" / name / "checkpoint").write_text(str(BEFORE.checkpoint(name, entries[:50])))
    assert checked(tmp_path / "export", former(), "--since", str(tmp_path / "old"))[0] == 0
    assert checked(tmp_path / "export", NOW.policy, "--since", str(tmp_path / "old"))[0] == 1
    (tmp_path / "old" / LOG / "checkpoint").write_text(str(BEFORE.checkpoint(LOG, [b"another"] * 50)))
    code, said = checked(tmp_path / "export", former(), "--since", str(tmp_path / "old"))
    assert (code, f"{LOG}, compared with before: its first 50 entries are not those that it held before." in said) == (1, True)


@pytest.mark.parametrize("line", [
    "#former", "#former 2026-12-01T00:00:00Z any", "#former tomorrow any KEY", "#former 2026-12-01T00:00:00Z 2 KEY", "#former 2026-12-01T00:00:00Z any nobody",
])  # fmt: skip
def test_a_line_that_cannot_be_meant_is_taken_for_no_comment(line: str, tmp_path: Path) -> None:
    written = str(NOW.policy) + line.replace("KEY", str(BEFORE.witness.verifier_key)) + "\n"
    code, said = checked(tmp_path / "export", written)
    assert (code, [one.startswith("policy: ") for one in said]) == (2, [True])


@pytest.mark.parametrize("line", ["# former witnesses went", "#formerly", "  # a comment", "", " "])
def test_comments_are_passed_over(line: str, tmp_path: Path) -> None:
    BEFORE.export(tmp_path / "export", EVENTS)
    assert checked(tmp_path / "export", f"{line}\n{BEFORE.policy}")[0] == 0
