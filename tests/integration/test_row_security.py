"""Row security as each login meets it: what it sees of other countries, and that no scope outlives its transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import pytest

from shared.db import Database, Scope, Sql
from tests.integration.conftest import MakeDatabase, ServiceDatabase

ONE = "00000000-0000-7000-8000-000000000001"
COUNTRIES = ("TR", "IQ", "MA", "PK")
NOBODY = Scope("staff:nobody")

_PLACES = "(VALUES (1, 'TR', 'trc_lipa', 'staff:anna'), (2, 'PK', 'remote', 'staff:berin')) p(n, country, site, who)"
_UUID = "('00000000-0000-7000-8000-00000000000' || n)::uuid"

# One row of everything in TR and one in PK, at two sites, by two counsellors.
ROWS = {
    "counselling": f"""
        INSERT INTO persons (id, version, sex, country_of_origin, site, consents, data_consent, transfer_consent,
            transfer_categories, identity_number, identity_fields, host_status_number)
            SELECT {_UUID}, 1, 'male', country, site, '[]', true, false, '{{}}', 1, '{{}}', 1 FROM {_PLACES};
        INSERT INTO birth_years SELECT {_UUID}, country, 'male', '', '1', '' FROM {_PLACES};
        INSERT INTO birth_years_in_clear SELECT {_UUID}, 1990, NULL FROM {_PLACES};
        INSERT INTO consent_papers SELECT {_UUID}, {_UUID}, site, '', 1 FROM {_PLACES};
        INSERT INTO consent_paper_pieces SELECT {_UUID}, 0, {_UUID}, site, '' FROM {_PLACES};
        INSERT INTO identities (person_id, version, number, site, recorded_by, recorded_at, stated, emptied)
            SELECT {_UUID}, 2, 1, site, who, now(), '{{}}', '{{}}' FROM {_PLACES};
        INSERT INTO host_statuses SELECT {_UUID}, 3, 1, site, who, now(), '' FROM {_PLACES};
        INSERT INTO search_tokens SELECT {_UUID}, 'documents', 'x', '1' FROM {_PLACES};
        INSERT INTO intentions SELECT {_UUID}, 1, 'active', {_UUID}, {_UUID}, country, who, now(), '[]', '{{}}' FROM {_PLACES};
        INSERT INTO sessions (id, version, status, session_type, modality, site, language, person_ids, counsellor_id, at, topics)
            SELECT {_UUID}, 1, 'scheduled', 'individual', 'in_person', site, 'tur', '{{}}', who, now(), '{{}}' FROM {_PLACES};
        INSERT INTO session_persons SELECT {_UUID}, {_UUID}, site, who FROM {_PLACES};
        INSERT INTO group_sessions SELECT {_UUID}, 1, site, 'tur', now(), 0, 0, 0, 0, '{{}}' FROM {_PLACES};
        INSERT INTO outreach SELECT {_UUID}, 1, 'camp', 'bihac', 'tur', now(), 1 FROM {_PLACES};
        INSERT INTO families SELECT {_UUID}, 1, {_UUID}, '[]' FROM {_PLACES};
        INSERT INTO family_members SELECT {_UUID}, {_UUID} FROM {_PLACES};
        INSERT INTO active_attempts SELECT {_UUID}, {_UUID} FROM {_PLACES};
        INSERT INTO person_keys (person_id, about, epoch, wrapped) SELECT {_UUID}, {_UUID}, '1', '' FROM {_PLACES}""",
    "returns": f"""
        INSERT INTO persons SELECT {_UUID}, 1, NULL, true, false FROM {_PLACES};
        INSERT INTO cases (id, version, case_ref, status, destination_country, principal_id, counsellor_id, persons,
            expressed_at, last_contact_at, contact_tried_at, booked_person_ids, needs, transit_visa_needed, times_missed, grants, holds, screening, supports, ticket_costs, split_into)
            SELECT {_UUID}, 1, '0000-000' || n || '-000', 'intention', country, {_UUID}, who, '[]', now(), now(), '{{}}',
            '{{}}', '{{}}', false, 0, '[]', '[]', '[]', '[]', '[]', '{{}}' FROM {_PLACES};
        INSERT INTO supports_of_the_erased SELECT 2000 + n, 'medical', 1 FROM {_PLACES};
        INSERT INTO travels SELECT {_UUID}, {_UUID}, country, 'male', 'adult', now(), NULL, true FROM {_PLACES};
        INSERT INTO arrival_notices SELECT {_UUID}, country, now() FROM {_PLACES}""",
    "reintegration": f"""
        INSERT INTO cases SELECT {_UUID}, 1, ARRAY[{_UUID}], country, who, '[]', 'noted', '{{}}', NULL, '{{}}' FROM {_PLACES};
        INSERT INTO case_limits SELECT {_UUID}, 0, false FROM {_PLACES};
        INSERT INTO person_caps SELECT {_UUID}, 0 FROM {_PLACES};
        INSERT INTO plans SELECT {_UUID}, 1, {_UUID}, country, ARRAY[{_UUID}], '[]', 'own_plan', 1 FROM {_PLACES};
        INSERT INTO case_plans SELECT {_UUID}, {_UUID} FROM {_PLACES};
        INSERT INTO funds SELECT {_UUID}, 1, 'CE', 'EU', 100, 'EUR', '2023-01-01', '2023-12-31' FROM {_PLACES};
        INSERT INTO fund_balances SELECT {_UUID}, 'EUR', 100, 0, 0, false, '2023-01-01', '2023-12-31' FROM {_PLACES};
        INSERT INTO families SELECT {_UUID}, 1, ARRAY[{_UUID}] FROM {_PLACES};
        INSERT INTO fund_postings SELECT {_UUID}, 1, {_UUID}, country, 'commit', NULL, 100, 'EUR', 100, 'EUR', '2023-05-02', '2023-05-01' FROM {_PLACES};
        INSERT INTO recovered_money SELECT {_UUID}, 1, country, {_UUID}, 100, 'EUR', 100, 'EUR', '2023-05-02', '2023-05-01', who || country, NULL, who, now(), 'staff:asker' FROM {_PLACES};
        INSERT INTO reconciliation_differences SELECT {_UUID}, 1, country, 10, 'EUR', 'rounding', who, now() FROM {_PLACES};
        INSERT INTO paid_although SELECT {_UUID}, 1, 1, 'paid', country, NULL, 10, 'EUR', who, now() FROM {_PLACES};
        INSERT INTO write_offs_asked SELECT {_UUID}, 1, country, 100, 'EUR', 'error', 'staff:asker', now() FROM {_PLACES};
        INSERT INTO write_offs SELECT {_UUID}, 1, country, 100, 'EUR', 'error', 'staff:asker', who, now() FROM {_PLACES};
        INSERT INTO accounting_periods SELECT {_UUID}, 1, '2023-0' || n, 'closed', who, now() FROM {_PLACES};
        INSERT INTO closed_months SELECT cast('2023-0' || n || '-01' AS date), {_UUID} FROM {_PLACES};
        INSERT INTO fund_changes SELECT {_UUID}, 1, 'change', 100, 'EUR', '2023-12-31', who, 'extended', now() FROM {_PLACES};
        INSERT INTO fund_confirmations SELECT {_UUID}, 1, 'change', 100, 'EUR', '2023-12-31', who, 'staff:chief', now() FROM {_PLACES};
        ALTER TABLE fund_drops DISABLE TRIGGER answered_once;
        INSERT INTO fund_drops SELECT {_UUID}, 1, who, now() FROM {_PLACES};
        ALTER TABLE fund_drops ENABLE TRIGGER answered_once;
        INSERT INTO grants (id, version, case_id, person_id, plan_id, plan_line_id, category, modality,
            destination_country, counsellor_id, requester_id, requested_at, waiting_since, amount, currency, tranches, status,
            request_version, committed, paid, evidence, content_hash, papers, return_reasons, approvals, fund_rates, additions, former_attempts, visits)
            SELECT {_UUID}, 1, {_UUID}, {_UUID}, {_UUID}, {_UUID}, 'business', 'in_kind_vendor', country, who,
            'staff:asker', now(), now(), 100, 'EUR', '[]', 'draft', 1, 0, 0, '[]', '', '{{}}', '{{}}', '[]', '[]', '[]', '[]', '[]' FROM {_PLACES};
        INSERT INTO grant_versions SELECT {_UUID}, 1, country, 'staff:asker', who, 100, 'EUR', repeat('0', 64), NULL, NULL, now()
            FROM {_PLACES};
        INSERT INTO grant_endorsements SELECT {_UUID}, 1, country, 'staff:asker', who, 100, 'EUR', repeat('0', 64), 'staff:endorser', now()
            FROM {_PLACES};
        INSERT INTO evidence_files (evidence_id, grant_id, destination_country, wrapped_key, pieces)
            SELECT {_UUID}, {_UUID}, country, '', 1 FROM {_PLACES};
        INSERT INTO evidence_pieces SELECT {_UUID}, 0, country, '' FROM {_PLACES};
        INSERT INTO grant_turns SELECT {_UUID}, 'endorser', country, 'endorse', now() FROM {_PLACES};
        INSERT INTO taken_plan_lines SELECT {_UUID}, {_UUID}, {_UUID} FROM {_PLACES};
        INSERT INTO open_advances SELECT {_UUID}, {_UUID}, 1 FROM {_PLACES};
        INSERT INTO person_keys (person_id, about, epoch, wrapped) SELECT {_UUID}, {_UUID}, '1', '' FROM {_PLACES};
        INSERT INTO payment_references SELECT 'BANK-' || n, {_UUID}, 1 FROM {_PLACES};
        INSERT INTO rates SELECT {_UUID}, 1, 'BAM', 'EUR', cast('2000-01-01' AS date) + cast(n AS integer), 2, 'fixed_by_law', 1, NULL, who, now() FROM {_PLACES};
        INSERT INTO exchange_rates SELECT 'BAM', 'EUR', cast('2000-01-01' AS date) + cast(n AS integer), 1, {_UUID}, 2, 'fixed_by_law', NULL, who, now() FROM {_PLACES};
        INSERT INTO authorities SELECT {_UUID}, 1, who, 'finance_approver', 100, 'EUR', '2023-01-01', '2023-12-31', 'staff:chief', now(), '[]' FROM {_PLACES};
        INSERT INTO authority_terms SELECT {_UUID}, 1, who, who, 'finance_approver', 'EUR', 100, '2023-01-01', '2023-12-31', 'staff:chief', now() FROM {_PLACES};
        INSERT INTO open_authorities SELECT who, 'finance_approver', 'EUR', {_UUID} FROM {_PLACES};
        INSERT INTO funding_policies SELECT {_UUID}, 1, site, 1, 'EUR', 1, 1, 1, 1, 1, 0, '[]', who, now() FROM {_PLACES};
        INSERT INTO policy_versions SELECT site, 1, {_UUID}, 'EUR', 1, 1, 1, 1, 1, 0, '[]', who, now() FROM {_PLACES};
        INSERT INTO payees (id, version, kind, country, currency, registered_by, registered_at, handlers, status, vendor_code, vendor_key, stated_no)
            SELECT {_UUID}, 1, 'vendor', country, 'EUR', who, now(), '{{}}', 'registered', 'V-' || n, 'v-' || n, 1 FROM {_PLACES};
        INSERT INTO payee_accounts SELECT {_UUID}, 1, country, who, '2023-05-02', NULL FROM {_PLACES};
        INSERT INTO payee_confirmations SELECT {_UUID}, 1, country, who, '2023-05-02', 'staff:chief', now() FROM {_PLACES};
        INSERT INTO payee_tokens (payee_id, account_no, token, key) SELECT {_UUID}, 1, cast('h' || n AS bytea), '1' FROM {_PLACES};
        INSERT INTO former_payee_tokens (payee_id, account_no, person_id, token, key) SELECT {_UUID}, 1, {_UUID}, cast('h' || n AS bytea), '1' FROM {_PLACES};
        INSERT INTO payee_shares SELECT {_UUID}, gen_random_uuid(), who, 'staff:chief', now(), 'family', 1, 1, false, who FROM {_PLACES};
        INSERT INTO sanctions_lists SELECT {_UUID}, 1, 'UN', 'v' || n, 1, '', who, now(), false, now() FROM {_PLACES};
        INSERT INTO sanctions_entries SELECT {_UUID}, '1', 'invented' FROM {_PLACES};
        INSERT INTO payee_clearances SELECT {_UUID}, {_UUID}, '1', now(), 'alike_by_chance', who, 'staff:chief' FROM {_PLACES};
        INSERT INTO staff_lists SELECT {_UUID}, 1, 'v' || n, 1, who, now(), false, now() FROM {_PLACES};
        INSERT INTO staff_accounts (list_id, account_no, token, key) SELECT {_UUID}, 1, '', '1' FROM {_PLACES};
        INSERT INTO survey_averages SELECT {_UUID}, 'PK', 'composite', 5, 0.5 FROM {_PLACES};
        INSERT INTO bank_files SELECT {_UUID}, 1, 'status_report', repeat('a', 63) || n, 1, '', '[]', 'R-' || n, {_UUID}, who, now(), who, 'unconfirmed', false FROM {_PLACES};
        INSERT INTO bank_statements SELECT {_UUID}, 1, {_UUID}, 'S-' || n, 'EUR', 0, 0, NULL, '2023-05-02', 0, true FROM {_PLACES};
        INSERT INTO bank_lines (id, file_id, number, part, kind, attempt_id, reversal, by_code, reasons, occurrence, imported_at, state)
            SELECT {_UUID}, {_UUID}, 1, 1, 'rejected', {_UUID}, false, false, '{{}}', 1, now(), 'unmatched' FROM {_PLACES};
        INSERT INTO attempt_accounts (attempt_id, token, key) SELECT {_UUID}, cast('h' || n AS bytea), '1' FROM {_PLACES};
        INSERT INTO bank_line_accounts (line_id, token, key) SELECT {_UUID}, cast('h' || n AS bytea), '1' FROM {_PLACES};
        INSERT INTO bank_line_acts SELECT {_UUID}, 1, 'explained', who, now(), 'charges' FROM {_PLACES};
        INSERT INTO own_accounts (id, version, kind, currency, details, same_account, registered_by, registered_at, status)
            SELECT {_UUID}, 1, 'bank', 'EUR', '{{}}', 'bank ' || n, who, now(), 'registered' FROM {_PLACES};
        INSERT INTO payment_batches (id, version, own_account_id, execution_on, count, sums, file_sha256, made_by, made_at, attempts, status, takers, times_taken)
            SELECT {_UUID}, 2, (SELECT min(id::text)::uuid FROM own_accounts), '2023-05-03', 1, '[]', '', who, now(), ARRAY[{_UUID}], 'made', '{{}}', 0 FROM {_PLACES};
        ALTER TABLE batch_payments DROP CONSTRAINT fk_batch_payments_attempt_id_payment_attempts;
        INSERT INTO batch_payments SELECT {_UUID}, {_UUID}, 1, true FROM {_PLACES};
        INSERT INTO batch_progress SELECT {_UUID}, 1, 0, 0, 0 FROM {_PLACES};
        INSERT INTO payee_details SELECT {_UUID}, 1, country, NULL, '' FROM {_PLACES};
        INSERT INTO instruments SELECT {_UUID}, 1, 'invented', n, 1, '', who, now() FROM {_PLACES};
        INSERT INTO instrument_texts SELECT {_UUID}, '' FROM {_PLACES};
        INSERT INTO survey_rounds SELECT {_UUID}, 1, 'invented_' || n, 1, 'plain', 'baseline', 0, 2, who, now() FROM {_PLACES};
        INSERT INTO surveys SELECT {_UUID}, 1, {_UUID}, {_UUID}, country, {_UUID}, 'invented', 1, NULL, 'baseline', 'phone', '2023-05-02', 0, 'declined', who, now(), false, 0 FROM {_PLACES};
        INSERT INTO survey_answers SELECT {_UUID}, 1, country, {_UUID}, '' FROM {_PLACES};
        INSERT INTO spot_check_draws SELECT {_UUID}, 1, '2023-05-01', '2023-05-01', 1, 1, '', '', '[{{}}]', who, now() FROM {_PLACES};
        INSERT INTO drawn_deliveries SELECT {_UUID}, {_UUID}, 1, country, 1 FROM {_PLACES};
        INSERT INTO spot_checks SELECT {_UUID}, 1, {_UUID}, {_UUID}, 1, country, 'confirmed', 'phone', '2023-05-02', who, now() FROM {_PLACES};
        INSERT INTO voucher_samples (id, version, from_day, to_day, size, seed, counterseed, asked_by, asked_at, status, drawn)
            SELECT {_UUID}, 1, '2023-05-01', '2023-05-01', 1, '', '', who, now(), 'asked', '[]' FROM {_PLACES};
        INSERT INTO released_vouchers SELECT {_UUID}, {_UUID}, who, 'staff:nobody', now() FROM {_PLACES};
        INSERT INTO released_papers SELECT r.sample_id, f.evidence_id, r.grant_id, r.auditor_id, r.released_by, r.ends_at FROM released_vouchers r, evidence_files f;
        INSERT INTO grants_of_the_erased SELECT 2000 + n, 'business', 1 FROM {_PLACES};
        INSERT INTO persons SELECT gen_random_uuid(), 1, now() FROM {_PLACES}""",
}
OF_THE_KERNEL = f"""
    INSERT INTO accesses SELECT {_UUID}, 1, 'read_events', 'read', who, '{{}}' FROM {_PLACES};
    INSERT INTO refusal_windows SELECT who, 'read_events', 'not_found', {_UUID}, {_UUID}, 0, now(), now(), 'x' FROM {_PLACES};
    INSERT INTO idempotency SELECT who, 'key-' || n, '', 201, {_UUID}, 1 FROM {_PLACES};
    INSERT INTO event_log SELECT n, {_UUID}, 'x', {_UUID}, 1, '', '' FROM {_PLACES};
    INSERT INTO log_mentions SELECT {_UUID}, n FROM {_PLACES}"""

BY_COUNTRY = [
    ("counselling", "persons"), ("counselling", "birth_years"), ("counselling", "intentions"), ("returns", "cases"), ("returns", "travels"),
    ("returns", "arrival_notices"), ("reintegration", "cases"), ("reintegration", "plans"), ("reintegration", "grants"),
    ("reintegration", "evidence_files"), ("reintegration", "evidence_pieces"),
    ("reintegration", "grant_turns"), ("reintegration", "grant_versions"), ("reintegration", "fund_postings"),
    *(("reintegration", table) for table in ("payees", "payee_accounts", "payee_confirmations", "payee_details", "surveys", "survey_answers", "drawn_deliveries", "spot_checks")),
]  # fmt: skip
BY_ACTOR = ["accesses", "refusal_windows", "idempotency"]
FOR_ALL_WHO_ARE_KNOWN = [
    *(("counselling", table) for table in ("outreach", "families", "family_members", "active_attempts", "search_tokens",
        "birth_years_in_clear")),
    ("returns", "persons"),
    ("returns", "supports_of_the_erased"),
    ("reintegration", "persons"),
    *(
        ("reintegration", table)
        for table in (
            "funds", "fund_balances", "families", "accounting_periods", "closed_months", "fund_changes", "fund_confirmations", "fund_drops", "grants_of_the_erased", "person_caps", "case_limits", "case_plans", "taken_plan_lines", "open_advances",
            "payment_references", "rates", "exchange_rates", "authorities", "authority_terms", "open_authorities",
            "funding_policies", "policy_versions", "payee_tokens", "former_payee_tokens", "payee_shares", "staff_lists", "staff_accounts", "sanctions_lists", "sanctions_entries", "payee_clearances", "own_accounts", "bank_files", "bank_statements", "bank_lines", "bank_line_accounts", "attempt_accounts", "bank_line_acts", "payment_batches", "batch_payments", "batch_progress", "instruments", "instrument_texts", "survey_rounds", "survey_averages", "spot_check_draws", "voucher_samples",
        )
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
async def filled(same_database: MakeDatabase) -> "Filled":
    return Filled(same_database)


class Filled:
    """Databases with a few rows of everything, filled once for all who change none of them."""

    def __init__(self, make: MakeDatabase) -> None:
        self._make = make
        self._found: dict[str, ServiceDatabase] = {}

    async def __call__(self, service: str) -> ServiceDatabase:
        if service not in self._found:
            self._found[service] = made = await self._make(service)
            connection = await asyncpg.connect(made.logins.migrate)
            await connection.execute(f"SET ROLE {service}_owner")
            await connection.execute(ROWS[service])
            await connection.execute(OF_THE_KERNEL)
            await connection.close()
        return self._found[service]


async def seen(database: Database, scope: Scope, table: str) -> int:
    async with database.unit_of_work(scope) as unit:
        row = await unit.row(Sql(f"SELECT count(*) AS rows FROM {table}"))
    assert row is not None
    return int(row["rows"])


@pytest.mark.parametrize(("service", "table"), BY_COUNTRY)
async def test_rows_of_a_country_are_seen_by_those_who_name_it(service: str, table: str, filled: Filled) -> None:
    made = await filled(service)
    for countries, rows in ((("TR",), 1), (("PK", "IQ"), 1), (("TR", "PK"), 2), (("IQ",), 0), ((), 0)):
        assert await seen(made.api, Scope("staff:x", frozenset(countries), frozenset({"trc_lipa"})), table) == rows


@pytest.mark.parametrize(("service", "table"), FOR_ALL_WHO_ARE_KNOWN)
async def test_rows_that_belong_to_no_country_are_seen_by_everybody_who_names_one(
    service: str, table: str, filled: Filled
) -> None:
    made = await filled(service)
    assert await seen(made.api, Scope("staff:x", frozenset({"IQ"})), table) == 2
    assert await seen(made.api, NOBODY, table) == 0


async def test_keys_of_persons_are_there_for_who_is_known_and_for_no_other_login(filled: Filled) -> None:
    made = await filled("counselling")
    assert await seen(made.api, Scope("staff:x", frozenset({"IQ"})), "person_keys") == 2
    assert await seen(made.api, NOBODY, "person_keys") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await seen(made.worker, Scope("staff:x", frozenset(COUNTRIES)), "person_keys")
    # Who verifies sees whose keys there are, and none of them.
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with made.verify.unit_of_work(NOBODY) as unit:
            await unit.rows(Sql("SELECT wrapped FROM person_keys"))


async def test_a_session_and_who_took_part_are_seen_at_its_site_and_by_its_counsellor(filled: Filled) -> None:
    made = await filled("counselling")
    everywhere = frozenset(COUNTRIES)
    for table in ("sessions", "session_persons"):
        assert await seen(made.api, Scope("staff:x", everywhere, frozenset({"remote"})), table) == 1
        assert await seen(made.api, Scope("staff:anna", everywhere, frozenset({"remote"})), table) == 2
        assert await seen(made.api, Scope("staff:anna"), table) == 1
        assert await seen(made.api, Scope("staff:x", everywhere), table) == 0
    assert await seen(made.api, Scope("staff:anna", everywhere, frozenset({"remote"})), "group_sessions") == 1


@pytest.mark.parametrize("table", ["identities", "host_statuses"])
async def test_who_a_person_is_is_seen_at_the_site_of_the_person_whoever_recorded_it(table: str, filled: Filled) -> None:
    made = await filled("counselling")
    everywhere = frozenset(COUNTRIES)
    assert await seen(made.api, Scope("staff:anna", everywhere, frozenset({"remote"})), table) == 1
    assert await seen(made.api, Scope("staff:anna", everywhere), table) == 0
    assert await seen(made.verify, NOBODY, table) == 2
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await seen(made.worker, Scope("staff:x", everywhere, frozenset({"remote"})), table)


@pytest.mark.parametrize("table", BY_ACTOR)
async def test_what_belongs_to_an_actor_is_seen_by_no_other(table: str, filled: Filled) -> None:
    made = await filled("returns")
    everything = Scope("staff:x", frozenset(COUNTRIES), frozenset({"remote"}), log=True)
    assert await seen(made.api, everything, table) == 0
    assert await seen(made.api, replace(everything, actor_id="staff:anna"), table) == 1


async def test_the_log_is_seen_in_transactions_that_may_read_it_and_in_no_other(filled: Filled) -> None:
    made = await filled("returns")
    everything = Scope("staff:anna", frozenset(COUNTRIES), frozenset({"remote"}))
    for table in ("event_log", "log_mentions"):
        assert await seen(made.api, everything, table) == 0
        assert await seen(made.api, Scope("staff:x", log=True), table) == 2


@pytest.mark.parametrize("service", ROWS)
async def test_a_session_that_was_told_nothing_sees_nothing_and_neither_does_one_between_transactions(
    service: str, filled: Filled
) -> None:
    made = await filled(service)
    tables = [table for owner, table in (*BY_COUNTRY, *FOR_ALL_WHO_ARE_KNOWN) if owner == service]
    tables += [*BY_ACTOR, "event_log", "log_mentions"]
    assert made.api._pool is not None
    for told in (False, True):
        if told:
            everything = Scope("staff:anna", frozenset(COUNTRIES), frozenset({"trc_lipa"}), log=True)
            assert [await seen(made.api, everything, table) for table in tables].count(0) == 0
        async with made.api._pool.acquire() as connection:
            assert [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables] == [0] * len(tables)


@pytest.mark.parametrize("service", ROWS)
async def test_worker_and_verify_see_every_row_whatever_they_were_told(service: str, filled: Filled) -> None:
    made = await filled(service)
    for _, table in ((s, t) for s, t in (*BY_COUNTRY, *FOR_ALL_WHO_ARE_KNOWN) if s == service):
        assert await seen(made.verify, NOBODY, table) == 2
    for table in ("event_log", "accesses", "refusal_windows"):
        assert (await seen(made.worker, NOBODY, table), await seen(made.verify, NOBODY, table)) == (2, 2)


@pytest.mark.parametrize(
    ("service", "statement"),
    [
        (
            "counselling",
            """INSERT INTO persons (id, version, sex, country_of_origin, site, consents, data_consent,
            transfer_consent, transfer_categories, identity_number, identity_fields, host_status_number)
            VALUES (gen_random_uuid(), 1, 'male', 'PK', 'remote', '[]', false, false, '{}', 0, '{}', 0)""",
        ),
        ("counselling", "INSERT INTO birth_years VALUES (gen_random_uuid(), 'PK', 'male', '', '1', '')"),
        ("counselling", "UPDATE persons SET country_of_origin = 'PK'"),
        (
            "counselling",
            """INSERT INTO identities (person_id, version, number, site, recorded_by, recorded_at, stated, emptied)
            VALUES (gen_random_uuid(), 2, 1, 'remote', 'staff:anna', now(), '{}', '{}')""",
        ),
        ("counselling", "INSERT INTO host_statuses VALUES (gen_random_uuid(), 2, 1, 'remote', 'staff:anna', now(), '')"),
        ("counselling", "UPDATE sessions SET site = 'remote', counsellor_id = 'staff:berin'"),
        ("counselling", "UPDATE session_persons SET site = 'remote', counsellor_id = 'staff:berin'"),
        ("returns", "UPDATE cases SET destination_country = 'PK'"),
        ("returns", "INSERT INTO arrival_notices VALUES (gen_random_uuid(), 'PK', now())"),
        ("returns", "INSERT INTO accesses VALUES (gen_random_uuid(), 1, 'read_case', 'read', 'staff:berin', '{}', NULL, NULL)"),
        ("reintegration", "UPDATE grants SET destination_country = 'PK'"),
        ("reintegration", "INSERT INTO idempotency VALUES ('staff:berin', 'a-key', '', 201, gen_random_uuid(), 1)"),
    ],
)
async def test_nobody_writes_a_row_that_they_would_not_see(service: str, statement: str, filled: Filled) -> None:
    made = await filled(service)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with made.api.unit_of_work(Scope("staff:anna", frozenset({"TR"}), frozenset({"trc_lipa"}))) as unit:
            await unit.rows(Sql(f"{statement} RETURNING 1"))


async def test_what_events_conceal_is_read_by_their_ids_and_only_by_whoever_may_read_the_log(
    make_database: MakeDatabase,
) -> None:
    made = await Filled(make_database)("returns")
    connection = await asyncpg.connect(made.logins.migrate)
    await connection.execute("SET ROLE returns_owner")
    first, other = await connection.fetch("SELECT id FROM event_log LIMIT 2")
    await connection.execute("INSERT INTO disclosure SELECT id, 'reason', 'salt', 'health' FROM event_log")
    await connection.close()
    told = Sql("SELECT event_id, path, value FROM concealed_in(cast(:events AS uuid[]))")
    for log, events, expected in (
        (True, [first["id"]], [(first["id"], "reason", "health")]), (True, [], []),
        (False, [first["id"], other["id"]], []),
    ):  # fmt: skip
        async with made.api.unit_of_work(Scope("staff:keeper", frozenset({"TR"}), log=log)) as unit:
            assert [tuple(row.values()) for row in await unit.rows(told, events=events)] == expected


@pytest.mark.parametrize(
    ("service", "login", "statement"),
    [
        *(("returns", login, "SELECT value FROM disclosure") for login in ("api", "worker")),
        ("returns", "api", "SELECT leaf FROM dead_letter"),
        ("returns", "api", "SELECT last_hash FROM cursor"),
        ("returns", "api", "SELECT size FROM log_head"),
        ("returns", "api", "DELETE FROM accesses"),
        ("returns", "api", f"INSERT INTO log_mentions VALUES ('{ONE}', 0)"),
        ("returns", "worker", "DELETE FROM log_mentions"),
        ("returns", "api", f"INSERT INTO persons VALUES ('{ONE}', 1, NULL, true, false)"),
        ("counselling", "api", "SELECT source FROM cursor"),
        ("counselling", "worker", "SELECT session_id FROM session_persons"),
        # Under the key of the highest number every command seals: only a rotation puts one in beside the first, as the owner.
        *(
            (service, login, statement)
            for service in (*ROWS, "audit") for login in ("api", "worker")
            for statement in (
                "INSERT INTO row_keys VALUES ('x', 2, '1', '')", "INSERT INTO row_keys VALUES ('x', 2147483647, '1', '')",
                "INSERT INTO row_keys VALUES ('x', 0, '1', '')", "UPDATE row_keys SET wrapped = ''", "DELETE FROM row_keys",
            )
        ),
        ("counselling", "api", "UPDATE person_keys SET person_id = gen_random_uuid()"),
        ("counselling", "api", "TRUNCATE person_keys"),
        # Only the trigger of a person's row destroys a key.
        ("counselling", "api", "DELETE FROM person_keys"),
        ("counselling", "worker", "INSERT INTO persons (id) VALUES (gen_random_uuid())"),
        *(("counselling", "api", statement) for statement in ("UPDATE identities SET reason = NULL", "DELETE FROM identities")),
        ("counselling", "verify", "SELECT family_name FROM identities"),
        ("counselling", "worker", "SELECT person_id FROM identities"),
        ("counselling", "api", "UPDATE host_statuses SET said = ''"),
        ("counselling", "verify", "SELECT said FROM host_statuses"),
        ("counselling", "worker", "SELECT person_id FROM host_statuses"),
        *(("counselling", "api", statement) for statement in ("UPDATE birth_years SET sex = ''", "DELETE FROM birth_years")),
        ("counselling", "verify", "SELECT birth_year FROM birth_years"),
        ("counselling", "worker", "SELECT person_id FROM birth_years"),
        ("counselling", "verify", "SELECT birth_year FROM birth_years_in_clear"),
        ("counselling", "worker", "SELECT person_id FROM birth_years_in_clear"),
        ("counselling", "api", "UPDATE search_tokens SET token = ''"),
        ("counselling", "verify", "SELECT token FROM search_tokens"),
        ("counselling", "worker", "SELECT person_id FROM search_tokens"),
        ("counselling", "worker", "INSERT INTO person_keys (person_id) VALUES (gen_random_uuid())"),
        ("counselling", "worker", "INSERT INTO idempotency VALUES ('a', 'b', '', 201, gen_random_uuid(), 1)"),
        ("reintegration", "api", "UPDATE cases SET status = 'sealed'"),
        ("reintegration", "worker", "INSERT INTO grants (id) VALUES (gen_random_uuid())"),
        ("reintegration", "worker", "UPDATE fund_balances SET granted = 0"),
        ("reintegration", "worker", "UPDATE bank_lines SET amount = 0"),
        # To which account somebody is paid comes from rows that nobody changes; who verifies or erases opens none.
        *(
            ("reintegration", "api", statement)
            for statement in (
                "UPDATE payee_accounts SET stated_by = 'x'", "UPDATE payee_confirmations SET confirmed_by = 'x'",
                "UPDATE payee_details SET account = ''", "DELETE FROM payee_details", "DELETE FROM payees",
                "UPDATE payee_shares SET reason = 'x'", "DELETE FROM payee_shares", "DELETE FROM staff_accounts", "DELETE FROM sanctions_entries", "UPDATE sanctions_entries SET names = 'x'", "DELETE FROM payee_clearances", "DELETE FROM staff_lists", "DELETE FROM sanctions_lists", "DELETE FROM own_accounts", "DELETE FROM bank_files", "DELETE FROM bank_lines", "UPDATE bank_lines SET amount = 1", "UPDATE bank_lines SET attempt_id = NULL", "UPDATE bank_statements SET closing = 1", "DELETE FROM bank_line_acts", "DELETE FROM payment_batches", "UPDATE batch_payments SET attempt_id = gen_random_uuid()", "DELETE FROM batch_payments",
                "UPDATE survey_answers SET answered = ''", "DELETE FROM survey_answers", "DELETE FROM surveys", "UPDATE survey_averages SET value = 1", "DELETE FROM survey_averages", "UPDATE instrument_texts SET content = ''", "UPDATE instruments SET items = 2",
                "UPDATE spot_check_draws SET seed = ''", "DELETE FROM spot_check_draws", "DELETE FROM drawn_deliveries", "DELETE FROM voucher_samples", "UPDATE released_vouchers SET ends_at = now()", "UPDATE spot_checks SET outcome = 'confirmed'", "DELETE FROM spot_checks",
            )
        ),
        ("reintegration", "verify", "SELECT account FROM payee_details"),
        ("reintegration", "verify", "SELECT answered FROM survey_answers"),
        ("reintegration", "worker", "SELECT answered FROM survey_answers"),
        ("reintegration", "verify", "SELECT token FROM payee_tokens"),
        ("reintegration", "verify", "SELECT token FROM staff_accounts"),
        *(("reintegration", login, f"SELECT token FROM {table}") for login in ("verify", "worker") for table in ("attempt_accounts", "bank_line_accounts")),
        *(
            ("reintegration", "api", statement.format(table))
            for table in ("attempt_accounts", "bank_line_accounts") for statement in ("DELETE FROM {}", "UPDATE {} SET token = ''")
        ),
        ("reintegration", "worker", "UPDATE payee_details SET account = ''"),
        ("reintegration", "worker", "INSERT INTO person_keys (person_id) VALUES (gen_random_uuid())"),
        # What a fund grants comes from a second person's confirmation alone.
        *(
            ("reintegration", "api", statement)
            for statement in (
                "UPDATE fund_balances SET granted = 1000000", "UPDATE fund_balances SET closed = false", "DELETE FROM fund_balances",
                "INSERT INTO fund_balances VALUES (gen_random_uuid(), 'EUR', 1000000, 0, 0, false, '2023-01-01', '2023-12-31')", "UPDATE fund_changes SET granted = 1",
                "DELETE FROM fund_changes", "UPDATE fund_postings SET amount = 1", "DELETE FROM fund_postings",
                "UPDATE closed_months SET month = '2000-01-01'", "UPDATE fund_confirmations SET granted = 1", "DELETE FROM fund_confirmations",
                "UPDATE fund_drops SET dropped_by = 'staff:chief'", "DELETE FROM fund_drops",
            )
        ),
        *(
            ("reintegration", "verify", statement)
            for statement in (
                "UPDATE grants SET amount = 1", "DELETE FROM open_advances", "TRUNCATE funds",
                "INSERT INTO payment_references VALUES ('x', gen_random_uuid(), 1)",
                "SELECT append_events('{}', '{}', '{}', '{}', '{}')", "CREATE TABLE mine (id int)",
            )
        ),
    ],
)  # fmt: skip
async def test_a_login_can_do_nothing_that_it_does_not_need(
    service: str, login: str, statement: str, same_database: MakeDatabase
) -> None:
    made = await same_database(service)
    connection = await asyncpg.connect(getattr(made.logins, login))
    # Only a reminder, which whoever took the login over would take back.
    await connection.execute("SET default_transaction_read_only = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


async def test_verify_begins_its_transactions_read_only(same_database: MakeDatabase) -> None:
    made = await same_database("returns")
    async with made.verify.unit_of_work(NOBODY) as unit:
        row = await unit.row(Sql("SELECT current_setting('transaction_read_only') AS value"))
    assert row is not None
    assert row["value"] == "on"


# Requests of mixed countries over few connections. Each asks for every case there is and counts those of others.
REQUESTS = 3000
POOL = 5
_ALL = Sql("SELECT destination_country FROM cases")
_LONG = Sql("SELECT pg_sleep(60)")


@pytest.mark.timeout(900)
async def test_over_few_connections_no_request_ever_sees_another_country(filled: Filled) -> None:
    made = await filled("returns")
    pool = Database(made.logins.api, "mixed", size=POOL, queue_seconds=600)
    await pool.open()
    strangers = answered = 0

    async def request(number: int) -> None:
        nonlocal strangers, answered
        mine = COUNTRIES[number % len(COUNTRIES)]
        # Some name no country, some fail half way, some are given up in the middle of a statement.
        scope = Scope("staff:x", frozenset() if number % 11 == 0 else frozenset({mine}))
        async with pool.unit_of_work(scope) as unit:
            rows = await unit.rows(_ALL)
            strangers += sum(row["destination_country"] != mine for row in rows)
            answered += len(rows)
            if number % 7 == 0:
                raise LookupError
            if number % 101 == 0:
                async with asyncio.timeout(0.001):
                    await unit.rows(_LONG)

    ends = await asyncio.gather(*(request(number) for number in range(REQUESTS)), return_exceptions=True)
    await pool.close()
    assert {type(end) for end in ends} == {type(None), LookupError, TimeoutError}
    assert answered > REQUESTS / 3
    assert strangers == 0


async def test_the_same_requests_with_a_setting_of_the_session_do_see_other_countries(filled: Filled) -> None:
    made = await filled("returns")

    async def keep(_: object) -> None:
        pass

    pool = await asyncpg.create_pool(made.logins.api, min_size=0, max_size=POOL, reset=keep)
    strangers = 0

    async def request(number: int) -> None:
        nonlocal strangers
        mine = COUNTRIES[number % len(COUNTRIES)]
        async with pool.acquire() as connection:
            if number % 11:
                await connection.execute("SELECT set_config('app.countries', $1, false)", mine)
            rows: Sequence[asyncpg.Record] = await connection.fetch(_ALL.text)
            strangers += sum(row["destination_country"] != mine for row in rows)

    await asyncio.gather(*(request(number) for number in range(REQUESTS)))
    await pool.close()
    assert strangers > 0
