"""What is done to a database before its upgrade, where a revision that ran elsewhere stops at rows that it did not expect.

Such a revision is never edited. What it would stop at is set aside in the owner's own table, and a later revision, which knows what
to hold those rows to, puts it back; an upgrade that breaks off between them goes on from there.
"""

from collections.abc import Callable, Mapping
from typing import Final

import sqlalchemy as sa

SET_ASIDE: Final = "proposals_set_aside"

# Between the revision that made proposals and the one whose CHECK is asked of rows of before it, too.
_PROPOSALS_ARE_NOT_HELD: Final = sa.text(
    "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('grants') AND attname = 'recovery_proposed') "
    "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass('grants') AND conname = 'ck_grants_who_proposed_recovery') "
    "AND to_regproc('hold_who_proposed') IS NULL AND to_regclass('proposals_set_aside') IS NULL"
)
_OTHER_HATS: Final = (
    "jsonb_build_object('others', "
    "jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, payer_id, certificate -> 'attested_by') "
    "|| to_jsonb(former_endorsers) || to_jsonb(former_approvers) || jsonb_path_query_array(approvals, '$[*].approver_id') "
    "|| jsonb_path_query_array(additions, '$[*].adder_id') || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by') || jsonb_path_query_array(tranches, '$[*].delivered_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*].released_by') || jsonb_path_query_array(former_attempts, '$[*].confirmed_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*] ? (@.ended_as == \"payer\").ended_by'))"
)
_BY_ANOTHER_HAT: Final = sa.text(
    f"CREATE TABLE {SET_ASIDE} AS SELECT id AS grant_id, recovery_proposed, recoveries FROM grants "
    "WHERE jsonb_path_exists(recoveries || jsonb_build_array(recovery_proposed), "
    f"'$[*].proposed_by ? (@ != null && @ == $others[*])', {_OTHER_HATS})"
)
# Nobody's act: the row says the same again before anything reads it, so that nothing is asked of what would be one.
_IN_THEIR_STEAD: Final = sa.text(
    "UPDATE grants g SET recovery_proposed = g.recovery_proposed - 'proposed_by', recoveries = (SELECT coalesce(jsonb_agg("
    "back.one - 'proposed_by' ORDER BY back.place), '[]') FROM jsonb_array_elements(g.recoveries) WITH ORDINALITY AS back(one, place)) "
    f"FROM {SET_ASIDE} a WHERE a.grant_id = g.id"
)


def _set_proposals_aside(connection: sa.Connection) -> None:
    """What somebody said to be given back who has another hat on the grant: revision 108 stops at it."""
    if not connection.scalar(_PROPOSALS_ARE_NOT_HELD):
        return
    connection.execute(_BY_ANOTHER_HAT)
    if not connection.scalar(sa.text(f"SELECT count(*) FROM {SET_ASIDE}")):
        connection.execute(sa.text(f"DROP TABLE {SET_ASIDE}"))
        return
    connection.execute(sa.text("ALTER TABLE grants DISABLE TRIGGER USER"))
    connection.execute(_IN_THEIR_STEAD)
    connection.execute(sa.text("ALTER TABLE grants ENABLE TRIGGER USER"))


_BEFORE: Final[Mapping[str, Callable[[sa.Connection], None]]] = {"reintegration": _set_proposals_aside}


def make_ready(service: str, connection: sa.Connection) -> None:
    """Does in one transaction, as the owner, what one service's database needs before its upgrade; else nothing."""
    step = _BEFORE.get(service)
    if step is not None:
        step(connection)
        connection.commit()
