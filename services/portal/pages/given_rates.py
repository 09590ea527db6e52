"""What is known of a rate of exchange before somebody types: the currencies there are, and what is corrected."""

from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page
from services.portal.pages.naming import here, short
from services.portal.translation import _, translated
from services.portal.wording import currencies, word
from shared.clock import real_time


async def of_rate(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For recording a rate from today on, or for correcting one or taking it out, which shows what stands there now."""
    del posted
    if form.name == "record_rate":
        # The dollar is the measure: it has no rate itself.
        others = {code: name for code, name in currencies().items() if code != "USD"}
        options = {"currency": tuple(Option(code, f"{code}, {name}") for code, name in others.items())}
        start = {
            "base": "USD", "effective_on": here(page, real_time()).date().isoformat(), "source": "un_operational_rate",
        }  # fmt: skip
        return Given(options=options, start=start), "/rates"
    found = await page.ask("reintegration", f"/v1/rates/{id}")
    state = found.body["state"]
    shown = (
        (_("What stands there"), one_is(state["base"], state["rate"], state["currency"])),
        (_("Counts from"), state["effective_on"]), (_("Source"), word(state["source"])), (_("Rate"), short(id)),
    )  # fmt: skip
    start = {"source": state["source"]} if form.name == "correct_rate" else {}
    return Given(start=start, version=found.etag or "", shown=shown), f"/rates/{id}"


def one_is(base: str, rate: str, currency: str) -> str:
    """A rate as a sentence: ``1 EUR = 1.95583 BAM``."""
    return translated(_("1 %(base)s = %(rate)s %(currency)s"), base=base, rate=rate, currency=currency)
