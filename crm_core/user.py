"""The people who work here, and the telephones they have."""

import asyncio
import re
from collections.abc import Sequence
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce

UNCHANGED = 0  # no row has this id


class Role(StrEnum):
    """What somebody is here; rights follow from it."""

    OPERATOR = "operator"
    SENIOR = "senior"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"
    COURIER = "courier"  # brings orders; sees his own tasks and nothing else


class User(Base):
    """Somebody who may sign in. `password_hash` is NULL for one who may not (yet).

    `line_id`: the line shown to a customer whom this user calls, unless the order says another. `role_id`: a role
    of one's own (crm_core/team.py), which is based on `role`.
    """

    __tablename__ = "users"
    __table_args__ = (one_of("role", Role),)

    id: Mapped[Id]
    login: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    timezone: Mapped[str] = mapped_column(server_default="UTC", default="UTC")
    line_id: Mapped[int | None] = mapped_column(ForeignKey("lines.id", ondelete="SET NULL"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"), index=True)
    role_id: Mapped[int | None] = mapped_column(ForeignKey("roles.id"), index=True)


Index("uq_users_login_lower", func.lower(User.login), unique=True)


class Extension(Base):
    """A telephone of a user; one user may have several."""

    __tablename__ = "extensions"
    __table_args__ = (UniqueConstraint("pbx", "extension"),)

    id: Mapped[Id]
    pbx: Mapped[str]
    extension: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


SHORTEST_PASSWORD = 8


class Passwords:
    """Argon2 off the event loop, a few at a time: each needs 64 MB and a core for some 50 ms."""

    def __init__(self, hasher: PasswordHasher | None = None, *, at_once: int = 2) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(at_once)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to keep. Raises `Invalid` for an empty password."""
        if not password:
            raise Invalid("A password is needed.", "password")
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether `password` made `kept`. An unknown account (None) takes as long as a wrong password."""
        if kept is None:
            self._nobody = self._nobody or await self.hash("nobody")
        async with self._turn:
            return await asyncio.to_thread(self._verify, kept or self._nobody or "", password) and bool(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerifyMismatchError, InvalidHashError):
            return False


async def create_user(
    session: AsyncSession,
    *,
    login: str,
    name: str,
    role: str = Role.OPERATOR,
    password_hash: str | None = None,
    timezone: str = "UTC",
    line_id: int | None = None,
) -> User:
    """Add a user. Raises `Invalid` for a bad login, role or time zone, `Conflict` for a login in use."""
    user = User(
        login=_checked_login(login),
        name=name.strip() or login,
        role=_checked_role(role),
        password_hash=password_hash,
        timezone=_checked_timezone(timezone),
        line_id=await _checked_line(session, line_id),
    )
    if await find_by_login(session, login) is not None:
        raise Conflict(f"There is already an account {login!r}.")
    session.add(user)
    await session.flush()
    await announce(session, "user", {"id": user.id})
    return user


async def update_user(
    session: AsyncSession,
    user_id: int,
    *,
    name: str | None = None,
    role: str | None = None,
    active: bool | None = None,
    password_hash: str | None = None,
    timezone: str | None = None,
    line_id: int | None = UNCHANGED,
) -> User:
    """Change what is given; `line_id` None: no line of their own. Raises `NotFound`, `Invalid`."""
    user = await get_user(session, user_id)
    user.name = user.name if name is None else (name.strip() or user.name)
    user.role = user.role if role is None else _checked_role(role)
    user.active = user.active if active is None else active
    user.password_hash = user.password_hash if password_hash is None else password_hash
    user.timezone = user.timezone if timezone is None else _checked_timezone(timezone)
    if line_id != UNCHANGED:
        user.line_id = await _checked_line(session, line_id)
    await announce(session, "user", {"id": user.id})
    return user


async def get_user(session: AsyncSession, user_id: int) -> User:
    """The user. Raises `NotFound`."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.")
    return user


async def anybody(session: AsyncSession) -> bool:
    """Whether there is any account."""
    return bool(await session.scalar(select(select(User.id).exists())))


async def find_by_login(session: AsyncSession, login: str) -> User | None:
    """The user who signs in as `login`, in any case of letters."""
    found: User | None = await session.scalar(select(User).where(func.lower(User.login) == login.lower()))
    return found


async def list_users(session: AsyncSession) -> Sequence[User]:
    """Everybody, by name."""
    return (await session.scalars(select(User).order_by(User.name, User.id))).all()


async def map_extension(session: AsyncSession, *, pbx: str, extension: str, user_id: int) -> Extension:
    """Give a telephone to a user; it leaves whoever had it. Raises `Invalid`, `NotFound`."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", extension):
        raise Invalid(f"{extension[:40]!r} can not be an extension.", "extension")
    await get_user(session, user_id)
    statement = insert(Extension).values(pbx=pbx, extension=extension, user_id=user_id)
    mapped: Extension = (
        await session.scalars(
            statement.on_conflict_do_update(
                index_elements=["pbx", "extension"], set_={"user_id": statement.excluded.user_id}
            ).returning(Extension),
            execution_options={"populate_existing": True},
        )
    ).one()
    await announce(session, "user", {"id": user_id})
    return mapped


async def unmap_extension(session: AsyncSession, extension_id: int) -> None:
    """Take a telephone away. Raises `NotFound`."""
    mapped = await session.get(Extension, extension_id)
    if mapped is None:
        raise NotFound(f"There is no extension {extension_id}.")
    await session.delete(mapped)
    await announce(session, "user", {"id": mapped.user_id})


async def extension_owners(session: AsyncSession) -> dict[tuple[str, str], int]:
    """(pbx, extension) -> id of the active user who has it."""
    rows = await session.execute(
        select(Extension.pbx, Extension.extension, Extension.user_id)
        .join(User, User.id == Extension.user_id)
        .where(User.active)
    )
    return {(pbx, extension): user_id for pbx, extension, user_id in rows}


def _checked_login(login: str) -> str:
    if not re.fullmatch(r"[\w.@+-]{1,60}", login):
        raise Invalid("A login is letters, digits and . @ + - _ only.", "login")
    return login


def _checked_role(role: str) -> str:
    try:
        return Role(role)
    except ValueError:
        raise Invalid(f"{role[:40]!r} is no role.", "role") from None


async def _checked_line(session: AsyncSession, line_id: int | None) -> int | None:
    """Plain SQL: the file of lines imports this one."""
    if line_id is not None and not await session.scalar(
        text("SELECT true FROM lines WHERE id = :id"), {"id": line_id}
    ):
        raise Invalid(f"There is no line {line_id}.", "line_id")
    return line_id


def _checked_timezone(name: str) -> str:
    try:
        return str(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"{name[:40]!r} is no time zone.", "timezone") from None
