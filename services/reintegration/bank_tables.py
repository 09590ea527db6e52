"""Reintegration's tables of what the bank says: files that were imported, their statements, and each line with what it settled."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.domain import bank_line_acts
from services.reintegration.metadata import METADATA, begins
from shared.tables import aggregate_table, jsonb, scope

BANK_FILES = aggregate_table(
    METADATA,
    "bank_files",
    sa.Column("file_kind", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("lines_sha256", sa.Text, nullable=False),
    jsonb("statements"),
    sa.Column("identification", sa.Text),
    sa.Column("instruction_id", sa.Uuid),
    sa.Column("imported_by", sa.Text, nullable=False),
    sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("acted_by", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("before_rule", sa.Boolean, nullable=False),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("confirmed_at", sa.DateTime(timezone=True)),
    sa.Column("dropped_by", sa.Text),
    sa.Column("dropped_at", sa.DateTime(timezone=True)),
    sa.Column("drop_reason", sa.Text),
    sa.Column("revocation_asked_by", sa.Text),
    sa.Column("kept_by", sa.Text),
    sa.CheckConstraint(
        "CASE file_kind WHEN 'statement' THEN num_nonnulls(identification, instruction_id) = 0 AND jsonb_array_length(statements) > 0 "
        "WHEN 'status_report' THEN num_nulls(identification, instruction_id) = 0 AND jsonb_array_length(statements) = 0 ELSE false END",
        name="of_its_kind",
    ),
    # Who brought a file of before counts as who confirmed it.
    sa.CheckConstraint("version > 1 OR status = 'unconfirmed' OR before_rule", name="beginning"),
    sa.CheckConstraint("imported_by <> confirmed_by", name="two_persons"),
    sa.CheckConstraint("imported_by <> dropped_by", name="dropped_by_another"),
    # One that counted is dropped by two others than those by whom it counts.
    sa.CheckConstraint(
        "coalesce(revocation_asked_by NOT IN (imported_by, confirmed_by), true) AND coalesce(kept_by NOT IN (imported_by, confirmed_by), true) "
        "AND coalesce(dropped_by NOT IN (revocation_asked_by, confirmed_by), true)",
        name="revoked_by_two_others",
    ),
    sa.CheckConstraint(
        "CASE status WHEN 'unconfirmed' THEN num_nonnulls(confirmed_by, confirmed_at, dropped_by, dropped_at, drop_reason, revocation_asked_by, kept_by) = 0 "
        "AND NOT before_rule "
        "WHEN 'confirmed' THEN num_nonnulls(confirmed_by, confirmed_at) = CASE WHEN before_rule THEN 0 ELSE 2 END "
        "AND num_nonnulls(dropped_by, dropped_at) = 0 AND (drop_reason IS NULL) = (revocation_asked_by IS NULL) "
        "WHEN 'dropped' THEN num_nulls(dropped_by, dropped_at, drop_reason) = 0 AND CASE WHEN revocation_asked_by IS NULL "
        "THEN num_nonnulls(confirmed_by, confirmed_at, kept_by) = 0 AND NOT before_rule "
        "ELSE num_nonnulls(confirmed_by, confirmed_at) = CASE WHEN before_rule THEN 0 ELSE 2 END END ELSE false END",
        name="counts_by_two_persons",
    ),
    sa.CheckConstraint("acted_by = coalesce(dropped_by, revocation_asked_by, kept_by, confirmed_by, imported_by)", name="acted_by_whom_it_says"),
    # Once, under whatever id: the same bytes, and the same report on one of our files. What was dropped is in nobody's way.
    sa.Index("uq_bank_files_sha256", "sha256", unique=True, postgresql_where=sa.text("status <> 'dropped'")),
    sa.Index(
        "uq_bank_files_report", "instruction_id", "identification", unique=True,
        postgresql_where=sa.text("file_kind = 'status_report' AND status <> 'dropped'"),
    ),
    sa.Index("ix_bank_files_unconfirmed", "id", postgresql_where=sa.text("status = 'unconfirmed'")),
    info=scope("known", written_by="acted_by"),
)  # fmt: skip

# Each statement that was imported; of one account the same one once among those of files that were not dropped (`live`).
BANK_STATEMENTS = sa.Table(
    "bank_statements",
    METADATA,
    sa.Column("file_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("own_account_id", sa.Uuid, nullable=False),
    sa.Column("identification", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("opening", sa.Numeric, nullable=False),
    sa.Column("closing", sa.Numeric, nullable=False),
    sa.Column("first_on", sa.Date),
    sa.Column("closed_on", sa.Date, nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Index("uq_bank_statements_live", "own_account_id", "identification", "closed_on", unique=True, postgresql_where=sa.text("live")),
    sa.Index(None, "own_account_id", "closed_on"),
    info=scope("known"),
)

# What the bank says, a row for each payment of a line that was booked and for each attempt that a report speaks of. Nobody
# changes what a row says; what became of it (`state`) is the result of what was decided on the file, the grant or the line.
# Those of a file that counts not yet, or no more, are no duplicate of any other's and none is of theirs.
BANK_LINES = sa.Table(
    "bank_lines",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("file_id", sa.Uuid, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("own_account_id", sa.Uuid),
    sa.Column("amount", sa.Numeric),
    sa.Column("line_amount", sa.Numeric),
    sa.Column("currency", sa.Text),
    # What was ordered, which may be in another currency than the account's, and the rate at which the bank exchanged it.
    sa.Column("instructed_amount", sa.Numeric),
    sa.Column("instructed_currency", sa.Text),
    sa.Column("exchange_rate", sa.Numeric),
    sa.Column("exchange_unit", sa.Text),
    sa.Column("direction", sa.Text),
    sa.Column("reversal", sa.Boolean, nullable=False),
    sa.Column("booked_on", sa.Date),
    sa.Column("value_on", sa.Date),
    sa.Column("code", sa.Text),
    sa.Column("bank_reference", sa.Text),
    sa.Column("remittance_code", sa.Text),
    sa.Column("attempt_id", sa.Uuid),
    sa.Column("by_code", sa.Boolean, nullable=False),
    sa.Column("reasons", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("occurrence", sa.Integer, nullable=False),
    # What of a line is the same in each statement that tells it; and whether two persons found that it is another one all the same.
    sa.Column("alike", sa.Text),
    # The bank names several payments of ours, or a whole block of them, of which a line is one at most.
    sa.Column("names_several", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("apart", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("duplicate_of", sa.Uuid),
    sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # The attempt that the bank names, or that two persons found it to be of where the bank lost what we had written.
    sa.Column("of_attempt", sa.Uuid),
    sa.Column("settled_attempt", sa.Uuid),
    # Of which block of payments the bank says that it is; whether two persons said of which attempt it is; and whether the
    # account to which it went is another one than that of its attempt, NULL where the bank states none; and than that of the
    # attempt that the bank names, whatever two persons find.
    sa.Column("block", sa.Text),
    sa.Column("by_hand", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("other_payee", sa.Boolean),
    sa.Column("other_payee_named", sa.Boolean),
    # How much of what was ordered two persons found it to have paid, in the payment's currency; NULL where it is exactly that.
    sa.Column("paid_part", sa.Numeric),
    # What that part is worth in the line's currency by the rate of its day, where that is another one than the payment's.
    sa.Column("part_worth", sa.Numeric),
    # Settled before what a booking has beyond its parts was taken for charges.
    sa.Column("before_sums", sa.Boolean, nullable=False, server_default="false"),
    # Which of the batches that it may tell of were in the bank's hands as its file was confirmed; set in that transaction.
    sa.Column("sent_batches", pg.ARRAY(sa.Uuid)),
    # How much of it is money that was asked back, of one grant or several.
    sa.Column("recovered", sa.Numeric, nullable=False, server_default="0"),
    sa.CheckConstraint(
        "(state = 'recovered') = (recovered > 0) AND recovered >= 0 "
        "AND (recovered = 0 OR (kind = 'booked' AND direction = 'credit' AND recovered <= amount) IS TRUE)",
        name="recovered_within_line",
    ),
    sa.CheckConstraint(
        "CASE kind WHEN 'booked' THEN num_nulls(own_account_id, line_amount, currency, direction, booked_on) = 0 AND line_amount >= 0 "
        "AND direction IN ('credit', 'debit') WHEN 'rejected' THEN attempt_id IS NOT NULL "
        "WHEN 'accepted' THEN attempt_id IS NOT NULL ELSE false END",
        name="of_its_kind",
    ),
    sa.CheckConstraint(
        "CASE WHEN state IN ('unconfirmed', 'dropped') THEN true "
        "WHEN state IN ('unmatched', 'matched', 'returned', 'rejected', 'explained', 'recovered', 'duplicate', 'accepted') "
        "THEN (state = 'accepted') = (kind = 'accepted') AND (state = 'duplicate') = (duplicate_of IS NOT NULL AND NOT apart) "
        "AND (state <> 'rejected' OR kind = 'rejected') AND (state NOT IN ('matched', 'returned') OR kind = 'booked') ELSE false END",
        name="state_is_known",
    ),
    sa.CheckConstraint("paid_part IS NULL OR (by_hand AND paid_part > 0) IS TRUE", name="part_is_two_persons_word"),
    sa.CheckConstraint("part_worth IS NULL OR (paid_part IS NOT NULL AND part_worth > 0) IS TRUE", name="worth_of_a_part"),
    sa.CheckConstraint(
        "num_nulls(instructed_amount, instructed_currency) IN (0, 2) AND (instructed_amount IS NOT NULL OR num_nonnulls(exchange_rate, exchange_unit) = 0)",
        name="order_is_whole",
    ),
    sa.CheckConstraint(
        "(state IN ('matched', 'returned', 'rejected')) = (settled_attempt IS NOT NULL) "
        "AND (settled_attempt IS NULL OR (settled_attempt = of_attempt) IS TRUE)",
        name="settles_its_attempt",
    ),
    sa.UniqueConstraint("file_id", "number", "part"),
    # The same line in another statement is a duplicate; of two that are confirmed at once the later one waits and finds out.
    sa.Index(
        "uq_bank_lines_once", "own_account_id", "alike", "occurrence", "part",
        unique=True, postgresql_where=sa.text(
            "kind = 'booked' AND duplicate_of IS NULL AND bank_reference IS NOT NULL AND state NOT IN ('unconfirmed', 'dropped')"
        ),
    ),
    # A line settles at most one attempt, and an attempt is paid, sent back or refused by at most one line each.
    sa.Index("uq_bank_lines_settled", "settled_attempt", "state", unique=True, postgresql_where=sa.text("settled_attempt IS NOT NULL")),
    sa.Index(None, "state", "id"),
    sa.Index(
        "ix_bank_lines_may_recover", "currency", "id",
        postgresql_where=sa.text("kind = 'booked' AND direction = 'credit' AND NOT reversal AND state IN ('unmatched', 'recovered', 'explained')"),
    ),
    sa.Index("ix_bank_lines_looked_at", "imported_at", "id", postgresql_where=sa.text("state IN ('accepted', 'explained')")),
    sa.Index(None, "file_id", "id"),
    sa.Index(None, "of_attempt"),
    sa.Index(None, "attempt_id"),
    info=scope("known"),
)  # fmt: skip

# To which account a debit went, where the bank states it, as keyed hashes and nothing else.
BANK_LINE_ACCOUNTS = sa.Table(
    "bank_line_accounts",
    METADATA,
    sa.Column("line_id", sa.Uuid, primary_key=True),
    sa.Column("token", sa.LargeBinary, primary_key=True),
    sa.Column("bank", sa.LargeBinary),
    sa.Column("bank_number", sa.LargeBinary),
    sa.Column("key", sa.Text, nullable=False),
    sa.Index(None, "token"),
    info=scope("known"),
)

# What somebody said of a line last, of those of which anybody said anything.
BANK_LINE_ACTS = aggregate_table(
    METADATA,
    "bank_line_acts",
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("acted_by", sa.Text, nullable=False),
    sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("explanation", sa.Text),
    sa.Column("attempt_id", sa.Uuid),
    sa.Column("asked_by", sa.Text),
    sa.Column("other_than_named", sa.Text),
    sa.Column("paid_part", sa.Numeric),
    sa.Column("part_worth", sa.Numeric),
    sa.Column("spoken", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    begins(bank_line_acts.BEGINNINGS),
    sa.CheckConstraint(
        "(status IN ('explained', 'explanation_asked')) = (explanation IS NOT NULL) "
        "AND (status IN ('match_asked', 'matched', 'undo_asked', 'match_kept')) = (attempt_id IS NOT NULL) "
        "AND (other_than_named IS NULL OR attempt_id IS NOT NULL) AND (paid_part IS NULL OR attempt_id IS NOT NULL AND paid_part > 0) AND CASE WHEN status IN ('match_asked', 'matched', 'undo_asked', "
        "'match_undone', 'explanation_asked', 'apart_asked', 'told_apart') THEN asked_by IS NOT NULL ELSE status = 'explained' OR asked_by IS NULL END",
        name="act_is_whole",
    ),
    sa.CheckConstraint("part_worth IS NULL OR (paid_part IS NOT NULL AND part_worth > 0) IS TRUE", name="worth_of_a_part"),
    sa.CheckConstraint("status NOT IN ('matched', 'match_undone', 'explained', 'told_apart') OR asked_by <> acted_by", name="two_persons"),
    sa.ForeignKeyConstraint(("id",), ("bank_lines.id",), name="fk_bank_line_acts_line"),
    info=scope("known", written_by="acted_by"),
)
