"""The evidence of a grant: receipts and other papers, filed by who is near the returnee and read by who decides."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant, GrantStatus
from services.reintegration.domain.papers import of_health
from services.reintegration.domain.tranches import TrancheNumber
from shared.actors import Role
from shared.contracts.reintegration import PAPERS_OF_HEALTH, EvidenceFiled, EvidenceKind, Sha256
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.files.media import MOST_BYTES, MediaType
from shared.messages import Command, Concealed, Context

# More than the longest grant needs, and few enough to be read together with it.
MOST_EVIDENCE = 40
_WHILE: frozenset[GrantStatus] = frozenset(
    {"draft", "submitted", "returned", "endorsed", "approved", "in_disbursement", "suspended", "disbursed"}
)


class FileEvidence(Command):
    """File a receipt or another paper. What it is, is known from the cleaned file; its kind, who files it says."""

    evidence_id: UUID
    kind: EvidenceKind
    media_type: MediaType
    size: Annotated[int, Field(strict=True, ge=1, le=MOST_BYTES)]
    sha256: Sha256
    tranche: TrancheNumber | None = None


def _still_accounted_for(state: Grant, facts: GrantFacts, context: Context) -> None:
    # What was paid on a cancelled grant is still delivered and reconciled, and so still shown.
    if state.status in _WHILE or (state.status == "cancelled" and state.tranches_in("paid", "delivered")):
        return
    raise RuleViolation(
        "wrong_status", "Nothing is left to be accounted for on this grant, so it takes no more evidence."
    )


def _file(state: Grant, order: FileEvidence, facts: GrantFacts, context: Context) -> Events:
    known = next((filed for filed in state.evidence if filed.evidence_id == order.evidence_id), None)
    if known is not None:
        said = (order.kind, order.media_type, order.size, order.sha256, order.tranche)
        if said == (known.kind, known.media_type, known.size, known.sha256, known.tranche):
            return ()
        raise RuleViolation("evidence_differs", "Other evidence was filed under this id. Open the page again and choose the file.")
    if len(state.evidence) >= MOST_EVIDENCE:
        raise RuleViolation("too_much_evidence", f"A grant takes {MOST_EVIDENCE} papers. Put what belongs together into one PDF.")
    if order.kind in PAPERS_OF_HEALTH and not of_health(state):
        # Nobody but whoever filed it could ever read it.
        raise RuleViolation(
            "paper_of_health",
            "This grant is not for anybody's health, so it takes no paper that tells what somebody suffers from.",
        )
    if order.tranche is not None and state.tranche(order.tranche) is None:
        raise RuleViolation("no_such_tranche", "The grant has no tranche with this number.")
    return (
        EvidenceFiled(
            evidence_id=order.evidence_id,
            evidence_kind=Concealed.of(order.kind),
            media_type=order.media_type,
            size=order.size,
            sha256=order.sha256,
            tranche=order.tranche,
            filed_by=context.actor.person_id,
            filed_as="receiving_office" if Role.RECEIVING_OFFICE in context.actor.roles else "counsellor",
            filed_at=context.now,
        ),
    )


EVIDENCE_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(FileEvidence, "File evidence", _file, _still_accounted_for),
)
