"""What the second revision of each service makes alike: row security on every table, and where accesses are kept.

A policy says which rows of a table a role sees, a grant what it may do with them; whoever lacks either has nothing.
Revisions that ran somewhere are never edited; a later change of the kernel gets a ``kernel_3`` of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_1 import deletable, rows_of

EVERY_ROW = "true"
# Each subquery is an initial plan: evaluated once a statement, whatever the number of rows.
SCOPE_IS_KNOWN = "(SELECT NULLIF(current_setting('app.countries', true), '') IS NOT NULL)"
READS_THE_LOG = "(SELECT current_setting('app.log', true) = 'on')"

_APPENDING = "append_events(uuid[], text[], uuid[], integer[], bytea[]), refuse_write()"
_TAKING = "take(text, bigint, bytea, uuid), count_try(text, bigint, integer)"


def in_countries(column: str) -> str:
    """Rows whose country is in the transaction's scope; a scope that is unset or empty has no rows."""
    return f"{column} = ANY ({_listed('app.countries')})"


def in_sites(column: str) -> str:
    """Rows whose site is in the transaction's scope; a scope that is unset or empty has no rows."""
    return f"{column} = ANY ({_listed('app.sites')})"


def of_the_actor(column: str) -> str:
    """Rows that belong to whoever the transaction runs for."""
    return f"{column} = (SELECT NULLIF(current_setting('app.actor', true), ''))"


def _listed(setting: str) -> str:
    # After a transaction a setting reads as '', not as NULL.
    return f"(SELECT string_to_array(NULLIF(current_setting('{setting}', true), ''), ','))::text[]"


@dataclass(frozen=True, slots=True)
class Open:
    """How far one table is open: what the API may do, with which rows, and what the worker may do with all of them.

    ``rows`` None is no policy at all for the API.
    """

    table: str
    rows: str | None
    api: str = ""
    worker: str = ""


_KERNEL = (
    Open("log_head", None, worker="SELECT"),
    Open("event_log", READS_THE_LOG, "SELECT", "SELECT"),
    # Who conceals a value need not be able to read it: only `verify` does.
    Open("disclosure", None, "INSERT", "INSERT"),
    Open("cursor", EVERY_ROW, worker="SELECT, INSERT, UPDATE"),
    Open("dead_letter", EVERY_ROW, worker="SELECT, INSERT, DELETE"),
    Open("idempotency", of_the_actor("actor_id"), "SELECT, INSERT", "SELECT"),
    Open("status_transition", EVERY_ROW, "SELECT", "SELECT"),
    # A row of somebody's refusal can be locked by them and not changed; a window only counts up, and not away.
    Open("accesses", of_the_actor("actor_id"), "SELECT, INSERT, UPDATE (id)", "SELECT, UPDATE"),
    Open(
        "refusal_windows", of_the_actor("actor_id"), "SELECT, INSERT, UPDATE (repeats, last_at, last_correlation)",
        "SELECT, UPDATE, DELETE",
    ),
)


def create_access_tables() -> None:
    """Where accesses are kept as an aggregate, and the refusals whose repeats are being counted."""
    op.create_table(
        "accesses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("about", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accesses")),
    )
    op.create_table(
        "refusal_windows",
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("access_id", sa.Uuid(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column(
            "began_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_correlation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "operation", "code", "about", name=op.f("pk_refusal_windows")),
    )
    op.create_index(op.f("ix_refusal_windows_began_at"), "refusal_windows", ["began_at"])


def drop_access_tables() -> None:
    """What `create_access_tables` made."""
    op.drop_table("refusal_windows")
    op.drop_table("accesses")


def secure(service: str, tables: Sequence[Open]) -> None:
    """Policies on every table of a service, these and the kernel's, and no right that nothing needs."""
    api, worker, verify = (f"{service}_{kind}" for kind in ("api", "worker", "verify"))
    for kind in ("TABLES", "FUNCTIONS"):
        op.execute(f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM PUBLIC, {api}, {worker}, {verify}")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {verify}")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_APPENDING} TO {api}, {worker}")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_TAKING} TO {worker}")
    for table in (*_KERNEL, *tables):
        _close(table.table)
        _let(table.table, f"{service}_owner")
        _let(table.table, verify, "SELECT")
        op.execute(f"GRANT SELECT ON {table.table} TO {verify}")
        for role, rights in ((api, table.api), (worker, table.worker)):
            if rights:
                op.execute(f"GRANT {rights} ON {table.table} TO {role}")
        if table.table == "disclosure":
            _let(table.table, worker, "INSERT")
            _let(table.table, api, "INSERT")
        else:
            _let(table.table, worker, _action(table.worker))
            if table.rows is not None:
                _let(table.table, api, _action(table.api), table.rows)
    _close("alembic_version")
    _let("alembic_version", f"{service}_owner")


def let_read_all(service: str, kind: str, table: str, *columns: str) -> None:
    """A named role sees all rows of a table, these columns of them."""
    role = f"{service}_{kind}"
    _let(table, role, "SELECT")
    op.execute(f"GRANT SELECT ({', '.join(columns)}) ON {table} TO {role}")


def give_function(service: str, kind: str, function: str) -> None:
    """A function that sees past row security belongs to a role of its own; only the API may call it."""
    role = f"{service}_{kind}"
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {service}_api")
    # Who becomes an owner must be able to make things in the schema, for as long as that takes.
    op.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
    op.execute(f"ALTER FUNCTION {function} OWNER TO {role}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {role}")


def take_function_back(service: str, kind: str, function: str) -> None:
    """Undoes `give_function`, and drops the function."""
    op.execute(f"DROP FUNCTION {function}")
    op.execute(f"REVOKE ALL ON SCHEMA public FROM {service}_{kind}")


def let_read_none(service: str, kind: str, table: str) -> None:
    """Undoes `let_read_all`."""
    role = f"{service}_{kind}"
    op.execute(f"DROP POLICY {role} ON {table}")
    # All columns at once: a right on a column is taken back with the table's.
    op.execute(f"REVOKE ALL ON {table} FROM {role}")


def open_again(service: str, tables: Iterable[str], deletables: Iterable[str]) -> None:
    """Takes row security away and gives the rights of the first revision again; after the new tables are gone."""
    roles = (f"{service}_api", f"{service}_worker")
    remaining = [table.table for table in _KERNEL if table.table not in ("accesses", "refusal_windows")]
    for table in (*remaining, *tables, "alembic_version"):
        _open(table)
    for kind in ("TABLES", "FUNCTIONS"):
        op.execute(f"REVOKE ALL ON ALL {kind} IN SCHEMA public FROM {', '.join(roles)}, {service}_verify")
    op.execute(f"REVOKE ALL ON SCHEMA public FROM {service}_verify")
    for login in roles:
        op.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {login}")
        op.execute(f"GRANT SELECT ON {', '.join(remaining)} TO {login}")
        op.execute(f"GRANT INSERT ON disclosure, idempotency TO {login}")
    op.execute(f"GRANT INSERT, UPDATE ON cursor TO {service}_worker")
    op.execute(f"GRANT INSERT, DELETE ON dead_letter TO {service}_worker")
    rows_of(service, tables)
    for table in deletables:
        deletable(service, table)


def _action(rights: str) -> str:
    return "SELECT" if rights in ("", "SELECT") else "ALL"


def _close(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _open(table: str) -> None:
    op.execute(
        f"DO $$ DECLARE p name; BEGIN FOR p IN SELECT polname FROM pg_policy WHERE polrelid = '{table}'::regclass "
        f"LOOP EXECUTE format('DROP POLICY %I ON {table}', p); END LOOP; END $$"
    )
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def _let(table: str, role: str, action: str = "ALL", rows: str = EVERY_ROW) -> None:
    """The one policy of a role on a table, which bears the role's name."""
    using = "" if action == "INSERT" else f" USING ({rows})"
    check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
    op.execute(f"CREATE POLICY {role} ON {table} FOR {action} TO {role}{using}{check}")
