"""Static files: a browser keeps what carries its version in the address, and asks again for the rest."""

import hashlib
from functools import lru_cache
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"  # a conditional request: 304 when unchanged


@lru_cache(maxsize=512)
def _version(path: str, changed_ns: int) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]


def static_url(path: str) -> str:
    """The address of a static file with its version, for templates: `{{ static("app.css") }}`."""
    file = STATIC / path
    if not file.is_file():
        return f"/static/{path}"
    return f"/static/{path}?v={_version(path, file.stat().st_mtime_ns)}"


async def add_cache_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: cache rules for static files, none kept of the rest."""
    if request.path.startswith("/static/") and response.status < 400:
        response.headers["Cache-Control"] = FOR_EVER if "v" in request.query else ASK_AGAIN
    else:
        response.headers.setdefault("Cache-Control", "no-store")


def add_static(app: web.Application) -> None:
    """Serve `web/static` under /static/."""
    app.router.add_static("/static/", STATIC, name="static")
    app.on_response_prepare.append(add_cache_headers)
