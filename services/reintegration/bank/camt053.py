"""Reads what was booked on our accounts: a bank's statement, camt.053 of ISO 20022.

Kept are amounts, days, codes and what identifies a payment of ours. Who paid or was paid and every word of why are left
behind: what a bank tells of others does not come in here. To which account a debit went is handed on to be hashed.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID
from xml.etree.ElementTree import Element

from services.reintegration.bank.accounts import Account, Iban, plain_number
from services.reintegration.bank.creditors import Creditor, creditor
from services.reintegration.bank.messages import (
    child,
    codes,
    day,
    incomplete,
    named,
    needed,
    read_message,
    text,
)
from services.reintegration.bank.references import (
    identified,
    remittance_code_in,
    remittance_codes_in,
    told_block,
)
from shared.currencies import is_currency
from shared.errors import RuleViolation
from shared.money import LARGEST, Money, rounded

_VERSIONS: Final = frozenset({"001.02", "001.08"})
_AMOUNT: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{0,17})?")
_COUNT: Final = re.compile(r"[0-9]{1,15}")
_RATE: Final = re.compile(r"(?=.*[1-9])[0-9]{1,11}(\.[0-9]{1,10})?")
_OWN_REFERENCE: Final = re.compile(r"(?=.*[0-9])[A-Za-z0-9./:+-]{1,35}")
_TRANSACTION_CODE: Final = ("Domn/Cd", "Domn/Fmly/Cd", "Domn/Fmly/SubFmlyCd")
# The balance with which a statement begins, or that with which the one before it ended; and that with which it ends.
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)
# What is only announced is in no balance, and comes again when it is booked.
_BOOKED: Final = "BOOK"
# Where banks write what a payment was in the account's currency, or in its own: beside the references, or among the details of amounts.
_AMOUNTS: Final = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt")
_INSTRUCTED: Final = "AmtDtls/InstdAmt/Amt"
_EXCHANGES: Final = ("AmtDtls/InstdAmt/CcyXchg", "AmtDtls/TxAmt/CcyXchg", "AmtDtls/CntrValAmt/CcyXchg")
# No file of ours orders more payments: of so many at most a booking waits that the bank does not detail.
_MOST_UNTOLD: Final = 1000
# XML writes what is true or false in two ways.
_YES: Final = frozenset({"true", "1"})
_NO: Final = frozenset({"false", "0"})

Direction = Literal["credit", "debit"]
_DIRECTIONS: Final[dict[str, Direction]] = {"CRDT": "credit", "DBIT": "debit"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """The rate at which a bank exchanged, as it wrote it, and of which currency it is the price, where it says so."""

    rate: Decimal
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One payment within a line: what it bears of ours, the attempt's id or the code of its remittance, and the codes of why.

    There is no amount where a bank books several as one and does not say how much each of them was. Whether it is one of
    ours that was paid or came back is not said here: who pays us, and a charge that is taken back, may bear the same.
    ``instructed`` is what was ordered, in the currency of the order, where the bank says so: its own word for it, else an
    amount in another currency than the account's. ``creditor`` is the account to which a debit went, and ``block`` the block by
    which it was ordered, as `told_block` has it; each where the bank states it. ``several``: it bears more than one id or code
    of ours, of which one at most is kept. ``untold``: the bank says no more than that it booked one more payment by the line.
    """

    attempt: UUID | None
    remittance_code: str | None
    money: Money | None
    direction: Direction
    reasons: tuple[str, ...] = ()
    instructed: Money | None = None
    exchange: Exchange | None = None
    creditor: Creditor | None = field(default=None, repr=False)
    block: str | None = None
    several: bool = False
    untold: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement, with each payment that was booked by it; one part at least.

    A reversal takes back what was booked before, ``direction`` says which way the money went now.
    """

    number: int
    money: Money
    direction: Direction
    reversal: bool
    booked_on: date
    value_on: date | None
    transaction_code: str | None
    bank_reference: str | None
    parts: tuple[Part, ...]

    @property
    def signed(self) -> Decimal:
        """The amount as it changed the balance."""
        return _signed(self.money, self.direction)

    @property
    def unexplained(self) -> Decimal | None:
        """What the line changed the balance by beyond its parts, charges for instance; None where a part does not tell."""
        told = [_signed(part.money, part.direction) for part in self.parts if part.money and part.money.currency == self.money.currency]
        return self.signed - sum(told) if len(told) == len(self.parts) else None


@dataclass(frozen=True, slots=True)
class Statement:
    """What was booked on one account between two balances, which are below zero where it is overdrawn."""

    id: str
    account: Account
    opening: Money
    closing: Money
    closed_on: date
    lines: tuple[Line, ...]


def read_statements(file: bytes, accounts: Collection[Account]) -> tuple[Statement, ...]:
    """The statements in a file of camt.053.001.02 or .08, each of one of these accounts; all of them or none.

    Refused as ``read_message`` refuses files, and as ``account_unknown``, ``statement_in_pages`` unless it is whole,
    ``statement_is_a_copy``, ``statement_twice`` where two are the same one, ``balance_missing``, ``amount_unreadable``,
    ``currencies_mixed``, ``file_incomplete``, and ``statement_does_not_add_up`` unless opening balance and lines make the
    closing balance.
    """
    message = read_message(file, "camt.053", _VERSIONS)
    statements = tuple(_statement(element, accounts) for element in message.iterfind("Stmt"))
    if not statements:
        raise incomplete()
    if len({(one.account, one.opening.currency, one.id) for one in statements}) != len(statements):
        raise RuleViolation("statement_twice", "This file has the same statement twice.")
    return statements


def _statement(element: Element, accounts: Collection[Account]) -> Statement:
    account = next((one for one in accounts if _is(element, one)), None)
    if account is None:
        raise RuleViolation("account_unknown", "This is a statement of an account that is not known here.")
    if element.find("CpyDplctInd") is not None:
        raise RuleViolation("statement_is_a_copy", "The bank says that this is a copy of a statement. Bring the statement itself.")
    if text(element, "StmtPgntn/LastPgInd") in _NO or text(element, "StmtPgntn/PgNb") not in {None, "1"}:
        raise RuleViolation("statement_in_pages", "This is one page of a statement. Ask the bank for whole ones.")
    first, last = _balance(element, _OPENING), _balance(element, _CLOSING)
    opening, closing, closed_on = _balance_of(first), _balance_of(last), day(last, "Dt")
    if closed_on is None:
        raise incomplete()
    booked = [one for one in element.iterfind("Ntry") if (text(one, "Sts/Cd") or needed(one, "Sts")) == _BOOKED]
    lines = tuple(_line(one, number) for number, one in enumerate(booked, 1))
    of_account = text(element, "Acct/Ccy") or opening.currency
    if {of_account, closing.currency, *(line.money.currency for line in lines)} != {opening.currency}:
        raise RuleViolation("currencies_mixed", "Account, balances and lines of this statement are in several currencies.")
    if opening.amount + sum(line.signed for line in lines) != closing.amount:
        raise RuleViolation("statement_does_not_add_up", "Opening balance and lines of this statement do not make its closing balance.")
    return Statement(named(element, "Id"), account, opening, closing, closed_on, lines)


def _is(statement: Element, account: Account) -> bool:
    written = text(statement, "Acct/Id/IBAN") if isinstance(account, Iban) else text(statement, "Acct/Id/Othr/Id")
    return written is not None and plain_number(written) == account.plain


def _balance(statement: Element, kinds: Sequence[str]) -> Element:
    told = {text(one, "Tp/CdOrPrtry/Cd"): one for one in reversed(statement.findall("Bal"))}
    found = next((told[kind] for kind in kinds if kind in told), None)
    if found is None:
        raise RuleViolation("balance_missing", "This statement lacks its opening or its closing balance.")
    return found


def _balance_of(balance: Element) -> Money:
    money = _money(child(balance, "Amt"))
    return Money(amount=_signed(money, _direction(balance)), currency=money.currency)


def _signed(money: Money, direction: Direction) -> Decimal:
    return money.amount if direction == "credit" else -money.amount


def _line(entry: Element, number: int) -> Line:
    money = _money(child(entry, "Amt"))
    booked_on = day(entry, "BookgDt")
    if booked_on is None:
        raise incomplete()
    direction = _direction(entry)
    details = entry.findall("NtryDtls/TxDtls")
    alone = len(details) == 1 and _booked_alone(entry)
    block = text(entry, "NtryDtls/Btch/PmtInfId")
    parts = tuple(_part(detail, direction, money, block, entry if alone else None) for detail in details)
    if parts:
        # What is left of the line is of these, until two persons say otherwise, and no charge.
        parts += (Part(None, None, None, direction, untold=True),) * (min(_booked_together(entry), len(parts) + _MOST_UNTOLD) - len(parts))
    reference = text(entry, "AcctSvcrRef")
    return Line(
        number=number,
        money=money,
        direction=direction,
        reversal=text(entry, "RvslInd") in _YES,
        booked_on=booked_on,
        value_on=day(entry, "ValDt"),
        transaction_code=_transaction_code(entry),
        bank_reference=reference if reference is not None and _OWN_REFERENCE.fullmatch(reference) else None,
        parts=parts or (Part(None, None, money, direction, block=told_block(block)),),
    )


def _booked_alone(entry: Element) -> bool:
    """Whether a line is of one payment, as far as the bank says how many it booked by it."""
    counts = [text(one, "NbOfTxs") for one in entry.iterfind("NtryDtls/Btch")]
    return all(count is None or count.lstrip("0") == "1" for count in counts)


def _booked_together(entry: Element) -> int:
    """How many payments the bank says that it booked by a line; none where it does not say, or in no number."""
    counts = [text(one, "NbOfTxs") for one in entry.iterfind("NtryDtls/Btch")]
    return sum(int(count) for count in counts if count is not None and _COUNT.fullmatch(count))


def _part(detail: Element, direction: Direction, whole: Money, block: str | None, alone: Element | None) -> Part:
    """One payment of a line of this amount; ``alone`` is that line where it is of no other one, so that what it says holds for it."""
    ids = [id for path in ("Refs/EndToEndId", "Refs/InstrId") if (id := identified(text(detail, path))) is not None]
    # Some banks hand on the remittance information alone; of its words only a code of ours is looked at.
    words = " ".join(one.text or "" for one in detail.iterfind("RmtInf/Ustrd"))
    amounts = [_money(one) for path in _AMOUNTS if (one := detail.find(path)) is not None]
    money = next((one for one in amounts if one.currency == whole.currency), whole if alone is not None else next(iter(amounts), None))
    told = list(_told(detail, alone))
    ordered = next((one for element in told if (one := element.find(_INSTRUCTED)) is not None), None)
    instructed = _money(ordered) if ordered is not None else next((one for one in amounts if one.currency != whole.currency), None)
    exchange = next((rate for element in told if (rate := _exchange(element)) is not None), None)
    if detail.find("CdtDbtInd") is not None:
        direction = _direction(detail)
    several = len(set(ids)) > 1 or len(remittance_codes_in(words)) > 1
    return Part(
        ids[0] if ids else None, remittance_code_in(words), money, direction, codes(detail, "RtrInf/Rsn"), instructed, exchange,
        creditor(detail) if direction == "debit" else None, told_block(text(detail, "Refs/PmtInfId") or block), several,
    )  # fmt: skip


def _told(detail: Element, alone: Element | None) -> Iterator[Element]:
    yield detail
    if alone is not None:
        yield alone


def _exchange(element: Element) -> Exchange | None:
    """What is said of an exchange; nothing follows from it, so that what cannot be read is left out."""
    for path in _EXCHANGES:
        rate, unit = text(element, f"{path}/XchgRate"), text(element, f"{path}/UnitCcy") or text(element, f"{path}/SrcCcy")
        if rate is not None and _RATE.fullmatch(rate):
            return Exchange(Decimal(rate), unit if unit is not None and is_currency(unit) else None)
    return None


def _money(element: Element) -> Money:
    currency, written = element.get("Ccy", ""), (element.text or "").strip()
    if not is_currency(currency) or not _AMOUNT.fullmatch(written):
        raise _unreadable()
    amount = Decimal(written)
    if amount > LARGEST or rounded(amount, currency) != amount:
        raise _unreadable()
    return Money(amount=rounded(amount, currency), currency=currency)


def _unreadable() -> RuleViolation:
    return RuleViolation("amount_unreadable", "An amount in this file is none that could be booked in its currency.")


def _direction(element: Element) -> Direction:
    direction = _DIRECTIONS.get(needed(element, "CdtDbtInd"))
    if direction is None:
        raise incomplete()
    return direction


def _transaction_code(entry: Element) -> str | None:
    parts = [text(entry, f"BkTxCd/{path}") or "" for path in _TRANSACTION_CODE]
    return "/".join(parts) if all(re.fullmatch(r"[A-Z]{4}", part) for part in parts) else None


