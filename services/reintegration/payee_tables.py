"""Reintegration's tables of who is paid: payees, their accounts, who confirmed them, what is sealed, and what stands against one."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.domain import payee_state
from services.reintegration.metadata import METADATA, begins
from shared.tables import aggregate_table, scope

PAYEES = aggregate_table(
    METADATA,
    "payees",
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("registered_by", sa.Text, nullable=False),
    sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("handlers", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("case_id", sa.Uuid),
    sa.Column("person_id", sa.Uuid),
    sa.Column("vendor_code", sa.Text),
    sa.Column("stated_no", sa.Integer, nullable=False),
    sa.Column("confirmed_no", sa.Integer),
    sa.Column("stated_by", sa.Text),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("confirmed_at", sa.DateTime(timezone=True)),
    sa.Column("held_until", sa.DateTime(timezone=True)),
    sa.Column("change", pg.JSONB),
    sa.Column("closing_reason", sa.Text),
    sa.Column("shares", pg.ARRAY(sa.Uuid), nullable=False, server_default="{}"),
    sa.Column("screened_no", sa.Integer),
    sa.Column("screened_at", sa.DateTime(timezone=True)),
    sa.Column("screened_lists", pg.ARRAY(sa.Uuid), nullable=False, server_default="{}"),
    sa.Column("hits", pg.JSONB, nullable=False, server_default="[]"),
    sa.Column("cleared", pg.JSONB, nullable=False, server_default="[]"),
    sa.Column("clearing_reason", sa.Text),
    sa.Column("clearing_asked_by", sa.Text),
    sa.Column("cleared_by", sa.Text),
    # The code as it is compared: within a scope no index on an expression is walked.
    sa.Column("vendor_key", sa.Text),
    sa.CheckConstraint("vendor_key IS NOT DISTINCT FROM lower(vendor_code)", name="vendor_key_is_the_code"),
    sa.Column("contacts", pg.JSONB, nullable=False, server_default="[]"),
    sa.Column("clearers", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("closed_at", sa.DateTime(timezone=True)),
    sa.Column("details_deleted_on", sa.Date),
    sa.Column("screened_with", sa.Integer, nullable=False, server_default="1"),
    sa.CheckConstraint("(closed_at IS NOT NULL) = (status = 'closed' AND person_id IS NULL)", name="closed_at_a_moment"),
    sa.CheckConstraint(
        "details_deleted_on IS NULL OR (details_deleted_on > cast(closed_at AT TIME ZONE 'UTC' AS date) + interval '3650 days') IS TRUE",
        name="details_kept_for_their_time",
    ),
    sa.CheckConstraint("clearing_asked_by <> cleared_by", name="cleared_by_two_persons"),
    sa.CheckConstraint("(clearing_asked_by IS NULL) = (clearing_reason IS NULL)", name="clearing_is_whole"),
    begins(payee_state.BEGINNINGS),
    sa.CheckConstraint(
        "CASE kind WHEN 'returnee' THEN case_id IS NOT NULL AND person_id IS NOT NULL AND vendor_code IS NULL "
        "WHEN 'vendor' THEN case_id IS NULL AND person_id IS NULL AND vendor_code IS NOT NULL "
        "WHEN 'office' THEN case_id IS NULL AND person_id IS NULL AND vendor_code IS NULL ELSE false END",
        name="named_by_its_kind",
    ),
    sa.CheckConstraint("stated_by <> confirmed_by", name="two_persons"),
    sa.CheckConstraint(
        "(confirmed_no IS NULL) = (confirmed_by IS NULL) AND (confirmed_no IS NULL) = (stated_by IS NULL) "
        "AND (confirmed_no IS NULL) = (confirmed_at IS NULL) AND confirmed_no <= stated_no",
        name="confirmation_is_whole",
    ),
    sa.CheckConstraint("status NOT IN ('active', 'on_hold') OR confirmed_no IS NOT NULL", name="paid_once_confirmed"),
    sa.CheckConstraint("(status = 'on_hold') = (change IS NOT NULL)", name="on_hold_while_a_change_waits"),
    # To whatever account a payee is paid, somebody else confirmed it.
    sa.ForeignKeyConstraint(
        ("id", "confirmed_no", "stated_by", "confirmed_by"),
        [f"payee_confirmations.{name}" for name in ("payee_id", "account_no", "stated_by", "confirmed_by")],
        name="fk_payees_confirmed_by_another", deferrable=True, initially="DEFERRED",
    ),
    # A vendor that was closed gives its code back: else a mistyped one could never be registered again.
    sa.Index(
        "uq_payees_vendor_code", "country", "vendor_key", unique=True,
        postgresql_where=sa.text("vendor_code IS NOT NULL AND status <> 'closed'"),
    ),
    sa.Index(
        "uq_payees_person_currency", "person_id", "currency", unique=True,
        postgresql_where=sa.text("person_id IS NOT NULL AND status <> 'closed'"),
    ),
    sa.Index("ix_payees_vendor", "vendor_key", "id"),
    sa.Index(None, "country", "id"),
    sa.Index(None, "country", "status", "id"),
    sa.Index(None, "status", "id"),
    sa.Index(None, "person_id"),
    # Few of all, which whoever looks at them walks.
    sa.Index("ix_payees_hits", "id", postgresql_where=sa.text("hits <> '[]' AND status <> 'closed'")),
    info=scope("country:country"),
)

_STATED = ("payee_id", "account_no", "stated_by", "stated_at")

# Every account that was ever stated, by whom and when; nobody changes a row. What it is stands sealed in `payee_details`.
PAYEE_ACCOUNTS = sa.Table(
    "payee_accounts",
    METADATA,
    sa.Column("payee_id", sa.Uuid, primary_key=True),
    sa.Column("account_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("stated_by", sa.Text, nullable=False),
    sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("reason", sa.Text),
    # The first account of somebody who was paid before as another payee.
    sa.Column("anew", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.CheckConstraint("NOT anew OR account_no = 1", name="anew_is_the_first"),
    sa.UniqueConstraint("payee_id", "account_no", "anew", name="uq_payee_accounts_anew"),
    sa.CheckConstraint("(account_no = 1) = (reason IS NULL)", name="changed_for_a_reason"),
    sa.UniqueConstraint(*_STATED, name="uq_payee_accounts_stated"),
    info=scope("country:country", written_by="stated_by"),
)

# Which of them somebody else confirmed; nobody changes a row. That days have to pass is an example, as in the rules.
PAYEE_CONFIRMATIONS = sa.Table(
    "payee_confirmations",
    METADATA,
    sa.Column("payee_id", sa.Uuid, primary_key=True),
    sa.Column("account_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("stated_by", sa.Text, nullable=False),
    sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("confirmed_by", sa.Text, nullable=False),
    sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("called_at", sa.DateTime(timezone=True)),
    sa.Column("held_until", sa.DateTime(timezone=True)),
    sa.Column("anew", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.ForeignKeyConstraint(
        ("payee_id", "account_no", "anew"), [f"payee_accounts.{name}" for name in ("payee_id", "account_no", "anew")],
        name="fk_payee_confirmations_anew",
    ),
    sa.ForeignKeyConstraint(_STATED, [f"payee_accounts.{name}" for name in _STATED], name="fk_payee_confirmations_what_was_stated"),
    sa.UniqueConstraint("payee_id", "account_no", "stated_by", "confirmed_by", name="uq_payee_confirmations_by_whom"),
    sa.CheckConstraint("stated_by <> confirmed_by", name="two_persons"),
    sa.CheckConstraint(
        "account_no = 1 OR (called_at BETWEEN stated_at AND confirmed_at) IS TRUE", name="called_after_the_change"
    ),
    sa.CheckConstraint("called_at BETWEEN stated_at AND confirmed_at", name="called_in_time"),
    sa.CheckConstraint("(account_no = 1 AND NOT anew) OR (held_until >= stated_at + interval '48 hours') IS TRUE", name="held_long_enough"),
    info=scope("country:country", written_by="confirmed_by"),
)

# What was stated, sealed: a returnee's under a key of the person's, which goes with them, others' under one of the payee's.
PAYEE_DETAILS = sa.Table(
    "payee_details",
    METADATA,
    sa.Column("payee_id", sa.Uuid, primary_key=True),
    sa.Column("account_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("person_id", sa.Uuid),
    sa.Column("account", sa.LargeBinary, nullable=False),
    sa.Index(None, "person_id"),
    info=scope("country:country"),
)

# By what an account is found again, of each payee that is not closed: the one that is paid to, or is to be, and the one that
# waits. Keyed hashes, which say nothing without the key that is not in the database (`shared.blind_index`).
PAYEE_TOKENS = sa.Table(
    "payee_tokens",
    METADATA,
    sa.Column("payee_id", sa.Uuid, primary_key=True),
    sa.Column("account_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.Uuid),
    sa.Column("token", sa.LargeBinary, primary_key=True),
    # Its bank, by the letters of its code and by the number that its country gave it; empty where nobody said.
    sa.Column("bank", sa.LargeBinary),
    sa.Column("bank_number", sa.LargeBinary),
    sa.Column("key", sa.Text, nullable=False),
    # Whether another payee, or a list of staff's, ever had the same hash: noted by a trigger (`hashes_met_1.sql`), so that
    # whoever looks for accounts that others have looks at these alone.
    sa.Column("met", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("ix_payee_tokens_met", "payee_id", postgresql_where=sa.text("met")),
    sa.Index(None, "token", "payee_id"),
    sa.Index(None, "key", "payee_id"),
    sa.Index(None, "person_id"),
    # A hash says nothing of whose it is; accounts of two countries have to be found alike.
    info=scope("known"),
)

# The hashes of accounts that a returnee had before, by which lines of the bank's that went there are found when the person is
# erased, and nothing else is.
FORMER_PAYEE_TOKENS = sa.Table(
    "former_payee_tokens",
    METADATA,
    sa.Column("payee_id", sa.Uuid, primary_key=True),
    sa.Column("account_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("token", sa.LargeBinary, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Index(None, "person_id"),
    info=scope("known"),
)

# Which accounts of payees somebody who did not state them found right to be the same one; nobody changes a row, and of a later
# account of either nothing is said. ``of_before``: its event does not say of which accounts it was found.
PAYEE_SHARES = sa.Table(
    "payee_shares",
    METADATA,
    sa.Column("payee_id", sa.Uuid, primary_key=True),
    sa.Column("account_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("other_id", sa.Uuid, primary_key=True),
    sa.Column("other_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("stated_by", sa.Text, nullable=False),
    sa.Column("accepted_by", sa.Text, nullable=False),
    sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.CheckConstraint("stated_by <> accepted_by", name="two_persons"),
    sa.Column("of_before", sa.Boolean, nullable=False, server_default=sa.false()),
    # Filled by a trigger (`shared_stated_by_1.sql`): what is found right of one account holds for the other as well.
    sa.Column("other_stated_by", sa.Text),
    sa.CheckConstraint("(accepted_by <> other_stated_by) IS TRUE", name="not_by_who_stated_the_other"),
    sa.CheckConstraint("payee_id <> other_id", name="two_payees"),
    sa.Index(None, "other_id"),
    info=scope("known", written_by="accepted_by"),
)

# Of each name one list waits at a time.
_WAITS: Final = sa.text("counts_since IS NULL AND dropped_at IS NULL")


def _brought(holds: str) -> Sequence[sa.Column[object] | sa.Constraint]:
    """What is kept of each list that somebody brings and a second person puts in force, and what it is held to (`domain.brought_lists`)."""
    return (
        sa.Column("uploaded_by", sa.Text, nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("counts_since", sa.DateTime(timezone=True)),
        sa.Column("confirmed_by", sa.Text),
        sa.Column("dropped_by", sa.Text),
        sa.Column("dropped_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(f"{holds} > 0", name="holds_some"),
        sa.CheckConstraint("uploaded_by <> confirmed_by", name="two_persons"),
        sa.CheckConstraint("(confirmed_by IS NOT NULL) = (proposed AND counts_since IS NOT NULL)", name="counts_once_confirmed"),
        sa.CheckConstraint("(dropped_by IS NULL) = (dropped_at IS NULL)", name="drop_is_whole"),
        sa.CheckConstraint("dropped_at IS NULL OR counts_since IS NULL", name="drops_what_waits"),
        sa.CheckConstraint("proposed OR counts_since IS NOT NULL", name="proposed_or_counts"),
    )


STAFF_LISTS = aggregate_table(
    METADATA,
    "staff_lists",
    sa.Column("list_version", sa.Text, nullable=False),
    sa.Column("accounts", sa.Integer, nullable=False),
    *_brought("accounts"),
    sa.Index("uq_staff_lists_waiting", "proposed", unique=True, postgresql_where=_WAITS),
    sa.Index(None, "counts_since", "id"),
    info=scope("known"),
)

# The accounts of staff as keyed hashes, and nothing else of them; those of the list that counts are of staff.
STAFF_ACCOUNTS = sa.Table(
    "staff_accounts",
    METADATA,
    sa.Column("list_id", sa.Uuid, primary_key=True),
    sa.Column("account_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("token", sa.LargeBinary, primary_key=True),
    sa.Column("bank", sa.LargeBinary),
    sa.Column("bank_number", sa.LargeBinary),
    sa.Column("key", sa.Text, nullable=False),
    sa.Index(None, "list_id", "token"),
    sa.Index(None, "token"),
    info=scope("known"),
)

SANCTIONS_LISTS = aggregate_table(
    METADATA,
    "sanctions_lists",
    sa.Column("list_name", sa.Text, nullable=False),
    sa.Column("list_version", sa.Text, nullable=False),
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    *_brought("entries"),
    sa.Index(
        "uq_sanctions_lists_waiting", "list_name", unique=True, postgresql_where=_WAITS
    ),
    sa.Index(None, "list_name", "counts_since", "id"),
    info=scope("known"),
)

# What a list says, as it was published: ``names`` are parted by line ends, the first is the name and the others are aliases.
SANCTIONS_ENTRIES = sa.Table(
    "sanctions_entries",
    METADATA,
    sa.Column("list_id", sa.Uuid, primary_key=True),
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("names", sa.Text, nullable=False),
    sa.Column("born", sa.Text),
    sa.Column("country", sa.Text),
    info=scope("known"),
)

# Which entries two persons found to mean somebody else; nobody changes a row.
PAYEE_CLEARANCES = sa.Table(
    "payee_clearances",
    METADATA,
    sa.Column("payee_id", sa.Uuid, primary_key=True),
    sa.Column("list_id", sa.Uuid, primary_key=True),
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("cleared_at", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("cleared_by", sa.Text, nullable=False),
    sa.CheckConstraint("asked_by <> cleared_by", name="two_persons"),
    info=scope("known", written_by="cleared_by"),
)
