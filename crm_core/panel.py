"""Panels of other systems beside the card of a call: an address with holes that the page of the desk fills.

What stands in the holes comes from callers, so they may stand only behind the host: the administrator alone says whose
page is opened. Filling is the page's (web/static/panel-address.js), which knows what is on the card at that moment.
"""

import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import UniqueConstraint, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from crm_core.db import Base, Flag, Id, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound, Stale
from crm_core.line import Line
from crm_core.outbox import announce

TOPIC = "panel"
HOLES = ("phone", "name", "did", "call_id", "queue", "customer_id", "order_id")
MOST, LONGEST = 12, 1000
_HOLE = re.compile(r"\{([^{}]*)\}|[{}]")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")


class Where(StrEnum):
    """Beside the card, or in a window of its own that a button opens."""

    BESIDE = "beside"
    WINDOW = "window"


class Panel(Base):
    """One panel. `line_ids`: for calls to these lines (none: every call); `automatic`: loaded with the card, not at a
    press; `own_origin`: its page keeps its own cookies and storage (allow-same-origin)."""

    __tablename__ = "panels"
    __table_args__ = (one_of("place", Where), UniqueConstraint("name"))

    id: Mapped[Id]
    name: Mapped[str]
    address: Mapped[str]
    line_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}", default=list)
    place: Mapped[str]
    automatic: Mapped[Flag]
    own_origin: Mapped[Flag]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    position: Mapped[int] = mapped_column(server_default="0", default=0)
    version: Mapped[Version]


def origin(address: str, *, ours: Collection[str] = ()) -> str:
    """The origin ("https://shop.example:8443") of an address with holes; `ours`: names of hosts that are us.

    Raises `Invalid` for what is no address of a page of somebody else, or has a hole that nothing fills.
    """
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise Invalid("This is no address of a page.", "address") from error
    if parts.scheme not in ("http", "https"):
        raise Invalid("The address must begin with https:// or http://.", "address")
    if re.search(r"[\s\\\x00-\x1f]", address) or len(address) > LONGEST:
        raise Invalid(f"An address has no spaces and at most {LONGEST} characters.", "address")
    if "@" in parts.netloc or not _HOST.fullmatch(host) or set("{}") & set(parts.netloc):
        raise Invalid(
            "Behind https:// comes the name of the host, without holes and without a login.", "address"
        )
    for hole in _HOLE.finditer(address):
        if hole[1] not in HOLES:
            known = ", ".join(f"{{{name}}}" for name in HOLES)
            raise Invalid(f"{hole[0]!r} is filled by nothing. There are {known}.", "address")
    if host in {each.lower() for each in ours}:
        words = "This is our own host: its pages would be given the sign-in of whoever looks. Use another name for it."
        raise Invalid(words, "address")
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + (f":{port}" if port else "")


async def list_panels(session: AsyncSession, *, active: bool | None = None) -> Sequence[Panel]:
    """The panels in the order in which they are shown."""
    query = select(Panel).order_by(Panel.position, Panel.id)
    return (await session.scalars(query if active is None else query.where(Panel.active.is_(active)))).all()


async def frame_origins(session: AsyncSession, *, active: bool | None = True) -> list[str]:
    """Whose pages may stand in a frame beside the card."""
    beside = (it for it in await list_panels(session, active=active) if it.place == Where.BESIDE)
    return sorted({origin(it.address) for it in beside})


async def create_panel(
    session: AsyncSession, *, name: str, address: str, ours: Collection[str] = (), **more: object
) -> Panel:
    """Add a panel at the end. Raises `Invalid`, `Conflict` for a name in use."""
    known = await list_panels(session)
    if len(known) >= MOST:
        raise Conflict(f"There are {MOST} panels already. Take one away first.")
    panel = Panel(name="", address="", position=max((it.position for it in known), default=0) + 1)
    session.add(await _written(session, panel, known, {"name": name, "address": address, **more}, ours))
    return await _told(session, panel)


async def update_panel(
    session: AsyncSession, panel_id: int, *, version: int, ours: Collection[str] = (), **changes: object
) -> Panel:
    """Change what is given. Raises `NotFound`, `Invalid`, `Conflict`, `Stale` when it was changed since `version`."""
    found = await session.get(Panel, panel_id, with_for_update=True)
    if found is None:
        raise NotFound(f"There is no panel {panel_id}.")
    if found.version != version:
        raise Stale("Somebody changed this panel meanwhile; look again.", found.version)
    with session.no_autoflush:
        await _written(session, found, await list_panels(session), changes, ours)
    found.version += 1
    return await _told(session, found)


async def remove_panel(session: AsyncSession, panel_id: int) -> Panel:
    """Take a panel away. Raises `NotFound`."""
    found = await session.get(Panel, panel_id)
    if found is None:
        raise NotFound(f"There is no panel {panel_id}.")
    await session.delete(found)
    return await _told(session, found)


async def _written(
    session: AsyncSession,
    panel: Panel,
    known: Sequence[Panel],
    changes: dict[str, object],
    ours: Collection[str],
) -> Panel:
    for name, value in changes.items():
        setattr(panel, name, value)
    panel.name = " ".join(panel.name.split())
    if not panel.name:
        raise Invalid("A panel needs a name.", "name")
    if any(it.name == panel.name and it is not panel for it in known):
        raise Conflict(f"There is already a panel {panel.name!r}.")
    panel.address = panel.address.strip()
    origin(panel.address, ours=ours)
    if panel.place == Where.WINDOW and panel.automatic:
        raise Invalid("A window opens at a press only.", "automatic")
    panel.line_ids = sorted(set(panel.line_ids or ()))
    there = select(func.count(Line.id)).where(Line.id.in_(panel.line_ids))
    if "line_ids" in changes and await session.scalar(there) != len(panel.line_ids):
        raise Invalid("There is no such line.", "line_ids")
    return panel


async def _told(session: AsyncSession, panel: Panel) -> Panel:
    await session.flush()
    await announce(session, TOPIC, {"id": panel.id})
    return panel
