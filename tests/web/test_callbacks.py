"""Callbacks through the API and the pages: planned by two clocks, refused at night, put off, locked, given by rule."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import icalendar

from crm_core.customer import create_customer
from crm_core.dial_lock import lock
from tests.web.shop import NUMBER, add_call, furnish

API = "/api/v1"
NIGHT = "2026-11-20T22:30:00Z"  # half past eleven in Warsaw
MORNING = "2026-11-21T08:00:00Z"


async def body_of(answer, status: int = 200):
    body = await answer.json()
    assert answer.status == status, body
    return body


async def test_a_time_at_which_they_sleep_is_refused_with_the_next_one_that_is_allowed(
    client_of, database
) -> None:
    await furnish(database)
    operator = await client_of("operator")
    wanted = {"number": NUMBER, "due_at": NIGHT, "reason": "Refund"}
    refused = await body_of(await operator.post(f"{API}/callbacks", json=wanted), 409)
    assert [one["value"] for one in refused["choices"]] == [MORNING] and "Europe/Warsaw" in refused["detail"]
    known = await body_of(await operator.get(f"{API}/calling-times", params={"number": NUMBER, "at": NIGHT}))
    assert (known["timezone"], known["allowed"], known["next_allowed"]) == ("Europe/Warsaw", False, MORNING)


async def test_the_form_takes_their_clock_and_comes_back_with_an_allowed_moment(
    client_of, database, people
) -> None:
    there = await furnish(database)
    operator = await client_of("operator")  # whose own clock is that of UTC
    form = {"customer_id": str(there.customer), "number": NUMBER, "reason": "Refund", "clock": "theirs"}
    form |= {"whom": f"user:{people['senior']}", "most_attempts": "2"}
    refused = await operator.post("/callbacks", data=form | {"due_at": "2026-11-20T23:30"})
    page = await refused.text()
    assert refused.status == 422 and 'value="2026-11-21T08:00"' in page and "Refund" in page
    sent = await operator.post(
        "/callbacks", data=form | {"due_at": "2026-11-20T15:00"}, allow_redirects=False
    )
    assert sent.headers["Location"].startswith(f"/customers/{there.customer}")
    [made] = [
        one
        for one in (await body_of(await operator.get(f"{API}/callbacks")))["items"]
        if one["reason"] == "Refund"
    ]
    assert (made["due_at"], made["assigned_to"]) == ("2026-11-20T14:00:00Z", people["senior"])
    assert (made["most_attempts"], made["timezone"]) == (2, "Europe/Warsaw")
    page = await (await operator.get(f"/callbacks/{made['id']}")).text()
    assert "Fri 20 Nov 15:00 in Warsaw" in page
    change = {"due_at": "2026-11-20T14:00", "reason": "Refund", "whom": "", "note": "", "version": "1"}
    assert (
        await operator.post(f"/callbacks/{made['id']}/change", data=change, allow_redirects=False)
    ).status == 303
    again = await operator.post(f"/callbacks/{made['id']}/change", data=change)  # as somebody saw it before
    assert again.status == 422 and "meanwhile" in await again.text()


async def test_a_number_that_is_typed_finds_the_customer_and_several_are_asked_about(
    client_of, database
) -> None:
    there = await furnish(database)
    operator = await client_of("operator")
    form = {"number": "+48 601 220 114", "reason": "Refund", "due_at": "2026-11-20T15:00"}
    sent = await operator.post("/callbacks", data=form, allow_redirects=False)
    assert sent.headers["Location"].startswith(f"/customers/{there.customer}")
    page = await (await operator.get("/callbacks/new?number=%2B48601220114")).text()
    assert "Marta Zielińska" in page and "Whose number is it?" not in page

    async with database.begin() as session:
        jan = await create_customer(session, name="Jan <b>", country="PL", numbers=[NUMBER])
    wanted = {"number": NUMBER, "due_at": MORNING, "reason": "Refund"}
    asked = await body_of(await operator.post(f"{API}/callbacks", json=wanted), 409)
    assert {one["value"] for one in asked["choices"]} == {str(there.customer), str(jan.id)}
    nobody = await body_of(await operator.post(f"{API}/callbacks", json=wanted | {"customer_id": None}), 201)
    assert nobody["customer_id"] is None
    asked = await operator.post("/callbacks", data=form)
    page = await asked.text()
    assert asked.status == 422 and "2 customers have this number" in page and "Jan &lt;b&gt;" in page
    chosen = form | {"asked_for": form["number"], "customer_id": str(jan.id)}
    sent = await operator.post("/callbacks", data=chosen, allow_redirects=False)
    assert sent.headers["Location"].startswith(f"/customers/{jan.id}")
    other = await operator.post(
        "/callbacks", data=chosen | {"number": "+48 602 000 009"}, allow_redirects=False
    )
    assert other.headers["Location"].startswith("/callbacks/")  # the choice was for another number


async def test_a_callback_is_put_off_with_a_note_and_says_who_calls_now(
    client_of, database, people, clock
) -> None:
    there = await furnish(database)
    operator = await client_of("operator")
    at = f"{API}/callbacks/{there.callback}"
    later = await body_of(await operator.post(f"{at}/snooze", json={"minutes": 15, "note": "Busy"}))
    assert later["due_at"] == "2026-11-20T12:15:00Z" and later["note"].endswith("\nBusy")
    async with database.begin() as session:
        await lock(
            session, number=NUMBER, customer_id=None, call_id=uuid4(), user_id=people["senior"], now=clock()
        )
    assert (await body_of(await operator.get(at)))["calling"]["said"] == "Senior is calling now."
    for page in ("/callbacks", f"/customers/{there.customer}"):
        assert "Senior is calling now." in await (await operator.get(page)).text()
    clock.move(seconds=60)
    assert (await body_of(await operator.get(at)))["calling"] is None


async def test_moments_are_proposed_with_what_speaks_for_them(client_of, database) -> None:
    there = await furnish(database)
    for day in range(1, 6):
        at = datetime(2026, 11, 20, 16, 30, tzinfo=UTC) - timedelta(days=day)
        result = "no_answer" if day == 3 else "answered"
        known = {"direction": "outbound", "customer_id": there.customer, "result": result}
        await add_call(database, started_at=at, **known)
    operator = await client_of("operator")
    query = {"number": NUMBER, "customer_id": str(there.customer)}
    best = (await body_of(await operator.get(f"{API}/calling-times", params=query)))["proposals"][0]
    told = ("answered", "tried", "from_hour", "to_hour")
    assert [best[name] for name in told] == [4, 5, 17, 19] and best["local"].endswith("17:00")
    page = await (await operator.get(f"/callbacks/new?customer_id={there.customer}")).text()
    assert "answered 4 of 5 between 17 and 19" in page


async def test_an_administrator_says_when_customers_are_called_and_who_calls_back(
    client_of, database
) -> None:
    there = await furnish(database)
    admin, operator = await client_of("admin"), await client_of("operator")
    form = {f"day{n}": "10:00-12:00" for n in range(5)} | {"repeat_minutes": "45", "most_attempts": "5"}
    assert (await admin.post("/calling", data=form, allow_redirects=False)).status == 303
    rule = await body_of(await operator.get(f"{API}/calling-rule"))
    assert (rule["week"][0], rule["week"][6]) == ([{"opens": "10:00", "closes": "12:00"}], [])
    refused = await admin.post("/calling", data=form | {"day0": "nine"})
    assert refused.status == 422 and "nine" in await refused.text()
    line = {"strategy0": "last_talked", "strategy1": "team", "within_minutes": "5"}
    page = await admin.post(f"/lines/{there.line}/missed", data=line)
    assert page.status == 422 and "which team" in await page.text()
    kept = await admin.post(
        f"/lines/{there.line}/missed", data=line | {"strategy1": "anyone"}, allow_redirects=False
    )
    assert kept.status == 303
    missed = await body_of(await admin.get(f"{API}/lines/{there.line}/missed"))
    assert (missed["strategies"], missed["within_minutes"]) == (["last_talked", "anyone"], 5)


async def test_the_calendar_shows_who_calls_when_and_a_callback_is_moved_in_it(
    client_of, database, people
) -> None:
    there = await furnish(database)
    operator = await client_of("operator")
    day = {"by": "day", "day": "2026-11-20"}
    page = await (await operator.get("/callbacks/calendar", params=day)).text()
    assert "13:00 Marta" in page and "Operator</th>" in page
    form = day | {"due_at": "2026-11-20T15:00", "whom": f"user:{people['operator']}", "version": "1"}
    moved = await operator.post(f"/callbacks/{there.callback}/move", data=form, allow_redirects=False)
    assert moved.headers["Location"] == "/callbacks/calendar?by=day&day=2026-11-20&done=moved"
    found = await body_of(await operator.get(f"{API}/callbacks/{there.callback}"))
    assert (found["due_at"], found["assigned_to"]) == ("2026-11-20T15:00:00Z", people["operator"])
    night = await operator.post(
        f"/callbacks/{there.callback}/move", data=form | {"due_at": "2026-11-20T22:00", "version": "2"}
    )
    assert night.status == 422 and "Europe/Warsaw" in await night.text()


async def test_a_calendar_is_read_at_a_secret_address_until_it_is_revoked(
    client_of, client, database, people
) -> None:
    there = await furnish(database)
    operator = await client_of("operator")
    page = await (await operator.post("/callbacks/calendar/key")).text()
    address = re.search(r"/calendar/[A-Za-z0-9_-]+\.ics", page)[0]
    assert "SUMMARY" not in await (await client.get(address)).text()  # it is anyone's, nobody's in particular
    await operator.patch(f"{API}/callbacks/{there.callback}", json={"assigned_to": people["operator"]})
    answer = await client.get(address)
    assert answer.content_type == "text/calendar"
    [event] = icalendar.Calendar.from_ical(await answer.read()).walk("VEVENT")
    assert event.decoded("dtstart") == datetime(2026, 11, 20, 13, tzinfo=UTC)
    assert event["summary"] == "Call Marta Zielińska: Marta Zielińska"
    await operator.post("/callbacks/calendar/key/revoke")
    assert (await client.get(address)).status == 404


async def test_promises_are_made_settled_and_counted_for_whoever_made_them(
    client_of, database, clock
) -> None:
    there = await furnish(database)
    operator, other, boss = (
        await client_of("operator"),
        await client_of("senior"),
        await client_of("supervisor"),
    )
    wanted = {"text": "Send the invoice", "due_at": "2026-11-20T16:00:00Z", "customer_id": there.customer}
    made = await body_of(await operator.post(f"{API}/promises", json=wanted | {"order_id": there.order}), 201)
    await body_of(
        await operator.post(f"{API}/promises", json=wanted | {"due_at": "2026-11-20T11:00:00Z"}), 409
    )
    assert "Send the invoice" in await (await operator.get("/promises")).text()
    assert "Send the invoice" not in await (await other.get("/promises")).text()
    form = {"state": "kept", "version": str(made["version"]), "which": "open"}
    assert (await boss.post(f"/promises/{made['id']}", data=form, allow_redirects=False)).status == 303
    late = await body_of(await operator.post(f"{API}/promises", json=wanted), 201)
    clock.move(hours=5)
    settled = {"state": "kept", "version": late["version"]}
    done = await body_of(await operator.post(f"{API}/promises/{late['id']}/settle", json=settled))
    assert done["state"] == "broken"
    await body_of(await operator.post(f"{API}/promises/{late['id']}/settle", json=settled), 409)
    [share] = await body_of(await boss.get(f"{API}/promises/shares"))
    assert (share["name"], share["kept"], share["broken"], share["share"]) == ("Operator", 1, 1, 0.5)
    assert await body_of(await other.get(f"{API}/promises/shares")) == []
