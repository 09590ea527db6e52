"""A case's checklist says of each adult who is still to be heard alone."""

from services.returns.domain.person import RecordSessionAmended
from tests.integration.portal.person import People
from tests.integration.portal.returns import Returns
from tests.integration.returns.mission import somebody
from tests.integration.returns.test_heard_alone import session_of


async def test_the_checklist_says_who_is_still_to_be_heard_alone(people: People, returns: Returns) -> None:
    attempt = await returns.mission.brought_to("preparing", somebody("female"), somebody("male"))
    husband = attempt.ids[1]
    protection = people()
    await protection.sign_in("protection")
    page = f"/cases/{attempt.id}"
    assert "still to be heard alone" not in (await protection.get(page)).text
    set_right = RecordSessionAmended(session_id=await session_of(returns.mission, husband), alone=False)
    await returns.mission.note(husband, set_right)
    seen = (await protection.get(page)).text
    assert seen.count("still to be heard alone") == 1
    assert "Heard alone in a session of their own" in seen
    assert str(husband)[-6:] in seen.partition("still to be heard alone")[0][-600:]
