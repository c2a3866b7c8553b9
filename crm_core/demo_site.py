"""What people did before they call the demo: pages of the shops they looked at, carts they left, what they wrote."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from crm_core.customer import Customer
from crm_core.db import Base
from crm_core.demo_goods import Ware
from crm_core.demo_ids import Ids
from crm_core.demo_people import Person
from crm_core.message import Channel, Direction, Message
from crm_core.shop import Shop
from crm_core.site import Cart, Visit

SITES = ("https://dom-i-kuchnia.example", "https://haus-und-herd.example", "https://hearth-and-home.example")
STRANGER = "+48999000111"  # looked around and left a number, but never bought
_PLAIN = (
    ("Delivery and payment", "/delivery"),
    ("Returns", "/returns"),
    ("Home", "/"),
    ("Your orders", "/account"),
)
_TALKS = (
    (Channel.SMS, "Your order is packed and leaves today.", "Thank you! After five, please."),
    (Channel.WHATSAPP, "Is the table still there in oak?", "Yes, two are left. Shall I keep one for you?"),
    (Channel.EMAIL, "Please send the invoice to the company.", "The invoice is attached."),
    (Channel.TELEGRAM, "The lid came broken, what now?", "A new one is on its way, keep the old one."),
)


class SiteHistory:
    """Rows for carts, visits and messages; `shops`: the currency of each shop, `shop_of`: where each buyer buys."""

    def __init__(
        self,
        random: Random,
        now: datetime,
        *,
        ids: Ids,
        buyers: Sequence[Person],
        shop_of: Sequence[int],
        goods: Sequence[Sequence[Ware]],
        shops: Sequence[str],
    ) -> None:
        self._random, self._now, self._ids = random, now, ids
        self._goods, self._shops = goods, shops
        self._carts: list[dict[str, Any]] = []
        self._visits: list[dict[str, Any]] = []
        for place, buyer in enumerate(buyers):
            if random.random() < 0.6:
                who = {"customer_id": ids.of(Customer, place), "e164": buyer.e164, "email": buyer.email}
                self._browse(who, shop_of[place])
        self._messages = _messages(now, ids, buyers)
        self._browse({"customer_id": None, "e164": STRANGER, "email": None}, 0, leaves_cart=True)

    def tables(self) -> Iterator[tuple[type[Base], list[dict[str, Any]]]]:
        """The tables with their rows."""
        yield Visit, self._visits
        yield Cart, self._carts
        yield Message, self._messages

    def _browse(self, who: dict[str, Any], shop: int, *, leaves_cart: bool | None = None) -> None:
        """Half an hour in the shop, some of it today, most of it in the last days."""
        random = self._random
        left_at = self._now - timedelta(minutes=random.choice((2, 6, 12, 25, 48, 90, 200, 700, 1600, 4000)))
        wares = random.sample(list(self._goods[shop]), random.randint(2, 5))
        pages = [(ware.name, f"/p/{_slug(ware.name)}") for ware in wares]
        pages.insert(random.randint(0, len(pages)), random.choice(_PLAIN))
        if leaves_cart is None:
            leaves_cart = random.random() < 0.5
        if leaves_cart:
            pages.append(("Your cart", "/cart"))
            self._leave_cart(who, shop, wares, left_at)
        for back, (title, path) in enumerate(reversed(pages)):
            at = left_at - timedelta(seconds=back * random.randint(35, 160))
            self._visits.append(
                {**who, "shop_id": self._ids.of(Shop, shop), "external_id": f"demo-{len(self._visits)}",
                 "url": SITES[shop] + path, "title": title, "at": at}
            )  # fmt: skip

    def _leave_cart(self, who: dict[str, Any], shop: int, wares: Sequence[Ware], at: datetime) -> None:
        taken = wares[: self._random.choice((1, 1, 2, 3))]
        items = [
            {"sku": ware.sku, "name": ware.name, "price": str(ware.price),
             "quantity": self._random.choice((1, 1, 1, 2))}
            for ware in taken
        ]  # fmt: skip
        total = sum(ware.price * int(str(item["quantity"])) for ware, item in zip(taken, items, strict=True))
        number = len(self._carts)
        self._carts.append(
            {**who, "shop_id": self._ids.of(Shop, shop), "external_id": f"demo-{number}", "items": items,
             "total": total, "currency": self._shops[shop], "url": f"{SITES[shop]}/cart?id={4000 + number}",
             "updated_at": at}
        )  # fmt: skip


def _messages(now: datetime, ids: Ids, buyers: Sequence[Person]) -> list[dict[str, Any]]:
    """Every third buyer wrote and was answered, or the other way round."""
    rows: list[dict[str, Any]] = []
    for place in range(0, len(buyers), 3):
        channel, first, second = _TALKS[place // 3 % len(_TALKS)]
        began = now - timedelta(hours=3 + place * 2, minutes=place % 47)
        sides = [Direction.INBOUND, Direction.OUTBOUND]
        address = buyers[place].email if channel is Channel.EMAIL else buyers[place].e164
        for number, words in enumerate((first, second)):
            side = sides[(number + (channel is Channel.SMS)) % 2]
            rows.append(
                {"customer_id": ids.of(Customer, place), "channel": channel, "direction": side, "text": words,
                 "address": address, "external_id": f"demo-{place}-{number}",
                 "at": began + timedelta(minutes=9 * number)}
            )  # fmt: skip
    return rows


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
