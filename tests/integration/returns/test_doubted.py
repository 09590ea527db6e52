"""The list of what waits to be decided about recorded journeys: who finds it, in which order, and until when it stands."""

from datetime import timedelta

from services.returns.domain.case_corrections import AskForCorrection, CorrectDeparture, RejectCorrection
from services.returns.domain.case_journey import RecordDeparture
from services.returns.queries.doubted import OPEN
from tests.given import staff
from tests.integration.returns.api import Api, problem
from tests.integration.returns.mission import ANKARA, ANNA, DEPARTS, OLEG, PETRA, ZORAN, Attempt, Mission

LATER = DEPARTS + timedelta(days=1)


async def doubted(mission: Mission, minutes: int) -> Attempt:
    """A case of somebody who is said to have left, of whom it is said, so many minutes later, that they did not."""
    attempt = await mission.brought_to("preparing")
    await mission.order(attempt.id, RecordDeparture(person_ids=attempt.ids, departed_at=DEPARTS), OLEG, DEPARTS)
    ask = AskForCorrection(person_id=attempt.ids[0], of="departure")
    await mission.order(attempt.id, ask, OLEG, LATER + timedelta(minutes=minutes))
    return attempt


async def test_who_may_decide_finds_what_is_open_longest_first_page_by_page(mission: Mission, api: Api) -> None:
    attempts = [await doubted(mission, minutes) for minutes in (3, 1, 2)]
    await mission.brought_to("preparing")
    in_order = [attempts[1], attempts[2], attempts[0]]
    rows, after = [], None
    while True:
        page = await api.get("corrections", ZORAN, limit="1", **({"after": after} if after else {}))
        assert page.status_code == 200, page.text
        rows += page.json()["items"]
        after = page.json()["next"]
        if after is None:
            break
    assert [row["id"] for row in rows] == [str(attempt.id) for attempt in in_order]
    assert [[one["of"] for one in row["corrections"]] for row in rows] == [["departure"]] * 3
    assert [one["is_own"] for row in rows for one in row["corrections"]] == [False] * 3
    own = (await api.get("corrections", OLEG)).json()["items"]
    assert [one["is_own"] for row in own for one in row["corrections"]] == [True] * 3
    for by in (ANNA, PETRA, ANKARA, staff("lejla", "finance_approver")):
        assert problem(await api.get("corrections", by)) == (403, "not_permitted")

    # Decided either way, it waits no more.
    await mission.order(in_order[0].id, CorrectDeparture(person_id=in_order[0].ids[0]), ZORAN, LATER + timedelta(hours=1))
    await mission.order(in_order[1].id, RejectCorrection(person_id=in_order[1].ids[0]), ZORAN, LATER + timedelta(hours=1))
    left = (await api.get("corrections", ZORAN)).json()["items"]
    assert [row["id"] for row in left] == [str(in_order[2].id)]
    found = await mission.verified()
    assert found.sound, found.differences


async def test_the_list_is_walked_by_an_index_that_holds_nothing_else(mission: Mission) -> None:
    await doubted(mission, 1)
    async with mission.owner() as owner:
        await owner.execute("SET enable_seqscan = off")
        text = OPEN.text.replace("$1", "'epoch'").replace("$2", "'00000000-0000-0000-0000-000000000000'").replace("$3", "10")
        plan = "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {text}"))
    assert "ix_cases_doubted_correction_since_id" in plan
