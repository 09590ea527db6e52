"""What is known of a grant before somebody types, and what is shown once more before money is decided on."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Note, Option, Posted, typed
from services.portal.pages.frame import Page, Turned
from services.portal.pages.given_bank import all_of, credits_that_wait
from services.portal.pages.given_budgets import certificate_shown, papers_of, start_of
from services.portal.pages.given_payees import who
from services.portal.pages.naming import here, named, short
from services.portal.translation import _, translated
from services.portal.wording import word
from services.portal.words import money
from shared.clock import real_time

_GOES_ON_FROM: Final[Mapping[str, str]] = {
    "release_tranche": "planned", "confirm_payment": "released", "confirm_delivery": "paid",
    "reconcile_tranche": "delivered", "reconcile_in_their_place": "delivered", "report_payment_failed": "released", "ask_to_end_payment": "released", "confirm_payment_end": "released",
    "keep_payment_open": "released", "reverse_payment": "paid", "witness_cash": "released",
}  # fmt: skip
# What names the request as it was shown.
_NAMES_WHAT_IT_DECIDES_ON: Final = frozenset(
    {"submit_grant", "return_grant", "endorse_grant", "reject_grant", "approve_grant"}
)
State = Mapping[str, Any]


async def of_grant(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a command on a grant, or for asking for one."""
    if form.name == "draft_grant":
        return await _new_grant(page, id)
    answer = await page.ask("reintegration", f"/v1/grants/{id}")
    state = answer.body["state"]
    currency = state["currency"]
    # Read anew when it is sent; that it is still what was shown, the entity tag of the page holds.
    fixed: dict[str, Any] = {name: state[name] for name in ("request_version", "content_hash") if name in state}
    if form.name == "approve_grant":
        # What is shown is what is approved: the amount stands in the order beside the version and its hash.
        fixed["money"] = {"amount": state["amount"], "currency": currency}
    funds = await all_funds(page) if form.name == "approve_grant" else []
    payees = await payees_of(page, id) if form.name == "release_tranche" else []
    today = here(page, real_time()).date().isoformat()
    costs = costs_of(answer.body)
    refused = {fund["id"]: why_not(fund, answer.body, today) for fund in funds}
    options: dict[str, Sequence[Option]] = {
        "number": tuple(
            Option(str(one["number"]), f"{one['number']}: {money(one['amount'], currency)}, {word(one['status'])}")
            for one in state["tranches"]
        ),
        "fund_id": tuple(Option(fund["id"], f"{_named(fund)}: {_holds(fund)}") for fund in funds if not refused[fund["id"]]),
        "payee_id": tuple(Option(one["id"], payee_shown(one)) for one in payees if not one["reason"]),
    }
    start: dict[str, Any] = {
        "money": {"amount": state["amount"], "currency": currency}, "modality": state["modality"],
        "tranches": [
            {"number": one["number"], "money": {"amount": one["amount"], "currency": currency}} for one in state["tranches"]
        ],
        "number": _next_tranche(form.name, state["tranches"]), "paid_on": today, "failed_on": today,
        "returned_on": today, "received_on": today, "handed_over_on": today, "visited_on": today, **start_of(state),
        "price_from": {"amount": "", "currency": currency}, "price_to": {"amount": "", "currency": currency},
        "received": {"amount": "", "currency": currency},
    }  # fmt: skip
    if form.name in ("record_recovery", "write_off_recovery") and state["recovery_amount"]:
        still = Decimal(state["recovery_amount"]) - Decimal(state["recovered"]) - Decimal(state["written_off"])
        start["money"] = {"amount": str(still), "currency": currency}
    if form.name in ("confirm_recovery", "drop_recovery") and state.get("recovery_proposed"):
        fixed["proposal_no"] = state["recovery_proposed"]["proposal_no"]
    if form.name in ("confirm_write_off", "drop_write_off") and state["write_off"]:
        fixed["write_off_no"] = state["write_off"]["write_off_no"]
    if form.name == "add_to_commitment" and state.get("fund_currency"):
        start["money"] = {"amount": _missing(state, costs), "currency": state["fund_currency"]}
    if form.name == "record_recovery":
        options["bank_line"] = await credits_that_wait(page, currency)
    if form.name == "release_tranche":
        options["method"] = ways_of(page.session.roles)
    options["tranche"] = tuple(one for one in options["number"] if form.name == "record_visit")
    options["evidence_id"] = papers_of(state)
    if not options["evidence_id"]:
        # A quotation stands in a paper that is filed first.
        fixed["quotations"] = []
    chosen = next((fund for fund in funds if fund["id"] == typed("fund_id", posted)), None)
    given = Given(
        fixed, options, start, version=answer.etag or "", shown=(*_shown(form.name, state, chosen, typed("number", posted), costs), *_of_the_fund(form.name, state, costs)),
        left_out=(
            *(f"{_named(fund)}: {refused[fund['id']]}" for fund in funds if refused[fund["id"]]),
            *(f"{payee_shown(one)}: {one['sentence']}" for one in payees if one["reason"]),
        ),
        notes=_to_be_registered(payees) if form.name == "release_tranche" else (),
    )  # fmt: skip
    return given, f"/grants/{id}"


def ways_of(roles: Collection[str]) -> tuple[Option, ...]:
    """By which ways whoever has these roles is offered to pay; none for whoever is offered all of them.

    The mission's bank is ordered by the mission's own payers alone.
    """
    if "office_payer" not in roles or "finance_payer" in roles:
        return ()
    return tuple(Option(way, way) for way in ("office_account", "cash"))


async def payees_of(page: Page, grant_id: UUID) -> list[dict[str, Any]]:
    """Whom a grant can be paid to, and of whom else why not: who returned first, then the others, oldest first."""
    found = await all_of(page, f"/v1/grants/{grant_id}/payees")
    return sorted(found, key=lambda one: one["kind"] != "returnee")


def payee_shown(payee: Mapping[str, Any]) -> str:
    """A payee as whoever pays it tells it apart: what it is, whose account it is and its last characters."""
    account = payee["account"]
    return f"{who(payee)}: {account['holder']}, {account['account']}" if account else f"{who(payee)} {short(payee['id'])}"


def _to_be_registered(payees: Sequence[Mapping[str, Any]]) -> tuple[Note, ...]:
    if any(not one["reason"] for one in payees):
        return ()
    return (Note(_("Nobody whom this grant can be paid to is confirmed yet. The payee is registered and confirmed first."), "/payees"),)


async def all_funds(page: Page) -> list[dict[str, Any]]:
    """Every fund that was confirmed, with what it still holds, oldest first."""
    return [fund for fund in await all_of(page, "/v1/funds") if fund["status"] in ("open", "closed")]


def costs_of(found: State) -> Mapping[str, str | None]:
    """What a grant costs a fund today, by the currency of the fund; None without a rate. In its own it is its amount."""
    state = found["state"]
    return {state["currency"]: state["amount"], **{one["currency"]: one["amount"] for one in found.get("costs", ())}}


def why_not(fund: Mapping[str, Any], found: State, today: str) -> str:
    """Why a grant, as it was read, cannot be paid from this fund on a day (ISO 8601), as its service would refuse it; or nothing.

    Of what the reader is not told of the grant nothing is said: who reconciles is not told its programme.
    """
    grant = found["state"]
    if fund["status"] == "closed":
        return translated(_("it is closed."))
    if fund["countries"] and grant["destination_country"] not in fund["countries"]:
        return translated(_("it does not pay for grants in this country."))
    if fund["grant_categories"] and grant.get("category") not in fund["grant_categories"]:
        return translated(_("it does not pay for what this grant is for."))
    if fund["programmes"] and "programme" in found and found["programme"] not in fund["programmes"]:
        return translated(_("it does not pay for cases of this programme."))
    if not fund["valid_from"] <= today <= fund["valid_until"]:
        return translated(
            _("grants can be approved from it from %(first)s to %(last)s."), first=fund["valid_from"], last=fund["valid_until"]
        )
    cost = costs_of(found).get(fund["currency"])
    if cost is None:
        return translated(_("it is in another currency, and no rate is recorded by which this grant could be converted."))
    if Decimal(fund["available"]) < Decimal(cost):
        return translated(_("it does not hold enough: %(holds)s."), holds=_holds(fund))
    if any(given["fund_id"] != fund["id"] for given in grant.get("approvals", ())):
        return translated(_("whoever approved this before named another fund."))
    return ""


def after_approval(fund: Mapping[str, Any], costs: Mapping[str, str | None]) -> str:
    """What a fund still holds once this grant is approved from it, where a rate says so."""
    return str(Decimal(fund["available"]) - Decimal(costs.get(fund["currency"]) or 0))


def short_hash(digits: str) -> str:
    """As much of a hash as people compare by eye, in groups of four."""
    return " ".join(digits[start : start + 4] for start in range(0, 16, 4))


def _named(fund: Mapping[str, Any]) -> str:
    return f"{fund['project']} ({fund['donor']})"


def _holds(fund: Mapping[str, Any]) -> str:
    return translated(_("%(amount)s available"), amount=money(fund["available"], fund["currency"]))


def _shown(
    operation: str, state: State, fund: Mapping[str, Any] | None, number: str, costs: Mapping[str, str | None]
) -> tuple[tuple[str, str], ...]:
    currency = state["currency"]
    tranche = next((one for one in state["tranches"] if str(one["number"]) == number), None)
    of_one = operation in _GOES_ON_FROM and tranche is not None
    lines = [(_("Amount of the grant") if of_one else _("Amount"), money(state["amount"], currency))]
    if of_one and tranche is not None:
        lines.insert(0, (_("Amount"), money(tranche["amount"], currency)))
        if tranche.get("reference"):
            lines.append((_("Reference of the payment"), tranche["reference"]))
        lines += _received(operation, tranche, currency)
    what = (word(state["category"]), word(state["modality"])) if state.get("category") else (word(state["modality"]),)
    whom = translated(_("person %(id)s"), id=short(state["person_id"]))
    lines += [(_("For"), f"{', '.join(what)}; {whom}, {word(state['destination_country'])}")]
    if operation in ("confirm_recovery", "drop_recovery") and (said := state.get("recovery_proposed")):
        lines.append((_("Waits to be confirmed"), f"{money(said['amount'], currency)}, {said['received_on']}: {said['reference']} ({said['proposed_by']})"))
    if operation in ("confirm_write_off", "drop_write_off") and (waits := state.get("write_off")):
        lines.append((_("Waits to be written off"), f"{money(waits['amount'], currency)}: {word(waits['reason'])} ({waits['asked_by']})"))
    if operation in _NAMES_WHAT_IT_DECIDES_ON:
        lines += [
            (_("Version of the request"), str(state["request_version"])),
            (_("Content (first digits of its SHA-256)"), short_hash(state["content_hash"])),
        ]
        lines += certificate_shown(state)
    if fund is not None:
        if fund["currency"] != currency and (cost := costs.get(fund["currency"])) is not None:
            lines.append((_("Costs the fund by the rates of today"), money(cost, fund["currency"])))
        lines += [
            (_("Available in the fund now"), money(fund["available"], fund["currency"])),
            (_("Available after this approval"), money(after_approval(fund, costs), fund["currency"])),
        ]
    return tuple(lines)


def _received(operation: str, tranche: State, currency: str) -> list[tuple[str, str]]:
    """What was received of a tranche that is to be reconciled, and what differs from what was paid."""
    if operation not in ("reconcile_tranche", "reconcile_in_their_place"):
        return []
    received = tranche["amount"] if tranche["received"] is None else tranche["received"]
    lines = [(_("Received"), money(received, currency))]
    if (missing := Decimal(tranche["amount"]) - Decimal(received)) > 0:
        lines.append((_("Paid and not received"), money(str(missing), currency)))
    return lines


def _of_the_fund(operation: str, state: State, costs: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
    """What is committed of a fund in another currency, and what is left to release costs it today."""
    currency = state.get("fund_currency")
    if operation not in ("add_to_commitment", "release_tranche") or currency in (None, state["currency"]):
        return ()
    cost = costs.get(currency)
    return (
        (_("Still committed of the fund"), money(state["fund_committed"], currency)),
        (_("What is not released costs the fund today"), money(cost, currency) if cost else translated(_("no rate is recorded"))),
    )


def _missing(state: State, costs: Mapping[str, str | None]) -> str:
    """What is missing, and all that may be added, as it is typed; nothing where enough is committed."""
    cost = costs.get(state["fund_currency"])
    released = sum(Decimal(one["in_fund"] or 0) for one in state["tranches"] if one["status"] == "released")
    short = Decimal(cost or 0) - (Decimal(state["fund_committed"]) - released)
    return f"{short:f}" if short > 0 else ""


def _next_tranche(operation: str, tranches: Sequence[Mapping[str, Any]]) -> str:
    """The first tranche that stands where this operation goes on from."""
    stands = _GOES_ON_FROM.get(operation, "")
    return next((str(tranche["number"]) for tranche in tranches if tranche["status"] == stands), "")


async def _new_grant(page: Page, id: UUID) -> tuple[Given, str]:
    plan_id, line_id = named(page, "plan") or id, page.request.query_params.get("line", "")
    state = (await page.ask("reintegration", f"/v1/plans/{plan_id}")).body["state"]
    line = next((one for one in state["lines"] if one["line_id"] == line_id), None)
    if line is None or line["category"] is None:
        raise Turned(page.fault(404, "not_found", _("There is no such line in this plan.")))
    fixed = {
        "case_id": state["case_id"], "person_id": line["person_id"], "plan_id": str(plan_id), "plan_line_id": line_id,
        "quotations": [],
    }  # fmt: skip
    planned = {"amount": line["planned"], "currency": line["currency"]}
    start = {"category": line["category"], "money": planned, "tranches": [{"number": 1, "money": planned}], "budget_lines": [{"money": planned}]}
    return Given(fixed, start=start), f"/plans/{plan_id}"
