"""The tasks of a customer, an order or a deal on its page: what `object_tasks.html` needs."""

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.read.tasks import tasks_about
from crm_core.user import Role
from web.pages import users_to_choose
from web.rights import GIVE_TASKS
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
        "performers": await users_to_choose(session) if may_give else [],
        "couriers": await users_to_choose(session, role=Role.COURIER) if may_give else [],
    }
