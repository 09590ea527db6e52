"""What enters a service's log, and the statement by which it does."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

# What an event's type is made of, and nothing that could end the literal it stands in.
_TYPE = re.compile(r"[a-z0-9_.]{1,255}")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One event as it will stand in the log."""

    id: UUID
    type: str
    subject: UUID
    version: int
    body: bytes


def placed(first: int) -> str:
    """The function that appends, for a statement whose five places from this one on are what `columns` answers."""
    return "append_events(${}::uuid[], ${}::text[], ${}::uuid[], ${}::integer[], ${}::bytea[])".format(*range(first, first + 5))


def columns(leaves: Sequence[Leaf]) -> list[list[object]]:
    """Ids, types, subjects, versions and bodies of these events."""
    return [[getattr(leaf, name) for leaf in leaves] for name in ("id", "type", "subject", "version", "body")]


def appending(leaves: Sequence[Leaf]) -> str:
    """The statement by which these events enter the log, as text without places; ValueError for a type that is none.

    It goes to the server together with COMMIT: the lock that puts the log in order is held for no trip of ours. Ids, numbers and
    hexadecimal digits end no literal.
    """
    if not all(_TYPE.fullmatch(leaf.type) for leaf in leaves):
        raise ValueError("an event is of a type that no event has")
    ids, types, subjects, versions = (
        ",".join(str(value) for value in column) for column in zip(*((leaf.id, leaf.type, leaf.subject, leaf.version) for leaf in leaves), strict=True)
    )
    bodies = ", ".join(f"decode('{leaf.body.hex()}', 'hex')" for leaf in leaves)
    return (
        f"SELECT append_events('{{{ids}}}'::uuid[], '{{{types}}}'::text[], '{{{subjects}}}'::uuid[], '{{{versions}}}'::integer[], ARRAY[{bodies}])"
    )
