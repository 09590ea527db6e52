"""What is known of a payee before somebody types: whom a returnee's page named, and what waits for a second person."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page
from services.portal.pages.naming import here, named, short
from services.portal.translation import _
from services.portal.wording import countries, word
from shared.clock import real_time

_ABOUT_WHAT_WAITS: Final = frozenset({"confirm_call_back", "drop_account_change"})


async def of_payee(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a payee that is to be registered, of a returnee if the address names one, or for what is asked of one."""
    del posted
    if form.name == "register_payee":
        return _new(page), "/payees"
    found = await page.ask("reintegration", f"/v1/payees/{id}")
    state = found.body["state"]
    shown = [(_("Payee"), who(state)), (_("Country"), word(state["country"])), (_("Currency"), state["currency"])]
    for name, label in (("account", _("Account")), ("waiting", _("Account that waits"))):
        one = found.body[name]
        if one is not None:
            shown += [(label, f"{one['account']}, {one['holder']}")]
    fixed: dict[str, Any] = {}
    if state["change"] and form.name in _ABOUT_WHAT_WAITS:
        fixed = {"account_no": state["change"]["account_no"]}
        shown += [(_("Reason"), word(state["change"]["reason"])), (_("Asked by"), state["change"]["asked_by"])]
    elif found.body["call"] and form.name in _ABOUT_WHAT_WAITS:
        # Whoever was paid before is called about their first account.
        fixed = {"account_no": state["stated_no"]}
    if form.name == "confirm_payee" and not found.body["call"]:
        # Nobody has to be called, so nothing is to be said of that.
        fixed = {"unreachable": False}
    if form.name == "accept_shared_account":
        at_a_time = form.schema["properties"]["with_ids"]["maxItems"]
        # Where the reader had a part in all of them, the order says so.
        left = found.body["shared_left"] or found.body["shared_with"]
        fixed = {"with_ids": left[:at_a_time]}
        shown.append((_("The same account have"), ", ".join(short(id) for id in fixed["with_ids"])))
    start = {"called_at": f"{here(page, real_time()):%Y-%m-%d}"}
    return Given(fixed, start=start, version=found.etag or "", shown=tuple(shown)), f"/payees/{id}"


def who(payee: Any) -> str:
    """A payee as somebody who may not read its name tells it apart."""
    code = payee["vendor_code"]
    return f"{word(payee['kind'])} {code}" if code else word(payee["kind"])


def _new(page: Page) -> Given:
    case_id, person_id = named(page, "case"), named(page, "person")
    options: dict[str, Sequence[Option]] = {"country": tuple(Option(code, name) for code, name in countries().items())}
    start = {"country": min(page.session.countries, default=""), "currency": "EUR", "payee_kind": "vendor"}
    if case_id is None or person_id is None:
        return Given({"case_id": None, "person_id": None}, options=options, start=start)
    fixed = {"payee_kind": "returnee", "case_id": str(case_id), "person_id": str(person_id), "vendor_code": None}
    return Given(fixed, options=options, start=start, shown=((_("Person"), short(person_id)),))
