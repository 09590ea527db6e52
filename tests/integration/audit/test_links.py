"""What caused an event and what it caused, as the archive tells it: each link holds only by the hash of the other's bytes."""

from typing import Any
from uuid import UUID

from shared.ids import uuid7
from tests.given import staff
from tests.integration.audit.archived_log import ArchivedLog


async def links(archived: ArchivedLog, event_id: UUID) -> dict[str, Any]:
    answer = await archived.get(f"/v1/archive/events/{event_id}/links")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_link_holds_by_the_hash_of_the_causes_bytes_and_by_no_other(archived: ArchivedLog) -> None:
    (cause,) = await archived.happen()
    (leaf,) = await archived.leaves()
    (true,) = await archived.happen(cause=leaf)
    (false,) = await archived.happen(cause=leaf + b" ")
    # What merely tells of another event, in what it says, was not caused by it.
    (other,) = await archived.happen(causationid=str(cause))
    await archived.archive()

    of_cause = await links(archived, cause)
    assert of_cause["cause"] is None and of_cause["more"] is False
    assert [(UUID(one["entry"]["id"]), one["agrees"]) for one in of_cause["effects"]] == [(true, True), (false, False)]
    assert UUID((await links(archived, true))["cause"]["entry"]["id"]) == cause
    assert [(await links(archived, one))["cause"]["agrees"] for one in (true, false)] == [True, False]
    assert (await links(archived, other)) == {"cause": None, "effects": [], "more": False}


async def test_a_cause_that_no_log_has_is_told_as_one(archived: ArchivedLog) -> None:
    (stray,) = await archived.happen(cause=f'{{"id":"{uuid7()}"}}'.encode())
    await archived.archive()
    cause = (await links(archived, stray))["cause"]
    assert cause["entry"] is None and cause["agrees"] is None


async def test_links_are_on_record_and_for_auditors(archived: ArchivedLog) -> None:
    (event_id,) = await archived.happen()
    await archived.archive()
    await links(archived, event_id)
    refused = await archived.get(f"/v1/archive/events/{event_id}/links", staff("berin", "counsellor"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    kinds = [row["kind"] for row in (await archived.get("/v1/log", limit=50)).json()["items"]]
    # The second is the search that tells this.
    assert kinds.count("avrr.audit.access.record_read.v1") == 2
    assert (await archived.get(f"/v1/archive/events/{uuid7()}/links")).status_code == 404
