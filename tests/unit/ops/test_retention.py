"""How long what is kept is kept: the policy's file, its page, and who is due on which day of the mission."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.retention.nightly import lines, nightly
from ops.retention.policy import OF_PERSONS, PAGE, Kept, page, read_policy
from ops.retention.report import Ended, Person, all_due, due, latest_contact
from ops.settings import CannotStart, OpsSettings
from ops.system import Addresses, write_addresses
from shared.answers import REMEMBERED_DAYS
from shared.ids import uuid7

PROJECT = Path(__file__).parent.parent.parent.parent
ZONE = ZoneInfo("Europe/Sarajevo")
POLICY = read_policy()
LONG_AGO = datetime(2015, 5, 2, 9, tzinfo=UTC)
NOW = datetime(2023, 6, 1, 1, tzinfo=UTC)


def person(last_contact_at: datetime = LONG_AGO, *, legal_hold: bool = False, erasure_asked: bool = False) -> Person:
    return Person(uuid7(), last_contact_at, legal_hold, erasure_asked)


def test_the_page_says_what_the_file_says() -> None:
    assert (PROJECT / PAGE).read_text(encoding="utf-8") == page(POLICY)


async def test_what_was_made_up_for_development_is_never_sent_to_another_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OIDC_ISSUER", "RETENTION_CLIENT_SECRET", "COUNSELLING_URL"):
        monkeypatch.delenv(f"AVRR_{name}", raising=False)
    settings = OpsSettings(data=tmp_path)
    write_addresses(settings, Addresses({}, "https://identity.example", "", "", "real"))
    with pytest.raises(CannotStart) as refused:
        async with nightly(settings):
            pass
    assert refused.value.code == "retention_secret_missing"
    assert list(tmp_path.glob("secrets/**/*")) == []


def test_what_services_forget_by_themselves_is_what_the_file_says() -> None:
    assert POLICY.classes["answers"].days == REMEMBERED_DAYS


@pytest.mark.parametrize(
    ("since", "until"),
    [(date(2023, 1, 31), date(2023, 2, 28)), (date(2023, 12, 31), date(2024, 1, 31)), (date(2024, 1, 30), date(2024, 2, 29))],
)
def test_a_month_ends_on_its_last_day_at_the_latest(since: date, until: date) -> None:
    assert Kept("x", "x", "by_itself", "x", months=1).due(since) == until


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 600))
def test_nobody_is_due_earlier_who_was_there_later(since: date, months: int) -> None:
    kept = Kept("x", "x", "by_itself", "x", months=months)
    assert kept.due(since) <= kept.due(since + timedelta(days=1))
    assert kept.due(since) > since


@pytest.mark.parametrize(
    ("cases", "kept_as", "due_on"),
    [
        ([], "without_case", date(2017, 5, 2)),
        ([Ended("without_return", datetime(2022, 5, 31, 22, 30, tzinfo=UTC))], "without_return", date(2023, 6, 1)),
        ([Ended("returned", datetime(2018, 6, 1, 9, tzinfo=UTC))], "returned", date(2023, 6, 1)),
        (
            [Ended("returned", datetime(2016, 1, 1, tzinfo=UTC)), Ended("without_return", datetime(2021, 3, 3, tzinfo=UTC))],
            "without_return", date(2022, 3, 3),
        ),
    ],
)  # fmt: skip
def test_somebody_is_due_when_what_keeps_them_longest_is_over(cases: list[Ended], kept_as: str, due_on: date) -> None:
    found = due(person(), cases, POLICY, ZONE, NOW)
    assert found is not None
    assert (found.kept_as, found.due_on, found.stands) == (kept_as, due_on, "due")


def test_a_day_is_the_missions_and_the_day_before_is_too_early() -> None:
    # On the last day of May by the clocks of the mission, though not by those of Greenwich.
    ended = [Ended("without_return", datetime(2022, 5, 31, 21, 30, tzinfo=UTC))]
    first = datetime(2023, 5, 30, 22, tzinfo=UTC)
    assert due(person(), ended, POLICY, ZONE, first) is not None
    assert due(person(), ended, POLICY, ZONE, first - timedelta(seconds=1)) is None


def test_nobody_is_due_whose_case_is_open_or_who_came_back_to_talk() -> None:
    over = Ended("without_return", LONG_AGO)
    assert due(person(), [over, Ended("open", None)], POLICY, ZONE, NOW) is None
    assert due(person(NOW - timedelta(days=30)), [over], POLICY, ZONE, NOW) is None


def test_a_hold_and_a_request_are_told() -> None:
    for kept, stands in ((person(legal_hold=True), "on_hold"), (person(erasure_asked=True), "asked")):
        found = due(kept, [], POLICY, ZONE, NOW)
        assert found is not None and found.stands == stands


def test_what_was_refused_once_it_was_due_is_told_and_what_was_refused_before_is_asked_for() -> None:
    first = due(person(), [], POLICY, ZONE, NOW)
    assert first is not None
    for day, stands in ((first.due_on - timedelta(days=1), "due"), (first.due_on, "refused"), (NOW.date(), "refused")):
        refused_at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        found = due(replace(person(), refused_at=refused_at, refused_for="claim_under_way"), [], POLICY, ZONE, NOW)
        assert found is not None
        assert (found.stands, found.refused_for) == (stands, "claim_under_way" if stands == "refused" else None)


@given(st.datetimes(datetime(2010, 1, 1), datetime(2023, 6, 1)), st.sampled_from([*OF_PERSONS]))  # noqa: DTZ001
def test_whoever_is_due_is_among_those_who_are_looked_at(last_contact: datetime, kept_as: str) -> None:
    at = last_contact.replace(tzinfo=UTC)
    ending: Any = kept_as
    cases = [] if kept_as == "without_case" else [Ended(ending, at)]
    if due(person(at), cases, POLICY, ZONE, NOW) is not None:
        assert at < latest_contact(POLICY, ZONE, NOW)


async def test_everybody_is_asked_about_page_by_page_and_a_case_is_asked_for_a_hundred_at_a_time() -> None:
    ids = [str(uuid7()) for _ in range(150)]
    asked: list[int] = []

    async def ask(service: str, path: str, query: Mapping[str, Any]) -> Any:
        if path == "/v1/retention/cases":
            asked.append(len(query["person_id"]))
            return [
                {"person_id": id, "case_id": id, "ending": "open", "ended_at": None} for id in query["person_id"] if id == ids[0]
            ]
        if path == "/v1/retention/receipts":
            assert service == "reintegration"
            return {"items": [{"id": ids[148], "kept_until": "2023-06-01"}, {"id": ids[149], "kept_until": "2023-05-31"}], "next": None}
        if path == "/v1/retention/payees":
            assert service == "reintegration"
            return {"items": [{"id": ids[148], "kept_until": "2023-06-01"}, {"id": ids[147], "kept_until": "2023-05-31"}], "next": None}
        begins = ids.index(query["after"]) + 1 if query["after"] else 0
        rows = ids[begins : begins + 100]
        items = [
            {
                "id": id, "last_contact_at": LONG_AGO.isoformat(), "legal_hold": False, "erasure_asked": id == ids[1],
                "refused_at": NOW.isoformat() if id == ids[3] else None,
                "refused_for": "duty_to_keep" if id == ids[3] else None,
            }
            for id in rows
        ]  # fmt: skip
        return {"items": items, "next": rows[-1] if rows[-1] != ids[-1] else None}

    found = [one async for one in all_due(ask, POLICY, ZONE, NOW)]
    assert [one.person_id for one in found[:-2]] == [UUID(id) for id in ids[1:]]
    assert [one.stands for one in found[:3]] == ["asked", "due", "refused"]
    assert lines(found[2:3], POLICY)[0].endswith("refused for duty_to_keep")
    # The last day on which receipts, or who a payee was, are kept has to be over.
    last, payee = found[-2:]
    assert (payee.person_id, payee.kept_as, payee.stands, payee.due_on) == (UUID(ids[147]), "payees", "due", date(2023, 6, 1))
    assert (last.person_id, last.kept_as, last.stands, last.due_on) == (UUID(ids[149]), "receipts", "due", date(2023, 6, 1))
    assert asked == [100, 50]


@pytest.mark.parametrize(
    "change",
    [
        ("[classes.returned]", "[classes.gone]"), ("months = 24", "months = -1"), ("months = 24", 'months = "24"'),
        ("months = 24\n", ""), ('then = "ask_for_erasure"', 'then = "kept"'), ('then = "end_papers"', 'then = "by_itself"'), ('then = "delete_details"', 'then = "kept"'),
        ("source", "sauce"), ("what", "wath"), ("=", ""),
    ],
)  # fmt: skip
def test_a_file_that_would_keep_somebody_for_ever_or_says_nonsense_is_refused(
    change: tuple[str, str], tmp_path: Path
) -> None:
    text = (PROJECT / "ops" / "retention" / "policy.toml").read_text(encoding="utf-8")
    ours = tmp_path / "policy.toml"
    ours.write_text(text, encoding="utf-8")
    assert read_policy(ours) == POLICY
    ours.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(CannotStart):
        read_policy(ours)


def test_a_mission_sets_its_own_periods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (PROJECT / "ops" / "retention" / "policy.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace("months = 24", "months = 6"), encoding="utf-8")
    monkeypatch.setenv("AVRR_RETENTION_POLICY", str(tmp_path / "mine.toml"))
    assert read_policy().classes["without_case"].months == 6
