"""Whatever is done to an export, or to the logs before it was made, the one file that checks it finds it and says where."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ops.audit import verify_audit
from shared import plain_cells
from shared.tlog.notes import Note
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import bundled
from shared.tlog.tree import leaf_hash
from tests.unit.ops.audit.exports import HOUSE, REMARKS, SEEN, House, history, rewritten

OURS = House.of("ours")
EVENTS = history(2023, 900)
OLD = {name: entries[: len(entries) // 2] for name, entries in EVENTS.items()}


def written(policy: House, folder: Path) -> Path:
    path = folder / "trusted"
    path.write_text(str(policy.policy))
    return path


def findings(folder: Path, trusted: Path, *more: str) -> list[str]:
    """What is said of an export but for the last line, which counts."""
    said: list[str] = []
    code = verify_audit.main([str(folder), "--policy", str(trusted), *more], said.append)
    # What is only remarked is no finding.
    *found, last = [line for line in said if not line.startswith(REMARKS)]
    assert (code == 0) == (found == [])
    assert last.endswith("Nothing was found." if not found else f"{len(found)} findings.")
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our export, an older one, and the keys that the auditor was given."""
    folder = tmp_path_factory.mktemp("exports")
    written(OURS, folder)
    OURS.export(folder / "now", EVENTS, proofs=3)
    OURS.export(folder / "old", OLD)
    return folder


def test_an_export_that_nobody_touched_has_nothing_to_be_found(kept: Path) -> None:
    assert findings(kept / "now", kept / "trusted") == []
    assert findings(kept / "now", kept / "trusted", "--since", str(kept / "old")) == []
    assert findings(kept / "old", kept / "trusted", "--since", str(kept / "old")) == []


def test_the_file_in_the_export_checks_it_alone(kept: Path) -> None:
    copied = kept / "now" / "verify_audit.py"
    command = [sys.executable, "-I", str(copied), str(kept / "now"), "--policy", str(kept / "trusted")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stdout.splitlines()) == (0, [
        *(f"Log {name}: {len(entries)} entries, seen by a witness at 2024-01-01T09:06:40Z." for name, entries in EVENTS.items()),
        "The tables tell of what was recorded from 2023-01-01T00:00:00Z to before 2024-01-01T00:00:00Z.",
        f"{sum(map(len, EVENTS.values()))} events: Nothing was found.",
    ])  # fmt: skip
    done = subprocess.run(command[:-2], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0
    assert "The keys are the export's own." in done.stdout


def _signed_anew(folder: Path, old: str, new: str) -> None:
    """The manifest with another line, and without the files that are gone, as only the key for exports can sign it."""
    text = (folder / "manifest").read_text().rpartition("\n\n")[0] + "\n"
    head, *listed = re.split(r"(?m)^(?=[0-9a-f]{64}  )", text.replace(f"{old}\n", f"{new}\n"))
    text = head + "".join(line for line in listed if (folder / line[66:-1]).exists())
    (folder / "manifest").write_text(str(Note(text, (OURS.exports.sign(text),))))


def test_a_manifest_that_has_less_of_a_log_than_its_checkpoint_keeps_nothing_from_being_checked(tmp_path: Path) -> None:
    size = len(EVENTS["returns"])
    keys = written(OURS, tmp_path)
    OURS.export(tmp_path / "less", EVENTS)
    (tmp_path / "less" / "events.csv").write_text("other")
    _signed_anew(tmp_path / "less", f"log returns 0 {size}", f"log returns 0 {size - 1}")
    found = findings(tmp_path / "less", keys)
    assert f"returns: the manifest has its entries from 0 to before {size - 1}, and its checkpoint is of {size}." in found
    assert "events.csv: it does not say what the entries of the logs say." in found


def test_a_log_of_which_no_entry_is_there_is_told_and_so_is_what_could_not_be_checked_therefore(tmp_path: Path) -> None:
    size = len(EVENTS["returns"])
    keys = written(OURS, tmp_path)
    OURS.export(tmp_path / "none", EVENTS)
    shutil.rmtree(tmp_path / "none" / "returns" / "tile" / "entries")
    _signed_anew(tmp_path / "none", f"log returns 0 {size}", "log returns 0 0")
    assert findings(tmp_path / "none", keys) == [
        f"returns: the manifest has its entries from 0 to before 0, and its checkpoint is of {size}.",
        "returns: tile/entries/000 is missing.",
        "Of causes and of the tables nothing could be checked, for not every log is whole.",
    ]


def test_a_table_that_neither_is_there_nor_is_listed_is_missing(tmp_path: Path) -> None:
    keys = written(OURS, tmp_path)
    OURS.export(tmp_path / "now", EVENTS)
    (tmp_path / "now" / "events.csv").unlink()
    _signed_anew(tmp_path / "now", "", "")
    assert findings(tmp_path / "now", keys) == ["events.csv: it is missing."]


def test_an_older_export_in_which_no_checkpoint_is_found_is_a_finding_and_a_log_that_it_lacks_is_named(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for old in (tmp_path / "empty", tmp_path / "nowhere"):
        found = findings(kept / "now", kept / "trusted", "--since", str(old))
        assert found == [f"{old}: no checkpoint was found in it, so that nothing was compared with before."]
    (tmp_path / "some" / "returns").mkdir(parents=True)
    shutil.copy(kept / "old" / "returns" / "checkpoint", tmp_path / "some" / "returns")
    said: list[str] = []
    assert verify_audit.main([str(kept / "now"), "--policy", str(kept / "trusted"), "--since", str(tmp_path / "some")], said.append) == 0
    assert [line for line in said if "not compared" in line] == [
        f"Log {name}: it was not compared with before, for the older export does not have it." for name in ("counselling", "reintegration")
    ]


def test_a_log_without_its_checkpoint_is_told_where_it_is_compared_with_before_too(kept: Path, tmp_path: Path) -> None:
    OURS.export(tmp_path / "now", EVENTS)
    (tmp_path / "now" / "returns" / "checkpoint").unlink()
    found = findings(tmp_path / "now", kept / "trusted", "--since", str(kept / "old"))
    assert "returns, compared with before: checkpoint is missing." in found


@pytest.mark.parametrize(
    "hostile",
    [
        {"causationid": "zz"}, {"causationid": "00"}, {"causationid": 5}, {"causationid": None},
        {"causationid": "01890a5d-ac96-774b-bcce-b302099a8057", "causeleafhash": 5}, {"subject": ["x"]}, {"subject": 5},
        {"aggregateversion": "1"}, {"aggregateversion": True}, {"aggregateversion": None}, {"id": "00"}, {"id": 5}, {"actorid": "\ud800"}, [], 5,
        {"time": "2023-05-02T10:00:00+09:00"}, {"time": 5}, {"time": None}, {"time": "0001-01-01T00:00:00Z"}, {"time": "2023-13-01T00:00:00Z"},
    ],
    ids=str,
)  # fmt: skip
def test_a_leaf_that_is_no_event_is_one_finding_that_names_its_place(tmp_path: Path, hostile: object) -> None:
    keys = written(OURS, tmp_path)
    event = json.loads(EVENTS["returns"][0]) | {"subject": "00000000-0000-7000-8000-000000000001", "id": "00000000-0000-7000-8000-000000000002"}
    leaf = json.dumps(event | hostile if isinstance(hostile, dict) else hostile).encode()
    # Whoever makes such an export does not use ours, which may refuse it.
    OURS.export(tmp_path / "now", {**EVENTS, "returns": [*EVENTS["returns"], _STAND_IN]})
    _replace_last(tmp_path / "now", "returns", leaf)
    found = findings(tmp_path / "now", keys)
    assert found == [
        f"returns: entry {len(EVENTS['returns'])} is no event.",
        "Of causes and of the tables nothing could be checked, for not every log is whole.",
    ]


def test_brackets_without_end_are_no_event(tmp_path: Path) -> None:
    keys = written(OURS, tmp_path)
    OURS.export(tmp_path / "now", {**EVENTS, "returns": [*EVENTS["returns"], _STAND_IN]})
    _replace_last(tmp_path / "now", "returns", b"[" * 60_000)
    assert findings(tmp_path / "now", keys)[0] == f"returns: entry {len(EVENTS['returns'])} is no event."


_STAND_IN = b'{"source":"urn:avrr:returns"}'


def _replace_last(folder: Path, name: str, leaf: bytes) -> None:
    """Another last entry of a log of fewer than two full tiles, with all that is signed over it."""
    log = folder / name
    (bundle,) = (log / "tile" / "entries").glob("*.p/*")
    entries = verify_audit.entries_of(bundle.read_bytes())
    bundle.write_bytes(bundled([*entries[:-1], leaf]))
    tile = log / "tile" / "0" / bundle.relative_to(log / "tile" / "entries")
    tile.write_bytes(tile.read_bytes()[:-32] + leaf_hash(leaf))
    (log / "checkpoint").write_text(str(OURS.checkpoint(name, [*EVENTS[name], leaf])))
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "manifest").write_bytes(OURS.manifest(files))


def test_a_checkpoint_that_was_seen_well_before_the_others_and_the_periods_end_withholds_what_came_since(tmp_path: Path) -> None:
    keys = written(OURS, tmp_path)
    over = 1_704_067_200
    for name, seen, late in (("at-the-bound", over - 120, False), ("a-second-more", over - 121, True)):
        OURS.export(tmp_path / name, {**EVENTS, "returns": EVENTS["returns"][:-5]}, seen={"returns": seen})
        found = [line for line in findings(tmp_path / name, keys) if "what came in between is not here" in line]
        told = "seen by a witness at 2023-12-31T23:57:59Z, and another log's at 2024-01-01T09:06:40Z"
        assert found == [f"returns: its checkpoint was {told}: what came in between is not here."] * late


def test_before_the_period_is_over_each_checkpoint_is_held_to_the_newest_of_the_others(tmp_path: Path) -> None:
    keys = written(OURS, tmp_path)
    summer = dict.fromkeys(EVENTS, SEEN - 20_000_000)
    OURS.export(tmp_path / "summer", EVENTS, seen=summer)
    assert findings(tmp_path / "summer", keys) == []
    OURS.export(tmp_path / "one", EVENTS, seen={**summer, "returns": summer["returns"] - 121})
    assert [line.partition(":")[0] for line in findings(tmp_path / "one", keys)] == ["returns"]


def dated(entry: bytes, seconds: int, **more: object) -> bytes:
    """The same entry, recorded so many seconds before a witness saw its log."""
    event = json.loads(entry) | {"time": datetime.fromtimestamp(SEEN - seconds, UTC).isoformat().replace("+00:00", "Z")} | more
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(("after", "found"), [(120, False), (121, True), (10_000_000, True)])
def test_an_entry_that_says_a_later_time_than_a_witness_saw_it_is_found(tmp_path: Path, after: int, found: bool) -> None:
    keys, entries = written(OURS, tmp_path), EVENTS["returns"]
    OURS.export(tmp_path / "now", {**EVENTS, "returns": [*entries[:-2], dated(entries[-2], -after), entries[-1]]})
    told = f"returns: 1 entries say a later time than a witness saw them, the first of them entry {len(entries) - 2}."
    assert (told in findings(tmp_path / "now", keys)) is found


@pytest.mark.parametrize(("back", "found"), [(3_600, False), (3_660, True)])
def test_an_entry_that_says_a_time_of_more_than_an_hour_before_an_earlier_one_is_found(tmp_path: Path, back: int, found: bool) -> None:
    keys, entries = written(OURS, tmp_path), EVENTS["returns"]
    # The last ones lead to nothing that is held against their hashes.
    later = [*entries[:-3], dated(entries[-3], 9_000), dated(entries[-2], 9_000 + back), dated(entries[-1], 9_000)]
    OURS.export(tmp_path / "now", {**EVENTS, "returns": later})
    said = f"1 entries say a time of more than an hour before one that an earlier entry says, the first of them entry {len(entries) - 2}."
    assert (f"returns: {said}" in findings(tmp_path / "now", keys)) is found


def test_where_a_year_is_replayed_times_that_no_clock_tells_are_remarked(tmp_path: Path) -> None:
    demo, entries = House.of("a demo", "avrr.localhost"), EVENTS["returns"]
    keys = written(demo, tmp_path)
    demo.export(tmp_path / "now", {"returns": [dated(entries[0], 9_000), *entries[1:-1], dated(entries[-1], -10_000_000)]})
    said: list[str] = []
    verify_audit.main([str(tmp_path / "now"), "--policy", str(keys)], said.append)
    assert f"Log returns: 1 entries say a later time than a witness saw them, the first of them entry {len(entries) - 1}." in said
    assert any(line.startswith(f"Log returns: {len(entries) - 2} entries say a time of more than an hour before") for line in said)
    assert not any("entries say" in line and line.startswith("returns: ") for line in said)


def test_a_cause_that_is_nowhere_is_found_by_where_its_effect_stands_whatever_time_that_says(tmp_path: Path) -> None:
    keys, entries = written(OURS, tmp_path), EVENTS["returns"]
    nowhere = {"causationid": str(UUID(int=1)), "causeleafhash": "00" * 32}
    # By its own time it might have been recorded while its cause's log was not seen any more.
    effect = dated(entries[-2], 0, **nowhere)
    for name, last, found in (("before", dated(entries[-1], 61), True), ("behind", dated(entries[-1], 0), False)):
        OURS.export(tmp_path / name, {**EVENTS, "returns": [*entries[:-2], effect, last]})
        told = f"returns: entry {len(entries) - 2} was caused by an event that is in none of the logs."
        assert (told in findings(tmp_path / name, keys)) is found


def test_another_houses_export_under_our_names_is_not_ours(kept: Path, tmp_path: Path) -> None:
    House.of("theirs").export(tmp_path / "forged", EVENTS)
    found = findings(tmp_path / "forged", kept / "trusted")
    assert found[0] == "manifest: no key for exports that you trust signed it."
    assert "counselling: no key of this log that you trust signed the checkpoint." in found


def test_history_that_is_rewritten_with_the_logs_own_keys_was_seen_by_no_witness(kept: Path, tmp_path: Path) -> None:
    changed = {**EVENTS, "returns": rewritten(EVENTS["returns"], 7)}
    OURS.export(tmp_path / "rewritten", changed, witnessed=False)
    found = findings(tmp_path / "rewritten", kept / "trusted")
    assert [line for line in found if line.startswith("returns:")] == ["returns: too few of the witnesses that you trust saw the checkpoint."]


def test_a_second_history_that_even_the_witness_signed_is_not_the_one_of_before(kept: Path, tmp_path: Path) -> None:
    changed = {**EVENTS, "returns": rewritten(EVENTS["returns"], 7)}
    OURS.export(tmp_path / "split", changed)
    found = findings(tmp_path / "split", kept / "trusted", "--since", str(kept / "old"))
    size = len(OLD["returns"])
    assert f"returns, compared with before: its first {size} entries are not those that it held before." in found
    # And what was caused by the event that reads otherwise now says so, even without the older export.
    assert leaf_hash(EVENTS["returns"][7]).hex() not in "".join(found)


def test_an_older_state_and_a_log_that_is_gone_are_told(kept: Path, tmp_path: Path) -> None:
    found = findings(kept / "old", kept / "trusted", "--since", str(kept / "now"))
    assert len(found) == 3
    assert all("this is an older state of it" in line for line in found)
    OURS.export(tmp_path / "two", {name: EVENTS[name] for name in ("counselling", "returns")})
    found = findings(tmp_path / "two", kept / "trusted", "--since", str(kept / "old"))
    size = len(OLD["reintegration"])
    assert f"reintegration, compared with before: it held {size} entries before and is not in this export." in found


def test_a_cause_that_reads_otherwise_or_is_nowhere_is_named(kept: Path, tmp_path: Path) -> None:
    caused = [json.loads(entry) for entries in EVENTS.values() for entry in entries if b"causationid" in entry]
    cause = caused[0]["causationid"]
    name, index = next(
        (name, index) for name, entries in EVENTS.items() for index, entry in enumerate(entries) if json.loads(entry)["id"] == cause
    )
    OURS.export(tmp_path / "otherwise", {**EVENTS, name: rewritten(EVENTS[name], index)})
    found = findings(tmp_path / "otherwise", kept / "trusted")
    assert any("was caused by an event that reads otherwise here." in line for line in found)
    OURS.export(tmp_path / "short", {**EVENTS, name: EVENTS[name][:index]})
    found = findings(tmp_path / "short", kept / "trusted")
    assert any("was caused by an event that is in none of the logs." in line for line in found)


def test_an_event_of_another_service_a_version_left_out_and_an_id_twice_are_told(kept: Path, tmp_path: Path) -> None:
    strange = [*EVENTS["returns"], EVENTS["counselling"][0]]
    OURS.export(tmp_path / "strange", {**EVENTS, "returns": strange})
    found = findings(tmp_path / "strange", kept / "trusted")
    assert f"returns: entry {len(strange) - 1} says that another service recorded it." in found
    assert "Two entries have one id." in found
    without = [entry for index, entry in enumerate(EVENTS["returns"]) if index != 3]
    OURS.export(tmp_path / "without", {**EVENTS, "returns": without})
    assert any("of its subject, and the one before was" in line for line in findings(tmp_path / "without", kept / "trusted"))


def test_nothing_leaves_the_house_that_is_not_what_its_checkpoint_says(tmp_path: Path) -> None:
    class Careless(House):
        def checkpoint(self, name: str, entries: object, *, witnessed: bool = True, seen: int = SEEN, generation: int = 1) -> Note:
            return OURS.checkpoint(name, EVENTS[name][:-1], witnessed=witnessed, seen=seen, generation=generation)

    with pytest.raises(LogRefused, match="do not make the root"):
        Careless(OURS.logs, OURS.exports, OURS.witness).export(tmp_path / "careless", EVENTS)


@pytest.mark.parametrize("keys", ["", "quorum", "log x\nquorum none\n", "group g 2 a\nquorum g\n", "quorum w\n"])
def test_keys_that_cannot_be_read_check_nothing(kept: Path, tmp_path: Path, keys: str) -> None:
    (tmp_path / "keys").write_text(keys)
    said: list[str] = []
    assert verify_audit.main([str(kept / "now"), "--policy", str(tmp_path / "keys")], said.append) == 2
    assert len(said) == 1
    assert said[0].startswith("policy: ")
    assert verify_audit.main([str(kept / "now"), "--policy", str(tmp_path / "nowhere")], said.append) == 2


def test_no_cell_of_the_table_is_a_formula(kept: Path) -> None:
    rows = (kept / "now" / "events.csv").read_text().splitlines()
    assert len(rows) == 1 + sum(map(len, EVENTS.values()))
    cells = [cell.strip('"') for row in rows for cell in row.split(",")]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]
    assert any(cell == "'=cmd" for cell in cells)


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("=+-@\t\r\n \u200b\ufeff\uff1d\ufe63"), max_size=6))
@example("\uff1dcmd")
@example("\u200b=1")
@example("\n1")
def test_a_text_is_written_into_its_table_as_into_every_other_table_of_ours(text: str) -> None:
    assert verify_audit.plain(text) == plain_cells.plain(text)
    assert next(csv.reader(io.StringIO(verify_audit.csv_row((text,)).decode(), newline=""))) == [plain_cells.plain(text)]


def test_the_houses_name_is_in_each_key(kept: Path) -> None:
    assert (kept / "now" / "policy").read_text().count(HOUSE) == 4
