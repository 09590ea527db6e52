"""What is known of a survey, a round or a spot check before somebody types: whom and what the page named that led here."""

from datetime import timedelta
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page
from services.portal.pages.naming import here, named, short
from services.portal.translation import _
from shared.clock import real_time


async def of_survey(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For whoever does not wish to be asked: the person, and the round in which they would have been."""
    del form, id, posted
    case_id, person_id, round_id = (named(page, name) for name in ("case", "person", "round"))
    fixed = {
        name: str(one) for name, one in (("case_id", case_id), ("person_id", person_id), ("round_id", round_id)) if one
    }
    shown = ((_("Person"), short(person_id)),) if person_id is not None else ()
    return Given(fixed, start={"asked_on": f"{here(page, real_time()):%Y-%m-%d}"}, shown=shown), "/surveys"


async def of_round(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a round that is to be planned: the surveys there are, and the ways to count that they have."""
    del id, posted
    if form.name != "plan_round":
        return Given(), "/survey-rounds"
    known = (await page.ask("reintegration", "/v1/instruments")).body["items"]
    schemes = dict.fromkeys(scheme for one in known for scheme in one["schemes"])
    options = {
        "instrument": tuple(Option(code, code) for code in dict.fromkeys(one["instrument"] for one in known)),
        "scheme": tuple(Option(code, code) for code in schemes),
    }
    return Given(options=options, start={"instrument_version": 1, "scheme": next(iter(schemes), "")}), "/survey-rounds"


async def of_draw(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a draw: the days up to yesterday, of the last month."""
    del form, id, posted
    yesterday = here(page, real_time()).date() - timedelta(days=1)
    return Given(start={"from_day": f"{yesterday - timedelta(days=29)}", "to_day": f"{yesterday}", "size": 5}), "/spot-checks"


async def of_spot_check(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For what somebody found: the delivery that was drawn."""
    del form, id, posted
    draw_id, grant_id = named(page, "draw"), named(page, "grant")
    number = page.request.query_params.get("number", "")
    start = {"checked_on": f"{here(page, real_time()):%Y-%m-%d}"}
    if draw_id is None or grant_id is None or not (number.isascii() and number.isdecimal() and len(number) < 4):
        return Given(start=start), "/spot-checks"
    fixed = {"draw_id": str(draw_id), "grant_id": str(grant_id), "number": int(number)}
    shown = ((_("Grant"), short(grant_id)), (_("Number of the tranche"), number))
    return Given(fixed, start=start, shown=shown), f"/spot-checks/{draw_id}"
