"""Every refusal becomes an answer in one place: problem+json below /api, a page elsewhere.

In:      `crm_core.errors` (the domain), `Refusal` (the web), `web.HTTPException` (the router)
Out:     RFC 9457 documents, or `error.html`; a visitor who must sign in is sent to /login
Raises:  nothing: what is not a refusal is a bug, is logged with its trace and answered 500
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp_jinja2
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError

from crm_core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from crm_core.order_history import Clash
from crm_core.outage import is_outage
from web.fields import WRITTEN

PROBLEM_JSON = "application/problem+json"
SHOWN_ERRORS = 20
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
# Two people at once: unique, foreign key, serialisation, deadlock (PostgreSQL, appendix A).
AT_ONCE = frozenset({"23505", "23503", "40001", "40P01"})
log = structlog.get_logger(__name__)


class FieldError(BaseModel):
    """One thing that is wrong with what was sent; `field` is a dotted path, empty for the whole."""

    field: str
    message: str


class Choice(BaseModel):
    """One of several things to choose from before the same can be asked again."""

    value: str
    label: str
    detail: str = ""


class ClashError(BaseModel):
    """One field that two people changed: how it was, what is there now, what was wanted, who was there first."""

    field: str
    base: Any = None
    theirs: Any = None
    mine: Any = None
    by: str | None = None
    at: datetime | None = None


class Problem(BaseModel):
    """RFC 9457 problem details: what the API answers instead of a result."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []
    choices: list[Choice] = []
    clash: list[ClashError] = []
    version: int | None = None
    request_id: str = ""


class Refusal(Exception):
    """The web itself refuses: not signed in, wrong media type, too many attempts…"""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Iterable[FieldError] = (),
        choices: Iterable[Choice] = (),
        clash: Iterable[ClashError] = (),
        version: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.choices = list(choices)
        self.clash = list(clash)
        self.version = version
        self.headers = dict(headers or {})


class SignInNeeded(Refusal):
    """Nobody is signed in: 401 for the API, the sign-in page for a person."""

    def __init__(self, detail: str = "Sign in first.") -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": 'Bearer realm="callcenter"'})


@web.middleware
async def errors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever the handler raised into an answer."""
    try:
        return await handler(request)
    except web.HTTPException as exception:
        if exception.status < 400:
            raise
        return answer(request, from_http(exception))
    except Exception as exception:
        return answer(request, refusal_for(request, exception))


def refusal_for(request: web.Request, exception: Exception) -> Refusal:
    """The refusal that `exception` means; a bug is logged and becomes a bare 500."""
    match exception:
        case Refusal():
            return exception
        case NotFound():
            return Refusal(404, str(exception))
        case Clash():
            both = [ClashError.model_validate(it, from_attributes=True) for it in exception.fields]
            return Refusal(409, str(exception), clash=both, version=exception.version)
        case Stale():
            return Refusal(409, str(exception), version=exception.version)
        case Conflict():
            return Refusal(409, str(exception))
        case Forbidden():
            return Refusal(403, str(exception))
        case Invalid():
            error = FieldError(field=exception.field or "", message=str(exception))
            return Refusal(422, str(exception), errors=[error])
        case ConnectionResetError() if request.transport is None or request.transport.is_closing():
            return Refusal(
                400, "You left before the answer came."
            )  # nobody reads it: a picture was scrolled past
        case UnicodeDecodeError():  # a form that is not in the encoding it claims
            return Refusal(400, "What you sent is not readable text.")
        case DBAPIError() if getattr(exception.orig, "sqlstate", None) in AT_ONCE:
            return Refusal(409, "Somebody else changed this at the same moment; look again.")
    if is_outage(exception):
        log.warning("database does not answer", error=type(exception).__name__)
        return Refusal(
            503, "The database does not answer; nothing was changed.", headers={"Retry-After": "5"}
        )
    log.error("request failed", method=request.method, route=route_of(request), exc_info=exception)
    return Refusal(500, "Something went wrong on our side; it has been logged.")


def from_http(exception: web.HTTPException) -> Refusal:
    """The same refusal in our words; keeps `Allow` and `Retry-After`, drops aiohttp's own text."""
    kept = {name: exception.headers[name] for name in ("Allow", "Retry-After") if name in exception.headers}
    details = {
        404: "There is nothing at this address.",
        405: "This address does not answer to that method.",
        413: "What you sent is too large.",
    }
    return Refusal(exception.status, details.get(exception.status, exception.reason), headers=kept)


def from_validation(error: ValidationError) -> Refusal:
    """422 with every field that pydantic refused; what was sent is never repeated."""
    errors = [
        FieldError(field=".".join(str(part) for part in item["loc"]), message=_told(item))
        for item in error.errors(include_url=False, include_input=False)
    ]
    return Refusal(422, "Some of what you sent is not valid.", errors=errors[:SHOWN_ERRORS])


def _told(item: ErrorDetails) -> str:
    """What was wrong, as a person says it."""
    bounds = item.get("ctx", {})
    match item["type"]:
        case "missing":
            return "This is needed."
        case "string_too_short":
            few: int = bounds["min_length"]
            return "This is needed." if few == 1 else f"Write {few} letters at least."
        case "string_too_long":
            return f"Write {bounds['max_length']} letters at most."
        case "string_pattern_mismatch":
            return WRITTEN.get(bounds["pattern"], "It is not written as it should be.")
        case "greater_than_equal":
            return f"Write {bounds['ge']} at least."
        case "less_than_equal":
            return f"Write {bounds['le']} at most."
        case "int_parsing" | "int_type" | "int_from_float":
            return "Write a whole number."
        case "enum" | "literal_error":
            return f"Choose one of the list: {bounds['expected']}."
        case "extra_forbidden":
            return "There is no such field."
        case "value_error":
            said = item["msg"].removeprefix("Value error, ")
            return said[:1].upper() + said[1:] + ("" if said.endswith(".") else ".")
    return item["msg"]


def answer(request: web.Request, refusal: Refusal) -> web.Response:
    """Problem document for the API, redirect to sign-in or an error page for a person."""
    api = request.path.startswith("/api/") and not (refusal.status == 401 and _is_opened(request))
    if api or request.headers.get("Accept") == "application/json":
        return problem(request, refusal)
    if refusal.status == 401 and request.method in ("GET", "HEAD"):
        where = f"/login?next={quote(_onward(request), safe='')}"
        return web.Response(status=303, headers={"Location": where})
    return page(request, refusal)


def _is_opened(request: web.Request) -> bool:
    """Did a person open this address, by a link to a file, rather than a program ask for it?"""
    opened = request.headers.get("Sec-Fetch-Mode") == "navigate"
    return opened and request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def _onward(request: web.Request) -> str:
    """Where to go after signing in: here, or to the page on which the link to a file stands."""
    if not request.path.startswith("/api/"):
        return request.path_qs
    stood = urlsplit(request.headers.get("Referer", ""))
    return f"{stood.path}?{stood.query}".rstrip("?") if stood.netloc == request.host else "/"


def problem(request: web.Request, refusal: Refusal) -> web.Response:
    """The refusal as application/problem+json."""
    body = Problem(
        title=HTTPStatus(refusal.status).phrase,
        status=refusal.status,
        detail=refusal.detail,
        errors=refusal.errors,
        choices=refusal.choices,
        clash=refusal.clash,
        version=refusal.version,
        request_id=request.get(REQUEST_ID, ""),
    )
    return web.Response(
        body=body.model_dump_json().encode(),
        status=refusal.status,
        headers=refusal.headers | {"Cache-Control": "no-store"},
        content_type=PROBLEM_JSON,
    )


def page(request: web.Request, refusal: Refusal) -> web.Response:
    """The refusal as a page; `error.html` needs nothing but these values."""
    context = {
        "status": refusal.status,
        "title": HTTPStatus(refusal.status).phrase,
        "detail": refusal.detail,
        "request_id": request.get(REQUEST_ID, ""),
    }
    response = aiohttp_jinja2.render_template("error.html", request, context, status=refusal.status)
    response.headers.update(refusal.headers | {"Cache-Control": "no-store"})
    return response


def route_of(request: web.Request) -> str:
    """The pattern of the route (`/api/v1/customers/{customer_id}`), never the address itself."""
    resource = request.match_info.route.resource if request.match_info.route else None
    return resource.canonical if resource is not None else "unmatched"
