"""A line in the audit log for what somebody changed by a request."""

from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import audit
from web.middleware import visitor_address
from web.sessions import person


async def note(
    session: AsyncSession,
    request: web.Request,
    action: str,
    object_id: int | UUID | None,
    /,
    **detail: object,
) -> None:
    """Who asked did `action` ("line.add") to the object of this id; its kind is what stands before the dot."""
    await audit.record(
        session,
        user_id=person(request).user_id,
        action=action,
        object_kind=action.split(".")[0],
        object_id=object_id,
        detail=detail,
        address=visitor_address(request),
    )
