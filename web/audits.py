"""Our calls against the switchboards' own records: asked for, followed and read by administrators."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import AwareDatetime, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import call_audit as rows
from crm_core.audit import record
from crm_core.call_audit import AuditState, CallAudit, FindingKind, Reason
from crm_core.errors import Invalid, NotFound
from web.api import Operations
from web.fields import Answer, Given, Id
from web.middleware import visitor_address
from web.rights import RUN_AUDITS, VIEW_AUDITS
from web.services import services
from web.sessions import person

operations = Operations("audits")
PbxName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
USUAL = timedelta(hours=36)


class NewAudit(Given):
    """What to compare; without a period the last 36 hours. `heal`: put right what can be."""

    pbx: PbxName
    from_at: AwareDatetime | None = None
    to_at: AwareDatetime | None = None
    heal: bool = True


class Count(Answer):
    """How many differences of one kind, and how many of them were put right."""

    kind: FindingKind
    found: int
    healed: int


class AuditAnswer(Answer):
    """One audit. `good`: nothing is lost, doubled or open that was not put right; `progress` is 0 to 1."""

    id: int
    pbx: str
    reason: Reason
    state: AuditState
    from_at: datetime
    to_at: datetime
    heal: bool
    progress: float
    source: str | None
    calls: int
    good: bool
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class FindingAnswer(Answer):
    """One difference, with the reason."""

    kind: FindingKind
    healed: bool
    why: str
    linkedid: str | None
    call_id: UUID | None
    at: datetime | None
    direction: str | None
    number: str | None
    path: str | None


class AuditDetail(AuditAnswer):
    """An audit with what it found, the worst first; at most 500."""

    counts: list[Count]
    findings: list[FindingAnswer]


def counts_of(audit: CallAudit) -> list[Count]:
    """What an audit found, by kind, the worst first."""
    return [
        Count(kind=kind, found=audit.found(kind), healed=audit.found(kind) - audit.unhealed(kind))
        for kind in FindingKind
        if audit.found(kind)
    ]


@operations.get("/audits", right=VIEW_AUDITS)
async def get_audits(request: web.Request) -> list[AuditAnswer]:
    """The newest audits; those after a gap only when they found something."""
    async with services(request).db.begin() as session:
        return [AuditAnswer.model_validate(one) for one in await rows.list_audits(session)]


@operations.get("/audits/{audit_id}", right=VIEW_AUDITS)
async def get_audit(request: web.Request, audit_id: Id) -> AuditDetail:
    """One audit with its findings."""
    async with services(request).db.begin() as session:
        audit = await rows.get_audit(session, audit_id)
        found = await rows.findings_of(session, audit_id)
        known = AuditAnswer.model_validate(audit).model_dump()
        findings = [FindingAnswer.model_validate(one) for one in found]
        return AuditDetail(**known, counts=counts_of(audit), findings=findings)


@operations.post("/audits", right=RUN_AUDITS, status=202, errors=(404,))
async def post_audit(request: web.Request, body: NewAudit) -> AuditAnswer:
    """Ask for an audit; it runs beside and says how far it is."""
    parts, who = services(request), person(request)
    if body.pbx not in {link.pbx for link in parts.live.links()}:
        raise NotFound(f"There is no switchboard {body.pbx}.")
    if not keeps_records(request, body.pbx):
        raise Invalid(f"Where {body.pbx} keeps its own records is not set: give CEL or CDR.", "pbx")
    now = parts.now()
    to_at = min(body.to_at or now, now)
    async with parts.db.begin() as session:
        audit = await rows.ask(
            session,
            pbx=body.pbx,
            reason=Reason.PERSON,
            from_at=body.from_at or to_at - USUAL,
            to_at=to_at,
            heal=body.heal,
            due_at=now,
            asked_by=who.user_id,
        )
        await _log(session, request, audit)
        await session.refresh(audit)
        return AuditAnswer.model_validate(audit)


async def _log(session: AsyncSession, request: web.Request, audit: CallAudit) -> None:
    await record(
        session,
        user_id=person(request).user_id,
        action="audit.run",
        object_kind="call_audit",
        object_id=audit.id,
        address=visitor_address(request),
    )


def keeps_records(request: web.Request, pbx: str) -> bool:
    """Whether the settings say where this switchboard keeps its own records."""
    known = services(request).settings.switchboards
    return any(one.name == pbx and (one.cel or one.cdr) for one in known)
