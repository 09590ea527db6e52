"""What the bank says put together: files that were imported, what persons say of their lines, and what settles by the clock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from services.reintegration import bank_file_queries, bank_projections, bank_queries, bank_tables
from services.reintegration.domain import (
    bank_file_confirming,
    bank_file_revoking,
    bank_file_state,
    bank_files,
    bank_line_acts,
    bank_lines,
    settlement,
)
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from shared.aggregate import Aggregate
from shared.db import UnitOfWork
from shared.messages import Command, Context
from shared.settings import MISSION
from shared.timers import Timer


async def _file_facts(
    unit: UnitOfWork, file_id: UUID, state: bank_file_state.BankFile | None, command: Command | None, context: Context
) -> bank_file_state.BankFileFacts:
    if isinstance(command, bank_files.ImportBankFile):
        return await bank_file_queries.behind_an_import(unit, command, context.actor.person_id)
    if state is None or state.status == "dropped":
        return bank_file_state.BankFileFacts()
    if isinstance(command, bank_file_confirming.ConfirmBankFile | bank_file_revoking.RevokeBankFile):
        await bank_file_queries.hold_accounts(unit, file_id)
    return await bank_file_queries.behind_a_file(unit, file_id, state.imported_by, context.actor.person_id)


async def _line_facts(
    unit: UnitOfWork, line_id: UUID, state: bank_line_acts.BankLineAct | None, command: Command | None, context: Context
) -> bank_lines.BankLineFacts:
    return await bank_queries.behind_a_line(unit, line_id, state, command, context.actor.person_id)


def settles(command: Command | None) -> bool:
    """Whether a grant is asked for what the bank says of it."""
    return isinstance(command, settlement.SettleByBank)


async def behind_a_settlement(unit: UnitOfWork, grant_id: UUID, grant: Grant, now: datetime) -> GrantFacts:
    """The facts of a grant that is settled by what the bank says."""
    return await bank_queries.behind_a_settlement(unit, grant_id, grant, now, MISSION.mission_time_zone)


BANK_FILE: Aggregate[bank_file_state.BankFile, bank_file_state.BankFileFacts] = Aggregate(
    service="reintegration", name="bank_file", decider=bank_files.BANK_FILE, table=bank_tables.BANK_FILES,
    state=bank_file_state.BankFile, facts=_file_facts, project=bank_projections.of_a_file,
)

BANK_LINE: Aggregate[bank_line_acts.BankLineAct, bank_lines.BankLineFacts] = Aggregate(
    service="reintegration", name="bank_line", decider=bank_lines.BANK_LINE, table=bank_tables.BANK_LINE_ACTS,
    state=bank_line_acts.BankLineAct, facts=_line_facts, project=bank_projections.acts, chosen=False,
)

AGGREGATES: Final = (BANK_FILE, BANK_LINE)
CHECKS: Final = bank_projections.CHECKS
# Of which tables a person is told nothing, and why.
UNTOLD: Final[Mapping[str, str]] = dict.fromkeys(
    ("bank_files", "bank_statements", "bank_lines", "bank_line_accounts", "bank_line_acts"),
    "what was booked on the mission's accounts, by codes; each payment is told with its grant",
)
# Each minute, so that nobody has to think of it: whatever grant a line of the bank's says something of.
TIMERS: tuple[Timer, ...] = (Timer("grant", settlement.SettleByBank(), bank_queries.DUE),)
