"""Lists that follow: everybody is told which rows changed, of those that he may see and no others."""

import asyncio
from typing import Any

from sqlalchemy import text, update

from crm_core.order import set_status
from crm_core.outbox import News
from crm_core.team import RoleScope
from crm_core.user import User
from tests.web import shop
from tests.web.test_push import Desks, browser, heard
from web.push import PushServer
from web.register import MOST, Register
from web.sessions import make_store


async def narrow(database: Any, login: str) -> None:
    """This user sees only his own orders, and only tasks that concern him."""
    async with database.begin() as session:
        role = await session.scalar(
            text("INSERT INTO roles (name, based_on) VALUES ('Narrow', 'operator') RETURNING id")
        )
        for noun in ("orders", "tasks"):
            session.add(RoleScope(role_id=role, object=noun, action="view", scope=1))
        session.add(RoleScope(role_id=role, object="leads", action="view", scope=0))
        await session.execute(update(User).where(User.login == login).values(role_id=role))


async def test_a_row_is_told_to_whom_it_is_there_and_to_nobody_else(services, database, people) -> None:
    there = await shop.furnish(database)
    await narrow(database, "operator")
    store, said = make_store(services), {"operator": [], "supervisor": []}
    register = Register(database)
    for login, heard_by in said.items():
        person, _ = await store.person(await store.open(people[login], None))
        nouns = ["orders", "tasks", "leads", "nonsense"]
        register.follow(login, nouns, lambda person=person: person, heard_by.append)
    changes = [("order", there.order), ("task", 7), ("lead", 5), ("deal", there.deal), ("call", "x")]
    for topic, id_ in changes:
        await register.heard(News(1, topic, {"id": id_}))
    await register.tell()
    everything = [{"type": "rows", "noun": noun, "ids": [id_]} for noun, id_ in
                  (("orders", there.order), ("tasks", 7), ("leads", 5))]  # fmt: skip
    assert said == {"operator": [], "supervisor": everything}
    async with database.begin() as session:
        await session.execute(text("UPDATE orders SET manager_id = :me"), {"me": people["operator"]})
    await register.heard(News(2, "order", {"id": there.order}))
    await register.heard(News(3, "order", {"id": there.order + 1}))
    await register.tell()
    assert said["operator"] == [{"type": "rows", "noun": "orders", "ids": [there.order]}]
    register.leave("operator")
    for id_ in range(MOST + 1):
        await register.heard(News(4, "order", {"id": id_}))
    await register.tell()
    assert said["supervisor"][-1] == {"type": "rows", "noun": "orders", "ids": None}
    assert len(said["operator"]) == 1


async def test_who_begins_to_follow_is_told_what_changed_since_his_page_was_read(
    services, database, people
) -> None:
    store, register = make_store(services), Register(database)
    supervisor, _ = await store.person(await store.open(people["supervisor"], None))
    told: dict[str, list[Any]] = {name: [] for name in ("was there", "older page", "newer page")}
    register.follow("was there", ["orders"], lambda: supervisor, told["was there"].append)
    for topic, id_ in (("order", 5), ("deal", 6), ("order", 7)):
        await register.heard(News(1, topic, {"id": id_}))
    await register.tell()
    await asyncio.sleep(0.02)
    register.follow("newer page", ["orders"], lambda: supervisor, told["newer page"].append, age_s=0.01)
    register.follow("older page", ["orders"], lambda: supervisor, told["older page"].append, age_s=5)
    for _ in range(2):
        await register.tell()
    both = [{"type": "rows", "noun": "orders", "ids": [5, 7]}]
    assert told == {"was there": both, "older page": both, "newer page": []}


async def test_a_browser_follows_what_it_shows_until_it_goes(services, database, people) -> None:
    there = await shop.furnish(database)
    register = Register(database, pause_s=0)
    push = PushServer(Desks(), make_store(services), services.metrics, register=register)
    token = await make_store(services).open(people["operator"], None)
    telling = asyncio.create_task(register.run())
    async with push.listening("127.0.0.1", 0) as port, browser(port, token) as page:
        await heard(page)
        await page.send('{"type": "follow", "nouns": ["orders"]}')
        await page.send('{"type": "resync"}')
        assert (await heard(page))["type"] == "snapshot"  # so what came before was heard
        async with database.begin() as session:
            await set_status(session, there.order, "packed", user_id=None, at=shop.NOON)
        await register.heard(News(1, "order", {"id": there.order}))
        assert await heard(page) == {"seq": 3, "type": "rows", "noun": "orders", "ids": [there.order]}
        await page.send('{"type": "follow", "nouns": 7}')
        await page.wait_closed()
    assert register._followers == {}
    telling.cancel()
