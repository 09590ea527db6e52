"""Support on the way, as a case's page shows it, and what its forms can fill in before somebody types."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.portal.client import Form
from services.portal.fields import Option
from services.portal.pages.frame import Page
from services.portal.pages.naming import here, named, short
from services.portal.wording import word
from shared.clock import real_time

ORDERS: Final = ("plan_support", "give_support", "cancel_support")


def supporting(actions: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What the reader may do about support at this moment, by its name."""
    return {action["name"]: action for action in actions if action["name"] in ORDERS and action["allowed"]}


def given_support(page: Page, form: Form, state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Sequence[Option]]]:
    """For a command about support what is suggested, and what there is to choose from; nothing for another command."""
    if form.name not in ORDERS:
        return {}, {}
    today = f"{here(page, real_time()):%Y-%m-%d}"
    if form.name == "plan_support":
        return {"needed_from": today}, {}
    planned = [_option(one) for one in state["supports"] if one["status"] == "planned"]
    chosen = named(page, "support")
    start: dict[str, Any] = {
        "given_from": today, "given_until": today, "cost": {"amount": "", "currency": "EUR"},
        "support_id": str(chosen) if chosen is not None else planned[0].value if len(planned) == 1 else "",
    }  # fmt: skip
    return start, {"support_id": planned}


def _option(support: Mapping[str, Any]) -> Option:
    """Something planned, to choose: what is needed, by whom, and from which day."""
    return Option(support["support_id"], f"{word(support['need'])} · {short(support['person_id'])} · {support['needed_from']}")
