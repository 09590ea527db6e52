"""What returns does about the events of counselling and reintegration: it takes note of each true fact."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from services.returns.domain.case_ages import RecordAgeGroup
from services.returns.domain.case_application import RecordIntention
from services.returns.domain.case_families import (
    RecordFamilyJoined,
    RecordJoinAgreed,
    RecordRegroupingDeclined,
    RecordSplitAgreed,
    RecordSplitOff,
)
from services.returns.domain.case_family_changed import Guardianship, RecordFamilyChanged
from services.returns.domain.case_preparation import RecordOwnPlan
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_reintegration import (
    RecordCaseSealed,
    RecordDisbursementUndone,
    RecordGrantStage,
    RecordPlanAgreed,
    RecordSealRefused,
)
from services.returns.domain.case_reopening import RecordAttemptGoesOn, RecordAttemptStaysEnded
from services.returns.domain.person import (
    RecordConsent,
    RecordCounselled,
    RecordErasure,
    RecordSessionAmended,
)
from shared.contracts.attempts import DisbursementUndone
from shared.contracts.counselling import (
    AttemptMayMove,
    AttemptMayNotMove,
    AttemptReopened,
    AttemptStaysEnded,
    BirthYearCorrected,
    CaseGuardianNoted,
    ConsentGiven,
    ConsentKind,
    ConsentWithdrawn,
    ErasureApproved,
    FamilyMemberJoined,
    FamilyMemberLeft,
    GuardianNamed,
    IntentionExpressed,
    PersonErased,
    SessionHeld,
)
from shared.contracts.noted_cases import CaseSealed, SealRefused
from shared.contracts.plans import OwnPlanRecorded, PlanAgreed
from shared.contracts.reintegration import (
    GrantApproved,
    GrantCancelled,
    GrantCompleted,
    GrantDisbursed,
    GrantDrafted,
    GrantRejected,
    GrantRequested,
)
from shared.contracts.returns import GrantStage
from shared.contracts.sessions import SessionAmended, is_heard_alone
from shared.messages import Event, Order, OrderAbout, Received

# The kinds of consent that the departure gate and the window go by; others are counselling's own.
_GONE_BY: Final[tuple[ConsentKind, ...]] = ("data", "transfer")


def on_session_held(event: SessionHeld, cause: Received) -> tuple[Order, ...]:
    """Everybody who is named in an individual session has been counselled, and whoever is named alone perhaps heard alone."""
    if event.session_type != "individual":
        return ()
    counselled = RecordCounselled(session_id=cause.subject, held_at=event.held_at, alone=_is_heard_alone(event))
    # In the order of their ids, because rows are locked in that order everywhere.
    return tuple(Order("person", person_id, counselled) for person_id in sorted(set(event.person_ids)))


def on_session_amended(event: SessionAmended, cause: Received) -> tuple[Order, ...]:
    """Whether somebody was heard alone in that session is known better now."""
    amended = RecordSessionAmended(session_id=cause.subject, alone=_is_heard_alone(event))
    return tuple(Order("person", person_id, amended) for person_id in sorted(set(event.person_ids)))


def _is_heard_alone(event: SessionHeld | SessionAmended) -> bool:
    return is_heard_alone(event.session_type, event.person_ids, event.present, event.interpreter, event.interpreter_kind)


def on_consent_given(event: ConsentGiven, cause: Received) -> tuple[Order, ...]:
    """A data or transfer consent stands, for the latter with the country to which it goes."""
    if event.consent not in _GONE_BY:
        return ()
    given = RecordConsent(
        consent=event.consent, active=True, recipient_country=event.recipient_country, expires_on=event.expires_on
    )
    return (Order("person", cause.subject, given),)


def on_consent_withdrawn(event: ConsentWithdrawn, cause: Received) -> tuple[Order, ...]:
    """A data or transfer consent stands no longer."""
    if event.consent not in _GONE_BY:
        return ()
    return (Order("person", cause.subject, RecordConsent(consent=event.consent, active=False)),)


def on_erasure_approved(_: ErasureApproved, cause: Received) -> tuple[Order, ...]:
    """The person is erased here too; our `PersonErased` confirms it."""
    return (Order("person", cause.subject, RecordErasure()),)


def on_person_erased(_: PersonErased, cause: Received) -> tuple[OrderAbout, ...]:
    """Who was erased is nobody's guardian any more."""
    ended = RecordFamilyChanged(recorded_at=cause.at, guardians_ended=(Guardianship(guardian_id=cause.subject),))
    return (OrderAbout("case", (cause.subject,), ended),)


def on_birth_year_corrected(event: BirthYearCorrected, cause: Received) -> tuple[OrderAbout, ...]:
    """Somebody is a child or an adult after all, wherever they go along or are a guardian."""
    if event.age_group is None:
        return ()
    return (OrderAbout("case", (cause.subject,), RecordAgeGroup(person_id=cause.subject, age_group=event.age_group)),)


def on_member_joined(event: FamilyMemberJoined, cause: Received) -> tuple[OrderAbout, ...]:
    """With another spouse it is not known who the parents of the family's children are."""
    if event.member.relation != "spouse" or event.principal_id is None:
        return ()
    beside = RecordFamilyChanged(recorded_at=cause.at, parent_id=event.principal_id, beside_id=event.member.person_id)
    return (OrderAbout("case", (event.principal_id,), beside),)


def on_member_left(event: FamilyMemberLeft, cause: Received) -> tuple[OrderAbout, ...]:
    """Whoever left may be no parent of its children, or no child of its parents, and is neither guardian nor ward in it."""
    left_id, grown_up = event.person_id, event.reason == "grown_up"
    wards = (None,) if event.reason == "died" else event.guardian_of
    # Of whom they were a guardian, wherever that was; and who was theirs, unless they need none any more.
    ended = [Guardianship(guardian_id=left_id, child_id=child_id) for child_id in wards]
    ended += [Guardianship(guardian_id=id, child_id=left_id) for id in event.guarded_by if not grown_up]
    changed = RecordFamilyChanged(
        recorded_at=cause.at, parent_id=left_id, child_id=None if grown_up else left_id, guardians_ended=tuple(ended)
    )
    return (OrderAbout("case", (left_id, *event.guardian_of), changed),)


def on_guardian_named(event: GuardianNamed, cause: Received) -> tuple[OrderAbout, ...]:
    """Of these children somebody is the guardian no more."""
    if not event.no_more_of:
        return ()
    ended = tuple(Guardianship(guardian_id=event.person_id, child_id=child_id) for child_id in event.no_more_of)
    return (OrderAbout("case", event.no_more_of, RecordFamilyChanged(recorded_at=cause.at, guardians_ended=ended)),)


def on_case_guardian_noted(event: CaseGuardianNoted, cause: Received) -> tuple[OrderAbout, ...]:
    """Whoever is not registered, or was erased, is nobody's guardian, whatever was noted here."""
    if event.stands:
        return ()
    ended = (Guardianship(guardian_id=event.guardian_id, child_id=cause.subject),)
    return (OrderAbout("case", (cause.subject,), RecordFamilyChanged(recorded_at=cause.at, guardians_ended=ended)),)


def on_intention_expressed(event: IntentionExpressed, cause: Received) -> tuple[Order, ...]:
    """A case begins under the intention's id."""
    intention = RecordIntention(
        case_ref=case_ref(cause.subject),
        principal_id=event.principal_id,
        persons=event.persons,
        destination_country=event.destination_country,
        counsellor_id=event.counsellor_id,
        expressed_at=event.expressed_at,
    )
    return (Order("case", cause.subject, intention),)


def on_attempt_reopened(event: AttemptReopened, cause: Received) -> tuple[Order, ...]:
    """The closed case is taken up again."""
    return (Order("case", cause.subject, RecordAttemptGoesOn(person_ids=event.person_ids)),)


def on_attempt_stays_ended(_: AttemptStaysEnded, cause: Received) -> tuple[Order, ...]:
    """The closed case stays closed."""
    return (Order("case", cause.subject, RecordAttemptStaysEnded()),)


def on_attempt_may_move(event: AttemptMayMove, cause: Received) -> tuple[Order, ...]:
    """Both cases change in one transaction: a new one begins for these persons, or they go on in one that there is.

    The case to which they come decides whether it can be, and the one that they leave goes by that.
    """
    before, after, persons, principal_id = cause.subject, event.to_id, event.person_ids, event.principal_id
    if principal_id is None:
        return (
            Order("case", after, RecordFamilyJoined(from_case_id=before, person_ids=persons)),
            Order("case", before, RecordJoinAgreed(into_case_id=after, person_ids=persons)),
        )
    return (
        Order("case", after, RecordSplitOff(from_case_id=before, person_ids=persons, principal_id=principal_id)),
        Order("case", before, RecordSplitAgreed(new_case_id=after, person_ids=persons, principal_id=principal_id)),
    )


def on_attempt_may_not_move(event: AttemptMayNotMove, cause: Received) -> tuple[Order, ...]:
    """The persons of the case stay where they are."""
    return (Order("case", cause.subject, RecordRegroupingDeclined(other_case_id=event.to_id)),)


def on_own_plan_recorded(event: OwnPlanRecorded, cause: Received) -> tuple[Order, ...]:
    """The own plan covers these persons of the case."""
    plan = RecordOwnPlan(plan_id=cause.subject, person_ids=event.person_ids)
    return (Order("case", event.case_id, plan),)


def on_plan_agreed(event: PlanAgreed, cause: Received) -> tuple[Order, ...]:
    """Reintegration can start."""
    return (Order("case", event.case_id, RecordPlanAgreed(plan_id=cause.subject)),)


def on_grant_requested(event: GrantDrafted | GrantRequested, cause: Received) -> tuple[Order, ...]:
    """The case has a live grant, be it a draft."""
    return _grant_stage(event.case_id, cause, "requested")


def on_grant_approved(event: GrantApproved, cause: Received) -> tuple[Order, ...]:
    """Money is committed to a grant of the case."""
    return _grant_stage(event.case_id, cause, "approved")


def on_grant_disbursed(event: GrantDisbursed, cause: Received) -> tuple[Order, ...]:
    """A grant of the case is fully paid."""
    return _grant_stage(event.case_id, cause, "disbursed")


def on_disbursement_undone(event: DisbursementUndone, cause: Received) -> tuple[Order, ...]:
    """A grant of the case is not fully paid any more."""
    return (Order("case", event.case_id, RecordDisbursementUndone(grant_id=cause.subject)),)


def on_grant_ended(event: GrantCompleted | GrantRejected | GrantCancelled, cause: Received) -> tuple[Order, ...]:
    """A grant of the case is live no longer."""
    return _grant_stage(event.case_id, cause, "ended")


def on_case_sealed(_: CaseSealed, cause: Received) -> tuple[Order, ...]:
    """The case may close."""
    return (Order("case", cause.subject, RecordCaseSealed()),)


def on_seal_refused(_: SealRefused, cause: Received) -> tuple[Order, ...]:
    """The case stays open."""
    return (Order("case", cause.subject, RecordSealRefused()),)


def _grant_stage(case_id: UUID, cause: Received, stage: GrantStage) -> tuple[Order, ...]:
    return (Order("case", case_id, RecordGrantStage(grant_id=cause.subject, stage=stage)),)


REACTIONS: Mapping[type[Event], Callable[..., tuple[Order | OrderAbout, ...]]] = {
    SessionHeld: on_session_held,
    SessionAmended: on_session_amended,
    ConsentGiven: on_consent_given,
    ConsentWithdrawn: on_consent_withdrawn,
    ErasureApproved: on_erasure_approved,
    PersonErased: on_person_erased,
    BirthYearCorrected: on_birth_year_corrected,
    FamilyMemberJoined: on_member_joined,
    FamilyMemberLeft: on_member_left,
    GuardianNamed: on_guardian_named,
    CaseGuardianNoted: on_case_guardian_noted,
    IntentionExpressed: on_intention_expressed,
    AttemptReopened: on_attempt_reopened,
    AttemptStaysEnded: on_attempt_stays_ended,
    AttemptMayMove: on_attempt_may_move,
    AttemptMayNotMove: on_attempt_may_not_move,
    OwnPlanRecorded: on_own_plan_recorded,
    PlanAgreed: on_plan_agreed,
    GrantDrafted: on_grant_requested,
    GrantRequested: on_grant_requested,
    GrantApproved: on_grant_approved,
    GrantDisbursed: on_grant_disbursed,
    DisbursementUndone: on_disbursement_undone,
    GrantCompleted: on_grant_ended,
    GrantRejected: on_grant_ended,
    GrantCancelled: on_grant_ended,
    CaseSealed: on_case_sealed,
    SealRefused: on_seal_refused,
}
