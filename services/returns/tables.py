"""Returns' tables: persons, cases, who travelled, and what the annual report reads of the log."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.returns.domain.case_ref import CASE_REF_PATTERN
from services.returns.domain.case_state import (
    AWAITED,
    BEGINNINGS,
    FOLLOWING_GRANTS,
    GATED,
    REGROUPING,
    TERMINAL,
)
from shared.aggregate import IN_CLEAR
from shared.contracts import families, returns
from shared.messages import Event
from shared.tables import aggregate_table, jsonb, scope, service_metadata

METADATA = service_metadata()

ACCESSES = METADATA.tables["accesses"]

# These facts have no time of their own: they happened when they were recorded, and that stands in the log alone.
REPORTED: tuple[type[Event], ...] = (
    returns.CaseOpened,
    returns.ApplicationSubmitted,
    returns.CaseApproved,
    returns.CaseDeclaredIneligible,
    returns.PersonWithdrew,
    returns.CaseWithdrawn,
    returns.CaseLapsed,
    returns.FlightMissed,
    returns.CaseNotDeparted,
    returns.CaseClosed,
    returns.CaseReopened,
    families.CaseSplitOff,
    families.CaseJoined,
)

_TRAVELLING = '@.travel == "expected"'


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


# How far a case may be that begins for persons of another one.
SPLIT = tuple(status for status in REGROUPING if status not in GATED)
# A case that has not ended. Statements say it in these very words, so that PostgreSQL knows the indexes that hold no other.
OPEN = f"status NOT IN ({_listed(TERMINAL)})"
READY = "holds_until IS NOT NULL"
OVERDUE = "arrival_overdue_at IS NOT NULL"
PROTECTED = "protection_since IS NOT NULL"
DOUBTED = "correction_since IS NOT NULL"
INQUIRED = "inquired_since IS NOT NULL"
DEPARTURE_ASKED = "departure_asked_at IS NOT NULL"
SUPPORTED = "supports <> '[]'"
TICKETED = "ticket_costs <> '[]'"
# How far a case is on its way, whatever holds it there (`Case.stretch`).
STRETCH = "coalesce(status_before_hold, status)"
EXPECTED = f"{STRETCH} IN ({_listed(AWAITED)})"


def _only(condition: str, statuses: Iterable[str], name: str) -> sa.CheckConstraint:
    """At these statuses the condition must be true; unknown is not enough."""
    return sa.CheckConstraint(f"status NOT IN ({_listed(statuses)}) OR ({condition}) IS TRUE", name=name)


def _only_along(condition: str, statuses: Iterable[str], name: str) -> sa.CheckConstraint:
    """As `_only`, and while a hold keeps the case there."""
    return sa.CheckConstraint(f"{STRETCH} NOT IN ({_listed(statuses)}) OR ({condition}) IS TRUE", name=name)


PERSONS = aggregate_table(
    METADATA,
    "persons",
    sa.Column("counselled_at", sa.DateTime(timezone=True)),
    sa.Column("heard_alone_in", pg.ARRAY(sa.Uuid), nullable=False, server_default="{}"),
    sa.Column("data_consent", sa.Boolean, nullable=False),
    sa.Column("data_expires_on", sa.Date),
    sa.Column("transfer_consent", sa.Boolean, nullable=False),
    sa.Column("transfer_country", sa.Text),
    sa.Column("transfer_expires_on", sa.Date),
    # The row that comes to have it is what erases: a trigger deletes everything personal in the same statement.
    sa.Column("erased_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("transfer_consent OR transfer_country IS NULL", name="no_transfer_without_consent"),
    info=scope("known"),
)

CASES = aggregate_table(
    METADATA,
    "cases",
    sa.Column("case_ref", sa.Text, nullable=False, unique=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("principal_id", sa.Uuid, nullable=False),
    sa.Column("counsellor_id", sa.Text, nullable=False),
    jsonb("persons"),
    sa.Column("expressed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("contact_tried_at", pg.ARRAY(sa.DateTime(timezone=True)), nullable=False),
    sa.Column("submitted_by", sa.Text),
    sa.Column("approved_by", sa.Text),
    sa.Column("programme", sa.Text),
    sa.Column("receiving_country", sa.Text),
    sa.Column("departs_at", sa.DateTime(timezone=True)),
    sa.Column("arrives_at", sa.DateTime(timezone=True)),
    sa.Column("booked_person_ids", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Column("flight", sa.Text),
    sa.Column("needs", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("transit_country", sa.Text),
    sa.Column("transit_visa_needed", sa.Boolean, nullable=False),
    sa.Column("booked_at", sa.DateTime(timezone=True)),
    sa.Column("reception_arranged_at", sa.DateTime(timezone=True)),
    sa.Column("cleared_at", sa.DateTime(timezone=True)),
    sa.Column("clearance_lapsed_at", sa.DateTime(timezone=True)),
    sa.Column("holds_until", sa.DateTime(timezone=True)),
    sa.Column("times_missed", sa.Integer, nullable=False),
    sa.Column("times_booked", sa.Integer, nullable=False, server_default="0"),
    sa.Column("departed_at", sa.DateTime(timezone=True)),
    sa.Column("arrived_at", sa.DateTime(timezone=True)),
    sa.Column("arrival_due_at", sa.DateTime(timezone=True)),
    sa.Column("arrival_overdue_at", sa.DateTime(timezone=True)),
    sa.Column("agreed_plan_id", sa.Uuid),
    jsonb("grants"),
    sa.Column("status_before_closing", sa.Text),
    sa.Column("closure_reason", sa.Text),
    sa.Column("reopening_reason", sa.Text),
    jsonb("holds"),
    sa.Column("status_before_hold", sa.Text),
    jsonb("screening"),
    sa.Column("protection_since", sa.DateTime(timezone=True)),
    jsonb("supports"),
    sa.Column("split_from", sa.Uuid),
    sa.Column("split_into", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Column("joined_into", sa.Uuid),
    sa.Column("regrouping_with", sa.Uuid),
    sa.Column("correction_since", sa.DateTime(timezone=True)),
    sa.Column("inquired_since", sa.DateTime(timezone=True)),
    sa.Column("final_report", pg.JSONB),
    sa.Column("departure_asked_at", sa.DateTime(timezone=True)),
    sa.Column("departure_confirmed_at", sa.DateTime(timezone=True)),
    jsonb("ticket_costs"),
    # The trigger holds every later move of a status to the declared transitions; this holds the first one.
    sa.CheckConstraint(
        f"version > 1 OR status IN ({_listed(sorted(BEGINNINGS))}) OR (split_from IS NOT NULL AND status IN ({_listed(SPLIT)}))",
        name="beginning",
    ),
    sa.CheckConstraint("(status = 'joined') = (joined_into IS NOT NULL)", name="joined_with_another"),
    sa.CheckConstraint(f"case_ref ~ '{CASE_REF_PATTERN}'", name="case_ref_form"),
    sa.CheckConstraint(
        "approved_by IS NULL OR (approved_by <> counsellor_id AND approved_by <> submitted_by) IS TRUE", name="four_eyes"
    ),
    _only_along("submitted_by IS NOT NULL", ("applied",), "applied_by_somebody"),
    _only_along("approved_by IS NOT NULL", ("approved", "preparing", *GATED), "approved_by_somebody"),
    _only_along("programme IS NOT NULL AND receiving_country = destination_country", ("preparing", *GATED), "office_settled"),
    sa.CheckConstraint("(departs_at IS NULL) = (arrives_at IS NULL) AND departs_at < arrives_at", name="booking_in_order"),
    sa.CheckConstraint("departs_at IS NOT NULL OR booked_person_ids = '{}'", name="no_seat_without_booking"),
    sa.CheckConstraint("departs_at IS NOT NULL OR (flight IS NULL AND needs = '{}')", name="no_flight_without_booking"),
    sa.CheckConstraint(
        "departs_at IS NOT NULL OR (reception_arranged_at IS NULL AND booked_at IS NULL AND transit_country IS NULL "
        "AND NOT transit_visa_needed)",
        name="nothing_arranged_without_booking",
    ),
    # Nothing stays ready by itself: a timer finds what is over.
    sa.CheckConstraint(f"(status IN ({_listed(GATED)})) = (holds_until IS NOT NULL)", name="readiness_ends"),
    _only(
        f"jsonb_path_exists(persons, '$[*] ? ({_TRAVELLING})') AND NOT jsonb_path_exists(persons, "
        f"'$[*] ? ({_TRAVELLING} && !(@.declared_by != null && @.own_plan_id != null && @.document != null))')",
        GATED,
        "everybody_prepared",
    ),
    _only(
        "departs_at IS NOT NULL AND "
        f"jsonb_path_query_array(persons, '$[*] ? ({_TRAVELLING}).person_id') @> to_jsonb(booked_person_ids) AND "
        f"jsonb_path_query_array(persons, '$[*] ? ({_TRAVELLING}).person_id') <@ to_jsonb(booked_person_ids)",
        GATED,
        "exactly_they_are_booked",
    ),
    # What the journey rests on besides is sealed, as what screening found is, and who looks after a child without an adult of
    # its case. A trigger checks all of it as it is written
    # (`migrations/returns/versions/2026_11_26_0070_rows_sealed.py`).
    sa.CheckConstraint(
        f"status NOT IN ({_listed(GATED)}) OR holds_until < '2000-01-01 00:00:00+00' OR (reception_arranged_at IS NOT NULL) IS TRUE",
        name="arranged_for_everybody",
    ),
    sa.Column(IN_CLEAR, pg.JSONB),
    sa.CheckConstraint(f"{IN_CLEAR} IS NULL", name="nothing_in_clear"),
    sa.CheckConstraint("reopening_reason IS NULL OR status = 'closed'", name="reopened_from_closed"),
    # Whoever waits for others who have left needs no confirmation any more; every adult still to board does, and
    # where there is none every child, for whom its guardian confirms.
    _only(
        "cleared_at IS NOT NULL AND NOT jsonb_path_exists(persons, "
        f"""'$[*] ? ({_TRAVELLING} && @.age_group == "adult" && !(@.confirmed_at != null))') """
        f"""AND (jsonb_path_exists(persons, '$[*] ? ({_TRAVELLING} && @.age_group == "adult")') """
        f"""OR NOT jsonb_path_exists(persons, '$[*] ? ({_TRAVELLING} && !(@.confirmed_at != null))'))""",
        ("cleared_to_board",),
        "cleared_on_confirmation",
    ),
    _only_along("departed_at IS NOT NULL", ("departed",), "departed_has_time"),
    _only_along(
        "arrived_at >= departed_at", ("arrived", *FOLLOWING_GRANTS, "closing", "closed"), "arrived_after_departure"
    ),
    sa.CheckConstraint(
        f"(status = 'on_hold') = (status_before_hold IS NOT NULL) AND status_before_hold NOT IN ({_listed(GATED)})",
        name="held_from_somewhere",
    ),
    # A case is on hold as long as one of its holds stands, and no longer.
    sa.CheckConstraint(
        "(status = 'on_hold') = jsonb_path_exists(holds, '$[*] ? (!(@.lifted_at != null))')", name="on_hold_while_one_stands"
    ),
    _only("closure_reason IS NOT NULL", ("closing", "closed"), "closed_for_a_reason"),
    sa.CheckConstraint(
        "(departure_asked_at IS NULL AND departure_confirmed_at IS NULL) "
        """OR jsonb_path_exists(persons, '$[*] ? (@.travel == "departed")')""",
        name="asked_while_departed",
    ),
    # Not of what was closed before this was asked for.
    _only("final_report IS NOT NULL", ("closing",), "closed_with_a_report"),
    # What was given was given on some days, at a cost in some currency; never before it was planned.
    sa.CheckConstraint(
        """NOT jsonb_path_exists(supports, '$[*] ? (@.status == "given" """
        "&& !(@.cost.amount != null && @.cost.currency != null && @.given_from != null && @.given_until != null))')",
        name="support_given_whole",
    ),
    sa.Index(None, "status", "id"),
    sa.Index(None, "destination_country", "id"),
    sa.Index(None, "destination_country", "status", "id"),
    sa.Index(None, "counsellor_id", "id"),
    sa.Index(None, "counsellor_id", "status", "id"),
    sa.Index("ix_cases_open_id", "id", postgresql_where=sa.text(OPEN)),
    sa.Index("ix_cases_open_destination_country_id", "destination_country", "id", postgresql_where=sa.text(OPEN)),
    sa.Index("ix_cases_open_counsellor_id_id", "counsellor_id", "id", postgresql_where=sa.text(OPEN)),
    sa.Index("ix_cases_expected_arrives_at_id", "arrives_at", "id", postgresql_where=sa.text(EXPECTED)),
    sa.Index(
        "ix_cases_expected_destination_country_arrives_at_id", "destination_country", "arrives_at", "id",
        postgresql_where=sa.text(EXPECTED),
    ),
    # The few that timers look at, and the fewer that are shown as overdue.
    sa.Index("ix_cases_gated_id", "id", postgresql_where=sa.text(READY)),
    sa.Index("ix_cases_awaited_id", "id", postgresql_where=sa.text("arrival_due_at IS NOT NULL")),
    sa.Index("ix_cases_protected_protection_since_id", "protection_since", "id", postgresql_where=sa.text(PROTECTED)),
    sa.Index(
        "ix_cases_inquired_destination_country_inquired_since_id", "destination_country", "inquired_since", "id",
        postgresql_where=sa.text(INQUIRED),
    ),
    sa.Index("ix_cases_doubted_correction_since_id", "correction_since", "id", postgresql_where=sa.text(DOUBTED)),
    sa.Index("ix_cases_overdue_id", "id", postgresql_where=sa.text(OVERDUE)),
    sa.Index("ix_cases_departure_asked_id", "id", postgresql_where=sa.text(DEPARTURE_ASKED)),
    # What the report counts of support on the way, without a look at all cases.
    sa.Index("ix_cases_supported_id", "id", postgresql_where=sa.text(SUPPORTED)),
    sa.Index("ix_cases_ticketed_id", "id", postgresql_where=sa.text(TICKETED)),
    info=scope("country:destination_country"),
)

# Who left, one row per person and case, so that the report counts persons without opening cases. It says nothing that
# the cases do not say.
TRAVELS = sa.Table(
    "travels",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("sex", sa.Text, nullable=False),
    sa.Column("age_group", sa.Text, nullable=False),
    sa.Column("departed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("arrived_at", sa.DateTime(timezone=True)),
    sa.Column("own_plan", sa.Boolean, nullable=False),
    sa.CheckConstraint("arrived_at >= departed_at", name="arrived_after_departure"),
    sa.Index(None, "departed_at"),
    # Whoever is under way, of whom there are few.
    sa.Index("ix_travels_under_way", "departed_at", "case_id", postgresql_where=sa.text("arrived_at IS NULL")),
    sa.Index(
        "ix_travels_under_way_to", "destination_country", "departed_at", "case_id",
        postgresql_where=sa.text("arrived_at IS NULL"),
    ),
    info=scope("country:destination_country"),
)

# What an office abroad was told of a case's arrival, so that it is told as well when nobody comes after all.
ARRIVAL_NOTICES = sa.Table(
    "arrival_notices",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("not_coming_at", sa.DateTime(timezone=True)),
    info=scope("country:country"),
)

# Which support on the way those who were erased were given, by the year of its first day: the report's figures by kind stay
# as they were, and no row says whose it was.
SUPPORTS_OF_THE_ERASED = sa.Table(
    "supports_of_the_erased",
    METADATA,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("supports", sa.Integer, nullable=False),
    sa.CheckConstraint("supports > 0", name="counted"),
    info=scope("known"),
)

_EVENT_LOG = METADATA.tables["event_log"]

sa.Index(
    "ix_event_log_reported",
    _EVENT_LOG.c.type,
    _EVENT_LOG.c.idx,
    postgresql_where=sa.text(f"type IN ({_listed(event.kind for event in REPORTED)})"),
)
