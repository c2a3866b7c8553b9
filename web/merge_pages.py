"""Pages of double cards: likely pairs with the reason, merging, and taking apart again."""

from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from crm_core.read.duplicates import list_duplicates
from web import merges
from web.fields import Id
from web.forms import checked, id_or_none, settle
from web.order_pages import refused
from web.pages import Flash, Pages, go, number_in, read_filters, render, turn
from web.rights import MERGE_CUSTOMERS
from web.services import services

pages = Pages()


class DuplicatesFilters(merges.DuplicatesQuery):
    """What the address says: which pairs, and the merge that was just made and may be taken back."""

    merge: Id | None = None


@pages.get("/customers/duplicates", right=MERGE_CUSTOMERS)
async def show_duplicates(request: web.Request) -> web.Response:
    """Pairs of customers who are probably one person."""
    filters = read_filters(request, DuplicatesFilters)
    async with services(request).db.begin() as session:
        found = await list_duplicates(session, **filters.model_dump(exclude={"merge"}))
    context = {
        "rows": found.rows,
        "kind": filters.kind,
        "merge": filters.merge,
        "pages": turn(request, found),
    }
    return render(request, "duplicates.html", context)


@pages.post("/customers/{customer_id}/merge", right=MERGE_CUSTOMERS)
async def settle_pair(request: web.Request) -> web.Response:
    """Let another card become part of this one, or remember that they are two people; `kind`: back to that list."""
    stays = number_in(request, "customer_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        goes = id_or_none(typed.get("customer_id", ""), "customer_id")
        pairs = f"/customers/duplicates?kind={quote(typed['kind'])}" if typed.get("kind") else None
        if typed.get("do") == "different":
            await merges.post_different(request, stays, checked(merges.Apart, {}, customer_id=goes))
            return go(pairs or f"/customers/{stays}", "different")
        made = await merges.post_merge(request, stays, checked(merges.Together, typed, customer_id=goes))
        return go(f"{pairs}&merge={made.id}") if pairs else go(f"/customers/{stays}", "merged")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return await refused(request, flash, f"/customers/{stays}")

    return await settle(request, step, again)


@pages.post("/merges/{merge_id}/undo", right=MERGE_CUSTOMERS)
async def undo(request: web.Request) -> web.Response:
    """Take two customers apart again and show the one that came back."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        made = await merges.post_unmerge(request, number_in(request, "merge_id"))
        return go(f"/customers/{made.gone_id}", "unmerged")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return await refused(request, flash, "/customers")

    return await settle(request, step, again)
