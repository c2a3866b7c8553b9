"""Scripts on their page and in the API: written, tried in a real call, given to lines, answered."""

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
