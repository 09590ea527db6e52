"""What an auditor selects, and how what several logs answer becomes one list."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from services.portal.client import Service
from services.portal.pages.log_files import without_head
from services.portal.pages.log_selection import KINDS, SERVICES, Selection, merged, places_of

AN_ID = "01900000-0000-7000-8000-000000000001"


def answer(*minutes: int, following: bool = False) -> dict[str, Any]:
    items = [{"recorded_at": f"2023-05-02T12:{minute:02}:00Z", "place": f"{minute}-{minute}"} for minute in minutes]
    return {"items": items, "next": items[-1]["place"] if following else None}


def shown(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(row["service"], row["place"]) for row in found["items"]]


def test_three_logs_are_one_list_that_goes_on_in_each_where_it_was_left() -> None:
    logs: dict[Service, list[int]] = {"counselling": [50, 20], "returns": [40, 39, 38, 37, 1], "reintegration": [45]}
    seen: list[tuple[str, str]] = []
    after: str | None = None
    for _ in range(5):
        places = places_of(after)
        bodies: dict[Service, Any] = {}
        for service, minutes in logs.items():
            place = places[service]
            if place is not None:
                left = [minute for minute in minutes if not place or minute < int(place.partition("-")[0])]
                bodies[service] = answer(*left[:2], following=len(left) > 2)
        found = merged(bodies, places, 2)
        seen += shown(found)
        after = found["next"]
        if after is None:
            break
    assert [place for _, place in seen] == [f"{n}-{n}" for n in (50, 45, 40, 39, 38, 37, 20, 1)]


def test_a_list_of_one_log_goes_on_in_no_other() -> None:
    found = merged({"returns": answer(3, 2, following=True)}, places_of(None), 2)
    assert found["next"] == "x_2-2_x"
    assert places_of(found["next"]) == {"counselling": None, "returns": "2-2", "reintegration": None}


@pytest.mark.parametrize("after", [None, "", "1-1", "a_b_c", "1-1_2-2_3-3_4-4", "-1_x_x"])
def test_a_place_that_cannot_be_read_is_the_beginning(after: str | None) -> None:
    assert places_of(after) == dict.fromkeys(SERVICES, "")


@pytest.mark.parametrize(
    ("selection", "fault"),
    [
        (Selection(), None), (Selection(id=AN_ID, first="2023-05-02", last="2023-05-03"), None),
        (Selection(service="portal"), "service"), (Selection(kind="avrr.x.y.z.v1"), "kind"), (Selection(id="1"), "id"),
        (Selection(first="2023-13-01"), "day"), (Selection(last="2.5.2023"), "day"), (Selection(last="9999-12-31"), "day"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(selection: Selection, fault: str | None) -> None:
    assert selection.fault() == fault


def test_only_logs_that_can_have_such_events_are_asked() -> None:
    assert Selection().services() == SERVICES
    assert Selection(kind="avrr.returns.case.departed.v1").services() == ("returns",)
    assert Selection(service="counselling", kind="avrr.returns.case.departed.v1").services() == ()
    assert all("avrr." + service + ".access.refused.v1" in KINDS[service] for service in SERVICES)


@pytest.mark.parametrize("size", [1, 2, 7, 100])
async def test_of_a_further_table_the_head_is_left_out_however_it_is_cut(size: int) -> None:
    text = b"service,position\r\nreturns,1\r\nreturns,2\r\n"

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(text), size):
            yield text[at : at + size]

    assert b"".join([chunk async for chunk in without_head(chunks())]) == b"returns,1\r\nreturns,2\r\n"
