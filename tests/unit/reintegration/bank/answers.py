"""Invented answers of a bank, written as small as their kind and version allows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape

ISO = "urn:iso:std:iso:20022:tech:xsd"
# A name and words as banks put them beside what is read; none of it may come out again.
CANARY = "Kanarinka Izmisljena"
WORDS = f"<AddtlInf>{CANARY} povratak bolest</AddtlInf>"


def document(version: str, tag: str, content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{ISO}:{version}"><{tag}>{content}</{tag}></Document>'.encode()


@dataclass(frozen=True)
class Detail:
    """One payment within a line of a statement."""

    reference: str | None = None
    amount: str | None = None
    currency: str = "EUR"
    direction: str | None = None
    reason: str | None = None
    words: str = ""
    # What was ordered, as `XOF 655957`, and the rate at which the bank exchanged it.
    ordered: str | None = None
    rate: str | None = None
    # To which account it went, as an IBAN or as another number, with what is said of its bank; and by which block.
    iban: str | None = None
    account: str | None = None
    bank: str = ""
    block: str | None = None

    def written(self, version: str) -> str:
        amount = f'<Amt Ccy="{self.currency}">{self.amount}</Amt>' if self.amount else ""
        details = f"<InstdAmt>{self._ordered}{self._exchange}</InstdAmt>" if self.ordered else ""
        if version.endswith("02") and amount:
            amount, details = "", f"{details}<TxAmt>{amount}</TxAmt>"
        amount += f"<AmtDtls>{details}</AmtDtls>" if details else ""
        sign = f"<CdtDbtInd>{self.direction}</CdtDbtInd>" if self.direction else ""
        reference = f"<EndToEndId>{escape(self.reference)}</EndToEndId>" if self.reference else ""
        reason = f"<RtrInf><Rsn>{self.reason}</Rsn>{WORDS}</RtrInf>" if self.reason else ""
        return (
            f"<TxDtls><Refs>{self._block}{reference}</Refs>{amount}{sign}<RltdPties><Cdtr><Nm>{CANARY}</Nm></Cdtr>{self._account}</RltdPties>"
            f"{f'<RltdAgts><CdtrAgt><FinInstnId>{self.bank}</FinInstnId></CdtrAgt></RltdAgts>' if self.bank else ''}"
            f"<RmtInf><Ustrd>{CANARY}</Ustrd><Ustrd>{escape(self.words)}</Ustrd></RmtInf>{reason}</TxDtls>"
        )


    @property
    def _block(self) -> str:
        return f"<PmtInfId>{escape(self.block)}</PmtInfId>" if self.block else ""

    @property
    def _account(self) -> str:
        stated = f"<IBAN>{self.iban}</IBAN>" if self.iban else f"<Othr><Id>{escape(self.account)}</Id></Othr>" if self.account else ""
        return f"<CdtrAcct><Id>{stated}</Id></CdtrAcct>" if stated else ""

    @property
    def _ordered(self) -> str:
        currency, _, amount = (self.ordered or "").partition(" ")
        return f'<Amt Ccy="{currency}">{amount}</Amt>'

    @property
    def _exchange(self) -> str:
        if self.rate is None:
            return ""
        return f"<CcyXchg><SrcCcy>{(self.ordered or '')[:3]}</SrcCcy><UnitCcy>EUR</UnitCcy><XchgRate>{self.rate}</XchgRate></CcyXchg>"


@dataclass(frozen=True)
class Entry:
    """One line of a statement; money in has a plus."""

    amount: str
    details: Sequence[Detail] = ()
    currency: str = "EUR"
    status: str = "BOOK"
    reversal: bool = False
    reference: str = "2023-0001"
    booked: str = "<BookgDt><Dt>2023-05-04</Dt></BookgDt>"
    block: str = ""
    booked_together: str | None = None

    @property
    def signed(self) -> Decimal:
        return Decimal(self.amount)

    def written(self, version: str) -> str:
        status = f"<Cd>{self.status}</Cd>" if version.endswith("08") else self.status
        together = f"<NbOfTxs>{self.booked_together}</NbOfTxs>" if self.booked_together else ""
        block = f"<PmtInfId>{self.block}</PmtInfId>" if self.block else ""
        batch = f"<Btch>{block}{together}</Btch>" if block or together else ""
        details = "".join(detail.written(version) for detail in self.details)
        return (
            f'<Ntry><Amt Ccy="{self.currency}">{abs(self.signed)}</Amt><CdtDbtInd>{sign(self.signed)}</CdtDbtInd>'
            f"{'<RvslInd>true</RvslInd>' if self.reversal else ''}<Sts>{status}</Sts>{self.booked}"
            f"<ValDt><DtTm>2023-05-05T10:00:00+02:00</DtTm></ValDt><AcctSvcrRef>{escape(self.reference)}</AcctSvcrRef>"
            "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
            f"{f'<NtryDtls>{batch}{details}</NtryDtls>' if batch or details else ''}<AddtlNtryInf>{CANARY}</AddtlNtryInf></Ntry>"
        )


@dataclass(frozen=True)
class Account:
    """One statement; its balances follow from its lines unless they are said to be others."""

    entries: Sequence[Entry]
    id: str = "IZVOD-2023-88"
    number: str = "<IBAN>BA391290079401028494</IBAN>"
    opening: str = "1000.00"
    closing: str | None = None
    currency: str = "EUR"
    begins_with: str = "OPBD"
    pages: str = ""
    without: str = ""
    account_currency: str = ""
    on: str = "2023-05-04"

    def written(self, version: str) -> str:
        opening = Decimal(self.opening)
        total = opening + sum(entry.signed for entry in self.entries if entry.status == "BOOK")
        balances = ((self.begins_with, opening), ("CLBD", Decimal(self.closing) if self.closing else total), ("CLAV", Decimal(-7)))
        currency = f"<Ccy>{self.account_currency}</Ccy>" if self.account_currency else ""
        entries = "".join(entry.written(version) for entry in self.entries)
        return (
            f"<Stmt><Id>{self.id}</Id>{self.pages}<CreDtTm>2023-05-04T23:00:00</CreDtTm><Acct><Id>{self.number}</Id>{currency}<Ownr><Nm>{CANARY}</Nm></Ownr></Acct>"
            f"{''.join(self._balance(code, amount) for code, amount in balances if code != self.without)}{entries}</Stmt>"
        )

    def _balance(self, code: str, amount: Decimal) -> str:
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{self.currency}">{abs(amount)}</Amt>'
            f"<CdtDbtInd>{sign(amount)}</CdtDbtInd><Dt><Dt>{self.on}</Dt></Dt></Bal>"
        )


def sign(amount: Decimal) -> str:
    return "DBIT" if amount < 0 else "CRDT"


def camt053(*statements: Account, version: str = "001.08") -> bytes:
    content = "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2023-05-04T23:00:00</CreDtTm></GrpHdr>"
    return document(f"camt.053.{version}", "BkToCstmrStmt", content + "".join(one.written(version) for one in statements))


@dataclass(frozen=True)
class Told:
    """A status with its reasons, as a code each or as elements."""

    status: str | None = None
    reasons: Sequence[str] = ()

    def written(self, tag: str) -> str:
        status = f"<{tag}>{self.status}</{tag}>" if self.status else ""
        reasons = (one if one.startswith("<") else f"<Cd>{one}</Cd>" for one in self.reasons)
        return status + "".join(f"<StsRsnInf><Orgtr><Nm>{CANARY}</Nm></Orgtr><Rsn>{one}</Rsn>{WORDS}</StsRsnInf>" for one in reasons)


@dataclass(frozen=True)
class Transaction:
    reference: str
    told: Told

    def written(self) -> str:
        return f"<TxInfAndSts><OrgnlEndToEndId>{escape(self.reference)}</OrgnlEndToEndId>{self.told.written('TxSts')}</TxInfAndSts>"


@dataclass(frozen=True)
class Block:
    id: str
    told: Told = Told()
    transactions: Sequence[Transaction] = ()

    def written(self) -> str:
        transactions = "".join(one.written() for one in self.transactions)
        return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{self.id}</OrgnlPmtInfId>{self.told.written('PmtInfSts')}{transactions}</OrgnlPmtInfAndSts>"


def pain002(original: str, told: Told = Told(), blocks: Iterable[Block] = (), version: str = "001.10", id: str = "ODGOVOR-1") -> bytes:
    content = (
        f"<GrpHdr><MsgId>{id}</MsgId><CreDtTm>2023-05-03T08:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{told.written('GrpSts')}</OrgnlGrpInfAndSts>{''.join(one.written() for one in blocks)}"
    )
    return document(f"pain.002.{version}", "CstmrPmtStsRpt", content)
