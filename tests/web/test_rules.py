"""The page on which an administrator tries the rules of a switchboard."""

import pytest

from tests.web import shop
from web.settings import PbxSettings, TrunkNumberRule


@pytest.fixture
def settings(settings):
    rule = TrunkNumberRule(trunk="gate", pattern=r"00(\d+)", replace=r"+\1")
    pbx = PbxSettings(name="pbx", username="crm", secret="s3cret", extensions=r"\d{4}", number_rules=(rule,))
    other = pbx.model_copy(update={"name": "kyiv", "extensions": r"\d{3}", "number_rules": ()})
    return settings.model_copy(update={"pbx": (pbx, other), "country": "PL"})


async def judged(browser, **query: str):
    return await (await browser.get("/api/v1/rules/test", params=query)).json()


async def test_a_call_is_tried_against_the_rules_of_its_switchboard(client_of, database) -> None:
    await shop.furnish(database)
    browser = await client_of("admin")
    call = {"channel": "PJSIP/gate", "number": "0048601220114", "did": "+48223071120"}
    found = await judged(browser, pbx="pbx", **call)
    assert (found["direction"], found["line_name"], found["shop"]) == ("inbound", "Sales", "Kettle House")
    assert (found["e164"], found["number_rule"], found["customers"]) == ("+48601220114", r"00(\d+)", 1)
    assert (await judged(browser, pbx="kyiv", channel="PJSIP/1001"))["kind"] == "trunk"
    assert (await judged(browser, pbx="pbx", channel="PJSIP/1001"))["kind"] == "extension"
    assert (await judged(browser, pbx="pbx", channel="PJSIP/gate", number="+48223071120"))["ours"] is True


async def test_the_page_shows_the_same_and_refuses_nonsense(client_of, database) -> None:
    await shop.furnish(database)
    browser = await client_of("admin")
    page = await browser.get(
        "/rules", params={"pbx": "pbx", "channel": "PJSIP/gate", "number": "0048601220114"}
    )
    assert page.status == 200 and "+48601220114" in await page.text()
    wrong = await browser.get("/rules", params={"pbx": "pbx", "channel": "<script>"})
    assert wrong.status == 422 and '<script>"' not in await wrong.text()
    assert (await browser.get("/rules", params={"pbx": "no", "channel": "PJSIP/1"})).status == 422
    assert (await browser.get("/api/v1/rules/test?pbx=no&channel=PJSIP/1")).status == 404
    assert (await browser.get("/api/v1/rules/test?pbx=pbx&channel=nonsense")).status == 422
    assert (await (await client_of("supervisor")).get("/rules")).status == 403


async def test_the_status_page_says_which_switchboard_is_late_and_which_is_away(client_of, live) -> None:
    warsaw, kyiv = (
        live.listed[0],
        type(live.listed[0])(pbx="kyiv", state="lost", version=None, latency_s=None),
    )
    warsaw.delayed, warsaw.latency_s = True, 3.2
    live.listed.append(kyiv)
    browser = await client_of("admin")
    text = await (await browser.get("/status")).text()
    assert "answers late" in text and "3200 ms" in text and "Asterisk 22.10.1" in text
    checks = (await (await browser.get("/readyz")).json())["checks"]
    assert {each["name"]: each["ok"] for each in checks if each["name"].startswith("pbx:")} == {
        "pbx:pbx": True,
        "pbx:kyiv": False,
    }
