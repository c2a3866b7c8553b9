"""The page of the rules by which orders are sold: limits of discounts, coupons, ways of delivery with their rates."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from crm_core.coupon import list_coupons
from crm_core.delivery import DeliveryRate, list_methods
from crm_core.discount_limit import by_role, list_limits
from crm_core.errors import Invalid
from crm_core.user import Role
from web import selling
from web.forms import checked, settle
from web.order_forms import said_off
from web.pages import Flash, Pages, go, local_instant, number_in, render, shops_to_choose
from web.rights import EDIT_ORDERS, EDIT_SELLING, RIGHTS
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/selling", right=EDIT_SELLING)
async def show_selling(request: web.Request) -> web.Response:
    """Everything that limits and prices an order."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        limits, shops = await list_limits(session), await shops_to_choose(session)
        coupons, methods = await list_coupons(session), await list_methods(session)
    context = {
        "roles": [str(role) for role in Role if EDIT_ORDERS in RIGHTS[role]],
        "limits": {shop_id: by_role(limits, shop_id) for shop_id in (None, *(it[0] for it in shops))},
        "shops": shops,
        "shop_names": dict(shops),
        "coupons": coupons,
        "methods": methods,
        "said_off": said_off,
        "written_rates": written_rates,
    }
    return render(request, "selling.html", context, flash=flash, typed=typed)


@pages.post("/selling/limits", right=EDIT_SELLING)
async def change_limits(request: web.Request) -> web.Response:
    """Set the limits of every shop together, or of one shop (an empty field: as everywhere)."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        shop_id = typed.get("shop_id") or None
        for role in Role:
            if role in typed:
                percent = typed[role].removesuffix("%").strip().replace(",", ".") or None
                body = checked(selling.NewLimit, {}, role=role, percent=percent, shop_id=shop_id)
                await selling.put_limit(request, body)
        return go("/selling#limits", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/selling/coupons", right=EDIT_SELLING)
async def add_coupon(request: web.Request) -> web.Response:
    """Issue a coupon."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(selling.NewCoupon, _sums(typed), **_times(request, typed))
        await selling.post_coupon(request, body)
        return go("/selling#coupons", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/selling/coupons/{coupon_id}", right=EDIT_SELLING)
async def change_coupon(request: web.Request) -> web.Response:
    """Let a coupon count, or no longer."""
    coupon_id = number_in(request, "coupon_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(selling.CouponChange, typed, active=typed.get("active") == "yes")
        await selling.patch_coupon(request, coupon_id, body)
        return go("/selling#coupons", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/selling/delivery", right=EDIT_SELLING)
async def add_method(request: web.Request) -> web.Response:
    """Offer a way of delivery."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(selling.NewMethod, _sums(typed), rates=read_rates(typed.get("rates", "")))
        await selling.post_method(request, body)
        return go("/selling#delivery", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/selling/delivery/{method_id}", right=EDIT_SELLING)
async def change_method(request: web.Request) -> web.Response:
    """Change a way of delivery and its rates."""
    method_id = number_in(request, "method_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        fixed = {"rates": read_rates(typed.get("rates", "")), "active": typed.get("active") == "yes"}
        await selling.patch_method(request, method_id, checked(selling.MethodChange, _sums(typed), **fixed))
        return go("/selling#delivery", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def read_rates(text: str) -> list[dict[str, Any]]:
    """Rates one a line, "Kraków, 30-: up to 5 kg: 12.50"; places and weight may be absent. Raises `Invalid`."""
    return [_rate(line) for line in text.splitlines() if line.strip()]


def _rate(line: str) -> dict[str, Any]:
    *said, cost = (part.strip() for part in line.split(":"))
    if not _SUM.fullmatch(cost):
        raise Invalid(f'"{line.strip()}" must end with what it costs, such as 12.50.', "rates")
    rate: dict[str, Any] = {"cost": cost.replace(",", "."), "places": [], "to_weight_g": None}
    for part in said:
        if part.lower().endswith("kg"):
            rate["to_weight_g"] = _grams(part)
        elif part:
            rate["places"] = [place.strip() for place in part.split(",") if place.strip()]
    return rate


_SUM = re.compile(r"[0-9]{1,10}([.,][0-9]{1,2})?")


def _grams(part: str) -> int:
    number = part.lower().removesuffix("kg").replace("up to", "").replace(",", ".").strip()
    try:
        return round(float(number) * 1000)
    except (ValueError, OverflowError):
        raise Invalid(f'"{part}" must be a weight, such as: up to 5 kg.', "rates") from None


def written_rates(rates: Sequence[DeliveryRate]) -> str:
    """The same the other way round."""
    lines = []
    for rate in rates:
        kilos = f"up to {rate.to_weight_g / 1000:g} kg" if rate.to_weight_g else ""
        lines.append(": ".join(part for part in (", ".join(rate.places), kilos, f"{rate.cost:.2f}") if part))
    return "\n".join(lines)


def _sums(typed: Mapping[str, str]) -> dict[str, str]:
    """Sums as people of half of Europe write them."""
    sums = ("percent", "amount", "minimum", "free_from")
    return {name: it.replace(",", ".") if name in sums else it for name, it in typed.items()}


def _times(request: web.Request, typed: Mapping[str, str]) -> dict[str, Any]:
    who = person(request)
    return {
        name: local_instant(typed[name], who, name) for name in ("starts_at", "ends_at") if typed.get(name)
    }
