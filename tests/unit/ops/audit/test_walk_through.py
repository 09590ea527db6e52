"""What docs/audit.md tells an auditor to do with a laptop is done here, block by block, with an export and its keys."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ops.settings import PROJECT
from shared.tlog.notes import ED25519, Note, Signer
from tests.unit.ops.audit.exports import HOUSE, SEEN, House, history, key

_PAGE = (PROJECT / "docs" / "audit.md").read_text(encoding="utf-8")
_SECTION = _PAGE.partition("## An export, with a laptop and offline\n")[2].partition("\n## ")[0]
BLOCKS = tuple(block.partition("```")[0] for block in _SECTION.split("```sh\n")[1:])
BY_OPENSSL = BLOCKS[3:]
OURS = House.of("ours")
EVENTS = history(7, 700)


def done(folder: Path, blocks: Sequence[str]) -> tuple[int, str]:
    """The blocks as one script, in a folder with the files that the page names; what it ends with and says."""
    avrr = f"{shlex.quote(sys.executable)} -c 'from ops.cli import main; main()'"
    script = "".join(blocks).replace("./avrr", avrr).replace("python3", shlex.quote(sys.executable))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    ended = subprocess.run(
        ["/bin/sh", "-eu"], input=script, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "keys").write_text(str(OURS.policy))
    OURS.export(tmp_path / "export", EVENTS)
    OURS.export(tmp_path / "before", {name: entries[:90] for name, entries in EVENTS.items()})
    return tmp_path


def test_every_block_of_the_page_finds_an_export_as_it_was_made_right(desk: Path) -> None:
    assert len(BLOCKS) == 5
    code, said = done(desk, BLOCKS)
    assert code == 0, said
    assert said.count("Nothing was found.") == 2
    assert said.count("as the mission said.") == 1
    assert said.count("Signature Verified Successfully") == 2
    assert f"{OURS.witness.name} saw it at second {SEEN}" in said


def test_a_checkpoint_that_another_signed_under_the_same_name_is_found_by_openssl_alone(desk: Path) -> None:
    others = House.of("others").checkpoint("returns", EVENTS["returns"])
    # With the key's own number before it, or nobody would look at the signature.
    (line,) = (one for one in others.signatures if one.name == f"{HOUSE}/returns")
    posing = replace(others, signatures=(replace(line, key_id=OURS.logs["returns"].verifier_key.id), *others.signatures[1:]))
    (desk / "export" / "returns" / "checkpoint").write_text(str(posing))
    code, said = done(desk, BY_OPENSSL)
    assert (code != 0, "Signature Verification Failure" in said) == (True, True)


@pytest.mark.parametrize("block", [0, 2])
def test_an_entry_that_was_changed_is_found_by_either(desk: Path, block: int) -> None:
    bundle = desk / "export" / "returns" / "tile" / "entries" / "000.p" / str(len(EVENTS["returns"]))
    content = bundle.read_bytes()
    bundle.write_bytes(content[:-9] + b"x" + content[-8:])
    code, said = done(desk, BLOCKS[block : block + 1])
    assert code == 1, said
    assert "returns" in said


def test_a_checkpoint_under_two_signatures_is_checked_by_the_key_that_is_named_first(desk: Path) -> None:
    former = Signer.of(f"{HOUSE}/returns", ED25519, key("the former one"))
    note = Note.of((desk / "export" / "returns" / "checkpoint").read_bytes())
    ours, seen = note.signatures
    both = replace(note, signatures=(ours, former.sign(note.text), seen))
    (desk / "export" / "returns" / "checkpoint").write_text(str(both))
    (desk / "keys").write_text(f"log {former.verifier_key}\n{OURS.policy}")
    code, said = done(desk, BY_OPENSSL)
    assert code == 0, said
