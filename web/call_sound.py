"""The sound and the text of a call in the API, for those who may hear it."""

import asyncio
from datetime import datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Forbidden
from crm_core.read.one_call import hearable, require_call
from crm_core.read.sound import Sound, Track, load_sound
from crm_core.recording import Recording
from recordings.audio import Unreadable, picture
from recordings.cache import Cache
from web.api import Operations
from web.audio import audio_url, sound_file
from web.calls import all_calls
from web.fields import Answer
from web.rights import HEAR_RECORDINGS, VIEW_CALLS, Person, Scope
from web.services import Services, services
from web.sessions import person

operations = Operations("recordings")
POINTS = 400
"""Bars in the picture of a recording."""


class RecordingAnswer(Answer):
    """One sound file; `url` plays it for a quarter of an hour and is null while there is nothing to hear."""

    id: int
    side: str
    state: str
    seconds: float | None
    error: str | None
    url: str | None
    peaks: Annotated[list[float] | None, Field(description="loudness from 0 to 1 along the recording")]


class PhraseAnswer(Answer):
    """Something said, and where in the recording (seconds from its start)."""

    side: str
    start_s: float
    end_s: float
    text: str
    confidence: float | None


class TranscriptAnswer(Answer):
    """The text of a call. `state`: none, queued, running, ready, failed, no_model or empty."""

    state: Annotated[str, Field(description="none: this call was not recorded or not asked for")]
    engine: str | None
    model: str | None
    language: str | None
    error: str | None
    finished_at: datetime | None
    phrases: list[PhraseAnswer]


def addresses(parts: Services, sound: Sound) -> dict[int, str]:
    """Signed addresses of the recordings that can be played, by the recording's id."""
    return {track.id: audio_url(parts, track.id) for track in sound.tracks if track.playable}


async def heard(session: AsyncSession, who: Person, call_id: UUID) -> Sound:
    """The sound of a call, when this person may hear it. Raises `NotFound` and `Forbidden`."""
    kept = await require_call(session, call_id, user_id=who.circle(VIEW_CALLS), everybody=all_calls(who))
    if who.scope(HEAR_RECORDINGS) is not Scope.ALL and not await hearable(
        session, kept, who.circle(HEAR_RECORDINGS)
    ):
        raise Forbidden("You may hear the recordings of your own calls only.")
    return await load_sound(session, kept)


@operations.get("/calls/{call_id}/recordings", right=HEAR_RECORDINGS)
async def get_recordings(request: web.Request, call_id: UUID) -> list[RecordingAnswer]:
    """The recordings of a call, the whole conversation first. 403 for a call one did not talk in."""
    parts = services(request)
    async with parts.db.begin() as session:
        sound = await heard(session, person(request), call_id)
    urls = addresses(parts, sound)
    return [
        RecordingAnswer(
            id=track.id,
            side=track.side,
            state=track.state,
            seconds=track.seconds,
            error=track.error,
            url=urls.get(track.id),
            peaks=await asyncio.to_thread(loudness, parts, track) if track.playable else None,
        )
        for track in sound.tracks
    ]


def loudness(parts: Services, track: Track) -> list[float] | None:
    """The picture of a recording, from the file; None when there is none to look at (playing it says why)."""
    recording = Recording(pbx=track.pbx, path=track.path, state=track.state)
    try:
        pairs = picture(sound_file(parts, recording), Cache(parts.settings.data_dir / "sound"), POINTS)
    except (Conflict, Unreadable, OSError):
        return None
    return [max(abs(low), abs(high)) for low, high in pairs]


@operations.get("/calls/{call_id}/transcript", right=HEAR_RECORDINGS)
async def get_transcript(request: web.Request, call_id: UUID) -> TranscriptAnswer:
    """Who said what, with times. 403 for a call one did not talk in."""
    async with services(request).db.begin() as session:
        sound = await heard(session, person(request), call_id)
    return TranscriptAnswer.model_validate(sound.text)
