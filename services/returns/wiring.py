"""Returns' aggregates put together: core, table, facts, projections, and the limits that the database holds."""

from dataclasses import replace
from uuid import UUID

from services.returns import projections, queries, sealed, tables
from services.returns.domain import case, case_state, person, window
from services.returns.domain.case_families import (
    JoinFamily,
    RecordFamilyJoined,
    RecordJoinAgreed,
    RecordSplitAgreed,
    RecordSplitOff,
    SplitFamily,
)
from services.returns.domain.case_journey import RecordDeparture, who_goes_on_here_no_more
from services.returns.domain.case_reopening import ReopenCase
from services.returns.domain.case_supervision import RecordGuardian
from services.returns.domain.case_timers import CheckArrival, CheckClearance
from services.returns.measures import MEASURES
from services.returns.policy import POLICY
from services.returns.queries import erasing, families, notices, protection, support
from services.returns.reactions import REACTIONS
from shared import contracts, topology
from shared.access import access_of
from shared.actors import Actor
from shared.aggregate import Aggregate
from shared.contracts.corrections import DepartureCorrected
from shared.contracts.families import CaseJoined, FamilyJoined, FamilySplit
from shared.contracts.final_report import FinalReportWritten
from shared.contracts.returns import (
    ClearanceLost,
    HoldLifted,
    HoldPlaced,
    PersonDeparted,
    PersonWithdrew,
    ScreeningRecorded,
)
from shared.db import Sql, UnitOfWork
from shared.decider import NoFacts
from shared.erasing import nothing_left_of_the_erased
from shared.errors import FourEyes, RuleViolation
from shared.handling import locked, states
from shared.held import Holdings
from shared.messages import Command, Context
from shared.policy import EVERYWHERE, Reach
from shared.settings import MISSION
from shared.timers import Timer
from shared.verify import Check
from shared.wiring import Wiring


async def _case_facts(
    unit: UnitOfWork, case_id: UUID, state: case_state.Case | None, command: Command | None, context: Context
) -> case_state.CaseFacts:
    other_id = other_case(command)
    other = None
    if isinstance(command, SplitFamily | JoinFamily):
        # Only asked; what is decided on the answer is decided under lock.
        found = await states(unit, CASE, [other_id] if other_id is not None else [], context.actor, reach=EVERYWHERE)
        other = next(iter(found.values()), None)
    elif other_id is not None:
        other = await locked(unit, CASE, other_id)
    if state is None:
        return case_state.CaseFacts(other=other, own_id=case_id)
    person_ids = [covered.person_id for covered in state.persons]
    guardian_ids = [covered.guardian_id for covered in state.persons if covered.guardian_id is not None]
    facts = await queries.case_facts(
        unit, person_ids, (case_id, *person_ids, *guardian_ids), topology.RETURNS.follows, context.now, MISSION.mission_time_zone
    )
    if other_id is not None:
        return replace(facts, other=other, own_id=case_id)
    if isinstance(command, RecordGuardian):
        erased, is_a_child = await families.guardian_to_be(unit, command.guardian_id)
        return replace(facts, guardian_erased=erased, guardian_is_a_child=is_a_child)
    begun_by = None
    if isinstance(command, RecordDeparture):
        # Nobody goes with two open cases, whenever they left.
        begun_by = command.departed_at if state.status in case_state.TERMINAL else None
        asked = who_goes_on_here_no_more(state, command)
    elif isinstance(command, ReopenCase):
        asked = tuple(person.person_id for person in state.persons if person.travel != "withdrawn")
    else:
        return facts
    if not asked:
        return facts
    erased, elsewhere = await queries.against_reopening(unit, case_id, asked, begun_by)
    return replace(facts, anybody_erased=erased, in_another_case=elsewhere)


def other_case(command: Command | None) -> UUID | None:
    """The case that a command names besides its own."""
    match command:
        case SplitFamily() | RecordSplitAgreed():
            return command.new_case_id
        case JoinFamily() | RecordJoinAgreed():
            return command.into_case_id
        case RecordSplitOff() | RecordFamilyJoined():
            return command.from_case_id
        case _:
            return None


def _case_within(found: case_state.Case, reach: Reach, _: Actor) -> bool:
    # Before it knows of a case an office may be asked something about it, and is told no more than that (`routes/inquiries.py`).
    known = reach.countries is None or window.is_known_abroad(found) or found.inquired_since is not None
    return known and reach.covers(found.destination_country)


async def _person_facts(
    unit: UnitOfWork, person_id: UUID, state: person.Person | None, command: Command | None, __: Context
) -> NoFacts:
    if isinstance(command, person.RecordErasure) and (state is None or state.erased_at is None):
        await erasing.lock_cases_of(unit, person_id)
        await support.count_without_the_person(unit, person_id)
        await protection.wait_without_the_person(unit, person_id)
    return NoFacts()


PERSON: Aggregate[person.Person, NoFacts] = Aggregate(
    service="returns", name="person", decider=person.PERSON, table=tables.PERSONS, state=person.Person, facts=_person_facts,
)

CASE: Aggregate[case_state.Case, case_state.CaseFacts] = Aggregate(
    service="returns", name="case", decider=case.CASE, table=tables.CASES, state=case_state.Case, facts=_case_facts,
    project=projections.travels, within=_case_within, sealed=sealed.OF_CASES,
)

WIRING = Wiring(
    service=topology.RETURNS,
    aggregates=(PERSON, CASE),
    policy=POLICY,
    heard=(*contracts.counselling.EVENTS, *contracts.reintegration.EVENTS),
    reactions=REACTIONS,
    concerning={"case": families.CONCERNING},
    refusals={
        "uq_cases_case_ref": RuleViolation("case_ref_taken", "Another case has this reference. Begin it under a new id."),
        "ck_cases_four_eyes": FourEyes(
"Who counselled or submitted the application cannot approve it. A colleague must decide."
        ),
        "ck_cases_child_with_guardian": RuleViolation(
            "child_without_guardian",
            "A child would travel without an adult of the case, and nobody looks after it from door to door. Protection must "
            "decide before the child can go.",
        ),
        "ck_cases_exactly_they_are_booked": RuleViolation(
            "booking_missing", "There is no booking for exactly those who travel. Operations can confirm one."
        ),
    },
    checks=(
        *notices.CHECKS,
        nothing_left_of_the_erased(()),
        Check(
            "screening of erased persons",
            Sql(
                "SELECT c.id FROM cases c CROSS JOIN LATERAL jsonb_to_recordset(c.screening) AS found(person_id uuid) "
                "JOIN persons k ON k.id = found.person_id WHERE k.erased_at IS NOT NULL"
            ),
        ),
        *erasing.CHECKS,
        *support.CHECKS,
        # Whoever goes on in another case belongs to that one alone.
        Check(
            "one case for each person",
            Sql(
                f"SELECT p.person_id FROM cases c CROSS JOIN LATERAL jsonb_to_recordset(c.persons) AS p(person_id uuid, travel text) "
                f"WHERE {tables.OPEN} AND p.travel <> 'withdrawn' GROUP BY p.person_id HAVING count(*) > 1"
            ),
        ),
        Check(
            "travels",
            Sql(
                "SELECT coalesce(t.person_id, c.person_id) FROM travels t FULL JOIN "
                "(SELECT id AS case_id, destination_country, person.* FROM cases CROSS JOIN LATERAL "
                " jsonb_to_recordset(persons) AS person(person_id uuid, sex text, age_group text, "
                " departed_at timestamptz, arrived_at timestamptz, own_plan_id uuid) "
                " WHERE person.departed_at IS NOT NULL) c ON c.case_id = t.case_id AND c.person_id = t.person_id "
                "WHERE (t.case_id, t.destination_country, t.sex, t.age_group, t.departed_at, t.arrived_at, t.own_plan) "
                "IS DISTINCT FROM (c.case_id, c.destination_country, c.sex, c.age_group, c.departed_at, c.arrived_at, "
                "c.own_plan_id IS NOT NULL)"
            ),
        ),
    ),
    access=access_of("returns", tables.METADATA.tables["accesses"], projections.arrival_notices),
    timers=(
        Timer("case", CheckClearance(), queries.DUE_CLEARANCES, {"zone": MISSION.mission_time_zone}),
        Timer("case", CheckArrival(), queries.DUE_ARRIVALS),
    ),
    measures=MEASURES,
    holdings=Holdings(
        linked={"arrival_notices": "case_id"},
        untold={
            "supports_of_the_erased": "how much support persons who were erased were given, without saying whose",
            "travels": "an index of cases, which are told with the travel of each person",
            # Whoever asks may be the very one from whom another person of the case is protected.
            "cases.screening": "what screening found is told by protection in person: whoever asks may be the very one who must "
            "not read it, or have somebody beside them",
            "cases.protection_since": "that somebody waits for protection would tell the same",
            "cases.inquired_since": "that a family is asked about would tell the same",
            "cases.final_report": "one report is about all persons of a case, and told to each in person",
            "cases.holds": "why a case is on hold can be about another of its persons; that it is, its status tells",
        },
        # Which condition was lost can be about another person, and tell what screening found of them.
        undisclosed=(HoldPlaced, HoldLifted, ScreeningRecorded, ClearanceLost, FinalReportWritten),
        # Who stays behind is told of the journey up to there, and not when the others fly.
        parting=(FamilySplit, CaseJoined, PersonWithdrew),
        coming=(FamilyJoined, PersonDeparted),
        not_come=(DepartureCorrected,),
        members={"cases": "persons"},
        # By what a child goes without one of its parents can be about that parent, who may be the one asking for it.
        kept_back={"other_parent": frozenset({"conditions", "outcome", "valid_from", "valid_until"})},
    ),
)
