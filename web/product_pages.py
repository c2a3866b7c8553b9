"""Pages of the catalogue: the list, and one product with its variants, stock and prices."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.read.products import list_products, load_product
from web import product_search, products
from web.forms import checked, settle
from web.order_forms import article
from web.pages import (
    Flash,
    Pages,
    go,
    is_set,
    local_instant,
    number_in,
    read_filters,
    render,
    shops_to_choose,
    turn,
)
from web.rights import EDIT_PRODUCTS, VIEW_PRODUCTS, VIEW_PURCHASES
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/products", right=VIEW_PRODUCTS)
async def show_products(request: web.Request) -> web.Response:
    """The catalogue by name."""
    return await _list(request)


async def _list(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    filters, who = read_filters(request, products.CatalogueQuery), person(request)
    async with services(request).db.begin() as session:
        found = await list_products(session, **filters.model_dump())
        shops = await shops_to_choose(session)
    context = {
        "filters": filters,
        "filters_set": is_set(filters),
        "rows": [products.item_for(row, who) for row in found.rows],
        "pages": turn(request, found),
        "shops": shops,
        **_rights(request),
    }
    return render(request, "products.html", context, flash=flash, typed=typed)


@pages.post("/products", right=EDIT_PRODUCTS)
async def add_product(request: web.Request) -> web.Response:
    """Add a product and show its page."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(products.NewProduct, _known(request, typed), **_lists(typed), shop_id=_shop(typed))
        made = await products.post_product(request, body)
        return go(f"/products/{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _list(request, flash, typed))


@pages.get("/products/{product_id}", right=VIEW_PRODUCTS)
async def show_product(request: web.Request) -> web.Response:
    """One product."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        product = await products.whole(session, request, number_in(request, "product_id"))
    context = {"product": product, **_rights(request)}
    return render(request, "product.html", context, flash=flash, typed=typed)


@pages.post("/products/{product_id}", right=EDIT_PRODUCTS)
async def change_product(request: web.Request) -> web.Response:
    """Change names, codes, properties and the usual price."""
    product_id = number_in(request, "product_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        fixed = {**_lists(typed), "active": typed.get("active") == "yes"}
        body = checked(products.ProductChange, _known(request, typed), **fixed)
        await products.patch_product(request, product_id, body)
        return go(f"/products/{product_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/products/{product_id}/stock/{warehouse_id}", right=EDIT_PRODUCTS)
async def change_stock(request: web.Request) -> web.Response:
    """Say how many pieces were counted in a warehouse."""
    product_id, warehouse_id = number_in(request, "product_id"), number_in(request, "warehouse_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(products.NewLevel, typed)
        await products.put_stock(request, product_id, warehouse_id, body)
        return go(f"/products/{product_id}#stock", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/products/{product_id}/suppliers", right=EDIT_PRODUCTS)
async def change_supply(request: web.Request) -> web.Response:
    """Say what a supplier has; without a number he has it no longer."""
    product_id = number_in(request, "product_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        if typed.get("quantity"):
            await products.put_supply(request, product_id, checked(products.NewSupply, typed))
        else:
            await products.delete_supply(request, product_id, checked(products.GoneSupply, typed))
        return go(f"/products/{product_id}#suppliers", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/products/{product_id}/prices", right=EDIT_PRODUCTS)
async def add_price(request: web.Request) -> web.Response:
    """Add a price for a price list, for a time, or both."""
    product_id, who = number_in(request, "product_id"), person(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        ends = ("starts_at", "ends_at")
        times = {name: local_instant(typed[name], who, name) for name in ends if typed.get(name)}
        await products.post_price(request, product_id, checked(products.NewPrice, typed, **times))
        return go(f"/products/{product_id}#prices", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/products/{product_id}/accessories", right=EDIT_PRODUCTS)
async def add_accessory(request: web.Request) -> web.Response:
    """Offer an article, found by its SKU, to whoever takes this product."""
    product_id = number_in(request, "product_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with services(request).db.begin() as session:
            shop_id = (await load_product(session, product_id)).shop_id
            other_id = await article(session, shop_id, typed.get("accessory", ""), "accessory")
        line = checked(product_search.Line, {"line": typed.get("line", "")})
        await product_search.put_product_accessory(request, product_id, other_id, line)
        return go(f"/products/{product_id}#accessories", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/products/{product_id}/accessories/{other_id}/remove", right=EDIT_PRODUCTS)
async def remove_accessory(request: web.Request) -> web.Response:
    """Offer it no longer."""
    product_id = number_in(request, "product_id")
    await product_search.delete_accessory(request, product_id, number_in(request, "other_id"))
    return go(f"/products/{product_id}#accessories", "saved")


@pages.post("/products/{product_id}/prices/{price_id}/remove", right=EDIT_PRODUCTS)
async def remove_price(request: web.Request) -> web.Response:
    """Take a price away."""
    product_id = number_in(request, "product_id")
    await products.delete_price(request, product_id, number_in(request, "price_id"))
    return go(f"/products/{product_id}#prices", "saved")


@pages.post("/warehouses", right=EDIT_PRODUCTS)
async def add_warehouse(request: web.Request) -> web.Response:
    """Add a place where goods lie."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(products.NewWarehouse, {"name": typed.get("warehouse", "")}, shop_id=_shop(typed))
        await products.post_warehouse(request, body)
        return go("/products", "saved")

    return await settle(request, step, lambda flash, typed: _list(request, flash, typed))


def _rights(request: web.Request) -> dict[str, bool]:
    who = person(request)
    return {"may_edit": who.may(EDIT_PRODUCTS), "sees_purchases": who.may(VIEW_PURCHASES)}


def _shop(typed: Mapping[str, str]) -> int | None:
    shop = typed.get("shop_id", "")
    return int(shop) if shop.isascii() and shop.isdigit() and int(shop) < 2**53 else None


def _known(request: web.Request, typed: Mapping[str, str]) -> dict[str, str]:
    """The form without a purchase price when this person may not know it: then nothing is said about it."""
    hidden = () if person(request).may(VIEW_PURCHASES) else ("purchase_price",)
    return {name: value for name, value in typed.items() if name not in hidden}


def _lists(typed: Mapping[str, str]) -> dict[str, Any]:
    """Barcodes and aliases by commas or lines; properties one a line, written "colour: red"."""
    codes, names = (
        [it.strip() for it in typed.get(field, "").replace(",", "\n").splitlines() if it.strip()]
        for field in ("barcodes", "aliases")
    )
    pairs = [line.partition(":") for line in typed.get("properties", "").splitlines() if line.strip()]
    return {
        "barcodes": codes,
        "aliases": names,
        "properties": {name.strip(): value.strip() for name, _, value in pairs},
    }
