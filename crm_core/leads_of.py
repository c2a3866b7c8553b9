"""Who of the house reaches somebody by a right: whom something about an operator is told."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.team import RoleScope
from crm_core.user import Role, User

TEAM, ALL = 2, 3  # of `RoleScope.scope`
SUPERVISORS = (Role.SUPERVISOR, Role.MANAGER, Role.ADMIN)


async def leads_of(
    session: AsyncSession,
    user_id: int,
    object_: str,
    action: str,
    *,
    roles: Collection[Role] = SUPERVISORS,
) -> list[int]:
    """Everybody else who works here and reaches this user by the right `object_`.`action`.

    `roles`: the built-in ones that hold it over everybody; a role of one's own may hold it otherwise.
    """
    team = await session.scalar(select(User.team_id).where(User.id == user_id))
    differs = (
        (RoleScope.role_id == User.role_id) & (RoleScope.object == object_) & (RoleScope.action == action)
    )
    people = await session.execute(
        select(User.id, User.role, User.team_id, RoleScope.scope)
        .outerjoin(RoleScope, differs)
        .where(User.active, User.id != user_id)
        .order_by(User.id)
    )

    def reaches(role: str, theirs: int | None, scope: int | None) -> bool:
        if scope is None:
            return role in roles
        return scope == ALL or (scope == TEAM and theirs is not None and theirs == team)

    return [row.id for row in people if reaches(row.role, row.team_id, row.scope)]
