"""What the server-rendered pages share: who may open them, what every template knows, filters in the address.

    pages = Pages()

    @pages.get("/customers", right=VIEW_CUSTOMERS)
    async def show_customers(request: web.Request) -> web.Response: ...

A page works without script: forms post and are sent on to a page (303). `forms.py` says what happens to a
form that is refused.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.read.page import LONGEST, Page
from crm_core.saved_view import SavedView, filters, list_views
from crm_core.shop import Shop
from crm_core.team import Team
from crm_core.user import Role, User
from web.bulk_bar import BARS, Bar, bar_of
from web.errors import from_validation
from web.fields import Given
from web.menu_counts import counts
from web.reach import find_named, narrowed
from web.rights import KEEP_VIEWS, RUN_CALL_LISTS, VIEW_NOTICES, Person, Right, Scope, require
from web.say import LOCALE, zone_of
from web.say import local_instant as local_instant
from web.services import services
from web.sessions import person, signed_in
from web.trail import trailed
from web.unread import unread_of

PageHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Filters = TypeVar("Filters", bound=Given)
ROWS = 50
LISTS = (
    "/customers",
    "/orders",
    "/deals",
    "/deals/board",
    "/callbacks",
    "/calls",
    "/tasks",
    "/products",
    "/journal",
    "/leads",
)
VIEWS: web.RequestKey[Sequence[SavedView]] = web.RequestKey("views", Sequence)
"""The saved views of a list, which stand above it."""
WAITS: web.RequestKey[Mapping[str, int]] = web.RequestKey("waits", Mapping)
"""What waits behind places of the menu."""
BAR: web.RequestKey[Bar] = web.RequestKey("bar", Bar)
"""What can be changed of many of its rows at once, which stands below it."""
UNREAD: web.RequestKey[int] = web.RequestKey("unread", int)
"""How much waits for the reader, which stands in the head."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One address of the pages and the right that opens it."""

    method: str
    path: str
    right: Right
    at_least: Scope
    handler: PageHandler
    audited: bool = True

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Check who it is and the right, then show or do it."""
        require(await signed_in(request), self.right, self.at_least)
        await find_named(request, self.right)
        if person(request).may(VIEW_NOTICES):
            request[UNREAD] = await unread_of(request, _opened(request))
        if self.method == "GET" and self.path in LISTS and person(request).may(KEEP_VIEWS):
            async with services(request).db.begin() as session:
                request[VIEWS] = await list_views(session, person(request).user_id, self.path)
        if self.method == "GET":
            request[WAITS] = await counts(request, person(request))
        if self.method == "GET" and (noun := self.path.removeprefix("/")) in BARS:
            async with services(request).db.begin() as session:
                if (bar := await bar_of(request, session, noun)) is not None:
                    request[BAR] = bar
        with narrowed(request) if self.method == "GET" else nullcontext():
            if not self.audited:
                return await self.handler(request)
            return await trailed(request, lambda: self.handler(request), path=self.path)


def _opened(request: web.Request) -> tuple[str, ...]:
    """The addresses by which the page that is opened may have been told."""
    return (request.path, request.path_qs) if request.method == "GET" else ()


@dataclass(frozen=True)
class Pages:
    """A table of pages; `register` takes it into the application."""

    listed: list[Place] = field(default_factory=list)

    def get(
        self, path: str, *, right: Right, at_least: Scope = Scope.OWN
    ) -> Callable[[PageHandler], PageHandler]:
        """Register a page that is read."""
        return self._place("GET", path, right, at_least)

    def post(
        self, path: str, *, right: Right, at_least: Scope = Scope.OWN, audited: bool = True
    ) -> Callable[[PageHandler], PageHandler]:
        """Register what a form does; `audited` False: nothing is changed by it."""
        return self._place("POST", path, right, at_least, audited)

    def _place(
        self, method: str, path: str, right: Right, at_least: Scope, audited: bool = True
    ) -> Callable[[PageHandler], PageHandler]:
        def register(handler: PageHandler) -> PageHandler:
            self.listed.append(
                Place(
                    method=method, path=path, right=right, at_least=at_least, handler=handler, audited=audited
                )
            )
            return handler

        return register

    def register(self, app: web.Application) -> None:
        """Add every page to the router."""
        for place in self.listed:
            app.router.add_route(place.method, place.path, place.handle)


class Typed(dict[str, str]):
    """What somebody typed into a form that was refused; nothing where nothing was."""

    def __missing__(self, name: str) -> str:
        return ""


@dataclass(frozen=True)
class Flash:
    """One sentence at the top of a page: good, bad or care."""

    tone: str
    text: str


def shell(request: web.Request) -> dict[str, Any]:
    """What every page needs besides `page_context`: the reader's clock, zone, language and rights."""
    who = person(request)
    return {
        "person": who,
        "lang": "en",
        "locale": LOCALE,
        "now": services(request).now(),
        "zone": zone_of(who.timezone),
        "may": who.may,
        "may_list": who.may(RUN_CALL_LISTS),
        "views": request.get(VIEWS),
        "waits": request.get(WAITS, {}),
        "unread": request.get(UNREAD, 0),
        "view_query": filters(request.query_string),
        "bar": request.get(BAR),
    }


def render(
    request: web.Request,
    template: str,
    context: Mapping[str, Any],
    *,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    """A page in its frame. `flash` and `typed` come from a refused form; else from `done` in the address."""
    status = 422 if flash is not None and flash.tone == "bad" else 200
    full = shell(request) | {"flash": flash or _done(request), "typed": Typed(typed or {})}
    return aiohttp_jinja2.render_template(template, request, full | dict(context), status=status)


DONE = {
    "saved": "Saved.",
    "created": "Created.",
    "noted": "The note is kept.",
    "message_kept": "The message is kept.",
    "number_added": "The number was added.",
    "number_removed": "The number was removed.",
    "contact_added": "Kept.",
    "removed": "Taken away.",
    "merged": "The two cards are one now. It can be undone in the history.",
    "unmerged": "The two cards are apart again.",
    "handed_over": "They are looked after by the other colleague now. It can be undone below the list.",
    "handed_back": "They are looked after as before.",
    "different": "Remembered: these are two people.",
    "ordered": "The order is placed.",
    "planned": "The callback is planned.",
    "closed": "The callback is closed.",
    "moved": "Moved.",
    "promised": "The promise is kept in mind.",
    "settled": "The promise is settled.",
    "linked": "The call is linked.",
    "unlinked": "The link was removed; that is kept in the history.",
    "attached": "The call belongs to this customer now.",
    "disposed": "The outcome is kept.",
    "password": "The password is set.",
    "given": "The task is given.",
    "commented": "The comment is kept.",
    "task_done": "Done.",
    "task_not_done": "Closed as not done.",
    "task_open": "The task is open again.",
    "taken": "The task is yours.",
    "restored": "The lead is back.",
    "qualified": "A customer and a deal were made of the lead.",
    "file_kept": "The file is kept.",
    "set_off": "On the way.",
    "asked": "They are asked, and told.",
    "appealed": "The appeal is kept; a colleague decides.",
    "decided": "Decided; both are told.",
    "delivered": "Delivered. Well done.",
    "not_delivered": "Kept: not delivered. The office knows.",
}


def _done(request: web.Request) -> Flash | None:
    said = DONE.get(request.query.get("done", ""))
    return Flash("good", said) if said else None


def go(address: str, done: str | None = None) -> web.Response:
    """Send the browser on after a form did its work; `done` is a key of `DONE`."""
    path, _, anchor = address.partition("#")
    query = f"{'&' if '?' in path else '?'}done={done}" if done else ""
    return web.Response(status=303, headers={"Location": path + query + (f"#{anchor}" if anchor else "")})


def read_filters(request: web.Request, model: type[Filters]) -> Filters:
    """The filters in the address; empty ones are none. Raises `Refusal` 422 for nonsense."""
    given = {
        name: value for name, value in request.query.items() if value.strip() and name in model.model_fields
    }
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise from_validation(error) from None


def is_set(filters: Given) -> bool:
    """True when a filter narrows the list."""
    return bool(filters.model_dump(exclude_defaults=True, exclude={"after", "limit", "which", "kind"}))


def turn(request: web.Request, page: Page[Any]) -> dict[str, str | None]:
    """The addresses of the first and of the next page, with the filters as they are."""
    kept = [
        (name, value)
        for name, value in request.query.items()
        if name not in ("after", "done", "open") and value
    ]
    first = f"{request.path}?{urlencode(kept)}".rstrip("?") if "after" in request.query else None
    following = f"{request.path}?{urlencode([*kept, ('after', page.next)])}" if page.next else None
    return {"first": first, "next": following}


def day_end(now: datetime, who: Person) -> datetime:
    """The midnight that ends the reader's day."""
    zone = zone_of(who.timezone)
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone)


def midnight(day: date | None, who: Person) -> datetime | None:
    """The instant at which this day begins for the reader; None for none and for one beyond the calendar."""
    if day is None or not date.min < day < date.max:
        return None
    return datetime.combine(day, time(), zone_of(who.timezone)).astimezone(UTC)


def number_in(request: web.Request, name: str) -> int:
    """The id in the address; 404 for one that can not be."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 2**63:
        raise web.HTTPNotFound
    return int(text)


async def shops_to_choose(session: AsyncSession) -> list[tuple[int, str]]:
    """Every shop as a choice."""
    return [
        (row.id, row.name) for row in await session.execute(select(Shop.id, Shop.name).order_by(Shop.name))
    ]


async def teams_to_choose(session: AsyncSession) -> list[tuple[int, str]]:
    """Every team as a choice."""
    return [
        (row.id, row.name) for row in await session.execute(select(Team.id, Team.name).order_by(Team.name))
    ]


async def users_to_choose(session: AsyncSession, *, role: Role | None = None) -> list[tuple[int, str]]:
    """Every colleague who may sign in (of this role alone), as a choice."""
    query = select(User.id, User.name).where(User.active).order_by(User.name, User.id).limit(LONGEST * 5)
    if role is not None:
        query = query.where(User.role == role)
    return [(row.id, row.name) for row in await session.execute(query)]
