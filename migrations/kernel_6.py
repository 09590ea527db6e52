"""What a later revision of each service makes alike: a person's row that says erased takes everything personal with it."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW

_FUNCTIONS = ("erase_person()", "await_the_erasing()", "refuse_the_erased()", "erase_besides(uuid)")


def make_erasable(service: str, besides: str) -> None:
    """The functions and the trigger of `erasure_1.sql`, and what this service deletes of its own (``besides``, PL/pgSQL).

    The service's ``persons`` has a column ``erased_at`` already.
    """
    eraser = f"{service}_eraser"
    op.create_index(op.f("ix_idempotency_resource_id"), "idempotency", ["resource_id"])
    op.execute(
        "CREATE FUNCTION erase_besides(p_person uuid) RETURNS void LANGUAGE plpgsql VOLATILE "
        f"SET search_path = public, pg_temp AS $$ BEGIN {besides} END $$"
    )
    run_sql("erasure_1.sql")
    op.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {eraser}")
    for function in _FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"ALTER FUNCTION {function} OWNER TO {eraser}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {eraser}")
    let_erase(service, "disclosure", "DELETE", "event_id")
    let_erase(service, "idempotency", "DELETE", "resource_id", "version")
    let_erase(service, "event_log", "", "id", "subject", "idx")
    let_erase(service, "persons", "", "id", "erased_at")
    op.execute(
        "CREATE TRIGGER erases AFTER INSERT OR UPDATE OF erased_at ON persons FOR EACH ROW "
        "WHEN (NEW.erased_at IS NOT NULL) EXECUTE FUNCTION erase_person()"
    )


def undo_erasable(service: str) -> None:
    """Undoes `make_erasable`, after `take_out` of each table."""
    op.execute("DROP TRIGGER erases ON persons")
    for table in ("disclosure", "idempotency", "event_log", "persons"):
        let_erase_no_more(service, table)
    for function in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute(f"REVOKE ALL ON SCHEMA public FROM {service}_eraser")
    op.drop_index(op.f("ix_idempotency_resource_id"), "idempotency")


def goes_with_the_person(service: str, table: str) -> None:
    """Rows of this table, by ``person_id``, are deleted with the person, and none comes afterwards."""
    let_erase(service, table, "DELETE", "person_id")
    _refuse(table, "goes_with_the_person")


def stays_without_the_person(table: str) -> None:
    """Rows of this table say no more than an id and stay; none comes or changes once the person was erased."""
    _refuse(table, "nothing_begins")
    _refuse(table, "nothing_goes_on", "UPDATE")


def take_out(service: str, table: str) -> None:
    """Undoes `goes_with_the_person`."""
    _refuse_no_more(table, "goes_with_the_person")
    let_erase_no_more(service, table)


def take_out_what_stays(table: str) -> None:
    """Undoes `stays_without_the_person`."""
    for name in ("nothing_begins", "nothing_goes_on"):
        _refuse_no_more(table, name)


def let_erase(service: str, table: str, right: str, *columns: str) -> None:
    """The role that erases sees these columns of all rows, and may do this with the rows besides."""
    eraser = f"{service}_eraser"
    check = f" WITH CHECK ({EVERY_ROW})" if right else ""
    op.execute(f"CREATE POLICY {eraser} ON {table} FOR {'ALL' if right else 'SELECT'} TO {eraser} USING ({EVERY_ROW}){check}")
    op.execute(f"GRANT SELECT ({', '.join(columns)}) ON {table} TO {eraser}")
    if right:
        op.execute(f"GRANT {right} ON {table} TO {eraser}")


def let_erase_no_more(service: str, table: str) -> None:
    """Undoes `let_erase`."""
    op.execute(f"DROP POLICY {service}_eraser ON {table}")
    op.execute(f"REVOKE ALL ON {table} FROM {service}_eraser")


def keys_for_papers() -> None:
    """Beside their own key a person can have further ones, each of the papers of one thing, which may have to be kept."""
    op.add_column("person_keys", sa.Column("about", sa.Uuid(), nullable=True))
    op.execute("UPDATE person_keys SET about = person_id")
    op.alter_column("person_keys", "about", nullable=False)
    op.add_column("person_keys", sa.Column("keep_until", sa.Date(), nullable=True))
    op.execute("ALTER TABLE person_keys DROP CONSTRAINT pk_person_keys")
    op.create_primary_key(op.f("pk_person_keys"), "person_keys", ["person_id", "about"])


def one_key_again() -> None:
    """Undoes `keys_for_papers`: what was sealed under further keys is lost with them."""
    op.execute("DELETE FROM person_keys WHERE about <> person_id")
    op.execute("ALTER TABLE person_keys DROP CONSTRAINT pk_person_keys")
    op.create_primary_key(op.f("pk_person_keys"), "person_keys", ["person_id"])
    op.drop_column("person_keys", "keep_until")
    op.drop_column("person_keys", "about")


def _refuse(table: str, name: str, act: str = "INSERT") -> None:
    op.execute(f"CREATE TRIGGER {name}_at_its_turn BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION await_the_erasing()")
    op.execute(
        f"CREATE TRIGGER {name} AFTER {act} ON {table} REFERENCING NEW TABLE AS entered "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_the_erased()"
    )


def _refuse_no_more(table: str, name: str) -> None:
    op.execute(f"DROP TRIGGER {name} ON {table}")
    op.execute(f"DROP TRIGGER {name}_at_its_turn ON {table}")
