"""Who left before their data consent ended by its last day left with clearance, whenever that is recorded."""

from datetime import timedelta

from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_timers import CheckClearance
from services.returns.domain.days import home_day, over_at_home
from services.returns.domain.person import RecordConsent
from shared.ids import uuid7
from tests.integration.returns.mission import DEPARTS, OLEG, Mission, somebody


async def test_who_left_before_their_consent_ended_by_its_day_left_with_clearance(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", somebody())
    (person_id,) = attempt.ids
    last_day = home_day(DEPARTS)
    await mission.note(person_id, RecordConsent(consent="data", active=True, expires_on=last_day))
    later = over_at_home(last_day) + timedelta(minutes=1)
    await mission.caught_up()
    await mission.order(attempt.id, CheckClearance(), at=later)
    lost = await mission.case(attempt.id)
    assert (lost.status, lost.clearance_lapsed_at) == ("preparing", over_at_home(last_day))
    departure = RecordDeparture(person_ids=attempt.ids, departed_at=DEPARTS, record_id=uuid7())
    await mission.order(attempt.id, departure, OLEG, later)
    gone = await mission.case(attempt.id)
    assert (gone.status, gone.screening_of(person_id).alerts) == ("departed", ())
