"""Saved views: the filters of a list under a name, for oneself or for one's team."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import ForeignKey, UniqueConstraint, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id
from crm_core.errors import Conflict, Forbidden, Invalid, NotFound
from crm_core.user import User

MOST = 50
"""Views that one person can have on one page."""
# Of an address: a place in the list, what was just done, what stands open beside the list.
_PASSING = frozenset(("after", "done", "open", "thrown"))


class SavedView(Base):
    """`query`: what stands behind the ? of `page`; `team_id`: the team that sees it too."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("user_id", "page", "name"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"), index=True)
    page: Mapped[str]
    name: Mapped[str]
    query: Mapped[str]

    @property
    def address(self) -> str:
        """Where the view is to be seen."""
        return f"{self.page}?{self.query}"


def filters(query: str) -> str:
    """The filters in the query of an address, in one order; empty ones and the place in the list are none."""
    pairs = [(name, value) for name, value in parse_qsl(query) if value.strip() and name not in _PASSING]
    return urlencode(sorted(pairs))


async def list_views(session: AsyncSession, user_id: int, page: str) -> Sequence[SavedView]:
    """The views of a page that this person sees: his own and those his team shares, by name."""
    return [it for it in await list_all_views(session, user_id) if it.page == page]


async def list_all_views(session: AsyncSession, user_id: int) -> Sequence[SavedView]:
    """Those of every page."""
    team = select(User.team_id).where(User.id == user_id).scalar_subquery()
    seen = or_(SavedView.user_id == user_id, SavedView.team_id == team)
    return (await session.scalars(select(SavedView).where(seen).order_by(SavedView.name, SavedView.id))).all()


async def save_view(
    session: AsyncSession, *, user_id: int, page: str, name: str, query: str, shared: bool = False
) -> SavedView:
    """Keep the filters under a name; the same name again keeps the new ones. `shared`: with one's team.

    Raises `Invalid` without filters or, when it shall be shared, without a team; `Conflict` for too many.
    """
    name, query = name.strip(), filters(query)
    if not query:
        raise Invalid("Set a filter first: a view without one is the whole list.", "query")
    team_id = await session.scalar(select(User.team_id).where(User.id == user_id)) if shared else None
    if shared and team_id is None:
        raise Invalid("You are in no team to share it with.", "shared")
    own = (SavedView.user_id == user_id, SavedView.page == page)
    view = await session.scalar(select(SavedView).where(*own, SavedView.name == name))
    if view is None:
        if (await session.scalar(select(func.count()).select_from(SavedView).where(*own)) or 0) >= MOST:
            raise Conflict(f"{MOST} views of one page are enough; forget one first.")
        view = SavedView(user_id=user_id, page=page, name=name)
    view.query, view.team_id = query, team_id
    session.add(view)
    await session.flush()
    return view


async def forget_view(session: AsyncSession, view_id: int, *, user_id: int) -> SavedView:
    """Forget a view of one's own. Raises `NotFound`, and `Forbidden` for a colleague's."""
    view = await session.get(SavedView, view_id)
    if view is None:
        raise NotFound("There is no such view.")
    if view.user_id != user_id:
        raise Forbidden("This view is a colleague's; only he can forget it.")
    await session.delete(view)
    return view
