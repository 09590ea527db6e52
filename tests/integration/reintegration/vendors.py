"""A vendor that can be paid: registered and confirmed as the routes would, by two who have no other part in any test."""

from dataclasses import replace
from uuid import UUID

from services.reintegration import account_tokens, payee_details
from services.reintegration.domain.payee import ConfirmPayee, RegisterPayee
from services.reintegration.domain.payee_details import details_of
from services.reintegration.domain.tranches import ReleaseTranche
from services.reintegration.payee_wiring import PAYEE
from shared.db import UnitOfWork
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON, staff
from tests.integration.conftest import ServiceDatabase

CLERK, CHECKER = staff("payee_clerk", "receiving_office"), staff("payee_checker", "finance_reconciler")


def vendor(country: str, currency: str, code: str) -> RegisterPayee:
    """An invented business with an account that nobody else has."""
    return RegisterPayee(
        payee_kind="vendor", country=country, currency=currency, vendor_code=code, holder=f"Invented Tools {code}",
        account_number=f"ACC-{code}", bank_name="Invented Bank", bank_country=country, call_back_contact="+00 000 0000001",
    )  # fmt: skip


async def registered(made: ServiceDatabase, order: RegisterPayee, *, confirmed: bool = True) -> UUID:
    """A payee whose account is sealed and found again; confirmed by a second person unless said otherwise."""
    payee_id, by = uuid7(), replace(CLERK, countries=frozenset({order.country}))
    whose, about = payee_details.key_of(payee_id, order.person_id)

    async def register(unit: UnitOfWork) -> None:
        key = await made.person_keys.made_key(unit, whose, about)
        found = await account_tokens.hashed(unit.keys.index, details_of(order, order.payee_kind, order.currency).spellings)
        done = await handle(unit, PAYEE, payee_id, order, Context(by, NOON), Origin("x"), reach=EVERYWHERE, apart=True)
        sealed = payee_details.kept(key, done, payee_id, 1, order.country, order.person_id)
        unit.write(sealed, found.kept(payee_id, 1, order.person_id))

    await transact(made.api, EVERYWHERE.scope(by), register)
    if confirmed:
        context = Context(CHECKER, NOON)
        await transact(
            made.api, EVERYWHERE.scope(CHECKER),
            lambda unit: handle(unit, PAYEE, payee_id, ConfirmPayee(), context, Origin("x"), reach=EVERYWHERE),
        )  # fmt: skip
    return payee_id


class Vendors:
    """The vendors of a house, made when something is paid to one: one for each country and currency."""

    def __init__(self, made: ServiceDatabase) -> None:
        self._made = made
        self._ids: dict[tuple[str, str], UUID] = {}

    def forget(self) -> None:
        """Once their tables were taken away: whoever is paid from now on is registered anew."""
        self._ids.clear()

    async def of(self, country: str = "PK", currency: str = "EUR") -> UUID:
        """A vendor of this country that can be paid in this currency."""
        where = (country, currency)
        if where not in self._ids:
            self._ids[where] = await registered(self._made, vendor(country, currency, f"V-{country}-{currency}"))
        return self._ids[where]

    async def release(self, number: int, currency: str = "EUR", country: str = "PK", **said: object) -> ReleaseTranche:
        """The order to pay a tranche to one of them, out of the office's own account unless said otherwise."""
        order = {"number": number, "payee_id": await self.of(country, currency), "method": "office_account", **said}
        return ReleaseTranche.model_validate(order)
