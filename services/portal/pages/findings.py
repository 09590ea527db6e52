"""What the archive found and nothing clears: every open finding with what people say of it, explained by one and accepted by another."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page, Reading
from services.portal.pages.integrity import ALARMS, UNKNOWN
from services.portal.translation import _, translated
from services.portal.wording import log_name, word

router = APIRouter()

_SERVICE: Final = "audit"
_PATH: Final = "/v1/archive/findings"


@router.get("/findings")
async def findings(
    page: Reading, which: Annotated[str, Query(max_length=10)] = "", after: Annotated[UUID | None, Query()] = None
) -> Response:
    """Every open finding of all logs, what can be done about each, and by whom what was accepted."""
    accepted = {"ringing": "false", "accepted": "true"}.get(which)
    found = (await page.ask(_SERVICE, _PATH, accepted=accepted, after=None if after is None else str(after))).body
    return await page.show("findings.html", found=found, means=ALARMS, unknown=UNKNOWN, which=which if accepted else "")


async def of_finding(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """What the archive found, which causes its kind can have, and what a colleague found out about it."""
    del posted
    found: Any = (await page.ask(_SERVICE, f"{_PATH}/{id}")).body
    what = ALARMS.get(f"entries_{found['finding']}", UNKNOWN)[0]
    shown = [
        (_("Log"), log_name(found["log"])), (_("Entries"), f"{found['first']}–{found['last']}"), (_("Found"), page.moment(found["found_at"])),
        (_("Times found"), str(found["sightings"])), (_("What it is"), translated(what)),
    ]  # fmt: skip
    if form.name == "explain_finding":
        options = {"cause": [Option(cause, word(f"cause_{cause}")) for cause in found["causes"]]}
        return Given(fixed={"sightings": found["sightings"]}, options=options, shown=tuple(shown), version=_version(found)), "/findings"
    if found["cause"] is not None:
        shown += [
            (_("How it came about"), word(f"cause_{found['cause']}")), (_("Incident"), found["incident"]),
            (_("Explained by"), found["explained_by"]),
        ]  # fmt: skip
    return Given(shown=tuple(shown), version=_version(found)), "/findings"


def _version(found: Any) -> str:
    """The entity tag of what was said of a finding, so that nobody decides on what they have not read; nothing before anything was."""
    return f'"v{found["version"]}"' if found["version"] else ""
