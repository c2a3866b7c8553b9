"""The courier's page on his telephone, and the form that gives him an order."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.document import list_documents
from crm_core.read.deliveries import list_deliveries
from web import deliveries
from web.forms import checked, settle
from web.order_pages import page_again
from web.pages import Flash, Pages, go, local_instant, number_in, render
from web.rights import DELIVER, GIVE_TASKS
from web.services import services
from web.sessions import person
from web.tasks import viewer

pages = Pages()


@pages.get("/courier", right=DELIVER)
async def show_deliveries(request: web.Request) -> web.Response:
    """What one has to bring, the most urgent first."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        found = await list_deliveries(session, viewer(request, DELIVER))
        mine = [it for it in found if it.mine]
        own = await list_documents(session, "task", [it.id for it in mine])
        theirs = await list_documents(session, "order", [it.order_id for it in mine])
    context = {
        "rows": mine,
        "free": [it for it in found if not it.mine],
        "papers": {it.id: [*theirs[it.order_id], *own[it.id]] for it in mine},
    }
    return render(request, "courier.html", context, flash=flash, typed=typed)


@pages.post("/courier/{task_id}", right=DELIVER)
async def mark(request: web.Request) -> web.Response:
    """Set off, delivered and paid, or not delivered and why."""
    task_id = number_in(request, "task_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        why = ": ".join(filter(None, (typed.get("why"), typed.get("more"))))
        taken = typed.get("taken", "").replace(",", ".").replace(" ", "") or "0"
        body = checked(deliveries.Mark, typed, taken=taken, reason=why or None)
        await deliveries.put_delivery(request, task_id, body)
        return go("/courier", body.mark)

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/orders/{order_id}/courier", right=GIVE_TASKS)
async def give(request: web.Request) -> web.Response:
    """Let a courier bring this order."""
    order_id = number_in(request, "order_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        who = person(request)
        times = {
            name: local_instant(typed[name], who, name) for name in ("due_at", "remind_at") if typed.get(name)
        }
        courier = typed.get("performer_id", "")
        known = courier.isascii() and courier.isdigit() and len(courier) < 15
        body = checked(deliveries.CourierTask, typed, **times, performer_id=int(courier) if known else None)
        await deliveries.post_courier(request, order_id, body)
        return go(f"/orders/{order_id}#tasks", "given")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))
