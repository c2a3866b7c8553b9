"""The people who work here and their telephones: for administrators."""

from datetime import datetime
from typing import Annotated
from zoneinfo import available_timezones

from aiohttp import web
from pydantic import StringConstraints
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.audit import AuditEntry
from crm_core.errors import Conflict, NotFound
from crm_core.sign_in import SignInSession
from crm_core.user import Extension, Role, User
from web.api import Operations
from web.fields import Answer, Given, Id, Name
from web.middleware import visitor_address
from web.passwords import hash_password
from web.rights import EDIT_EXTENSIONS, EDIT_USERS, VIEW_USERS
from web.services import services
from web.sessions import person

operations = Operations("users")
Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")]
Password = Annotated[str, StringConstraints(min_length=8, max_length=1000)]
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+_/-]{1,60}$")]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")]
PbxName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]


class NewUser(Given):
    """Somebody who shall be able to sign in."""

    login: Login
    name: Name
    role: Role
    password: Password
    timezone: Zone = "UTC"


class UserChange(Given):
    """What shall be different; what is absent stays. A user who is made inactive is signed out everywhere."""

    name: Name | None = None
    role: Role | None = None
    password: Password | None = None
    timezone: Zone | None = None
    active: bool | None = None


class UserAnswer(Answer):
    """A user; the password never leaves."""

    id: int
    login: str
    name: str
    role: Role
    active: bool
    timezone: str
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
        found = await session.scalars(select(User).order_by(User.name, User.id))
        return [UserAnswer.model_validate(user) for user in found]


@operations.post("/users", right=EDIT_USERS, errors=(409,))
async def post_user(request: web.Request, body: NewUser) -> UserAnswer:
    """Add a user. 409 when the login is taken or the time zone unknown."""
    check_zone(body.timezone)
    kept = await hash_password(body.password)
    async with services(request).db.begin() as session:
        taken = select(User.id).where(func.lower(User.login) == body.login.lower())
        if await session.scalar(taken) is not None:
            raise Conflict(f"The login {body.login} is taken.")
        user = User(
            login=body.login, name=body.name, role=body.role, password_hash=kept, timezone=body.timezone
        )
        session.add(user)
        await session.flush()
        await session.refresh(user)
        _note(session, request, "add_user", "user", user.id)
        return UserAnswer.model_validate(user)


@operations.patch("/users/{user_id}", right=EDIT_USERS, errors=(409,))
async def patch_user(request: web.Request, user_id: Id, body: UserChange) -> UserAnswer:
    """Change a user. 409 when no active administrator would be left, or the time zone is unknown."""
    changes = body.model_dump(exclude_none=True)
    check_zone(body.timezone)
    if body.password is not None:
        changes["password_hash"] = await hash_password(changes.pop("password"))
    async with services(request).db.begin() as session:
        user = await session.get(User, user_id, with_for_update=True)
        if user is None:
            raise NotFound("There is no such user.")
        for name, value in changes.items():
            setattr(user, name, value)
        await session.flush()
        await _keep_an_admin(session)
        if body.password is not None or body.active is False:
            await session.execute(delete(SignInSession).where(SignInSession.user_id == user_id))
        _note(session, request, "change_user", "user", user_id, fields=sorted(changes))
        return UserAnswer.model_validate(user)


async def _keep_an_admin(session: AsyncSession) -> None:
    """Nobody may lock the door from outside."""
    admins = select(func.count()).select_from(User).where(User.active, User.role == Role.ADMIN)
    if not await session.scalar(admins):
        raise Conflict("At least one active administrator must remain.")


@operations.get("/extensions", right=VIEW_USERS)
async def list_extensions(request: web.Request) -> list[ExtensionAnswer]:
    """Every telephone and whose it is."""
    async with services(request).db.begin() as session:
        found = await session.scalars(select(Extension).order_by(Extension.pbx, Extension.extension))
        return [ExtensionAnswer.model_validate(extension) for extension in found]


@operations.post("/extensions", right=EDIT_EXTENSIONS, errors=(404, 409))
async def post_extension(request: web.Request, body: NewExtension) -> ExtensionAnswer:
    """Give a telephone to a user. 404 for an unknown user, 409 when it is somebody's already."""
    try:
        async with services(request).db.begin() as session:
            if await session.get(User, body.user_id) is None:
                raise NotFound("There is no such user.")
            extension = Extension(**body.model_dump())
            session.add(extension)
            await session.flush()
            _note(session, request, "add_extension", "extension", extension.id)
            return ExtensionAnswer.model_validate(extension)
    except IntegrityError:  # two at once; the database decides
        raise Conflict(f"Extension {body.extension} of {body.pbx} is somebody's already.") from None


@operations.delete("/extensions/{extension_id}", right=EDIT_EXTENSIONS)
async def delete_extension(request: web.Request, extension_id: Id) -> None:
    """Take a telephone from its user."""
    async with services(request).db.begin() as session:
        extension = await session.get(Extension, extension_id)
        if extension is None:
            raise NotFound("There is no such extension.")
        await session.delete(extension)
        _note(session, request, "remove_extension", "extension", extension_id)


def check_zone(timezone: str | None) -> None:
    """Raises `Conflict` for a well-formed name that is no time zone."""
    if timezone is not None and timezone not in available_timezones():
        raise Conflict(f"{timezone} is not a known time zone.")


def _note(
    session: AsyncSession, request: web.Request, action: str, kind: str, object_id: int, **detail: object
) -> None:
    session.add(
        AuditEntry(
            user_id=person(request).user_id,
            action=action,
            object_kind=kind,
            object_id=str(object_id),
            detail=detail,
            address=visitor_address(request),
        )
    )
