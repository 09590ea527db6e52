"""Row security as the catalogue has it: on every table, as the table's code declares it, and no way around it."""

from collections.abc import Iterable, Mapping
from importlib import import_module

import asyncpg
import pytest
import sqlalchemy as sa

from services.counselling.tables import BIRTH_YEARS_IN_CLEAR, PERSONAL_TABLES
from shared.topology import LOGS, SERVICES
from tests.integration.conftest import MakeDatabase, ServiceDatabase

NAMES = [service.name for service in LOGS]
# Those that know persons, whom they erase.
OF_PERSONS = [service.name for service in SERVICES]
KINDS = ("owner", "api", "worker", "migrate", "verify", "checkpoint", "lookup", "eraser")
_LISTED = (
    "({column} = ANY (( SELECT string_to_array(NULLIF(current_setting('app.{setting}'::text, true), ''::text), "
    "','::text) AS string_to_array)::text[]))"
)
# How PostgreSQL prints the condition of each way that `shared/tables.py` names.
CONDITIONS: Mapping[str, str] = {
    "country": _LISTED.replace("{setting}", "countries"),
    "site": _LISTED.replace("{setting}", "sites"),
    "actor": """({column} = ( SELECT NULLIF(current_setting('app.actor'::text, true), ''::text) AS "nullif"))""",
    "known": "( SELECT (NULLIF(current_setting('app.countries'::text, true), ''::text) IS NOT NULL))",
    "log": "( SELECT (current_setting('app.log'::text, true) = 'on'::text))",
    "released_paper": "paper_released({column})",
    "any": "true",
    "first": "({column} = 1)",
}
# What the roles that own a function each may read besides, to answer in its name.
CONCEALED = {"disclosure": frozenset({"event_id", "path", "value"})}
LOOKED_UP: Mapping[str, Mapping[str, frozenset[str]]] = {
    "counselling": {**CONCEALED},
    "returns": {
        **CONCEALED,
        "cases": frozenset({"id", "case_ref", "destination_country", "approved_by"}),
        "travels": frozenset({"case_id"}),
        "dead_letter": frozenset({"source", "partitionkey", "leaf"}),
    },
    "reintegration": {
        **CONCEALED,
        "grants": frozenset({"id", "person_id", "status", "paid", "amount", "currency", "requested_at"}),
    },
    "audit": {**CONCEALED},
}
# Of every table that the role which erases needs, the columns that it reads, and those of which it deletes rows.
ERASES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "counselling": {
        "person_keys": frozenset({"person_id"}),
        **dict.fromkeys((table.name for table in (*PERSONAL_TABLES, BIRTH_YEARS_IN_CLEAR)), frozenset({"person_id"})),
    },
    "returns": {},
    "reintegration": {
        "person_keys": frozenset({"person_id", "about", "keep_until"}),
        "evidence_files": frozenset({"evidence_id", "grant_id", "sealed_under"}),
        "evidence_pieces": frozenset({"evidence_id"}),
        "payee_details": frozenset({"person_id", "payee_id"}),
        "payee_tokens": frozenset({"person_id", "token"}),
        "former_payee_tokens": frozenset({"person_id", "token"}),
        "attempt_accounts": frozenset({"attempt_id", "token"}),
        "bank_line_accounts": frozenset({"line_id", "token"}),
        "payee_clearances": frozenset({"payee_id"}),
        "survey_answers": frozenset({"person_id"}),
    },
}
ERASING_ASKS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "counselling": {"active_attempts": frozenset({"person_id"})},
    "returns": {
        "cases": frozenset({"id", "persons", "holds", "screening", "protection_since", "supports", "final_report"}),
        "log_mentions": frozenset({"about", "idx"}),
        # Which event is about a decision on somebody's health.
        # Whose each help is that a booking holds, which the path of what is concealed names only by its place.
        "event_log": frozenset({"id", "subject", "idx", "leaf", "type"}), "disclosure": frozenset({"event_id", "path"}),
        # By the triggers of a table that it changes.
        "status_transition": frozenset({"aggregate", "from_status", "to_status"}),
    },
    "reintegration": {
        "grants": frozenset({"id", "person_id", "paid", "category", "evidence", "approved_at", "status"}),
        "plans": frozenset({"id", "person_ids", "lines"}),
        "payees": frozenset({"id", "person_id", "status", "screened_lists"}),
        "payment_attempts": frozenset({"attempt_id", "payee_id"}),
        "bank_lines": frozenset({"id", "attempt_id", "state"}),
        "bank_files": frozenset({"id", "status", "revocation_asked_by"}),
        "log_mentions": frozenset({"about", "idx"}),
        # Whose need a line of a former version of a plan was.
        "event_log": frozenset({"id", "subject", "idx", "leaf", "type"}),
        "disclosure": frozenset({"event_id", "path"}),
        # By the trigger of a table that it changes.
        "status_transition": frozenset({"aggregate", "from_status", "to_status"}),
    },
}
# What it empties, and what it counts, by the columns that it changes.
EMPTIES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "counselling": {},
    "returns": {
        "cases": frozenset({"holds", "screening", "protection_since", "supports", "final_report"}),
    },
    "reintegration": {
        "person_keys": frozenset({"keep_until"}),
        "bank_lines": frozenset({"other_payee", "other_payee_named"}),
        "grants": frozenset({"category", "evidence", "budget", "certificate"}),
        "plans": frozenset({"lines"}),
        "payees": frozenset({"hits", "cleared", "clearers", "clearing_reason", "clearing_asked_by", "cleared_by", "status", "closing_reason", "screened_lists"}),
    },
}
_ERASING = dict.fromkeys(("erase_person", "await_the_erasing", "refuse_the_erased"), "{}_eraser")
DEFINERS = {
    "counselling": {"append_events": "counselling_owner", "concealed_in": "counselling_lookup"},
    "returns": {
        "append_events": "returns_owner", "status_lookup": "returns_lookup", "concealed_in": "returns_lookup", "letter_about": "returns_lookup",
        "erase_support": "returns_eraser", "erase_final_reports": "returns_eraser",
    },
    "reintegration": {
        "append_events": "reintegration_owner", "log_size": "reintegration_owner", "set_fund_terms": "reintegration_owner", "note_hashes_met": "reintegration_owner", "count_what_was_put_in": "reintegration_owner", "count_how_it_went": "reintegration_owner", "post_into_an_open_month": "reintegration_owner", "commit_while_the_fund_is_valid": "reintegration_owner", "post_after_the_commitment": "reintegration_owner", "ask_for_a_fund_when_nothing_waits": "reintegration_owner", "answer_for_a_fund_once": "reintegration_owner", "support_in": "reintegration_lookup",
        "concealed_in": "reintegration_lookup", "refuse_papers_of_the_erased": "reintegration_eraser",
        "refuse_keys_of_the_erased": "reintegration_eraser", "end_kept_papers": "reintegration_eraser", "delete_payee_details": "reintegration_eraser",
        "erase_what_it_was_for": "reintegration_eraser", "erase_screenings": "reintegration_eraser", "erase_hashes": "reintegration_eraser", "erase_plan_details": "reintegration_eraser",
    },
}
for _service, _owners in DEFINERS.items():
    _owners |= {name: owner.format(_service) for name, owner in _ERASING.items()}
DEFINERS["audit"] = {
    "append_events": "audit_owner", "note_archive_mentions": "audit_owner", "archive_sets_apart": "audit_owner", "concealed_in": "audit_lookup",
}  # fmt: skip
Row = Mapping[str, object]


def tables_of(service: str) -> dict[str, sa.Table]:
    metadata: sa.MetaData = import_module(f"services.{service}.tables").METADATA
    return dict(metadata.tables)


def condition(ways: Iterable[str]) -> str:
    printed = [CONDITIONS[way.partition(":")[0]].replace("{column}", way.partition(":")[2]) for way in ways]
    return printed[0] if len(printed) == 1 else f"({' OR '.join(printed)})"


async def ask(made: ServiceDatabase, sql: str, *values: object) -> list[Row]:
    connection = await asyncpg.connect(made.logins.migrate)
    rows = await connection.fetch(sql, *values)
    await connection.close()
    return [dict(row) for row in rows]


async def policies(made: ServiceDatabase, role: str) -> dict[str, tuple[object, object, object]]:
    rows = await ask(
        made, "SELECT tablename, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public' AND $1 = ANY(roles)", role
    )
    found = {str(row["tablename"]): (row["cmd"], row["qual"], row["with_check"]) for row in rows}
    assert len(found) == len(rows), "two policies of one role on one table widen each other"
    return found


@pytest.mark.parametrize("service", NAMES)
async def test_row_security_is_on_for_every_table_and_holds_for_its_owner_too(
    service: str, same_database: MakeDatabase
) -> None:
    rows = await ask(
        await same_database(service),
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS held FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f')",
    )
    assert {row["relname"] for row in rows} == {*tables_of(service), "alembic_version"}
    assert [row["relname"] for row in rows if not row["held"]] == []


@pytest.mark.parametrize("service", NAMES)
async def test_the_api_sees_of_each_table_what_the_table_declares(service: str, same_database: MakeDatabase) -> None:
    found = await policies(await same_database(service), f"{service}_api")
    seen = {name: rows for name, (_, rows, _) in found.items() if rows is not None}
    assert seen == {name: condition(table.info["scope"]) for name, table in tables_of(service).items() if table.info["scope"]}
    for name, (command, rows, written) in found.items():
        assert command in ("ALL", "SELECT", "INSERT"), name
        if command == "ALL":
            info = tables_of(service)[name].info
            besides = info.get("written_by") or info.get("first_by")
            allowed = rows if besides is None else f"({rows} AND {condition(besides)})"
            assert written == allowed, f"{name}: what may be written is not what may be seen, or not in its writer's name"
    assert {name for name, (command, *_) in found.items() if command == "INSERT"} == {"disclosure"}


@pytest.mark.parametrize("service", NAMES)
async def test_the_other_roles_see_every_row_of_what_they_may_see_at_all(
    service: str, same_database: MakeDatabase
) -> None:
    made = await same_database(service)
    tables = set(tables_of(service))
    assert await policies(made, f"{service}_owner") == dict.fromkeys({*tables, "alembic_version"}, ("ALL", "true", "true"))
    # Who verifies waits while the database is at another revision than its program knows.
    assert await policies(made, f"{service}_verify") == dict.fromkeys({*tables, "alembic_version"}, ("SELECT", "true", None))
    worker = await policies(made, f"{service}_worker")
    assert worker.keys() == tables
    assert {name for name, (_, rows, _) in worker.items() if rows != "true"} == {"disclosure", "idempotency"}
    # Every command seals under the key of the highest number, which therefore only a rotation puts in beside another.
    first = {name: f"(true AND {condition(table.info['first_by'])})" for name, table in tables_of(service).items() if "first_by" in table.info}
    assert {name: worker[name][2] for name in first} == first
    assert {written for name, (_, _, written) in worker.items() if name not in first} <= {"true", None}
    assert await policies(made, f"{service}_lookup") == dict.fromkeys(LOOKED_UP[service], ("SELECT", "true", None))
    others = await ask(
        made,
        "SELECT tablename FROM pg_policies WHERE cardinality(roles) <> 1 OR permissive <> 'PERMISSIVE' OR NOT roles && $1",
        [f"{service}_{kind}" for kind in KINDS],
    )
    assert others == []


@pytest.mark.parametrize("service", NAMES)
async def test_the_lookup_reads_no_column_that_its_function_does_not_need(
    service: str, same_database: MakeDatabase
) -> None:
    rows = await ask(
        await same_database(service),
        "SELECT table_name, column_name FROM information_schema.column_privileges WHERE grantee = $1",
        f"{service}_lookup",
    )
    found: dict[object, set[object]] = {}
    for row in rows:
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    assert found == LOOKED_UP[service]


@pytest.mark.parametrize("service", NAMES)
async def test_who_signs_checkpoints_reads_the_logs_hashes_and_whether_it_was_set_back_and_nothing_else(service: str, same_database: MakeDatabase) -> None:
    made = await same_database(service)
    assert await policies(made, f"{service}_checkpoint") == dict.fromkeys(("event_log", "restored"), ("SELECT", "true", None))
    rows = await ask(
        made, "SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges WHERE grantee = $1",
        f"{service}_checkpoint",
    )  # fmt: skip
    read = {("event_log", "idx"), ("event_log", "leaf_hash"), ("restored", "id"), ("restored", "kept"), ("restored", "accepted_at")}
    assert {tuple(row.values()) for row in rows} == {(table, column, "SELECT") for table, column in read}


@pytest.mark.parametrize("service", OF_PERSONS)
async def test_who_erases_reads_ids_and_deletes_what_is_personal_and_nothing_else(
    service: str, same_database: MakeDatabase
) -> None:
    made = await same_database(service)
    rows = await ask(
        made,
        "SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges WHERE grantee = $1 "
        "UNION ALL SELECT table_name, NULL, privilege_type FROM information_schema.table_privileges WHERE grantee = $1",
        f"{service}_eraser",
    )
    read: dict[object, set[object]] = {}
    for row in rows:
        if row["privilege_type"] == "SELECT":
            read.setdefault(row["table_name"], set()).add(row["column_name"])
    alike = {
        "disclosure": {"event_id"}, "idempotency": {"resource_id", "version"}, "event_log": {"id", "subject", "idx"},
        "persons": {"id", "erased_at", *(["kept_until"] if service == "reintegration" else [])},
    }  # fmt: skip
    assert read == {**alike, **ERASES[service], **ERASING_ASKS[service]}
    deleted = {row["table_name"] for row in rows if row["privilege_type"] == "DELETE"}
    assert deleted == {"disclosure", "idempotency", *ERASES[service]}
    changed: dict[object, set[object]] = {}
    for row in rows:
        if row["privilege_type"] not in ("SELECT", "DELETE") and row["column_name"] is not None:
            changed.setdefault(row["table_name"], set()).add(row["column_name"])
    assert changed == EMPTIES[service]
    assert await policies(made, f"{service}_eraser") == {
        **dict.fromkeys(("event_log", "persons", *ERASING_ASKS[service]), ("SELECT", "true", None)),
        **dict.fromkeys((*map(str, deleted), *EMPTIES[service]), ("ALL", "true", "true")),
    }


@pytest.mark.parametrize("service", NAMES)
async def test_what_is_personal_goes_with_the_person_and_takes_nothing_of_who_was_erased(
    service: str, same_database: MakeDatabase
) -> None:
    rows = await ask(
        await same_database(service),
        "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'goes_with_the_person'",
    )
    # In reintegration some keys stay, so that there the service's own part of the trigger says which go.
    keys = {"person_keys", BIRTH_YEARS_IN_CLEAR.name} if service == "counselling" else set()
    personal = {table.name for table in getattr(import_module(f"services.{service}.tables"), "PERSONAL_TABLES", ())}
    assert {row["name"] for row in rows} == {*personal, *keys}


@pytest.mark.parametrize("service", NAMES)
async def test_no_view_lends_its_owners_eyes(service: str, same_database: MakeDatabase) -> None:
    rows = await ask(
        await same_database(service),
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (relkind = 'm' OR relkind = 'v' "
        "AND NOT coalesce('security_invoker=true' = ANY(reloptions), false))",
    )
    assert rows == []


@pytest.mark.parametrize("service", NAMES)
async def test_no_role_of_ours_stands_above_row_security_or_can_become_one_that_does(
    service: str, same_database: MakeDatabase
) -> None:
    made = await same_database(service)
    ours = [f"{service}_{kind}" for kind in KINDS]
    mighty = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
    assert await ask(made, f"SELECT rolname FROM pg_roles WHERE rolname = ANY($1) AND ({mighty})", ours) == []
    members = await ask(
        made,
        "SELECT roleid::regrole::text AS role, member::regrole::text AS member FROM pg_auth_members "
        "WHERE member::regrole::text = ANY($1)",
        ours,
    )
    expected = {(f"{service}_owner", f"{service}_migrate")}
    if service in OF_PERSONS:
        expected.add((f"{service}_eraser", f"{service}_owner"))
    if LOOKED_UP[service]:
        expected.add((f"{service}_lookup", f"{service}_owner"))
    assert {(row["role"], row["member"]) for row in members} == expected
    unnamed = await ask(
        made, "SELECT rolname FROM pg_roles WHERE rolname = ANY($1) AND rolcanlogin",
        [f"{service}_{kind}" for kind in ("owner", "lookup", "eraser")],
    )
    assert unnamed == []


@pytest.mark.parametrize("service", NAMES)
async def test_a_function_with_anothers_rights_names_its_path_and_its_callers(
    service: str, same_database: MakeDatabase
) -> None:
    made = await same_database(service)
    rows = await ask(
        made,
        "SELECT proname, prosecdef, proconfig, proowner::regrole::text AS owner, EXISTS (SELECT FROM "
        " aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0) AS public "
        "FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )
    assert [row["proname"] for row in rows if row["public"]] == []
    assert [row["proname"] for row in rows if row["proconfig"] != ["search_path=public, pg_temp"]] == []
    assert {row["proname"]: row["owner"] for row in rows if row["prosecdef"]} == DEFINERS[service]
    makers = await ask(
        made, "SELECT rolname FROM pg_roles WHERE rolname = ANY($1) AND has_schema_privilege(rolname, 'public', 'CREATE')",
        [f"{service}_{kind}" for kind in ("api", "worker", "verify", "checkpoint", "lookup", "eraser")],
    )  # fmt: skip
    assert makers == []


@pytest.mark.parametrize(
    ("service", "function", "callers"),
    [
        *((service, "append_events(uuid[], text[], uuid[], integer[], bytea[])", {"api", "worker"}) for service in NAMES),
        *((service, "take(text, bigint, bytea, uuid)", {"worker"}) for service in NAMES),
        *((service, "concealed_in(uuid[])", {"api"}) for service in NAMES),
        ("audit", "leaf_ids(bytea)", {"worker"}),
        ("returns", "status_lookup(text)", {"api"}),
        ("returns", "letter_about(text, uuid[])", {"api", "worker"}),
        ("reintegration", "support_in(uuid[], uuid, timestamptz)", {"api"}),
    ],
)
async def test_a_function_is_called_by_those_who_need_it(
    service: str, function: str, callers: set[str], same_database: MakeDatabase
) -> None:
    rows = await ask(
        await same_database(service),
        "SELECT kind FROM unnest($1::text[]) kind WHERE has_function_privilege($2 || '_' || kind, $3, 'EXECUTE')",
        ["api", "worker", "verify", "checkpoint"], service, function,
    )  # fmt: skip
    assert {row["kind"] for row in rows} == callers
