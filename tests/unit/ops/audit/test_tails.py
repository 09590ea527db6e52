"""What nobody signed is in an export beside its log: whoever checks it is told of it, and it is a cause of nothing; all of it is invented."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ops.audit import verify_audit
from ops.audit.export import ExportFolder
from shared.tlog.tree import leaf_hash
from tests.unit.ops.audit.exports import YEAR, House, history, in_bundles
from tests.unit.ops.audit.set_back import LOG, caused

OURS = House.of("ours")
EVENTS = history(12, 900)
NEVER = [caused(1, 1), caused(2, 2)]
TOLD = f"Log {LOG}: its archive had taken 2 entries that nobody signed (tails/1): they are proven by nothing."


def exported(folder: Path, *more: bytes, tail: Sequence[bytes] = NEVER) -> Path:
    """An export of the logs, of which one goes on with these, and of what its archive had taken otherwise."""
    folder.mkdir()
    with ExportFolder(folder, OURS.policy, YEAR) as written:
        for name, logged in sorted(EVENTS.items()):
            entries = [*logged, *(more if name == LOG else ())]
            written.add_log(name, OURS.checkpoint(name, entries), in_bundles(entries))
            if name == LOG and tail:
                written.add_tail(LOG, 1, tail)
        written.finish(OURS.exports)
    return folder


def checked(folder: Path) -> tuple[int, list[str]]:
    said: list[str] = []
    keys = folder.parent / "keys"
    keys.write_text(str(OURS.policy))
    return verify_audit.main([str(folder), "--policy", str(keys)], said.append), said


def test_an_export_with_what_nobody_signed_is_found_right_and_says_so(tmp_path: Path) -> None:
    code, said = checked(exported(tmp_path / "export"))
    assert (code, TOLD in said, said[-1].endswith("Nothing was found.")) == (0, True, True), said


@pytest.mark.parametrize("form", ["urn:uuid:{}", "{{{}}}"])
def test_an_id_in_any_form_that_an_archive_takes_fails_no_export_and_is_known_as_a_cause(tmp_path: Path, form: str) -> None:
    never = caused(1, 1)
    other = json.dumps({**json.loads(never), "id": form.format(json.loads(never)["id"]), "data": {"many": 0}}).replace("0}}", "9" * 5_000 + "}}").encode()
    code, said = checked(exported(tmp_path / "export", caused(3, 3, never).replace(leaf_hash(never).hex().encode(), leaf_hash(other).hex().encode()), tail=[other]))
    assert code == 0, said
    assert f"Log {LOG}: entry {len(EVENTS[LOG])} names as its cause an entry that nobody signed." in said


def test_what_is_no_event_is_counted_and_fails_no_export(tmp_path: Path) -> None:
    code, said = checked(exported(tmp_path / "export", tail=[*NEVER, b"{}", b"[", b'{"id": 5}']))
    assert code == 0, said
    assert TOLD.replace("2", "5") + " 3 of them are no event." in said


def test_what_it_led_to_elsewhere_is_told_one_by_one_and_what_is_in_no_log_at_all_is_found_as_before(tmp_path: Path) -> None:
    code, said = checked(exported(tmp_path / "of it", caused(3, 3, NEVER[0])))
    assert code == 0, said
    assert f"Log {LOG}: entry {len(EVENTS[LOG])} names as its cause an entry that nobody signed." in said
    assert not any("were lost" in line for line in said)
    code, said = checked(exported(tmp_path / "of nothing", caused(4, 4, caused(5, 5))))
    assert (code, any("is in none of the logs" in line for line in said)) == (1, True)
    code, said = checked(exported(tmp_path / "without it", caused(3, 3, NEVER[0]), tail=()))
    assert (code, any("is in none of the logs" in line for line in said)) == (1, True)


def test_one_that_was_put_in_changed_or_damaged_is_found(tmp_path: Path) -> None:
    folder = exported(tmp_path / "put in")
    (folder / LOG / "tails" / "2").write_bytes(b"")
    assert f"{LOG}/tails/2: it does not belong to the export." in checked(folder)[1]
    for name, content in (("cut", b"\x00\x09{}"), ("no entries", b"\x00")):
        folder = exported(tmp_path / name)
        (folder / LOG / "tails" / "1").write_bytes(content)
        code, said = checked(folder)
        assert (code, f"{LOG}/tails/1: it is not the file that was exported." in said) == (1, True)
        assert any(line.startswith(f"{LOG}: ") for line in said)
