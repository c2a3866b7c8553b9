"""What somebody typed into a window that belongs to no call and did not send yet, kept as typed. Everybody's own."""

from aiohttp import web

from crm_core.window_draft import load_window, save_window, use_up
from web.api import Operations
from web.call_work import Draft, DraftAnswer, Kept
from web.fields import Place
from web.rights import VIEW_CUSTOMERS
from web.services import services
from web.sessions import person

operations = Operations("windows")


@operations.get("/windows/{place}", audited=False, right=VIEW_CUSTOMERS)
async def get_window(request: web.Request, place: Place) -> DraftAnswer:
    """What you typed into this window and did not send yet."""
    async with services(request).db.begin() as session:
        found = await load_window(session, person(request).user_id, place)
    if found is None:
        return DraftAnswer(body={}, version=0, saved_at=None)
    return DraftAnswer(body=found.body, version=found.version, saved_at=found.updated_at)


@operations.put("/windows/{place}", audited=False, right=VIEW_CUSTOMERS, errors=(409,))
async def put_window(request: web.Request, place: Place, body: Draft) -> Kept:
    """Keep what you typed into this window. 409 with the newest `version` when it was written elsewhere meanwhile, or
    sent; nothing is overwritten."""
    parts, user_id = services(request), person(request).user_id
    async with parts.db.begin() as session:
        version = await save_window(session, user_id, place, body.body, at=parts.now(), version=body.version)
    return Kept(version=version, saved_at=parts.now())


@operations.delete("/windows/{place}", audited=False, right=VIEW_CUSTOMERS)
async def delete_window(request: web.Request, place: Place) -> None:
    """Throw away what you typed into this window."""
    async with services(request).db.begin() as session:
        await use_up(session, person(request).user_id, place)
