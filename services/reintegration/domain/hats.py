"""Who wears which hat on a grant, and the rule that nobody wears two.

Requester, endorser, approver, payer and reconciler are five hats on five different heads. Several persons may
wear the same hat (a deputy pays the second tranche); nobody who ever wore one may take another, be it on an earlier version of the request. The case's
counsellor may wear only the requester's. Who confirms a delivery wears none of the five but stands beside
them: of all who acted, only the requester may be that person; so does who sees that cash is handed over. Who certifies what a grant of health needs wears none of
the five either, and is nobody else of those who acted. Whose authority a deputy approved by wears the approver's hat as well.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import EndedEarly, Grant
from shared.errors import FourEyes
from shared.messages import Context

TakenLater = Literal["certifier", "endorser", "approver", "payer", "reconciler", "deliverer"]
Hat = Literal["requester"] | TakenLater

_DID: Mapping[Hat, str] = {
    "requester": "asked for this grant",
    "certifier": "said what this grant needs",
    "endorser": "endorsed this grant",
    "approver": "approved this grant, or a deputy did by your authority",
    "payer": "paid on this grant",
    "reconciler": "reconciled on this grant",
    "deliverer": "confirmed a delivery or a handover on this grant",
}
_MUST: Mapping[TakenLater, str] = {
    "certifier": "certify it",
    "endorser": "endorse it",
    "approver": "approve it",
    "payer": "pay it",
    "reconciler": "reconcile it",
    "deliverer": "confirm its deliveries",
}


def hats(grant: Grant) -> frozenset[tuple[Hat, str]]:
    """Each hat that was worn on this grant with the person who wore it."""
    return frozenset((hat, person) for hat, person in _worn(grant) if person is not None)


@dataclass(frozen=True, slots=True)
class _MayWear:
    """Refuses as ``four_eyes`` whoever wore another hat on the grant or counsels the case."""

    hat: TakenLater

    def __call__(self, state: Grant, facts: GrantFacts, context: Context) -> None:
        person_id = context.actor.person_id
        for other, wearer in sorted(hats(state)):
            if wearer == person_id and other != self.hat and {self.hat, other} != {"requester", "deliverer"}:
                raise FourEyes(f"You {_DID[other]}, so somebody else has to {_MUST[self.hat]}.")
        if self.hat == "payer" and any(visit.recorded_by == person_id for visit in state.visits):
            raise FourEyes("You visited for this grant, so somebody else has to pay it.")
        if person_id == state.counsellor_id:
            raise FourEyes(f"You are the counsellor of this case, so somebody else has to {_MUST[self.hat]}.")


def may_wear(hat: TakenLater) -> Callable[[Grant, GrantFacts, Context], None]:
    """The guard that refuses as ``four_eyes`` whoever wore another hat on the grant or counsels the case."""
    return _MayWear(hat)


def not_the_requester(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard for decisions that are no hat: nobody sends back or rejects their own request."""
    if context.actor.person_id == state.requester_id:
        raise FourEyes("You asked for this grant, so somebody else has to decide on it.")


def _worn(grant: Grant) -> Iterator[tuple[Hat, str | None]]:
    yield "requester", grant.requester_id
    yield "certifier", grant.certificate.attested_by if grant.certificate is not None else None
    yield "endorser", grant.endorser_id
    for former in grant.former_endorsers:
        yield "endorser", former
    yield "approver", grant.approver_id
    for former in grant.former_approvers:
        yield "approver", former
    for approval in grant.approvals:
        yield "approver", approval.approver_id
        yield "approver", approval.holder_id
    for addition in grant.additions:
        yield "approver", addition.adder_id
        yield "approver", addition.holder_id
    yield "payer", grant.payer_id
    yield "reconciler", grant.reconciler_id
    for tranche in grant.tranches:
        yield "payer", tranche.released_by
        yield "payer", tranche.confirmed_by
        yield "deliverer", tranche.delivered_by
        yield "deliverer", tranche.witness.witnessed_by if tranche.witness is not None else None
        yield "reconciler", tranche.end_asked.asked_by if tranche.end_asked is not None else None
        yield "reconciler", tranche.reconciled_by
        yield from _ended_early(tranche.ended_early)
    for attempt in grant.former_attempts:
        yield "payer", attempt.released_by
        yield "payer", attempt.confirmed_by
        if attempt.ended_as is not None:
            yield attempt.ended_as, attempt.ended_by
        yield "reconciler", attempt.end_asked_by
        yield from _ended_early(attempt.ended_early)
        yield "deliverer", attempt.witness.witnessed_by if attempt.witness is not None else None
    for back in grant.recoveries:
        yield "reconciler", back.recorded_by
        yield "reconciler", back.proposed_by
    if grant.recovery_proposed is not None:
        yield "reconciler", grant.recovery_proposed.proposed_by


def _ended_early(ended: EndedEarly | None) -> Iterator[tuple[Hat, str | None]]:
    if ended is not None:
        yield "reconciler", ended.asked_by
        yield "reconciler", ended.ended_by
