"""The trail in the audit log: what was changed, taken out of the house or looked at, by whom.

`api.py` and `pages.py` leave it for every route, so that no handler can forget to. A handler that knows more writes
its own entry (`crm_core.audit.record`), and then this one is not written.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from aiohttp import web

from crm_core import audit
from web.middleware import visitor_address
from web.services import services
from web.sessions import PERSON

Answered = TypeVar("Answered")
PEOPLE = ("customers", "orders", "deals", "calls")
"""What it is noted for that somebody looked at it; once an hour for each person and object."""
SENT: web.RequestKey[list[str]] = web.RequestKey("sent", list)
"""The names of the fields of the form."""
_LOOKED: web.AppKey[dict[tuple[int, str, str], datetime]] = web.AppKey("looked", dict)
_ID = re.compile(r"{(\w+)}")


def prepare(app: web.Application) -> None:
    """Make room for what was looked at lately."""
    app[_LOOKED] = {}


async def trailed(
    request: web.Request,
    step: Callable[[], Awaitable[Answered]],
    *,
    path: str,
    file: bool = False,
    sent: Iterable[str] = (),
) -> Answered:
    """Do `step` and leave the trail.

    `path`: the pattern of the route; `file`: it gives data out as a file; `sent`: the names of the fields of a body
    (of a form they are in `SENT`); what was in them before stands in the history of the object.
    """
    reads = request.method == "GET"
    with audit.listening() as noted:
        answer = await step()
    kind, object_id = _object(path, request.match_info)
    if noted or (isinstance(answer, web.StreamResponse) and answer.status >= 400):
        return answer
    if not reads:
        object_id = object_id or _made(answer)
        await _note(
            request,
            action(request.method, path),
            kind,
            object_id,
            {"fields": sorted(sent) or request.get(SENT, [])},
        )
    elif file:
        await _note(request, f"{kind}.export", kind, object_id, {"asked": dict(request.query)})
    elif object_id and path.removeprefix("/") == f"{kind}s/{{{kind}_id}}" and f"{kind}s" in PEOPLE:
        await _looked(request, kind, object_id)
    return answer


def action(method: str, path: str) -> str:
    """What a changing route does, in the words of its address: order.change, customer.numbers_add."""
    kind, *rest = [part for part in path.split("/") if part]
    words = [part for part in rest if not part.startswith("{")]
    verb = {"POST": "change" if rest else "add", "DELETE": "remove"}.get(method, "change")
    if method == "POST" and words:
        verb = ""
    return f"{_singular(kind)}.{'_'.join(filter(None, (*words, verb)))}"


def _singular(word: str) -> str:
    return word.removesuffix("s")


def _object(path: str, given: Mapping[str, str]) -> tuple[str, str | None]:
    kind = _singular(path.split("/")[1])
    names = _ID.findall(path)
    return kind, given[names[0]] if names else None


def _made(answer: Any) -> str | None:
    """The id of what was just made: of the answer, or of the page to which the form leads."""
    if isinstance(answer, web.StreamResponse):
        found = re.match(r"/\w+/([0-9a-f-]+)(?:[/?#]|$)", answer.headers.get("Location", ""))
        return found[1] if found else None
    made = getattr(answer, "id", None)
    return None if made is None else str(made)


async def _looked(request: web.Request, kind: str, object_id: str) -> None:
    seen, now = request.app[_LOOKED], services(request).now()
    key = (request[PERSON].user_id, kind, object_id)
    if key in seen and (now - seen[key]).total_seconds() < 3600:
        return
    if len(seen) >= 10_000:
        seen.clear()
    seen[key] = now
    await _note(request, f"{kind}.view", kind, object_id, {})


async def _note(
    request: web.Request, what: str, kind: str, object_id: str | None, detail: Mapping[str, Any]
) -> None:
    async with services(request).db.begin() as session:
        await audit.record(
            session,
            user_id=request[PERSON].user_id if PERSON in request else None,
            action=what,
            object_kind=kind,
            object_id=object_id,
            call_id=_call(kind, object_id),
            detail=detail,
            address=visitor_address(request),
        )


def _call(kind: str, object_id: str | None) -> UUID | None:
    try:
        return UUID(object_id) if kind == "call" and object_id else None
    except ValueError:
        return None
