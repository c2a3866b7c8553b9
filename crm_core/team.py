"""Teams, and roles of one's own: a built-in role with some of its rights reaching further or less far."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.task_rows import Task
from crm_core.user import Role, User

Kind = TypeVar("Kind", "Team", "OwnRole")
Scopes = Mapping[tuple[str, str], int]
"""How far each right (object, action) reaches: 0 not at all, 1 own, 2 the team's, 3 all."""


class Team(Base):
    """Colleagues who work together; a user is in one team or in none."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[Id]
    name: Mapped[str]


class OwnRole(Base):
    """A role that this house made: what differs from the built-in role it is based on is in `role_scopes`."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("name"), one_of("based_on", Role))

    id: Mapped[Id]
    name: Mapped[str]
    based_on: Mapped[str]


class RoleScope(Base):
    """How far one right of a role reaches, where that is not what the built-in role says."""

    __tablename__ = "role_scopes"
    __table_args__ = (CheckConstraint("scope BETWEEN 0 AND 3", name="scope_known"),)

    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True)
    object: Mapped[str] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[int]


async def list_teams(session: AsyncSession) -> list[tuple[Team, int]]:
    """Every team by name, and how many are in it."""
    people = select(func.count()).where(User.team_id == Team.id).correlate(Team).scalar_subquery()
    rows = await session.execute(select(Team, people).order_by(Team.name, Team.id))
    return [(team, count) for team, count in rows]


async def save_team(session: AsyncSession, team_id: int | None, name: str) -> Team:
    """Make a team (`team_id` None) or give one another name. Raises `NotFound`, `Invalid`, `Conflict`."""
    name = await _free_name(session, Team, team_id, name)
    team = Team(name=name) if team_id is None else await _one(session, Team, team_id)
    team.name = name
    session.add(team)
    await session.flush()
    return team


async def delete_team(session: AsyncSession, team_id: int) -> None:
    """Dissolve a team; its people are in none then. Raises `NotFound`, `Conflict` while tasks are its own."""
    team = await _one(session, Team, team_id)
    if await session.scalar(select(func.count()).where(Task.team_id == team_id)):
        raise Conflict(f"Tasks are given to {team.name}; give them to somebody else first.")
    await session.delete(team)


async def list_roles(session: AsyncSession) -> list[tuple[OwnRole, Scopes]]:
    """Every role of one's own by name, with what differs from the built-in one."""
    roles: Sequence[OwnRole] = (
        await session.scalars(select(OwnRole).order_by(OwnRole.name, OwnRole.id))
    ).all()
    scopes: dict[int, dict[tuple[str, str], int]] = {role.id: {} for role in roles}
    for row in await session.scalars(select(RoleScope)):
        scopes[row.role_id][row.object, row.action] = row.scope
    return [(role, scopes[role.id]) for role in roles]


async def save_role(
    session: AsyncSession, role_id: int | None, *, name: str, based_on: str, scopes: Scopes
) -> OwnRole:
    """Make a role (`role_id` None) or change one as a whole; whoever has it, has the new built-in role too.

    Raises `NotFound`, `Invalid`, `Conflict` for a name in use.
    """
    if based_on not in list(Role):
        raise Invalid(f"{based_on[:40]!r} is no role.", "based_on")
    name = await _free_name(session, OwnRole, role_id, name)
    role = OwnRole() if role_id is None else await _one(session, OwnRole, role_id)
    role.name, role.based_on = name, based_on
    session.add(role)
    await session.flush()
    await session.execute(delete(RoleScope).where(RoleScope.role_id == role.id))
    session.add_all(
        RoleScope(role_id=role.id, object=object_, action=action, scope=scope)
        for (object_, action), scope in scopes.items()
    )
    for user in await session.scalars(select(User).where(User.role_id == role.id)):
        user.role = based_on
    await session.flush()
    return role


async def delete_role(session: AsyncSession, role_id: int) -> None:
    """Forget a role. Raises `NotFound`, `Conflict` while somebody has it."""
    role = await _one(session, OwnRole, role_id)
    if await session.scalar(select(func.count()).where(User.role_id == role_id)):
        raise Conflict(f"Somebody still has the role {role.name}; give them another one first.")
    await session.delete(role)


async def place(session: AsyncSession, user: User, *, team_id: int | None) -> None:
    """Put somebody into a team, or into none. Raises `Invalid` for an unknown one."""
    if team_id is not None and await session.get(Team, team_id) is None:
        raise Invalid(f"There is no team {team_id}.", "team_id")
    user.team_id = team_id


async def give_role(session: AsyncSession, user: User, role_id: int | None) -> None:
    """Give somebody a role of one's own, and with it the built-in one; None: the built-in one alone.

    Raises `Invalid` for an unknown one.
    """
    role = None if role_id is None else await session.get(OwnRole, role_id)
    if role is None and role_id is not None:
        raise Invalid(f"There is no role {role_id}.", "role_id")
    user.role_id = role_id
    user.role = user.role if role is None else role.based_on


async def _one(session: AsyncSession, kind: type[Kind], id_: int) -> Kind:
    found = await session.get(kind, id_)
    if found is None:
        raise NotFound(f"There is no {'team' if kind is Team else 'role'} {id_}.")
    return found


async def _free_name(
    session: AsyncSession, kind: type[Team] | type[OwnRole], id_: int | None, name: str
) -> str:
    name = name.strip()
    if not name:
        raise Invalid("A name is needed.", "name")
    taken = await session.scalar(select(kind.id).where(func.lower(kind.name) == name.lower()))
    if taken not in (None, id_):
        raise Conflict(f"{name} exists already.")
    return name
