"""Counselling's aggregates put together: core, table, facts, projections, and the limits that the database holds."""

from uuid import UUID

from services.counselling import (
    birth_years,
    files,
    finding,
    host_statuses,
    identities,
    projections,
    queries,
    tables,
    turns,
)
from services.counselling.domain import (
    attempt,
    attempt_moves,
    erasure,
    family,
    group_session,
    intention,
    outreach,
    person,
    session,
)
from services.counselling.domain.case_guardian import RecordCaseGuardian
from services.counselling.domain.days import home_day
from services.counselling.domain.identity import RecordIdentity
from services.counselling.measures import MEASURES
from services.counselling.policy import POLICY
from services.counselling.reactions import REACTIONS
from shared import contracts, topology
from shared.access import access_of
from shared.actors import Actor
from shared.aggregate import Aggregate
from shared.contracts.counselling import (
    AttemptEnded,
    AttemptMoved,
    AttemptReopened,
    AttemptTakenOver,
    FamilyMemberJoined,
    FamilyMemberLeft,
    LegalHoldLifted,
    LegalHoldPlaced,
)
from shared.db import Sql, UnitOfWork
from shared.decider import NoFacts, already_exists
from shared.erasing import nothing_left_of_the_erased
from shared.errors import RuleViolation
from shared.handling import locked
from shared.held import Holdings
from shared.messages import Command, Context
from shared.policy import Reach
from shared.sealed_rows import Sealed
from shared.verify import Check
from shared.wiring import Wiring, no_facts


async def _family_facts(
    unit: UnitOfWork, _: UUID, __: family.Family | None, command: Command | None, ___: Context
) -> family.FamilyFacts:
    match command:
        case family.RegisterFamily():
            named = [member.person_id for member in command.members]
        case family.AddFamilyMember():
            named = [command.person_id, *command.guardian_of]
        case family.NameGuardian():
            # No row about the guardian comes to be by it, which would wait for whoever erases them.
            return family.FamilyFacts(await turns.guardian_to_be(unit, command.person_id, command.guardian_of))
        case _:
            return family.FamilyFacts()
    return family.FamilyFacts(await queries.members_to_be(unit, named))


async def _session_facts(
    unit: UnitOfWork, _: UUID, held: session.Session | None, command: Command | None, context: Context
) -> session.SessionFacts:
    match command:
        case session.ScheduleSession() | session.HoldSession():
            named = command.person_ids
        case session.AmendSession() if held is not None:
            named = held.person_ids
        case _:
            return session.SessionFacts()
    return session.SessionFacts(await queries.named_persons(unit, named, home_day(context.now)))


async def _intention_facts(
    unit: UnitOfWork, _: UUID, __: attempt.Intention | None, command: Command | None, context: Context
) -> attempt.IntentionFacts:
    match command:
        case attempt_moves.RecordMoveAsked() | attempt_moves.RecordAttemptMoved():
            other = await locked(unit, INTENTION, command.to_id)
            return attempt.IntentionFacts(other=other)
        case attempt_moves.RecordAttemptTakenOver():
            other = await locked(unit, INTENTION, command.from_id)
            return attempt.IntentionFacts(other=other)
    if isinstance(command, intention.RecordReopeningAsked):
        return attempt.IntentionFacts(free=await queries.free_to_go_on(unit, command.person_ids))
    if not isinstance(command, intention.ExpressIntention):
        return attempt.IntentionFacts()
    # Nobody's year of birth is corrected between this and the end of the transaction: it decides who is a child.
    await turns.share_turns(unit, command.person_ids)
    found, persons = await queries.behind_an_intention(
        unit, command.session_id, command.person_ids, home_day(context.now)
    )
    return attempt.IntentionFacts(found, persons)


async def _person_facts(
    unit: UnitOfWork, person_id: UUID, _: person.Person | None, command: Command | None, context: Context
) -> erasure.PersonFacts:
    today = home_day(context.now)
    if isinstance(command, erasure.ApproveErasure | erasure.RedoErasure):
        return await turns.behind_an_erasure(unit, person_id, today)
    # A reader is told of the open case as well, so that nobody asks in vain.
    if command is None or isinstance(command, erasure.RequestErasure | erasure.RequestErasureWhenDue):
        return erasure.PersonFacts(await turns.attempt_active(unit, person_id, today))
    if isinstance(command, RecordCaseGuardian):
        return erasure.PersonFacts(guardian_registered=await turns.is_registered(unit, command.guardian_id))
    if isinstance(command, person.GiveConsent | RecordIdentity | person.CorrectBirthYear):
        by = command.given_by if isinstance(command, person.GiveConsent) else None
        guardian = await turns.guardian(unit, person_id, by) if by is not None else None
        years = await birth_years.birth_years_of(unit, [person_id])
        return erasure.PersonFacts(guardian=guardian, birth_year=years.get(person_id))
    return erasure.PersonFacts()


def _person_within(known: person.Person, reach: Reach, _: Actor) -> bool:
    return reach.sites is None or known.site in reach.sites


PERSON: Aggregate[person.Person, erasure.PersonFacts] = Aggregate(
    service="counselling", name="person", decider=person.PERSON, table=tables.PERSONS, state=person.Person,
    facts=_person_facts, within=_person_within,
    # Why what is held about somebody must not be erased.
    sealed=(Sealed("legal_hold_reason"),),
)

def _session_within(held: session.Session, reach: Reach, actor: Actor) -> bool:
    return reach.sites is None or held.site in reach.sites or held.counsellor_id == actor.person_id


FAMILY: Aggregate[family.Family, family.FamilyFacts] = Aggregate(
    service="counselling", name="family", decider=family.FAMILY, table=tables.FAMILIES, state=family.Family,
    facts=_family_facts, project=projections.family_members, partition=lambda _, found: found.principal_id,
)

SESSION: Aggregate[session.Session, session.SessionFacts] = Aggregate(
    service="counselling", name="session", decider=session.SESSION, table=tables.SESSIONS, state=session.Session,
    facts=_session_facts, project=projections.session_persons,
    partition=lambda id, held: held.person_ids[0] if held.person_ids else id, within=_session_within,
)

GROUP_SESSION: Aggregate[group_session.GroupSession, NoFacts] = Aggregate(
    service="counselling", name="group_session", decider=group_session.GROUP_SESSION, table=tables.GROUP_SESSIONS,
    state=group_session.GroupSession, facts=no_facts,
)

OUTREACH: Aggregate[outreach.Outreach, NoFacts] = Aggregate(
    service="counselling", name="outreach", decider=outreach.OUTREACH, table=tables.OUTREACH, state=outreach.Outreach,
    facts=no_facts,
)

INTENTION: Aggregate[attempt.Intention, attempt.IntentionFacts] = Aggregate(
    service="counselling", name="intention", decider=intention.INTENTION, table=tables.INTENTIONS,
    state=attempt.Intention, facts=_intention_facts, project=projections.active_attempts,
)

WIRING = Wiring(
    service=topology.COUNSELLING,
    aggregates=(PERSON, FAMILY, SESSION, GROUP_SESSION, OUTREACH, INTENTION),
    policy=POLICY,
    heard=(*contracts.returns.EVENTS, *contracts.reintegration.EVENTS),
    reactions=REACTIONS,
    refusals={
        "pk_active_attempts": RuleViolation(
            "attempt_already_active", "One of the persons already has an active return attempt."
        ),
        # Under another person, or under one whom the caller does not see.
        "pk_consent_papers": already_exists(),
        "ck_persons_erasure_four_eyes": erasure.four_eyes(),
        # What two who act at the same moment can meet: one about to erase somebody, the other about to record something.
        "erased_has_no_open_case": erasure.case_open(),
        "erased_takes_nothing": erasure.person_erased(),
        "pk_family_members": RuleViolation("already_in_a_family", "One of the persons is already in a family."),
    },
    begins=birth_years.seal_first,
    checks=(
        *birth_years.CHECKS,
        *identities.CHECKS,
        *files.CHECKS,
        *host_statuses.CHECKS,
        *finding.CHECKS,
        nothing_left_of_the_erased(
            (*(table.name for table in tables.PERSONAL_TABLES), tables.BIRTH_YEARS_IN_CLEAR.name, "person_keys")
        ),
        Check(
            "active attempts",
            Sql(
                "SELECT coalesce(a.person_id, i.person_id) FROM active_attempts a FULL JOIN "
                "(SELECT unnest(active_person_ids) AS person_id, id FROM intentions) i "
                "ON i.person_id = a.person_id AND i.id = a.intention_id "
                "WHERE a.person_id IS NULL OR i.person_id IS NULL"
            ),
        ),
        Check(
            "session persons",
            Sql(
                "SELECT coalesce(p.person_id, s.person_id) FROM session_persons p FULL JOIN "
                "(SELECT unnest(person_ids) AS person_id, id, site, counsellor_id FROM sessions) s ON s.person_id = "
                "p.person_id AND s.id = p.session_id AND s.site = p.site AND s.counsellor_id = p.counsellor_id "
                "WHERE p.person_id IS NULL OR s.person_id IS NULL"
            ),
        ),
        Check(
            "family members",
            Sql(
                "SELECT coalesce(m.person_id, f.person_id) FROM family_members m FULL JOIN "
                "(SELECT cast(member ->> 'person_id' AS uuid) AS person_id, id FROM families, "
                "jsonb_array_elements(members) member) f ON f.person_id = m.person_id AND f.id = m.family_id "
                "WHERE m.person_id IS NULL OR f.person_id IS NULL"
            ),
        ),
    ),
    access=access_of("counselling", tables.METADATA.tables["accesses"]),
    measures=MEASURES,
    holdings=Holdings(
        undisclosed=(LegalHoldPlaced, LegalHoldLifted),
        parting=(AttemptMoved, AttemptEnded, FamilyMemberLeft),
        coming=(AttemptTakenOver, AttemptReopened, FamilyMemberJoined),
        going_on={"intentions": "active_person_ids", "families": "members"},
        # Who was to be in a session and was not is told that they had been named.
        members={"sessions": "person_ids", "families": "members"},
        opens={"birth_years": birth_years.told, "identities": identities.told, "host_statuses": host_statuses.told},
        untold={
            "birth_years.token": "a keyed hash of the year of birth, which is told",
            "birth_years.key": "under which key the hash stands",
            "birth_years.country_of_origin": "the country of origin of the person, which is told",
            "birth_years.sex": "the sex of the person, which is told",
            "birth_years_in_clear": "years that are about to be sealed; nobody can ask before they are",
            "consent_papers": "the papers themselves: each is told with its consent, and a copy is given on request",
            "consent_paper_pieces": "the papers themselves: each is told with its consent, and a copy is given on request",
            "persons.legal_hold_reason": "why something is on hold is for who decides on erasures; that it is, is told",
            "host_statuses.site": "the site where the person is registered, which is told of the person",
            "search_tokens": "keyed hashes of names and documents, which are told",
            "identities.site": "the site where the person is registered, which is told of the person",
            "session_persons": "an index of sessions, which are told",
            "family_members": "an index of families, which are told",
            "active_attempts": "an index of wishes to return, which are told",
            "group_sessions": "counts of people, of whom nobody is known",
            "outreach": "counts of people, of whom nobody is known",
        },
    ),
)
