"""The doctor's pages: what is wrong and how to mend it, two calls to try everything, pieces to copy.

For administrators: findings name hosts, accounts and folders, though never a secret.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from aiohttp import web

from callcenter.doctor import Doctor, Finding, Verdict
from callcenter.doctor.finding import WORST_FIRST
from callcenter.doctor.pieces import KINDS, pieces
from crm_core.line import list_lines
from web.fields import Given
from web.forms import checked, settle
from web.pages import Flash, Pages, go, render
from web.rights import RUN_DOCTOR
from web.services import services
from web.sessions import person

pages = Pages()
SHOWN = 5  # calls
LONGEST_WATCH = timedelta(hours=12)


class Dialling(Given):
    """The number to try click-to-call with."""

    number: str


@pages.get("/doctor", right=RUN_DOCTOR)
async def show_findings(request: web.Request) -> web.Response:
    """Examine everything now; `?deep=yes` loads the speech model too."""
    findings = await _doctor(request).examine(deep=request.query.get("deep") == "yes")
    parts: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=lambda it: WORST_FIRST.index(it.verdict)):
        parts.setdefault(finding.about, []).append(finding)
    wrong = sum(finding.verdict is Verdict.BAD for finding in findings)
    care = sum(finding.verdict is Verdict.CARE for finding in findings)
    context = {"tab": "findings", "parts": parts, "wrong": wrong, "care": care}
    return render(request, "doctor.html", context)


@pages.get("/doctor/calls", right=RUN_DOCTOR)
async def show_calls(request: web.Request) -> web.Response:
    """What was recognised of calls made since a moment; waits for the first of them."""
    return await _calls(request)


async def _calls(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts = services(request)
    since = _since(request)
    tried = await _doctor(request).look_back(SHOWN, since) if since else []
    async with parts.db.begin() as session:
        lines = [line for line, _ in await list_lines(session)]
    context = {
        "tab": "calls",
        "since": since,
        "lines": lines,
        "tried": [
            (call, sorted(found, key=lambda it: WORST_FIRST.index(it.verdict)), parts.live.live_call(call.id))
            for call, found in tried
        ],
    }
    template = "doctor_tried.html" if request.query.get("part") else "doctor_calls.html"
    return render(request, template, context, flash=flash, typed=typed)


@pages.post("/doctor/calls", right=RUN_DOCTOR)
async def try_calls(request: web.Request) -> web.Response:
    """Begin to watch; with a number, have the own telephone ring and dial it."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        now = services(request).now()
        if "number" in typed:
            number = checked(Dialling, typed).number
            await services(request).live.dial(person(request).user_id, number)
        return go(f"/doctor/calls?since={quote(now.isoformat())}", None)

    return await settle(request, step, lambda flash, typed: _calls(request, flash, typed))


@pages.get("/doctor/pieces", right=RUN_DOCTOR)
async def show_pieces(request: web.Request) -> web.Response:
    """What to write into a switchboard's files, to copy."""
    kind = request.query.get("kind", KINDS[0])
    if kind not in KINDS:
        raise web.HTTPNotFound
    context = {"tab": "pieces", "kind": kind, "kinds": KINDS, "text": pieces(kind)}
    return render(request, "doctor_pieces.html", context)


def _doctor(request: web.Request) -> Doctor:
    doctor = services(request).doctor
    if doctor is None:
        raise web.HTTPNotFound
    return doctor


def _since(request: web.Request) -> datetime | None:
    """The instant in the address; nonsense and what is long past is as good as none."""
    now = services(request).now()
    try:
        since = datetime.fromisoformat(request.query.get("since", ""))
    except ValueError:
        return None
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    return max(since, now - LONGEST_WATCH) if since <= now else None
