"""Every route × somebody who may see only his own × his own and a colleague's things.

The routes are those of the application: one that shows a colleague's customer, order, deal, callback or call, or
changes one, fails here without anybody having thought of it. A new parameter of an address must be told in `ids`.
"""

import re
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import select, text, update

from crm_core.callback import create_callback
from crm_core.courier import give_to_courier
from crm_core.customer import create_customer
from crm_core.deal import create_deal
from crm_core.deal_rows import Deal
from crm_core.document import keep_document
from crm_core.order import ItemWanted, Order, create_order
from crm_core.tables import METADATA
from crm_core.team import RoleScope
from crm_core.user import Role, User
from tests.web import shop
from web.api import PREFIX
from web.app import build_api
from web.nouns import PAGES
from web.reach import _NAMES, message_seen
from web.rights import VIEW_CUSTOMERS, Person, Right, Scope, every_right, scopes_of

OPERATIONS = build_api().operations
ROUTES = [(one.method, PREFIX + one.path, one.right) for one in OPERATIONS if not one.public] + [
    (place.method, place.path, place.right) for pages in PAGES for place in pages.listed
]
NARROWED = {"customer_id", "order_id", "deal_id", "callback_id", "call_id", "recording_id"}
HIDDEN, MINE = "Zdenka Verborgen", "Olga Eigen"
NUMBER = "+48601999888"
# What the fingerprint of the house is made of: everything that a route could change for a colleague's customer.
BY_RULES_OF_THEIR_OWN = {"task_id", "lead_id"}  # who sees them is not said by customers' scopes
LIVE = {PREFIX + "/calls/{call_id}/targets"}  # of a call that is going on
TABLES = (
    "documents",
    "customers",
    "customer_numbers",
    "customer_notes",
    "orders",
    "order_items",
    "deals",
    "deal_items",
    "callbacks",
)
CALLS = ("calls", "call_links", "call_drafts", "call_focus", "call_holds")


async def belongings(
    database, settings, made: shop.Furnished, user_id: int, name: str, number: str
) -> dict[str, Any]:
    """A customer called `name` with an order, a deal, a callback and a recorded call, all of this user; their ids."""
    async with database.begin() as session:
        customer = (await create_customer(session, name=name, country="PL", numbers=[number])).id
        deal = await create_deal(
            session, title=name, customer_id=customer, currency="EUR", at=shop.NOON, responsible_id=user_id
        )
        items = [ItemWanted(product_id=made.mug, quantity=1)]
        order = await create_order(
            session,
            customer_id=customer,
            shop_id=made.shop,
            items=items,
            user_id=user_id,
            at=shop.NOON,
            comment=name,
        )
        await give_to_courier(session, order.id, at=shop.NOON, user_id=user_id)
        due = {"due_at": shop.NOON, "reason": name, "customer_id": customer, "assigned_to": user_id}
        callback = await create_callback(session, number=number, country="PL", **due)
        ids = {"customer_id": customer, "order_id": order.id, "deal_id": deal.id, "callback_id": callback.id}
    told = {"customer_id": customer, "remote_name": name, "note": name, "remote_e164": number}
    call = await shop.add_call(database, talked=user_id, **told, remote_raw=number)
    ids["document_id"] = await paper(database, settings, order.id, name)
    return {**ids, "call_id": call, "recording_id": await shop.add_sound(database, call, name)}


async def paper(database, settings, order_id: int, name: str) -> int:
    """A file of this order whose name and text are `name`."""
    came = settings.documents_dir / "came"
    came.parent.mkdir(parents=True, exist_ok=True)
    came.write_text(name)
    given = {"kind": "order", "object_id": order_id, "name": name, "user_id": None, "at": shop.NOON}
    async with database.begin() as session:
        kept = await keep_document(
            session, settings.documents_dir, came, digest=name.encode().hex(), quota=10**6, **given
        )
        return kept.id


@pytest_asyncio.fixture
async def house(database, people, settings):
    """The operator sees only his own; the senior has things of the same kind. (mine, a colleague's)"""
    async with database.begin() as session:
        role = await session.scalar(
            text("INSERT INTO roles (name, based_on) VALUES ('Narrow', 'operator') RETURNING id")
        )
        for right in every_right():
            if Scope.TEAM in scopes_of(right):
                session.add(
                    RoleScope(role_id=role, object=right.object, action=right.action, scope=Scope.OWN)
                )
        await session.execute(update(User).where(User.login == "operator").values(role_id=role))
    made = await shop.furnish(database)
    hidden = await belongings(database, settings, made, people["senior"], HIDDEN, NUMBER)
    return await belongings(database, settings, made, people["operator"], MINE, "+48601555444"), hidden


def address(path: str, ids: dict[str, Any]) -> str:
    """The path with these ids; what is of no customer is not there."""
    names = re.findall(r"{(\w+)}", path)
    for name in names:
        table = METADATA.tables.get(f"{name.removesuffix('_id')}s")
        theirs = table is not None and {"customer_id", "order_id", "deal_id"} & set(table.c.keys())
        # Of a noun that belongs to customers there must be one of each in `belongings`.
        assert name in ids or not theirs or NARROWED & set(names) or name in BY_RULES_OF_THEIR_OWN, name
    return re.sub(r"{(\w+)}", lambda found: str(ids.get(found[1], 999999)), path)


async def fingerprint(database) -> dict[str, str]:
    async with database.begin() as session:
        rows = [
            (
                table,
                await session.scalar(
                    text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
                ),
            )
            for table in (*TABLES, *CALLS)
        ]
    return dict(rows)


async def test_nothing_of_a_colleague_is_in_any_answer(client_of, house, database) -> None:
    mine, hidden = house
    browser, wrong = await client_of("operator"), []
    async with database.begin() as session:
        order = await session.scalar(select(Order.number).where(Order.id == hidden["order_id"]))
    for method, path, _ in ROUTES:
        if method != "GET":
            continue
        own = await browser.get(address(path, mine), allow_redirects=False)
        if (
            own.status in (404, 500)
            and path not in LIVE
            and not re.search(r"{(?!customer|order|deal|callback|call|recording)", path)
        ):
            wrong.append((path, "his own", own.status))
        other = await browser.get(address(path, hidden), allow_redirects=False)
        if NARROWED & set(re.findall(r"{(\w+)}", path)) and other.status not in (403, 404, 422):
            wrong.append((path, "a colleague's", other.status))
        for answer in (own, other):
            if answer.content_type.startswith(("text/html", "application/json")):
                said = await answer.text()
                for secret in (HIDDEN, NUMBER, order):
                    if secret in said:
                        wrong.append((path, "says", said[max(0, said.find(secret) - 80) :][:120]))
    assert wrong == []


async def test_what_is_searched_for_is_searched_within_reach(client_of, house) -> None:
    browser = await client_of("operator")
    for words, found in (("Zdenka", False), ("601999888", False), ("Olga", True)):
        for place in ("/api/v1/search", "/api/v1/customers", "/api/v1/orders", "/api/v1/deals", "/customers"):
            said = await (await browser.get(place, params={"query": words})).text()
            assert (MINE in said) == found and HIDDEN not in said, (place, words)


async def test_a_deal_for_all_is_everybodys_with_its_customer_and_nothing_else(
    client_of, house, database
) -> None:
    _, hidden = house
    browser = await client_of("operator")
    async with database.begin() as session:
        await session.execute(update(Deal).where(Deal.id == hidden["deal_id"]).values(for_all=True))
    seen = {
        noun: (await browser.get(f"/api/v1/{noun}s/{hidden[f'{noun}_id']}")).status
        for noun in ("deal", "customer", "order", "callback", "call")
    }
    assert seen == {"deal": 200, "customer": 200, "order": 404, "callback": 404, "call": 403}
    told = await (await browser.get("/deals")).text()
    assert HIDDEN in told
    change = {"version": 1, "probability": 70}
    assert (await browser.patch(f"/api/v1/deals/{hidden['deal_id']}", json=change)).status == 200


async def test_nothing_of_a_colleague_can_be_changed(client_of, house, database) -> None:
    mine, hidden = house
    browser, before, wrong = await client_of("operator"), await fingerprint(database), []
    for method, path, _ in ROUTES:
        if method == "GET" or not NARROWED & set(re.findall(r"{(\w+)}", path)):
            continue
        answer = await browser.request(method, address(path, hidden), allow_redirects=False)
        # A body that is none is refused before a call is looked for.
        refused = (403, 404) if "call_id" not in path else (403, 404, 409, 415, 422)
        if answer.status not in refused:
            wrong.append((method, path, answer.status))
    assert wrong == []
    given = {"currency": "EUR", "title": "x"}
    for name, id_ in hidden.items():
        answer = await browser.post(
            "/api/v1/deals",
            json={
                **given,
                "customer_id": mine["customer_id"],
                name: str(id_) if isinstance(id_, UUID) else id_,
            },
        )
        assert answer.status in (403, 404, 422), name
    for place in ("/deals", "/orders", "/callbacks"):
        form = {"customer_id": str(hidden["customer_id"]), "title": "x", "currency": "EUR"}
        assert (await browser.post(place, data=form)).status == 404, place
    for whose, status in ((hidden, 404), (mine, 200)):
        assert (await browser.get(f"/orders/new?customer_id={whose['customer_id']}")).status == status
    linked = {"object": f"order:{hidden['order_id']}"}
    assert (await browser.post(f"/calls/{mine['call_id']}/links", data=linked)).status == 404
    assert await fingerprint(database) == before


async def test_the_team_is_seen_by_whom_it_concerns(client_of, house, database, people) -> None:
    mine, hidden = house
    browser = await client_of("operator")
    async with database.begin() as session:
        await session.execute(update(RoleScope).values(scope=Scope.TEAM))
        team = await session.scalar(text("INSERT INTO teams (name) VALUES ('North') RETURNING id"))
        await session.execute(update(User).where(User.login == "operator").values(team_id=team))
    nouns = ("customers", "orders", "deals", "callbacks", "calls")
    for path in nouns:
        name = f"{path.removesuffix('s')}_id"
        assert (await browser.get(f"/api/v1/{path}/{hidden[name]}")).status in (403, 404), path
    async with database.begin() as session:
        await session.execute(update(User).where(User.login == "senior").values(team_id=team))
    for path in nouns:
        name = f"{path.removesuffix('s')}_id"
        assert (await browser.get(f"/api/v1/{path}/{hidden[name]}")).status == 200, path
        listed = {str(item["id"]) for item in (await (await browser.get(f"/api/v1/{path}")).json())["items"]}
        assert {str(mine[name]), str(hidden[name])} <= listed, path


def test_the_card_of_ones_call_holds_only_what_one_may_see() -> None:
    who = Person(
        user_id=7,
        login="olga",
        name="Olga",
        role=Role.OPERATOR,
        timezone="UTC",
        session_id=b"",
        expires_at=shop.NOON,
        differs={Right("orders", "view"): Scope.OWN, Right("callbacks", "view"): Scope.OWN},
    )
    facts = {"status": "new", "total": "5.00", "currency": "EUR", "created_at": "2026-11-20"}
    card = {
        "customer": {"id": 1, "totals": {"orders": 2, "sum": "10.00", "currency": "EUR", "last_at": "2026"}},
        "orders": [{"id": 1, "owners": [7, None], **facts}, {"id": 2, "owners": [8], **facts}],
        "deals": [{"id": 3, "owners": [8]}],
        "tasks": [{"id": 4, "owners": None}, {"id": 5, "owners": [8, None]}],
        "links": [{"kind": "order", "object_id": 2}, {"kind": "deal", "object_id": 3}],
        "promises": [
            {"id": 6, "order_id": 2, "order_number": "A-2"},
            {"id": 7, "order_id": 3, "order_number": "A-3"},
        ],
    }
    [seen] = message_seen(who, {"type": "snapshot", "calls": [{"call": {}, "card": card}]})["calls"]
    assert [row["id"] for row in seen["card"]["orders"]] == [1]
    assert [row["id"] for row in seen["card"]["deals"]] == [3]
    assert [row["id"] for row in seen["card"]["tasks"]] == [4]
    assert seen["card"]["links"] == [{"kind": "deal", "object_id": 3}]
    assert [it["order_number"] for it in seen["card"]["promises"]] == [None, None]
    assert seen["card"]["customer"]["totals"]["sum"] == "5.00"
    assert len(card["orders"]) == 2  # a colleague's desk is given the same card


def test_every_id_that_a_body_can_name_is_looked_for() -> None:
    """A body that calls a customer otherwise than `customer_id` would go past `web.reach`."""
    nouns = "|".join(name.removesuffix("_id") for name in _NAMES.values())
    odd = [
        (one.path, name)
        for one in OPERATIONS
        if one.body is not None
        for name in one.body.model_fields
        if re.search(rf"({nouns}).*_ids?$|_({nouns})s?$", name)
        and name not in {*_NAMES.values(), *(f"{known}s" for known in _NAMES.values())}
    ]
    assert odd == []


def test_a_role_can_not_be_given_what_makes_no_sense() -> None:
    assert scopes_of(VIEW_CUSTOMERS) == list(Scope)
    assert scopes_of(Right("users", "edit")) == [Scope.NONE, Scope.ALL]
    assert scopes_of(Right("calls", "make")) == [Scope.NONE, Scope.OWN]
