"""What is known of an authority before somebody types: which role's is theirs to give, and what is acted on."""

from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page
from services.portal.pages.naming import here
from services.portal.translation import _, translated
from services.portal.wording import word
from services.portal.words import money
from shared.clock import real_time


async def of_authority(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For giving authority from today on, or for a deputy or an end, which show what stands there now."""
    del posted
    today = here(page, real_time()).date()
    if form.name == "give_authority":
        theirs = [role for giver, role in (("chief_of_mission", "finance_approver"), ("manager", "chief_of_mission")) if page.has(giver)]
        options = {"role": tuple(Option(role, word(role)) for role in theirs)}
        start = {"role": theirs[0] if theirs else "", "valid_from": today.isoformat(), "valid_until": f"{today.year}-12-31"}
        return Given(options=options, start=start), "/authorities"
    found = await page.ask("reintegration", f"/v1/authorities/{id}")
    state = found.body["state"]
    days = translated(_("from %(first)s to %(last)s, both days included"), first=state["valid_from"], last=state["valid_until"])
    shown = [
        (_("Holder"), state["holder_id"]), (_("Role"), word(state["role"])), (_("Up to"), money(state["up_to"], state["currency"])),
        (_("Counts"), days),
    ]  # fmt: skip
    shown += [(_("Deputy"), one["deputy_id"]) for one in state["deputies"]]
    first = max(today.isoformat(), state["valid_from"])
    return Given(start={"valid_from": first}, version=found.etag or "", shown=tuple(shown)), f"/authorities/{id}"
