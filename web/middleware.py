"""What every request passes: an id and a log line, safety headers, the same-origin rule.

Logs carry ids and route patterns, never query strings; digits that could be a phone number are masked.
"""

import re
import secrets
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from web.errors import REQUEST_ID, Refusal, route_of
from web.services import SERVICES

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST_BODY = 1024 * 1024  # bytes; nothing the API takes is larger
OPEN_TO_SITES = (
    "/api/v1/forms/"  # what a page of another site may send; it is no visitor's doing (web/lead_forms.py)
)
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
NONCE: web.RequestKey[str] = web.RequestKey("csp_nonce", str)
FRAMES: web.RequestKey[list[str]] = web.RequestKey("frames", list)
"""Whose pages may stand in a frame of the page that answers; nobody's unless its handler says so."""
_UUID = r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
_NUMBER = re.compile(rf"(?P<id>{_UUID})|\+?\d[\d\s()-]{{4,}}\d")
_HOST = re.compile(r"^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$")
log = structlog.get_logger(__name__)


def mask_numbers(text: str) -> str:
    """`text` with all but the last two digits of every phone-like number replaced by `*`; UUIDs stay whole."""
    return _NUMBER.sub(lambda found: found["id"] or re.sub(r"\d(?=(?:\D*\d){2})", "*", found.group()), text)


@web.middleware
async def request_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, log its end and count it."""
    request[REQUEST_ID] = secrets.token_hex(8)
    request[NONCE] = secrets.token_urlsafe(16)
    started = time.perf_counter()
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as redirect:
            status = redirect.status
            raise
        finally:
            _note(request, status, time.perf_counter() - started)
    return response


def _note(request: web.Request, status: int, seconds: float) -> None:
    route = route_of(request)
    figures = request.app[SERVICES].metrics
    figures.requests.labels(request.method, route, str(status)).inc()
    figures.request_time.labels(route).observe(seconds)
    if route not in QUIET_ROUTES:
        path = mask_numbers(request.path)
        log.info("request", method=request.method, path=path, status=status, ms=round(seconds * 1000, 1))


async def add_safety_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: every answer, streamed ones too, carries the safety headers."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", content_security_policy(request))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("X-Request-Id", request.get(REQUEST_ID, ""))
    if request.app[SERVICES].settings.tls:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def content_security_policy(request: web.Request) -> str:
    """Only our own files; inline elements only with this answer's nonce (the import map needs one)."""
    nonce = f"'nonce-{request.get(NONCE, '')}'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {nonce}",
            f"style-src 'self' {nonce}",
            "img-src 'self' data:",
            "font-src 'self'",
            "media-src 'self' blob:",
            f"connect-src 'self' {push_sources(request)}".rstrip(),
            "form-action 'self'",
            " ".join(("frame-src", *(request.get(FRAMES) or ("'none'",)))),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def push_sources(request: web.Request) -> str:
    """The websocket addresses a page may open: the push port of this host, or none for a hostile Host."""
    if not _HOST.match(request.host):
        return ""
    name = re.sub(r":\d+$", "", request.host)
    port = request.app[SERVICES].settings.push_port
    return f"ws://{name}:{port} wss://{name}:{port} ws://{request.host} wss://{request.host}"


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a change that another site's page asked a signed-in browser to make (CSRF).

    Browsers of today say where a request comes from in Sec-Fetch-Site; older ones at least send Origin.
    A bearer token is never sent by a browser of its own accord, so it needs no such proof.
    """
    bearer = request.headers.get("Authorization", "").startswith("Bearer ")
    open_to_all = request.path.startswith(OPEN_TO_SITES)
    if request.method not in SAFE_METHODS and not (bearer or open_to_all or from_here(request)):
        raise Refusal(403, "The request came from another site's page and was refused.")
    return await handler(request)


def from_here(request: web.Request) -> bool:
    """True when the request comes from a page of ours, or from no page at all (curl, a script)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    public = request.app[SERVICES].settings.public_url
    return origin.split("://", 1)[-1] == request.host or (public is not None and origin == public.rstrip("/"))


def visitor_address(request: web.Request) -> str:
    """The network address of the visitor; behind a trusted proxy the one the proxy saw."""
    if request.app[SERVICES].settings.trusted_proxy:
        forwarded = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
        if forwarded:
            return forwarded
    return request.remote or "unknown"
