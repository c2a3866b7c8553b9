"""Looking for what was said: found in every call one may hear, marked, and heard from that second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from crm_core import late_index
from crm_core.call_talk import catch_up
from crm_core.keys import search_key
from crm_core.read import phrases
from crm_core.recording import Phrase
from crm_core.said_words import pieces, wanted
from tests.web import shop

HOSTILE = "the <b>mug</b> & Łódź \"x'); drop table calls;--"


@given(st.text(), st.text())
def test_a_phrase_in_pieces_is_the_phrase_and_only_what_was_asked_is_marked(phrase, asked) -> None:
    want = wanted(asked)
    parts = pieces(phrase, [want])
    assert "".join(part.text for part in parts) == phrase
    known = {*want.beginnings, *(word for row in want.rows for word in row)}
    for part in parts:
        assert not part.hit or any(word in search_key(part.text) for word in known)
        assert part.text


def test_words_may_begin_so_and_words_in_a_row_are_meant_as_they_are() -> None:
    def marked(phrase: str, asked: str) -> list[str]:
        return [part.text for part in pieces(phrase, [wanted(asked)]) if part.hit]

    assert marked("I returned the mug", "return mu") == ["returned", "mug"]
    assert marked("I returned the mug", '"return"') == []
    assert marked("do Łodzi, łódź", "lodz") == ["Łodzi", "łódź"]
    assert wanted('"send it back" mug').query == "'mug':* & ('send' <-> 'it' <-> 'back')"
    assert wanted('?! "" --').query == ""


async def test_the_database_folds_letters_as_we_do(database) -> None:
    letters = [
        letter for code in range(0xC0, 0x180) if (letter := chr(code)).isalpha() and letter not in "ĿŀŉĲĳ"
    ]
    said = " ".join([*letters, "o'Neill-Żółć", "ПІД’ЇЗД"])
    async with database.begin() as session:
        query = text("SELECT unnest(tsvector_to_array(phrase_words(:said)))")
        there = set(await session.scalars(query, {"said": said}))
    assert there == set(search_key(said).split())


@pytest.mark.parametrize("common", [False, True])
async def test_it_is_found_only_where_one_may_hear_and_as_it_was_filtered(
    client_of, database, people, monkeypatch, common
) -> None:
    if common:  # as with a word that very many say: the calls are read one after the other
        monkeypatch.setattr(phrases, "COMMON", 1)
    made = await shop.furnish(database)
    line = {"line_id": made.line, "disposition": "sold", "queue": "sales", "customer_id": made.customer}
    async with database.begin() as session:
        await session.execute(text("UPDATE customers SET source = 'adverts'"))
    mine = await shop.add_call(database, talked=people["operator"], **line)
    rang = await shop.add_call(database, talked=people["senior"], rang=people["operator"])
    await shop.add_sound(database, mine, HOSTILE)
    await shop.add_sound(database, rang, "a mug for the senior")
    async with database.begin() as session:
        transcript = await session.scalar(
            text("SELECT id FROM transcripts WHERE call_id = :id"), {"id": mine}
        )
        for second in (20.5, 30.0, 40.0, 50.0):
            more = {"side": "operator", "start_s": second, "end_s": second + 1}
            session.add(Phrase(transcript_id=transcript, text="mugs we have many", confidence=0.9, **more))

    async def found(who: str, query: str, **filters: str) -> list[tuple[str, int]]:
        answer = await (await client_of(who)).get("/api/v1/calls/said", params={"query": query, **filters})
        assert answer.status == 200, await answer.text()
        return [(it["call"]["id"], len(it["hits"]) + it["more"]) for it in (await answer.json())["items"]]

    own, theirs = str(mine), str(rang)
    assert await found("operator", "mug") == [(own, 5)], "a ring alone lets nobody hear a colleague"
    assert sorted(await found("supervisor", "mug")) == sorted([(own, 5), (theirs, 1)])
    assert await found("supervisor", "mug lodz") == [(own, 1)], "all of it in one phrase"
    assert await found("supervisor", '"we have many"') == [(own, 4)]
    assert await found("supervisor", '"have we"') == await found("supervisor", "?!") == []
    assert await found("supervisor", "mug", side="operator") == [(own, 4)]
    assert await found("supervisor", "mug", line_id=str(made.line)) == [(own, 5)]
    assert await found("supervisor", "mug", queue="sales", source="adverts") == [(own, 5)]
    assert (
        await found("supervisor", "mug", source="friends")
        == await found("supervisor", "mug", queue="x")
        == []
    )
    listed = await (await (await client_of("supervisor")).get("/calls?queue=sales&source=adverts")).text()
    assert f"/calls/{mine}" in listed and f"/calls/{rang}" not in listed and 'value="adverts"' in listed
    assert await found("supervisor", "mug", outcome="sold", operator_id=str(people["senior"])) == []
    assert await found("supervisor", "mug", since="2026-11-21T00:00:00Z") == []
    assert await found("supervisor", "mug", sold="yes", since="2026-11-01T00:00:00Z") == []
    assert await found("supervisor", "lodz", sold="no") == [(own, 1)]
    for page in ("/api/v1/calls/said?query=mug", "/api/v1/figures/moments"):
        assert (await (await client_of("courier")).get(page)).status == 403
    told = await (await (await client_of("supervisor")).get("/api/v1/figures/moments")).json()
    assert (told["calls"], told["enough"], told["moments"]) == (2, False, [])
    assert (
        "Not enough calls yet" in await (await (await client_of("supervisor")).get("/figures/moments")).text()
    )
    page = await (await (await client_of("supervisor")).get("/calls/said?query=mug")).text()
    assert "the &lt;b&gt;<mark>mug</mark>&lt;/b&gt; &amp; Łódź" in page
    assert "and 2 more times in this call" in page
    assert f"/calls/{mine}?at=20.5#sound" in page


async def test_until_its_index_is_built_what_was_said_is_looked_for_in_the_newest_texts(
    client_of, database, people, monkeypatch
) -> None:
    monkeypatch.setattr(phrases, "NEWEST", 1)
    old, new = [await shop.add_call(database, talked=people["operator"]) for _ in range(2)]
    for call in (old, new):
        await shop.add_sound(database, call, "a mug")
    async with database.begin() as session:
        await session.execute(text("DROP INDEX ix_phrases_words"))
    supervisor = await client_of("supervisor")

    async def found() -> set[str]:
        rows = (await (await supervisor.get("/api/v1/calls/said?query=mug")).json())["items"]
        return {it["call"]["id"] for it in rows}

    assert await found() == {str(new)}
    assert "is being built" in await (await supervisor.get("/calls/said?query=mug")).text()
    assert (
        "ix_phrases_words is not there yet" in await (await (await client_of("admin")).get("/status")).text()
    )
    assert await late_index.build(database)
    assert await found() == {str(old), str(new)}
    assert "is being built" not in await (await supervisor.get("/calls/said?query=mug")).text()


async def test_a_tag_is_there_for_old_calls_at_once_and_tells_nothing_of_a_call_one_may_not_hear(
    client_of, database, people
) -> None:
    mine = await shop.add_call(database, talked=people["operator"])
    rang = await shop.add_call(database, talked=people["senior"], rang=people["operator"])
    await shop.add_sound(database, mine, "I want to return it, please")
    await shop.add_sound(database, rang, "please send it back")
    async with database.begin() as session:
        query = text("SELECT id FROM transcripts WHERE call_id = :id")
        transcript = await session.scalar(query, {"id": mine})
        more = {"side": "operator", "start_s": 3.5, "end_s": 5.5, "confidence": 0.9}
        session.add(Phrase(transcript_id=transcript, text="you may return it and get a refund", **more))
    admin, operator, supervisor = [await client_of(it) for it in ("admin", "operator", "supervisor")]
    tag = {"name": "Return", "words": 'retur, "send it back"', "side": "customer", "care": True}
    assert (await operator.post("/api/v1/phrase-tags", json=tag)).status == 403
    kept = await (await admin.post("/api/v1/phrase-tags", json=tag)).json()
    assert (await admin.post("/api/v1/phrase-tags", json=tag)).status == 409
    assert (await admin.post("/api/v1/phrase-tags", json={"name": "No", "words": "?!"})).status == 409

    async def with_tag(browser, place: str) -> set[str]:
        answer = await browser.get(place, params={"tag_id": str(kept["id"])})
        assert answer.status == 200, await answer.text()
        rows = (await answer.json())["items"]
        return {(it.get("call") or it)["id"] for it in rows}

    for place in ("/api/v1/calls", "/api/v1/calls/said"):
        assert await with_tag(operator, place) == {str(mine)}
        assert await with_tag(supervisor, place) == {str(mine), str(rang)}
    file = await (await admin.get(f"/api/v1/exports/calls?tag_id={kept['id']}")).text()
    assert file.count("\n") == 3  # the head and two calls
    talked = await (await operator.get(f"/api/v1/calls/{mine}/talk")).json()
    assert [(it["name"], it["times"], it["first_s"]) for it in talked["tags"]] == [("Return", 1, 1.5)]
    assert (talked["operator"]["spoke_s"], talked["customer"]["spoke_s"]) == (2.0, 1.5)
    assert (talked["silence_s"], talked["length_s"]) == (86.5, 90.0)

    # The same is kept with the call, and lists and reports tell it.
    async with database.begin() as session:
        assert await catch_up(session) == transcript and await catch_up(session) is None
    for place in ("/api/v1/calls?manner=", "/api/v1/calls?direction=inbound&manner="):
        for manner, calls in (("silent", [str(mine)]), ("one_sided", [])):
            assert [
                it["id"] for it in (await (await supervisor.get(place + manner)).json())["items"]
            ] == calls
    report = {
        "by": "operator",
        "figures": "talk_share,silence,interruptions,monologue",
        "time": "last_365_days",
    }
    rows = (await (await supervisor.get("/api/v1/figures", params=report)).json())["rows"]
    told = [[cell["values"][0]["value"] for cell in row["cells"]] for row in rows]
    assert told == [[pytest.approx(2 / 3.5), pytest.approx(86.5 / 90), 0.0, 2.0]]
    async with database.begin() as session:
        sql = """UPDATE call_talks SET operator_ms = 900, customer_ms = 100, silence_ms = 0, length_ms = 1000,
            operator_broke_in = 4, customer_broke_in = 0, operator_longest_ms = 500 WHERE call_id = :id"""
        await session.execute(text(sql), {"id": rang})

    async def most(browser, **query: str) -> list[tuple[str, int]]:
        answer = await browser.get("/api/v1/calls/talked", params=query)
        assert answer.status == 200, await answer.text()
        first = await answer.json()
        rows = first["items"]
        if first["next"]:
            following = query | {"after": first["next"]}
            rows += (await (await browser.get("/api/v1/calls/talked", params=following)).json())["items"]
        return [(it["id"], it["operator_share"]) for it in rows]

    assert await most(supervisor, limit="1") == [(str(rang), 900), (str(mine), 571)]
    assert await most(supervisor, measure="silence", limit="1") == [(str(mine), 571), (str(rang), 900)]
    assert await most(supervisor, measure="longest", at_least="2") == [(str(mine), 571)]
    assert await most(operator) == [(str(mine), 571)], "he did not talk in the other one"
    assert "57 %" in await (await operator.get("/calls/talked")).text()
    assert (await operator.get(f"/api/v1/calls/{rang}/talk")).status == 403
    page = await (await operator.get(f"/calls/{mine}")).text()
    assert "How it was talked" in page and 'class="chip miss"' in page
    assert "How it was talked" not in await (await operator.get(f"/calls/{rang}")).text()

    change = {"version": kept["version"], "words": "refund", "side": None}
    assert (await admin.patch(f"/api/v1/phrase-tags/{kept['id']}", json=change)).status == 200
    assert (await admin.patch(f"/api/v1/phrase-tags/{kept['id']}", json=change)).status == 409
    assert await with_tag(supervisor, "/api/v1/calls") == {str(mine)}
    form = {"version": "2", "name": "Return", "words": 'back, "return it"', "side": ""}
    assert (await admin.post(f"/phrase-tags/{kept['id']}", data=form, allow_redirects=False)).status == 303
    assert await with_tag(supervisor, "/api/v1/calls/said") == {str(mine), str(rang)}
    assert (await admin.post(f"/phrase-tags/{kept['id']}/remove", allow_redirects=False)).status == 303
    assert await with_tag(supervisor, "/api/v1/calls") == set()
