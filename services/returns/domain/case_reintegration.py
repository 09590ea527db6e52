"""After arrival: the status that follows reintegration's plan and grants, and closing, which reintegration seals."""

from uuid import UUID

from services.returns.domain.case_corrections import no_correction_open
from services.returns.domain.case_final_report import a_final_report_is_there
from services.returns.domain.case_guards import also_on_hold, only_in
from services.returns.domain.case_state import (
    FOLLOWING_GRANTS,
    TERMINAL,
    Case,
    CaseFacts,
    standing,
    with_grant,
)
from shared.contracts.returns import (
    CaseClosed,
    ClosingRefused,
    ClosingRequested,
    ClosureReason,
    GrantStage,
    GrantStageNoted,
    MonitoringStarted,
    PlanAgreementNoted,
    ReintegrationStarted,
)
from shared.decider import Events, Rule, changing, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context

_STAGES: tuple[GrantStage, ...] = ("requested", "approved", "disbursed", "ended")


class RecordPlanAgreed(Command):
    """Take note that returnee and receiving office agreed the plan."""

    plan_id: UUID


class RecordGrantStage(Command):
    """Take note how far a grant of this case is."""

    grant_id: UUID
    stage: GrantStage


class RecordDisbursementUndone(Command):
    """Take note that a grant of this case is not fully paid any more, since a payment came back."""

    grant_id: UUID


class StartMonitoring(Command):
    """State that no grant is wanted. What remains is to stay in touch."""


class RequestClosing(Command):
    """Ask to close the case. It closes once it is sure that no grant can be added any more."""

    reason: ClosureReason


class RecordCaseSealed(Command):
    """Take note that reintegration sealed the case."""


class RecordSealRefused(Command):
    """Take note that reintegration did not seal the case, because a grant is live."""


def _no_grants(case: Case, _: CaseFacts, __: Context) -> None:
    if case.grants:
        raise RuleViolation(
            "grants_exist",
            "This case has grants, so its status follows from them: monitoring begins by itself when all have ended.",
        )


def _nothing_left_to_pay(case: Case, _: CaseFacts, __: Context) -> None:
    if any(grant.stage in ("requested", "approved") for grant in case.grants):
        raise RuleViolation(
            "live_grants",
            "A grant of this case is not decided or not fully paid. The receiving office must complete or cancel it.",
        )


def _record_plan_agreed(
    state: Case | None, order: RecordPlanAgreed, _: CaseFacts, __: Context
) -> Events:
    if state is None or state.agreed_plan_id is not None or state.status in TERMINAL:
        return ()
    if state.stretch == "arrived":
        return (ReintegrationStarted(plan_id=order.plan_id, status=standing(state.grants)),)
    return (PlanAgreementNoted(plan_id=order.plan_id),)


def _record_grant_stage(
    state: Case | None, order: RecordGrantStage, _: CaseFacts, __: Context
) -> Events:
    if state is None:
        return ()
    known = _known_stage(state, order.grant_id)
    if known is not None and _STAGES.index(order.stage) <= _STAGES.index(known):
        return ()
    return (_noted(state, order.grant_id, order.stage),)


def _record_disbursement_undone(
    state: Case | None, order: RecordDisbursementUndone, _: CaseFacts, __: Context
) -> Events:
    if state is None or _known_stage(state, order.grant_id) != "disbursed":
        return ()
    return (_noted(state, order.grant_id, "approved"),)


def _known_stage(state: Case, grant_id: UUID) -> GrantStage | None:
    return next((grant.stage for grant in state.grants if grant.grant_id == grant_id), None)


def _noted(state: Case, grant_id: UUID, stage: GrantStage) -> GrantStageNoted:
    follows = state.stretch in FOLLOWING_GRANTS
    status = standing(with_grant(state.grants, grant_id, stage)) if follows else state.stretch
    return GrantStageNoted(grant_id=grant_id, stage=stage, status=status)


def _start_monitoring(_: Case, __: StartMonitoring, ___: CaseFacts, ____: Context) -> Events:
    return (MonitoringStarted(),)


def _request_closing(_: Case, order: RequestClosing, __: CaseFacts, ___: Context) -> Events:
    return (ClosingRequested(reason=order.reason),)


def _record_case_sealed(state: Case | None, _: RecordCaseSealed, __: CaseFacts, ___: Context) -> Events:
    if state is None or state.status != "closing" or state.closure_reason is None:
        return ()
    whose_attempt_ends = tuple(person.person_id for person in state.persons if person.travel != "withdrawn")
    return (CaseClosed(reason=state.closure_reason, person_ids=whose_attempt_ends),)


def _record_seal_refused(
    state: Case | None, _: RecordSealRefused, __: CaseFacts, ___: Context
) -> Events:
    if state is None or state.status != "closing":
        return ()
    return (ClosingRefused(),)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    recording(RecordPlanAgreed, "Take note of the agreed plan", _record_plan_agreed),
    recording(RecordGrantStage, "Take note of a grant", _record_grant_stage),
    recording(RecordDisbursementUndone, "Take note of a payment that came back", _record_disbursement_undone),
    # On hold as well: an office is told of none.
    changing(StartMonitoring, "Start monitoring", _start_monitoring, also_on_hold("reintegrating"), _no_grants),
    changing(
        RequestClosing,
        "Ask to close the case",
        _request_closing,
        # With an approved grant it is never possible, but then the grant is the reason that people need to hear.
        only_in("arrived", *FOLLOWING_GRANTS),
        _nothing_left_to_pay,
        no_correction_open,
        a_final_report_is_there,
    ),
    recording(RecordCaseSealed, "Take note of the seal", _record_case_sealed),
    recording(RecordSealRefused, "Take note of a refused seal", _record_seal_refused),
)
