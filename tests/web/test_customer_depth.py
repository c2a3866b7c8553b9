"""All that is known about a person, in the API and on the page: contacts, own fields, double cards."""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm_core.mention import mentioned, write_note
from crm_core.outbox import OutboxRow
from tests.web import shop
from tests.web.test_nouns import API, ok, refused
from tests.web.test_pages import page


async def test_a_person_is_known_by_many_ways_and_by_fields_of_the_house(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    colleague = await shop.add_call(database, talked=people["senior"], customer_id=there.customer)
    admin, operator = await client_of("admin"), await client_of("operator")
    at = f"{API}/customers/{there.customer}"
    for object_, kind, options in (
        ("customer", "choices", ["cat", "dog"]),
        ("order", "yes_no", []),
        ("deal", "number", []),
        ("call", "date", []),
    ):
        body = {"object": object_, "name": f"Own {kind}", "kind": kind, "options": options}
        made = await ok(await admin.post(f"{API}/custom-fields", json=body), 201)
        assert made["code"] == f"own_{kind}"
    await refused(await operator.post(f"{API}/custom-fields", json=body), 403)
    for address, values in (
        (f"customers/{there.customer}", {"own_choices": ["dog"]}),
        (f"orders/{there.order}", {"own_yes_no": True}),
        (f"deals/{there.deal}", {"own_number": 12.5}),
        (f"calls/{call}", {"own_date": "2026-12-24"}),
    ):
        kept = await ok(await operator.patch(f"{API}/{address}/custom", json={"values": values}))
        expected = {code: "12.5" if value == 12.5 else value for code, value in values.items()}
        assert kept == {"values": expected} == await ok(await operator.get(f"{API}/{address}/custom"))
        body = {"values": dict.fromkeys(values, "nonsense")}
        problem = await refused(await operator.patch(f"{API}/{address}/custom", json=body), 409)
        assert problem["errors"][0]["field"].startswith("custom.own_")
    own = {"values": {"own_date": "2026-01-01"}}
    await refused(await operator.patch(f"{API}/calls/{colleague}/custom", json=own), 403)

    telegram = {"kind": "telegram", "value": "@marta_z"}
    first = await ok(await operator.post(f"{at}/contacts", json=telegram), 201)
    assert await ok(await operator.post(f"{at}/contacts", json=telegram | {"value": "Marta_Z"}), 201) == first
    email = {"kind": "email", "value": "marta@work.pl"}
    await ok(await operator.post(f"{at}/contacts", json=email), 201)
    await refused(await operator.post(f"{at}/contacts", json=email | {"value": "no address"}), 409)
    street = await ok(await operator.post(f"{at}/addresses", json={"address": "Long street 5"}), 201)
    known = await ok(await operator.get(at))
    assert [it["value"] for it in known["contacts"]] == ["@marta_z", "marta@work.pl"]
    assert (known["custom"], known["addresses"]) == ({"own_choices": ["dog"]}, [street])
    for query in ("marta@work", "@marta_z"):
        found = await ok(await operator.get(f"{API}/customers", params={"query": query}))
        assert [one["id"] for one in found["items"]] == [there.customer]
    change = {
        "version": known["version"],
        "sex": "female",
        "category": "regular",
        "manager_id": people["senior"],
    }
    known = await ok(await operator.patch(at, json=change))
    assert (known["sex"], known["category"], known["manager"]) == ("female", "regular", "Senior")
    nobody = {"version": known["version"], "manager_id": 99999}
    assert (await refused(await operator.patch(at, json=nobody), 409))["errors"][0]["field"] == "manager_id"

    await operator.post(f"/customers/{there.customer}/contacts/{first['id']}/remove")
    form = {"several.custom.own_choices": "1", "custom.own_choices": ["", "cat"]}
    await operator.post(f"/customers/{there.customer}/custom", data=form)
    sent = {"custom.own_number": "many < 7"}
    wrong = await (await operator.post(f"/deals/{there.deal}/custom", data=sent)).text()
    assert 'value="many &lt; 7"' in wrong and 'id="wrong-custom.own_number"' in wrong
    said = await page(operator, f"/customers/{there.customer}")
    assert "@marta_z" not in said and "marta@work.pl" in said and "Long street 5" in said
    assert (await ok(await operator.get(at)))["custom"] == {"own_choices": ["cat"]}
    assert "2026-12-24" in await page(operator, f"/calls/{call}")


async def test_two_cards_of_one_person_are_merged_on_a_page_and_taken_apart(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    body = {"name": "Marta Z.", "numbers": [shop.NUMBER], "city": "Łódź"}
    twin = (await ok(await operator.post(f"{API}/customers", json=body), 201))["id"]
    async with database.begin() as session:
        await write_note(session, twin, "gate code 14B", user_id=people["senior"], at=shop.NOON)
    assert "Marta Z." in await page(operator, "/customers/duplicates?kind=number")
    assert "the same number" in await page(operator, f"/customers/{there.customer}")
    form = {"kind": "number", "customer_id": twin, "do": "merge"}
    answer = await operator.post(f"/customers/{there.customer}/merge", data=form)
    done = await answer.text()
    assert answer.status == 200 and "No double cards" in done
    at_once = done.split("/merges/")[1].split("/undo")[0]  # where it was done it can be taken back
    problem = await refused(
        await operator.post(f"{API}/customers/{there.customer}/merge", json={"customer_id": twin}), 409
    )
    assert "merged with somebody" in problem["detail"]
    history = await page(operator, f"/customers/{twin}")  # leads to the one who stayed
    assert "gate code 14B" in history and "Merged with" in history
    merge = history.split("/merges/")[1].split("/undo")[0]
    assert merge == at_once
    answer = await operator.post(f"/merges/{merge}/undo")
    assert answer.status == 200 and "apart again" in await answer.text()
    assert "gate code 14B" not in await page(operator, f"/customers/{there.customer}")
    await refused(await operator.post(f"{API}/merges/{merge}/undo"), 409)
    await ok(
        await operator.post(f"{API}/customers/{twin}/different", json={"customer_id": there.customer}), 204
    )
    assert (await ok(await operator.get(f"{API}/duplicates")))["items"] == []


async def test_a_note_reaches_the_colleague_it_names(client_of, database, people) -> None:
    there = await shop.furnish(database)
    operator, senior = await client_of("operator"), await client_of("senior")
    text = "@Senior. please look: @operator and nobody@senior.example do not count, @stranger neither"
    kept = await operator.post(f"/customers/{there.customer}/notes", data={"text": text})
    assert "Told of your note: Senior" in await kept.text()
    kept = await operator.post(f"/customers/{there.customer}/notes", data={"text": "@nobody of this name"})
    assert "The note names nobody who signs in here." in await kept.text()
    async with database.begin() as session:
        told = (await session.scalars(select(OutboxRow).where(OutboxRow.topic == "notice"))).one().payload
    assert (told["user_ids"], told["address"]) == ([people["senior"]], "/for-me")
    assert "please look" in await page(senior, "/for-me")
    assert "please look" not in await page(operator, "/for-me")
    (mine,) = (await ok(await senior.get(f"{API}/mentions?unread=true")))["items"]
    assert (mine["author"], mine["customer_id"]) == ("Operator", there.customer)
    await refused(await operator.post(f"{API}/mentions/{mine['id']}/read"), 404)
    assert 'aria-label="For me: 1 not read"' in await page(senior, f"/customers/{there.customer}")
    await operator.get(f"/customers/{there.customer}?kind=note")
    assert 'aria-label="For me"' in await page(senior, f"/customers/{there.customer}?kind=note")
    assert (await ok(await senior.get(f"{API}/mentions?unread=true")))["items"] == []
    await operator.post(f"/customers/{there.customer}/notes", data={"text": "@senior once more"})
    (again,) = (await ok(await senior.get(f"{API}/mentions?unread=true")))["items"]
    await ok(await senior.post(f"{API}/mentions/{again['id']}/read"), 204)
    assert (await ok(await senior.get(f"{API}/mentions?unread=true")))["items"] == []
    assert len((await ok(await senior.get(f"{API}/mentions")))["items"]) == 2


@given(st.text(max_size=80), st.lists(st.from_regex(r"[a-z][a-z0-9._-]{0,9}", fullmatch=True), max_size=4))
def test_whoever_is_named_is_one_of_those_there_are_and_named_once(note: str, logins: list[str]) -> None:
    found = mentioned(note, logins)
    assert set(found) <= set(logins) and len(set(found)) == len(found)
    for login in logins:
        assert login in mentioned(f"{note} @{login}", logins)
        assert login not in mentioned(f"somebody@{login}", logins)
