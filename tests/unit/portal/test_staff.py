"""Pages call the mission's staff by the names of its own list, and name them to nobody abroad. All names are invented."""

from pathlib import Path

import pytest

from services.portal.staff import StaffNames

AUDITOR = frozenset({"auditor"})
LIST = "\N{ZERO WIDTH NO-BREAK SPACE}id,name,unit\nstaff:anna,Anna  Invented <b>,field\nstaff:empty,,\n,Nobody,\n"


def test_the_list_is_read_again_when_it_is_another(tmp_path: Path) -> None:
    names = StaffNames(tmp_path / "staff.csv")
    assert names.told("staff:anna", AUDITOR) is None
    names.file.write_text(LIST, encoding="utf-8")  # type: ignore[union-attr]
    assert (names.told("staff:anna", AUDITOR), names.told("staff:empty", AUDITOR), names.told("", AUDITOR)) == ("Anna Invented <b>", None, None)
    (tmp_path / "other.csv").write_text("name,id\nZoran Invented,staff:zoran\n", encoding="utf-8")
    (tmp_path / "other.csv").replace(tmp_path / "staff.csv")
    assert (names.told("staff:anna", AUDITOR), names.told("staff:zoran", AUDITOR)) == (None, "Zoran Invented")
    (tmp_path / "staff.csv").unlink()
    assert names.told("staff:zoran", AUDITOR) is None


@pytest.mark.parametrize(
    "content", [b"who,called\nstaff:anna,Anna\n", b"\xff\xfe", b"", b"id,name\n" + b"staff:anna,Anna\n" * 70_000],
    ids=["columns", "bytes", "empty", "long"],
)  # fmt: skip
def test_a_list_that_is_none_names_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "staff.csv").write_bytes(content)
    assert StaffNames(tmp_path / "staff.csv").told("staff:anna", AUDITOR) is None


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ({"auditor"}, True), ({"finance_approver", "manager"}, True), ({"receiving_office"}, False), ({"consular_post"}, False),
        ({"manager", "office_payer"}, False), (set(), False),
    ],
    ids=["auditor", "finance", "office", "post", "payer", "nobody"],
)  # fmt: skip
def test_staff_are_named_to_the_mission_and_to_nobody_abroad(tmp_path: Path, roles: set[str], told: bool) -> None:
    (tmp_path / "staff.csv").write_text(LIST, encoding="utf-8")
    assert (StaffNames(tmp_path / "staff.csv").told("staff:anna", roles) is not None) is told


def test_nobody_is_named_without_a_list() -> None:
    assert (StaffNames(None).told("staff:anna", AUDITOR), StaffNames(None).told(None, AUDITOR)) == (None, None)
