"""What a page can fill in before somebody types: the persons of a case, the version that was read, the funds there are."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages import given_grants, given_persons
from services.portal.pages.assessments import given_answer
from services.portal.pages.brought_lists import of_sanctions_list, of_staff_list
from services.portal.pages.case_family import OF_CHILDREN, ORDERS, counts_as_child, given_family
from services.portal.pages.findings import of_finding
from services.portal.pages.frame import Page
from services.portal.pages.given_authorities import of_authority
from services.portal.pages.given_bank import of_bank_file, of_bank_line
from services.portal.pages.given_batches import of_batch
from services.portal.pages.given_funds import of_fund, of_period
from services.portal.pages.given_monitoring import of_draw, of_round, of_spot_check, of_survey
from services.portal.pages.given_own_accounts import of_own_account
from services.portal.pages.given_payees import of_payee
from services.portal.pages.given_plans import of_plan
from services.portal.pages.given_policies import of_policy
from services.portal.pages.given_rates import of_rate
from services.portal.pages.lost_payments import of_lost_payments
from services.portal.pages.naming import here, named, names_of, short, travellers
from services.portal.pages.support import given_support
from services.portal.pages.vouchers import of_voucher_sample
from services.portal.translation import _, translated
from services.portal.wording import word
from shared.clock import real_time

Provides = Callable[[Page, Form, UUID, Posted], Awaitable[tuple[Given, str]]]

# Of what has happened the day is most often today; the time of day is for whoever was there to say.
_MOMENTS: Final = (
    "decided_at", "recorded_at", "issued_at", "arranged_at", "assessed_at", "asked_at", "noted_at", "established_at", "signed_at", "departed_at", "arrived_at", "confirmed_at", "tried_at", "interrupted_at",
)  # fmt: skip
_ON_WHAT_IS_ASKED: Final = frozenset({"correct_departure", "correct_arrival", "reject_correction"})
_GUARDIAN: Final = _("guardian of a child, who stays here")
_NOT_TOLD: Final = _("reason not told to you")
_OF_PERSONS: Final = ("person_id", "person_ids", "signed_by", "principal_id")


async def given_for(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """What is known for this command on this subject, and the page that it belongs to."""
    resource = form.path.split("/")[2]
    given, back = await _PROVIDED.get(resource, _nothing)(page, form, id, posted)
    rows = {
        name.removesuffix(".rows"): int(value[0])
        for name, value in posted.items()
        if name.endswith(".rows") and value[0].isascii() and value[0].isdecimal() and len(value[0]) < 4
    }
    more = posted.get("step", [""])[0] == "more"
    # What is known of a subject is said only where it is asked for.
    asked = form.schema.get("properties", {})
    fixed = {name: value for name, value in given.fixed.items() if name in asked}
    grown = {name: how_many + more for name, how_many in rows.items()}
    return replace(given, fixed=fixed, rows=grown), back


async def _case(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    del posted
    met = named(page, "person")
    if form.name == "confirm_arrival" and met is not None and not (await page.answer("returns", f"/v1/cases/{id}")).ok:
        return _met(page, met), "/status"
    if form.name == "answer_family_assessment":
        return given_answer(page)
    found = await page.ask("returns", f"/v1/cases/{id}")
    state = found.body["state"]
    going = [one for one in state["persons"] if one["travel"] != "withdrawn"]
    people = travellers(going, await names_of(page, (one["person_id"] for one in going)))
    options: dict[str, Sequence[Option]] = dict.fromkeys(_OF_PERSONS, people)
    country = state["destination_country"]
    start: dict[str, Any] = dict.fromkeys(_MOMENTS, f"{here(page, real_time()):%Y-%m-%d}")
    start |= {"destination_country": country, "receiving_country": country, "language": "eng", "programme": "avrr-wb"}
    concerned = "departed" if form.name == "record_transit_interrupted" else "expected"
    start["person_ids"] = [str(one["person_id"]) for one in state["persons"] if one["travel"] == concerned]
    if form.name in _ON_WHAT_IS_ASKED:
        # Only of whom somebody has said that it is wrong is there something to decide.
        asked = {one["person_id"] for one in state["persons"] if one.get("correction")}
        people = options["person_id"] = tuple(one for one in people if one.value in asked)
    one = named(page, "person")
    if one is not None or len(people) == 1:
        start["person_id"] = start["signed_by"] = people[0].value if one is None else str(one)
    start["booking"] = state.get("times_booked") or ""
    for name in ("departs_at", "arrives_at"):
        if state.get(name):
            start[name] = here(page, datetime.fromisoformat(state[name])).isoformat()
    start |= {name: state[name] for name in ("flight", "needs", "transit_country", "transit_visa_needed") if state.get(name)}
    start["assistance"] = [
        {"person_id": one["person_id"], "kind": help} for one in going for help in one.get("assistance", ())
    ]
    guardians = [Option(one["guardian_id"], f"{translated(_GUARDIAN)} · {short(one['guardian_id'])}") for one in going if one.get("guardian_id")]
    options["signed_by"] = [*people, *guardians]
    if form.name == "assess_voluntariness":
        options["answered_by"] = adults = [
            person for person, known in zip(people, going, strict=True) if not counts_as_child(known, state)
        ] + guardians
        # An adult answers in person. Who answers for a child is said by whoever heard them.
        whose = start.get("person_id")
        start["answered_by"] = next((one.value for one in adults if one.value == whose), "")
    if form.name == "record_vulnerability":
        # To whoever is shown it: what is recorded takes the place of what was noted.
        noted = (one["vulnerability"] for one in state["screening"] if one["person_id"] == start.get("person_id"))
        start["indicators"] = [indicator for one in noted if one for indicator in one["indicators"]]
    fresh: frozenset[str] = frozenset({"hold_id", "record_id", "support_id", "report_id"})
    suggested, offered = given_support(page, form, state)
    start, options = start | suggested, options | offered
    if offered:
        fresh = frozenset()
    if form.name == "ask_for_family_assessment":
        fresh = frozenset({"inquiry_id"})
    if form.name in (*ORDERS, *OF_CHILDREN):
        return await given_family(page, form, state, people, found.etag or ""), f"/cases/{id}/family"
    if form.name == "close_alert":
        options["alert_id"] = [_alert(page, one) for found_out in state["screening"] for one in found_out["alerts"]]
        start["alert_id"] = str(named(page, "alert") or "")
    if form.name == "lift_hold":
        fresh, options["hold_id"] = frozenset(), [_hold(page, one) for one in state["holds"] if one["lifted_at"] is None]
        chosen = named(page, "hold")
        if chosen is not None or len(options["hold_id"]) == 1:
            start["hold_id"] = options["hold_id"][0].value if chosen is None else str(chosen)
    return Given(options=options, start=start, fresh=fresh, version=found.etag or ""), f"/cases/{id}"


def _hold(page: Page, hold: Mapping[str, Any]) -> Option:
    """A hold to choose: why it was placed, if the reader is told, and when."""
    why = word(hold["reason"]) if hold["reason"] else translated(_NOT_TOLD)
    return Option(hold["hold_id"], f"{why}, {page.moment(hold['placed_at'])}")


def _alert(page: Page, alert: Mapping[str, Any]) -> Option:
    """An alert to choose: why protection was called, and since when."""
    causes = ", ".join(word(cause) for cause in alert["causes"])
    return Option(alert["alert_id"], f"{causes}, {page.moment(alert['raised_at'])}")


def _met(page: Page, person_id: UUID) -> Given:
    """For somebody whom an office was told of and meets, though it is not shown the case at this moment.

    Consent was taken back on the way, or counselling does not answer. Whether the office may confirm it the service
    knows; nothing of the case is shown, and afterwards the page leads to one that can be.
    """
    start = {"arrived_at": f"{here(page, real_time()):%Y-%m-%d}"}
    return Given({"person_id": str(person_id)}, start=start, shown=((_("Person"), short(person_id)),))


async def _nothing(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    del form, id, posted
    site = min(page.session.sites, default="")
    return Given(start={"site": site, "language": "eng", "held_at": f"{here(page, real_time()):%Y-%m-%d}"}), "/"


_PROVIDED: Final[Mapping[str, Provides]] = {
    "cases": _case, "grants": given_grants.of_grant, "funds": of_fund, "periods": of_period, "payees": of_payee, "own-accounts": of_own_account, "staff-accounts": of_staff_list, "sanctions-lists": of_sanctions_list, "payment-batches": of_batch, "bank-files": of_bank_file, "bank-lines": of_bank_line, "surveys": of_survey, "survey-rounds": of_round, "spot-check-draws": of_draw, "spot-checks": of_spot_check, "voucher-samples": of_voucher_sample, "lost-payments": of_lost_payments, "plans": of_plan, "rates": of_rate, "authorities": of_authority, "approval-policies": of_policy, "sessions": given_persons.of_session,
    # Of what the archive serves findings alone are given orders about.
    "archive": of_finding,
    "persons": given_persons.of_person, "intentions": given_persons.of_intention, "families": given_persons.of_family,
}  # fmt: skip
