"""What happened in the demo shops before today: calls, orders, deals, promises, notes, in believable states."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid5

from crm_core.agent_state import AgentInterval
from crm_core.call import Call, CallLeg
from crm_core.call_link import CallLink
from crm_core.callback import Callback
from crm_core.customer import Customer, CustomerNote
from crm_core.db import Base
from crm_core.deal_rows import Deal, DealMove
from crm_core.demo_goods import Ware
from crm_core.demo_ids import Ids
from crm_core.demo_people import Person
from crm_core.demo_shifts import shifts
from crm_core.demo_ways import lead_deals, order_steps
from crm_core.funnel import SALES
from crm_core.line import Line
from crm_core.order import Order, OrderChange, OrderItem
from crm_core.order_total import OrderLine, add_up
from crm_core.payment import Payment
from crm_core.product import Product
from crm_core.queue_visit import QueueVisit
from crm_core.recording import Recording
from crm_core.shop import Shop
from crm_core.user import User

ORDERS, OTHER_CALLS, DEALS = 700, 420, 46
FIRST_NUMBER = 1001
KEPT = timedelta(days=2)  # sound of older calls has expired; that of newer ones was never made in the demo
_NAMESPACE = UUID("6f2b7c52-7f2e-4d1e-9f50-0c9f6f1f3a55")

# Age in days up to which the states apply, with how often; the youngest first.
_STATES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.4, ("new", "new", "confirmed")),
    (1.5, ("new", "confirmed", "confirmed", "packed", "cancelled")),
    (3.0, ("packed", "on_delivery", "on_delivery", "delivered", "cancelled")),
    (6.0, ("on_delivery", "delivered", "delivered", "done", "done")),
    (999.0, ("done",) * 22 + ("cancelled", "returned", "delivered")),
)
_DELIVERY = {
    "PL": (("DPD", "14.90"), ("InPost", "11.90"), ("Courier", "24.90")),
    "DE": (("DHL", "4.90"), ("DPD", "5.90")),
    "GB": (("Royal Mail", "3.90"), ("Courier", "7.90")),
}
_TALKED = (
    ("order_question", "Asked where the parcel is, told the tracking number"),
    ("order_question", "Wants delivery before ten"),
    ("order_changed", "One more piece, address stays the same"),
    ("delivery_problem", "Courier came when nobody was home, second try on Friday"),
    ("complaint", "Box was broken, wants a replacement"),
    ("product_question", "Asked about blue mugs, not in stock then"),
    ("product_question", "Compared two laptops, will think about it"),
    ("callback_promised", "Call back about the refund"),
    ("not_interested", ""),
    ("other", "Asked for the opening hours of the shop"),
)
_REASONS = ("Call back about the refund", "Missed call", "Confirm the delivery time", "Invoice was asked for",
            "Price for ten pieces", "Replacement is on its way")  # fmt: skip
_DEALS = ("Kitchen refresh", "Chairs for the office", "Winter jackets for the team", "Laptops for a school",
          "Lamps for a hotel", "Gifts for the staff", "New flat, everything", "Heaters for a warehouse")  # fmt: skip
_NOTES = ("Gate code 14B, second staircase", "Speaks English and German", "Always asks for a discount",
          "Wants invoices to the company", "Parcel to the neighbour if nobody is home")  # fmt: skip


class History:
    """Rows for the tables, made at once; `tables` gives them in an order in which they may be inserted."""

    def __init__(
        self,
        random: Random,
        now: datetime,
        *,
        pbx: str,
        ids: Ids,
        buyers: Sequence[Person],
        goods: Sequence[Sequence[Ware]],
        lines: Sequence[tuple[str, str, int]],
        shops: Sequence[tuple[str, str, str]],
        operators: Sequence[tuple[int, str]],
    ) -> None:
        self._random, self._now, self._pbx, self._ids = random, now, pbx, ids
        self._buyers, self._goods, self._lines, self._shops = buyers, goods, lines, shops
        self._operators = operators
        self._ways = Random(2)  # one of its own, so that the rest stays as it was
        self.next_numbers = [FIRST_NUMBER] * len(shops)
        self._rows: dict[type[Base], list[dict[str, Any]]] = {
            table: []
            for table in (Call, CallLeg, QueueVisit, Recording, Deal, DealMove, Order, OrderItem, OrderChange, Payment,
                          CallLink, Callback, CustomerNote)
        }  # fmt: skip
        self._make_deals()
        self._make_orders()
        for _ in range(OTHER_CALLS):
            self._make_call(self._buyer(), self._instant(random.expovariate(1 / 14)), *random.choice(_TALKED))
        self._make_callbacks()
        self._make_notes()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self._rows[AgentInterval] = shifts(Random(1), self._rows[Call], until=today)

    def tables(self) -> Iterator[tuple[type[Base], list[dict[str, Any]]]]:
        """Every table with its rows, those that are referred to first."""
        yield from self._rows.items()

    def _buyer(self) -> int:
        """Few customers buy often, most seldom."""
        return int(len(self._buyers) * self._random.random() ** 1.7)

    def shop_of(self, buyer: int) -> int:
        """The place of the shop where a buyer buys."""
        country = {"CZ": "DE", "US": "GB"}.get(self._buyers[buyer].country.code, "")
        known = [country or self._buyers[buyer].country.code]
        return next((place for place, shop in enumerate(self._shops) if shop[1] in known), 0)

    def _instant(self, days_ago: float) -> datetime:
        """An hour of work so many days ago (at most 120), and never later than half an hour ago."""
        day = (self._now - timedelta(days=min(days_ago, 120))).replace(minute=0, second=0, microsecond=0)
        at = day.replace(hour=self._random.randint(7, 16)) + timedelta(seconds=self._random.randint(0, 3599))
        latest = self._now - timedelta(minutes=30)
        return at if at < latest else latest - timedelta(minutes=self._random.randint(0, 240))

    def _make_deals(self) -> None:
        for place in range(DEALS):
            buyer, stage = (
                self._buyer(),
                self._random.choice(("new", "offer", "offer", "ordered", "won", "lost")),
            )
            created_at = self._instant(self._random.expovariate(1 / 12))
            closed = stage in ("won", "lost")
            self._rows[Deal].append(
                {"id": self._ids.of(Deal, place), "title": self._random.choice(_DEALS), "funnel_id": SALES,
                 "stage": stage, "amount": Decimal(self._random.randint(8, 400) * 10),
                 "currency": self._shops[self.shop_of(buyer)][0],
                 "customer_id": self._ids.of(Customer, buyer),
                 "responsible_id": self._ids.of(User, self._random.choice(self._operators)[0]),
                 "closed_at": created_at + timedelta(hours=2) if closed else None,
                 "lost_reason_id": 2 + place % 5 if stage == "lost" else None,
                 "stage_since": created_at, "created_at": created_at, "updated_at": created_at}
            )  # fmt: skip

    def _make_orders(self) -> None:
        """In the order of time, so that numbers grow with it."""
        plans = sorted(
            (self._instant(self._random.expovariate(1 / 26)), self._buyer()) for _ in range(ORDERS)
        )
        deals = {it["customer_id"]: it for it in self._rows[Deal] if it["stage"] in ("ordered", "won")}
        for created_at, buyer in plans:
            self._make_order(created_at, buyer, deals)
        served = {it["deal_id"] for it in self._rows[Order]}
        for it in self._rows[Deal]:
            if it["id"] not in served and it["stage"] == "ordered":
                it["stage"] = "offer"
        self._rows[DealMove] += lead_deals(self._ways, self._rows[Deal], self._now)

    def _make_order(self, created_at: datetime, buyer: int, deals: dict[int, dict[str, Any]]) -> None:
        random, shop, place = self._random, self.shop_of(buyer), len(self._rows[Order])
        order_id, currency, country, prefix = self._ids.of(Order, place), *self._shops[shop]
        call = None
        if random.random() < 0.45:
            call = self._make_call(
                buyer, created_at - timedelta(minutes=4), "order_placed", "Order by phone", True
            )
        age = (self._now - created_at).total_seconds() / 86_400
        status = random.choice(next(states for days, states in _STATES if age <= days))
        carrier, cost = random.choice(_DELIVERY[country])
        items = self._items(order_id, shop)
        total = add_up([OrderLine(it["quantity"], it["price"]) for it in items], delivery=Decimal(cost)).total
        deal = deals.pop(self._ids.of(Customer, buyer), None)
        if deal is not None:
            status = {"won": "done", "ordered": "confirmed"}[deal["stage"]]
            deal["amount"] = total
        paid = total if status == "done" or random.random() < 0.55 else Decimal(0)
        paid = paid if status != "cancelled" else Decimal(0)
        sent = status in ("on_delivery", "delivered", "done", "returned")
        operator, call_id = (call["operator_id"], call["id"]) if call else (None, None)
        self._rows[OrderItem].extend(items)
        self._rows[Order].append(
            {"id": order_id, "number": f"{prefix}-{self.next_numbers[shop]}", "shop_id": self._ids.of(Shop, shop),
             "customer_id": self._ids.of(Customer, buyer), "deal_id": deal and deal["id"], "status": status,
             "total": total, "paid": paid, "currency": currency,
             "delivery_method": carrier, "delivery_address": self._address(buyer),
             "delivery_cost": Decimal(cost),
             "tracking": f"{carrier} {random.randint(1, 9)}-{random.randint(10, 99)}-{4000 + place}" if sent else None,
             "promised_at": created_at + timedelta(days=random.randint(2, 4)),
             "comment": random.choice((None, None, None, "Please call before delivery", "Leave it with the neighbour")),
             "created_by": operator, "created_in_call_id": call_id, "manager_id": self._leader(status),
             "created_at": created_at, "updated_at": created_at}
        )  # fmt: skip
        if paid:
            self._rows[Payment].append(
                {
                    "order_id": order_id,
                    "kind": "final",
                    "amount": paid,
                    "method": "online",
                    "created_at": created_at,
                }
            )
        self.next_numbers[shop] += 1
        number = self._rows[Order][-1]["number"]
        self._change(order_id, {"created": [None, number]}, operator, call_id, created_at)
        if status != "new":
            moved_at = min(
                created_at + timedelta(hours=random.randint(2, 50)), self._now - timedelta(minutes=9)
            )
            order = self._rows[Order][-1]
            for at, what in order_steps(self._ways, order, moved_at, self._now - timedelta(minutes=5)):
                self._change(order_id, what, order["manager_id"], None, at)
        if call is not None:
            self._link(call, order_id=order_id, role="created", rule="created_in_call")
            if deal is not None:
                self._link(call, deal_id=deal["id"], role="discussed", rule="deal_of_order")

    def _leader(self, status: str) -> int | None:
        """Who is in charge: of most that somebody has begun."""
        if status == "new" or self._ways.random() < 0.2:
            return None
        return self._ids.of(User, self._ways.choice(self._operators)[0])

    def _items(self, order_id: int, shop: int) -> list[dict[str, Any]]:
        offset = sum(len(assortment) for assortment in self._goods[:shop])
        places = self._random.sample(
            range(len(self._goods[shop])), self._random.choice((1, 1, 1, 2, 2, 3, 4))
        )
        return [
            {"order_id": order_id, "product_id": self._ids.of(Product, offset + place),
             "sku": self._goods[shop][place].sku, "name": self._goods[shop][place].name,
             "quantity": self._random.choice((1, 1, 1, 2, 2, 3, 6)), "price": self._goods[shop][place].price,
             "purchase_price": self._goods[shop][place].cost}
            for place in places
        ]  # fmt: skip

    def _address(self, buyer: int) -> str:
        return f"{self._buyers[buyer].address}, {self._buyers[buyer].city}"

    def _change(
        self, order_id: int, what: dict[str, Any], user_id: int | None, call_id: UUID | None, at: datetime
    ) -> None:
        self._rows[OrderChange].append(
            {"order_id": order_id, "user_id": user_id, "call_id": call_id, "what": what, "created_at": at}
        )

    def _link(self, call: dict[str, Any], *, role: str, rule: str, **to: int) -> None:
        self._rows[CallLink].append(
            {"call_id": call["id"], "order_id": None, "deal_id": None, "role": role, "rule": rule,
             "created_by": call["operator_id"], "created_at": call["ended_at"], **to}
        )  # fmt: skip

    def _make_call(
        self, buyer: int, started_at: datetime, disposition: str, note: str, answered: bool | None = None
    ) -> dict[str, Any]:
        """A call of the past with its ringing; one in eight was missed unless it must be answered."""
        random, place = self._random, len(self._rows[Call])
        if answered is None:
            answered = random.random() > 0.13
        inbound = answered is False or random.random() < 0.8
        shop = self.shop_of(buyer)
        line_place = random.choice([place for place, line in enumerate(self._lines) if line[2] == shop])
        did, queue, _ = self._lines[line_place]
        operator, extension = random.choice(self._operators)
        wait_s = round(random.uniform(3, 40), 1)
        talk_s = round(random.lognormvariate(5, 0.6), 1) if answered else 0.0
        answered_at = started_at + timedelta(seconds=wait_s) if answered else None
        ended_at = started_at + timedelta(seconds=wait_s + talk_s)
        user_id = self._ids.of(User, operator)
        linkedid = f"{started_at.timestamp():.0f}.{place}"
        left = random.choice(("abandoned", "abandoned", "overflow"))
        call = {
            "id": uuid5(_NAMESPACE, linkedid), "pbx": self._pbx, "linkedid": linkedid, "linkedids": [linkedid],
            "direction": "inbound" if inbound else "outbound", "state": "ended",
            "remote_raw": self._buyers[buyer].e164, "remote_e164": self._buyers[buyer].e164,
            "remote_name": None, "line": did, "line_id": self._ids.of(Line, line_place),
            "queue": queue if inbound else None,
            "operator_id": user_id if answered else None,
            "operator_extension": extension if answered else None,
            "operators": [extension] if answered else [], "click_to_call": not inbound,
            "started_at": started_at, "rang_at": started_at + timedelta(seconds=1), "answered_at": answered_at,
            "ended_at": ended_at, "wait_s": wait_s, "talk_s": talk_s,
            "result": "answered" if answered else left, "missed_place": None if answered else "queue",
            "ended_by": random.choice(("remote", "remote", "operator")) if answered else "remote",
            "complete": True, "customer_id": self._ids.of(Customer, buyer), "customer_rule": "number",
            "disposition": disposition if answered else None,
            "disposed_at": ended_at + timedelta(seconds=20) if answered else None,
            "disposed_by": user_id if answered else None, "note": note if answered else "",
            "note_version": 1 if answered and note else 0,
            "noted_at": ended_at if answered and note else None,
            "noted_by": user_id if answered and note else None, "created_at": started_at,
            "updated_at": ended_at,
        }  # fmt: skip
        self._rows[Call].append(call)
        self._rows[CallLeg].append(
            {"call_id": call["id"], "uniqueid": f"{linkedid}1", "extension": extension, "user_id": user_id,
             "rang_at": call["rang_at"], "answered_at": answered_at, "ended_at": ended_at,
             "result": "answered" if answered else "no_answer", "queue": call["queue"],
             "rang_s": round(wait_s * 0.8, 1)}
        )  # fmt: skip
        if inbound:
            outcome = "answered" if answered else "timeout" if left == "overflow" else left
            self._rows[QueueVisit].append(
                {"call_id": call["id"], "uniqueid": linkedid, "queue": queue, "began_at": started_at,
                 "entered_at": started_at, "left_at": started_at + timedelta(seconds=wait_s), "position": 1,
                 "left_position": 1, "wait_s": wait_s, "outcome": outcome}
            )  # fmt: skip
        if answered and self._now - started_at > KEPT:
            self._rows[Recording].append(
                {"call_id": call["id"], "pbx": call["pbx"], "side": "mix", "state": "expired",
                 "seconds": talk_s, "taken_at": ended_at}
            )  # fmt: skip
        return call

    def _make_callbacks(self) -> None:
        minutes = (-1500, -190, -45, -12, 4, 25, 50, 95, 140, 230, 320, 1300, 1490, 2900)
        for place, due in enumerate(minutes):
            buyer, operator = self._buyer(), self._operators[place % len(self._operators)][0]
            missed = place % 4 == 1
            self._rows[Callback].append(
                {"customer_id": self._ids.of(Customer, buyer), "number": self._buyers[buyer].e164,
                 "due_at": self._now + timedelta(minutes=due), "state": "open",
                 "reason": "Missed call" if missed else _REASONS[place % len(_REASONS)],
                 "assigned_to": None if missed else self._ids.of(User, 0 if place % 2 else operator),
                 "created_by": None if missed else self._ids.of(User, operator),
                 "created_at": self._now - timedelta(days=2)}
            )  # fmt: skip

    def _make_notes(self) -> None:
        for place in range(0, len(self._buyers), 4):
            self._rows[CustomerNote].append(
                {"customer_id": self._ids.of(Customer, place), "text": self._random.choice(_NOTES),
                 "user_id": self._ids.of(User, self._random.choice(self._operators)[0]),
                 "created_at": self._instant(self._random.uniform(1, 90))}
            )  # fmt: skip
