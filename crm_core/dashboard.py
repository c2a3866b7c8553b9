"""Dashboards: tiles that somebody puts together of what he looks at every day, for himself, his team or the house."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Version, one_of
from crm_core.errors import Conflict, Forbidden, Invalid, NotFound
from crm_core.report import Shared
from crm_core.user import User

MOST, MOST_TILES = 20, 24
"""Dashboards of one person; tiles of one of them."""
Tiles = list[dict[str, Any]]


class Dashboard(Base):
    """`tiles`: what is shown, in order, as the API takes it. What stands in a tile is what its reader may see."""

    __tablename__ = "dashboards"
    __table_args__ = (UniqueConstraint("user_id", "name"), one_of("shared", Shared))

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    shared: Mapped[str]
    name: Mapped[str]
    tiles: Mapped[Tiles]
    version: Mapped[Version]


async def list_dashboards(session: AsyncSession, user_id: int) -> Sequence[Dashboard]:
    """Those that this person sees: his own first, then those of his team and of the house; by name."""
    team = select(User.team_id).where(User.id == user_id).scalar_subquery()
    mates = select(User.id).where(User.team_id == team)
    own = Dashboard.user_id == user_id
    theirs = and_(Dashboard.shared == Shared.TEAM, Dashboard.user_id.in_(mates))
    query = select(Dashboard).where(or_(own, Dashboard.shared == Shared.ALL, theirs))
    return (await session.scalars(query.order_by(own.desc(), Dashboard.name, Dashboard.id))).all()


async def get_dashboard(session: AsyncSession, dashboard_id: int, *, user_id: int) -> Dashboard:
    """One that this person sees. Raises `NotFound`."""
    seen = await list_dashboards(session, user_id)
    found = next((it for it in seen if it.id == dashboard_id), None)
    if found is None:
        raise NotFound("There is no such dashboard.")
    return found


async def make_dashboard(
    session: AsyncSession, *, user_id: int, name: str, shared: Shared, tiles: Tiles
) -> Dashboard:
    """A new one. Raises `Invalid` without a name, `Conflict` for a name that is taken or too many."""
    own = (await session.scalars(select(Dashboard.name).where(Dashboard.user_id == user_id))).all()
    if len(own) >= MOST:
        raise Conflict(f"{MOST} dashboards are enough; remove one first.")
    made = Dashboard(user_id=user_id, version=0)
    return await _write(session, made, name=name, shared=shared, tiles=tiles)


async def change_dashboard(
    session: AsyncSession,
    dashboard_id: int,
    *,
    user_id: int,
    version: int,
    name: str,
    shared: Shared,
    tiles: Tiles,
) -> Dashboard:
    """What one's own shall be from now on. Raises `Forbidden` for a colleague's, `Conflict` when it was changed
    meanwhile."""
    found = await _own(session, dashboard_id, user_id)
    if found.version != version:
        raise Conflict("This dashboard was changed in another window meanwhile; here it is as it is now.")
    return await _write(session, found, name=name, shared=shared, tiles=tiles)


async def remove_dashboard(session: AsyncSession, dashboard_id: int, *, user_id: int) -> Dashboard:
    """Forget one's own. Raises `NotFound`, `Forbidden`."""
    found = await _own(session, dashboard_id, user_id)
    await session.delete(found)
    await session.flush()
    return found


async def _own(session: AsyncSession, dashboard_id: int, user_id: int) -> Dashboard:
    found = await get_dashboard(session, dashboard_id, user_id=user_id)
    await session.refresh(found, with_for_update=True)
    if found.user_id != user_id:
        raise Forbidden("This dashboard is a colleague's; only he can change it.")
    return found


async def _write(
    session: AsyncSession, it: Dashboard, *, name: str, shared: Shared, tiles: Tiles
) -> Dashboard:
    name = name.strip()
    if not name:
        raise Invalid("A dashboard needs a name.", "name")
    if len(tiles) > MOST_TILES:
        raise Conflict(f"{MOST_TILES} tiles are enough; take one away first.")
    same = select(func.count()).where(Dashboard.user_id == it.user_id, Dashboard.name == name)
    if it.id is not None:
        same = same.where(Dashboard.id != it.id)
    if await session.scalar(same):
        raise Conflict("You have a dashboard of this name.")
    it.name, it.shared, it.tiles, it.version = name, shared, tiles, it.version + 1
    session.add(it)
    await session.flush()
    return it
