"""The audit log as a list: who did, saw, exported and heard what, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.audit import AuditEntry
from crm_core.read import page
from crm_core.read.match import starts
from crm_core.read.page import Page, Sort
from crm_core.user import User

SORTS = (
    Sort(AuditEntry.created_at, "created_at", page.instant, down=True),
    Sort(AuditEntry.id, "id", page.number, down=True),
)


@dataclass(frozen=True, kw_only=True)
class JournalRow:
    """One thing that somebody did (`user` None: the system), to what, from which address."""

    id: int
    user_id: int | None
    user: str | None
    action: str
    object_kind: str | None
    object_id: str | None
    call_id: UUID | None
    detail: dict[str, Any]
    address: str | None
    created_at: datetime

    @property
    def link(self) -> str | None:
        """Where the object can be looked at."""
        linked = self.object_kind in ("customer", "order", "deal", "call", "product") and self.object_id
        return f"/{self.object_kind}s/{self.object_id}" if linked else None

    @property
    def words(self) -> str:
        """What was done, as people say it: "Order changed", "Customer: numbers added"."""
        noun, _, rest = self.action.partition(".")
        *about, last = _spaced(rest).split() or [""]
        done = " ".join((*about, _DONE.get(last, last)))
        return f"{_spaced(noun).capitalize()}{':' if about or last not in _DONE else ''} {done}".rstrip(": ")

    @property
    def said(self) -> str:
        """The details in one line."""
        told = {key: value for key, value in self.detail.items() if key != "listen"}
        return "; ".join(f"{_spaced(key)}: {_plain(value)}" for key, value in told.items())


_DONE = {
    "add": "added", "begin": "begun", "change": "changed", "close": "closed", "create": "made", "end": "ended",
    "export": "exported", "import": "imported", "merge": "merged", "move": "moved", "open": "opened", "put": "set",
    "qualify": "qualified", "remove": "removed", "run": "run", "save": "saved", "skip": "skipped", "stop": "stopped",
    "undo": "undone", "update": "changed", "view": "seen",
    **{done: done for done in ("exported", "heard", "removed", "sent", "set", "settled", "skipped", "taken")},
}  # fmt: skip


def _spaced(code: str) -> str:
    return code.replace("_", " ").replace("-", " ")


def _plain(value: object) -> str:
    match value:
        case None | [] | {} | "":
            return "nothing"
        case list():
            return ", ".join(map(_plain, value))
        case dict():
            return ", ".join(f"{_spaced(key)} {_plain(part)}" for key, part in value.items())
        case bool():
            return "yes" if value else "no"
    return str(value)


async def list_journal(
    session: AsyncSession,
    *,
    user_id: int | None = None,
    action: str = "",
    object_kind: str | None = None,
    object_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[JournalRow]:
    """What was done, newest first. `action`: how it begins; `since` is in, `until` is not."""
    names = [name for name in JournalRow.__annotations__ if name != "user"]
    query = select(*(getattr(AuditEntry, name) for name in names), User.name.label("user"))
    query = query.select_from(AuditEntry).outerjoin(User, User.id == AuditEntry.user_id)
    exact = {
        AuditEntry.user_id: user_id,
        AuditEntry.object_kind: object_kind,
        AuditEntry.object_id: object_id,
    }
    query = query.where(*(column == value for column, value in exact.items() if value is not None))
    if action:
        query = query.where(AuditEntry.action.like(starts(action)))
    if since is not None:
        query = query.where(AuditEntry.created_at >= since)
    if until is not None:
        query = query.where(AuditEntry.created_at < until)
    return await page.load(session, query, SORTS, JournalRow, after=after, limit=limit)


async def kinds(session: AsyncSession) -> list[str]:
    """The kinds of objects that something was done to; by a walk along the index, not through the log."""
    found: list[str] = []
    while True:
        query = select(AuditEntry.object_kind).where(AuditEntry.object_kind > (found[-1] if found else ""))
        kind = await session.scalar(query.order_by(AuditEntry.object_kind).limit(1))
        if kind is None:
            return found
        found.append(kind)
