"""A house in whose database happenings are put down as rows."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import insert

from crm_core.agent_state import AgentInterval
from crm_core.call import Call as CallRow
from crm_core.call import CallLeg
from crm_core.call_link import CallLink
from crm_core.call_script import CallScript, CallScriptChoice, CallScriptVersion
from crm_core.call_talk import CallTalk
from crm_core.callback import Callback
from crm_core.customer import Customer
from crm_core.db import Base, Database
from crm_core.figure.rows import Rows
from crm_core.figure.tally import Tally
from crm_core.line import create_line
from crm_core.order_rows import Order, OrderChange, OrderItem
from crm_core.queue_target import set_target
from crm_core.queue_visit import QueueVisit
from crm_core.review import Review
from crm_core.scorecard import Scorecard, ScorecardEdition
from crm_core.shop import create_shop
from crm_core.status_list import OrderStatus
from crm_core.user import create_user, map_extension
from crm_core.vote import CallVote
from tests.crm_core.happenings import CUSTOMERS, NIGHT, NOW, RULES, SCRIPTS, SOURCES, USERS

HEARD = ("operator_ms", "customer_ms", "silence_ms", "length_ms", "operator_broke_in", "operator_longest_ms")
HOUSE = UUID("6f2b7c52-7f2e-4d1e-9f50-0c9f6f1f3a56")


@dataclass
class Floor:
    """A house with three operators, and two lines, customers and scripts; ids of the rows -> those of the database."""

    db: Database
    users: dict[int | None, int | None]
    lines: dict[int | None, int | None]
    customers: dict[int | None, int | None]
    scripts: dict[int | None, int | None]
    shop: int


async def furnish(database: Database) -> Floor:
    """The house, empty yet."""
    async with database.begin() as session:
        shop = await create_shop(
            session, name="Home", currency="EUR", country="PL", timezone="Europe/Warsaw", order_prefix="A"
        )
        users, lines, customers, scripts = {None: None}, {None: None}, {None: None}, {None: None}
        for number in USERS:
            user = await create_user(session, login=f"u{number}", name=f"U {number}")
            await map_extension(session, pbx="main", extension=f"100{number}", user_id=user.id)
            users[number] = user.id
            if number <= 2:
                line = await create_line(
                    session,
                    pbx="main",
                    did=f"4822307112{number}",
                    name=f"L{number}",
                    country="PL",
                    shop_id=shop.id,
                )
                lines[number] = line.id
        for number in CUSTOMERS:
            customer = Customer(
                name=f"C {number}",
                sort_key=f"c {number}",
                search_key=f"c {number}",
                source=SOURCES.get(number),
            )
            session.add(customer)
            await session.flush()
            customers[number] = customer.id
        for number in SCRIPTS:
            script = CallScript(name=f"S {number}")
            session.add(script)
            await session.flush()
            scripts[number] = script.id
            session.add(CallScriptVersion(id=number, script_id=script.id, number=1, source="# Hello"))
        session.add(Scorecard(id=1, name="Talk"))
        await session.flush()
        session.add(ScorecardEdition(id=1, scorecard_id=1, number=1, name="Talk", questions=[]))
        for code in ("new.waits", "done.kept"):
            session.add(OrderStatus(code=code, name=code, tone="grey", shape="dot", position=99))
        for queue, target in RULES.targets.items():
            await set_target(session, queue=queue, target=target)
    return Floor(database, users, lines, customers, scripts, shop.id)


def call_id(number: int | None) -> UUID | None:
    return None if number is None else uuid5(HOUSE, str(number))


async def put(floor: Floor, rows: Rows) -> None:
    """The same happenings as rows of tables."""
    who, line, customer = floor.users, floor.lines, floor.customers
    tables: dict[type[Base], list[dict[str, Any]]] = {
        CallRow: [
            {"id": call_id(it.id), "pbx": "main", "linkedid": str(it.id), "linkedids": [str(it.id)],
             "direction": it.direction, "state": "ended" if it.result else "talking", "result": it.result,
             "remote_e164": it.number, "missed_place": it.missed_place, "operator_id": who[it.operator],
             "queue": it.queue, "line_id": line[it.line], "customer_id": customer[it.customer],
             "started_at": it.started_at, "ended_at": it.started_at if it.result else None,
             "wait_s": it.wait_s, "talk_s": it.talk_s, "hold_s": it.hold_s, "operators": [],
             "transfers": [
                 *({"kind": "blind", "from": giver and f"100{giver}", "to": "1", "result": "answered"}
                   for giver in it.givers),
                 {"kind": "blind", "from": "1001", "to": "1", "result": "no_answer"},
                 {"kind": "park", "from": "1001", "to": "1", "result": "answered"},
             ]}
            for it in rows.calls
        ],
        CallScriptChoice: [
            {"call_id": call_id(it.id), "version_id": it.script, "position": position, "step": "Hello",
             "answer": 0, "label": "Yes"}
            for it in rows.calls if it.script for position in (1, 2)
        ],
        CallTalk: [
            {"call_id": call_id(it.id)} | {name: it.heard and it.heard[place] for place, name in enumerate(HEARD)}
            for it in rows.calls
        ],
        CallVote: [
            {"call_id": call_id(it.call), "stars": it.stars, "way": "phone", "voted_at": NOW}
            for it in rows.votes
        ],
        Review: [
            {"call_id": call_id(it.call), "operator_id": who[it.user], "reviewer_id": who[1], "edition_id": 1,
             "marks": [], "score": Decimal(it.points) / 10, "zeroed": it.zeroed, "comment": "", "reviewed_at": NOW}
            for it in rows.judgements
        ],
        QueueVisit: [
            {"call_id": call_id(it.call), "uniqueid": str(number), "queue": it.queue, "began_at": NIGHT,
             "wait_s": it.wait_s, "outcome": it.outcome}
            for number, it in enumerate(rows.visits)
        ],
        CallLeg: [
            {"call_id": call_id(it.call), "uniqueid": str(number), "user_id": who[it.user], "queue": it.queue,
             "result": it.result, "rang_s": it.rang_s}
            for number, it in enumerate(rows.rings)
        ],
        AgentInterval: [
            {"user_id": who[it.user], "state": it.state, "reason": it.reason, "signed_in": True,
             "call_id": call_id(it.call), "from_at": it.since, "to_at": it.until if it.until < NOW else None}
            for it in rows.spans
        ],
        Callback: [
            {"number": "+48601220114", "due_at": it.due_at, "reason": "r", "assigned_to": who[it.user],
             "state": it.state, "done_at": it.done_at, "source_call_id": call_id(it.call)}
            for it in rows.promises
        ],
        Order: [
            {"id": it.id, "number": f"A{it.id}", "shop_id": floor.shop, "customer_id": customer[1],
             "status": it.status, "currency": it.currency, "total": it.total, "paid": it.paid,
             "delivery_cost": it.delivery}
            for it in rows.orders
        ],
        OrderItem: [
            {"order_id": it.id, "sku": "s", "name": "n", "quantity": 1, "price": 1, "purchase_price": it.cost}
            for it in rows.orders
        ],
        CallLink: [
            {"call_id": call_id(it.call), "order_id": it.order, "role": "created", "rule": "created_in_call",
             "removed_at": None if it.live else NOW}
            for it in rows.made
        ],
        OrderChange: [
            {"order_id": it.order, "call_id": call_id(it.call), "what": {"status": [it.before, it.after]}}
            for it in rows.moved
        ],
    }  # fmt: skip
    async with floor.db.begin() as session:
        for table in reversed(tables):
            await session.execute(table.__table__.delete())
        for table, values in tables.items():
            if values:
                await session.execute(insert(table.__table__), values)


def facts(tallies: dict[Any, Tally]) -> dict[tuple[Any, str], Any]:
    """What is not nought, by key and field: a difference is then seen at once."""
    return {
        (key, name): found for key, tally in tallies.items() for name, found in vars(tally).items() if found
    }
