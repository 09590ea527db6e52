"""What somebody was part of until they parted from the others, and up to which place of the log it is theirs to be told."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from shared.db import Sql, UnitOfWork
from shared.messages import Event

# An event names beside whoever it is about, as a guardian or a ward: they neither part nor come by it.
_IS_ABOUT: Final = (
    "jsonb_path_exists(cast(convert_from({event}.leaf, 'UTF8') AS jsonb) -> 'data', "
    "'{where} ? (@.person_id == $me || @.person_ids[*] == $me)', jsonb_build_object('me', cast(:person_id AS uuid)))"
)
# Who comes may be told of part by part.
_PARTS, _COMES = _IS_ABOUT.format(event="e", where="$"), _IS_ABOUT.format(event="c", where="$.**")
_PARTED = Sql(
    "SELECT p.subject, p.idx, NOT EXISTS (SELECT FROM event_log later WHERE later.subject = p.subject "
    " AND later.type = ANY (cast(:parting AS text[])) AND later.idx > p.idx) AS last FROM ("
    "SELECT e.subject, max(e.idx) AS idx FROM log_mentions m JOIN event_log e ON e.idx = m.idx "
    f"WHERE m.about = :person_id AND e.type = ANY (cast(:parting AS text[])) AND {_PARTS} AND NOT EXISTS ("
    " SELECT FROM log_mentions again JOIN event_log c ON c.idx = again.idx WHERE again.about = :person_id "
    f" AND c.subject = e.subject AND c.type = ANY (cast(:coming AS text[])) AND c.idx > e.idx AND {_COMES} "
    " AND NOT EXISTS (SELECT FROM log_mentions undone JOIN event_log u ON u.idx = undone.idx WHERE undone.about = :person_id "
    "  AND u.subject = e.subject AND u.type = ANY (cast(:not_come AS text[])) AND u.idx > c.idx)) GROUP BY e.subject) p"
)


def names_them(column: sa.Column[Any]) -> str:
    """SQL: that a column, of ids or of parts that bear one, names the person."""
    if isinstance(column.type, sa.ARRAY):
        return f"cast(:person_id AS uuid) = ANY (t.{column.name})"
    return f"t.{column.name} @> jsonb_build_array(jsonb_build_object('person_id', cast(:person_id AS uuid)))"


def names_nobody(column: sa.Column[Any]) -> str:
    """SQL: that such a column names nobody any more."""
    count = "cardinality" if isinstance(column.type, sa.ARRAY) else "jsonb_array_length"
    return f"{count}(t.{column.name}) = 0"


class Partings:
    """Finds what somebody parted from; each statement is made once.

    ``parting``, ``coming`` and ``not_come`` are as in `shared.held.Holdings`, and ``going_on`` is by table the column that
    lists with whom something goes on.
    """

    def __init__(
        self, parting: Sequence[type[Event]], coming: Sequence[type[Event]], not_come: Sequence[type[Event]],
        going_on: Mapping[str, sa.Column[Any]],
    ) -> None:  # fmt: skip
        self._kinds: Mapping[str, list[str]] = {
            "parting": [event.kind for event in parting], "coming": [event.kind for event in coming],
            "not_come": [event.kind for event in not_come],
        }  # fmt: skip
        self._ended = [
            Sql(f"SELECT t.id FROM {table} t WHERE t.id = ANY (cast(:ids AS uuid[])) AND {names_nobody(column)}")
            for table, column in going_on.items()
        ]

    async def of(self, unit: UnitOfWork, person_id: UUID) -> dict[UUID, int]:
        """What the person was part of until they parted, and the place of that in the log.

        What nobody went on with after they had parted is not among it: it ended with them and is theirs.
        """
        if not self._kinds["parting"]:
            return {}
        rows = await unit.rows(_PARTED, person_id=person_id, **self._kinds)
        last = [row["subject"] for row in rows if row["last"]]
        ended = {row["id"] for sql in self._ended for row in await unit.rows(sql, ids=last)} if last else set()
        return {row["subject"]: row["idx"] for row in rows if row["subject"] not in ended}
