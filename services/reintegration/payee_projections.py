"""What else changes with a payee: the accounts that were stated, who confirmed which, and the checks that both are true."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.reintegration.domain.payee_state import Payee
from shared.contracts.payees import (
    AccountChangeAsked,
    AccountChangeDropped,
    CallBackConfirmed,
    PayeeConfirmed,
    PayeeEnded,
    PayeeRegistered,
    SharedAccountAccepted,
)
from shared.contracts.sanctions import PayeeScreened, finding_in
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import ASKED, LOG_OF_ASKED, Check

_STATE = Sql(
    "INSERT INTO payee_accounts (payee_id, account_no, country, stated_by, stated_at, reason, anew) "
    "VALUES (:payee_id, :account_no, :country, :stated_by, :stated_at, :reason, :anew)"
)
_CONFIRM = Sql(
    "INSERT INTO payee_confirmations (payee_id, account_no, country, stated_by, stated_at, confirmed_by, confirmed_at, "
    "called_at, held_until, anew) VALUES (:payee_id, :account_no, :country, :stated_by, :stated_at, :confirmed_by, :confirmed_at, "
    ":called_at, :held_until, :anew)"
)
# An account that is paid to no more, or never was, is another's to have. Of a returnee's it is kept aside what it is found by, so
# that it goes with them from wherever else it is.
_FORGET = Sql("DELETE FROM payee_tokens WHERE payee_id = :payee_id AND account_no = ANY (cast(:account_nos AS integer[]))")
_KEEP_ASIDE = Sql(
    "INSERT INTO former_payee_tokens (payee_id, account_no, person_id, token, key) SELECT payee_id, account_no, person_id, token, key "
    "FROM payee_tokens WHERE payee_id = :payee_id AND account_no = ANY (cast(:account_nos AS integer[])) AND person_id IS NOT NULL "
    "ON CONFLICT DO NOTHING"
)
_SHARE = Sql(
    "INSERT INTO payee_shares (payee_id, account_no, other_id, other_no, stated_by, accepted_by, accepted_at, reason) "
    "SELECT cast(:payee_id AS uuid), s.account_no, s.other_id, s.other_no, cast(:stated_by AS text), cast(:accepted_by AS text), "
    "cast(:accepted_at AS timestamptz), cast(:reason AS text) "
    "FROM unnest(cast(:account_nos AS integer[]), cast(:other_ids AS uuid[]), cast(:other_nos AS integer[])) s(account_no, other_id, other_no)"
)

_CLEAR = Sql(
    "INSERT INTO payee_clearances (payee_id, list_id, entry_id, cleared_at, reason, asked_by, cleared_by) "
    "SELECT cast(:payee_id AS uuid), hit.list_id, hit.entry_id, cast(:cleared_at AS timestamptz), cast(:reason AS text), "
    "cast(:asked_by AS text), cast(:cleared_by AS text) FROM unnest(cast(:list_ids AS uuid[]), cast(:entry_ids AS text[])) "
    "hit(list_id, entry_id)"
)


def payee_accounts(payee_id: UUID, before: Payee | None, payee: Payee, events: tuple[Event, ...]) -> Sequence[Write]:
    """The account that was stated, or that somebody else confirmed; what was dropped leaves what was stated as it is."""
    (event,) = events
    of: dict[str, object] = {"payee_id": payee_id, "country": payee.country}
    match event:
        case PayeeRegistered():
            stated = {
                "account_no": 1, "stated_by": event.registered_by, "stated_at": event.registered_at, "reason": None,
                "anew": payee.began_anew,
            }  # fmt: skip
            return (Write(_STATE, of | stated),)
        case AccountChangeAsked():
            stated = {
                "account_no": event.account_no, "stated_by": event.asked_by, "stated_at": event.asked_at, "reason": event.reason,
                "anew": False,
            }  # fmt: skip
            return (Write(_STATE, of | stated),)
        case PayeeConfirmed() | CallBackConfirmed():
            stated_at = before.change.asked_at if before is not None and before.change is not None else payee.registered_at
            called_at = event.called_at if isinstance(event, CallBackConfirmed) else None
            confirmed = {
                "account_no": event.account_no, "stated_by": event.stated_by, "stated_at": stated_at,
                "confirmed_by": event.confirmed_by, "confirmed_at": event.confirmed_at,
                "called_at": called_at, "held_until": event.held_until,
                "anew": before is not None and before.began_anew,
            }  # fmt: skip
            former = range(1, event.account_no)
            return (Write(_CONFIRM, of | confirmed), *(_forgotten(payee_id, former) if former else ()))
        case AccountChangeDropped():
            return _forgotten(payee_id, [event.account_no])
        case PayeeEnded() if payee.status == "closed":
            return _forgotten(payee_id, range(1, payee.stated_no + 1))
        case PayeeScreened():
            return _cleared(payee_id, event)
        case SharedAccountAccepted():
            found = {
                "payee_id": payee_id, "account_nos": [one.account_no for one in event.accounts],
                "other_ids": [one.other_id for one in event.accounts], "other_nos": [one.other_no for one in event.accounts],
                "stated_by": event.stated_by,
                "accepted_by": event.accepted_by, "accepted_at": event.accepted_at, "reason": event.reason,
            }  # fmt: skip
            return (Write(_SHARE, found, len(event.accounts)),)
        case _:
            return ()


def _cleared(payee_id: UUID, event: PayeeScreened) -> Sequence[Write]:
    finding = finding_in(event.found) if event.found is not None else None
    if finding is None or finding.step != "cleared":
        return ()
    cleared = {
        "payee_id": payee_id, "list_ids": [hit.list_id for hit in finding.hits],
        "entry_ids": [hit.entry_id for hit in finding.hits], "cleared_at": event.screened_at, "reason": finding.reason,
        "asked_by": finding.asked_by, "cleared_by": finding.cleared_by,
    }  # fmt: skip
    return (Write(_CLEAR, cleared, len(finding.hits)),)


def _forgotten(payee_id: UUID, account_nos: Iterable[int]) -> Sequence[Write]:
    of = {"payee_id": payee_id, "account_nos": list(account_nos)}
    return (Write(_KEEP_ASIDE, of, None), Write(_FORGET, of, None))


# What the log says of accounts that payees share.
_OF_THE_LOG = (
    f"(SELECT e.subject AS payee_id, cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said FROM {LOG_OF_ASKED} e "
    "WHERE e.type = 'avrr.reintegration.payee.shared_account_accepted.v1') l"
)
# What whoever stated the other account found right counted until that was refused, and counts no more.
_ACCEPTED = (
    f"SELECT l.payee_id, a.account_no, a.other_id, a.other_no, o.stated_by AS other_stated_by FROM {_OF_THE_LOG} CROSS JOIN LATERAL "
    "jsonb_to_recordset(l.said -> 'accounts') AS a(account_no integer, other_id uuid, other_no integer) "
    "LEFT JOIN LATERAL (SELECT n.stated_by FROM payee_accounts n WHERE (n.payee_id, n.account_no) = (a.other_id, a.other_no) OFFSET 0) o ON true "
    "WHERE o.stated_by IS DISTINCT FROM l.said ->> 'accepted_by'"
)
_ACCEPTED_BEFORE = (
    f"SELECT l.payee_id, cast(w.other_id AS uuid) AS other_id, cast(l.said ->> 'accepted_at' AS timestamptz) AS accepted_at FROM {_OF_THE_LOG} "
    "CROSS JOIN LATERAL jsonb_array_elements_text(l.said -> 'with_ids') w(other_id) WHERE NOT l.said ? 'accounts' OR l.said -> 'accounts' = '[]'"
)

CHECKS: tuple[Check, ...] = (
    Check(
        "accounts of payees",
        Sql(
            "SELECT coalesce(p.id, a.payee_id) FROM payees p FULL JOIN (SELECT payee_id, count(*) AS accounts, "
            "max(account_no) AS newest, min(country) AS one, max(country) AS other, bool_or(anew) AS anew FROM payee_accounts GROUP BY payee_id) a "
            "ON a.payee_id = p.id WHERE p.id IS NULL OR a.payee_id IS NULL "
            "OR (a.accounts, a.newest, a.one, a.other, a.anew) IS DISTINCT FROM (cast(p.stated_no AS bigint), p.stated_no, p.country, "
            "p.country, p.contacts -> 0 ->> 'payee_id' IS NOT NULL)"
        ),
    ),
    Check(
        "confirmations of payees",
        Sql(
            "SELECT coalesce(p.id, c.payee_id) FROM payees p FULL JOIN (SELECT DISTINCT ON (payee_id) * FROM payee_confirmations "
            "ORDER BY payee_id, account_no DESC) c ON c.payee_id = p.id WHERE (p.id IS NULL OR p.confirmed_no IS NOT NULL) "
            "AND (c.account_no, c.stated_by, c.confirmed_by, c.confirmed_at, c.held_until, c.country) "
            "IS DISTINCT FROM (p.confirmed_no, p.stated_by, p.confirmed_by, p.confirmed_at, p.held_until, p.country) "
            "OR (p.confirmed_no IS NULL AND c.payee_id IS NOT NULL)"
        ),
    ),
    Check(
        "hashes of accounts of payees",
        Sql(
            "SELECT coalesce(p.id, t.payee_id) FROM (SELECT p.id, p.person_id, live.account_no FROM payees p CROSS JOIN LATERAL "
            "(SELECT coalesce(p.confirmed_no, 1) UNION SELECT cast(p.change ->> 'account_no' AS integer) WHERE p.change IS NOT NULL) "
            "live(account_no) WHERE p.status <> 'closed' AND NOT EXISTS (SELECT FROM persons e WHERE e.id = p.person_id)) p "
            "FULL JOIN (SELECT DISTINCT payee_id, account_no, person_id FROM payee_tokens) t ON t.payee_id = p.id AND t.account_no = p.account_no "
            "AND t.person_id IS NOT DISTINCT FROM p.person_id WHERE p.id IS NULL OR t.payee_id IS NULL"
        ),
    ),
    Check(
        "shared accounts",
        Sql(
            f"SELECT coalesce(s.payee_id, a.payee_id) FROM (SELECT * FROM payee_shares WHERE payee_id = {ASKED} AND NOT of_before) s FULL JOIN ({_ACCEPTED}) a "
            "ON (a.payee_id, a.account_no, a.other_id, a.other_no) = (s.payee_id, s.account_no, s.other_id, s.other_no) "
            "WHERE s.payee_id IS NULL OR a.payee_id IS NULL OR s.other_stated_by IS DISTINCT FROM a.other_stated_by "
            # Of what was found before events said of which accounts it is known of whom and when.
            f"UNION SELECT s.payee_id FROM payee_shares s WHERE s.payee_id = {ASKED} AND s.of_before AND NOT EXISTS (SELECT FROM ({_ACCEPTED_BEFORE}) b "
            "WHERE (b.payee_id, b.other_id, b.accepted_at) = (s.payee_id, s.other_id, s.accepted_at))"
        ),
        by_id=True,
    ),
    Check(
        "shared accounts of no payee",
        Sql("SELECT DISTINCT s.payee_id FROM payee_shares s WHERE NOT EXISTS (SELECT FROM payees p WHERE p.id = s.payee_id)"),
    ),
    Check(
        "entries of lists of sanctions",
        Sql(
            "SELECT coalesce(l.id, e.list_id) FROM sanctions_lists l FULL JOIN (SELECT list_id, count(*) AS entries "
            "FROM sanctions_entries GROUP BY list_id) e ON e.list_id = l.id WHERE l.entries IS DISTINCT FROM e.entries"
        ),
    ),
    # What was cleared of a name that is the payee's no more stays on record.
    Check(
        "cleared hits",
        Sql(
            "SELECT p.id FROM payees p CROSS JOIN LATERAL jsonb_array_elements(p.cleared) hit WHERE NOT EXISTS ("
            "SELECT FROM payee_clearances c WHERE c.payee_id = p.id AND c.list_id = cast(hit ->> 'list_id' AS uuid) "
            "AND c.entry_id = hit ->> 'entry_id')"
        ),
    ),
    Check(
        "accounts of staff",
        Sql(
            "SELECT coalesce(l.id, a.list_id) FROM staff_lists l FULL JOIN (SELECT list_id, count(DISTINCT account_no) AS accounts "
            "FROM staff_accounts GROUP BY list_id) a ON a.list_id = l.id WHERE l.accounts IS DISTINCT FROM a.accounts"
        ),
    ),
    # Of a returnee who was erased, and of a payee that was closed long ago, nothing is left but that there was an account.
    Check(
        "details of payees",
        Sql(
            "SELECT coalesce(a.payee_id, d.payee_id) FROM (SELECT a.*, p.person_id FROM payee_accounts a JOIN payees p "
            "ON p.id = a.payee_id WHERE p.details_deleted_on IS NULL AND NOT EXISTS (SELECT FROM persons e WHERE e.id = p.person_id)) a "
            "FULL JOIN payee_details d ON d.payee_id = a.payee_id AND d.account_no = a.account_no AND d.country = a.country "
            "AND d.person_id IS NOT DISTINCT FROM a.person_id WHERE a.payee_id IS NULL OR d.payee_id IS NULL"
        ),
    ),
)
