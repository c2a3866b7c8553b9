"""Teams, roles of one's own and the journal: what an administrator sets up, and what he can read afterwards."""

from sqlalchemy import select

from crm_core.audit import AuditEntry
from tests.web import shop
from web.app import build_api
from web.right_words import words_of
from web.rights import every_right
from web.trail import action

API = "/api/v1"
# Sent by a browser or a web shop by itself, many times a minute; what counts in it is kept elsewhere. Who hears a
# recording asks for many ranges of it and is noted once.
UNWATCHED = {
    *("get_audio", "get_picture", "put_note", "get_draft", "put_draft", "put_focus"),
    *("put_turn", "put_site_cart", "post_visits", "post_message"),
    *("get_window", "put_window", "delete_window"),
}


async def ok(answer, status: int = 200):
    text = await answer.text()
    assert answer.status == status, text
    return await answer.json() if text else None


async def test_a_role_of_ones_own_takes_and_gives_at_once(client_of, people) -> None:
    admin, operator = await client_of("admin"), await client_of("operator")
    assert (await operator.get(f"{API}/status")).status == 403
    scopes = [
        {"object": "status", "action": "view", "scope": "all"},
        {"object": "products", "action": "view", "scope": "none"},
    ]
    given = {"name": "Night shift", "based_on": "operator", "scopes": scopes}
    role = await ok(await admin.post(f"{API}/roles", json=given), 201)
    patched = await admin.patch(f"{API}/users/{people['operator']}", json={"role_id": role["id"]})
    assert (await ok(patched))["role"] == "operator"
    assert (await operator.get(f"{API}/status")).status == 200
    assert (await operator.get(f"{API}/catalogue")).status == 403
    assert "/status" in await (await operator.get("/customers")).text()
    assert (await admin.delete(f"{API}/roles/{role['id']}")).status == 409  # somebody has it
    await ok(await admin.patch(f"{API}/users/{people['operator']}", json={"role": "operator"}))
    assert (await operator.get(f"{API}/status")).status == 403
    assert (await admin.delete(f"{API}/roles/{role['id']}")).status == 204


async def test_what_a_right_can_not_reach_is_refused(client_of) -> None:
    admin = await client_of("admin")
    for object_, act, scope in (("users", "edit", "own"), ("users", "fly", "all"), ("calls", "make", "all")):
        scopes = [{"object": object_, "action": act, "scope": scope}]
        body = {"name": "Odd", "based_on": "operator", "scopes": scopes}
        assert (await admin.post(f"{API}/roles", json=body)).status == 409, object_
    assert await ok(await admin.get(f"{API}/roles")) == []


async def test_nobody_locks_the_door_from_outside_by_a_role_of_ones_own(client_of, people) -> None:
    admin = await client_of("admin")
    role = await ok(await admin.post(f"{API}/roles", json={"name": "Half", "based_on": "admin"}), 201)
    answer = await admin.patch(f"{API}/users/{people['admin']}", json={"role_id": role["id"]})
    assert answer.status == 409


async def test_an_administrator_makes_teams_and_roles_by_forms(client_of, people, database) -> None:
    admin = await client_of("admin")
    await admin.post("/teams", data={"name": "North"})
    await admin.post("/roles", data={"name": "Own only", "based_on": "operator"})
    [team], [role] = await ok(await admin.get(f"{API}/teams")), await ok(await admin.get(f"{API}/roles"))
    form = {"name": "Own only", "based_on": "operator", "orders.view": "own", "deals.view": "all"}
    await admin.post(f"/roles/{role['id']}", data=form)
    [role] = await ok(await admin.get(f"{API}/roles"))
    assert role["scopes"] == [
        {"object": "orders", "action": "view", "scope": "own"}
    ]  # deals are as they were
    form = {"name": "Olga", "role": f"operator:{role['id']}", "team_id": str(team["id"]), "timezone": "UTC"}
    await admin.post(f"/users/{people['operator']}", data=form | {"active": "yes"})
    page = await (await admin.get("/users")).text()
    assert "Own only" in page and "North" in page
    page = await (await admin.get("/roles")).text()
    assert all(words_of(right) in page and words_of(right) != str(right) for right in every_right())
    assert (await ok(await admin.get(f"{API}/teams")))[0]["people"] == 1
    await admin.post(f"/teams/{team['id']}", data={"part": "remove"})
    [olga] = [one for one in await ok(await admin.get(f"{API}/users")) if one["name"] == "Olga"]
    assert olga["team_id"] is None and olga["role_id"] == role["id"]


async def test_the_journal_tells_who_changed_saw_and_took_out_what(client_of, people, database) -> None:
    there = await shop.furnish(database)
    operator, admin = await client_of("operator"), await client_of("admin")
    order = await ok(await operator.get(f"{API}/orders/{there.order}"))
    await ok(
        await operator.patch(
            f"{API}/orders/{there.order}", json={"version": order["version"], "comment": "ring twice"}
        )
    )
    await operator.post(f"/customers/{there.customer}/notes", data={"text": "likes blue"})
    await operator.get(f"/customers/{there.customer}")
    await operator.get(f"/customers/{there.customer}")  # seen once within the hour
    stale = await operator.patch(f"{API}/orders/{there.order}", json={"version": 0, "comment": "no"})
    assert stale.status == 409  # nothing was changed, nothing is noted
    asked = {"user_id": people["operator"]}
    found = (await ok(await admin.get(f"{API}/journal", params=asked)))["items"]
    told = [(one["action"], one["object_id"]) for one in found if one["action"] != "sign_in"]
    assert told == [
        ("customer.view", str(there.customer)),
        ("customer.notes", str(there.customer)),
        ("order.change", str(there.order)),
        ("order.view", str(there.order)),
    ]
    assert found[2]["detail"] == {"fields": ["comment", "version"]}
    page = await (await admin.get("/journal?object_kind=order&action=order.")).text()
    assert "Order changed" in page and "Order seen" in page and "customer.notes" not in page
    assert (await operator.get("/journal")).status == 403


async def test_what_is_made_is_noted_under_the_id_it_got(client_of, people, database) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    made = await ok(await operator.post(f"{API}/customers", json={"name": "Jan"}), 201)
    deal = {"title": "Set", "customer_id": there.customer, "currency": "EUR"}
    answer = await operator.post("/deals", data={**deal, "amount": "5"}, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    async with database.begin() as session:
        rows = await session.execute(select(AuditEntry.action, AuditEntry.object_id).order_by(AuditEntry.id))
        told = [tuple(row) for row in rows if row.action.endswith(".add")]
    assert told[0] == ("customer.add", str(made["id"]))
    assert told[1][0] == "deal.add" and f"/deals/{told[1][1]}" in answer.headers["Location"]


def test_every_change_is_noted_but_for_what_comes_by_itself() -> None:
    quiet = {one.handler.__name__ for one in build_api().operations if not one.audited}
    assert quiet == UNWATCHED


def test_a_change_is_called_by_its_address() -> None:
    said = {
        ("POST", "/orders"): "order.add",
        ("POST", "/orders/{order_id}"): "order.change",
        ("PATCH", "/orders/{order_id}"): "order.change",
        ("DELETE", "/extensions/{extension_id}"): "extension.remove",
        ("POST", "/customers/{customer_id}/numbers"): "customer.numbers",
        ("POST", "/customers/{customer_id}/numbers/{number_id}/remove"): "customer.numbers_remove",
        ("PUT", "/products/{product_id}/stock/{warehouse_id}"): "product.stock_change",
    }
    assert {pair: action(*pair) for pair in said} == said
