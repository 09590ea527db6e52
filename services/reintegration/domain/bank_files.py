"""A file of the bank's: imported whole, once; what stands in it is kept line by line, without names and words."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from services.reintegration.bank.accounts import Account, looks_like_an_account
from services.reintegration.bank.camt053 import Direction, Exchange, Line, Part, Statement
from services.reintegration.bank.creditors import Creditor
from services.reintegration.bank.pain002 import HAD_BEFORE, StatusReport
from services.reintegration.bank.references import identified_block, remittance_code
from services.reintegration.domain.bank_file_confirming import CONFIRMING_RULES, not_by_whoever_paid
from services.reintegration.domain.bank_file_revoking import REVOKING_RULES
from services.reintegration.domain.bank_file_state import BankFile, BankFileFacts, evolve
from shared.contracts.bank import (
    BankFileConfirmed,
    BankFileDropped,
    BankFileImported,
    BankFileKept,
    BankFileKind,
    BankFileRevocationAsked,
    Identification,
    ImportedStatement,
    Sha256,
)
from shared.decider import Decider, Events, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.money import Money

# What is booked, what the bank refused, and what it only says that it has or did; settled are the first two.
LineKind = Literal["booked", "rejected", "accepted"]
_MOST_LINES: Final = 100_000
# An unconfirmed file stops the payments that it names, so that one person alone brings few of them. An example, no rule of IOM's.
MOST_UNCONFIRMED: Final = 5
_CODE_LIKE: Final = re.compile(r"(?=.*[0-9])[A-Za-z0-9./:+_-]{1,40}")


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account of the mission's own, of which statements are read."""

    own_account_id: UUID
    account: Account
    currency: str


@dataclass(frozen=True, slots=True)
class KeptLine:
    """One payment of a booked line, or what the bank says of one attempt; a row that is written once.

    ``money`` is None where the bank does not say how much of the line it was, and in reports; ``whole`` is the amount of the
    line (``alike`` what of it each statement tells that has it), and ``instructed`` what was ordered where the bank says so, with its rate of exchange. ``attempt_id`` is the attempt that the bank names, or whose code it hands on (``by_code``). ``occurrence`` counts
    the lines of one statement that are alike but for their place. ``block`` is the block of payments that the bank names;
    ``names_several``: it names several payments of ours, or a whole block of them.
    ``creditor``, the account to which a debit went, is no part of the row: hashes of it are kept, and nothing else.
    """

    id: UUID
    number: int
    part: int
    kind: LineKind
    own_account_id: UUID | None = None
    money: Money | None = None
    whole: Money | None = None
    direction: Direction | None = None
    reversal: bool = False
    booked_on: date | None = None
    value_on: date | None = None
    code: str | None = None
    bank_reference: str | None = None
    remittance_code: str | None = None
    attempt_id: UUID | None = None
    by_code: bool = False
    reasons: tuple[str, ...] = ()
    occurrence: int = 1
    duplicate_of: UUID | None = None
    alike: str | None = None
    instructed: Money | None = None
    exchange: Exchange | None = None
    block: str | None = None
    creditor: Creditor | None = field(default=None, repr=False)
    names_several: bool = False

    @property
    def told(self) -> str:
        """The line as it is hashed, the same as the database makes of its row."""
        amount = None if self.money is None else f"{self.money.amount:f}"
        currency = None if self.whole is None else self.whole.currency
        values = (
            self.id, self.number, self.part, self.kind, self.own_account_id, amount, currency, self.direction,
            "true" if self.reversal else "false", self.booked_on, self.value_on, self.code, self.bank_reference,
            self.remittance_code, self.attempt_id, ",".join(self.reasons), *self._ordered,
            *(() if self.block is None else (self.block,)), *(("several",) if self.names_several else ()),
        )  # fmt: skip
        return "|".join("" if value is None else str(value) for value in values)

    @property
    def _ordered(self) -> tuple[object, ...]:
        # Lines of before are hashed without what was ordered, and so are those of which the bank says nothing of it.
        if self.instructed is None:
            return ()
        rate, unit = (None, None) if self.exchange is None else (f"{self.exchange.rate:f}", self.exchange.unit)
        return f"{self.instructed.amount:f}", self.instructed.currency, rate, unit


class ImportBankFile(Command):
    """Bring a file of the bank's: what was booked on our accounts (camt.053), or how payments went that we ordered (pain.002)."""

    file_kind: BankFileKind
    sha256: Sha256
    lines: Annotated[int, Field(strict=True, ge=0, le=_MOST_LINES)]
    lines_sha256: Sha256
    statements: tuple[ImportedStatement, ...] = ()
    identification: Identification | None = None
    instruction_id: UUID | None = None
    # The payments that it names; nobody brings a file that tells of payments of their own.
    attempts: Annotated[tuple[UUID, ...], Field(max_length=_MOST_LINES)] = ()


def imported_already(first: UUID | None) -> RuleViolation:
    """Refuses what was imported before, and says as what; the database's keys refuse it in the same words."""
    place = "" if first is None else f" It is the file {first}."
    return RuleViolation("imported_already", f"This file, or a statement or report in it, was imported already. Nothing has changed.{place}")


def of_statements(
    file_id: UUID, statements: Sequence[Statement], accounts: Iterable[KnownAccount]
) -> tuple[tuple[ImportedStatement, ...], tuple[KeptLine, ...]]:
    """What is kept of statements: of each its balances, and its lines, numbered through the file.

    Of accounts with one number and currency, however each is spelled, the first of ``accounts`` counts.
    Refused as ``account_unknown`` where the account is known in other currencies alone, and as ``file_too_large``.
    """
    if sum(len(line.parts) for statement in statements for line in statement.lines) > _MOST_LINES:
        raise RuleViolation("file_too_large", "This file is larger than any that a bank sends.")
    by_account: dict[tuple[type[Account], str, str], UUID] = {}
    for one in accounts:
        by_account.setdefault((type(one.account), one.account.plain, one.currency), one.own_account_id)
    told: list[ImportedStatement] = []
    lines: list[KeptLine] = []
    seen: dict[object, UUID] = {}
    for statement in statements:
        own_account_id = by_account.get((type(statement.account), statement.account.plain, statement.opening.currency))
        if own_account_id is None:
            raise RuleViolation("account_unknown", "This is a statement of an account that is not known here in this currency.")
        days = [line.booked_on for line in statement.lines]
        told.append(
            ImportedStatement(
                own_account_id=own_account_id, identification=identification(statement.id), currency=statement.opening.currency,
                opening=statement.opening.amount, closing=statement.closing.amount, first_on=min(days, default=None),
                closed_on=statement.closed_on, lines=len(statement.lines),
            )
        )  # fmt: skip
        alike: Counter[str] = Counter()
        first = lines[-1].number if lines else 0
        for line in statement.lines:
            key = _alike(line)
            alike[key] += 1
            place = (own_account_id, key, alike[key])
            # Without a reference of the bank's two lines that look alike may be two.
            earlier = seen.get(place) if line.bank_reference is not None else None
            kept = tuple(_kept(file_id, first + line.number, own_account_id, line, key, alike[key], earlier))
            seen.setdefault(place, kept[0].id)
            lines += kept
    return tuple(told), tuple(lines)


def of_report(file_id: UUID, report: StatusReport, sent: Mapping[UUID, str]) -> tuple[KeptLine, ...]:
    """What is kept of a report: a line for each attempt that it speaks of, by itself or with its block or file.

    ``sent`` are the attempts that stood in our file, each with its block. What is said of none of them is said of nothing.
    """
    said = {attempt: report.of(attempt, block) for attempt, block in sent.items()}
    said |= {attempt: report.of(attempt, "") for attempt in report.of_attempts if attempt not in said}
    known = [(attempt, said[attempt]) for attempt in sorted(said) if said[attempt].code is not None]
    if len(known) > _MOST_LINES:
        raise RuleViolation("file_too_large", "This file is larger than any that a bank sends.")
    # Of which block an attempt is is not known here, so that a block which the bank had before may be any one's.
    had_before = tuple(
        code for status in report.of_blocks.values() if status.had_before for code in status.reasons if code in HAD_BEFORE
    )
    return tuple(
        KeptLine(
            line_id(file_id, number, 1), number, 1, "rejected" if status.not_done else "accepted", attempt_id=attempt,
            code=status.code, reasons=tuple(dict.fromkeys((*status.reasons, *(had_before if status.not_done else ())))),
        )
        for number, (attempt, status) in enumerate(known, 1)
    )  # fmt: skip


def by_codes(lines: Sequence[KeptLine], attempts: Iterable[UUID]) -> tuple[KeptLine, ...]:
    """The lines, each that bears the code of one of these attempts and names none with that attempt; two of one code count for none."""
    found: defaultdict[str, list[UUID]] = defaultdict(list)
    for attempt in attempts:
        found[remittance_code(attempt)].append(attempt)
    return tuple(_by_code(line, found) for line in lines)


def lines_hash(lines: Iterable[KeptLine]) -> str:
    """The hash of lines as they are kept, by which it shows if one is changed, added or taken away afterwards."""
    return hashlib.sha256("\n".join(line.told for line in lines).encode()).hexdigest()


def identification(written: str) -> str:
    """What the bank calls its statement or report, or the beginning of a hash of that where it may be words or the number of an account."""
    as_it_is = _CODE_LIKE.fullmatch(written) and not looks_like_an_account(written)
    return written if as_it_is else f"sha256:{hashlib.sha256(written.encode()).hexdigest()[:32]}"


def _by_code(line: KeptLine, found: Mapping[str, Sequence[UUID]]) -> KeptLine:
    of_code = found.get(line.remittance_code or "", ())
    return replace(line, attempt_id=of_code[0], by_code=True) if line.attempt_id is None and len(of_code) == 1 else line


def _kept(
    file_id: UUID, number: int, own_account_id: UUID, line: Line, alike: str, occurrence: int, earlier: UUID | None
) -> Iterator[KeptLine]:
    for place, part in enumerate(line.parts, 1):
        yield KeptLine(
            id=line_id(file_id, number, place), number=number, part=place, kind="booked", own_account_id=own_account_id,
            money=_in_its_currency(part, line), whole=line.money, direction=part.direction, reversal=line.reversal,
            booked_on=line.booked_on, value_on=line.value_on, code=line.transaction_code, bank_reference=line.bank_reference,
            remittance_code=part.remittance_code, attempt_id=part.attempt, reasons=part.reasons, occurrence=occurrence,
            duplicate_of=earlier, alike=alike, instructed=part.instructed, exchange=part.exchange if part.instructed is not None else None,
            block=part.block, creditor=part.creditor,
            names_several=part.several or (part.attempt is None and identified_block(part.block) is not None),
        )  # fmt: skip


def _alike(line: Line) -> str:
    """What two statements of an account both tell of one line: reference, day, amount, direction, and which payments it is of.

    Payments of which the bank tells nothing say nothing: a statement imported before they were kept is of the same lines.
    """
    parts = (f"{part.attempt or ''}/{part.remittance_code or ''}" for part in line.parts if not part.untold)
    told = (line.bank_reference or "", line.booked_on, f"{line.money.amount:f}", line.direction, *parts)
    return hashlib.sha256("|".join(map(str, told)).encode()).hexdigest()


def _in_its_currency(part: Part, line: Line) -> Money | None:
    # Of several in another currency nobody knows what each was in the account's.
    return part.money if part.money is not None and part.money.currency == line.money.currency else None


def line_id(file_id: UUID, number: int, part: int) -> UUID:
    """The id of a line, always the same (RFC 9562, version 8): it sorts by its file, its number and its part."""
    tail = int.from_bytes(hashlib.sha256(f"{file_id} {number} {part}".encode()).digest()[:5]) & 0xF_FFFF_FFFF
    place = (number >> 8) << 64 | (number & 0xFF) << 54 | part << 36
    return UUID(int=(file_id.int >> 80) << 80 | 8 << 76 | 2 << 62 | place | tail)


def _import(order: ImportBankFile, facts: BankFileFacts, context: Context) -> Events:
    if facts.imported_already is not None:
        raise imported_already(facts.imported_already)
    if facts.i_paid:
        raise not_by_whoever_paid()
    if facts.waiting >= MOST_UNCONFIRMED:
        raise RuleViolation(
            "too_many_unconfirmed", "As many files as one person may bring wait for a second person. Let one be confirmed or dropped first."
        )
    return (
        BankFileImported(
            file_kind=order.file_kind, sha256=order.sha256, lines=order.lines, lines_sha256=order.lines_sha256,
            statements=order.statements, identification=order.identification, instruction_id=order.instruction_id,
            imported_by=context.actor.person_id, imported_at=context.now, unconfirmed=True,
        ),
    )  # fmt: skip


BANK_FILE: Decider[BankFile, BankFileFacts] = Decider(
    rules=(opening(ImportBankFile, "Import a file of the bank's", _import), *CONFIRMING_RULES, *REVOKING_RULES),
    evolve=evolve,
    events=(BankFileImported, BankFileConfirmed, BankFileDropped, BankFileRevocationAsked, BankFileKept),
)
