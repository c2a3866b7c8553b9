"""How the parts are and what waits for somebody: in the API and as a page, for those who supervise."""

from datetime import timedelta

from aiohttp import web

from crm_core import picture
from crm_core.document import used_bytes
from crm_core.late_index import missing
from crm_core.read.phrases import NEWEST
from crm_core.read.waiting import load_waiting
from web.api import Operations
from web.fields import Answer
from web.health import Check, checks
from web.pages import Pages, render
from web.rights import RUN_DOCTOR, VIEW_STATUS, Scope
from web.services import Services, services
from web.sessions import person

operations = Operations("status")
pages = Pages()
RECENT = timedelta(days=30)
"""What is older and still not linked will not be."""
NEARLY = 0.9
"""Of the room for files; more is said to be tight."""


class CheckAnswer(Answer):
    """One part: is it up, what is seen, what to do. `needed`: without it nothing works."""

    name: str
    ok: bool
    detail: str
    fix: str
    needed: bool


class WaitingAnswer(Answer):
    """How much waits: conversations of 30 days about nothing yet, sound and texts to come, and failed ones."""

    unlinked_calls: int
    recordings_expected: int
    recordings_lost: int
    texts_waiting: int
    texts_failed: int


class StatusAnswer(Answer):
    """The whole state; `waiting` is null while the database does not answer."""

    checks: list[CheckAnswer]
    waiting: WaitingAnswer | None


@operations.get("/status", right=VIEW_STATUS, at_least=Scope.ALL)
async def get_status(request: web.Request) -> StatusAnswer:
    """Every part with the fix for what is wrong, and what waits for somebody."""
    parts = services(request)
    found = await _checks(parts)
    return StatusAnswer(
        checks=[CheckAnswer.model_validate(check) for check in found], waiting=await _waiting(parts, found)
    )


@pages.get("/status", right=VIEW_STATUS, at_least=Scope.ALL)
async def show_status(request: web.Request) -> web.Response:
    """The same as a page, with the worst first."""
    parts = services(request)
    found = await _checks(parts)
    context = {
        "checks": sorted(found, key=lambda check: (check.ok, not check.needed)),
        "links": list(parts.live.links()),
        "recent": (parts.now() - RECENT).date(),
        "waiting": await _waiting(parts, found),
        "may_examine": person(request).may(RUN_DOCTOR),
    }
    return render(request, "status.html", context)


async def _checks(parts: Services) -> list[Check]:
    found = await checks(parts)
    return (
        [*found, await files_check(parts), await pictures_check(parts), *await index_checks(parts)]
        if _answers(found)
        else found
    )


async def index_checks(parts: Services) -> list[Check]:
    """One for each index that is still being built."""
    async with parts.db.begin() as session:
        building = await missing(session)
    return [
        Check(
            name="index",
            ok=it.share is not None,
            needed=False,
            detail=f"The index {it.name} is not there yet"
            + (
                f": {it.share:.0%} are read."
                if it.share is not None
                else "; nobody builds it at this moment."
            )
            + f" Until then what was said is looked for in the newest {NEWEST:,} texts.",
            fix="" if it.share is not None else "Nothing: it is begun within a minute after a start.",
        )
        for it in building
    ]


async def files_check(parts: Services) -> Check:
    """How much room the files of orders, tasks and customers have left."""
    async with parts.db.begin() as session:
        used = await used_bytes(session)
    return _room("files", used, "files of orders, tasks and customers", parts.settings.documents_mb)


async def pictures_check(parts: Services) -> Check:
    """How much room the pictures of goods have left."""
    async with parts.db.begin() as session:
        used = await picture.used_bytes(session)
    return _room("pictures", used, "pictures of goods", parts.settings.pictures_mb)


def _room(name: str, used: int, what: str, room_mb: int) -> Check:
    detail = f"{used / 2**20:,.0f} MB of {room_mb:,} MB are used by {what}."
    tight = used > room_mb * 2**20 * NEARLY
    of = {"files": "DOCUMENTS", "pictures": "PICTURES"}[name]
    fix = f"Raise CALLCENTER_{of}_MB, or take {name} away that nobody needs." if tight else ""
    return Check(name=name, ok=not tight, needed=False, detail=detail, fix=fix)


def _answers(found: list[Check]) -> bool:
    return all(check.ok for check in found if check.name == "database")


async def _waiting(parts: Services, found: list[Check]) -> WaitingAnswer | None:
    if not _answers(found):
        return None
    async with parts.db.begin() as session:
        return WaitingAnswer.model_validate(await load_waiting(session))
