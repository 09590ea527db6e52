"""An export that goes on where one was cut off, or brings an older one up to date, is the one that a new folder would hold."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.audit import verify_audit
from ops.audit.export import MANIFEST, ExportFolder, LogFolder, Period
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import bundled
from tests.unit.ops.audit.exports import REMARKS, YEAR, House, history, in_bundles

OURS = House.of("ours")
EVENTS = history(17, 900)
OLD = {name: entries[: len(entries) // 2] for name, entries in EVENTS.items()}
CASE = "00000000-0000-7000-8000-000000000001"


def everything_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def findings(folder: Path, tmp_path: Path) -> list[str]:
    (tmp_path / "trusted").write_text(str(OURS.policy))
    said: list[str] = []
    verify_audit.main([str(folder), "--policy", str(tmp_path / "trusted")], said.append)
    return [line for line in said[:-1] if not line.startswith(REMARKS)]


def cut_off(folder: Path, name: str, entries: Sequence[bytes], bundles: int) -> None:
    """An export that ended within a log."""
    folder.mkdir()
    with ExportFolder(folder, OURS.policy, YEAR) as export:
        log = export.log(name, OURS.checkpoint(name, entries))
        for bundle in list(in_bundles(entries))[:bundles]:
            log.add(bundle)
    (folder / name / ".checkpoint.part").write_bytes(b"cut o")


def test_one_that_was_cut_off_holds_what_it_has_and_ends_as_a_new_one(tmp_path: Path) -> None:
    OURS.export(tmp_path / "new", EVENTS)
    entries = EVENTS["returns"]
    cut_off(tmp_path / "cut", "returns", entries, 1)
    assert not (tmp_path / "cut" / MANIFEST).exists()
    log = _going_on(tmp_path / "cut")
    assert log.held(0) == entries[:256]
    assert log.held(1) is None
    OURS.export(tmp_path / "cut", EVENTS)
    assert everything_in(tmp_path / "cut") == everything_in(tmp_path / "new")


def test_a_bundle_that_is_cut_short_or_has_another_entry_is_not_held(tmp_path: Path) -> None:
    entries = EVENTS["returns"]
    cut_off(tmp_path / "cut", "returns", entries, 1)
    log = _going_on(tmp_path / "cut")
    path = tmp_path / "cut" / "returns" / "tile" / "entries" / "000"
    whole = path.read_bytes()
    for content in (whole[:-1], whole[: 2 + len(entries[0])], b"", whole[:-2] + b"x}", bundled([*entries[1:256], entries[0]])):
        path.write_bytes(content)
        assert log.held(0) is None


def test_an_older_one_is_brought_up_to_date_and_nothing_of_it_is_left_over(tmp_path: Path) -> None:
    OURS.export(tmp_path / "new", EVENTS)
    OURS.export(tmp_path / "kept", OLD, proofs=2)
    OURS.export(tmp_path / "kept", EVENTS)
    assert everything_in(tmp_path / "kept") == everything_in(tmp_path / "new")
    assert findings(tmp_path / "kept", tmp_path) == []


def test_what_was_written_of_a_log_is_taken_back_before_it_is_written_anew(tmp_path: Path) -> None:
    entries = {name: EVENTS[name] for name in ("counselling", "returns")}
    OURS.export(tmp_path / "once", entries)
    (tmp_path / "twice").mkdir()
    with ExportFolder(tmp_path / "twice", OURS.policy, YEAR) as export:
        export.add_log("counselling", OURS.checkpoint("counselling", entries["counselling"]), in_bundles(entries["counselling"]))
        note = OURS.checkpoint("returns", entries["returns"])
        wrong = export.log("returns", note)
        wrong.add(entries["returns"][1:257])
        with pytest.raises(LogRefused) as refused:
            wrong.finish()
        assert refused.value.code == "log_unlike_checkpoint"
        wrong.undo()
        export.add_log("returns", note, in_bundles(entries["returns"]))
        export.finish(OURS.exports)
    assert everything_in(tmp_path / "twice") == everything_in(tmp_path / "once")


def test_what_is_no_event_is_not_taken_for_one(tmp_path: Path) -> None:
    with ExportFolder(tmp_path, OURS.policy, YEAR) as export:
        log = export.log("returns", OURS.checkpoint("returns", [b"no event"]))
        with pytest.raises(LogRefused) as refused:
            log.add([b"no event"])
    assert refused.value.code == "log_unlike_checkpoint"


def test_the_tables_tell_of_the_period_and_the_logs_are_whole(tmp_path: Path) -> None:
    when = dict(zip(range(4), ("2023-05-02T09:59:59.999999Z", "2023-05-02T10:00:00Z", "2023-05-02T10:59:59.5Z", "2023-05-02T11:00:00Z"), strict=True))
    entries = [_at(entry, when[index]) for index, entry in enumerate(EVENTS["returns"][:4])]
    hour = Period(datetime(2023, 5, 2, 10, tzinfo=UTC), datetime(2023, 5, 2, 11, tzinfo=UTC))
    OURS.export(tmp_path / "hour", {"returns": entries}, period=hour)
    told = (tmp_path / "hour" / "events.ndjson").read_text().splitlines()
    assert [f'"index":{index},' in line for index, line in zip((1, 2), told, strict=True)] == [True, True]
    assert len((tmp_path / "hour" / "events.csv").read_text().splitlines()) == 3
    # That a cause reads otherwise is so, for its time was changed here.
    assert not [found for found in findings(tmp_path / "hour", tmp_path) if "caused by" not in found]
    # What the tables leave out, or tell besides, is found.
    view = tmp_path / "hour" / "events.ndjson"
    view.write_bytes(b"".join(view.read_bytes().splitlines(keepends=True)[:1]))
    assert [found for found in findings(tmp_path / "hour", tmp_path) if found == "events.ndjson: it does not say what the entries of the logs say."]


def test_each_event_of_a_case_that_is_asked_for_has_its_proof(tmp_path: Path) -> None:
    entries = [_of(entry, CASE) if index % 100 == 3 else entry for index, entry in enumerate(EVENTS["returns"])]
    with ExportFolder(tmp_path, OURS.policy, YEAR, {CASE}) as export:
        export.add_log("returns", OURS.checkpoint("returns", entries), in_bundles(entries))
        export.finish(OURS.exports)
    proofs = {path.name for path in (tmp_path / "proofs" / CASE).glob("*.tlog-proof")}
    assert proofs == {f"returns-{index}.tlog-proof" for index in range(3, len(entries), 100)}
    (tmp_path / "proofs" / CASE / "returns-3.json").write_bytes(entries[4])
    assert any("proofs" in found and "does not hold" in found for found in findings(tmp_path, tmp_path.parent))


def test_a_checkpoint_of_another_log_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    with pytest.raises(LogRefused) as refused:
        ExportFolder(tmp_path, OURS.policy, YEAR).log("returns", OURS.checkpoint("counselling", []))
    assert refused.value.code == "log_unknown"


def _going_on(folder: Path) -> LogFolder:
    return ExportFolder(folder, OURS.policy, YEAR).log("returns", OURS.checkpoint("returns", EVENTS["returns"]))


def _at(entry: bytes, time: str) -> bytes:
    return entry.replace(b"2023-05-02T10:00:00Z", time.encode())


def _of(entry: bytes, case: str) -> bytes:
    return entry.replace(b'"source":', f'"partitionkey":"{case}","source":'.encode())
