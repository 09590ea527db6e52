"""Who signed the batch by which a grant is paid has paid: of every order it is known whether that stands against it."""

from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.cash import WitnessCash
from services.reintegration.domain.commitment_orders import AddToCommitment
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.recovery import (
    ConfirmRecovery,
    ConfirmWriteOff,
    RecordRecovery,
    WriteOffRecovery,
)
from services.reintegration.domain.signers import not_who_signed_its_batch
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ReconcileInTheirPlace,
    ReconcileTranche,
)
from services.reintegration.domain.unanswered import AskToEndPayment, ConfirmPaymentEnd, KeepPaymentOpen
from services.reintegration.domain.visits import RecordVisit
from shared.actors import Actor
from shared.messages import Command, Context, Event
from tests.given import NOON
from tests.unit.reintegration.examples import (
    APPROVER,
    CHIEF,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    RECONCILER,
    UNTIL_APPROVED,
    UNTIL_DELIVERED,
    UNTIL_PAID,
)
from tests.unit.reintegration.test_stops import RECOVERY

# What a payer takes no part in: the money's other side, and what was seen of it.
REFUSED: Final[frozenset[type[Command]]] = frozenset(
    {
        ReversePayment, AddToCommitment, WitnessCash, RecordVisit, ConfirmDelivery, ReconcileTranche, RecordRecovery,
        ConfirmRecovery, WriteOffRecovery, ConfirmWriteOff, AskToEndPayment, ConfirmPaymentEnd, KeepPaymentOpen,
        ReconcileInTheirPlace,
    }
)
# A payer's own, the bank's, and what is decided before anything is paid or moves no money.
OPEN: Final = {
    "DraftGrant", "SubmitGrant", "ReviseGrant", "ReturnGrant", "EndorseGrant", "RejectGrant", "ApproveGrant", "CancelGrant",
    "CertifyMedicalNeed", "RefuseCertificate", "ReleaseTranche", "ConfirmPayment", "SettleByBank", "SuspendGrant", "ResumeGrant",
    "OpenRecovery", "DropWriteOff", "DropRecovery", "FileEvidence", ReportPaymentFailed.__name__,
}
PASTS: Final[tuple[tuple[Event, ...], ...]] = (
    tuple(UNTIL_APPROVED), tuple(UNTIL_PAID), tuple(UNTIL_DELIVERED), (*UNTIL_DELIVERED, RECOVERY),
)  # fmt: skip
RULES: Final = {rule.command: rule for rule in GRANT.rules}


def test_every_order_on_a_grant_is_either_a_payers_own_or_closed_to_who_signed_its_batch() -> None:
    assert {command.__name__ for command in RULES if command not in REFUSED} == OPEN
    for command in RULES:
        assert (not_who_signed_its_batch in RULES[command].guards) == (command in REFUSED), command.__name__


@given(
    st.sampled_from(PASTS), st.sampled_from(sorted(REFUSED, key=lambda one: one.__name__)),
    st.sampled_from((OFFICE, RECONCILER, APPROVER, CHIEF)),
)  # fmt: skip
def test_whoever_signed_is_never_let_to_the_other_side_whatever_stands_there(
    past: tuple[Event, ...], command: type[Command], who: Actor
) -> None:
    state, context = GRANT.fold(past), Context(who, NOON)
    signed = replace(NOTHING_STANDS_AGAINST_IT, signed_its_batch=True)
    refusal = GRANT.refusal(state, command, signed, context)
    assert refusal is not None
    if GRANT.refusal(state, command, NOTHING_STANDS_AGAINST_IT, context) is None:
        assert refusal.code == "four_eyes"
    # What was not looked up stands against it.
    assert GRANT.refusal(state, command, GrantFacts(), context) is not None
