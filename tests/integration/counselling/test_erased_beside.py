"""What goes on although somebody who was part of it was erased, who is erased again after a restore, and who is kept for a child."""

from uuid import UUID

from services.counselling.domain.case_guardian import RecordCaseGuardian
from services.counselling.domain.erasure import ApproveErasure, RedoErasure, RequestErasure
from services.counselling.domain.intention import RecordAttemptEnded, RecordReopeningAsked
from services.counselling.domain.session import AmendSession
from services.counselling.reactions import REACTIONS
from services.counselling.wiring import INTENTION, PERSON, SESSION, WIRING
from shared.contracts.families import FamilySplit
from shared.db import UnitOfWork
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.messages import Context, Origin, Received
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.counselling.desk import Desk
from tests.integration.counselling.test_erasure import CHIEF, DPO, HERE, asked_for, heard, held, tried, wish


async def test_a_session_is_set_right_also_where_one_of_several_was_erased_and_not_where_nobody_else_was_in_it(desk: Desk) -> None:
    gone, other = await desk.agreed(), await desk.agreed()
    both, alone = uuid7(), uuid7()
    await desk.give(SESSION, both, held(gone, other))
    await desk.give(SESSION, alone, held(gone))
    await asked_for(desk, gone)
    assert await tried(desk, PERSON, gone, ApproveErasure(), CHIEF) == "done"
    order = AmendSession(interpreter="none", present=("relative",), reason="learnt_since")
    assert await tried(desk, SESSION, both, order) == "done"
    assert (await desk.get(f"sessions/{both}", {})).json()["state"]["present"] == ["relative"]
    assert await tried(desk, SESSION, alone, order) == "person_erased"
    verified = await desk.verified()
    assert verified.sound, verified.differences


async def test_who_had_been_erased_is_again_also_where_whoever_approved_it_had_asked_for_it_before(desk: Desk) -> None:
    """The database was set back to when that earlier request, which was refused later, had been made."""
    person_id = await desk.agreed()
    await desk.give(PERSON, person_id, RequestErasure(ground="person_asked"), CHIEF)
    again = RedoErasure(ground="person_asked", requested_by=DPO.person_id, approved_by=CHIEF.person_id)
    assert await tried(desk, PERSON, person_id, again, HERE) == "done"
    erasure = (await desk.get(f"persons/{person_id}/erasure", {}, DPO)).json()["state"]["erasure"]
    assert (erasure["requested_by"], erasure["approved_by"]) == (DPO.person_id, CHIEF.person_id)
    verified = await desk.verified()
    assert verified.sound, verified.differences


async def wished(desk: Desk, child: UUID) -> UUID:
    session_id, intention_id = uuid7(), uuid7()
    await desk.give(SESSION, session_id, held(child))
    await desk.give(INTENTION, intention_id, wish(session_id, child))
    return intention_id


async def test_whoever_stood_up_for_a_child_in_a_case_that_ended_is_not_kept_for_a_later_one(desk: Desk) -> None:
    child, guardian = await desk.agreed(2008), await desk.agreed(1970)
    first = await wished(desk, child)
    await heard(desk, child, RecordCaseGuardian(guardian_id=guardian, case_id=first))
    await kept(desk, guardian)
    ended = RecordAttemptEnded(person_ids=(child,))
    await desk.give(INTENTION, first, ended, HERE)
    later = await wished(desk, child)
    await asked_for(desk, guardian)
    # Once the first one is taken up again they are kept for it.
    await desk.give(INTENTION, later, ended, HERE)
    await desk.give(INTENTION, first, RecordReopeningAsked(person_ids=(child,)), HERE)
    assert await tried(desk, PERSON, guardian, ApproveErasure(), CHIEF) == "case_open"
    await desk.give(INTENTION, first, ended, HERE)
    await wished(desk, child)
    assert await tried(desk, PERSON, guardian, ApproveErasure(), CHIEF) == "done"
    assert (await desk.verified()).sound


async def kept(desk: Desk, person_id: UUID) -> None:
    refused = await desk.post(f"persons/{person_id}/request-erasure", {"ground": "person_asked"}, DPO)
    assert refused.json()["code"] == "case_open"


async def test_whoever_stands_up_for_a_child_is_kept_as_well_where_it_goes_on_in_another_case(desk: Desk) -> None:
    child, guardian = await desk.agreed(2008), await desk.agreed(1970)
    first, other = await wished(desk, child), uuid7()
    await heard(desk, child, RecordCaseGuardian(guardian_id=guardian, case_id=first))
    split = FamilySplit(new_case_id=other, principal_id=child, person_ids=(child,))

    async def moved(unit: UnitOfWork) -> None:
        for order in REACTIONS[FamilySplit](split, Received(subject=first, at=NOON, actor_id="staff:anna")):
            aggregate = WIRING.by_name[order.aggregate]
            await handle(unit, aggregate, order.id, order.command, Context(HERE, NOON), Origin("test"), reach=EVERYWHERE)

    await transact(desk.database.worker, EVERYWHERE.scope(HERE), moved)
    await kept(desk, guardian)
    await desk.give(INTENTION, other, RecordAttemptEnded(person_ids=(child,)), HERE)
    await asked_for(desk, guardian)
    assert await tried(desk, PERSON, guardian, ApproveErasure(), CHIEF) == "done"
    assert (await desk.verified()).sound
