"""Whoever checks an export finds a sample of vouchers that its seeds do not draw from the payments before it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from ops.audit import verify_audit
from tests.unit.ops.audit.exports import House

OURS = House.of("ours")
SAMPLE = UUID(int=7)
GRANTS = [str(UUID(int=100 + number)) for number in range(9)]
# Recorded before the event that says what was drawn, and behind what was counted.
MEANWHILE = str(UUID(int=900))
ASKED = {"from_day": "2023-05-01", "to_day": "2023-05-02", "size": 3, "seed": "a0" * 8, "counterseed": "5e" * 32}
COUNTED = 10
FINDING = "reintegration: entry 11 says that a sample of vouchers was drawn, and its seeds draw another from the payments before it."


def event(number: int, subject: str, kind: str, version: int, data: Mapping[str, object]) -> bytes:
    return json.dumps(
        {
            "id": str(UUID(int=5000 + number)), "source": "urn:avrr:reintegration", "type": f"avrr.reintegration.{kind}.v1",
            "subject": subject, "time": "2023-05-04T10:00:00Z", "aggregateversion": version, "actorid": "staff:a", "data": data,
        },
        sort_keys=True, separators=(",", ":"),
    ).encode()  # fmt: skip


def drawn_of(grants: list[str], **said: object) -> dict[str, object]:
    there = sorted(grants)
    key = f"{ASKED['seed']}:{ASKED['counterseed']}:"
    drawn = sorted(there, key=lambda grant: sha256(f"{key}{grant}".encode()).digest())[:3]
    return {
        "population": len(there), "population_hash": sha256("\n".join(there).encode()).hexdigest(), "log_size": COUNTED,
        "drawn": [{"grant_id": grant, "country": "PK"} for grant in drawn],
    } | said


def found(folder: Path, said: Mapping[str, object]) -> list[str]:
    paid = [event(number, grant, "grant.payment_confirmed", 1, {"paid_on": "2023-05-02"}) for number, grant in enumerate(GRANTS)]
    late = event(20, MEANWHILE, "grant.payment_confirmed", 1, {"paid_on": "2023-05-02"})
    asked = event(21, str(SAMPLE), "voucher_sample.asked", 1, ASKED)
    OURS.export(folder, {"reintegration": [*paid[:-1], asked, paid[-1], late, event(22, str(SAMPLE), "voucher_sample.drawn", 2, said)]})
    told: list[str] = []
    verify_audit.main([str(folder)], told.append)
    return [line for line in told if line.startswith("reintegration: ")]


def test_a_sample_that_its_seeds_draw_is_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path / "now", drawn_of(GRANTS)) == []
    # As it was before it was told how many entries were counted.
    told = drawn_of([*GRANTS, MEANWHILE])
    del told["log_size"]
    assert found(tmp_path / "before", told) == []


@pytest.mark.parametrize(
    "said",
    [
        drawn_of(GRANTS, drawn=[{"grant_id": grant, "country": "PK"} for grant in GRANTS[:3]]),
        drawn_of(GRANTS, drawn=[]),
        drawn_of(GRANTS[1:]),
        drawn_of([*GRANTS, MEANWHILE]),
        drawn_of(GRANTS, population=8),
        # Counted before anybody asked, which is before the seeds were on record, or behind the event itself.
        drawn_of(GRANTS[:-1], log_size=8),
        drawn_of([*GRANTS, MEANWHILE], log_size=12),
    ],
    ids=["others", "none", "one left out", "one of meanwhile", "another number", "counted too early", "counted too late"],
)
def test_one_that_its_seeds_do_not_draw_is_told_in_a_sentence(said: dict[str, object], tmp_path: Path) -> None:
    assert found(tmp_path / "now", said) == [FINDING]


def test_one_that_nobody_asked_for_is_told_as_well(tmp_path: Path) -> None:
    OURS.export(tmp_path / "now", {"reintegration": [event(1, str(SAMPLE), "voucher_sample.drawn", 1, drawn_of([]))]})
    told: list[str] = []
    verify_audit.main([str(tmp_path / "now")], told.append)
    assert "reintegration: entry 0 says that a sample of vouchers was drawn, and its seeds draw another from the payments before it." in told
