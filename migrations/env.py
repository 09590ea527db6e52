"""Runs one service's revisions as its migration role, with a lock so that two runs take turns."""

import asyncio
import importlib

import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from migrations.before import make_ready
from migrations.online import LOCK_TIMEOUT, STATEMENT_TIMEOUT

# Another service's migration may run at the same time; the number only has to be ours.
ADVISORY_LOCK = 7_261_944


def migrate(connection: sa.Connection) -> None:
    service = context.config.attributes["service"]
    metadata = importlib.import_module(f"services.{service}.tables").METADATA
    connection.execute(sa.text(f"SET ROLE {service}_owner"))
    connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(sa.text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(sa.text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
    connection.commit()
    if context.config.attributes.get("upgrading"):
        make_ready(service, connection)
    context.configure(
        connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    engine = create_async_engine(context.config.attributes["url"], poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(connect_and_migrate())
