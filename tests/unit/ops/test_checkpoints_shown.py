"""Whoever looks at the checkpoints by keys of their own is told all is well of this moment's, each log's own, and of one house."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from ops.checkpoints import shown
from shared.tlog.notes import COSIGNATURE, Note, Signer
from shared.tlog.trust import TrustPolicy
from tests.unit.ops.audit.exports import LOGS, SEEN, House

NOW: Final = datetime.fromtimestamp(SEEN, UTC)
OURS, ELSEWHERE = House.of("ours"), House.of("ours", "logs.elsewhere.example")
ENTRIES: Final = [b"one", b"two"]


def note(name: str, house: House = OURS, seen: int = SEEN, generation: int = 1) -> bytes:
    return str(house.checkpoint(name, ENTRIES, seen=seen, generation=generation)).encode()


def told(
    notes: Mapping[str, bytes | None], now: datetime = NOW, policy: TrustPolicy = OURS.policy,
    wrong: Mapping[str, Mapping[str, str]] | None = None, doubts: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[list[str], bool]:  # fmt: skip
    return shown(notes, policy, now, wrong or {}, doubts or {})


ALL: Final = {log: note(log) for log in LOGS}


def test_what_was_seen_just_now_of_each_log_is_shown_with_its_origin_and_is_well() -> None:
    lines, well = told(ALL)
    assert (len(lines), well) == (3, True)
    for log, line in zip(LOGS, lines, strict=True):
        assert line.startswith(f"{log}: logs.invented.example/{log}, 2 entries, root ")
        assert line.endswith("seen by w at 2024-01-01 09:06:40 UTC")


def test_a_log_that_was_set_back_is_well_under_its_next_name() -> None:
    lines, well = told({**ALL, "returns": note("returns", generation=2)})
    assert (lines[-1].startswith("returns: logs.invented.example/returns/2, 2 entries"), well) == (True, True)


def test_the_checkpoint_of_another_log_is_not_well() -> None:
    lines, well = told({**ALL, "returns": note("counselling")})
    assert (lines[-1].endswith("; this is the checkpoint of another log"), well) == (True, False)
    assert "logs.invented.example/counselling, " in lines[-1]


def test_logs_of_two_houses_are_not_well_though_the_keys_of_both_are_trusted() -> None:
    both = replace(OURS.policy, logs=(*OURS.policy.logs, ELSEWHERE.logs["returns"].verifier_key))
    lines, well = told({**ALL, "returns": note("returns", ELSEWHERE)}, policy=both)
    assert (lines[3:], well) == (["These logs are not of one house: logs.elsewhere.example, logs.invented.example"], False)


@pytest.mark.parametrize(("seconds", "well"), [(0, True), (60, True), (119, True), (121, False), (86_400, False), (-59, True), (-61, False)])
def test_what_no_witness_saw_lately_or_says_to_have_seen_later_than_now_is_not_well(seconds: int, well: bool) -> None:
    lines, found = told(ALL, NOW + timedelta(seconds=seconds))
    assert (found, [line.endswith("; no witness says that it saw it just now") for line in lines]) == (well, [not well] * 3)


@pytest.mark.parametrize("apart", [400, -400], ids=["fast", "slow"])
def test_the_clock_of_one_of_several_witnesses_takes_nothing_from_what_another_saw_just_now(apart: int) -> None:
    other = Signer.of("x.invented.example", COSIGNATURE, bytes([8]) * 32)
    policy = replace(OURS.policy, witnesses={**OURS.policy.witnesses, "x": other.verifier_key})
    notes = {log: Note.of(note(log)) for log in LOGS}
    both = {log: str(one.with_signatures([other.sign(one.text, SEEN + apart)])).encode() for log, one in notes.items()}
    lines, found = told(both, policy=policy)
    assert (all("seen by x at " in line for line in lines), found) == (True, True)
    # Where neither saw it just now nothing is well.
    assert told(both, NOW + timedelta(seconds=200), policy)[1] is False


def test_one_log_that_is_late_is_enough() -> None:
    lines, well = told({**ALL, "counselling": note("counselling", seen=SEEN - 200)})
    assert (["just now" in line for line in lines], well) == ([True, False, False], False)


def test_what_no_witness_saw_is_not_well_also_where_the_keys_ask_for_none() -> None:
    notes = {log: str(OURS.checkpoint(log, ENTRIES, witnessed=False)).encode() for log in LOGS}
    lines, well = told(notes, policy=TrustPolicy(OURS.policy.logs))
    assert (all("seen by nobody; no witness says" in line for line in lines), well) == (True, False)


def test_a_moment_that_no_calendar_has_is_told_and_is_not_well() -> None:
    lines, well = told({**ALL, "returns": note("returns", seen=2**63)})
    assert ("seen by w at 9999-12-31 23:59:59 UTC; no witness says" in lines[-1], well) == (True, False)


def test_what_is_missing_forged_refused_or_doubted_is_not_well() -> None:
    assert told({**ALL, "returns": None}) == ([*told(ALL)[0][:2], "returns: no checkpoint yet"], False)
    forged = note("returns").replace(b"\n2\n", b"\n3\n")
    lines, well = told({**ALL, "returns": forged})
    assert (lines[-1].startswith("returns: not to be trusted: "), well) == (True, False)
    lines, well = told(ALL, wrong={"returns": {"code": "log_shrank", "found": "Entry 1 is gone."}})
    assert (lines[-1].endswith(" UTC; log_shrank: Entry 1 is gone."), well) == (True, False)
    lines, well = told(ALL, doubts={"returns": {"w": "witness_unlike"}})
    assert (lines[-1].endswith(" UTC; w: witness_unlike"), well) == (True, False)
