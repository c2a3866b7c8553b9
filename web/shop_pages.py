"""The page of shops: all of them, each with a form of its own, and a new one."""

from collections.abc import Mapping

import phonenumbers
from aiohttp import web
from babel import Locale

from crm_core.shop import list_shops
from web import shops
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_SHOPS
from web.services import services
from web.users import ZONES

pages = Pages()

_ENGLISH = Locale("en")
COUNTRIES = sorted(
    ((code, str(_ENGLISH.territories.get(code, code))) for code in phonenumbers.SUPPORTED_REGIONS),
    key=lambda it: it[1],
)


@pages.get("/shops", right=EDIT_SHOPS)
async def show_shops(request: web.Request) -> web.Response:
    """Every shop."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        rows = await list_shops(session)
    context = {
        "rows": rows,
        "countries": COUNTRIES,
        "zones": ZONES,
        "changed": request.match_info.get("shop_id"),
    }
    return render(request, "shops.html", context, flash=flash, typed=typed)


@pages.post("/shops", right=EDIT_SHOPS)
async def add_shop(request: web.Request) -> web.Response:
    """Add a shop."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await shops.post_shop(request, checked(shops.NewShop, _written(typed)))
        return go("/shops", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/shops/{shop_id}", right=EDIT_SHOPS)
async def change_shop(request: web.Request) -> web.Response:
    """Change a shop."""
    shop_id = number_in(request, "shop_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        await shops.patch_shop(request, shop_id, checked(shops.ShopChange, _written(typed)))
        return go("/shops", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _written(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed without blanks around it; a currency may be written small."""
    plain = {name: value.strip() for name, value in typed.items()}
    return plain | {"currency": plain.get("currency", "").upper()}
