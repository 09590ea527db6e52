"""Whose word was asked for before is believed of the past, as far as they saw it in their time, and of nothing else."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.tlog.notes import COSIGNATURE, Note, Signature, Signer
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import Former, TrustPolicy
from tests.unit.shared.tlog.test_breaks import broken
from tests.unit.shared.tlog.test_notes import AT, AUDITOR, FINANCE, LOG, OTHER_LOG, POLICY, SAID

F, A = str(FINANCE.verifier_key), str(AUDITOR.verifier_key)
UNTIL = "2023-11-14T22:13:21Z"
# Finance was the witness until a second after what it saw here, and the auditor is from then on.
LINES = f"log {LOG.verifier_key}\nwitness auditor {A}\n"
CHANGED = TrustPolicy.of(f"{LINES}#former {UNTIL} any {F}\nquorum auditor\n")


def seen(*signers: Signer, at: int = AT) -> Note:
    return Note(SAID.text, tuple(signer.sign(SAID.text, at) for signer in signers))


def code_of(policy: TrustPolicy, note: Note, *, past: bool = False) -> str | None:
    try:
        policy.checked(note, past=past)
    except LogRefused as refusal:
        return refusal.code
    return None


def test_it_is_written_as_it_was_read_and_the_rest_of_the_policy_is_as_without_it() -> None:
    assert CHANGED.former == (Former(AT + 1, 1, (FINANCE.verifier_key,)),)
    assert TrustPolicy.of(str(CHANGED)) == CHANGED
    assert f"\n#former {UNTIL} 1 {F}\n" in str(CHANGED)
    # To everybody else it is a comment (C2SP tlog-policy), and so is a sentence that somebody wrote.
    others = "\n".join(line for line in str(CHANGED).split("\n") if not line.startswith("#"))
    assert TrustPolicy.of(others) == replace(CHANGED, former=()) == TrustPolicy.of(f"{LINES}# former witnesses went\n#formerly\nquorum auditor\n")


def test_what_they_saw_in_their_time_proves_the_past_and_nothing_of_now() -> None:
    assert code_of(CHANGED, seen(LOG, FINANCE), past=True) is None
    assert code_of(CHANGED, seen(LOG, FINANCE)) == "not_witnessed"
    for past in (True, False):
        assert code_of(CHANGED, seen(LOG, AUDITOR, at=AT + 9), past=past) is None


@pytest.mark.parametrize("note", [seen(LOG, FINANCE, at=AT + 1), seen(LOG, FINANCE, at=2**63), seen(LOG), seen(LOG, Signer.of("witness.example/other", COSIGNATURE, bytes(32)))])
def test_what_they_say_to_have_seen_later_or_others_saw_proves_nothing(note: Note) -> None:
    assert code_of(CHANGED, note, past=True) == "not_witnessed"


def test_they_stand_for_no_logs_signature_and_for_none_that_is_false() -> None:
    assert code_of(CHANGED, seen(FINANCE), past=True) == code_of(CHANGED, seen(OTHER_LOG, FINANCE), past=True) == "log_unknown"
    false = Note(SAID.text, (LOG.sign(SAID.text), Signature(FINANCE.name, FINANCE.verifier_key.id, bytes(72))))
    assert code_of(CHANGED, false, past=True) == "signature_false"
    # Who knows it no more passes the line over.
    assert code_of(CHANGED, false) == "not_witnessed"


@pytest.mark.parametrize(("enough", "signers", "well"), [
    ("any", [FINANCE], True), ("1", [AUDITOR], True), ("all", [FINANCE], False), ("all", [FINANCE, AUDITOR], True), ("2", [AUDITOR], False),
])  # fmt: skip
def test_of_several_as_many_are_asked_for_as_were(enough: str, signers: Sequence[Signer], well: bool) -> None:
    new = Signer.of("witness.example/new", COSIGNATURE, bytes([3]) * 32).verifier_key
    policy = TrustPolicy.of(f"log {LOG.verifier_key}\nwitness new {new}\n#former {UNTIL} {enough} {F} {A}\nquorum new\n")
    assert (code_of(policy, seen(LOG, *signers), past=True) is None) is well


def test_one_witness_may_have_been_asked_with_others_and_be_asked_still_and_there_may_have_been_several_changes() -> None:
    policy = TrustPolicy.of(f"{LINES}#former 2022-01-01T00:00:00Z all {F} {A}\n#former {UNTIL} any {F}\nquorum auditor\n")
    assert [one.until for one in policy.former] == [1_640_995_200, AT + 1]
    assert code_of(policy, seen(LOG, FINANCE), past=True) is None
    assert code_of(policy, seen(LOG, FINANCE, at=AT + 2), past=True) == "not_witnessed"


def test_a_break_that_former_witnesses_saw_is_proven_and_without_them_it_is_not() -> None:
    one = broken()
    assert one.checked(CHANGED) == one.checked(POLICY)
    with pytest.raises(LogRefused) as refused:
        one.checked(replace(CHANGED, former=()))
    assert refused.value.code == "not_witnessed"


@pytest.mark.parametrize("line", [
    "#former", f"#former {UNTIL}", f"#former {UNTIL} any", f"#former {UNTIL} 2 {F}", f"#former {UNTIL} 0 {F}", f"#former {UNTIL} some {F}",
    f"#former {UNTIL} any {F} {F}", f"#former {UNTIL} any {LOG.verifier_key}", f"#former {UNTIL} any finance", f"#former tomorrow any {F}",
    f"#former 2023-11-14 any {F}", f"#former 2023-11-14T22:13:21+00:00 any {F}", f"#former 2023-11-14T22:13:2Z any {F}", f"#former 2023-02-30T00:00:00Z any {F}",
])  # fmt: skip
def test_a_line_that_cannot_be_meant_is_refused_and_taken_for_no_comment(line: str) -> None:
    with pytest.raises(LogRefused):
        TrustPolicy.of(f"{LINES}{line}\nquorum auditor\n")
