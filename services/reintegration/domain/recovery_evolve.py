"""How the facts of a recovery change a grant: what is asked back, what of it came back, and what is written off."""

from dataclasses import replace

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.recovery_state import MoneyBack, ProposedBack, WriteOff
from shared.contracts.recoveries import (
    MoneyRecovered,
    RecoveryClosed,
    RecoveryProposalDropped,
    RecoveryProposed,
    RecoveryWrittenOff,
    WriteOffAsked,
    WriteOffDropped,
)
from shared.contracts.stops import RecoveryOpened
from shared.messages import Event


def asked_back(state: Grant, event: Event) -> Grant:
    """The grant after an event of its recovery; TypeError for an event that is not one of a grant."""
    match event:
        case RecoveryOpened():
            # After one was closed another may be opened: what is asked back in all counts.
            return replace(
                state, recovery_opened_at=event.opened_at, recovery_for=event.reason, recovery_closed_at=None,
                recovery_amount=(state.recovery_amount or NOTHING) + event.money.amount,
            )  # fmt: skip
        case MoneyRecovered():
            return _came_back(state, event)
        case RecoveryProposed():
            said = ProposedBack(
                event.proposal_no, event.money.amount, event.received_on, event.reference, event.proposed_by, event.proposed_at
            )
            return replace(
                state, recovery_proposed=said, recovery_proposal_no=event.proposal_no, reconciler_id=event.proposed_by
            )
        case RecoveryProposalDropped():
            return replace(state, recovery_proposed=None)
        case WriteOffAsked():
            waiting = WriteOff(event.write_off_no, event.money.amount, event.reason, event.asked_by, event.asked_at)
            return replace(state, write_off=waiting, write_off_no=event.write_off_no)
        case WriteOffDropped():
            return replace(state, write_off=None)
        case RecoveryWrittenOff():
            done = WriteOff(
                event.write_off_no, event.money.amount, event.reason, event.asked_by, event.asked_at, event.confirmed_by,
                event.confirmed_at,
            )  # fmt: skip
            return replace(
                state, write_off=None, write_offs=(*state.write_offs, done), written_off=state.written_off + event.money.amount
            )
        case RecoveryClosed():
            return replace(state, recovery_closed_at=event.closed_at)
        case _:
            raise TypeError(f"{type(event).__name__} is not an event of a grant")


def _came_back(state: Grant, event: MoneyRecovered) -> Grant:
    back = MoneyBack(
        recovery_no=event.recovery_no, amount=event.money.amount, in_fund=None if event.in_fund is None else event.in_fund.amount,
        received_on=event.received_on, reference=event.reference, bank_line=event.bank_line, recorded_by=event.recorded_by,
        recorded_at=event.recorded_at, posted_in=event.posted_in, proposed_by=event.proposed_by,
    )  # fmt: skip
    return replace(
        state,
        recoveries=(*state.recoveries, back),
        # By a line comes other money than what somebody said was given back.
        recovery_proposed=state.recovery_proposed if event.proposed_by is None else None,
        recovered=state.recovered + event.money.amount,
        fund_recovered=(state.fund_recovered or NOTHING) + (event.in_fund or event.money).amount,
        reconciler_id=event.recorded_by,
    )
