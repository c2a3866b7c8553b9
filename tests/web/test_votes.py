"""What customers think of calls: on a page that only the customer was given, and who learns of it."""

from sqlalchemy import text

from crm_core.call_link import link
from crm_core.vote import VoteWay, keep_vote
from tests.web import shop
from tests.web.test_reviews import told
from tests.web.test_roles import ok

API = "/api/v1"


async def test_a_customer_votes_once_on_the_page_he_was_sent(
    client, client_of, database, people, clock
) -> None:
    made = await shop.furnish(database)
    call = await shop.add_call(
        database, talked=people["operator"], line_id=made.line, customer_id=made.customer, remote_name="Marta"
    )
    async with database.begin() as session:
        await link(session, call, rule="chosen", order_id=made.order, user_id=None)
    operator, senior, supervisor = [await client_of(it) for it in ("operator", "senior", "supervisor")]
    ask = f"{API}/calls/{call}/vote-link"
    assert (await senior.post(ask)).status == 403
    first, second = [await ok(await operator.post(ask), 201) for _ in range(2)]
    old, address = [it["url"].partition("/vote/")[2] for it in (first, second)]
    assert (await client.get(f"/vote/{old}")).status == 404  # the newer one took its place
    page = await (await client.get(f"/vote/{address}")).text()
    assert "Kettle House, Fri 20 Nov 13:00" in page
    for name in ("Marta", "Operator", shop.NUMBER):
        assert name not in page
    place = f"/vote/{address}"
    for wrong in ("", "0", "6", "5 ", "five"):
        assert (await client.post(place, data={"stars": wrong})).status == 422, wrong
    said = "Rude <script>alert(1)</script>\0 and \u202eodd"
    done = await client.post(place, data={"stars": "2", "comment": said + "x" * 2000})
    assert done.status == 200 and "Thank you!" in await done.text()
    assert (await client.post(place, data={"stars": "5"})).status == 409
    async with database.begin() as session:  # and by the keys of his telephone, told late
        late = {"stars": 5, "way": VoteWay.PHONE, "operator_id": people["operator"], "at": clock()}
        assert not await keep_vote(session, call, **late)
        kept = (await session.execute(text("SELECT digest FROM vote_links"))).scalars().all()
    assert all(address.encode() not in digest for digest in kept)

    (vote,) = (await ok(await supervisor.get(f"{API}/votes?low=true")))["items"]
    assert (vote["stars"], vote["way"], vote["operator"], vote["order_id"]) == (
        2,
        "link",
        "Operator",
        made.order,
    )
    assert len(vote["comment"]) == 1000
    (average,) = await ok(await operator.get(f"{API}/vote-averages"))
    assert (average["mean"], average["votes"], average["low"]) == (2.0, 1, 1)
    assert (await ok(await senior.get(f"{API}/votes")))["items"] == []
    assert "A customer gave 2 of 5 for a call with Operator." in await told(supervisor)
    assert await told(operator) == []
    for shown in (f"/calls/{call}", "/votes"):
        seen = await (await supervisor.get(shown)).text()
        assert "2 of 5" in seen and "Rude &lt;script&gt;" in seen and "<script>alert" not in seen
    assert "2 ★" in await (await operator.get(f"/customers/{made.customer}")).text()
    assert (await operator.post(ask)).status == 409


async def test_a_page_of_a_vote_opens_for_a_week_and_not_to_who_guesses(
    client, client_of, database, people, clock
) -> None:
    talked = await shop.add_call(database, talked=people["operator"])
    missed = await shop.add_call(database, rang=people["operator"], answered_at=None, result="no_answer")
    operator = await client_of("operator")
    assert (await operator.post(f"{API}/calls/{missed}/vote-link")).status == 409
    shown = await (await operator.post(f"/calls/{talked}/vote-link")).text()
    url = (await ok(await operator.post(f"{API}/calls/{talked}/vote-link"), 201))["url"]
    assert "/vote/" in shown and url.partition("/vote/")[2] not in shown
    place = "/vote/" + url.partition("/vote/")[2]
    assert (await client.get(place)).status == 200
    assert (await client.get("/vote/short")).status == 404
    statuses = [(await client.get(f"/vote/{'x' * 24}{n:04}")).status for n in range(60)]
    assert (statuses[0], statuses[-1]) == (404, 429)
    assert (await client.post(place, data={"stars": "5"})).status == 429
    clock.move(minutes=6)
    assert (await client.get(place)).status == 200
    clock.move(days=7)
    assert (await client.get(place)).status == 404
    assert (await client.post(place, data={"stars": "5"})).status == 404
