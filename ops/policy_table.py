"""Who may do what, as text for a terminal and as the page that the documentation holds."""

from collections.abc import Iterator
from importlib import import_module

from shared.policy import Grant, Policy
from shared.topology import LOGS

PAGE = "docs/policy.md"
_MARKS = ("step-up", "on record", "search", "export")
_HEAD = """# Who may do what

One table per service; what is not in it is refused as `not_permitted`, and each such refusal is on record. *Own
countries* and *own sites* are those of the caller's token; row security in PostgreSQL holds the same limit again.
**Step-up** needs a strong sign-in of a moment ago (RFC 9470), **on record** means that the reading itself is an event,
**search** and **export** may be asked for less often than the rest.

This page is printed by `./avrr policy --markdown`, and a test compares it with the tables in the code.
"""


def policy_of(service: str) -> Policy:
    """One service's table."""
    found: Policy = import_module(f"services.{service}.policy").POLICY
    return found


def lines(service: str) -> Iterator[str]:
    """The table of one service for a terminal: operation, role, extent, and what is special about the operation."""
    policy = policy_of(service)
    for row in _ordered(policy):
        marks = ", ".join(_marks(policy, row.operation))
        yield f"{row.operation:32} {row.role.value:20} {row.extent:14} {marks}".rstrip()


def page() -> str:
    """All tables as one Markdown page."""
    parts = [_HEAD]
    for service in LOGS:
        policy = policy_of(service.name)
        parts.append(f"\n## {service.name}\n\n| operation | roles | special |\n|---|---|---|\n")
        for operation in sorted(policy.operations):
            rows = [row for row in _ordered(policy) if row.operation == operation]
            everybody = len(rows) == len(set(type(rows[0].role)))
            roles = "everybody who is signed in" if everybody else ", ".join(_role(row) for row in rows)
            parts.append(f"| `{operation}` | {roles} | {', '.join(_marks(policy, operation))} |\n")
    return "".join(parts)


def _ordered(policy: Policy) -> list[Grant]:
    return sorted(policy.rows, key=lambda row: (row.operation, row.role.value))


def _role(row: Grant) -> str:
    name = row.role.value.replace("_", " ")
    limits = [] if row.extent == "all" else [row.extent.replace("_", " ")]
    beside = sorted(role.value.replace("_", " ") for role in row.unless)
    limits += [f"not beside {' or '.join(filter(None, (', '.join(beside[:-1]), beside[-1])))}"] if beside else []
    return f"{name} ({', '.join(limits)})" if limits else name


def _marks(policy: Policy, operation: str) -> list[str]:
    sets = (policy.step_up, policy.on_record, policy.searches, policy.exports)
    return [mark for mark, operations in zip(_MARKS, sets, strict=True) if operation in operations]
