"""Payees of the canaries: who is paid, and to which account, as an office and finance state it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from ops.demo_year.people import moment
from shared.ids import uuid7
from tests.e2e.canaries import Described, Flock
from tests.running import Mission

PAYING: Final = frozenset({"register_payee", "change_account"})
OPEN_OF_PAYEES: Final[Mapping[tuple[str, str], str]] = {
    ("register_payee", "vendor_code"): "a code of a vendor",
    **{
        (order, name): "has digits that are checked, and is sealed as one value with the name, the number and the contact beside it"
        for order in ("register_payee", "change_account")
        for name in ("iban", "bank_code")
    },
}
# An account is one by its number or by an IBAN, whose check digits no canary has; and a bank's code is no free text.
_SAID: Final[Mapping[str, Any]] = {"iban": None, "bank_code": None}
_STATES: Final = (("register_payee", "finance-reconciler"), ("change_account", "receiving-office-bt"))


async def stated(mission: Mission, flock: Flock, personal: Sequence[Described], case_id: UUID, person_id: UUID) -> None:
    """A returnee's account, confirmed, shown, and changed for another one that waits for a call."""
    payee_id = uuid7()
    named = {
        "payee_kind": "returnee", "country": "BT", "currency": "EUR", "case_id": str(case_id), "person_id": str(person_id),
        "vendor_code": None,
    }  # fmt: skip
    bodies = {body.name: body for body in personal}
    for name, persona in _STATES:
        body = bodies[name]
        order = body.example(flock, {**_SAID, **(named if name == "register_payee" else {})})
        await _done(mission, persona, body.path.replace("{payee_id}", str(payee_id)), order)
        if name == "register_payee":
            await _done(mission, "chief-of-mission", f"/v1/payees/{payee_id}/confirm", {})
    for path in ("", "/accounts/1", "/accounts/2"):
        answer = await mission.read("reintegration", "finance-reconciler", f"/v1/payees/{payee_id}{path}")
        assert answer.is_success, answer.status_code


async def _done(mission: Mission, persona: str, path: str, order: object) -> None:
    answer = await mission.client.post(
        mission.addresses.services["reintegration"] + path, json=order,
        headers={
            "Idempotency-Key": str(uuid7()), "Authorization": f"Bearer {await mission.tokens.token(persona)}",
            "Avrr-Now": moment(776, 12).isoformat(),
        },
    )  # fmt: skip
    assert answer.is_success, (path.rpartition("/")[2], answer.status_code, answer.json()["code"])
