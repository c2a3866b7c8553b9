"""How each one wants the cards of his calls: when they open, how many stand at once, what sounds and shows besides."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, one_of
from crm_core.outbox import announce

TOPIC = "pop_setting"
LOUDEST, MOST_CARDS, LONGEST_MIN = 100, 9, 240


class Mode(StrEnum):
    """When the card of a call that comes in opens by itself."""

    RING = "ring"
    ANSWER = "answer"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class PopSettings:
    """What somebody wants. `volume` in per cent; `desktop`: a notification of the system; `most_cards`: beside each
    other; `hide_min`: minutes after its end in which an untouched card goes (None: it waits); `badge`: who rings, and
    how many calls are not finished, in the title of the tab."""

    mode: Mode = Mode.RING
    sound: bool = True
    volume: int = 60
    desktop: bool = False
    most_cards: int = 4
    hide_min: int | None = None
    badge: bool = True

    def told(self) -> dict[str, Any]:
        """As the pages get it."""
        return asdict(self)


class PopSetting(Base):
    """What one user wants; who has no row has said nothing."""

    __tablename__ = "pop_settings"
    __table_args__ = (
        one_of("mode", Mode),
        CheckConstraint(f"volume BETWEEN 1 AND {LOUDEST}", name="volume_sane"),
        CheckConstraint(f"most_cards BETWEEN 1 AND {MOST_CARDS}", name="most_cards_sane"),
        CheckConstraint(f"hide_min BETWEEN 1 AND {LONGEST_MIN}", name="hide_min_sane"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    mode: Mapped[str]
    sound: Mapped[Flag]
    volume: Mapped[int]
    desktop: Mapped[Flag]
    most_cards: Mapped[int]
    hide_min: Mapped[int | None]
    badge: Mapped[Flag]


_COLUMNS = [getattr(PopSetting, field.name) for field in fields(PopSettings)]


async def load_pop_settings(session: AsyncSession) -> Mapping[int, PopSettings]:
    """What everybody said, by user."""
    rows = await session.execute(select(PopSetting.user_id, *_COLUMNS))
    return {user_id: _settings(said) for user_id, *said in rows}


async def pop_settings_of(session: AsyncSession, user_id: int) -> PopSettings:
    """What this user wants; what is usual when he said nothing."""
    found = (await session.execute(select(*_COLUMNS).where(PopSetting.user_id == user_id))).first()
    return PopSettings() if found is None else _settings(found)


async def save_pop_settings(session: AsyncSession, user_id: int, wanted: PopSettings) -> None:
    """Keep what this user wants; his open pages are told."""
    row = insert(PopSetting).values(user_id=user_id, **wanted.told())
    await session.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=wanted.told()))
    await announce(session, TOPIC, {"user_id": user_id})


def _settings(said: Any) -> PopSettings:
    mode, *rest = said
    names = [field.name for field in fields(PopSettings)][1:]
    return PopSettings(mode=Mode(mode), **dict(zip(names, rest, strict=True)))
