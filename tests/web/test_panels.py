"""Pages of other systems beside the card: the administrator says whose, and no other host gets into a frame."""

from sqlalchemy import select

from crm_core.audit import AuditEntry

STOCK = {"name": "Stock", "address": "https://stock.example:8443/?tel={phone}", "automatic": True}


def frames(answer) -> str:
    policy = answer.headers["Content-Security-Policy"].split("; ")
    return next(it for it in policy if it.startswith("frame-src"))


async def test_panels_are_kept_by_the_administrator_and_only_their_hosts_are_let_into_frames(
    client_of, database
) -> None:
    admin, anna = await client_of("admin"), await client_of("operator")
    assert frames(await anna.get("/")) == "frame-src 'none'"
    made = await (await admin.post("/api/v1/panels", json=STOCK)).json()
    assert (made["place"], made["own_origin"], made["active"], made["version"]) == ("beside", False, True, 1)
    old = {"name": "Old programme", "address": "http://old.example/{order_id}", "place": "window"}
    assert (await admin.post("/api/v1/panels", json=old)).status == 201
    assert frames(await anna.get("/")) == "frame-src https://stock.example:8443"  # a window needs no frame
    assert frames(await anna.get("/orders")) == "frame-src 'none'"
    assert [it["name"] for it in await (await anna.get("/api/v1/panels")).json()] == [
        "Stock",
        "Old programme",
    ]

    ours = f"http://{admin.server.host}:9/"
    for wrong in ({"name": " stock"}, {"address": "https://{name}/"}, {"address": ours}, {"line_ids": [99]}):
        refused = await admin.post("/api/v1/panels", json=STOCK | {"name": "Another"} | wrong)
        assert refused.status == (201 if wrong == {"name": " stock"} else 409), wrong
    assert (await admin.post("/api/v1/panels", json=STOCK)).status == 409  # the name is in use
    assert (await admin.post("/api/v1/panels", json=old | {"name": "x", "automatic": True})).status == 409
    assert (await admin.post("/api/v1/panels", json=STOCK | {"address": "javascript:x"})).status == 422

    at = f"/api/v1/panels/{made['id']}"
    for method in (anna.patch, anna.delete):
        assert (await method(at, json={"version": 1, "active": False})).status == 403
    assert (await admin.patch(at, json={"version": 1, "active": False})).status == 200
    assert (await admin.patch(at, json={"version": 1, "name": "Late"})).status == 409
    assert "Stock" not in {it["name"] for it in await (await anna.get("/api/v1/panels")).json()}
    assert "https://stock.example:8443" in frames(await admin.get("/panels"))  # to try it before it is used

    form = {
        "version": "2",
        "name": "Stock",
        "address": "https://new.example/",
        "place": "beside",
        "active": "yes",
    }
    page = await (await admin.post(f"/panels/{made['id']}", data=form)).text()
    assert "Saved." in page and "https://new.example/" in page
    refused = await admin.post("/panels", data={"name": "Evil", "address": ours, "place": "beside"})
    assert refused.status == 422 and "our own host" in await refused.text()
    await admin.post(f"/panels/{made['id']}/remove")
    assert (await admin.delete(at)).status == 404
    async with database.begin() as session:
        done = await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))
        assert {"panel.add", "panel.change", "panel.remove"} <= set(done)
