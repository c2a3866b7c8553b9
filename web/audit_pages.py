"""Pages of audits for administrators: what was compared, what was lost, what was put right."""

from collections.abc import Mapping

from aiohttp import web

from crm_core import call_audit as rows
from crm_core.call_audit import BAD, AuditState, CallAudit, FindingKind
from web import audits
from web.forms import checked, settle
from web.pages import Flash, Pages, go, local_instant, number_in, render
from web.rights import RUN_AUDITS, VIEW_AUDITS
from web.services import services
from web.sessions import person

pages = Pages()
UNFINISHED = (AuditState.QUEUED, AuditState.RUNNING)


@pages.get("/audits", right=VIEW_AUDITS)
async def show_audits(request: web.Request) -> web.Response:
    """The newest audits, and a form for another one."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts = services(request)
    async with parts.db.begin() as session:
        listed = await rows.list_audits(session)
    switchboards = [link.pbx for link in parts.live.links()]
    context = {
        "rows": listed,
        "switchboards": [pbx for pbx in switchboards if audits.keeps_records(request, pbx)],
        "choices": [(pbx, pbx) for pbx in switchboards if audits.keeps_records(request, pbx)],
        "without": [pbx for pbx in switchboards if not audits.keeps_records(request, pbx)],
        "running": any(one.state in UNFINISHED for one in listed),
        "may_run": person(request).may(RUN_AUDITS),
        "audit_hour": parts.settings.audit_hour,
    }
    return render(request, "audits.html", context, flash=flash, typed=typed)


@pages.post("/audits", right=RUN_AUDITS)
async def run_audit(request: web.Request) -> web.Response:
    """Compare now."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        who = person(request)
        period = {
            name: local_instant(typed[field], who, field)
            for name, field in (("from_at", "from"), ("to_at", "to"))
            if typed.get(field)
        }
        given = checked(audits.NewAudit, typed, heal=typed.get("heal") == "yes", **period)
        audit = await audits.post_audit(request, given)
        return go(f"/audits/{audit.id}")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.get("/audits/{audit_id}", right=VIEW_AUDITS)
async def show_audit(request: web.Request) -> web.Response:
    """What one audit found; while it runs the page comes again by itself."""
    audit_id = number_in(request, "audit_id")
    kind = request.query.get("kind", "")
    async with services(request).db.begin() as session:
        audit = await rows.get_audit(session, audit_id)
        known = kind if kind in tuple(FindingKind) else None
        found = await rows.findings_of(session, audit_id, kind=known)
    context = {
        "audit": audit,
        "findings": found,
        "kind": known,
        "counts": audits.counts_of(audit),
        "running": audit.state in UNFINISHED,
        "total": _total(audit),
        "bad": BAD,
    }
    return render(request, "audit.html", context)


def _total(audit: CallAudit) -> int:
    return sum(audit.found(kind) for kind in FindingKind)
