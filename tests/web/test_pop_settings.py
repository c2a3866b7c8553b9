"""Everybody says himself how his calls reach him, in the API and on a page that needs no script."""

USUAL = {"mode": "ring", "sound": True, "volume": 60, "desktop": False, "most_cards": 4, "hide_min": None}


async def test_who_said_nothing_has_what_is_usual_and_what_he_says_is_his_alone(client_of) -> None:
    anna, oleg = await client_of("operator"), await client_of("senior")
    assert await (await anna.get("/api/v1/pop-settings")).json() == USUAL | {"badge": True}
    wanted = {"mode": "never", "sound": False, "volume": 15, "desktop": True, "most_cards": 2, "hide_min": 30}
    for _ in range(2):  # kept again is kept
        answer = await anna.put("/api/v1/pop-settings", json=wanted | {"badge": False})
        assert answer.status == 200
    assert await (await anna.get("/api/v1/pop-settings")).json() == wanted | {"badge": False}
    for wrong in ({"mode": "always"}, {"volume": 0}, {"most_cards": 10}, {"hide_min": 0}):
        refused = await anna.put("/api/v1/pop-settings", json=wanted | {"badge": True} | wrong)
        assert (refused.status, (await refused.json())["errors"][0]["field"]) == (422, next(iter(wrong)))
    assert (await (await oleg.get("/api/v1/pop-settings")).json())["mode"] == "ring"

    form = {"mode": "answer", "sound": "yes", "volume": "80", "most_cards": "3", "hide_min": ""}
    page = await (await anna.post("/my-desk", data=form)).text()
    assert "Saved." in page and 'value="80"' in page
    kept = await (await anna.get("/api/v1/pop-settings")).json()
    said = {"mode": "answer", "sound": True, "volume": 80, "desktop": False, "most_cards": 3}
    assert kept == said | {"hide_min": None, "badge": False}
    refused = await anna.post("/my-desk", data=form | {"most_cards": "77", "desktop": "yes"})
    text = await refused.text()
    assert refused.status == 422 and 'value="77"' in text and 'name="desktop" value="yes" checked' in text
