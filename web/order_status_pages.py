"""The page of the statuses of orders: in groups, each with its names, looks, order and limits."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.order_status import Group
from crm_core.status_list import MOST, SHAPES, TONES, OrderStatus, list_statuses
from web import order_statuses
from web.forms import checked, settle, whole_or_none
from web.order_statuses import StatusesGiven
from web.pages import Flash, Pages, go, render
from web.rights import EDIT_STATUSES
from web.services import services

pages = Pages()
LAST = 10**9  # the place of one that was given none
TYPED = ("code", "name", "tone", "shape", "active", "late_days")
NAMES = {
    Group.NEW: ("New", "nobody has begun"),
    Group.WORK: ("In progress", "agreed, waited for, packed"),
    Group.DELIVERY: ("On delivery", "the goods are out of the house"),
    Group.HANDED: ("Handed over", "the customer has it; open until it is paid"),
    Group.DONE: ("Closed well", "sold"),
    Group.LOST: ("Closed badly", "nothing is sold, the goods are back on the shelf"),
}


@pages.get("/order-statuses", right=EDIT_STATUSES)
async def show_statuses(request: web.Request) -> web.Response:
    """Every status, group by group."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        found = await list_statuses(session)
    rows = [_row(it, 10 * place) for place, it in enumerate(found, 1)] if typed is None else _rows(typed)
    known = {it.code: it for it in found}
    context = {
        "groups": [
            (group, *said, [it for it in rows if it["group"] == group]) for group, said in NAMES.items()
        ],
        "known": known,
        "version": max(it.version for it in found) if typed is None else typed.get("version", ""),
        "tones": TONES,
        "shapes": SHAPES,
    }
    return render(request, "order_statuses.html", context, flash=flash, typed=typed)


@pages.post("/order-statuses", right=EDIT_STATUSES)
async def change_statuses(request: web.Request) -> web.Response:
    """Save all of them; one without a name is taken away."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        version = whole_or_none(typed.get("version", ""), "version")
        body = checked(StatusesGiven, {}, version=version, statuses=_statuses(typed))
        await order_statuses.put_order_statuses(request, body)
        return go("/order-statuses", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _row(status: OrderStatus, place: int) -> dict[str, Any]:
    """A status as a row of the form."""
    said = {name: getattr(status, name) for name in (*TYPED, "group")}
    return said | {
        "late_days": status.late_days or "",
        "active": "yes" if status.active else "",
        "place": place,
    }


def _rows(typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of the form as they were typed."""
    return [
        {name: typed.get(f"{name}{n}", "") for name in (*TYPED, "group", "place")}
        for n in range(MOST + len(Group))
        if typed.get(f"name{n}") or typed.get(f"code{n}")
    ]


def _statuses(typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """What they say, in the order of their places; one without a name is taken away."""
    rows = [
        (whole_or_none(row.pop("place"), "place") or LAST, row | {
            "code": row["code"] or None,
            "active": row["active"] == "yes",
            "late_days": whole_or_none(row["late_days"], "late after"),
        })
        for row in _rows(typed)
        if row["name"]
    ]  # fmt: skip
    return [row for _, row in sorted(rows, key=lambda placed: placed[0])]
