"""Money that came back and what was written off as rows, derived from the grant, and the checks that both agree."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from services.reintegration.domain.grant_state import Grant
from services.reintegration.posting_projections import month_of
from shared.db import Sql, Write
from shared.verify import Check

_RECOVERED = (
    "grant_id, recovery_no, destination_country, fund_id, amount, currency, amount_in_fund, fund_currency, received_on, month, "
    "reference, bank_line, recorded_by, recorded_at, proposed_by"
)
_OF_A_WRITE_OFF = "grant_id, write_off_no, destination_country, amount, currency, reason, asked_by"


def _insert(table: str, columns: str) -> Sql:
    return Sql(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(f':{name.strip()}' for name in columns.split(','))})")


_RECOVER = _insert("recovered_money", _RECOVERED)
# One reference, one movement of money, whichever way it went; tranche 0 is the whole grant.
_USE_REFERENCE = Sql("INSERT INTO payment_references (reference, grant_id, tranche) VALUES (:reference, :grant_id, 0)")
# Held to the amount of the line by its CHECK, whoever else records something of it at the same moment.
_BY_LINE = Sql(
    "UPDATE bank_lines SET state = 'recovered', recovered = recovered + :amount WHERE id = :bank_line AND kind = 'booked' "
    "AND direction = 'credit' AND currency = :currency AND state IN ('unmatched', 'explained', 'recovered')"
)
_ASK = _insert("write_offs_asked", f"{_OF_A_WRITE_OFF}, asked_at")
_WRITE_OFF = _insert("write_offs", f"{_OF_A_WRITE_OFF}, confirmed_by, confirmed_at")


def recoveries(grant_id: UUID, before: Grant | None, grant: Grant) -> Sequence[Write]:
    """What came back, what was asked to be written off and what was, between two states of a grant."""
    return tuple(_recoveries(grant_id, before, grant))


def _recoveries(grant_id: UUID, before: Grant | None, grant: Grant) -> Iterator[Write]:
    of = {"grant_id": grant_id, "destination_country": grant.destination_country, "currency": grant.currency}
    for back in grant.recoveries[len(before.recoveries) if before is not None else 0 :]:
        yield Write(_USE_REFERENCE, {"reference": back.reference, "grant_id": grant_id})
        yield Write(
            _RECOVER,
            {
                **of, "recovery_no": back.recovery_no, "fund_id": grant.fund_id, "amount": back.amount,
                "amount_in_fund": back.amount if back.in_fund is None else back.in_fund, "fund_currency": grant.fund_currency,
                "received_on": back.received_on, "month": month_of(grant, back.received_on, back.posted_in),
                "reference": back.reference, "bank_line": back.bank_line, "recorded_by": back.recorded_by,
                "recorded_at": back.recorded_at, "proposed_by": back.proposed_by,
            },
        )  # fmt: skip
        if back.bank_line is not None:
            yield Write(_BY_LINE, {"bank_line": back.bank_line, "amount": back.amount, "currency": grant.currency})
    asked = grant.write_off
    if asked is not None and (before is None or before.write_off_no != grant.write_off_no):
        yield Write(
            _ASK,
            {
                **of, "write_off_no": asked.write_off_no, "amount": asked.amount, "reason": asked.reason,
                "asked_by": asked.asked_by, "asked_at": asked.asked_at,
            },
        )  # fmt: skip
    for done in grant.write_offs[len(before.write_offs) if before is not None else 0 :]:
        yield Write(
            _WRITE_OFF,
            {
                **of, "write_off_no": done.write_off_no, "amount": done.amount, "reason": done.reason, "asked_by": done.asked_by,
                "confirmed_by": done.confirmed_by, "confirmed_at": done.confirmed_at,
            },
        )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(
        "recovered money",
        Sql(
            "SELECT coalesce(m.grant_id, r.id) FROM recovered_money m FULL JOIN (SELECT g.id, g.fund_id, g.currency, "
            " g.fund_currency, g.destination_country, r.* FROM grants g, jsonb_to_recordset(g.recoveries) AS r(recovery_no integer, "
            " amount numeric, in_fund numeric, received_on date, reference text, bank_line uuid, recorded_by text, "
            " recorded_at timestamptz, posted_in date, proposed_by text)) r ON (r.id, r.recovery_no) = (m.grant_id, m.recovery_no) "
            "WHERE (m.fund_id, m.currency, m.fund_currency, m.destination_country, m.amount, m.amount_in_fund, m.received_on, "
            " m.month, m.reference, m.bank_line, m.recorded_by, m.recorded_at, m.proposed_by) "
            "IS DISTINCT FROM (r.fund_id, r.currency, r.fund_currency, r.destination_country, r.amount, "
            " coalesce(r.in_fund, r.amount), r.received_on, coalesce(r.posted_in, m.month), r.reference, r.bank_line, "
            " r.recorded_by, r.recorded_at, r.proposed_by) "
            "UNION SELECT g.id FROM grants g LEFT JOIN (SELECT grant_id, sum(amount) AS amount, sum(amount_in_fund) AS in_fund "
            " FROM recovered_money GROUP BY grant_id) m ON m.grant_id = g.id "
            "WHERE (g.recovered, coalesce(g.fund_recovered, 0)) <> (coalesce(m.amount, 0), coalesce(m.in_fund, 0))"
        ),
    ),
    # What came by a line is what was recorded of it.
    Check(
        "lines of the bank and recoveries",
        Sql(
            "SELECT coalesce(l.id, m.bank_line) FROM (SELECT id, recovered, currency FROM bank_lines WHERE state = 'recovered') l "
            "FULL JOIN (SELECT bank_line, sum(amount) AS amount, min(currency) AS first, max(currency) AS last FROM recovered_money "
            " WHERE bank_line IS NOT NULL GROUP BY bank_line) m ON m.bank_line = l.id "
            "WHERE (l.recovered, l.currency, l.currency) IS DISTINCT FROM (m.amount, m.first, m.last)"
        ),
    ),
    # What was posted as recovered is each sum that came back, in its order.
    Check(
        "postings of recoveries",
        Sql(
            "SELECT coalesce(p.grant_id, m.grant_id) FROM (SELECT *, row_number() OVER (PARTITION BY grant_id ORDER BY posting_no) "
            " AS nth FROM fund_postings WHERE kind = 'recover') p "
            "FULL JOIN recovered_money m ON (m.grant_id, m.recovery_no) = (p.grant_id, p.nth) "
            "WHERE (p.amount, p.currency, p.amount_in_fund, p.fund_currency, p.month) "
            "IS DISTINCT FROM (m.amount, m.currency, m.amount_in_fund, m.fund_currency, m.month) "
            "OR p.occurred_on < m.received_on"
        ),
    ),
    Check(
        "write-offs",
        Sql(
            "SELECT coalesce(w.grant_id, o.id) FROM write_offs w FULL JOIN (SELECT g.id, o.* FROM grants g, "
            " jsonb_to_recordset(g.write_offs) AS o(write_off_no integer, amount numeric, reason text, asked_by text, "
            " confirmed_by text, confirmed_at timestamptz)) o ON (o.id, o.write_off_no) = (w.grant_id, w.write_off_no) "
            "WHERE (w.amount, w.reason, w.asked_by, w.confirmed_by, w.confirmed_at) "
            "IS DISTINCT FROM (o.amount, o.reason, o.asked_by, o.confirmed_by, o.confirmed_at) "
            "UNION SELECT g.id FROM grants g LEFT JOIN (SELECT grant_id, sum(amount) AS amount FROM write_offs GROUP BY grant_id) w "
            "ON w.grant_id = g.id WHERE g.written_off <> coalesce(w.amount, 0) "
            "UNION SELECT coalesce(a.grant_id, g.id) FROM (SELECT grant_id, max(write_off_no) AS newest, count(*) AS asked "
            " FROM write_offs_asked GROUP BY grant_id) a FULL JOIN (SELECT id, write_off_no FROM grants WHERE write_off_no > 0) g "
            "ON g.id = a.grant_id WHERE (g.write_off_no, cast(g.write_off_no AS bigint)) IS DISTINCT FROM (a.newest, a.asked)"
        ),
    ),
)
