"""What goes on although somebody who was part of it was erased, and who is erased again after a restore."""

from services.counselling.domain.erasure import ApproveErasure, RedoErasure, RequestErasure
from services.counselling.domain.session import AmendSession
from services.counselling.wiring import PERSON, SESSION
from shared.ids import uuid7
from tests.integration.counselling.desk import Desk
from tests.integration.counselling.test_erasure import CHIEF, DPO, HERE, asked_for, held, tried


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
