"""Many rows at once, as a person does it on the page and a program over the API; what is not his stays as it is."""

import re

from sqlalchemy import text, update

from crm_core.customer import create_customer
from crm_core.task import create_task
from crm_core.team import RoleScope
from crm_core.user import User
from tests.web import shop
from tests.web.test_nouns import API, ok, refused
from tests.web.test_pages import page

JSON = {"Accept": "application/json"}


async def test_orders_are_ticked_asked_changed_and_taken_back_without_script(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    operator, senior = await client_of("operator"), await client_of("senior")
    listed = await page(operator, "/orders?status=new")
    assert f'value="{there.order}:1"' in listed and 'action="/bulk/orders?status=new"' in listed
    open_ones = await page(operator, "/orders?open_only=true")
    assert 'name="open_only" value="true"' in open_ones  # Find keeps what only a link can ask for
    asked = await operator.post("/bulk/orders", data={"row": f"{there.order}:1", "status": "confirmed"})
    said = await asked.text()
    assert "Change 1 row?" in said and "Status: Confirmed" in said
    assert (await ok(await operator.get(f"{API}/orders/{there.order}")))["status"] == "new"
    form = {"rows": f"{there.order}:1,999:", "status": "confirmed", "sure": "yes"}
    told = await (await operator.post("/bulk/orders", data=form)).text()
    assert "1 changed" in told and "999: There is no such thing" in told
    assert (await ok(await operator.get(f"{API}/orders/{there.order}")))["status"] == "confirmed"
    undo = re.search(r"/bulk/orders/\d+/undo", told)
    assert undo and undo[0] not in await page(senior, "/orders")
    assert (await senior.post(undo[0])).status == 403
    assert "taken back" in await (await operator.post(undo[0])).text()
    assert (await ok(await operator.get(f"{API}/orders/{there.order}")))["status"] == "new"
    assert "already" in await (await operator.post(undo[0])).text()


async def test_all_that_match_are_meant_as_they_are_when_it_is_asked(client_of, database, people) -> None:
    there = await shop.furnish(database)
    boss, operator = await client_of("supervisor"), await client_of("operator")
    async with database.begin() as session:
        jan = (await create_customer(session, name="Jan", country="PL")).id
    form = {"all": "yes", "manager_id": str(people["senior"])}
    refusal = await operator.post("/bulk/customers?query=Marta", data=form, headers=JSON)
    assert refusal.status == 422  # the field is not offered to him, so nothing is said
    asked = await ok(await boss.post("/bulk/customers?query=Marta", data=form, headers=JSON))
    assert asked == {"rows": f"{there.customer}:1", "number": 1, "said": "Manager: Senior"}
    given = {"rows": asked["rows"], "manager_id": form["manager_id"], "sure": "yes"}
    done = await ok(await boss.post("/bulk/customers", data=given, headers=JSON))
    assert (done["changed"], done["refused"]) == (1, [])
    assert (await ok(await boss.get(f"{API}/customers/{there.customer}")))["manager"] == "Senior"
    rows = [{"id": there.customer}, {"id": jan}]
    await refused(await operator.post(f"{API}/bulk/customers", json={"rows": rows, "manager_id": None}), 403)
    stale = {"rows": [{"id": there.customer, "version": 1}, {"id": jan}], "add_tag": "autumn"}
    told = await ok(await operator.post(f"{API}/bulk/customers", json=stale))
    assert told["changed"] == 1 and "meanwhile" in told["refused"][0]["why"]
    manager = await client_of("manager")
    assert (await manager.post(done["undo"], headers=JSON)).status == 200  # who may hand over also gives back
    assert (await ok(await boss.get(f"{API}/customers/{there.customer}")))["manager"] is None


async def test_of_a_colleagues_rows_none_is_changed_and_none_is_named(client_of, database, people) -> None:
    there = await shop.furnish(database)
    async with database.begin() as session:
        role = await session.scalar(
            text("INSERT INTO roles (name, based_on) VALUES ('Narrow', 'operator') RETURNING id")
        )
        for noun in ("orders", "deals", "callbacks", "customers"):
            for what in ("view", "edit"):
                session.add(RoleScope(role_id=role, object=noun, action=what, scope=1))
        session.add(RoleScope(role_id=role, object="tasks", action="give", scope=0))
        await session.execute(update(User).where(User.login == "operator").values(role_id=role))
        await session.execute(
            text("UPDATE callbacks SET created_by = :who, assigned_to = :who"), {"who": people["senior"]}
        )
        task = await create_task(session, title="Mine", at=shop.NOON, user_id=people["senior"])
    operator = await client_of("operator")
    stories = [
        ("orders", there.order, {"status": "confirmed"}),
        ("deals", there.deal, {"stage": "won"}),
        ("callbacks", there.callback, {"state": "done"}),
        ("customers", there.customer, {"vip": True}),
    ]
    for noun, id_, what in stories:
        done = await ok(await operator.post(f"{API}/bulk/{noun}", json={"rows": [{"id": id_}], **what}))
        assert done["changed"] == 0, noun
        assert done["refused"] == [
            {"id": id_, "title": f"{id_}", "why": "There is no such thing for you here."}
        ]
    giving = {"rows": [{"id": task.id}], "priority": "high"}
    await refused(await operator.post(f"{API}/bulk/tasks", json=giving), 403)
    await refused(await operator.post(f"{API}/bulk/tasks", json={"rows": [{"id": task.id}]}), 409)
