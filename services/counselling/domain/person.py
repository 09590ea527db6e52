"""A person known under an opaque id, the consents of this person, and that it was said who they are and when they were born."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import Field

from services.counselling.domain import erasure
from services.counselling.domain.age import age_group
from services.counselling.domain.case_guardian import (
    RecordCaseGuardian,
    RecordCaseGuardianEnded,
    RecordCaseGuardianMoved,
    case_guardian_after,
    record_case_guardian,
    record_case_guardian_ended,
    record_case_guardian_moved,
)
from services.counselling.domain.consents import (
    Consent,
    FileConsentPaper,
    GiveConsent,
    WithdrawConsent,
    data_consent_missing,
    given,
    in_force,
    no_such_consent,
    not_ended,
    paper_filed,
    with_given,
    with_paper,
    with_withdrawn,
    withdrawn,
)
from services.counselling.domain.days import home_day
from services.counselling.domain.erasure import Erasure, PersonFacts
from services.counselling.domain.host_status import RecordHostStatus, host_status_recorded
from services.counselling.domain.identity import RecordIdentity, known_after, recorded
from shared.contracts.counselling import (
    BirthYearCorrected,
    CaseGuardianNoted,
    ConsentGiven,
    ConsentPaperFiled,
    ConsentWithdrawn,
    DataCategory,
    ErasureApproved,
    ErasureCompleted,
    ErasureConfirmed,
    ErasureRefused,
    ErasureRequested,
    HostStatusRecorded,
    IdentityField,
    IdentityRecorded,
    LegalHoldLifted,
    LegalHoldPlaced,
    PapersEndConfirmed,
    PersonErased,
    PersonRegistered,
    Sex,
    Site,
)
from shared.contracts.erasure import HoldReason
from shared.countries import AssignedCountry
from shared.decider import Decider, Events, Rule, changing, opening, recording
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context, Event
from shared.unprinted import Unprinted

__all__ = [
    "PERSON", "CorrectBirthYear", "FileConsentPaper", "GiveConsent", "Person", "RegisterPerson", "WithdrawConsent", "evolve",
]  # fmt: skip

EARLIEST_BIRTH_YEAR = 1900
# A year is only a number, and does not change.
YearReason = Literal["misunderstood", "document_seen", "person_asked", "recorded_by_mistake"]


@dataclass(frozen=True, slots=True)
class Person:
    """What counselling knows of a person besides what is sealed, as the year of birth is.

    ``consents`` are all there ever were, in the order in which they became known. What statements ask of them stands
    beside: a data or transfer consent that nobody took back, with its last day, and what the transfer covers. No other
    consent stands without a data consent. ``registered_at`` is None where that was registered before it was kept. Of who
    the person is it holds how many versions were recorded and which fields are known by them; of the status here how many.
    ``case_guardian_id`` is who stands up for a child in its return case, ``case_guardian_of`` which case that is. Of who was erased nothing is known but what the log tells for ever, and the erasure says what is kept.
    """

    sex: Sex
    country_of_origin: str
    site: Site
    consents: tuple[Consent, ...] = ()
    data_consent: bool = False
    data_expires_on: date | None = None
    transfer_consent: bool = False
    transfer_country: str | None = None
    transfer_expires_on: date | None = None
    transfer_categories: tuple[DataCategory, ...] = ()
    registered_at: datetime | None = None
    identity_number: int = 0
    identity_fields: tuple[IdentityField, ...] = ()
    host_status_number: int = 0
    case_guardian_id: UUID | None = None
    case_guardian_of: UUID | None = None
    legal_hold: bool = False
    legal_hold_reason: HoldReason | None = None
    erasure: Erasure | None = None
    erased_at: datetime | None = None


class RegisterPerson(Command):
    """Register a person without a name. The name and the contacts are kept in another place, locked."""

    sex: Sex
    birth_year: Annotated[int, Field(strict=True, ge=1000, le=9999)]
    country_of_origin: AssignedCountry
    site: Site


class CorrectBirthYear(Unprinted, Command):
    """Correct in which year the person was born. A date of birth that was recorded lies in the wrong year, and is emptied.

    Whether they count as an adult or a child by it goes for their open return case as well: what follows is asked anew there.
    """

    birth_year: Annotated[int, Field(strict=True, ge=1000, le=9999)]
    reason: Annotated[YearReason, Field(description="How it is known that the year was wrong.")]


def _data_consent_is_active(state: Person, _: PersonFacts, context: Context) -> None:
    if in_force(state.consents, "data", home_day(context.now)) is None:
        raise data_consent_missing()


def _some_consent_is_active(state: Person, _: PersonFacts, __: Context) -> None:
    if not state.data_consent:
        raise no_such_consent()


def is_possible(birth_year: int, context: Context) -> bool:
    """Whether somebody who lives now may have been born in this year."""
    return EARLIEST_BIRTH_YEAR <= birth_year <= home_day(context.now).year


def _refuse_impossible(birth_year: int, context: Context) -> None:
    if not is_possible(birth_year, context):
        raise RuleViolation(
            "birth_year_impossible",
            f"The year of birth must lie between {EARLIEST_BIRTH_YEAR} and this year. Ask the person again.",
        )


def _register(command: RegisterPerson, _: PersonFacts, context: Context) -> Events:
    _refuse_impossible(command.birth_year, context)
    return (
        PersonRegistered(
            sex=command.sex,
            country_of_origin=command.country_of_origin,
            birth_year=Concealed.of(str(command.birth_year)),
            site=command.site,
            registered_at=context.now,
        ),
    )


def _correct_birth_year(state: Person, command: CorrectBirthYear, facts: PersonFacts, context: Context) -> Events:
    _refuse_impossible(command.birth_year, context)
    before, today = _known(facts.birth_year), home_day(context.now)
    if command.birth_year == before:
        return ()
    now = age_group(command.birth_year, today)
    corrected = BirthYearCorrected(
        birth_year=Concealed.of(str(command.birth_year)), reason=command.reason,
        age_group=now if now != age_group(before, today) else None,
    )  # fmt: skip
    if "birth_date" not in state.identity_fields:
        return (corrected,)
    # Every date that was ever recorded lies in the year that was believed.
    emptied = IdentityRecorded(
        number=state.identity_number + 1, stated=(), corrected=(), reason=command.reason, emptied=("birth_date",)
    )
    return (corrected, emptied)


def _give_consent(state: Person, command: GiveConsent, facts: PersonFacts, context: Context) -> Events:
    return given(state.consents, command, _known(facts.birth_year), facts.guardian, context)


def _withdraw_consent(state: Person, command: WithdrawConsent, _: PersonFacts, context: Context) -> Events:
    return withdrawn(state.consents, command, context)


def _file_consent_paper(state: Person, command: FileConsentPaper, _: PersonFacts, context: Context) -> Events:
    return paper_filed(state.consents, command, context)


def _record_identity(state: Person, command: RecordIdentity, facts: PersonFacts, context: Context) -> Events:
    return (
        recorded(
            command, birth_year=_known(facts.birth_year), known=state.identity_fields, number=state.identity_number + 1,
            context=context,
        ),
    )  # fmt: skip


def _known(birth_year: int | None) -> int:
    # Of whoever is not erased there is one, sealed; it goes with the person.
    if birth_year is None:
        raise erasure.person_erased()
    return birth_year


def _record_host_status(state: Person, command: RecordHostStatus, _: PersonFacts, __: Context) -> Events:
    return (host_status_recorded(command, number=state.host_status_number + 1),)


def _with(state: Person, consents: tuple[Consent, ...]) -> Person:
    data, transfer = not_ended(consents, "data"), not_ended(consents, "transfer")
    return replace(
        state,
        consents=consents,
        data_consent=data is not None,
        data_expires_on=data.expires_on if data else None,
        transfer_consent=transfer is not None,
        transfer_country=transfer.recipient_country if transfer else None,
        transfer_expires_on=transfer.expires_on if transfer else None,
        transfer_categories=transfer.categories if transfer else (),
    )


def evolve(state: Person | None, event: Event) -> Person:
    """The person after one fact; TypeError for a fact that is none of a person's or comes out of turn."""
    match event:
        case PersonRegistered() if state is None:
            return Person(
                sex=event.sex,
                country_of_origin=event.country_of_origin,
                site=event.site,
                registered_at=event.registered_at,
            )
        case BirthYearCorrected() if state is not None:
            return state
        case ConsentGiven() if state is not None:
            return _with(state, with_given(state.consents, event))
        case ConsentWithdrawn() if state is not None:
            return _with(state, with_withdrawn(state.consents, event))
        case ConsentPaperFiled() if state is not None:
            return replace(state, consents=with_paper(state.consents, event))
        case IdentityRecorded() if state is not None:
            return replace(
                state, identity_number=event.number, identity_fields=known_after(state.identity_fields, event)
            )
        case HostStatusRecorded() if state is not None:
            return replace(state, host_status_number=event.number)
        case CaseGuardianNoted() if state is not None:
            guardian_id, of = case_guardian_after(event)
            return replace(state, case_guardian_id=guardian_id, case_guardian_of=of)
        case LegalHoldPlaced() if state is not None:
            reason = cast("HoldReason | None", event.reason.value)
            return replace(state, legal_hold=True, legal_hold_reason=reason)
        case LegalHoldLifted() if state is not None:
            return replace(state, legal_hold=False, legal_hold_reason=None)
        case PersonErased() if state is not None:
            # Begun anew, so that whatever else is ever known of a person is gone with this as well.
            return Person(
                sex=state.sex, country_of_origin=state.country_of_origin, site=state.site,
                registered_at=state.registered_at, erasure=erasure.evolve(state.erasure, event), erased_at=event.erased_at,
            )  # fmt: skip
        case (
            ErasureRequested() | ErasureRefused() | ErasureApproved() | ErasureConfirmed() | ErasureCompleted()
            | PapersEndConfirmed()
        ) if state is not None:
            return replace(state, erasure=erasure.evolve(state.erasure, event))
        case _:
            raise TypeError(f"{type(event).__name__} does not apply to a person here")


def _of_the_living(rules: Iterable[Rule[Person, PersonFacts]]) -> tuple[Rule[Person, PersonFacts], ...]:
    """The same rules, none of which changes a person who was erased."""
    return tuple(
        replace(rule, guards=(erasure.not_erased, *rule.guards)) if rule.on == "existing" else rule for rule in rules
    )


PERSON: Decider[Person, PersonFacts] = Decider(
    rules=(
        *_of_the_living(
            (
                opening(RegisterPerson, "Register a person", _register),
                # Whatever they agreed to: what is wrong about somebody is set right.
                changing(CorrectBirthYear, "Correct the year of birth", _correct_birth_year),
                changing(GiveConsent, "Record a consent", _give_consent),
                changing(RecordIdentity, "Record who this is", _record_identity, _data_consent_is_active),
                changing(RecordHostStatus, "Record the status here", _record_host_status, _data_consent_is_active),
                changing(WithdrawConsent, "Take a consent back", _withdraw_consent, _some_consent_is_active),
                changing(FileConsentPaper, "File the signed paper of a consent", _file_consent_paper),
                changing(erasure.PlaceLegalHold, "Place a legal hold", erasure.place_hold, erasure.no_hold_yet),
                changing(erasure.LiftLegalHold, "Lift the legal hold", erasure.lift_hold, erasure.on_hold),
                changing(
                    erasure.RequestErasure, "Ask for the erasure", erasure.request, erasure.not_asked_before,
                    erasure.not_on_hold, erasure.no_open_case,
                ),
                changing(
                    erasure.RequestErasureWhenDue, "Ask for the erasure as its time is over", erasure.request_when_due,
                    erasure.not_asked_before, erasure.not_on_hold, erasure.no_open_case,
                ),
                changing(
                    erasure.ApproveErasure, "Approve the erasure", erasure.approve, erasure.asked, erasure.by_another,
                    erasure.not_on_hold, erasure.no_open_case,
                ),
                changing(erasure.RefuseErasure, "Refuse the erasure", erasure.refuse, erasure.asked, erasure.by_another),
            )
        ),
        recording(RecordCaseGuardian, "Take note of a child's guardian in its case", record_case_guardian),
        recording(RecordCaseGuardianEnded, "Take note that a guardian ended in a case", record_case_guardian_ended),
        recording(RecordCaseGuardianMoved, "Take note that a child goes on in another case", record_case_guardian_moved),
        recording(erasure.RedoErasure, "Erase the person again", erasure.redo),
        recording(erasure.RecordErasureConfirmed, "Take note that a service erased", erasure.record_confirmed),
        recording(erasure.RecordPapersEnd, "Take note that receipts were deleted", erasure.record_papers_end),
    ),
    evolve=evolve,
    events=(
        PersonRegistered, BirthYearCorrected, ConsentGiven, ConsentWithdrawn, ConsentPaperFiled, IdentityRecorded,
        HostStatusRecorded, CaseGuardianNoted, LegalHoldPlaced, LegalHoldLifted, ErasureRequested, ErasureRefused, ErasureApproved, PersonErased, ErasureConfirmed,
        ErasureCompleted, PapersEndConfirmed,
    ),
)  # fmt: skip
