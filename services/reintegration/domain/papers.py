"""Which papers of a grant tell what somebody suffers from, and to whom; and which of them are vouchers for its money."""

from dataclasses import replace
from typing import Final

from services.reintegration.domain.grant_state import Evidence, Grant
from services.reintegration.domain.plan_lines import OF_HEALTH
from shared.actors import ABROAD, Actor, Role
from shared.contracts.reintegration import PAPERS_OF_HEALTH

# Who decides on money or accounts for it, whatever else they are.
_DECIDES: Final[frozenset[Role]] = frozenset(
    {
        Role.COORDINATOR, Role.FINANCE_APPROVER, Role.FINANCE_PAYER, Role.OFFICE_PAYER, Role.FINANCE_RECONCILER, Role.CHIEF_OF_MISSION,
        Role.MANAGER, Role.AUDITOR,
    }
)  # fmt: skip

# What is opened to an auditor, and nothing else of what was filed.
VOUCHERS: Final[frozenset[str]] = frozenset({"receipt", "invoice", "handover_certificate"})


def of_health(grant: Grant) -> bool:
    """Whether what the grant is for tells of somebody's health."""
    return grant.category in OF_HEALTH


def may_be_shown(paper: Evidence, grant: Grant, reader: Actor) -> bool:
    """Whether a reader of the grant is shown this paper of it.

    One that tells a diagnosis is shown to medical staff, and to the side that filed it: an office of the grant's country,
    or the counsellor who filed it or whose case it is. Medical staff of an office are of that side and no other. Whoever decides on money sees none but what they filed themselves.
    """
    if paper.kind not in PAPERS_OF_HEALTH or paper.filed_by == reader.person_id:
        return True
    if reader.roles & _DECIDES:
        return False
    of_an_office = Role.RECEIVING_OFFICE in reader.roles
    if Role.MEDICAL in reader.roles and reader.roles.isdisjoint(ABROAD):
        return True
    if paper.filed_as == "receiving_office":
        return of_an_office and grant.destination_country in reader.countries
    return Role.COUNSELLOR in reader.roles and grant.counsellor_id == reader.person_id


def as_shown(grant: Grant, reader: Actor) -> Grant:
    """The grant with the papers that this reader is shown."""
    shown = tuple(paper for paper in grant.evidence if may_be_shown(paper, grant, reader))
    told = {paper.evidence_id for paper in shown}
    return replace(grant, evidence=shown, papers=tuple(paper for paper in grant.papers if paper in told))


def vouchers_of(grant: Grant) -> tuple[Evidence, ...]:
    """The papers that show what the grant's money was spent on, as far as they are opened to an auditor.

    None of a grant of health, whose bills tell of it: its category stands in no log. Whether it was one is known no longer
    once the person was erased, and of such a grant only those are told that are gone themselves.
    """
    if grant.category is None:
        return tuple(paper for paper in grant.evidence if paper.kind is None)
    return () if of_health(grant) else tuple(paper for paper in grant.evidence if paper.kind in VOUCHERS)
