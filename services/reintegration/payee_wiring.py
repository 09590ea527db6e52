"""Payees put together: core, table, facts and projections."""

from uuid import UUID

from services.reintegration import payee_projections, payee_queries, payee_tables
from services.reintegration.domain import payee
from shared.actors import Actor, Role
from shared.aggregate import Aggregate
from shared.db import UnitOfWork
from shared.messages import Command, Context
from shared.policy import Reach


async def _payee_facts(
    unit: UnitOfWork, _: UUID, __: payee.Payee | None, command: Command | None, context: Context
) -> payee.PayeeFacts:
    if not isinstance(command, payee.RegisterPayee) or command.case_id is None:
        return payee.PayeeFacts()
    facts = await payee_queries.behind_a_payee(unit, command.case_id)
    if Role.RECEIVING_OFFICE in context.actor.roles and (facts.case is None or not facts.case.arrived):
        # Before an arrival a receiving office knows of no case here.
        return payee.PayeeFacts()
    return facts


def _within(known: payee.Payee, reach: Reach, _: Actor) -> bool:
    return reach.covers(known.country)


PAYEE: Aggregate[payee.Payee, payee.PayeeFacts] = Aggregate(
    service="reintegration", name="payee", decider=payee.PAYEE, table=payee_tables.PAYEES, state=payee.Payee,
    facts=_payee_facts, project=payee_projections.payee_accounts,
    partition=lambda id, known: known.case_id or id, within=_within,
)  # fmt: skip
