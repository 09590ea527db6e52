"""What goes to the bank, put together: the mission's own accounts, and batches with the facts of their payments."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.reintegration import batch_projections, batch_queries, batch_tables, own_account_queries
from services.reintegration.domain import batch, batch_state, own_accounts
from services.reintegration.domain.batch_file import BatchFacts
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from shared.aggregate import Aggregate
from shared.db import UnitOfWork
from shared.handling import locked, states
from shared.messages import Command, Context
from shared.policy import EVERYWHERE
from shared.sealed_rows import Sealed
from shared.settings import MISSION


async def _account_facts(
    unit: UnitOfWork, account_id: UUID, state: own_accounts.OwnAccount | None, command: Command | None, _: Context
) -> own_accounts.OwnAccountFacts:
    if state is None or not isinstance(command, own_accounts.CloseOwnAccount | None):
        return own_accounts.OwnAccountFacts()
    return await own_account_queries.behind_an_account(unit, account_id, held=command is not None)


OWN_ACCOUNT: Aggregate[own_accounts.OwnAccount, own_accounts.OwnAccountFacts] = Aggregate(
    service="reintegration", name="own_account", decider=own_accounts.OWN_ACCOUNT, table=batch_tables.OWN_ACCOUNTS,
    state=own_accounts.OwnAccount, facts=_account_facts,
)  # fmt: skip

Batches = Aggregate[batch_state.PaymentBatch, BatchFacts]
Grants = Aggregate[Grant, GrantFacts]


def batches_of(grants: Grants) -> Batches:
    """Payment batches, whose payments are tranches of these grants."""

    async def facts(
        unit: UnitOfWork, batch_id: UUID, state: batch_state.PaymentBatch | None, command: Command | None, context: Context
    ) -> BatchFacts:
        match command:
            case batch.MakeBatch(own_account_id=account_id, attempts=attempts):
                return await _behind(unit, grants, batch_id, account_id, attempts, context)
            case batch.ApproveBatch() | batch.TakeBatchFile() if state is not None:
                return await _behind(unit, grants, batch_id, state.own_account_id, state.attempts, context)
            case batch.DropBatch() | batch.ConfirmBatchDrop():
                over, not_cleared = await batch_queries.answered(unit, batch_id)
                return BatchFacts(batch_id, over=over, not_cleared=not_cleared)
            case _:
                return BatchFacts(batch_id)

    return Aggregate(
        service="reintegration", name="payment_batch", decider=batch.PAYMENT_BATCH, table=batch_tables.PAYMENT_BATCHES,
        state=batch_state.PaymentBatch, facts=facts, project=batch_projections.batch_payments, sealed=(Sealed("file_sha256"),),
    )  # fmt: skip


async def written(unit: UnitOfWork, grants: Grants, batch_id: UUID, state: batch_state.PaymentBatch, context: Context) -> bytes:
    """The file of a batch as it was signed, for who took it; refused as `batch.file_for` says."""
    facts = await _behind(unit, grants, batch_id, state.own_account_id, state.attempts, context)
    return batch.file_for(state, facts, context)


async def _behind(
    unit: UnitOfWork, grants: Grants, batch_id: UUID, account_id: UUID, attempts: Sequence[UUID], context: Context
) -> BatchFacts:
    async def the_grants(ids: Collection[UUID]) -> Mapping[UUID, Grant]:
        return await states(unit, grants, ids, context.actor, reach=EVERYWHERE)

    account = await locked(unit, OWN_ACCOUNT, account_id)
    found = await batch_queries.candidates(unit, batch_id, attempts, the_grants)
    return BatchFacts(batch_id, _today(context.now), account, found)


def _today(now: datetime) -> date:
    return now.astimezone(ZoneInfo(MISSION.mission_time_zone)).date()
