"""The bank of the invented year: what it answers to files of payments, and the statements that it sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

_STATEMENT: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_REPORT: Final = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
_CODES: Final = {"DBIT": ("ICDT", "ESCT"), "CRDT": ("RCDT", "ESCT")}


@dataclass(frozen=True, slots=True)
class Booked:
    """One line of a statement: an attempt to pay that left or came back, or money that is no attempt's; more than nothing.

    ``of_grant`` is a grant of which it was asked back, which the bank does not know.
    """

    direction: Literal["DBIT", "CRDT"]
    amount: Decimal
    reference: str
    attempt_id: UUID | None = None
    reason: str | None = None
    of_grant: UUID | None = None

    @property
    def signed(self) -> Decimal:
        """By how much it changes the balance."""
        return self.amount if self.direction == "CRDT" else -self.amount


def statement(name: str, iban: str, currency: str, opening: Decimal, on: date, lines: Sequence[Booked]) -> bytes:
    """The statement of one account and one day, camt.053.001.08; it closes with its opening and its lines."""
    document = Element("Document", xmlns=_STATEMENT)
    message = SubElement(document, "BkToCstmrStmt")
    _leaf(message, "GrpHdr/MsgId", f"M-{name}")
    _leaf(message, "GrpHdr/CreDtTm", f"{on}T23:00:00Z")
    found = SubElement(message, "Stmt")
    _leaf(found, "Id", name)
    _leaf(found, "CreDtTm", f"{on}T23:00:00Z")
    _leaf(found, "Acct/Id/IBAN", iban)
    _leaf(found, "Acct/Ccy", currency)
    for kind, balance in (("OPBD", opening), ("CLBD", opening + sum((line.signed for line in lines), Decimal(0)))):
        told = SubElement(found, "Bal")
        _leaf(told, "Tp/CdOrPrtry/Cd", kind)
        _amount(told, abs(balance), currency)
        _leaf(told, "CdtDbtInd", "DBIT" if balance < 0 else "CRDT")
        _leaf(told, "Dt/Dt", str(on))
    for line in lines:
        _entry(found, line, currency, on)
    return _written(document)


def rejection(name: str, message_id: UUID, block: str, attempt_id: UUID, reason: str, on: date) -> bytes:
    """What the bank answers to a file of which it does not take one payment, pain.002.001.10; ``reason`` is ISO's code."""
    document = Element("Document", xmlns=_REPORT)
    report = SubElement(document, "CstmrPmtStsRpt")
    _leaf(report, "GrpHdr/MsgId", name)
    _leaf(report, "GrpHdr/CreDtTm", f"{on}T08:00:00Z")
    _leaf(report, "OrgnlGrpInfAndSts/OrgnlMsgId", message_id.hex)
    _leaf(report, "OrgnlGrpInfAndSts/OrgnlMsgNmId", "pain.001.001.09")
    _leaf(report, "OrgnlGrpInfAndSts/GrpSts", "PART")
    original = SubElement(report, "OrgnlPmtInfAndSts")
    _leaf(original, "OrgnlPmtInfId", block)
    _leaf(original, "PmtInfSts", "PART")
    _leaf(original, "TxInfAndSts/OrgnlEndToEndId", attempt_id.hex)
    _leaf(original, "TxInfAndSts/TxSts", "RJCT")
    _leaf(original, "TxInfAndSts/StsRsnInf/Rsn/Cd", reason)
    return _written(document)


def _entry(parent: Element, line: Booked, currency: str, on: date) -> None:
    entry = SubElement(parent, "Ntry")
    _amount(entry, line.amount, currency)
    _leaf(entry, "CdtDbtInd", line.direction)
    _leaf(entry, "Sts/Cd", "BOOK")
    _leaf(entry, "BookgDt/Dt", str(on))
    _leaf(entry, "ValDt/Dt", str(on))
    _leaf(entry, "AcctSvcrRef", line.reference)
    family, subfamily = _CODES[line.direction]
    _leaf(entry, "BkTxCd/Domn/Cd", "PMNT")
    _leaf(entry, "BkTxCd/Domn/Fmly/Cd", family)
    _leaf(entry, "BkTxCd/Domn/Fmly/SubFmlyCd", subfamily)
    detail = SubElement(SubElement(entry, "NtryDtls"), "TxDtls")
    _leaf(detail, "Refs/EndToEndId", "NOTPROVIDED" if line.attempt_id is None else line.attempt_id.hex)
    _amount(detail, line.amount, currency)
    _leaf(detail, "CdtDbtInd", line.direction)
    if line.reason is not None:
        _leaf(detail, "RtrInf/Rsn/Cd", line.reason)


def _amount(parent: Element, amount: Decimal, currency: str) -> None:
    SubElement(parent, "Amt", Ccy=currency).text = f"{amount:.2f}"


def _leaf(parent: Element, path: str, written: str) -> None:
    *above, last = path.split("/")
    for tag in above:
        found = parent.find(tag)
        parent = SubElement(parent, tag) if found is None else found
    SubElement(parent, last).text = written


def _written(document: Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + bytes(tostring(document, encoding="utf-8"))
