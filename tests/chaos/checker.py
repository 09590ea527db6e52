"""Compares what clients were told with what the logs hold: a linear search for anything lost or done twice."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.reintegration.domain.plan import AgreeFirstPlan, AgreePlan, RevisePlan
from services.reintegration.domain.plan_completion import CompletePlan
from services.returns.domain.case_final_report import WriteFinalReport
from services.returns.domain.case_inquiry import AnswerFamilyAssessment
from services.returns.domain.case_journey import ConfirmArrival
from services.returns.domain.case_reintegration import StartMonitoring
from shared.contracts import (
    attempts,
    corrections,
    counselling,
    families,
    noted_cases,
    plans,
    reintegration,
    returns,
    support,
)
from shared.messages import Envelope, Event
from shared.tlog.tree import leaf_hash
from shared.topology import BY_NAME
from tests.chaos.history import Asked, Attempt


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a log; ``hash`` is its leaf's, ``cause`` and ``cause_hash`` are those of the event it reacts to."""

    id: UUID
    type: str
    subject: UUID
    version: int
    correlation: str
    hash: str
    cause: UUID | None = None
    cause_hash: str | None = None

    @classmethod
    def of(cls, leaf: bytes) -> "Entry":
        """Reads a leaf."""
        found = Envelope.model_validate_json(leaf)
        return cls(
            found.id, found.type, found.subject, found.aggregateversion, found.correlationid, leaf_hash(leaf).hex(),
            found.causationid, found.causeleafhash,
        )  # fmt: skip


_SHOWN_IN_PART = (AnswerFamilyAssessment, ConfirmArrival, WriteFinalReport, StartMonitoring, AgreePlan, AgreeFirstPlan, RevisePlan, CompletePlan)
# Who sees the money of a grant alone, so that they know it by a number for that.
_SEES_THE_MONEY = ("finance-payer", "finance-reconciler", "office-payer")
_OF_A_GRANT = "avrr.reintegration.grant."

# What a case begins with that takes persons over from another one, and what it may state again of each of them after that.
_TAKEN_OVER = (families.CaseSplitOff.kind, families.FamilyJoined.kind)
_STATED_AGAIN = frozenset(
    kind.kind for kind in (returns.ScreeningRecorded, returns.EvidenceRecorded, returns.TravelDocumentRecorded, support.SupportPlanned)
)

Logs = Mapping[str, Sequence[Entry]]
# What is wrong: something was lost, was done or took effect again, left a gap, came out of order, or is otherwise not as it must be.
Kind = Literal["lost", "duplicated", "gap", "order", "other"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Each event of type ``cause`` makes exactly one event of the types ``made`` in another service."""

    cause: type[Event]
    service: str
    made: tuple[type[Event], ...]


_STAGE = (returns.GrantStageNoted,)
_ENDED = (counselling.AttemptEnded,)

# What the main line of the journeys rests on. Other facts may be known already when they arrive, and then make none.
EFFECTS = (
    Effect(counselling.IntentionExpressed, "returns", (returns.CaseOpened,)),
    Effect(returns.CaseOpened, "reintegration", (noted_cases.CaseNoted,)),
    Effect(returns.PersonArrived, "reintegration", (noted_cases.ArrivalNoted,)),
    Effect(returns.ClosingRequested, "reintegration", (noted_cases.CaseSealed, noted_cases.SealRefused)),
    Effect(returns.CaseWithdrawn, "counselling", _ENDED),
    Effect(returns.CaseDeclaredIneligible, "counselling", _ENDED),
    Effect(returns.CaseLapsed, "counselling", _ENDED),
    Effect(returns.CaseNotDeparted, "counselling", _ENDED),
    Effect(returns.CaseClosed, "counselling", _ENDED),
    Effect(plans.OwnPlanRecorded, "returns", (returns.OwnPlanNoted,)),
    Effect(reintegration.GrantDrafted, "returns", _STAGE),
    Effect(reintegration.GrantApproved, "returns", _STAGE),
    Effect(reintegration.GrantDisbursed, "returns", _STAGE),
    Effect(attempts.DisbursementUndone, "returns", _STAGE),
    Effect(reintegration.GrantCompleted, "returns", _STAGE),
    Effect(reintegration.GrantRejected, "returns", _STAGE),
    Effect(reintegration.GrantCancelled, "returns", _STAGE),
    Effect(noted_cases.CaseSealed, "returns", (returns.CaseClosed,)),
    Effect(counselling.ErasureApproved, "returns", (returns.PersonErased,)),
    Effect(counselling.ErasureApproved, "reintegration", (reintegration.PersonErased,)),
    Effect(returns.PersonErased, "counselling", (counselling.ErasureConfirmed,)),
    Effect(reintegration.PersonErased, "counselling", (counselling.ErasureConfirmed,)),
)


def findings(asked: Collection[Asked], logs: Logs, effects: Iterable[Effect] = EFFECTS) -> list[Finding]:
    """Everything in which a drained system's logs differ from what its clients were told; empty if nothing does."""
    return [
        *_wrong_versions(logs),
        *_wrongly_acknowledged(asked, logs),
        *_unasked(asked, logs),
        *_wrong_reactions(logs),
        *_wrong_effects(logs, effects),
        *_wrong_arrivals(logs),
    ]


def differences(asked: Collection[Asked], logs: Logs, effects: Iterable[Effect] = EFFECTS) -> list[str]:
    """The same in words alone."""
    return [finding.text for finding in findings(asked, logs, effects)]


def told_in_part(asked: Collection[Asked], logs: Logs) -> set[tuple[str, str]]:
    """Services and correlations of orders that made several events, of which whoever gave them is told by a number for a part.

    By what clients were told, nobody could say that one of these is missing; `avrr verify` does, by the row.
    """
    made = _made(logs)
    steps = ((one, attempt.correlation) for one in asked for attempt in one.attempts)
    return {
        (one.step.service, correlation)
        for one, correlation in steps
        for entries in [made[one.step.service, correlation]]
        if len(entries) > 1 and _is_shown_a_part(one, entries)
    }


def _made(logs: Logs) -> Mapping[tuple[str, str], list[Entry]]:
    """What each attempt made; a refusal that was put on record is not the command done."""
    made: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for service, log in logs.items():
        for entry in log:
            if entry.cause is None and ".access." not in entry.type:
                made[service, entry.correlation].append(entry)
    return made


def _wrong_versions(logs: Logs) -> Iterator[Finding]:
    ids = Counter(entry.id for log in logs.values() for entry in log)
    yield from (Finding("duplicated", f"event {id} stands in the logs {count} times") for id, count in ids.items() if count > 1)
    for service, log in logs.items():
        last: Counter[UUID] = Counter()
        for entry in log:
            if entry.version != last[entry.subject] + 1:
                kind: Kind = "gap" if entry.version > last[entry.subject] else "order"
                yield Finding(kind, f"{service}: {entry.subject} has version {entry.version} after {last[entry.subject]}")
            last[entry.subject] = entry.version


def _wrongly_acknowledged(asked: Collection[Asked], logs: Logs) -> Iterator[Finding]:
    made = _made(logs)
    for one in asked:
        by_attempt = [(attempt, made[one.step.service, attempt.correlation]) for attempt in one.attempts]
        doing = [(attempt, entries) for attempt, entries in by_attempt if entries]
        if not one.acknowledged:
            # Whoever was stopped while they asked once more had been refused all the same.
            heard = [attempt.outcome for attempt in one.attempts if attempt.outcome != "unknown"]
            refused = doing and heard[-1:] == ["refused"]
            yield Finding("lost", f"{one.what} was {'done, and refused when it was asked again' if refused else 'never acknowledged'}")
        elif not doing:
            yield Finding("lost", f"{one.what} was acknowledged and is lost")
        elif len(doing) > 1:
            yield Finding("duplicated", f"{one.what} was done {len(doing)} times")
        else:
            yield from _unlike_its_receipts(one, *doing[0])


def _unlike_its_receipts(asked: Asked, attempt: Attempt, entries: Sequence[Entry]) -> Iterator[Finding]:
    answers = {(receipt.id, receipt.version) for receipt in asked.receipts}
    if len(answers) != 1:
        yield Finding("other", f"{asked.what} was answered in {len(answers)} ways")
    newly = sum(not receipt.repeated for receipt in asked.receipts)
    if newly > 1:
        yield Finding("duplicated", f"{asked.what} was told {newly} times that it was done just now")
    if attempt.outcome == "refused":
        yield Finding("other", f"{asked.what} was refused and done all the same")
    if newly and attempt.outcome != "accepted":
        yield Finding("other", f"{asked.what} was told that it was done just now, and an earlier attempt had done it")
    id, version = asked.receipts[0].id, asked.receipts[0].version
    if _is_shown_a_part(asked, entries):
        # It is known by a number for what is shown of it; how many steps it took, they are not told.
        version = entries[-1].version
        if len({entry.type for entry in entries}) < len(entries):
            yield Finding("duplicated", f"{asked.what} did the same twice")
    expected = [(id, number) for number in range(version - len(entries) + 1, version + 1)]
    if [(entry.subject, entry.version) for entry in entries] != expected:
        yield Finding("other", f"{asked.what} was acknowledged as version {version} of {id}, which is not what the log says")


def _is_shown_a_part(asked: Asked, entries: Sequence[Entry]) -> bool:
    """Whether whoever gave this order is shown a part of what it is about: an office of a case or a plan, who pays of a grant."""
    if asked.step.persona.startswith(_SEES_THE_MONEY):
        return all(entry.type.startswith(_OF_A_GRANT) for entry in entries)
    return asked.step.persona.startswith("receiving-office") and isinstance(asked.step.order, _SHOWN_IN_PART)


def _unasked(asked: Collection[Asked], logs: Logs) -> Iterator[Finding]:
    known = {(one.step.service, attempt.correlation) for one in asked for attempt in one.attempts}
    for service, log in logs.items():
        for entry in log:
            # Whoever looks at something before deciding on it, and may not know of it yet, is on record as well.
            if entry.cause is None and ".access." not in entry.type and (service, entry.correlation) not in known:
                yield Finding("other", f"{service}: nobody asked for {entry.type} of {entry.subject}")


def _wrong_reactions(logs: Logs) -> Iterator[Finding]:
    places = {
        entry.id: (service, idx, entry.hash) for service, log in logs.items() for idx, entry in enumerate(log)
    }
    for service, log in logs.items():
        follows = BY_NAME[service].follows
        reached = dict.fromkeys(follows, -1)
        previous: UUID | None = None
        seen: set[tuple[UUID, UUID, str]] = set()
        for entry in log:
            if entry.cause is None:
                previous = None
                continue
            if ".access." in entry.type:
                # A count of refusals follows the first of them, in the same log.
                continue
            source, idx, digest = places.get(entry.cause, ("", -1, ""))
            if source not in follows or digest != entry.cause_hash:
                yield Finding("other", f"{service}: {entry.type} of {entry.subject} reacts to what is in no log it follows")
                continue
            # A reaction's events enter the log together: a cause that comes back was taken once more.
            if idx < reached[source] or (idx == reached[source] and entry.cause != previous):
                yield Finding("order", f"{service}: event {idx} of {source} took effect again or out of turn")
            # Taken once more, it would take the persons over twice.
            again = entry.type in _STATED_AGAIN and any((entry.cause, entry.subject, kind) in seen for kind in _TAKEN_OVER)
            if (entry.cause, entry.subject, entry.type) in seen and not again:
                yield Finding("duplicated", f"{service}: event {idx} of {source} made {entry.type} of {entry.subject} twice")
            seen.add((entry.cause, entry.subject, entry.type))
            reached[source], previous = max(idx, reached[source]), entry.cause


def _wrong_effects(logs: Logs, effects: Iterable[Effect]) -> Iterator[Finding]:
    made = Counter((service, entry.cause, entry.type) for service, log in logs.items() for entry in log)
    for effect in effects:
        for service, log in logs.items():
            for entry in log:
                if entry.type != effect.cause.kind:
                    continue
                count = sum(made[effect.service, entry.id, kind.kind] for kind in effect.made)
                if count != 1:
                    kind: Kind = "duplicated" if count else "lost"
                    yield Finding(kind, f"{service}: {entry.type} of {entry.subject} took effect {count} times in {effect.service}")


def _wrong_arrivals(logs: Logs) -> Iterator[Finding]:
    """A case arrives, once, with the last of those who left in it; an office's receipt does not tell how many events that made.

    What was corrected did not happen, and after it a case may arrive once more.
    """
    counted = Counter((entry.subject, entry.type) for entry in logs["returns"])
    for case_id in {entry.subject for entry in logs["returns"] if entry.type == returns.PersonArrived.kind}:
        again = counted[case_id, corrections.ArrivalCorrected.kind]
        departed = counted[case_id, returns.PersonDeparted.kind] - counted[case_id, corrections.DepartureCorrected.kind]
        arrived = counted[case_id, returns.PersonArrived.kind] - again
        all_there = arrived == departed
        if not all_there <= counted[case_id, returns.CaseArrived.kind] <= all_there + again:
            yield Finding("other", f"returns: {arrived} of {departed} arrived in {case_id}, which does not say so")
