"""Counselling's aggregates put together: core, table, facts, projections, and the limits that the database holds."""

from uuid import UUID

from services.counselling import identities, projections, queries, tables
from services.counselling.domain import family, group_session, intention, outreach, person, session
from services.counselling.policy import POLICY
from services.counselling.reactions import REACTIONS
from shared import contracts, topology
from shared.access import access_of
from shared.actors import Actor
from shared.aggregate import Aggregate
from shared.db import Sql, UnitOfWork
from shared.decider import NoFacts
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.policy import Reach
from shared.verify import Check
from shared.wiring import Wiring, no_facts


async def _family_facts(
    unit: UnitOfWork, _: UUID, __: family.Family | None, command: Command | None, ___: Context
) -> family.FamilyFacts:
    if not isinstance(command, family.RegisterFamily):
        return family.FamilyFacts()
    return family.FamilyFacts(await queries.members_to_be(unit, [member.person_id for member in command.members]))


async def _session_facts(
    unit: UnitOfWork, _: UUID, __: session.Session | None, command: Command | None, ___: Context
) -> session.SessionFacts:
    if not isinstance(command, session.ScheduleSession | session.HoldSession):
        return session.SessionFacts()
    return session.SessionFacts(await queries.named_persons(unit, command.person_ids))


async def _intention_facts(
    unit: UnitOfWork, _: UUID, __: intention.Intention | None, command: Command | None, ___: Context
) -> intention.IntentionFacts:
    if not isinstance(command, intention.ExpressIntention):
        return intention.IntentionFacts()
    found, persons = await queries.behind_an_intention(unit, command.session_id, command.person_ids)
    return intention.IntentionFacts(found, persons)


def _person_within(known: person.Person, reach: Reach, _: Actor) -> bool:
    return reach.sites is None or known.site in reach.sites


PERSON: Aggregate[person.Person, NoFacts] = Aggregate(
    service="counselling", name="person", decider=person.PERSON, table=tables.PERSONS, state=person.Person,
    facts=no_facts, within=_person_within,
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

INTENTION: Aggregate[intention.Intention, intention.IntentionFacts] = Aggregate(
    service="counselling", name="intention", decider=intention.INTENTION, table=tables.INTENTIONS,
    state=intention.Intention, facts=_intention_facts, project=projections.active_attempts,
)

WIRING = Wiring(
    service=topology.COUNSELLING,
    aggregates=(PERSON, FAMILY, SESSION, GROUP_SESSION, OUTREACH, INTENTION),
    policy=POLICY,
    heard=contracts.returns.EVENTS,
    reactions=REACTIONS,
    refusals={
        "pk_active_attempts": RuleViolation(
            "attempt_already_active", "One of the persons already has an active return attempt."
        ),
        "pk_family_members": RuleViolation("already_in_a_family", "One of the persons is already in a family."),
    },
    checks=(
        *identities.CHECKS,
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
)
