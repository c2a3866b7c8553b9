"""The recordings and the text of calls, as pages and the API show them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.recording import Phrase, Recording, RecordingSide, RecordingState, Transcript
from crm_core.talk import Talk, talk

# What is played first: the whole conversation, then either side of it.
ORDER = (
    RecordingSide.STEREO,
    RecordingSide.MIX,
    RecordingSide.MONO,
    RecordingSide.CALLER,
    RecordingSide.AGENT,
)


@dataclass(frozen=True, kw_only=True)
class Track:
    """One sound file; `seconds` is None until it was taken, `error` says why it can not be played."""

    id: int
    pbx: str
    path: str | None
    side: str
    state: str
    seconds: float | None
    error: str | None

    @property
    def playable(self) -> bool:
        return self.state == RecordingState.READY


@dataclass(frozen=True, kw_only=True)
class Said:
    """One phrase with its place in the recording, in seconds from its start."""

    side: str
    start_s: float
    end_s: float
    text: str
    confidence: float | None


@dataclass(frozen=True, kw_only=True)
class Text:
    """The text of a call as far as the machine is with it; `state` "none": it was never asked."""

    state: str = "none"
    engine: str | None = None
    model: str | None = None
    language: str | None = None
    error: str | None = None
    finished_at: datetime | None = None
    phrases: list[Said] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Sound:
    """All that can be heard and read of one call, the best recording first."""

    tracks: list[Track] = field(default_factory=list)
    text: Text = field(default_factory=Text)

    @property
    def best(self) -> Track | None:
        """The recording to play when nobody chooses."""
        return next((track for track in self.tracks if track.playable), None)

    @property
    def talk(self) -> Talk | None:
        """How the two talked; None while that can not be told."""
        length_s = max((track.seconds or 0.0 for track in self.tracks if track.playable), default=0.0)
        return talk(((it.side, it.start_s, it.end_s) for it in self.text.phrases), length_s)


async def load_sounds(session: AsyncSession, call_ids: Sequence[UUID]) -> dict[UUID, Sound]:
    """The sound of each call; one without any has an empty `Sound`. Three queries, however many calls."""
    if not call_ids:
        return {}
    tracks, texts = await _tracks(session, call_ids), await _texts(session, call_ids)
    return {id_: Sound(tracks=tracks.get(id_, []), text=texts.get(id_, Text())) for id_ in call_ids}


async def load_sound(session: AsyncSession, call_id: UUID) -> Sound:
    """The sound of one call."""
    return (await load_sounds(session, [call_id]))[call_id]


async def _tracks(session: AsyncSession, call_ids: Sequence[UUID]) -> dict[UUID, list[Track]]:
    place = case({side: place for place, side in enumerate(ORDER)}, value=Recording.side, else_=len(ORDER))
    names = tuple(Track.__annotations__)
    query = (
        select(Recording.call_id, *(getattr(Recording, name) for name in names))
        .where(Recording.call_id.in_(call_ids))
        .order_by(place, Recording.id)
    )
    found: dict[UUID, list[Track]] = {}
    for row in await session.execute(query):
        found.setdefault(row.call_id, []).append(Track(**{name: getattr(row, name) for name in names}))
    return found


async def _texts(session: AsyncSession, call_ids: Sequence[UUID]) -> dict[UUID, Text]:
    names = ("state", "engine", "model", "language", "error", "finished_at")
    query = select(Transcript.id, Transcript.call_id, *(getattr(Transcript, name) for name in names))
    rows = (await session.execute(query.where(Transcript.call_id.in_(call_ids)))).all()
    phrases = await _phrases(session, [row.id for row in rows])
    return {
        row.call_id: Text(**{name: getattr(row, name) for name in names}, phrases=phrases.get(row.id, []))
        for row in rows
    }


async def _phrases(session: AsyncSession, transcript_ids: Sequence[int]) -> dict[int, list[Said]]:
    names = tuple(Said.__annotations__)
    query = (
        select(Phrase.transcript_id, *(getattr(Phrase, name) for name in names))
        .where(Phrase.transcript_id.in_(transcript_ids))
        .order_by(Phrase.transcript_id, Phrase.start_s, Phrase.id)
    )
    found: dict[int, list[Said]] = {}
    for row in await session.execute(query):
        found.setdefault(row.transcript_id, []).append(Said(**{name: getattr(row, name) for name in names}))
    return found
