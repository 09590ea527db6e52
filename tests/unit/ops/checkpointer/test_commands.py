"""By which keys checkpoints are checked is printed by those who sign, and what cannot be meant by a setting is refused."""

from datetime import date
from pathlib import Path

import pytest

from ops.checkpointer.__main__ import main
from ops.checkpointer.keys import LogKey, LogKeys, known, signing
from ops.checkpointer.marks import refuse_unknown
from ops.checkpointer.reading import SetBackTo
from ops.checkpointer.settings import LOG_NAMES, CheckpointerSettings, log_url_variable, witnesses_in
from ops.checkpoints import seen_by_ours
from ops.settings import CannotStart, OpsSettings
from ops.witness.__main__ import main as witness_main
from shared.ids import uuid7
from shared.tlog.notes import VerifierKey
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy
from tests.unit.shared.tlog.test_notes import AUDITOR, FINANCE, LOG

_DAY = date(2026, 11, 1)
_ONE = f"witness w {FINANCE.verifier_key} https://w.example, quorum w"


def environment(folder: Path) -> dict[str, str]:
    return {
        "AVRR_CHECKPOINTER_FOLDER": str(folder / "signs"), "AVRR_CHECKPOINTER_KEYS": str(folder / "keys"),
        "AVRR_LOGS_ORIGIN": "logs.example", "AVRR_WITNESSES": _ONE, **{log_url_variable(log): "postgresql://nobody" for log in LOG_NAMES},
    }  # fmt: skip


def test_the_keys_of_every_log_are_made_once_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys"], environment(tmp_path))
    printed = capsys.readouterr().out
    keys = [VerifierKey.of(line) for line in printed.splitlines()]
    assert [key.name for key in keys] == [f"logs.example/{log}" for log in LOG_NAMES]
    assert len({key.public for key in keys}) == len(LOG_NAMES)
    main(["keys"], environment(tmp_path))
    assert capsys.readouterr().out == printed
    # They are of today, and get no successor before tomorrow.
    with pytest.raises(SystemExit, match="before tomorrow"):
        main(["rotate"], environment(tmp_path))
    for wrong in (["key"], ["keys", "again"], ["unsigned"], ["unsigned", "nobody"], ["unsigned", LOG_NAMES[0], "again"]):
        with pytest.raises(SystemExit):
            main(wrong, environment(tmp_path))
    with pytest.raises(SystemExit, match="AVRR_LOGS_ORIGIN"):
        main(["keys"], {})


def test_whoever_runs_it_says_that_a_log_was_never_signed(tmp_path: Path) -> None:
    marks = [SetBackTo(uuid7(), 5, True)]
    with pytest.raises(LogRefused, match="not known here"):
        refuse_unknown(tmp_path / "signs" / LOG_NAMES[0], marks)
    main(["unsigned", LOG_NAMES[0]], environment(tmp_path))
    refuse_unknown(tmp_path / "signs" / LOG_NAMES[0], marks)
    with pytest.raises(SystemExit, match="AVRR_CHECKPOINTER_FOLDER"):
        main(["unsigned", LOG_NAMES[0]], {})


def test_the_key_of_a_witness_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVRR_WITNESS_FOLDER", str(tmp_path))
    with pytest.raises(SystemExit, match="AVRR_WITNESS_NAME"):
        witness_main(["key"])
    monkeypatch.setenv("AVRR_WITNESS_NAME", "w.example")
    witness_main(["key"])
    assert VerifierKey.of(capsys.readouterr().out.strip()).name == "w.example"
    with pytest.raises(SystemExit):
        witness_main(["keys"])


def test_a_key_signs_until_thirty_days_after_the_next_one_began(tmp_path: Path) -> None:
    keys = LogKeys(tmp_path, "logs.example")
    for day in (_DAY, date(2026, 11, 10), date(2026, 12, 1)):
        if day != _DAY:
            keys.rotate(["returns"], day)
        keys.of("returns", day)
    all_three = keys.of("returns", date(2027, 1, 1))
    assert [key.since.isoformat() for key in all_three] == ["2026-11-01", "2026-11-10", "2026-12-01"]
    first, second, third = (key.signer for key in all_three)
    assert signing(all_three[:2], date(2026, 12, 9)) == (second, first)
    assert signing(all_three, date(2026, 12, 9)) == (third, second, first)
    assert signing(all_three, date(2026, 12, 10)) == (third, second)
    assert signing(all_three, date(2026, 12, 31)) == (third,)


def test_a_rotation_that_ended_between_two_logs_is_finished_by_the_next_and_then_it_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, logs, later = LogKeys(tmp_path, "logs.example"), ("counselling", "returns", "audit"), date(2026, 11, 5)

    def of_each() -> list[list[int]]:
        return [[key.since.day for key in keys.of(log, later)] for log in logs]

    for log in logs:
        keys.of(log, _DAY)
    made = LogKeys._key

    def ended(self: LogKeys, log: str, since: date) -> LogKey:
        if log == "returns" and since == later:
            raise OSError("the disk is full")
        return made(self, log, since)

    with monkeypatch.context() as broken:
        broken.setattr(LogKeys, "_key", ended)
        with pytest.raises(OSError, match="full"):
            keys.rotate(logs, later)
    assert of_each() == [[1, 5], [1], [1]]
    # Also on another day, and those that have their key get no third one.
    keys.rotate(logs, date(2026, 11, 7))
    assert of_each() == [[1, 5], [1, 7], [1, 7]]
    with pytest.raises(CannotStart, match="before tomorrow"):
        keys.rotate(logs, date(2026, 11, 7))
    keys.rotate(logs, date(2026, 11, 9))
    assert of_each() == [[1, 5, 9], [1, 7, 9], [1, 7, 9]]


def test_a_former_key_is_printed_with_the_day_from_which_a_witness_does_not_take_it(tmp_path: Path) -> None:
    keys = LogKeys(tmp_path, "logs.example")
    keys.of("returns", _DAY)
    keys.rotate(["returns"], date(2026, 11, 10))
    former, newest = known(keys.of("returns", _DAY))
    assert str(former).endswith("@2026-12-10") and str(newest) == str(newest.key)
    assert former.counts_on(date(2026, 12, 9)) and not former.counts_on(date(2026, 12, 10)) and newest.counts_on(date.max)


def test_the_policy_names_every_key_that_a_log_had_those_of_exports_and_the_witnesses(tmp_path: Path) -> None:
    settings = CheckpointerSettings.from_environment({**environment(tmp_path), "AVRR_EXPORT_KEYS": str(LOG.verifier_key)})
    settings.keys_of_all(_DAY)
    settings.keys.rotate(["returns"], date(2026, 11, 2))
    policy = settings.policy(settings.keys_of_all(date(2026, 11, 2)))
    assert TrustPolicy.of(str(policy)) == policy
    assert len(policy.logs) == len(LOG_NAMES) + 2
    assert policy.logs[-1] == LOG.verifier_key
    assert (policy.witnesses, policy.urls, policy.quorum) == ({"w": FINANCE.verifier_key}, {"w": "https://w.example"}, "w")


def test_the_policy_names_former_witnesses_too_until_when_they_were_asked(tmp_path: Path) -> None:
    written = f"#former 2026-11-02T00:00:00Z all {AUDITOR.verifier_key}, #former 2026-01-01T00:00:00Z any {AUDITOR.verifier_key} {FINANCE.verifier_key}"
    settings = CheckpointerSettings.from_environment({**environment(tmp_path), "AVRR_WITNESSES": f"{_ONE}, {written}"})
    policy = settings.policy(settings.keys_of_all(_DAY))
    assert policy.former == TrustPolicy.of(f"{written.replace(', ', chr(10))}\nquorum none").former
    assert (TrustPolicy.of(str(policy)), len(policy.former), str(policy).count("\n#former ")) == (policy, 2, 2)
    # Nobody asks them any more.
    assert [one.key for one in settings.asked()] == [FINANCE.verifier_key]


@pytest.mark.parametrize("line", [
    "#former", "#former 2026-11-02T00:00:00Z any", "#former tomorrow any KEY", "#former 2026-11-02T00:00:00Z 2 KEY", "#former 2026-11-02T00:00:00Z any nobody",
    "# former 2026-11-02T00:00:00Z any KEY", "#Former 2026-11-02T00:00:00Z any KEY", "#formerly asked", "#former: 2026-11-02T00:00:00Z any KEY",
])  # fmt: skip
def test_a_line_about_former_witnesses_that_names_none_is_refused_with_how_it_is_written(tmp_path: Path, line: str) -> None:
    wrong = line.replace("KEY", str(AUDITOR.verifier_key))
    with pytest.raises(SystemExit, match=r"AVRR_WITNESSES: a line about former witnesses is #former MOMENT any\|all\|NUMBER KEY…, such as \S"):
        main([], {**environment(tmp_path), "AVRR_WITNESSES": f"{_ONE}, {wrong}"})


@pytest.mark.parametrize(("written", "ours"), [
    (None, True), ("", True), ("#former 2026-11-02T00:00:00Z any KEY", True), ("#former 2026-11-02T00:00:00Z any KEY, # more,\n", True),
    ("witness w KEY https://w.example, quorum w", False), ("#former 2026-11-02T00:00:00Z any KEY, quorum ours", False),
])  # fmt: skip
def test_where_former_witnesses_alone_are_named_ours_is_asked(tmp_path: Path, written: str | None, ours: bool) -> None:
    settings = OpsSettings(data=tmp_path, witnesses=None if written is None else written.replace("KEY", str(AUDITOR.verifier_key)))
    assert settings.witness_is_ours is ours
    if ours:
        found = witnesses_in(seen_by_ours(settings, FINANCE.verifier_key, "http://127.0.0.1:8006"))
        assert (found.witnesses, found.quorum, len(found.former)) == ({"ours": FINANCE.verifier_key}, "ours", int(bool(written)))


def test_any_other_comment_is_passed_over() -> None:
    assert witnesses_in(f"# of finance,{_ONE},# who was asked formerly, ") == witnesses_in(_ONE)


@pytest.mark.parametrize("missing", ["AVRR_CHECKPOINTER_FOLDER", "AVRR_LOGS_ORIGIN", "AVRR_WITNESSES", log_url_variable("returns")])
def test_a_checkpointer_starts_only_with_what_it_needs(tmp_path: Path, missing: str) -> None:
    whole = environment(tmp_path)
    del whole[missing]
    with pytest.raises(CannotStart, match=missing):
        CheckpointerSettings.from_environment(whole)


@pytest.mark.parametrize("wrong", [
    "quorum none", f"witness w {FINANCE.verifier_key}, quorum w", f"log {LOG.verifier_key}, {_ONE}", "what, quorum w",
    f"witness w {FINANCE.verifier_key} ftp://w.example, quorum w", _ONE.removesuffix(", quorum w"),
])  # fmt: skip
def test_witnesses_are_named_with_their_addresses_and_somebodys_word_is_asked(wrong: str) -> None:
    with pytest.raises(CannotStart, match="AVRR_WITNESSES"):
        witnesses_in(wrong)


def test_of_several_witnesses_a_group_says_how_many_are_enough() -> None:
    found = witnesses_in(f"witness a {FINANCE.verifier_key} https://a.example,witness b {AUDITOR.verifier_key} http://b,group g any a b,quorum g")
    assert (found.quorum, found.groups["g"].enough, list(found.urls)) == ("g", 1, ["a", "b"])


def test_a_name_that_no_checkpoint_can_bear_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="AVRR_LOGS_ORIGIN"):
        CheckpointerSettings.from_environment({**environment(tmp_path), "AVRR_LOGS_ORIGIN": "two words"})
