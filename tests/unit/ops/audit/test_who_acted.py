"""An export says who acted in its period, in which roles and by whose authority, as anybody makes it again out of its entries."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from ops.audit import who_acted
from ops.audit.export import ExportFolder, programs
from ops.audit.verify_audit import file_hash
from ops.audit.verify_audit import main as verify
from shared.tlog.trust import TrustPolicy
from tests.unit.ops.audit.exports import SEEN, YEAR, House, in_bundles

OURS = House.of("ours")
NAMES = {"staff:chief": "Invented Chief", "staff:anna": "Anna Invented, MA", "staff:nobody": "Nobody Here"}
GIVEN = {
    "holder_id": "staff:chief", "role": "chief_of_mission", "up_to": {"amount": "5000.00", "currency": "EUR"},
    "valid_from": "2022-01-01", "valid_until": "2023-06-30", "given_by": "staff:manager", "given_at": "2022-01-01T08:00:00Z",
}  # fmt: skip


def entry(number: int, kind: str, actor: str, role: str, time: str, data: object = None, subject: int = 1) -> bytes:
    event = {
        "id": str(UUID(int=number)), "source": "urn:avrr:reintegration", "type": f"avrr.reintegration.{kind}.v1", "time": time,
        "subject": str(UUID(int=subject)), "aggregateversion": number, "actorid": actor, "actorrole": role, "actororg": "iom_ba",
        "actorcountry": "BA", "data": data or {},
    }  # fmt: skip
    return json.dumps(event).encode()


ENTRIES = [
    entry(1, "authority.given", "staff:manager", "manager", "2022-01-01T08:00:00Z", GIVEN),
    entry(2, "authority.deputy_named", "staff:chief", "chief_of_mission", "2023-02-01T08:00:00Z",
          {"deputy_id": "staff:deputy", "valid_from": "2023-02-02", "valid_until": "2023-02-20", "named_by": "staff:chief",
           "named_at": "2023-02-01T08:00:00Z"}),
    entry(3, "authority.deputy_named", "staff:chief", "chief_of_mission", "2023-03-01T08:00:00Z",
          {"deputy_id": "staff:later", "valid_from": "2024-02-02", "valid_until": "2024-02-20", "named_by": "staff:chief",
           "named_at": "2023-03-01T08:00:00Z"}),
    entry(4, "grant.approved", "staff:anna", "counsellor,coordinator", "2023-04-01T08:00:00Z"),
    entry(5, "grant.approved", "staff:anna", "coordinator", "2023-05-01T08:00:00Z"),
    entry(6, "grant.approved", "=2+5", "counsellor", "2023-05-02T08:00:00Z"),
    entry(7, "authority.ended", "staff:manager", "manager", "2024-02-01T08:00:00Z",
          {"reason": "replaced", "ended_by": "staff:manager", "ended_at": "2024-02-01T08:00:00Z"}),
]  # fmt: skip


def exported(folder: Path, entries: Sequence[bytes] = ENTRIES, names: Mapping[str, str] = NAMES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with ExportFolder(folder, OURS.policy, YEAR, names=names) as export:
        # Seen a month after the period, in which somebody ended an authority.
        export.add_log("reintegration", OURS.checkpoint("reintegration", entries, seen=SEEN + 40 * 86_400), in_bundles(entries))
        export.finish(OURS.exports)
    return folder


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / name).read_text(), newline="")))


def test_whoever_acted_is_named_with_the_roles_in_which_they_did(tmp_path: Path) -> None:
    folder = exported(tmp_path)
    assert [(row["id"], row["name"], row["entries"]) for row in rows(folder, "staff.csv")] == [
        ("'=2+5", "", "1"), ("staff:anna", "Anna Invented, MA", "2"), ("staff:chief", "Invented Chief", "2"), ("staff:deputy", "", "0"),
    ]  # fmt: skip
    assert [(row["id"], row["role"], row["first"], row["last"], row["entries"]) for row in rows(folder, "roles.csv")] == [
        ("'=2+5", "counsellor", "2023-05-02T08:00:00Z", "2023-05-02T08:00:00Z", "1"),
        ("staff:anna", "coordinator", "2023-04-01T08:00:00Z", "2023-05-01T08:00:00Z", "2"),
        ("staff:anna", "counsellor", "2023-04-01T08:00:00Z", "2023-04-01T08:00:00Z", "1"),
        ("staff:chief", "chief_of_mission", "2023-02-01T08:00:00Z", "2023-03-01T08:00:00Z", "2"),
    ]  # fmt: skip


def test_who_could_approve_or_stood_in_on_a_day_of_the_period_is_told_with_who_gave_it_and_ended_it(tmp_path: Path) -> None:
    found = [
        (row["holder_id"], row["acting_id"], row["up_to"], row["valid_until"], row["by"], row["ended_by"])
        for row in rows(exported(tmp_path), "delegations.csv")
    ]
    assert found == [
        ("staff:chief", "staff:chief", "5000.00", "2023-06-30", "staff:manager", "staff:manager"),
        ("staff:chief", "staff:deputy", "5000.00", "2023-02-20", "staff:chief", "staff:manager"),
    ]


def test_an_authority_that_had_ended_before_the_period_is_not_in_force_in_it(tmp_path: Path) -> None:
    ended = json.loads(ENTRIES[6])
    ended["time"] = ended["data"]["ended_at"] = "2022-12-30T08:00:00Z"
    assert rows(exported(tmp_path, [ENTRIES[0], json.dumps(ended | {"aggregateversion": 2}).encode()]), "delegations.csv") == []


def test_both_programs_of_an_export_find_nothing_in_it_by_themselves(tmp_path: Path) -> None:
    folder, said = exported(tmp_path / "export"), list[str]()
    assert verify([str(folder)], said.append) == 0, said
    for name, hashed in programs().items():
        assert file_hash(folder / name) == hashed
    # Where nothing of avrr is, what the one needs of the other stands beside it.
    alone = (
        "import runpy, sys; sys.modules['ops'] = None; sys.path.insert(0, sys.argv[1]); "
        "runpy.run_path(f'{sys.argv[1]}/who_acted.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", alone, str(folder)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "are named, as the mission said" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("name", who_acted.TABLES)
def test_a_table_that_says_anything_else_than_the_entries_is_found(name: str, tmp_path: Path) -> None:
    folder, said = exported(tmp_path), list[str]()
    assert who_acted.main([str(folder)], said.append) == 0
    assert said == ["2 of 4 who acted or could act are named, as the mission said."]
    table = (folder / name).read_bytes()
    (folder / name).write_bytes(table.replace(b"staff:chief", b"staff:other", 1))
    assert who_acted.main([str(folder)], said.append) == 1
    assert said[1] == f"{name}: it does not say what the entries of the logs say."


def test_a_log_that_is_written_anew_is_counted_once(tmp_path: Path) -> None:
    with ExportFolder(tmp_path, OURS.policy, YEAR) as export:
        first = export.log("reintegration", OURS.checkpoint("reintegration", ENTRIES))
        first.add(ENTRIES)
        first.undo()
        export.add_log("reintegration", OURS.checkpoint("reintegration", ENTRIES), in_bundles(ENTRIES))
        export.finish(OURS.exports)
    assert who_acted.main([str(tmp_path)]) == 0
    assert rows(tmp_path, "staff.csv")[1]["entries"] == "2"


def test_a_list_of_staff_without_ids_and_names_is_refused() -> None:
    assert who_acted.names_in('id,name,since\r\n"staff:x","Of\r\ntwo lines",2020\r\nstaff:y,,2021\r\n') == {"staff:x": "Of\r\ntwo lines"}
    with pytest.raises(ValueError, match="id and name"):
        who_acted.names_in("sub,who\nstaff:x,X\n")


def test_the_hashes_of_the_programs_stand_before_the_keys_as_comments_that_every_reader_steps_past() -> None:
    told = "".join(f"# {hashed}  {name}\n" for name, hashed in programs().items())
    assert str(TrustPolicy.of(told + str(OURS.policy))) == str(OURS.policy)
