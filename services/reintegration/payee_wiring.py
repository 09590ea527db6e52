"""Payees put together: core, table, facts and projections."""

from dataclasses import replace
from uuid import UUID

from services.reintegration import (
    account_tokens,
    brought_list_queries,
    payee_projections,
    payee_queries,
    payee_retention_queries,
    payee_tables,
    sanctions_screening,
)
from services.reintegration.domain import (
    payee,
    payee_ending,
    payee_facts,
    payee_state,
    sanctions,
    screening,
    staff_accounts,
)
from services.reintegration.domain.brought_lists import ListFacts
from shared.actors import Actor, Role
from shared.aggregate import Aggregate
from shared.db import UnitOfWork
from shared.messages import Command, Context
from shared.policy import Reach
from shared.settings import MISSION
from shared.timers import Timer

_LOOKS_AT_THE_ACCOUNT = (payee.ConfirmPayee, payee.ConfirmCallBack, payee.AcceptSharedAccount)


async def _payee_facts(
    unit: UnitOfWork, payee_id: UUID, state: payee_state.Payee | None, command: Command | None, context: Context
) -> payee_facts.PayeeFacts:
    if isinstance(command, screening.ScreenPayee) and state is not None:
        lists, found = await sanctions_screening.found(unit, payee_id, state)
        return payee_facts.PayeeFacts(newest_lists=lists, found=found)
    if command is None or isinstance(command, _LOOKS_AT_THE_ACCOUNT):
        against = await account_tokens.against(unit, payee_id)
        return replace(against.known(), newest_lists=await sanctions_screening.newest_lists(unit))
    if isinstance(command, payee_ending.DeletePayeeDetails):
        return await payee_retention_queries.behind_an_ending(unit, payee_id, context.now, MISSION.mission_time_zone)
    if not isinstance(command, payee.RegisterPayee):
        return payee_facts.PayeeFacts()
    facts = await payee_queries.behind_a_payee(unit, payee_id, command, context.now)
    if Role.RECEIVING_OFFICE in context.actor.roles and facts.case is not None and not facts.case.arrived:
        # Before an arrival a receiving office knows of no case here.
        return replace(facts, case=None)
    return facts


def _within(known: payee_state.Payee, reach: Reach, _: Actor) -> bool:
    return reach.covers(known.country)


PAYEE: Aggregate[payee_state.Payee, payee_facts.PayeeFacts] = Aggregate(
    service="reintegration", name="payee", decider=payee.PAYEE, table=payee_tables.PAYEES, state=payee_state.Payee,
    facts=_payee_facts, project=payee_projections.payee_accounts,
    partition=lambda id, known: known.case_id or id, within=_within,
)  # fmt: skip


async def _staff_list_facts(
    unit: UnitOfWork, list_id: UUID, _: staff_accounts.StaffList | None, __: Command | None, ___: Context
) -> ListFacts:
    return await brought_list_queries.of_staff(unit, list_id)


async def _sanctions_list_facts(
    unit: UnitOfWork, list_id: UUID, known: sanctions.SanctionsList | None, command: Command | None, _: Context
) -> ListFacts:
    name = known.list_name if known is not None else getattr(command, "list_name", "")
    return await brought_list_queries.of_sanctions(unit, list_id, name)


STAFF_LIST: Aggregate[staff_accounts.StaffList, ListFacts] = Aggregate(
    service="reintegration", name="staff_list", decider=staff_accounts.STAFF_LIST, table=payee_tables.STAFF_LISTS,
    state=staff_accounts.StaffList, facts=_staff_list_facts,
)

SANCTIONS_LIST: Aggregate[sanctions.SanctionsList, ListFacts] = Aggregate(
    service="reintegration", name="sanctions_list", decider=sanctions.SANCTIONS_LIST, table=payee_tables.SANCTIONS_LISTS,
    state=sanctions.SanctionsList, facts=_sanctions_list_facts,
)

# By a clock, so that nobody has to think of it: each minute whoever is not screened against the newest lists.
TIMERS: tuple[Timer, ...] = (Timer("payee", screening.ScreenPayee(), sanctions_screening.DUE),)
