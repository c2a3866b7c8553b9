"""Files of orders, tasks and customers: kept once, given out as bytes, taken away with a trace."""

from dataclasses import replace

from aiohttp import FormData
from sqlalchemy import select

from crm_core.audit import AuditEntry
from crm_core.courier import give_to_courier
from crm_core.document import sweep
from tests.web.shop import NOON, furnish

API = "/api/v1"
OCTETS = {"Content-Type": "application/octet-stream"}
HOSTILE = "<script>alert(1)</script>"


def lying(services) -> list[str]:
    """The files in the folder of documents."""
    return sorted(it.name for it in services.settings.documents_dir.rglob("*") if it.is_file())


async def send(browser, path: str, name: str, content: bytes):
    return await browser.post(
        f"{API}{path}/documents", params={"filename": name}, data=content, headers=OCTETS
    )


async def test_a_paper_goes_with_its_order_to_the_courier_and_leaves_a_trace_when_it_is_gone(
    client_of, database, services, people
) -> None:
    there = await furnish(database)
    operator, courier, senior = [await client_of(role) for role in ("operator", "courier", "senior")]
    order, customer = f"/orders/{there.order}", f"/customers/{there.customer}"
    made = await (await send(operator, order, "invoice <b>1</b>.html", HOSTILE.encode())).json()
    again = await (await send(operator, customer, "the same.txt", HOSTILE.encode())).json()
    assert made["size"] == len(HOSTILE) and len(lying(services)) == 1  # the same bytes lie there once

    # It is given out as bytes to be kept, whatever it claims to be.
    got = await operator.get(f"{API}{order}/documents/{made['id']}")
    assert await got.text() == HOSTILE and got.content_type == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''invoice%20%3Cb")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    page = await (await operator.get(order)).text()
    assert "invoice &lt;b&gt;1&lt;/b&gt;.html" in page and "the same.txt" not in page
    assert (await operator.get(f"{API}{customer}/documents/{made['id']}")).status == 404

    # The courier has it on his page when he has the order, and keeps a photo with his task.
    async with database.begin() as session:
        task = await give_to_courier(session, there.order, at=NOON, user_id=None)
    paper = f"/api/v1/tasks/{task.id}/documents/{made['id']}"
    assert "invoice" not in await (await courier.get("/courier")).text()
    await courier.put(f"{API}/tasks/{task.id}/taken")
    assert paper in await (await courier.get("/courier")).text()
    assert await (await courier.get(paper)).text() == HOSTILE
    assert (await courier.get(f"{API}{order}/documents/{made['id']}")).status == 403
    assert (await courier.delete(paper)).status == 404  # the order's own is not his to take away
    form = FormData({"back": "/courier"})
    form.add_field("file", b"jpeg", filename="signed.jpg", content_type="image/jpeg")
    kept = await courier.post(f"/tasks/{task.id}/documents", data=form)
    assert kept.url.path == "/courier" and "signed.jpg" in await kept.text()
    (photo,) = await (await senior.get(f"{API}/tasks/{task.id}/documents")).json()
    assert (photo["name"], photo["user_name"]) == ("signed.jpg", "Courier")
    got = await senior.get(f"{API}/tasks/{task.id}/documents/{photo['id']}")
    assert got.content_type == "image/jpeg"

    # Taken away it is gone, but not that it was there; bytes that another file has stay.
    page = await (await operator.post(f"{order}/documents/{made['id']}/remove")).text()
    assert "taken away" in page and "<s>invoice" in page and (await operator.get(paper)).status == 404
    assert await (await operator.get(f"{API}{customer}/documents/{again['id']}")).text() == HOSTILE
    assert (await operator.delete(f"{API}{customer}/documents/{again['id']}")).status == 204
    assert len(lying(services)) == 1
    async with database.begin() as session:
        query = select(AuditEntry.action).where(AuditEntry.action.contains("document_"))
        noted = (await session.scalars(query.order_by(AuditEntry.id))).all()
    assert noted == [
        *("order.document_add", "customer.document_add", "order.document_read", "order.document_read"),
        *("task.document_add", "task.document_read", "order.document_remove"),
        *("customer.document_read", "customer.document_remove"),
    ]


async def test_what_can_not_be_kept_leaves_nothing_behind(client_of, database, services, monkeypatch) -> None:
    there = await furnish(database)
    operator, order = await client_of("operator"), f"/orders/{there.order}"
    assert (await send(operator, order, "empty.txt", b"")).status == 400
    assert (await send(operator, "/orders/999999", "a.txt", b"a")).status == 404
    monkeypatch.setattr("web.documents.LARGEST", 10)
    assert (await send(operator, order, "large.bin", b"a" * 11)).status == 413
    nameless = FormData()
    nameless.add_field("file", b"a", filename="...", content_type="text/plain")
    assert "The file needs a name." in await (await operator.post(f"{order}/documents", data=nameless)).text()
    monkeypatch.setattr("crm_core.document.MOST_OF_ONE", 1)
    assert (await send(operator, order, "first.txt", b"first")).status == 201
    assert (await send(operator, order, "second.txt", b"second")).status == 409
    full = services.settings.model_copy(update={"documents_mb": 0})
    monkeypatch.setattr("web.documents.services", lambda request: replace(services, settings=full))
    refused = await send(operator, f"/customers/{there.customer}", "more.txt", b"more")
    assert refused.status == 409 and "no room" in (await refused.json())["detail"]
    assert len(lying(services)) == 1
    # Bytes of a row that was never written, because the process died between, are swept away.
    orphan = services.settings.documents_dir / "ab" / ("ab" * 32)
    orphan.parent.mkdir()
    orphan.write_text("lost")
    async with database.begin() as session:
        await sweep(session, services.settings.documents_dir)
    assert len(lying(services)) == 1 and not orphan.exists()
