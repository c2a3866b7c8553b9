"""Engine, sessions, the declarative base and the naming of constraints.

One dialect: PostgreSQL 16 or newer through asyncpg. Instants are aware UTC datetimes in `timestamptz`,
money is `Numeric(12, 2)`, texts are unbounded, enumerations are text with a CHECK.
"""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from datetime import date, datetime, time
from decimal import Decimal
from types import TracebackType
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

import asyncpg
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    Identity,
    MetaData,
    Numeric,
    Text,
    Time,
    Uuid,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, ORMExecuteState, Session, mapped_column
from sqlalchemy.sql.base import ExecutableOption

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
SERVER_SETTINGS = {"application_name": "callcenter", "timezone": "UTC", "jit": "off"}

Version = Annotated[int, mapped_column(BigInteger, server_default="1", default=1)]
Instant = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True), server_default=text("now()"))]
Flag = Annotated[bool, mapped_column(Boolean, server_default=text("false"), default=False)]
Money = Annotated[Decimal, mapped_column(Numeric(12, 2), server_default="0", default=Decimal("0.00"))]
Percent = Annotated[Decimal, mapped_column(Numeric(5, 2), server_default="0", default=Decimal("0.00"))]
Texts = Annotated[list[str], mapped_column(ARRAY(Text), server_default="{}", default=list)]

NARROWED: ContextVar[Sequence[ExecutableOption]] = ContextVar("narrowed", default=())
"""Options of every SELECT of the sessions begun here and now: what a visitor may not see is not there for him."""


class Base(DeclarativeBase):
    """Parent of all tables; every table says when its row was made."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: TIMESTAMP(timezone=True),
        date: Date,
        time: Time,
        Decimal: Numeric(12, 2),
        UUID: Uuid,
        list[str]: ARRAY(Text),
        dict[str, Any]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
    }

    created_at: Mapped[Instant] = mapped_column(sort_order=1000)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A CHECK that `column` holds one of `values` (NULL passes where the column allows it)."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def plain_url(url: str) -> str:
    """The same database in the words of libpq and asyncpg (`postgresql://…`, no driver name)."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _alchemy_url(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+asyncpg")


class Reader:
    """Single reads that somebody waits for, straight through asyncpg: no BEGIN, no ROLLBACK, no ping, and half a
    millisecond of work less than through an engine. Connections are opened when first needed and kept."""

    def __init__(self, url: str, *, connections: int) -> None:
        self._url = url
        self._connections = connections
        self._pool: asyncpg.Pool | None = None

    async def value(self, statement: str, *given: object) -> Any:
        """The first column of the first row. `statement` has its parameters as $1, $2…"""
        return await (await self._opened()).fetchval(statement, *given)

    async def row(self, statement: str, *given: object) -> asyncpg.Record | None:
        """The first row, None when there is none. JSON comes as text."""
        return await (await self._opened()).fetchrow(statement, *given)

    async def warm(self, statement: str, *given: object) -> None:
        """Open every connection and let each plan `statement`, so that nobody waits for that later."""
        pool = await self._opened()
        async with AsyncExitStack() as held:
            for _ in range(self._connections):
                await (await held.enter_async_context(pool.acquire())).fetchval(statement, *given)

    async def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._url,
                min_size=0,
                max_size=self._connections,
                max_inactive_connection_lifetime=0,
                connection_class=_Plain,
                # Planning the card takes longer than reading it, and the plan is the same whoever calls.
                server_settings=SERVER_SETTINGS | {"plan_cache_mode": "force_generic_plan"},
            )
        return await self._pool

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            self._pool.terminate()


class _Plain(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that is given back as it is: a single read leaves nothing behind to be reset."""

    async def reset(self, *, timeout: float | None = None) -> None:
        """Nothing to reset."""


class Database:
    """An engine and its sessions. Use as `async with connect(url) as db`."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = plain_url(url)
        self.engine: AsyncEngine = create_async_engine(
            _alchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            json_serializer=to_json,
            connect_args={"server_settings": SERVER_SETTINGS},
        )
        event.listen(self.engine.sync_engine, "checkout", _still_open)
        # A class of its own, so that whoever wants to hear of commits hears of this database's only.
        self.session_class: type[Session] = type("DatabaseSession", (Session,), {})
        event.listen(self.session_class, "do_orm_execute", _narrow)
        self.reader = Reader(self.url, connections=pool_size)
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(
            self.engine, expire_on_commit=False, sync_session_class=self.session_class
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A session in a transaction: committed at the end, rolled back on any exception."""
        async with self.sessions.begin() as session:
            session.info["narrowed"] = NARROWED.get()
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads, and reads everything as it is now, however long that takes."""
        async with self.begin() as session:
            as_now = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            await session.connection(execution_options=as_now)
            yield session

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()
        await self.reader.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _still_open(connection: Any, record: object, proxy: object) -> None:
    """A connection that the database has closed is replaced before it is used.

    asyncpg hears of that at once; to ask the database each time (`pool_pre_ping`) costs three ways there and back.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the database closed this connection")


def _narrow(state: ORMExecuteState) -> None:
    """Every SELECT gets the conditions of whoever began the session; see `crm_core.reach`."""
    options = state.session.info.get("narrowed")
    if options and state.is_select and not state.is_column_load and not state.is_relationship_load:
        state.statement = state.statement.options(*options)


def connect(url: str, *, pool_size: int = 10) -> Database:
    """A `Database` for `url`; connections are opened when first needed."""
    import crm_core.tables  # noqa: F401  every table must be known before the first flush

    return Database(url, pool_size=pool_size)


def to_json(value: object) -> str:
    """JSON as it goes into the database: instants, sums and ids as text."""
    return json.dumps(value, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: object) -> str:
    """JSON has no instants, sums or ids: they travel as text."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
