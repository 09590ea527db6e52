"""Where a person leads on to: the family and the wish to return, for whoever may read those, and no further."""

from uuid import UUID

from services.counselling.domain.intention import ExpressIntention, RecordAttemptEnded
from services.counselling.domain.session import HoldSession
from services.counselling.wiring import INTENTION, SESSION
from tests.given import NOON, staff
from tests.integration.counselling.desk import ANNA, Desk, next_id
from tests.integration.returns.api import problem

COORDINATOR = staff("zoran", "coordinator")
PROTECTION = staff("petra", "protection")


async def wished(desk: Desk, person_id: UUID) -> UUID:
    """A wish to return, expressed in a session with this person."""
    session_id, intention_id = next_id(), next_id()
    held = HoldSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", interpreter="none", present=("not_known",),
        person_ids=(person_id,), held_at=NOON, outcome="intention_expressed",
    )  # fmt: skip
    await desk.give(SESSION, session_id, held)
    wish = ExpressIntention(
        session_id=session_id, principal_id=person_id, person_ids=(person_id,), destination_country="TR"
    )
    await desk.give(INTENTION, intention_id, wish)
    return intention_id


async def test_a_person_leads_on_to_their_family_and_the_wish_that_has_not_ended(desk: Desk) -> None:
    husband, wife = await desk.agreed(), await desk.registered(1992, "female")
    family_id, intention_id = await desk.family(husband, wife), await wished(desk, husband)
    for reader in (ANNA, COORDINATOR):
        body = (await desk.get(f"persons/{husband}", {}, reader)).json()
        assert (body["family_id"], body["intention_id"]) == (str(family_id), str(intention_id))
    other = (await desk.get(f"persons/{wife}", {})).json()
    assert (other["family_id"], other["intention_id"]) == (str(family_id), None)


async def test_who_stands_alone_and_wishes_nothing_leads_nowhere(desk: Desk) -> None:
    body = (await desk.get(f"persons/{await desk.registered()}", {})).json()
    assert (body["family_id"], body["intention_id"]) == (None, None)


async def test_a_wish_that_has_ended_is_no_way_on(desk: Desk) -> None:
    person_id = await desk.agreed()
    intention_id = await wished(desk, person_id)
    await desk.give(INTENTION, intention_id, RecordAttemptEnded(person_ids=(person_id,)))
    assert (await desk.get(f"persons/{person_id}", {})).json()["intention_id"] is None


async def test_who_may_not_read_a_wish_is_not_told_of_one(desk: Desk) -> None:
    husband, wife = await desk.agreed(), await desk.registered(1992, "female")
    family_id = await desk.family(husband, wife)
    await wished(desk, husband)
    body = (await desk.get(f"persons/{husband}", {}, PROTECTION)).json()
    assert (body["family_id"], body["intention_id"]) == (str(family_id), None)


async def test_a_receiving_office_reads_neither_person_nor_family(desk: Desk) -> None:
    husband, wife = await desk.agreed(), await desk.registered(1992, "female")
    family_id = await desk.family(husband, wife)
    office = staff("office", "receiving_office", countries=("TR",))
    for path in (f"persons/{husband}", f"families/{family_id}"):
        assert problem(await desk.get(path, {}, office)) == (403, "not_permitted")


async def test_a_family_says_what_tells_its_members_apart_and_they_are_on_record_as_shown(desk: Desk) -> None:
    husband, wife = await desk.agreed(), await desk.registered(1992, "female")
    await desk.registered(1990)
    family_id = await desk.family(husband, wife)
    body = (await desk.get(f"families/{family_id}", {})).json()
    assert [(row["id"], row["birth_year"], row["sex"]) for row in body["persons"]] == [
        (str(husband), 1990, "male"), (str(wife), 1992, "female"),
    ]  # fmt: skip
    assert await desk.readings() == [
        {
            "actor_id": ANNA.person_id, "operation": "read_family", "about": str(family_id),
            "shown": [str(husband), str(wife)], "purpose": None,
        }
    ]
