"""Writes the file that orders payments of a bank: a customer credit transfer initiation, pain.001.001.09 of ISO 20022.

There is no field for a purpose, in words or as a code, so that no file can say that somebody migrates or is ill.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from services.reintegration.bank.accounts import (
    Account,
    Bank,
    Bic,
    Iban,
    NamedBank,
    bank_missing,
    within_sepa,
)
from services.reintegration.bank.latin import LONGEST_NAME, LONGEST_TOWN, latin
from services.reintegration.bank.references import block_identification, identification, is_remittance_code
from shared.currencies import minor_units
from shared.errors import RuleViolation
from shared.money import Money, refuse_unpayable

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
# A number that is written in the file has at most 18 digits, and the identification of a block three after our 32.
_MOST_DIGITS: Final = 18
_MOST_BLOCKS: Final = 999
_FURTHEST_WEST: Final = timedelta(hours=12)
LONGEST_NAME_IN_SEPA: Final = 70

# Who bears what the banks charge: shared, or all of it the payer, so that the payee has what was approved.
Charges = Literal["SHAR", "DEBT"]


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money is sent, from which account."""

    name: str
    account: Account
    bank: Bank


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to pay one tranche, on a day of the payer's bank; another attempt has another id.

    The payee's town and country are told where both are known, and nothing more of where they live. Refused as
    ``amount_not_positive``, ``not_a_currency``, ``finer_than_paid``, or ``reference_not_neutral`` unless the reference is a
    code that was made from an id; and as ``latin`` refuses names.
    """

    attempt: UUID
    money: Money
    payee: str = field(repr=False)
    account: Account
    bank: Bank | None
    reference: str
    on: date
    town: str | None = field(default=None, repr=False)
    country: str | None = None

    def __post_init__(self) -> None:
        latin(self.payee)
        if self.town is not None:
            latin(self.town, LONGEST_TOWN)
        refuse_unpayable([self.money])
        if self.money.amount <= 0:
            raise RuleViolation("amount_not_positive", "Nothing or less than nothing can't be paid.")
        if not is_remittance_code(self.reference):
            raise RuleViolation(
                "reference_not_neutral", "The bank is told a code that was made for the payment, and nothing that says what it is for."
            )


@dataclass(frozen=True, slots=True)
class Instruction:
    """One file: what is to be paid from one account, in the order in which it shall stand there."""

    id: UUID
    created_at: datetime
    initiating_party: str
    payer: Payer
    payments: Sequence[Payment]
    charges: Charges = "DEBT"


@dataclass(frozen=True, slots=True, order=True)
class _Kind:
    """What the payments of a block have in common."""

    on: date
    currency: str
    sepa: bool


def execution_day_wrong() -> RuleViolation:
    """Refuses a day on which no bank can pay any more, or that is too far away."""
    return RuleViolation("execution_day_wrong", "On this day the bank can't pay: it is over, or more than thirty days away.")


def block_of_each(instruction: Instruction) -> Mapping[UUID, str]:
    """In which block of the file each attempt stands, by the identification that a status report names it by."""
    return {payment.attempt: id for id, _, payments in _blocks(instruction) for payment in payments}


def write(instruction: Instruction) -> bytes:
    """The file, the same bytes for the same instruction; it is valid by the schema of ISO 20022.

    Payments stand in blocks of one day, one currency and one service: SEPA for euros between two IBANs of its countries,
    else what is not urgent (NURG). Control sums add the amounts up whatever their currencies are, as ISO 20022 says.
    Refused as ``no_payments``, ``attempt_twice``, ``too_many_blocks``, ``control_sum_too_large``, ``execution_day_wrong`` for
    a day that was over everywhere when the file was made, ``bank_missing`` outside SEPA, and as ``latin`` refuses names, of
    which SEPA takes 70 characters.
    """
    if instruction.created_at.tzinfo is None:
        raise ValueError("a moment without a time zone is none")
    # Days are the mission's, and no clock on earth is further behind.
    if any(payment.on < (instruction.created_at.astimezone(UTC) - _FURTHEST_WEST).date() for payment in instruction.payments):
        raise execution_day_wrong()
    blocks = _blocks(instruction)
    document = Element("Document", xmlns=NAMESPACE)
    initiation = SubElement(document, "CstmrCdtTrfInitn")
    header = SubElement(initiation, "GrpHdr")
    _leaf(header, "MsgId", identification(instruction.id))
    _leaf(header, "CreDtTm", instruction.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _counted(header, instruction.payments)
    _leaf(header, "InitgPty/Nm", latin(instruction.initiating_party))
    for id, kind, payments in blocks:
        _block(initiation, id, kind, payments, instruction)
    indent(document, "")
    written: bytes = tostring(document, encoding="utf-8")
    return _DECLARATION + written + b"\n"


def _blocks(instruction: Instruction) -> Sequence[tuple[str, _Kind, Sequence[Payment]]]:
    if not instruction.payments:
        raise RuleViolation("no_payments", "There is nothing to be paid.")
    if len({payment.attempt for payment in instruction.payments}) < len(instruction.payments):
        raise RuleViolation("attempt_twice", "One of these payments stands here twice.")
    alike: defaultdict[_Kind, list[Payment]] = defaultdict(list)
    for payment in instruction.payments:
        currency = payment.money.currency
        sepa = within_sepa(instruction.payer.account, payment.account, currency)
        alike[_Kind(payment.on, currency, sepa)].append(payment)
    if len(alike) > _MOST_BLOCKS:
        raise RuleViolation("too_many_blocks", "One file can't hold payments on so many days. Make several.")
    return [
        (block_identification(instruction.id, number), kind, alike[kind]) for number, kind in enumerate(sorted(alike), 1)
    ]


def _block(initiation: Element, id: str, kind: _Kind, payments: Sequence[Payment], instruction: Instruction) -> None:
    longest = LONGEST_NAME_IN_SEPA if kind.sepa else LONGEST_NAME
    block = SubElement(initiation, "PmtInf")
    _leaf(block, "PmtInfId", id)
    _leaf(block, "PmtMtd", "TRF")
    # A line of its own on the statement for each payment.
    _leaf(block, "BtchBookg", "false")
    _counted(block, payments)
    _leaf(block, "PmtTpInf/SvcLvl/Cd", "SEPA" if kind.sepa else "NURG")
    _leaf(block, "ReqdExctnDt/Dt", kind.on.isoformat())
    _leaf(block, "Dbtr/Nm", latin(instruction.payer.name, longest))
    _account(block, "DbtrAcct", instruction.payer.account)
    _bank(block, "DbtrAgt", instruction.payer.bank, sepa=kind.sepa)
    # The rules of SEPA let nobody else than each side bear its own.
    _leaf(block, "ChrgBr", "SLEV" if kind.sepa else instruction.charges)
    for payment in payments:
        _transfer(block, payment, longest, sepa=kind.sepa)


def _transfer(block: Element, payment: Payment, longest: int, *, sepa: bool) -> None:
    transfer = SubElement(block, "CdtTrfTxInf")
    _leaf(transfer, "PmtId/InstrId", identification(payment.attempt))
    _leaf(transfer, "PmtId/EndToEndId", identification(payment.attempt))
    amount = f"{payment.money.amount:.{minor_units(payment.money.currency)}f}"
    _leaf(transfer, "Amt/InstdAmt", amount).set("Ccy", payment.money.currency)
    _bank(transfer, "CdtrAgt", payment.bank, sepa=sepa)
    _leaf(transfer, "Cdtr/Nm", latin(payment.payee, longest))
    if payment.town is not None and payment.country is not None:
        _leaf(transfer, "Cdtr/PstlAdr/TwnNm", latin(payment.town, LONGEST_TOWN))
        _leaf(transfer, "Cdtr/PstlAdr/Ctry", payment.country)
    _account(transfer, "CdtrAcct", payment.account)
    _leaf(transfer, "RmtInf/Ustrd", payment.reference)


def _counted(parent: Element, payments: Iterable[Payment]) -> None:
    amounts = [payment.money.amount for payment in payments]
    written = f"{sum(amounts, Decimal(0)).normalize():f}"
    if len(written.replace(".", "")) > _MOST_DIGITS:
        raise RuleViolation("control_sum_too_large", "These payments are too large for one file. Make several.")
    _leaf(parent, "NbOfTxs", str(len(amounts)))
    _leaf(parent, "CtrlSum", written)


def _account(parent: Element, tag: str, account: Account) -> None:
    _leaf(parent, f"{tag}/Id/IBAN" if isinstance(account, Iban) else f"{tag}/Id/Othr/Id", account.value)


def _bank(parent: Element, tag: str, bank: Bank | None, *, sepa: bool) -> None:
    match bank:
        case Bic(value):
            _leaf(parent, f"{tag}/FinInstnId/BICFI", value)
        case None | NamedBank() if sepa:
            # There the number of the account says which bank it is, and the rules know no bank's name.
            _leaf(parent, f"{tag}/FinInstnId/Othr/Id", "NOTPROVIDED")
        case NamedBank(name, country, town):
            _leaf(parent, f"{tag}/FinInstnId/Nm", latin(name))
            if town is not None:
                _leaf(parent, f"{tag}/FinInstnId/PstlAdr/TwnNm", latin(town, LONGEST_TOWN))
            _leaf(parent, f"{tag}/FinInstnId/PstlAdr/Ctry", country)
        case _:
            raise bank_missing()


def _leaf(parent: Element, path: str, text: str) -> Element:
    """Makes an element with a text at the end of a path; of those on the way one that was made last is gone on with."""
    *above, tag = path.split("/")
    for one in above:
        last = parent[-1] if len(parent) else None
        parent = last if last is not None and last.tag == one else SubElement(parent, one)
    leaf = SubElement(parent, tag)
    leaf.text = text
    return leaf
