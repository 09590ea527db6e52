"""Lists over 200,000 rows, as the API's login reads them within a scope: none reads many more rows than it shows.

The rows are as unkind as real ones: ids in the order of time, one small country, and a rare status among the newest.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.counselling import finding
from services.counselling import queries as counselling
from services.reintegration import (
    ageing_queries,
    batch_queries,
    control_queries,
    difference_queries,
    grant_decisions,
    payee_queries,
)
from services.reintegration import lists as reintegration
from services.reintegration.domain.ageing import BEGINS
from services.reintegration.domain.payee_state import PayeeStatus
from services.returns import queries as returns
from services.returns.domain.window import statuses_of
from services.returns.queries import abroad, arrivals, board
from shared.db import Database, Scope, Sql, begin_for
from shared.ids import FIRST, LAST
from shared.policy import EVERYWHERE, Reach
from tests.given import NOON, staff
from tests.integration.conftest import MakeDatabase, ServiceDatabase

ROWS = 200_000
RARE = 30
# Somebody's own cases, in all their years, are some hundreds.
COUNSELLORS = 400
COUNTRIES = "CASE WHEN n % 5000 = 7 THEN 'PK' WHEN n % 10 < 6 THEN 'TR' ELSE 'IQ' END"
# Where the last tenth begins: a page that comes late reads no more than the first one.
LATE = UUID(f"00000000-0000-7000-8100-{ROWS // 10 * 9:012x}")
LATE_SESSION = UUID(f"00000000-0000-7000-8400-{ROWS // 10 * 9:012x}")
EARLY_SESSION = UUID(f"00000000-0000-7000-8400-{ROWS // 10:012x}")
SITES = "(ARRAY['trc_lipa', 'remote'])[1 + n % 2]"
HELD = "timestamptz '2023-01-01' + n * interval '1 minute'"
ARRIVES = "timestamptz '2023-01-01' + n * interval '2 minutes'"
ID = "('00000000-0000-7000-8{0}00-' || lpad(to_hex(n), 12, '0'))::uuid"
CASE, PERSON, PLAN, GRANT, SESSION = (ID.format(kind) for kind in range(5))

# A third of the cases is before approval, a third withdrawn after it, a third on its way. Of whoever left, offices were told.
RETURNS = (
    f"""INSERT INTO persons (id, version, counselled_at, data_consent, transfer_consent, transfer_country)
    SELECT {PERSON}, 1, now(), true, true, {COUNTRIES} FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO cases (id, version, case_ref, status, destination_country, principal_id, counsellor_id, persons,
    expressed_at, last_contact_at, contact_tried_at, booked_person_ids, needs, transit_visa_needed, times_missed, grants, holds, screening, supports, ticket_costs, split_into, submitted_by, approved_by,
    programme, receiving_country, departs_at, arrives_at, protection_since)
    SELECT {CASE}, 2, overlay(upper(lpad(to_hex(n), 8, '0')) placing '-' from 5 for 0) || '-000',
    CASE WHEN n > {ROWS - RARE} THEN 'applied' ELSE (ARRAY['intention', 'withdrawn', 'preparing'])[1 + n % 3] END, {COUNTRIES}, {PERSON}, 'staff:c' || n % {COUNSELLORS},
    jsonb_build_array(jsonb_build_object('person_id', {PERSON}, 'age_group', 'adult', 'travel', 'expected')),
    now(), now(), '{{}}', '{{}}', '{{}}', false, 0, '[]', '[]', '[]', '[]', '[]', '{{}}', 'staff:anna', CASE WHEN n % 3 > 0 THEN 'staff:zoran' END,
    'avrr', {COUNTRIES}, CASE n % 3 WHEN 2 THEN {ARRIVES} - interval '4 hours' END, CASE n % 3 WHEN 2 THEN {ARRIVES} END,
    CASE n % 9 WHEN 1 THEN {ARRIVES} END FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO travels (case_id, person_id, destination_country, sex, age_group, departed_at, own_plan)
    SELECT {CASE}, {PERSON}, {COUNTRIES}, 'male', 'adult', now(), true FROM generate_series(1, {ROWS}) n
    WHERE n % 7 = 0""",
    f"""INSERT INTO arrival_notices (case_id, country, told_at) SELECT {CASE}, {COUNTRIES}, now()
    FROM generate_series(1, {ROWS}) n WHERE n % 5 = 0 OR n % 7 = 0""",
)
REINTEGRATION = (
    f"""INSERT INTO cases (id, version, person_ids, destination_country, counsellor_id, arrived, status, deciding_ids, withdrawn_ids)
    SELECT {CASE}, 2, ARRAY[{PERSON}], {COUNTRIES}, 'staff:anna',
    CASE n % 3 WHEN 0 THEN '[]'::jsonb ELSE '[{{}}]'::jsonb END, CASE n % 3 WHEN 0 THEN 'noted' ELSE 'arrived' END, '{{}}', '{{}}'
    FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO plans (id, version, case_id, destination_country, person_ids, lines, status, plan_version, agreed_on)
    SELECT {PLAN}, 2, {CASE}, {COUNTRIES}, ARRAY[{PERSON}], '[]', CASE WHEN n > {ROWS - RARE} THEN 'own_plan' ELSE 'agreed' END, 1,
    CASE WHEN n <= {ROWS - RARE} THEN current_date END FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO grant_versions SELECT {GRANT}, 1, {COUNTRIES}, 'staff:asker', 'staff:anna', 100, 'EUR', repeat('0', 64), NULL, NULL,
    now() - n * interval '1 minute' FROM generate_series(2, {ROWS - RARE}, 2) n""",
    f"""INSERT INTO grants (id, version, case_id, person_id, plan_id, plan_line_id, category, modality,
    destination_country, counsellor_id, requester_id, requested_at, waiting_since, amount, currency, tranches, status,
    request_version, committed, paid, evidence, content_hash, papers, return_reasons, approvals, fund_rates, additions, former_attempts, visits, submitted_version, budget)
    SELECT {GRANT}, 2, {CASE}, {PERSON}, {PLAN}, {PLAN}, 'business', 'in_kind_vendor', {COUNTRIES}, 'staff:anna',
    'staff:asker', now() - n * interval '1 minute', now() - n * interval '1 minute', 100, 'EUR', '[]',
    CASE WHEN n > {ROWS - RARE} THEN 'cancelled' WHEN n % 2 = 0 THEN 'submitted' ELSE 'draft' END, 1, 0, 0, '[]', repeat('0', 64), '{{}}', '{{}}', '[]', '[]', '[]', '[]', '[]',
    CASE WHEN n <= {ROWS - RARE} AND n % 2 = 0 THEN 1 END, CASE n % 2 WHEN 0 THEN '{{}}'::jsonb END FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO grant_turns (grant_id, hat, destination_country, step, since)
    SELECT {GRANT}, CASE WHEN n > {ROWS - RARE} THEN 'approver' ELSE (ARRAY['payer', 'reconciler', 'deliverer'])[1 + n % 3] END,
    {COUNTRIES}, 'approve', now() - n * interval '1 minute' FROM generate_series(1, {ROWS}) n""",
    # Somebody decided most of it, and rejected what is rare.
    f"""INSERT INTO grant_decisions SELECT {GRANT}, 1, CASE WHEN n > {ROWS - RARE} THEN 'rejected' ELSE 'endorsed' END, 0,
    CASE WHEN n % 10 < 6 OR n > {ROWS - RARE} THEN 'staff:somebody' ELSE 'staff:c' || n % 40 END, now() - n * interval '1 minute',
    100, 'EUR', {COUNTRIES} FROM generate_series(1, {ROWS}) n""",
    # Each vendor stands under a code of its own in its country, and what is rare was closed.
    f"""INSERT INTO payees (id, version, kind, country, currency, registered_by, registered_at, handlers, status, closed_at, vendor_code, vendor_key, stated_no)
    SELECT {PERSON}, 2, 'vendor', {COUNTRIES}, 'EUR', 'staff:somebody', now(), '{{}}',
    CASE WHEN n > {ROWS - RARE} THEN 'closed' ELSE 'registered' END, CASE WHEN n > {ROWS - RARE} THEN now() END, 'V-' || n, 'v-' || n, 1 FROM generate_series(1, {ROWS}) n""",
    # Nearly nobody's account is another's, and hardly anybody is one whom a list may mean.
    # What triggers note row by row is written at once.
    "ALTER TABLE payee_tokens DISABLE TRIGGER USER",
    f"""INSERT INTO payee_tokens (payee_id, account_no, token, key, met) SELECT {PERSON}, 1,
    decode(lpad(to_hex(CASE WHEN n % 10000 = 7 THEN n + 1 ELSE n END), 8, '0'), 'hex'), '1', n % 10000 IN (7, 8) FROM generate_series(1, {ROWS}) n""",
    # Families have accounts that somebody found right, and staff have some of their own.
    f"""INSERT INTO payee_shares SELECT {PERSON}, {PLAN}, 'staff:one', 'staff:two', now(), 'family', 1, 1, false, 'staff:one' FROM generate_series(10, {ROWS}, 10) n""",
    """INSERT INTO staff_lists (id, version, list_version, accounts, uploaded_by, uploaded_at, counts_since)
    VALUES ('00000000-0000-7000-8900-000000000001', 1, '1', 10000, 'staff:one', now(), now())""",
    "ALTER TABLE staff_accounts DISABLE TRIGGER USER",
    f"""INSERT INTO staff_accounts (list_id, account_no, token, key) SELECT '00000000-0000-7000-8900-000000000001', n,
    decode(lpad(to_hex({ROWS} + n), 8, '0'), 'hex'), '1' FROM generate_series(1, 10000) n""",
    f"""UPDATE payees SET hits = '[{{"list_name": "UN"}}]' FROM generate_series(1, {ROWS - RARE}, 9973) n WHERE id = {PERSON}""",
    "ALTER TABLE spot_checks DROP CONSTRAINT fk_spot_checks_drawn",
    f"""INSERT INTO spot_checks (id, version, draw_id, grant_id, number, country, outcome, mode, checked_on, recorded_by, recorded_at)
    SELECT {GRANT}, 1, {CASE}, {GRANT}, 1, {COUNTRIES}, 'confirmed', 'in_person', current_date, 'staff:somebody', now()
    FROM generate_series(20, {ROWS}, 20) n""",
    f"""INSERT INTO reconciliation_differences SELECT {GRANT}, 1, {COUNTRIES}, 5, 'EUR', 'rounding', 'staff:somebody', now()
    FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO paid_although SELECT {GRANT}, 1, 1, 'paid', {COUNTRIES}, NULL, 100, 'EUR', 'staff:somebody', now()
    FROM generate_series(20, {ROWS}, 20) n""",
)
# What is paid was paid but for a few; of what the bank is still to pay nearly all stands in a batch already.
_ATTEMPT = "('00000000-0000-7000-8500-' || lpad(to_hex(n), 12, '0'))::uuid"
PAYING = (
    "ALTER TABLE payment_attempts DROP CONSTRAINT fk_payment_attempts_currency_of_the_fund, DROP CONSTRAINT fk_payment_attempts_account_of_the_payee",
    f"""INSERT INTO payment_attempts (grant_id, tranche, attempt_no, attempt_id, destination_country, fund_id, amount, currency, amount_in_fund,
    fund_currency, status, released_by, released_at, confirmed_by, confirmed_at, reference, paid_on, paid_month, payee_id, account_no, method)
    SELECT {GRANT}, 1, 1, {_ATTEMPT}, {COUNTRIES}, {GRANT}, 100, CASE WHEN n % 10 < 9 THEN 'EUR' ELSE 'TRY' END, 100,
    CASE WHEN n % 10 < 9 THEN 'EUR' ELSE 'TRY' END, s, 'staff:payer', now(), d.who, d.at, d.reference, d.day, d.month, {GRANT}, 1,
    CASE s WHEN 'paid' THEN 'office_account' ELSE 'bank_file' END
    FROM generate_series(1, {ROWS}) n CROSS JOIN LATERAL (SELECT CASE WHEN n > {ROWS} - 60 THEN 'released' ELSE 'paid' END AS s) is_now
    LEFT JOIN LATERAL (SELECT 'staff:payer' AS who, now() AS at, 'BANK-' || n AS reference, current_date AS day,
    date_trunc('month', current_date)::date AS month) d ON s = 'paid'""",
    "ALTER TABLE payment_batches DROP CONSTRAINT fk_payment_batches_own_account_id_own_accounts",
    f"""INSERT INTO payment_batches (id, version, own_account_id, execution_on, count, sums, file_sha256, made_by, made_at, attempts, status,
    approved_by, approved_at, sent_by, sent_at, takers, times_taken) SELECT {GRANT}, 4, {CASE}, current_date, 1, '[]', repeat('0', 64), 'staff:payer', now(), ARRAY[{_ATTEMPT}],
    CASE WHEN n > {ROWS - RARE} THEN 'approved' ELSE 'sent' END, 'staff:other', now(), CASE WHEN n <= {ROWS - RARE} THEN 'staff:payer' END,
    CASE WHEN n <= {ROWS - RARE} THEN now() - interval '1 hour' END, CASE WHEN n <= {ROWS - RARE} THEN ARRAY['staff:payer'] ELSE '{{}}' END,
    CASE WHEN n <= {ROWS - RARE} THEN 1 ELSE 0 END FROM generate_series(1, {ROWS}) n""",
    "ALTER TABLE batch_payments DISABLE TRIGGER counts_what_was_put_in",
    f"INSERT INTO batch_payments SELECT {GRANT}, {_ATTEMPT}, 1, true FROM generate_series(1, {ROWS} - {RARE}) n",
    f"INSERT INTO batch_progress SELECT {GRANT}, 0, 1, 0, 0 FROM generate_series(1, {ROWS} - {RARE}) n",
    # Files of the bank's count but for a few.
    f"""INSERT INTO bank_files (id, version, file_kind, sha256, lines, lines_sha256, statements, imported_by, imported_at, acted_by, status,
    before_rule, confirmed_by, confirmed_at) SELECT {PLAN}, 2, 'statement', n::text, 0, '', '[{{}}]', 'staff:one', now(), d.acted, d.status, false, d.who, d.at
    FROM generate_series(1, {ROWS // 20}) n CROSS JOIN LATERAL (SELECT n > {ROWS // 20 - RARE} AS waits) w CROSS JOIN LATERAL (SELECT
    CASE WHEN waits THEN 'staff:one' ELSE 'staff:two' END AS acted, CASE WHEN waits THEN 'unconfirmed' ELSE 'confirmed' END AS status,
    CASE WHEN NOT waits THEN 'staff:two' END AS who, CASE WHEN NOT waits THEN now() END AS at) d""",
    f"""INSERT INTO bank_statements SELECT {PLAN}, 1, {CASE}, 'S-' || n, 'EUR', 0, 0, NULL, current_date, 0, true
    FROM generate_series(1, {ROWS // 20}) n""",
    # The bank's lines are matched but for a few.
    f"""INSERT INTO bank_lines (id, file_id, number, part, kind, own_account_id, amount, line_amount, currency, direction, reversal, booked_on,
    by_code, reasons, occurrence, imported_at, state, of_attempt, settled_attempt)
    SELECT {PLAN}, {CASE}, n, 1, 'booked', {CASE}, 100, 100, 'EUR', 'debit', false, current_date, false, '{{}}', 1, now(),
    CASE WHEN n > {ROWS - RARE} THEN 'unmatched' ELSE 'matched' END, {_ATTEMPT}, CASE WHEN n <= {ROWS - RARE} THEN {_ATTEMPT} END
    FROM generate_series(10, {ROWS}) n""",
)
# Ten years of birth, so that a year of the large country is as full as a real one; hardly anybody's sex is not stated.
COUNSELLING = (
    f"""INSERT INTO persons (id, version, sex, country_of_origin, site, consents, data_consent,
    transfer_consent, transfer_categories, identity_number, identity_fields, host_status_number)
    SELECT {PERSON}, 1, CASE WHEN n > {ROWS - RARE} THEN 'not_stated' ELSE 'male' END, {COUNTRIES},
    'trc_lipa', '[]', true, false, '{{}}', 0, '{{}}', 0 FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO birth_years (person_id, country_of_origin, sex, token, key, birth_year)
    SELECT {PERSON}, {COUNTRIES}, CASE WHEN n > {ROWS - RARE} THEN 'not_stated' ELSE 'male' END,
    decode(lpad(to_hex(1990 + n / 7 % 10), 4, '0'), 'hex'), '1', '' FROM generate_series(1, {ROWS}) n""",
    # As if the sample had met nobody of the rare sex, which it does now and then.
    "ALTER TABLE birth_years ALTER COLUMN sex SET (n_distinct = 1)",
    f"""INSERT INTO family_members (person_id, family_id) SELECT {PERSON}, {CASE} FROM generate_series(1, {ROWS}) n
    WHERE n % 2 = 0""",
    f"""INSERT INTO sessions (id, version, status, session_type, modality, site, language, person_ids, counsellor_id,
    at, held_at, topics) SELECT {SESSION}, 1, 'held', 'individual', 'in_person', {SITES}, 'tur', ARRAY[{PERSON}],
    'staff:c' || n % 40, {HELD}, {HELD}, '{{}}' FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO session_persons (person_id, session_id, site, counsellor_id)
    SELECT ('00000000-0000-7000-8100-' || lpad(to_hex(n % 10000), 12, '0'))::uuid, {SESSION}, {SITES},
    'staff:c' || n % 40 FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO intentions SELECT {CASE}, 1, 'active', {SESSION}, {PERSON}, {COUNTRIES}, 'staff:c' || n % 40, now(), '[]',
    ARRAY[{PERSON}] FROM generate_series(10, {ROWS}, 10) n""",
    f"""INSERT INTO active_attempts SELECT {PERSON}, {CASE} FROM generate_series(10, {ROWS}, 10) n""",
    f"""INSERT INTO search_tokens (person_id, field, token, key) SELECT {PERSON}, 'family_name',
    decode(lpad(to_hex(n % 4096), 4, '0'), 'hex'), '1' FROM generate_series(1, {ROWS}) n""",
)

SOMEBODY = staff("somebody")
MISSION = EVERYWHERE.scope(SOMEBODY)
OFFICES = {country: Reach(frozenset({country})).scope(SOMEBODY) for country in ("PK", "TR")}
MOST_READ = 1000
# A handful of rows, whatever the number of grants; of lost payments, one for each restore.
REGISTERS = frozenset({"policy_versions", "own_accounts", "staff_lists", "lost_payments"})
Asked = tuple[Scope, Sql, Mapping[str, object]]


def some_of(values: Mapping[str, object]) -> list[dict[str, object]]:
    """Every combination of these filters, with and without."""
    return [
        {name: values[name] for name in names}
        for how_many in range(len(values) + 1)
        for names in combinations(values, how_many)
    ]


def lists_of_returns() -> list[Asked]:
    names = {"case_ref": "0000-0003-000", "status": "applied", "destination_country": "PK", "counsellor_id": "staff:c8"}
    ours = some_of(names)
    ours += [{**asked, "open": "true"} for asked in ours if "status" not in asked]
    theirs = some_of({"statuses": statuses_of("in_preparation")})
    theirs += some_of({"statuses": statuses_of("not_coming")})[1:]
    begin, until = datetime(1, 1, 1, tzinfo=UTC), datetime(2023, 1, 15, tzinfo=UTC)
    places: list[dict[str, object]] = [
        {"since": begin, "after_id": UUID(int=0), "until": until},
        {"since": until + timedelta(days=200), "after_id": UUID(int=0), "until": until + timedelta(days=214)},
    ]
    return [
        *((MISSION, arrivals.ARRIVALS, place) for place in places),
        *((MISSION, board.WAITING, {name: place[name] for name in ("since", "after_id")}) for place in places),
        *(
            (office, listed, {"countries": [country], "not_coming_since": NOON, "today": NOON.date(), **place})
            for listed in (arrivals.ARRIVALS_ABROAD, arrivals.ARRIVALS_TO_CONFIRM)
            for place in places
            for country, office in OFFICES.items()
        ),
        *((MISSION, returns.cases(asked), asked) for asked in ours),
        *(
            (office, abroad.cases_abroad(asked), {"countries": [country], "not_coming_since": NOON, "today": NOON.date(), **asked})
            for asked in theirs
            for country, office in OFFICES.items()
        ),
    ]  # fmt: skip


def lists_of_reintegration() -> list[Asked]:
    found: list[Asked] = []
    found += [(MISSION, batch_queries.WAITING, {"currency": currency}) for currency in ("EUR", "TRY", "XOF")]
    in_a_batch = UUID("00000000-0000-7000-8300-000000000003")
    found += [(MISSION, batch_queries.ATTEMPTS, {}), (MISSION, batch_queries.OF_A_BATCH, {"batch_id": in_a_batch})]
    found += [(scope, batch_queries.LISTED, {"after": after}) for after in (FIRST, LATE) for scope in (MISSION, *OFFICES.values())]
    found += [(MISSION, batch_queries.LISTED_OF_STATUS, {"status": status}) for status in ("sent", "approved")]
    zone = {"now": NOON, "zone": "Europe/Sarajevo"}
    found.append((MISSION, ageing_queries.COUNTED, {**zone, "begins": list(BEGINS)}))
    for listed in ageing_queries.LISTED.values():
        whole, narrowed = ageing_queries.asked_for(None, None, None), ageing_queries.asked_for("over-90", "EUR", None)
        found += [(MISSION, listed, {**zone, **narrow}) for narrow in (whole, narrowed)]
    for choose, status in ((reintegration.plans, "own_plan"), (reintegration.grants, "cancelled")):
        for asked in some_of({"case_id": "00000000-0000-7000-8000-000000000003", "status": status}):
            found.append((MISSION, choose(asked), asked))
            for country, office in OFFICES.items():
                asked_abroad = {"countries": [country], **asked}
                found.append((office, choose(asked_abroad), asked_abroad))
    somewhere = {"since": datetime.now(UTC) - timedelta(minutes=ROWS // 2), "grant_id": str(UUID(int=1)), "hat": "payer"}
    for hats in (["approver"], ["payer", "reconciler"]):
        for place in ({**somewhere, "since": NOON.replace(year=1)}, somewhere):
            asked = {"hats": hats, **place}
            found.append((MISSION, reintegration.TURNS, asked))
            found += [(office, reintegration.TURNS_ABROAD, {"countries": [country], **asked}) for country, office in OFFICES.items()]
    looked_for: tuple[tuple[PayeeStatus | None, str | None], ...] = (
        (None, None), ("closed", None), ("registered", None), (None, "v-7"), (None, "V-5007"),
    )  # fmt: skip
    for ours, theirs, values in (payee_queries.asked_for(*of) for of in looked_for):
        for after in (FIRST, LATE):
            found.append((MISSION, ours, {**values, "after": after}))
            found += [(office, theirs, {"countries": [country], **values, "after": after}) for country, office in OFFICES.items()]
    for after in (FIRST, LATE):
        found += [(scope, payee_queries.FOUND, {"after": after}) for scope in (MISSION, *OFFICES.values())]
    late_grant = UUID(f"00000000-0000-7000-8300-{ROWS // 10 * 9:012x}")
    found += [(MISSION, difference_queries.LISTED, {"grant_id": grant_id, "tranche": 1}) for grant_id in (FIRST, late_grant)]
    # Who looks over the money reads on until there is enough to look at, so each part of it is a list.
    example = {"example_currency": "EUR", "one": 500, "two": 2000, "quotations": 1000}
    now = datetime.now(UTC)
    for before in (now, now - timedelta(minutes=ROWS // 2)):
        days = {"since": now - timedelta(minutes=ROWS), "before": before, "before_id": UUID(int=0), "limit": 51}
        found += [(MISSION, listed, {**days, **example}) for listed in (control_queries.LOOKED, control_queries.BUDGETS)]
    for place in ({**somewhere, "since": NOON.replace(year=1)}, somewhere):
        found.append((MISSION, control_queries.UNDECIDED, {"now": now, **place, **example}))
    own = {"actor_id": SOMEBODY.person_id, **grant_decisions._NEWEST}
    later = {**own, "decided_at": datetime.now(UTC) - timedelta(minutes=ROWS // 2), "what": "endorsed"}
    found += [(MISSION, grant_decisions.LISTED, place) for place in (own, later)]
    found += [
        (MISSION, grant_decisions.LISTED_OF, {**place, "of": of}) for place in (own, later) for of in ("endorsed", "rejected", "paid")
    ]
    return found


def born(year: int, within: int = 0) -> list[bytes]:
    """The hashes of these years as the rows have them."""
    return [number.to_bytes(2) for number in range(year - within, year + within + 1)]


def lists_of_counselling() -> list[Asked]:
    own = Reach(sites=frozenset({"remote"})).scope(SOMEBODY)
    asked = {"counsellor_id": "staff:c7", "person_id": UUID("00000000-0000-7000-8100-000000000007"), "sites": ["remote"]}
    sessions: list[Asked] = [
        (scope, counselling.sessions(with_person=with_person, newest=newest), {**asked, "after": after})
        for scope in (MISSION, own)
        for with_person in (False, True)
        for newest, after in ((False, FIRST), (False, LATE_SESSION), (True, LAST), (True, EARLY_SESSION))
    ]
    persons = [
        {"today": NOON.date(), "country_of_origin": country, "tokens": born(1995, within), "after": after, **sex}
        for country in ("TR", "PK")
        for within in (0, 3)
        for after in (FIRST, LATE)
        for sex in ({}, {"sex": "male"}, {"sex": "not_stated"})
    ]
    # Three ways in which a name may sound, each with a hash that it shares with one in 4096.
    hashes = [number.to_bytes(2) for number in range(3)]
    searched = {"documents": [bytes(16)], "names": hashes, "years": born(1995), "actor_id": "staff:c7", "today": NOON.date()}
    return [
        *sessions,
        *((MISSION, counselling.PERSONS["sex" in asked], asked) for asked in persons),
        (MISSION, finding.CANDIDATES, searched),
    ]  # fmt: skip


@asynccontextmanager
async def filled(made: ServiceDatabase, service: str, statements: Sequence[str]) -> AsyncIterator["Reader"]:
    owner = await asyncpg.connect(made.logins.migrate)
    await owner.execute(f"SET ROLE {service}_owner")
    for statement in statements:
        await owner.execute(statement, timeout=60)
    await owner.execute("ANALYZE")
    await owner.close()
    assert made.api._pool is not None
    async with made.api._pool.acquire() as connection:
        yield Reader(made.api, connection)


class Reader:
    """The API's login, which is told how PostgreSQL found what it asked for."""

    def __init__(self, api: Database, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        self._api = api
        self._connection = connection

    async def plan(self, mode: str, scope: Scope, sql: Sql, values: Mapping[str, object]) -> dict[str, Any]:
        # Prepared on the server, because only then is a plan made that does not know the values.
        given = sql.arguments({"after": FIRST, "limit": 51, **values})
        arguments = f"({', '.join(map(literal, given))})" if given else ""
        await self._connection.execute(begin_for(scope, self._api.notify))
        await self._connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await self._connection.execute(f"PREPARE asked AS {sql.text}")
        plan = await self._connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked{arguments}")
        await self._connection.execute("COMMIT; DEALLOCATE asked")
        found: dict[str, Any] = json.loads(plan)[0]
        return found


def literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case int():
            return str(value)
        case list():
            return f"ARRAY[{', '.join(map(literal, value))}]"
        case bytes():
            return f"'\\x{value.hex()}'::bytea"
        case datetime():
            return f"'{value.isoformat()}'"
        case _:
            return f"'{value}'"


def nodes(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [plan, *(node for below in plan.get("Plans", ()) for node in nodes(below))]


@pytest.mark.parametrize(
    ("service", "statements", "asked"),
    [
        ("returns", RETURNS, lists_of_returns()),
        ("reintegration", (*REINTEGRATION, *PAYING), lists_of_reintegration()),
        ("counselling", COUNSELLING, lists_of_counselling()),
    ],
    ids=["returns", "reintegration", "counselling"],
)
async def test_no_list_reads_many_more_rows_than_it_shows(
    service: str, statements: Sequence[str], asked: Sequence[Asked], make_database: MakeDatabase
) -> None:
    async with filled(await make_database(service), service, statements) as reader:
        for mode in ("force_custom_plan", "force_generic_plan"):
            for scope, sql, values in asked:
                found = nodes((await reader.plan(mode, scope, sql, values))["Plan"])
                tables = [node for node in found if "Relation Name" in node and node["Relation Name"] not in REGISTERS]
                assert not [node["Relation Name"] for node in tables if node["Node Type"] == "Seq Scan"], sql.text
                assert sum(map(rows_read, tables)) <= MOST_READ, f"{mode} {values} {sql.text}"
                # What the policies ask of the scope is asked once, whatever the number of rows.
                scopes = [node["Actual Loops"] for node in found if node.get("Parent Relationship") == "InitPlan"]
                assert scopes and max(scopes) <= 1, sql.text


def rows_read(node: Mapping[str, Any]) -> int:
    each: int = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return each * int(node["Actual Loops"])
