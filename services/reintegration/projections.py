"""What else changes with a case or a plan: the rows that hold limits, and the checks that they are true.

Each row is derived from the states before and after a command, never from single events, so that a command of
several events touches it once. Everywhere the rows come in one order, the order of the tables in `tables`.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.reintegration.domain.case import Case
from services.reintegration.domain.grant_state import TERMINAL
from services.reintegration.domain.plan_state import Plan
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import Check

_ENTER_PERSONS = Sql(
    "INSERT INTO person_caps (person_id, revision) "
    "SELECT person_id, 0 FROM unnest(cast(:person_ids AS uuid[])) person_id ORDER BY person_id ON CONFLICT DO NOTHING"
)
_ENTER_CASE = Sql("INSERT INTO case_limits (case_id, live_grants, sealed, plan_completed) VALUES (:case_id, 0, false, false)")
# Meeting a grant that was asked for at the same moment is no error: the whole command is tried again and refuses.
_SEAL_CASE = Sql("UPDATE case_limits SET sealed = true WHERE case_id = :case_id AND live_grants = 0")
_UNSEAL_CASE = Sql("UPDATE case_limits SET sealed = false WHERE case_id = :case_id")
_TAKE_PLAN = Sql("INSERT INTO case_plans (case_id, plan_id) VALUES (:case_id, :plan_id)")
# As when a case is sealed: a grant that was asked for at the same moment makes the command look again.
_COMPLETE_PLAN = Sql("UPDATE case_limits SET plan_completed = true WHERE case_id = :case_id AND live_grants = 0")
_TAKE_UP_PLAN = Sql("UPDATE case_limits SET plan_completed = false WHERE case_id = :case_id")


def case_limits(case_id: UUID, before: Case | None, case: Case, events: tuple[Event, ...]) -> Sequence[Write]:
    """A case's persons get the row by which decisions on their cap take turns; the case gets its count of grants."""
    if before is None:
        return (
            Write(_ENTER_PERSONS, {"person_ids": list(case.person_ids)}, None),
            Write(_ENTER_CASE, {"case_id": case_id}),
        )
    if case.status == "sealed" and before.status != "sealed":
        return (Write(_SEAL_CASE, {"case_id": case_id}),)
    if before.status == "sealed" and case.status != "sealed":
        return (Write(_UNSEAL_CASE, {"case_id": case_id}),)
    return ()


def plan_limits(plan_id: UUID, before: Plan | None, plan: Plan, events: tuple[Event, ...]) -> Sequence[Write]:
    """A case has one plan at most, held by the table's key; while it is completed there is no live grant."""
    if before is None:
        return (Write(_TAKE_PLAN, {"case_id": plan.case_id, "plan_id": plan_id}),)
    if (before.status == "completed") == (plan.status == "completed"):
        return ()
    return (Write(_COMPLETE_PLAN if plan.status == "completed" else _TAKE_UP_PLAN, {"case_id": plan.case_id}),)


def quoted(values: Iterable[str]) -> str:
    """Values of a code as they stand in the IN of a statement."""
    return ", ".join(f"'{value}'" for value in sorted(values))


CHECKS: tuple[Check, ...] = (
    Check(
        "person caps",
        Sql(
            "SELECT coalesce(c.person_id, p.person_id) FROM person_caps c FULL JOIN "
            "(SELECT DISTINCT unnest(person_ids || withdrawn_ids) AS person_id FROM cases) p ON p.person_id = c.person_id "
            "WHERE c.person_id IS NULL OR p.person_id IS NULL"
        ),
    ),
    Check(
        "case limits",
        Sql(
            "SELECT coalesce(l.case_id, c.id) FROM case_limits l FULL JOIN (SELECT c.id, c.status, "
            "EXISTS (SELECT FROM plans p WHERE p.case_id = c.id AND p.status = 'completed') AS completed, "
            f"count(g.id) FILTER (WHERE g.status NOT IN ({quoted(TERMINAL)})) AS live "
            "FROM cases c LEFT JOIN grants g ON g.case_id = c.id GROUP BY c.id) c ON c.id = l.case_id "
            "WHERE l.case_id IS NULL OR c.id IS NULL OR l.live_grants <> c.live OR l.sealed <> (c.status = 'sealed') "
            "OR l.plan_completed <> c.completed"
        ),
    ),
    Check(
        "case plans",
        Sql(
            "SELECT coalesce(c.case_id, p.case_id) FROM case_plans c FULL JOIN plans p "
            "ON p.case_id = c.case_id AND p.id = c.plan_id WHERE c.case_id IS NULL OR p.id IS NULL"
        ),
    ),
)
