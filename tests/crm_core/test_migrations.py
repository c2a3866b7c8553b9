"""The database has exactly the shape the tables describe, however many processes start at once."""

import asyncio
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from crm_core.db import Database
from crm_core.migrations import config, migrate, newest
from crm_core.tables import METADATA


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, METADATA))


async def test_the_migrated_database_is_what_the_tables_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


def test_the_steps_are_one_chain_and_its_end_is_known_without_alembic() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [newest()]


async def test_processes_that_start_together_migrate_once(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(text("DROP SCHEMA public CASCADE"))
        await session.execute(text("CREATE SCHEMA public"))
    await asyncio.gather(*(migrate(database.url) for _ in range(4)))
    async with database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
        assert await connection.run_sync(differences) == []


async def test_every_constraint_follows_the_naming_convention(database: Database) -> None:
    strangers = text(
        "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND contype IN ('p', 'u', 'f', 'c') AND conname !~ '^(pk|uq|fk|ck)_' AND conname !~ '^alembic'"
    )
    async with database.begin() as session:
        assert (await session.scalars(strangers)).all() == []


async def test_a_value_outside_the_enumeration_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError, match="ck_users_role_known"):
        async with database.begin() as session:
            await session.execute(text("INSERT INTO users (login, name, role) VALUES ('x', 'X', 'king')"))


def steps_until(connection: Connection, step: str) -> None:
    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, step)


async def test_recordings_kept_so_far_are_in_the_folder_of_their_calls_switchboard(
    database: Database,
) -> None:
    call = "11111111-1111-1111-1111-111111111111"
    async with database.begin() as session:
        await session.execute(text("DROP SCHEMA public CASCADE"))
        await session.execute(text("CREATE SCHEMA public"))
    async with database.engine.connect() as connection:
        await connection.run_sync(steps_until, "0009")
        await connection.commit()
    async with database.begin() as session:
        await session.execute(
            text(
                "INSERT INTO calls (id, pbx, linkedid, direction, state, started_at)"
                " VALUES (:id, 'kyiv', '1.1', 'inbound', 'ended', now())"
            ),
            {"id": call},
        )
        await session.execute(
            text("INSERT INTO recordings (call_id, path, side, state) VALUES (:id, 'a.wav', 'mix', 'ready')"),
            {"id": call},
        )
    await migrate(database.url)
    async with database.begin() as session:
        assert await session.scalar(text("SELECT pbx FROM recordings")) == "kyiv"


async def test_of_products_that_shared_a_barcode_the_first_on_sale_keeps_it(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(text("DROP SCHEMA public CASCADE"))
        await session.execute(text("CREATE SCHEMA public"))
    async with database.engine.connect() as connection:
        await connection.run_sync(steps_until, "0014")
        await connection.commit()
    shop = (
        "INSERT INTO shops (name, currency, country, timezone, order_prefix)"
        " VALUES ('Home', 'EUR', 'PL', 'Europe/Warsaw', :prefix) RETURNING id"
    )
    goods = (
        "INSERT INTO products (shop_id, sku, name, search_key, price, active, barcodes)"
        " VALUES (:shop, :sku, :sku, :sku, 1, :active, :codes)"
    )
    async with database.begin() as session:
        one, two = [await session.scalar(text(shop), {"prefix": it}) for it in "AB"]
        for place, sku, active, codes in (
            (one, "old", False, ["1", "2"]),
            (one, "first", True, ["1", "3", "1"]),
            (one, "second", True, ["4", "1", "3"]),
            (two, "elsewhere", True, ["1"]),
        ):
            given = {"shop": place, "sku": sku, "active": active, "codes": codes}
            await session.execute(text(goods), given)
        await session.execute(text("INSERT INTO import_mappings (name, columns) VALUES ('acme', '{}')"))
    await migrate(database.url)
    async with database.begin() as session:
        kept = dict((await session.execute(text("SELECT sku, barcodes FROM products"))).all())
        assert kept == {"old": ["2"], "first": ["1", "3", "1"], "second": ["4"], "elsewhere": ["1"]}
        told = text("SELECT detail->'barcodes'->0 FROM audit_log WHERE action = 'product.update' ORDER BY id")
        assert sorted(await session.scalars(told)) == [["1", "2"], ["4", "1", "3"]]
        assert await session.scalar(text("SELECT noun FROM import_mappings")) == "products"
