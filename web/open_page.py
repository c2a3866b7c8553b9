"""Pages for whoever has their address, without signing in: a customer's vote, what he has to pay.

What comes here is anybody's: a word that opens nothing, or no more, is told apart from nothing, and who tries many is
made to wait.
"""

from collections.abc import Mapping
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from crm_core.errors import Conflict, NotFound
from web.errors import Refusal
from web.middleware import visitor_address
from web.services import services
from web.throttle import count_attempt

WORD = "{word:[A-Za-z0-9_-]{20,80}}"
PER_ADDRESS = 60  # within the window of `web.throttle`
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


async def count_visit(request: web.Request, kind: str) -> None:
    """Raises `Refusal` 429 for who opens very many pages of this kind."""
    parts = services(request)
    key = f"{kind}:{visitor_address(request)}"[:100]
    await count_attempt(parts.db, key, limit=PER_ADDRESS, now=parts.now())


def open_page(
    request: web.Request, template: str, context: Mapping[str, Any], refused: Exception | None = None
) -> web.StreamResponse:
    """The page; `refused`: why it is not the one that was wanted."""
    told = {**context, "refused": str(refused) if refused else ""}
    answer = aiohttp_jinja2.render_template(template, request, told, status=_status(refused))
    answer.headers.update(HEADERS)
    if isinstance(refused, Refusal):
        answer.headers.update(refused.headers or {})
    return answer


def _status(refused: Exception | None) -> int:
    match refused:
        case None:
            return 200
        case NotFound():
            return 404
        case Conflict():
            return 409
        case Refusal():
            return refused.status
    return 422
