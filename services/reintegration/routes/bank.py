"""Reintegration's API for what the bank says: its files, imported once, and the queue of lines that settle nothing by themselves."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.reintegration import bank_file_queries, bank_projections, bank_queries, paid_accounts
from services.reintegration.bank.camt053 import read_statements
from services.reintegration.bank.messages import LARGEST_FILE
from services.reintegration.bank.pain002 import read_status_report
from services.reintegration.bank_wiring import BANK_FILE, BANK_LINE
from services.reintegration.domain.bank_file_confirming import ConfirmBankFile, DropBankFile
from services.reintegration.domain.bank_file_revoking import AskToRevokeBankFile, KeepBankFile, RevokeBankFile
from services.reintegration.domain.bank_files import (
    ImportBankFile,
    KeptLine,
    by_codes,
    identification,
    lines_hash,
    of_report,
    of_statements,
)
from services.reintegration.domain.bank_line_acts import refuse_unless_free
from services.reintegration.domain.bank_lines import (
    ConfirmApart,
    ConfirmExplanation,
    ConfirmMatch,
    ConfirmUndoing,
    DropExplanation,
    DropMatch,
    ExplainLine,
    KeepMatch,
    KeepTogether,
    MatchLine,
    ProposeExplanation,
    TellApart,
    UndoMatch,
    refuse_to_explain_alone,
    refuse_to_explain_by_two,
    refuse_unless_told_again,
)
from services.reintegration.domain.settlement import SettleByBank
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import WIRING
from shared.actors import Actor
from shared.callers import AuthenticatedRoute
from shared.contracts.bank import BankFileKind, ImportedStatement
from shared.db import UnitOfWork
from shared.errors import NotFound, NotPermitted, Refusal
from shared.handling import Handled, Repeat, handle, transact
from shared.http import Action, Call, Calling, Limit, Page, Receipt
from shared.ids import FIRST
from shared.messages import Command, Context
from shared.money import Currency
from shared.new_ids import NewId
from shared.policy import EVERYWHERE
from shared.uploads import takes_file

# How the document of the API describes a body that is a message of ISO 20022.
_XML_SENT: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}}}
}
# So many grants are settled while somebody waits, well within a request's time; the clock goes on with the others.
_MOST_AT_ONCE: Final = 200

_SAID_ANEW: Final[tuple[type[Command], ...]] = (ExplainLine, ProposeExplanation, MatchLine, TellApart)

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


class Settled(BaseModel):
    """What one pass over a file came to: payments that were settled, and grants of which a line still waits."""

    settled: int
    waiting: int


class BankFileView(bank_file_queries.BankFileRow):
    """A file of the bank's with what its reader may do with it."""

    version: int
    actions: list[Action]


class BankLineView(bank_queries.BankLineRow):
    """A line of the bank's with what its reader may say of it; ``version`` 0 as long as nobody said anything."""

    version: int
    actions: list[Action]


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file says, as it is kept."""

    lines: tuple[KeptLine, ...]
    statements: tuple[ImportedStatement, ...] = ()
    identification: str | None = None
    instruction_id: UUID | None = None


@router.put("/bank-files/{file_id}", openapi_extra=_XML_SENT)
@takes_file(ImportBankFile, LARGEST_FILE)
async def import_bank_file(file_id: NewId, call: Calling, file_kind: Annotated[BankFileKind, Query()]) -> Receipt:
    """Takes a statement (camt.053) or a status report (pain.002) of the bank's, whole or not at all; it counts once it is confirmed."""
    async with call.file() as sent:
        hashed = sha256(sent).hexdigest()
        read = await (_statements(call, file_id, sent) if file_kind == "statement" else _report(call, file_id, sent))
        order = ImportBankFile(
            file_kind=file_kind, sha256=hashed, lines=len(read.lines), lines_sha256=lines_hash(read.lines),
            statements=read.statements, identification=read.identification, instruction_id=read.instruction_id,
            attempts=tuple({line.attempt_id: None for line in read.lines if line.attempt_id is not None}),
        )  # fmt: skip
        again = Repeat.of(f"bank:{file_id}", call.operation, file_id, f"{file_kind} {hashed}".encode())
        kept = bank_projections.kept(file_id, call.context.now, read.lines)
        accounts = await call.ask(lambda unit: paid_accounts.of_lines(unit, read.lines))
        return await call.order(BANK_FILE, file_id, order, repeat=again, beside=(*kept, *accounts))


@router.get("/bank-files")
async def list_bank_files(
    call: Calling, after: UUID | None = None, limit: Annotated[Limit, Query()] = 50
) -> Page[bank_file_queries.BankFileRow]:
    """Every file that was imported, with its statements: whether it counts, whether they follow on each other, and what became of their lines."""
    return await call.page(
        bank_file_queries.LISTED, bank_file_queries.BankFileRow, after, limit, reader=call.context.actor.person_id
    )


@router.get("/bank-files/{file_id}")
async def read_bank_file(file_id: UUID, call: Calling) -> BankFileView:
    """One file, whether it counts, and what its reader may do with it; what whoever confirms has to see at the bank is left out."""
    found = await call.ask(lambda unit: bank_file_queries.one_file(unit, file_id, call.context.actor.person_id))
    if found is None:
        raise NotFound
    view = await call.view(BANK_FILE, file_id)
    return BankFileView.model_validate({**found, "version": view.version, "actions": view.actions})


@router.post("/bank-files/{file_id}/confirm")
async def confirm_bank_file(file_id: UUID, body: ConfirmBankFile, call: Calling) -> Receipt:
    """Confirms what a colleague imported, after a look into the bank's own portal; from here on its lines count."""
    return await call.order(BANK_FILE, file_id, body)


@router.post("/bank-files/{file_id}/drop")
async def drop_bank_file(file_id: UUID, body: DropBankFile, call: Calling) -> Receipt:
    """Drops a file that does not count, so that what the bank really sent can be imported."""
    return await call.order(BANK_FILE, file_id, body)


@router.post("/bank-files/{file_id}/ask-to-revoke")
async def ask_to_revoke_bank_file(file_id: UUID, body: AskToRevokeBankFile, call: Calling) -> Receipt:
    """Asks another person to drop a file that counts, of which nothing has followed."""
    return await call.order(BANK_FILE, file_id, body)


@router.post("/bank-files/{file_id}/revoke")
async def revoke_bank_file(file_id: UUID, body: RevokeBankFile, call: Calling) -> Receipt:
    """Drops a file that counts, as a colleague asked, so that what the bank really sent can be imported."""
    return await call.order(BANK_FILE, file_id, body)


@router.post("/bank-files/{file_id}/keep")
async def keep_bank_file(file_id: UUID, body: KeepBankFile, call: Calling) -> Receipt:
    """Lets a file count on that a colleague asked to drop."""
    return await call.order(BANK_FILE, file_id, body)


@router.post("/bank-files/{file_id}/settle")
async def settle_bank_file(file_id: UUID, call: Calling) -> Settled:
    """Settles at once what the lines of a file say of payments, which by itself takes up to a minute; each by itself.

    Asked again it finds nothing, so it takes no key. What it does the service does, in nobody's hat.
    """
    settled = 0
    # A payment that was made and came back is two steps of one grant.
    while due := await call.ask(lambda unit: bank_queries.due_of_file(unit, file_id)):
        done = [await _settled(call, grant_id) for grant_id in due[: _MOST_AT_ONCE - settled]]
        settled += sum(done)
        if not any(done):
            break
    return Settled(settled=settled, waiting=len(set(due)))


@router.get("/bank-lines")
async def list_bank_lines(
    call: Calling,
    state: Annotated[bank_queries.LineState, Query()] = "unmatched",
    file_id: Annotated[UUID | None, Query()] = None,
    recovers: Annotated[
        Currency | None, Query(description="Credits alone in this currency by which money that was asked back may have come.")
    ] = None,
    after: UUID | None = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[bank_queries.BankLineRow]:
    """Lines of the bank's at one state, the queue of those that wait unless said otherwise; or all of one file.

    Of a file that nobody confirmed yet whoever brought it is told alone.
    """
    reader = call.context.actor.person_id

    async def work(unit: UnitOfWork) -> list[bank_queries.BankLineRow]:
        if file_id is not None:
            return await bank_queries.lines_of_file(unit, file_id, reader, after or FIRST, limit + 1)
        if recovers is not None:
            return await bank_queries.lines_that_recover(unit, recovers, after or FIRST, limit + 1)
        return await bank_queries.lines_of_state(unit, state, reader, after or FIRST, limit + 1)

    found = await call.ask(work)
    items = found[:limit]
    return Page(items=items, next=call.goes_on_after(str(items[-1].id), limit) if len(found) > limit else None)


@router.get("/bank-line-counts")
async def read_bank_line_counts(call: Calling) -> dict[bank_queries.LineState, int]:
    """How many lines stand at each state; of files that nobody confirmed yet those of the reader's own."""
    return await call.ask(lambda unit: bank_queries.counted(unit, call.context.actor.person_id))


@router.get("/bank-lines/{line_id}")
async def read_bank_line(line_id: UUID, call: Calling) -> BankLineView:
    """One line of the bank's, with what became of it and what its reader may say of it."""
    line = await call.ask(lambda unit: bank_queries.one_line(unit, line_id, call.context.actor.person_id))
    if line is None:
        raise NotFound
    begun = [_begins(call, line, command) for command in _SAID_ANEW if command is not TellApart or line.state == "duplicate"]
    if line.act is None:
        return BankLineView(**line.model_dump(), version=0, actions=begun)
    view = await call.view(BANK_LINE, line_id, recorded=True)
    return BankLineView(**line.model_dump(), version=view.version, actions=[*begun, *view.actions])


@router.post("/bank-lines/{line_id}/explain")
async def explain_line(line_id: UUID, body: ExplainLine, call: Calling) -> Receipt:
    """Says what a line is that is no payment of ours."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/propose-explanation")
async def propose_explanation(line_id: UUID, body: ProposeExplanation, call: Calling) -> Receipt:
    """Says what a line is that names a payment of ours and is none."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/confirm-explanation")
async def confirm_explanation(line_id: UUID, body: ConfirmExplanation, call: Calling) -> Receipt:
    """Confirms what a line is that names a payment of ours, as a colleague said."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/drop-explanation")
async def drop_explanation(line_id: UUID, body: DropExplanation, call: Calling) -> Receipt:
    """Takes back what a line that names a payment of ours was said to be."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/match")
async def match_line(line_id: UUID, body: MatchLine, call: Calling) -> Receipt:
    """Says of which attempt to pay a line is."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/confirm-match")
async def confirm_match(line_id: UUID, body: ConfirmMatch, call: Calling) -> Receipt:
    """Confirms of which attempt to pay a line is, as a colleague found."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/drop-match")
async def drop_match(line_id: UUID, body: DropMatch, call: Calling) -> Receipt:
    """Takes back of which attempt to pay a line is."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/undo-match")
async def undo_match(line_id: UUID, body: UndoMatch, call: Calling) -> Receipt:
    """Says that a line is not of the attempt that two persons found."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/confirm-undoing")
async def confirm_undoing(line_id: UUID, body: ConfirmUndoing, call: Calling) -> Receipt:
    """Confirms that a line is not of that attempt."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/keep-match")
async def keep_match(line_id: UUID, body: KeepMatch, call: Calling) -> Receipt:
    """Leaves a line with the attempt that two persons found."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/tell-apart")
async def tell_apart(line_id: UUID, body: TellApart, call: Calling) -> Receipt:
    """Says that a line which was taken for one told again is another one."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/confirm-apart")
async def confirm_apart(line_id: UUID, body: ConfirmApart, call: Calling) -> Receipt:
    """Confirms that it is another line, as a colleague found."""
    return await call.order(BANK_LINE, line_id, body)


@router.post("/bank-lines/{line_id}/keep-together")
async def keep_together(line_id: UUID, body: KeepTogether, call: Calling) -> Receipt:
    """Takes back, or declines, that it is another line."""
    return await call.order(BANK_LINE, line_id, body)


async def _statements(call: Call, file_id: UUID, sent: bytes) -> _Read:
    known = await call.ask(bank_queries.known_accounts)
    found = await asyncio.to_thread(read_statements, sent, [one.account for one in known])
    told, lines = of_statements(file_id, found, known)
    if any(line.remittance_code and line.attempt_id is None for line in lines):
        lines = by_codes(lines, await call.ask(bank_queries.attempts_with_codes))
    return _Read(lines, told)


async def _report(call: Call, file_id: UUID, sent: bytes) -> _Read:
    report = await asyncio.to_thread(read_status_report, sent)
    blocks = await call.ask(lambda unit: bank_queries.blocks_of(unit, report.instruction))
    lines = of_report(file_id, report, blocks)
    return _Read(lines, identification=identification(report.id), instruction_id=report.instruction)


async def _settled(call: Call, grant_id: UUID) -> bool:
    """Whether anything was settled on a grant; what is refused waits, and keeps no other from its turn."""
    context = Context(Actor.service(call.runtime.service), call.context.now)

    async def work(unit: UnitOfWork) -> Handled:
        return await handle(unit, GRANT, grant_id, SettleByBank(), context, call.origin, reach=EVERYWHERE)

    try:
        return (await transact(call.runtime.database, EVERYWHERE.scope(context.actor), work, WIRING.refusals)).changed
    except Refusal:
        return False


def _begins(call: Call, line: bank_queries.BankLineRow, command: type[Command]) -> Action:
    name, label = call.runtime.operations[command], BANK_LINE.decider.rule(command).label
    stands = _against_beginning(line, command) if call.may(name) else NotPermitted()
    return Action(
        name=name, label=label, allowed=stands is None, reason=stands.code if stands else None,
        sentence=stands.sentence if stands else None, step_up=name in call.runtime.policy.step_up,
    )  # fmt: skip


def _against_beginning(line: bank_queries.BankLineRow, command: type[Command]) -> Refusal | None:
    """What stands against saying something anew of a line; of which attempt it is has to be said first to know more."""
    try:
        if command is TellApart:
            refuse_unless_told_again(line.act, told_again=line.state == "duplicate")
            return None
        refuse_unless_free(line.act, waits=line.state == "unmatched")
        if command is ExplainLine:
            refuse_to_explain_alone(names_ours=line.grant_id is not None or line.may_be_ours)
        elif command is ProposeExplanation:
            refuse_to_explain_by_two(names_ours=line.grant_id is not None or line.may_be_ours)
    except Refusal as refusal:
        return refusal
    return None
