"""What is usual is the mission's to say: other hours, days or numbers find other exceptions, and all of them anew."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from services.audit.exceptions import RULES, out_of_hours, rules_of
from shared.settings import MISSION, Mission

BAGHDAD = ZoneInfo("Asia/Baghdad")
FRIDAY, SUNDAY = datetime(2023, 5, 5, 9, tzinfo=UTC), datetime(2023, 5, 7, 9, tzinfo=UTC)


def test_where_the_mission_says_nothing_the_rules_are_those_of_this_version() -> None:
    assert (MISSION.office_opens, MISSION.office_closes, MISSION.many_reads) == (time(7), time(19), 80)
    assert MISSION.office_days == ("mon", "tue", "wed", "thu", "fri")
    assert rules_of(MISSION) == RULES < 2**24


def test_whatever_the_mission_says_otherwise_is_another_number_that_the_column_holds() -> None:
    said = [
        Mission(office_opens=time(8)), Mission(office_closes=time(18)), Mission(office_days=("sun", "mon")), Mission(many_reads=81),
        Mission(many_reads=40), Mission(mission_time_zone="Asia/Baghdad"),
    ]  # fmt: skip
    numbers = {rules_of(one) for one in said}
    assert len(numbers | {RULES}) == len(said) + 1
    assert all(0 < number < 2**31 for number in numbers)
    assert rules_of(said[0], 3) != rules_of(said[0], 4)


def test_an_office_is_open_on_the_missions_days_and_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVRR_OFFICE_DAYS", '["sun","mon","tue","wed","thu"]')
    monkeypatch.setenv("AVRR_OFFICE_OPENS", "08:30")
    monkeypatch.setenv("AVRR_OFFICE_CLOSES", "15:00")
    usual = Mission()
    assert [out_of_hours(at, BAGHDAD, usual) for at in (FRIDAY, SUNDAY)] == [True, False]
    assert [out_of_hours(SUNDAY.replace(hour=hour, minute=minute), BAGHDAD, usual) for hour, minute in ((5, 29), (5, 30), (11, 59), (12, 0))] == [
        True, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        {"office_opens": time(19), "office_closes": time(7)}, {"office_opens": time(7), "office_closes": time(7)}, {"office_days": ()},
        {"office_days": ("monday",)}, {"many_reads": 0}, {"office_opens": time(7, tzinfo=UTC)},
    ],
    ids=["reversed", "never", "on no day", "no day", "none", "by another clock"],
)  # fmt: skip
def test_what_no_office_can_keep_stops_the_start(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Mission.model_validate(said)
