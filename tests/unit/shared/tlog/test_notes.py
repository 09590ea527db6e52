"""Notes, cosignatures, checkpoints, proofs and policies are C2SP's: read, made and refused as somebody else does."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given as examples
from hypothesis import strategies as st
from tlog_scales import signing
from tlog_scales.tlog import Checkpoint as TheirCheckpoint

from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import COSIGNATURE, ED25519, MOST_NOTE_BYTES, Note, Signature, Signer, VerifierKey
from shared.tlog.proofs import EntryProof
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import inclusion_proof, leaf_hash, root_of
from shared.tlog.trust import TrustPolicy
from tests.unit.shared.tlog.test_tree import nodes_over

ORIGIN = "log.example/grants"
LOG = Signer.of(ORIGIN, ED25519, sha256(b"an invented log").digest())
OLD_LOG = Signer.of(ORIGIN, ED25519, sha256(b"its invented key of before").digest())
OTHER_LOG = Signer.of("log.example/cases", ED25519, sha256(b"another invented log").digest())
FINANCE = Signer.of("witness.example/finance", COSIGNATURE, sha256(b"an invented witness").digest())
AUDITOR = Signer.of("witness.example/auditor", COSIGNATURE, sha256(b"another invented witness").digest())
AT = 1_700_000_000
ENTRIES = [b"one", b"two", b"three", b"four", b"five"]
NODES = nodes_over([leaf_hash(entry) for entry in ENTRIES])
SAID = Checkpoint(ORIGIN, 5, root_of(5, NODES))


def signed(*signers: Signer, said: Checkpoint = SAID) -> Note:
    return Note(said.text, tuple(signer.sign(said.text, AT) for signer in signers))


SIGNED = signed(LOG, FINANCE)
POLICY = TrustPolicy.of(f"log {LOG.verifier_key}\nwitness finance {FINANCE.verifier_key}\nquorum finance\n")


# From the documentation of golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
HIS_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_note_that_everybody_shows_is_signed() -> None:
    key = VerifierKey.of(PETER)
    assert str(key) == PETER
    note = Note.of(HIS_NOTE.encode())
    assert note.signed_by([key]) == {key: None}
    assert str(note) == HIS_NOTE
    with pytest.raises(LogRefused) as refused:
        Note.of(HIS_NOTE.replace("answer", "Answer").encode()).signed_by([key])
    assert refused.value.code == "signature_false"


def test_somebody_else_takes_our_notes_and_we_take_theirs() -> None:
    theirs = TheirCheckpoint.from_text(str(SIGNED))
    assert (theirs.origin, theirs.size, theirs.root_hash) == (ORIGIN, 5, SAID.root)
    for signer in (LOG, FINANCE):
        theirs.verify(signing.Vkey.from_string(str(signer.verifier_key)))
    key = Ed25519PrivateKey.from_private_bytes(sha256(b"theirs").digest())
    made = TheirCheckpoint.make_signed("their.example", 7, SAID.root, [signing.PlainEd25519Signer("their.example", key)])
    note = Note.of(made.serialize().encode())
    their_key = VerifierKey("their.example", ED25519, key.public_key().public_bytes_raw())
    assert signing.PlainEd25519Signer("their.example", key).vkey.match(made.signatures[0])
    assert signing.Vkey.from_string(str(their_key)).match(made.signatures[0])
    assert note.signed_by([their_key]) == {their_key: None}
    assert Checkpoint.of(note) == Checkpoint("their.example", 7, SAID.root)


def test_a_witness_says_when_it_saw_what_it_signs() -> None:
    assert SIGNED.signed_by([LOG.verifier_key, FINANCE.verifier_key]) == {LOG.verifier_key: None, FINANCE.verifier_key: AT}
    line = SIGNED.signatures[1]
    later = Signature(line.name, line.key_id, (AT + 1).to_bytes(8, "big") + line.blob[8:])
    with pytest.raises(LogRefused, match="is not"):
        Note(SIGNED.text, (SIGNED.signatures[0], later)).signed_by([FINANCE.verifier_key])


def test_lines_of_unknown_keys_are_passed_over_even_under_a_known_name() -> None:
    note = signed(OLD_LOG, LOG, AUDITOR, FINANCE)
    assert set(note.signed_by([LOG.verifier_key])) == {LOG.verifier_key}
    assert POLICY.checked(note) == SAID
    assert note.with_signatures(note.signatures) == note
    assert len(SIGNED.with_signatures([AUDITOR.sign(SAID.text, AT)]).signatures) == 3


def test_both_keys_of_a_log_are_taken_while_it_changes_from_one_to_the_other() -> None:
    both = TrustPolicy((OLD_LOG.verifier_key, LOG.verifier_key), {"finance": FINANCE.verifier_key}, {}, "finance")
    for note in (signed(OLD_LOG, FINANCE), signed(OLD_LOG, LOG, FINANCE), signed(LOG, FINANCE)):
        assert both.checked(note) == SAID


@pytest.mark.parametrize(
    ("note", "code"),
    [
        (signed(LOG), "not_witnessed"),
        (signed(LOG, AUDITOR), "not_witnessed"),
        (signed(FINANCE), "log_unknown"),
        (signed(OLD_LOG, FINANCE), "log_unknown"),
        (signed(OTHER_LOG, FINANCE), "log_unknown"),
        (signed(LOG, FINANCE, said=Checkpoint("log.example/cases", 5, SAID.root)), "log_unknown"),
    ],
)
def test_a_checkpoint_that_the_policy_does_not_trust_is_refused(note: Note, code: str) -> None:
    with pytest.raises(LogRefused) as refused:
        POLICY.checked(note)
    assert refused.value.code == code


def test_two_of_three_witnesses_or_one_group_of_each_house_are_enough() -> None:
    keys = {name: Signer.of(f"w.example/{name}", COSIGNATURE, sha256(name.encode()).digest()) for name in ("a", "b", "c", "d")}
    lines = "".join(f"witness {name} {signer.verifier_key}\n" for name, signer in keys.items())
    written = f"# An invented house.\nlog\t{LOG.verifier_key} https://log.example/\n\n{lines}group two 2 a b c\ngroup all all two d\nquorum all\n"
    policy = TrustPolicy.of(written)
    assert TrustPolicy.of(str(policy)) == policy
    assert policy.checked(signed(LOG, keys["a"], keys["c"], keys["d"])) == SAID
    for names in ("abc", "ad", "d"):
        with pytest.raises(LogRefused, match="Too few"):
            policy.checked(signed(LOG, *(keys[name] for name in names)))


W = str(FINANCE.verifier_key)
ROOT = base64.b64encode(SAID.root).decode()


@pytest.mark.parametrize(
    "written",
    [
        "", f"log {LOG.verifier_key}\n", "quorum nobody\n", "quorum none\nquorum none\n", f"log {W}\nquorum none\n",
        f"log {LOG.verifier_key}\nlog {LOG.verifier_key}\nquorum none\n", f"witness a {LOG.verifier_key}\nquorum a\n",
        f"witness a {W}\nwitness b {W}\nquorum a\n", f"witness none {W}\nquorum none\n", f"witness a {W}\ngroup g 2 a\nquorum g\n",
        f"witness a {W}\ngroup g 0 a\nquorum g\n", f"witness a {W}\ngroup g any a\ngroup h any a\nquorum h\n", "group g all\nquorum g\n",
        f"witness a {W}\ngroup a any a\nquorum a\n", "group g any h\nquorum g\n", "log\nquorum none\n", "what is this\nquorum none\n",
        f"witness a {W}\ngroup g \u00b2 a\nquorum g\n",
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused(written: str) -> None:
    with pytest.raises(LogRefused) as refused:
        TrustPolicy.of(written)
    assert refused.value.code == "policy_wrong"


@pytest.mark.parametrize(
    "written",
    [
        "", "name", "name+0123", "+0123abcd+AAAA", f"{ORIGIN}+00000000+{str(LOG.verifier_key).split('+', 2)[2]}",
        str(LOG.verifier_key)[:-4], str(LOG.verifier_key) + "=", "a b+00000000+AAAA",
        "x+00000000+" + base64.b64encode(b"\x02" + b"k" * 32).decode(),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(written: str) -> None:
    with pytest.raises(LogRefused):
        VerifierKey.of(written)


@pytest.mark.parametrize("name", ["", "a+b", "a b", "a\u00a0b", "a\nb", "a\u2028b"])
def test_a_name_that_no_line_can_bear_is_refused(name: str) -> None:
    with pytest.raises(LogRefused, match="name of a key"):
        VerifierKey(name, ED25519, b"k" * 32)


@pytest.mark.parametrize(
    "written",
    [
        b"", b"text\n", b"text\n\n", b"text\n\n\xe2\x80\x94 name AAAA\n", b"text\n\nname AAAAAAAA\n", b"te\x00xt\n\n\xe2\x80\x94 n AAAAAAAA\n",
        b"text\r\n\n\xe2\x80\x94 n AAAAAAAA\n", b"\xff\n\n\xe2\x80\x94 n AAAAAAAA\n", b"text\n\n\xe2\x80\x94 n AAAAAAAA", b"x" * (MOST_NOTE_BYTES + 1),
        b"text\n\n\xe2\x80\x94 n AAAAAAAB=\n", b"text\n\n" + b"\xe2\x80\x94 n AAAAAAAA\n" * 65, b"text\n\n\xe2\x80\x94 n AAAAAAA=\xe2\x80\x94\n",
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(written: bytes) -> None:
    with pytest.raises(LogRefused):
        Note.of(written)


@pytest.mark.parametrize(
    "text",
    [
        "log.example\n05\n", f"{ORIGIN}\n5\n{ROOT}\nmore\n", f"\n5\n{ROOT}\n",
        f"{ORIGIN}\n-5\n{ROOT}\n", f"{ORIGIN}\n05\n{ROOT}\n", f"{ORIGIN}\n5\nAAAA\n",
        f"{ORIGIN}\n5\n!\n", f"{ORIGIN}\n\u0665\n{ROOT}\n", f"{ORIGIN}\n5\n{ROOT}",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(LogRefused):
        Checkpoint.of(Note(text, SIGNED.signatures))


def test_a_proof_holds_for_its_entry_and_for_no_other() -> None:
    proof = EntryProof(3, inclusion_proof(3, 5, NODES), SIGNED)
    read = EntryProof.of(str(proof).encode())
    assert read == proof
    assert read.holds_for(b"four")
    assert not read.holds_for(b"five")
    assert POLICY.checked(read.note) == SAID
    with_extra = str(proof).replace("@v1\n", "@v1\nextra AAAA\n")
    assert EntryProof.of(with_extra.encode()) == proof


@examples(st.data())
def test_no_byte_of_a_proof_can_be_another(data: st.DataObject) -> None:
    written = bytearray(str(EntryProof(3, inclusion_proof(3, 5, NODES), SIGNED)).encode())
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= data.draw(st.integers(1, 255))
    try:
        proof = EntryProof.of(bytes(written))
        assert proof.holds_for(b"four")
        POLICY.checked(proof.note)
    except (LogRefused, AssertionError):
        return
    raise AssertionError(f"byte {place} does not matter")


@pytest.mark.parametrize(
    "written",
    [
        b"", b"c2sp.org/tlog-proof@v1\n\n", b"c2sp.org/tlog-proof@v2\nindex 0\n\n" + str(SIGNED).encode(), b"\xff\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 01\n\n" + str(SIGNED).encode(), b"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n" + str(SIGNED).encode(),
        b"c2sp.org/tlog-proof@v1\nextra AAAA\n\n" + str(SIGNED).encode(),
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n" + str(SIGNED).encode(),
    ],
)  # fmt: skip
def test_what_is_no_proof_is_refused(written: bytes) -> None:
    with pytest.raises(LogRefused):
        EntryProof.of(written)


def test_a_signer_shows_its_public_key_alone() -> None:
    assert repr(LOG) == f"Signer({LOG.verifier_key})"
