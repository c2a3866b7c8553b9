"""The people who work here and their telephones: for administrators."""

from datetime import datetime
from typing import Annotated
from zoneinfo import available_timezones

from aiohttp import web
from pydantic import AfterValidator, Field, StringConstraints
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import team, user
from crm_core.errors import Conflict
from crm_core.sign_in import SignInSession
from crm_core.user import SHORTEST_PASSWORD, Extension, Role, User
from web.api import Operations
from web.errors import FieldError, Refusal
from web.fields import LOGIN, Answer, Given, Id, Name
from web.listing import possible
from web.noted import note
from web.rights import EDIT_EXTENSIONS, EDIT_USERS, VIEW_USERS
from web.services import services

operations = Operations("users")
ZONES = tuple(sorted(available_timezones()))  # once: it reads the whole folder of zones
ADMINS_LOCK = 0x63616C6C01  # any number of our own


def check_zone(name: str) -> str:
    """`name` when it is a time zone. Raises `Refusal` 409: it has the promised form and yet is none.

    Not an enumeration in the description: six hundred names there would say less than a pattern.
    """
    if name not in ZONES:
        error = FieldError(field="timezone", message="Write a time zone by its name, such as Europe/Warsaw.")
        raise Refusal(409, f"{name} is not a known time zone.", errors=[error])
    return name


Login = Annotated[str, StringConstraints(pattern=LOGIN)]
Password = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=1000)]
Zone = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,59}$"), AfterValidator(check_zone)
]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")]
OwnLine = Annotated[
    Id | None,
    Field(
        description="the line shown to customers whom they call, unless the order says another; null: none"
    ),
]
OwnRole = Annotated[
    Id | None, Field(description="a role of one's own; `role` becomes the one it is based on. null: none")
]
PbxName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]


class NewUser(Given):
    """Somebody who shall be able to sign in."""

    login: Login
    name: Name
    role: Role
    password: Password
    timezone: Zone = "UTC"
    line_id: OwnLine = None
    team_id: Id | None = None
    role_id: OwnRole = None


class UserChange(Given):
    """What shall be different; what is absent stays. A user who is made inactive is signed out everywhere."""

    name: Name | None = None
    role: Role | None = None
    password: Password | None = None
    timezone: Zone | None = None
    active: bool | None = None
    line_id: OwnLine = None
    team_id: Id | None = None
    role_id: OwnRole = None


class UserAnswer(Answer):
    """A user; the password never leaves."""

    id: int
    login: str
    name: str
    role: Role
    active: bool
    timezone: str
    line_id: int | None
    team_id: int | None
    role_id: int | None
    created_at: datetime


class NewExtension(Given):
    """A telephone and whose it is."""

    pbx: PbxName
    extension: Number
    user_id: Id


class ExtensionAnswer(Answer):
    """A telephone and whose it is."""

    id: int
    pbx: str
    extension: str
    user_id: int


@operations.get("/users", right=VIEW_USERS)
async def list_users(request: web.Request) -> list[UserAnswer]:
    """Everybody, by name."""
    async with services(request).db.begin() as session:
        return [UserAnswer.model_validate(found) for found in await user.list_users(session)]


@operations.post("/users", right=EDIT_USERS, errors=(409,))
async def post_user(request: web.Request, body: NewUser) -> UserAnswer:
    """Add a user. 409 when the login is taken, or line, team or role are unknown."""
    given = body.model_dump(exclude={"password", "team_id", "role_id"})
    kept = await services(request).passwords.hash(body.password)
    async with services(request).db.begin() as session:
        with possible():
            made = await user.create_user(session, **given, password_hash=kept)
            await _place(session, made, body)
        await session.flush()
        await session.refresh(made)
        await note(session, request, "user.add", made.id)
        return UserAnswer.model_validate(made)


@operations.patch("/users/{user_id}", right=EDIT_USERS, errors=(409,))
async def patch_user(request: web.Request, user_id: Id, body: UserChange) -> UserAnswer:
    """Change a user. 409 for an unknown line, team or role, and when no active administrator would be left."""
    changes = body.model_dump(exclude_none=True, exclude={"password", "line_id", "team_id", "role_id"})
    if "line_id" in body.model_fields_set:
        changes["line_id"] = body.line_id
    if body.password is not None:
        changes["password_hash"] = await services(request).passwords.hash(body.password)
    async with services(request).db.begin() as session:
        with possible():
            changed = await user.update_user(session, user_id, **changes)
            await _place(session, changed, body)
        await session.flush()
        await keep_an_admin(session)
        if body.password is not None or body.active is False:
            await session.execute(delete(SignInSession).where(SignInSession.user_id == user_id))
        changed_fields = {*changes, *({"team_id", "role_id"} & body.model_fields_set)}
        await note(session, request, "user.change", user_id, fields=sorted(changed_fields))
        return UserAnswer.model_validate(changed)


async def _place(session: AsyncSession, who: User, body: NewUser | UserChange) -> None:
    """Team and role of one's own, where they were given; with a built-in role alone the own one is gone."""
    if "team_id" in body.model_fields_set:
        await team.place(session, who, team_id=body.team_id)
    if {"role", "role_id"} & body.model_fields_set:
        await team.give_role(session, who, body.role_id)


async def keep_an_admin(session: AsyncSession) -> None:
    """Nobody may lock the door from outside. Raises `Conflict`."""
    await session.execute(select(func.pg_advisory_xact_lock(ADMINS_LOCK)))  # two admins demoting each other
    admins = (
        select(func.count())
        .select_from(User)
        .where(User.active, User.role == Role.ADMIN, User.role_id.is_(None))
    )
    if not await session.scalar(admins):
        raise Conflict("At least one active administrator must remain.")


@operations.get("/extensions", right=VIEW_USERS)
async def list_extensions(request: web.Request) -> list[ExtensionAnswer]:
    """Every telephone and whose it is."""
    async with services(request).db.begin() as session:
        found = await session.scalars(select(Extension).order_by(Extension.pbx, Extension.extension))
        return [ExtensionAnswer.model_validate(extension) for extension in found]


@operations.post("/extensions", right=EDIT_EXTENSIONS, errors=(404,))
async def post_extension(request: web.Request, body: NewExtension) -> ExtensionAnswer:
    """Give a telephone to a user; it leaves whoever had it. 404 for an unknown user."""
    async with services(request).db.begin() as session:
        mapped = await user.map_extension(session, **body.model_dump())
        await note(session, request, "extension.map", mapped.id, user_id=body.user_id)
        return ExtensionAnswer.model_validate(mapped)


@operations.delete("/extensions/{extension_id}", right=EDIT_EXTENSIONS)
async def delete_extension(request: web.Request, extension_id: Id) -> None:
    """Take a telephone from its user."""
    async with services(request).db.begin() as session:
        await user.unmap_extension(session, extension_id)
        await note(session, request, "extension.unmap", extension_id)
