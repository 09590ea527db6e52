"""Whose turn it is on a grant: which hats have something to do, what, and since when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from services.reintegration.domain.cash import WitnessCash
from services.reintegration.domain.certificate import CertifyMedicalNeed
from services.reintegration.domain.grant import ApproveGrant, EndorseGrant, ReviseGrant, SubmitGrant
from services.reintegration.domain.grant_state import Grant, GrantTranche
from services.reintegration.domain.hats import Hat
from services.reintegration.domain.papers import of_health
from services.reintegration.domain.stops import is_committed
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
    ReleaseTranche,
)
from shared.messages import Command

# Whose turn it is: a hat, and of the approver's the chief of mission's own.
TurnOf = Hat | Literal["chief"]
Step = Literal[
    "submit", "revise", "certify", "endorse", "approve", "release", "witness_cash", "confirm_payment", "confirm_delivery",
    "reconcile",
]

COMMANDS: Final[Mapping[Step, type[Command]]] = {
    "submit": SubmitGrant, "revise": ReviseGrant, "certify": CertifyMedicalNeed, "endorse": EndorseGrant, "approve": ApproveGrant,
    "release": ReleaseTranche, "witness_cash": WitnessCash, "confirm_payment": ConfirmPayment, "confirm_delivery": ConfirmDelivery, "reconcile": ReconcileTranche,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """The step by which a hat moves the grant on, and since when it waits for it."""

    step: Step
    since: datetime


def turns(grant: Grant) -> Mapping[TurnOf, Turn]:
    """Every hat whose turn it is; several at once where one tranche is accounted for and the next one due.

    It is about the grant alone: whether one of those who wear the hat may act on this very grant, guards say.
    """
    match grant.status:
        case "draft":
            return {"requester": Turn("submit", grant.waiting_since)}
        case "submitted":
            endorser: Mapping[TurnOf, Turn] = {"endorser": Turn("endorse", grant.waiting_since)}
            if of_health(grant) and grant.certificate is None:
                return {**endorser, "certifier": Turn("certify", grant.waiting_since)}
            return endorser
        case "returned":
            return {"requester": Turn("revise", grant.waiting_since)}
        case "endorsed":
            # The third approval is the chief of mission's.
            return {"chief" if len(grant.approvals) == 2 else "approver": Turn("approve", grant.waiting_since)}
        case "approved" | "in_disbursement" | "suspended" | "disbursed" | "cancelled":
            return _of_tranches(grant)
        case "completed" | "rejected":
            return {}


def _of_tranches(grant: Grant) -> Mapping[TurnOf, Turn]:
    found: dict[TurnOf, Turn] = {}
    released, paid, delivered = (grant.tranches_in(status) for status in ("released", "paid", "delivered"))
    # What the bank pays nobody confirms: its own files say so.
    unseen = [one for one in released if one.method == "cash" and one.witness is None]
    by_hand = [one for one in released if one.method != "bank_file" and one not in unseen]
    if by_hand:
        found["payer"] = Turn("confirm_payment", _first(grant, map(_payable_since, by_hand)))
    elif not released and _is_payable(grant) and grant.tranches_in("planned") and not paid:
        # The first tranche is due since the approval, a later one since the one before it was delivered, one whose payment
        # failed or came back since that became known.
        known = [one.delivered_at for one in grant.tranches if one.delivered_at]
        before = max((*known, *(former.ended_at for former in grant.former_attempts)), default=grant.approved_at)
        found["payer"] = Turn("release", before or grant.waiting_since)
    if unseen:
        found["deliverer"] = Turn("witness_cash", _first(grant, (one.released_at for one in unseen)))
    if paid:
        found["deliverer"] = Turn("confirm_delivery", _first(grant, (one.confirmed_at for one in paid)))
    if delivered:
        found["reconciler"] = Turn("reconcile", _first(grant, (one.delivered_at for one in delivered)))
    return found


def _payable_since(tranche: GrantTranche) -> datetime | None:
    return tranche.witness.witnessed_at if tranche.witness is not None else tranche.released_at


def _is_payable(grant: Grant) -> bool:
    return grant.status in ("approved", "in_disbursement") and not grant.recovery_is_open and is_committed(grant)


def _first(grant: Grant, moments: Iterable[datetime | None]) -> datetime:
    return min(moment or grant.waiting_since for moment in moments)
