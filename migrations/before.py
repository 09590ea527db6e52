"""What is done to a database before its upgrade, where a revision that ran elsewhere stops at rows that it did not expect.

Such a revision is never edited. What it would stop at is set aside in the owner's own table, and a later revision, which knows what
to hold those rows to, puts it back; an upgrade that breaks off between them goes on from there, unless a row changed meanwhile.
"""

from collections.abc import Callable, Mapping
from typing import Final

import sqlalchemy as sa

SET_ASIDE: Final = "proposals_set_aside"

# Between the revision that made proposals and the one whose CHECK is asked of rows of before it, too.
_PROPOSALS_ARE_NOT_HELD: Final = sa.text(
    "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('grants') AND attname = 'recovery_proposed') "
    "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass('grants') AND conname = 'ck_grants_who_proposed_recovery') "
    "AND to_regproc('hold_who_proposed') IS NULL"
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
    f"CREATE TABLE {SET_ASIDE} AS SELECT id AS grant_id, version, recovery_proposed, recoveries FROM grants "
    "WHERE jsonb_path_exists(recoveries || jsonb_build_array(recovery_proposed), "
    f"'$[*].proposed_by ? (@ != null && @ == $others[*])', {_OTHER_HATS})"
)
# Nobody's act: the row says the same again before anything reads it, so that nothing is asked of what would be one.
_IN_THEIR_STEAD: Final = sa.text(
    "UPDATE grants g SET recovery_proposed = g.recovery_proposed - 'proposed_by', recoveries = (SELECT coalesce(jsonb_agg("
    "back.one - 'proposed_by' ORDER BY back.place), '[]') FROM jsonb_array_elements(g.recoveries) WITH ORDINALITY AS back(one, place)) "
    f"FROM {SET_ASIDE} a WHERE a.grant_id = g.id"
)


_IS_SET_ASIDE: Final = sa.text(f"SELECT to_regclass('{SET_ASIDE}') IS NOT NULL")
# A table of before this was asked keeps no version: there the row has to say what was left of it.
_KEPT_VERSION: Final = sa.text(
    f"SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('{SET_ASIDE}') AND attname = 'version' AND NOT attisdropped)"
)
_CHANGED: Final = f"SELECT cast(a.grant_id AS text) FROM {SET_ASIDE} a JOIN grants g ON g.id = a.grant_id WHERE {{changed}} ORDER BY 1"
_OF_ANOTHER_VERSION: Final = sa.text(_CHANGED.format(changed="g.version <> a.version"))
_SAYS_OTHERWISE: Final = sa.text(
    _CHANGED.format(
        changed="(g.recovery_proposed, g.recoveries) IS DISTINCT FROM (a.recovery_proposed - 'proposed_by', (SELECT coalesce(jsonb_agg("
        "back.one - 'proposed_by' ORDER BY back.place), '[]') FROM jsonb_array_elements(a.recoveries) WITH ORDINALITY AS back(one, place)))"
    )
)


class UpgradeStops(Exception):
    """An upgrade would write what was set aside over what happened since; the sentence says of which grants, by their ids."""


def _refuse_if_changed(connection: sa.Connection) -> None:
    """`UpgradeStops` where a grant was changed since an upgrade of before set aside what it said."""
    changed = connection.scalars(_OF_ANOTHER_VERSION if connection.scalar(_KEPT_VERSION) else _SAYS_OTHERWISE).all()
    if changed:
        raise UpgradeStops(
            f"An upgrade of the reintegration database broke off, and {len(changed)} grants of which it had set proposals aside "
            f"({SET_ASIDE}) changed before it went on: {', '.join(changed[:5])}. Nothing was put back over them. Restore the copy "
            "from before that upgrade, and upgrade it while no service runs."
        )


def _set_proposals_aside(connection: sa.Connection) -> None:
    """What somebody said to be given back who has another hat on the grant: revision 108 stops at it."""
    if connection.scalar(_IS_SET_ASIDE):
        _refuse_if_changed(connection)
        return
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
