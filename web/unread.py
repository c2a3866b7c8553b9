"""How much waits for whoever is signed in: what he was told, and notes that name him."""

import re
from collections.abc import Collection, Sequence

from aiohttp import web

from crm_core.mention import read_of
from crm_core.notice import read_about, unread
from crm_core.read.mentions import count_unread
from web.rights import VIEW_CUSTOMERS
from web.services import services
from web.sessions import person

_NOTES = re.compile(r"/customers/([0-9]{1,18})\?kind=note")  # where the list of such notes leads


async def unread_of(request: web.Request, opened: Collection[str] = ()) -> int:
    """How much whoever is signed in has not read; what is about a page he opens is read by it."""
    parts, user_id = services(request), person(request).user_id
    names = person(request).may(VIEW_CUSTOMERS)  # notes that name somebody are those of customers
    async with parts.db.begin() as session:
        told: Sequence[str | None] = await unread(session, user_id)
        for address in set(opened) & set(told):
            await read_about(session, user_id, address, at=parts.now())
        named = await count_unread(session, user_id) if names else 0
        notes = next(filter(None, map(_NOTES.fullmatch, opened)), None) if named else None
        if notes:
            await read_of(session, user_id, int(notes[1]), at=parts.now())
            named = await count_unread(session, user_id)
    return named + sum(1 for address in told if address not in opened)
