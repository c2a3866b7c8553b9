"""The page of goods: calls about them, what was sold in these, all orders with them."""

from aiohttp import web

from crm_core.read.fact_labels import way_labels
from crm_core.read.facts import Key, Way
from web.fact_pages import common
from web.fact_report import HEADS, FactQuery, FactTable, build_facts
from web.fact_report import address as to
from web.fact_reports import OF_GOODS
from web.pages import Pages, read_filters, render
from web.rights import VIEW_FIGURES
from web.services import services
from web.sessions import person

pages = Pages()
DEEPER = {Way.CATEGORY: "category", Way.FAMILY: "family_id", Way.PRODUCT: "product_id", Way.SHOP: "shop_id"}
"""Rows that can be looked into, and the filter that does so."""


@pages.get("/reports/goods", right=VIEW_FIGURES)
async def show_goods(request: web.Request) -> web.Response:
    """Goods, or what else the rows are, with their calls, orders and money."""
    who, parts = person(request), services(request)
    query = read_filters(request, FactQuery)
    async with parts.db.begin() as session:
        table = await build_facts(session, OF_GOODS, query, who, parts.now())
        context = await common(session, who, table)
        chosen = []
        for way in (Way.CATEGORY, Way.FAMILY, Way.PRODUCT):
            key: Key = getattr(query, DEEPER[way])
            if key is not None:
                name = (await way_labels(session, way, [key]))[key]
                chosen.append((HEADS[way], name, DEEPER[way], key))
    context |= {"chosen": chosen, "deeper": _deeper(table)}
    return render(request, "goods.html", context)


def _deeper(table: FactTable) -> dict[Key, str]:
    """Of a category, a family or a shop its goods; of one of the goods its days."""
    if table.way not in DEEPER:
        return {}
    rows = Way.DAY if table.way is Way.PRODUCT else Way.PRODUCT
    keys = [line.key for line in table.lines if line.key is not None]
    return {
        key: to("/reports/goods", table.query, table.asked, rows, **{DEEPER[table.way]: key}) for key in keys
    }
