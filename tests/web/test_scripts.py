"""Scripts on their page and in the API: written, tried in a real call, given to lines, answered."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import text

from crm_core.call_script import versions_of
from crm_core.script_trial import ScriptTrial, drawn
from tests.web import shop
from tests.web.test_nouns import API, ok, refused
from tests.web.test_pages import page

TEXT = "# Greeting\nHello {customer.name}, {order.number} {order.total}?\n- Yes -> End\n- No\n\n# End\nBye"


async def test_a_script_is_written_tried_and_answered(client_of, database, people) -> None:
    there = await shop.furnish(database, name="Marta <b>Z</b>")
    boss, operator = await client_of("supervisor"), await client_of("operator")
    about = {"customer_id": there.customer, "line_id": there.line}
    call = await shop.add_call(database, talked=people["operator"], **about)
    assert "New script" in await page(boss, "/scripts")
    tried = {"source": TEXT, "call": str(call)}
    told = await (await boss.post("/scripts/preview", data=tried)).json()
    assert [part["text"] for part in told["steps"][0]["say"]] == [
        "Hello ", "Marta <b>Z</b>", ", ", "A-1001", " ", "\u20ac17.80", "?"]  # fmt: skip
    wrong = await (await boss.post("/scripts/preview", data=tried | {"source": "# A\n- x -> B"})).json()
    assert wrong == {"wrong": "Line 2: There is no step \u201cB\u201d."}
    form = {"name": "First words", "source": "# A\n- x -> B", f"line-{there.line}": "yes"}
    again = await boss.post("/scripts", data=form)
    assert (again.status, "- x -&gt; B" in await again.text()) == (422, True)
    made = await boss.post("/scripts", data=form | {"source": TEXT}, allow_redirects=False)
    address = made.headers["Location"].partition("?")[0]
    assert (await operator.get(address)).status == 403
    [script] = await ok(await boss.get(f"{API}/call-scripts"))
    assert (script["line_ids"], script["version"]) == ([there.line], 1)

    asked = f"{API}/guide?customer_id={there.customer}&line_id={there.line}"
    guide = await ok(await operator.get(f"{asked}&call_id={call}"))
    assert (guide["script"]["name"], guide["script"]["path"], guide["lists"]) == ("First words", [], [])
    answered = {"version_id": guide["script"]["version_id"], "path": [0]}
    senior = await client_of("senior")
    await refused(await senior.put(f"{API}/calls/{call}/script", json=answered), 403)  # not his call
    await refused(await operator.put(f"{API}/calls/{call}/script", json=answered | {"path": [7]}), 409)
    await ok(await operator.put(f"{API}/calls/{call}/script", json=answered), 204)
    assert (await ok(await operator.get(f"{asked}&call_id={call}")))["script"]["path"] == [0]
    assert (await ok(await senior.get(f"{asked}&call_id={call}")))["script"]["path"] == []  # not his call
    assert "Answered in the script" in await page(operator, f"/calls/{call}")
    assert await ok(await boss.get(f"{API}{address.replace('/scripts', '/call-scripts')}/answers")) == [
        {"step": "Greeting", "answer": "Yes", "calls": 1}
    ]
    # A stage comes before the line; a list before the stage.
    staged = {"name": "Stage", "source": "# S\nstage", "stages": [{"funnel_id": 1}]}
    await ok(await boss.post(f"{API}/call-scripts", json=staged), 201)
    assert (await ok(await operator.get(asked)))["script"]["name"] == "Stage"
    listed = await ok(
        await boss.post(f"{API}/call-scripts", json={"name": "List", "source": "# L\n{list.name}"}), 201
    )
    wanted = {"name": "Everybody", "customers": {}, "script_id": listed["id"], "text": "Ask"}
    await ok(await boss.post(f"{API}/call-lists", json=wanted), 201)
    guide = await ok(await operator.get(asked))
    assert (guide["script"]["steps"][0]["say"][0]["text"], guide["lists"][0]["text"]) == ("Everybody", "Ask")
    # Another text is the next version; the page shows both.
    change = {"version": "1", "name": "First words", "source": TEXT + "\nGood", f"line-{there.line}": "yes"}
    assert (await boss.post(address, data=change, allow_redirects=False)).status == 303
    assert (await boss.post(address, data=change)).status == 422  # somebody changed it meanwhile
    shown = await page(boss, f"{address}?version=1")
    assert "Greeting: Yes" in shown and "Save as version 3" in shown and "Bye\nGood" not in shown


async def test_two_texts_are_tried_and_chance_says_which_is_shown(client_of, database, people) -> None:
    there = await shop.furnish(database)
    boss, operator = await client_of("supervisor"), await client_of("operator")
    given = {"name": "Hello", "source": "# A\nGood day", "line_ids": [there.line]}
    kept = await ok(await boss.post(f"{API}/call-scripts", json=given), 201)
    await ok(await boss.patch(f"{API}/call-scripts/{kept['id']}", json={"version": 1, "source": "# A\nHi"}))
    async with database.begin() as session:
        second, first = (it.id for it in await versions_of(session, kept["id"]))
    wanted = {"line_id": there.line, "first_id": first, "second_id": second, "difference": "0.10"}
    await refused(await boss.post(f"{API}/script-trials", json=wanted | {"second_id": first}), 409)
    await refused(await operator.post(f"{API}/script-trials", json=wanted), 403)
    trial = await ok(await boss.post(f"{API}/script-trials", json=wanted), 201)
    await refused(await boss.post(f"{API}/script-trials", json=wanted), 409)  # one at a time on a line
    assert (trial["verdict"], trial["calls_each"]) == ("not_enough", 388)  # of a conversion nobody knows yet
    assert "nothing can be said" in await page(boss, "/script-trials")

    # Every colleague sees the text that was drawn for the call; about as many calls get the one as the other.
    asked = f"{API}/guide?line_id={there.line}&call_id="
    for _ in range(6):
        call = uuid4()
        text_id = (await ok(await operator.get(f"{asked}{call}")))["script"]["version_id"]
        assert text_id == (first, second)[drawn(trial["id"], call)]
    assert 400 < sum(drawn(trial["id"], uuid4()) for _ in range(1000)) < 600

    async with database.begin() as session:
        row = await session.get_one(ScriptTrial, trial["id"])
        row.started_at, row.calls_each = shop.NOON - timedelta(days=2), 20
        row.base = Decimal("0.2")
        sql = """INSERT INTO calls (id, pbx, linkedid, direction, state, result, line_id, started_at, ended_at, talk_s)
            VALUES (:id, 'main', :name, 'inbound', 'ended', 'answered', :line, :at, :at, 60)"""
        sold = """INSERT INTO call_links (call_id, order_id, role, rule)
            VALUES (:id, :order, 'created', 'created_in_call')"""
        calls, at = [uuid4() for _ in range(80)], shop.NOON - timedelta(hours=1)
        for call in calls:
            about = {"id": call, "name": str(call), "line": there.line, "at": at}
            await session.execute(text(sql), about)
        one = next(it for it in calls if drawn(trial["id"], it) == 1)
        await session.execute(text(sold), {"id": one, "order": there.order})
    [told] = await ok(await boss.get(f"{API}/script-trials"))
    seconds = sum(drawn(trial["id"], it) for it in calls)
    assert [it["calls"] for it in told["arms"]] == [80 - seconds, seconds]
    assert [it["counted"] for it in told["arms"]] == [20, 20]
    assert (told["verdict"], told["low"] < 0 < told["high"]) == ("same", True)
    shown = await page(boss, f"/script-trials/{trial['id']}?text=1&sold=true")
    assert str(one) in shown and shown.count('href="/calls/') == 1
    assert (await boss.post(f"/script-trials/{trial['id']}/end", allow_redirects=False)).status == 303
    assert (await ok(await operator.get(f"{asked}{one}")))["script"][
        "version_id"
    ] == second  # the newest again
    await refused(await boss.post(f"{API}/script-trials/{trial['id']}/end"), 409)
