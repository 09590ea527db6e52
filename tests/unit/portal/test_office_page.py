"""What the page of a case tells the receiving office, made of what the service hands that office."""

from services.portal.words import _environment
from services.returns.queries.abroad import for_receiving_office
from shared.contracts.departures import DepartureConfirmationAsked, DepartureConfirmed
from shared.messages import Event
from tests.unit.returns.examples import A_MONTH_LATER, COORDINATOR, DEPARTED, after, ref

ASKED = DepartureConfirmationAsked(asked_at=A_MONTH_LATER)
CONFIRMED = DepartureConfirmed(confirmed_by=COORDINATOR.person_id, confirmed_at=A_MONTH_LATER)


def page_of(*past: Event) -> str:
    state = for_receiving_office(after(*past)).model_dump(mode="json")
    return _environment().get_template("case.html").render(
        found={"id": str(ref(1)), "actions": []}, state=state, staff=False, holds=[], lifts=False, names={}, gate=None,
        timeline=(), plans=None, grants=None, others=[], apart=[], plan_id="", supporting=(), steps=(),
        short=lambda id: id[-4:], has=lambda *roles: "receiving_office" in roles, new_id=lambda: "id", direction="ltr",
        asset=lambda name: name, session=None, flash=None, moment=str, day=str,
    )  # fmt: skip


def test_an_office_that_asked_whether_they_departed_reads_that_it_waits_and_then_what_the_mission_answered() -> None:
    unasked, waiting, answered = page_of(*DEPARTED), page_of(*DEPARTED, ASKED), page_of(*DEPARTED, ASKED, CONFIRMED)
    of_waiting, of_the_answer = "the mission has not answered yet", "the mission confirmed that they did"
    assert [of_waiting in page for page in (unasked, waiting, answered)] == [False, True, False]
    assert [of_the_answer in page for page in (unasked, waiting, answered)] == [False, False, True]
