"""Finding who is registered already: by country, year of birth and sex, across all sites, each search on record."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from shared.buckets import HOUR, PEOPLE, Buckets
from tests.given import NOON, staff
from tests.integration.counselling.desk import ANNA, Desk, ids
from tests.integration.returns.api import COUNSELLING, SETTINGS, problem, token

COUNTRY_AND_YEAR = {"country_of_origin": "TR", "birth_year": "1990"}


async def found(desk: Desk, **query: str) -> list[UUID]:
    return ids(await desk.get("persons", {**COUNTRY_AND_YEAR, **query}))


async def test_a_person_is_found_by_country_and_year_with_what_tells_two_apart_and_no_more(desk: Desk) -> None:
    husband, wife = await desk.agreed(), await desk.registered(1990, "female", site="remote")
    family_id = await desk.family(husband, wife)
    answer = await desk.get("persons", COUNTRY_AND_YEAR)
    assert answer.json() == {
        "items": [
            {
                "id": str(person_id), "sex": sex, "birth_year": 1990, "country_of_origin": "TR", "site": site,
                "data_consent": agreed, "family_id": str(family_id), "registered_at": "2023-05-02T12:00:00Z",
            }
            for person_id, sex, site, agreed in (
                (husband, "male", "trc_lipa", True), (wife, "female", "remote", False)
            )
        ],
        "next": None,
    }  # fmt: skip


async def test_each_filter_leaves_out_what_it_should(desk: Desk) -> None:
    older, man, woman = await desk.registered(1988), await desk.registered(), await desk.registered(1990, "female")
    younger = await desk.registered(1993)
    await desk.registered(country="IQ")
    assert await found(desk) == [man, woman]
    assert await found(desk, sex="female") == [woman]
    assert await found(desk, birth_year_within="2") == [older, man, woman]
    assert await found(desk, birth_year_within="3") == [older, man, woman, younger]
    assert await found(desk, birth_year_within="3", sex="male") == [older, man, younger]
    assert await found(desk, country_of_origin="IQ", sex="female") == []


async def test_a_person_is_found_whatever_the_site_of_who_looks(desk: Desk) -> None:
    elsewhere = await desk.registered(site="trc_borici")
    for reader in (ANNA, staff("zoran", "coordinator"), staff("petra", "protection")):
        assert ids(await desk.get("persons", COUNTRY_AND_YEAR, reader)) == [elsewhere]


async def test_pages_hold_everybody_once_and_the_oldest_first_whatever_the_year(desk: Desk) -> None:
    expected = [await desk.registered(1989 + number % 3) for number in range(7)]
    pages: list[list[UUID]] = []
    query = {**COUNTRY_AND_YEAR, "birth_year_within": "1", "limit": "2"}
    while True:
        answer = await desk.get("persons", query)
        pages.append(ids(answer))
        if answer.json()["next"] is None:
            break
        query["after"] = answer.json()["next"]
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert [person_id for page in pages for person_id in page] == expected


async def test_when_somebody_was_registered_is_the_time_of_the_command(desk: Desk) -> None:
    await desk.registered(at=NOON - timedelta(days=90))
    answer = await desk.get("persons", COUNTRY_AND_YEAR)
    assert answer.json()["items"][0]["registered_at"] == "2023-02-01T12:00:00Z"
    assert (await desk.verified()).sound


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"country_of_origin": "TR"}, "query.birth_year", "missing"),
        ({"birth_year": "1990"}, "query.country_of_origin", "missing"),
        ({**COUNTRY_AND_YEAR, "birth_year_within": "4"}, "query.birth_year_within", "less_than_equal"),
        ({**COUNTRY_AND_YEAR, "country_of_origin": "tr"}, "query.country_of_origin", "string_pattern_mismatch"),
        ({**COUNTRY_AND_YEAR, "family_name": "x"}, "query", "extra_forbidden"),
    ],
)  # fmt: skip
async def test_who_does_not_say_both_country_and_year_is_shown_nobody(
    desk: Desk, query: dict[str, str], field: str, code: str
) -> None:
    await desk.registered()
    answer = await desk.get("persons", query)
    assert problem(answer) == (422, "malformed")
    assert answer.json()["fields"] == [{"field": field, "code": code}]


async def test_each_search_is_on_record_with_who_was_shown(desk: Desk) -> None:
    person_id = await desk.registered()
    await found(desk)
    await found(desk, birth_year="1991")
    assert await desk.readings() == [
        {"actor_id": ANNA.person_id, "operation": "find_persons", "about": None, "shown": shown, "purpose": None}
        for shown in ([str(person_id)], [])
    ]
    assert (await desk.verified()).sound


async def test_nobody_searches_faster_than_a_person_can(desk: Desk) -> None:
    COUNSELLING.state.runtime.buckets = Buckets(PEOPLE, lambda: 0)
    # Without a stated time, for a replay is not held to people's pace.
    bearer = {"Authorization": f"Bearer {token(ANNA)}"}
    answers = [
        await desk.client.get("/v1/persons", params=COUNTRY_AND_YEAR, headers=bearer)
        for _ in range(SETTINGS.searches_per_minute + 1)
    ]
    assert [answer.status_code for answer in answers] == [200] * SETTINGS.searches_per_minute + [429]


async def test_nobody_searches_for_persons_all_day_long_however_slowly(desk: Desk) -> None:
    hours = [0]
    buckets = Buckets(PEOPLE, lambda: hours[0] * HOUR)
    COUNSELLING.state.runtime.buckets = buckets
    for _ in range(PEOPLE["person_search"].requests):
        assert buckets.take(ANNA.person_id, "person_search") == 0
    bearer = {"Authorization": f"Bearer {token(ANNA)}"}

    async def asked() -> list[httpx.Response]:
        by_name = {"name": {"family_name": "Kanarizada", "birth_year": 1990}}
        return [
            await desk.client.get("/v1/persons", params=COUNTRY_AND_YEAR, headers=bearer),
            await desk.client.post("/v1/person-searches", json=by_name, headers=bearer),
        ]

    for answer in await asked():
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
        # The page shows this sentence.
        assert answer.json()["title"].endswith("You can ask again in 8 minutes.")
    hours[0] = 1
    assert [answer.status_code for answer in await asked()] == [200, 200]


async def test_who_may_not_read_a_person_does_not_find_one_either(desk: Desk) -> None:
    for role in ("operations", "manager", "finance_payer", "receiving_office", "auditor"):
        answer = await desk.get("persons", COUNTRY_AND_YEAR, staff("somebody", role, countries=("TR",)))
        assert problem(answer) == (403, "not_permitted")
