"""The tasks and files of a customer, an order or a deal on its page: `object_tasks.html`, `object_files.html`."""

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.document import KINDS, list_documents
from crm_core.read.tasks import tasks_about
from crm_core.user import Role
from web.pages import teams_to_choose, users_to_choose
from web.rights import GIVE_TASKS, Right
from web.services import services
from web.sessions import person
from web.tasks import viewer


async def panel(request: web.Request, session: AsyncSession, kind: str, object_id: int) -> dict[str, Any]:
    """Tasks about this object (`kind`: customer, order or deal) and who may be given another."""
    may_give = person(request).may(GIVE_TASKS)
    return {
        "tasks": await tasks_about(
            session, viewer(request), now=services(request).now(), **{f"{kind}_id": object_id}
        ),
        "tasks_of": {"field": f"{kind}_id", "id": object_id, "back": f"/{kind}s/{object_id}#tasks"},
        "may_give": may_give,
        "teams": await teams_to_choose(session) if may_give else [],
        "performers": await users_to_choose(session) if may_give else [],
        "couriers": await users_to_choose(session, role=Role.COURIER) if may_give else [],
        **(await files(request, session, kind, object_id) if kind in KINDS else {}),
    }


async def files(request: web.Request, session: AsyncSession, kind: str, object_id: int) -> dict[str, Any]:
    """The files of this object, also those taken away."""
    found = await list_documents(session, kind, [object_id], traces=True)
    may = person(request).may(Right(f"{kind}s", "edit"))
    return {"files": found[object_id], "files_of": {"base": f"/{kind}s/{object_id}", "may": may}}
