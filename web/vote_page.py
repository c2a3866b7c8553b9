"""The page on which a customer votes on his call: for whoever has its address, without signing in."""

from aiohttp import web

from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.vote import LONGEST_COMMENT, Invited, invited, vote_by_word
from web.errors import Refusal
from web.open_page import HEADERS, WORD, count_visit, open_page
from web.services import services

routes = web.RouteTableDef()
PATH = f"/vote/{WORD}"


@routes.get(PATH)
async def get_vote_page(request: web.Request) -> web.StreamResponse:
    """The five stars, or thanks to who has voted."""
    try:
        about = await _about(request)
    except (NotFound, Refusal) as refused:
        return _page(request, None, refused)
    return _page(request, about)


@routes.post(PATH)
async def post_vote(request: web.Request) -> web.StreamResponse:
    """Vote, once."""
    parts = services(request)
    try:
        about = await _about(request)
        given = await request.post()
        stars, comment = str(given.get("stars", "")), str(given.get("comment", ""))
        async with parts.db.begin() as session:
            await vote_by_word(
                session,
                request.match_info["word"],
                stars=int(stars) if stars in ("1", "2", "3", "4", "5") else 0,
                comment=comment.replace("\0", "")[:LONGEST_COMMENT],
                at=parts.now(),
            )
    except Invalid as refused:
        return _page(request, about, refused)
    except (NotFound, Conflict, Refusal) as refused:
        return _page(request, None, refused)
    return web.Response(status=303, headers={"Location": request.path, **HEADERS})


async def _about(request: web.Request) -> Invited:
    """What the page is about. Raises `NotFound`, and `Refusal` 429 for who opens very many."""
    parts = services(request)
    await count_visit(request, "vote")
    async with parts.db.begin() as session:
        return await invited(session, request.match_info["word"], at=parts.now())


def _page(
    request: web.Request, about: Invited | None, refused: Exception | None = None
) -> web.StreamResponse:
    return open_page(request, "vote.html", {"about": about}, refused)
