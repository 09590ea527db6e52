"""Invented accounts, payees and payments; no bank has given out any of these numbers."""
# ruff: noqa: RUF001 -- a letter of another script is no mistake here

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID

from services.reintegration.bank.accounts import (
    Account,
    Bank,
    Bic,
    Iban,
    NamedBank,
    OtherAccount,
    remainder_97,
)
from services.reintegration.bank.pain001 import Instruction, Payer, Payment
from services.reintegration.bank.references import remittance_code
from shared.money import Money

NOON = datetime(2023, 5, 2, 12, 0, tzinfo=UTC)
DAY = date(2023, 5, 3)


def iban(country: str, bban: str) -> Iban:
    """An account number with the check digits that make it one."""
    return Iban(f"{country}{98 - remainder_97(f'{bban}{country}00'):02d}{bban}")


OURS = iban("BA", "1990490000000000")
EUROS = iban("DE", "370400440000000000")
ACCOUNTS: Sequence[Account] = (
    iban("FR", "20041010050500013M02606"), iban("TN", "10006035183598478831"), iban("TR", "0006100519786457841326"),
    iban("BA", "1941000000000001"), iban("SN", "SN08010015200000012345678"[2:]), OtherAccount("0012 3456-78/9"),
)  # fmt: skip
BANKS: Sequence[Bank] = (Bic("AAAABA22"), Bic("BBBBTNTTXXX"), NamedBank("Banque d’Exemple", "SN"), NamedBank("بانک نمونه", "AF"))
NAMES: Sequence[str] = ("Željko Primjer", "محمد نمونه", "Оксана Приклад", "Ayşe Örnek & Oğulları", "Жељко Пример", "Aïssatou N’Exemple")


def attempt(number: int) -> UUID:
    """The id of an attempt to pay, as a version 7 UUID."""
    return UUID(int=(0x0187DB2A7C00 << 80) | (7 << 76) | (2 << 62) | number)


def payment(number: int, amount: str, currency: str, on: date = DAY, **fields: object) -> Payment:
    chosen: dict[str, object] = {
        "payee": NAMES[number % len(NAMES)],
        "account": ACCOUNTS[number % len(ACCOUNTS)],
        "bank": BANKS[number % len(BANKS)],
        "reference": remittance_code(attempt(number)),
        **fields,
    }
    return Payment(attempt=attempt(number), money=Money(amount=Decimal(amount), currency=currency), on=on, **chosen)  # type: ignore[arg-type]


def instruction(*payments: Payment, account: Account = OURS) -> Instruction:
    payer = Payer("Misija za primjere", account, Bic("AAAABA22"))
    return Instruction(attempt(999_999), NOON, "Misija za primjere", payer, payments)


def schema() -> Path:
    """Where sepaxml keeps the schema that ISO 20022 publishes for pain.001.001.09."""
    found = find_spec("sepaxml")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "schemas" / "pain.001.001.09.xsd"
