"""From the wish to return to the decision on assistance: screening begun, declaration, application, approval."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.returns.domain.case_guards import (
    also_on_hold,
    nobody_gone,
    not_by_the_counsellor,
    only_in,
    traveller,
)
from services.returns.domain.case_ref import CASE_REF_PATTERN
from services.returns.domain.case_state import Case, CaseFacts
from services.returns.domain.of_age import is_adult, is_declared, may_answer_for
from services.returns.domain.screening_lines import as_told_to, is_settled, screening_is_open
from shared.contracts.counselling import Country, CoveredPerson, Language
from shared.contracts.returns import (
    ApplicationSubmitted,
    CaseApproved,
    CaseDeclaredIneligible,
    CaseOpened,
    DeclarationSigned,
    IneligibleReason,
    ScreeningStarted,
)
from shared.decider import Events, Rule, changing, recording
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Concealed, Context
from shared.moments import Moment, refuse_future


class RecordIntention(Command):
    """Take note that somebody wishes to return, with every person who would go along."""

    case_ref: Annotated[str, Field(pattern=CASE_REF_PATTERN)]
    principal_id: UUID
    persons: tuple[CoveredPerson, ...]
    destination_country: Country
    counsellor_id: str
    expressed_at: Moment


class StartScreening(Command):
    """Begin the screening of every person of the case."""


class SignDeclaration(Command):
    """Record the signed declaration of one person: an adult signs in person, for a child an adult of the case."""

    person_id: UUID
    signed_by: UUID
    method: Literal["signature", "thumbprint", "witnessed_verbal"]
    language: Language
    signed_at: Moment


class SubmitApplication(Command):
    """Submit the application for assistance, once everybody is screened and everybody's declaration is signed."""


class DeclareIneligible(Command):
    """Decide that assistance cannot be given, and tell the migrant why and where to complain."""

    reason: IneligibleReason


class ApproveCase(Command):
    """Approve the application. This is for somebody who neither counselled nor submitted it."""


def _consents_stand(case: Case, facts: CaseFacts, _: Context) -> None:
    if not all(facts.of(person.person_id).data_consent for person in case.consenting):
        raise RuleViolation(
            "data_consent_missing",
            "Not every adult of the case has agreed to the processing of their data. A counsellor can ask for the "
            "consent that is missing.",
        )


def _everybody_is_screened(case: Case, _: CaseFacts, __: Context) -> None:
    if not is_settled(case, "applied"):
        raise _screening_is_incomplete()


def _screening_is_incomplete() -> RuleViolation:
    return RuleViolation(
        "screening_incomplete",
        "The screening of somebody who would travel is not complete, or something in it stands against an application. "
        "The counsellor of the case or protection can say what is missing.",
    )


def _screening_is_settled(case: Case, _: CaseFacts, __: Context) -> None:
    if not is_settled(case, "approved"):
        raise screening_is_open()


def _everybody_is_declared(case: Case, _: CaseFacts, context: Context) -> None:
    if not all(is_declared(person, case) for person in case.travelling):
        told = as_told_to(case, context.actor)
        if all(is_declared(person, told) for person in told.travelling):
            raise _screening_is_incomplete()
        raise RuleViolation(
            "declaration_missing",
            "Not everybody's declaration is signed. Adults sign their own, and an adult of the case signs for a child.",
        )


def _not_by_who_submitted(case: Case, _: CaseFacts, context: Context) -> None:
    if context.actor.person_id == case.submitted_by:
        raise FourEyes("You submitted this application. A colleague must decide on it.")


def _record_intention(state: Case | None, order: RecordIntention, _: CaseFacts, __: Context) -> Events:
    if state is not None:
        return ()
    return (
        CaseOpened(
            case_ref=order.case_ref,
            principal_id=order.principal_id,
            persons=order.persons,
            destination_country=order.destination_country,
            counsellor_id=order.counsellor_id,
            expressed_at=order.expressed_at,
        ),
    )


def _start_screening(_: Case, __: StartScreening, ___: CaseFacts, ____: Context) -> Events:
    return (ScreeningStarted(),)


def _sign_declaration(case: Case, order: SignDeclaration, _: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    refuse_future(order.signed_at, context)
    if not may_answer_for(person, order.signed_by, case):
        # A colleague of the counsellor is not told by the answer whose age screening doubts.
        told = as_told_to(case, context.actor)
        if may_answer_for(person, order.signed_by, told):
            raise screening_is_open()
        if is_adult(person, told):
            raise RuleViolation(
                "adult_signs_in_person", "An adult signs in person. Nobody else can sign this declaration."
            )
        raise RuleViolation(
            "guardian_not_in_case",
            "For a child its guardian signs, or an adult who belongs to the same case and has not withdrawn. Ask "
            "protection if there is none.",
        )
    if person.declared_by == order.signed_by:
        return ()
    return (
        DeclarationSigned(
            person_id=order.person_id,
            signed_by=order.signed_by,
            method=order.method,
            language=order.language,
            signed_at=order.signed_at,
        ),
    )


def _submit_application(_: Case, __: SubmitApplication, ___: CaseFacts, context: Context) -> Events:
    return (ApplicationSubmitted(submitted_by=context.actor.person_id),)


def _declare_ineligible(case: Case, order: DeclareIneligible, _: CaseFacts, __: Context) -> Events:
    return (
        CaseDeclaredIneligible(
            reason=Concealed.of(order.reason),
            person_ids=tuple(person.person_id for person in case.travelling),
        ),
    )


def _approve_case(_: Case, __: ApproveCase, ___: CaseFacts, context: Context) -> Events:
    return (CaseApproved(approved_by=context.actor.person_id),)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    recording(RecordIntention, "Take note of the wish to return", _record_intention),
    changing(StartScreening, "Start screening", _start_screening, only_in("intention"), _consents_stand),
    changing(
        SignDeclaration,
        "Record a signed declaration",
        _sign_declaration,
        # After the application too: when a guardian has withdrawn, another adult signs for the child.
        also_on_hold("screening", "applied", "approved", "preparing"),
    ),
    changing(
        SubmitApplication,
        "Submit the application",
        _submit_application,
        only_in("screening"),
        _everybody_is_screened,
        _everybody_is_declared,
    ),
    changing(
        DeclareIneligible,
        "Decide that assistance cannot be given",
        _declare_ineligible,
        only_in("screening", "applied"),
        not_by_the_counsellor,
        nobody_gone,
    ),
    changing(
        ApproveCase,
        "Approve the application",
        _approve_case,
        only_in("applied"),
        not_by_the_counsellor,
        _not_by_who_submitted,
        _screening_is_settled,
    ),
)
