"""What is known of a batch before somebody types: what waits for the bank, and what a second person signs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Option, Posted
from services.portal.pages.frame import Page
from services.portal.pages.naming import here, named, short
from services.portal.translation import _
from services.portal.wording import word
from services.portal.words import money
from shared.clock import real_time
from shared.currencies import is_currency

# As many as one batch takes, page by page.
_MOST: Final = 1000
_OF_TOTALS: Final = frozenset({"approve_batch"})


async def of_batch(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For a batch that is to be made from an account, of what waits in a currency; or for what is asked of one."""
    if form.name == "make_batch":
        return await _new(page, posted), "/payment-batches"
    found = await page.ask("reintegration", f"/v1/payment-batches/{id}")
    state, progress = found.body["state"], found.body["progress"]
    shown = [
        (_("From our account"), progress["account"]), (_("To be paid on"), state["execution_on"]),
        (_("Payments"), str(state["count"])), (_("Sums"), _listed(state["sums"])), (_("Made by"), state["made_by"]),
    ]  # fmt: skip
    fixed: dict[str, Any] = {}
    if form.name in _OF_TOTALS:
        fixed = {"file_sha256": state["file_sha256"]}
        shown.append((_("Hash of the file (SHA-256)"), state["file_sha256"]))
    if state["drop_asked_by"] and state["status"] != "dropped":
        shown += [(_("Asked to drop by"), state["drop_asked_by"]), (_("Reason"), word(state["drop_reason"]))]
    return Given(fixed, version=found.etag or "", shown=tuple(shown)), f"/payment-batches/{id}"


async def _new(page: Page, posted: Posted) -> Given:
    accounts = (await page.ask("reintegration", "/v1/own-accounts", limit=100)).body["items"]
    usable = [one for one in accounts if one["kind"] == "bank" and one["status"] == "active"]
    chosen = named(page, "account")
    account = next((one for one in usable if one["id"] == str(chosen)), None)
    stated = page.request.query_params.get("currency", "").strip().upper()
    currency = stated if is_currency(stated) else account["currency"] if account else "EUR"
    waiting = await _waiting(page, currency)
    picked = set(posted.get("attempts", ()))
    sums = _listed(_summed(waiting))
    shown = [(_("What waits"), f"{len(waiting)}: {sums}" if waiting else _("Nothing."))]
    if picked:
        taken = [one for one in waiting if one["id"] in picked]
        shown.append((_("What is chosen"), f"{len(taken)}: {_listed(_summed(taken))}"))
    options: dict[str, Sequence[Option]] = {
        "attempts": tuple(Option(one["id"], _called(one)) for one in waiting),
        "own_account_id": tuple(Option(one["id"], f"{one['holder']} {one['account']}, {one['currency']}") for one in usable),
    }
    start: dict[str, Any] = {
        "attempts": [one["id"] for one in waiting],
        "execution_on": (here(page, real_time()).date() + timedelta(1)).isoformat(),
        **({} if account is None else {"own_account_id": account["id"]}),
    }
    return Given(options=options, start=start, shown=tuple(shown))


async def _waiting(page: Page, currency: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    after: str | None = None
    while len(found) < _MOST:
        answer = await page.ask(
            "reintegration", "/v1/payment-attempts", waiting="true", currency=currency, after=after, limit=100
        )
        found += answer.body["items"]
        after = answer.body["next"]
        if after is None:
            break
    return found[:_MOST]


def _called(attempt: Mapping[str, Any]) -> str:
    return f"{money(attempt['money'])} · {word(attempt['destination_country'])} · {short(attempt['id'])}"


def _summed(attempts: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    sums: dict[str, Decimal] = {}
    for one in attempts:
        currency = one["money"]["currency"]
        sums[currency] = sums.get(currency, Decimal(0)) + Decimal(one["money"]["amount"])
    return [{"amount": str(sums[currency]), "currency": currency} for currency in sorted(sums)]


def _listed(sums: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(money(one) for one in sums)
