"""Playing a recording: a short-lived signed address, rights checked at every request, ranges for seeking.

A browser asks for many ranges of one recording; they are one listen, and one line in the audit log.
"""

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.audit import AuditEntry, record
from crm_core.call import Call
from crm_core.errors import Conflict, Forbidden, NotFound
from crm_core.recording import Recording, RecordingState
from recordings import access
from recordings.audio import Unreadable, for_browser
from recordings.cache import Cache
from recordings.store import OutsideRoot
from web.api import PREFIX, Operations
from web.fields import BIGGEST_ID, Given, Id
from web.middleware import visitor_address
from web.own import within
from web.rights import DOWNLOAD_RECORDINGS, HEAR_RECORDINGS, Person, require
from web.services import Services, services
from web.sessions import person
from web.switchboards import roots

LIFETIME_S = 15 * 60  # long enough to hear a call, too short to be passed on
operations = Operations("recordings")


class SignedAddress(Given):
    """The query of a signed address. `download`: as a file, which is a right of its own."""

    expires: Annotated[int, Field(ge=0, le=BIGGEST_ID)]
    signature: Annotated[str, StringConstraints(max_length=128)]
    download: bool = False


def audio_url(parts: Services, recording_id: int) -> str:
    """The address at which this recording can be heard for a quarter of an hour."""
    expires = int(parts.now().timestamp()) + LIFETIME_S
    signature = access.sign(recording_id, expires, _secret(parts))
    return f"{PREFIX}/recordings/{recording_id}/audio?expires={expires}&signature={signature}"


def _secret(parts: Services) -> str:
    return parts.settings.secret_key_bytes.decode()


@operations.get(
    "/recordings/{recording_id}/audio",
    right=HEAR_RECORDINGS,
    audited=False,
    errors=(409,),
    produces="audio/*",
)
async def get_audio(request: web.Request, recording_id: Id, query: SignedAddress) -> web.StreamResponse:
    """Hear a recording; answers ranges. 409 while there is no sound (yet)."""
    parts, who = services(request), person(request)
    now = int(parts.now().timestamp())
    if not access.verify(recording_id, query.expires, query.signature, _secret(parts), now=now):
        raise Forbidden("This address has expired or is not ours; open the call again.")
    if query.download:
        require(who, DOWNLOAD_RECORDINGS)
    async with parts.db.begin() as session:
        recording = await allowed(session, who, recording_id)
        await note_listen(session, request, who, recording, query)
    return await _file(parts, recording, download=query.download)


async def allowed(session: AsyncSession, who: Person, recording_id: int) -> Recording:
    """The recording, when this person may hear it. Raises `NotFound`, `Forbidden`."""
    query = select(Recording, within(who, HEAR_RECORDINGS).label("own"))
    found = (
        await session.execute(
            query.join(Call, Call.id == Recording.call_id).where(Recording.id == recording_id)
        )
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such recording.")
    if not found.own:
        raise Forbidden("You may hear the recordings of your own calls only.")
    recording: Recording = found[0]
    return recording


async def note_listen(
    session: AsyncSession, request: web.Request, who: Person, recording: Recording, query: SignedAddress
) -> None:
    """Write the listen down once: further ranges of the same address and session belong to it."""
    action = "download_recording" if query.download else "hear_recording"
    listen = hashlib.sha256(who.session_id + query.signature.encode(errors="replace")).hexdigest()[:24]
    known = select(
        exists().where(
            AuditEntry.object_kind == "recording",
            AuditEntry.object_id == str(recording.id),
            AuditEntry.action == action,
            AuditEntry.detail["listen"].astext == listen,
        )
    )
    if await session.scalar(known):
        return
    await record(
        session,
        user_id=who.user_id,
        action=action,
        object_kind="recording",
        object_id=recording.id,
        call_id=recording.call_id,
        detail={"listen": listen},
        address=visitor_address(request),
    )


async def _file(parts: Services, recording: Recording, *, download: bool) -> web.StreamResponse:
    path = sound_file(parts, recording)
    headers = {"Cache-Control": "private, no-store"}
    if download:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(path.name)}"
        return web.FileResponse(path, headers=headers)
    cache = Cache(parts.settings.data_dir / "sound")
    try:
        playable, content_type = await asyncio.to_thread(for_browser, path, cache)
    except Unreadable as error:
        raise Conflict("The recording can not be read.") from error
    return web.FileResponse(playable, headers=headers | {"Content-Type": content_type})


def sound_file(parts: Services, recording: Recording) -> Path:
    """The file of a recording that is ready. Raises `Conflict` when there is none to hear."""
    folder = roots(parts.settings).of(recording.pbx)
    if recording.state != RecordingState.READY or recording.path is None or folder is None:
        raise Conflict(f"There is no sound: the recording is {recording.state}.")
    try:
        path = folder.resolve(recording.path)
    except OutsideRoot as error:
        raise Conflict("The recording does not lie in the folder of recordings.") from error
    if not path.is_file():
        raise Conflict("The file of this recording is gone.")
    return path
