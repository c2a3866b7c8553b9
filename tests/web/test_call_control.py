"""Hands on a live call through the API: whose call it is, what is refused before it reaches the switchboard."""

from uuid import UUID, uuid4

import pytest

from callcenter.control import Act
from callcenter.target import Target
from crm_core.call_act import ActKind

PLAIN = {
    "hold": ActKind.HOLD,
    "resume": ActKind.RESUME,
    "consult/complete": ActKind.COMPLETE,
    "consult/cancel": ActKind.CANCEL,
    "consult/swap": ActKind.SWAP,
    "consult/conference": ActKind.CONFERENCE,
    "park": ActKind.PARK,
    "retrieve": ActKind.RETRIEVE,
    "recording/pause": ActKind.PAUSE_RECORDING,
    "recording/resume": ActKind.RESUME_RECORDING,
}
WITH_BODY = {"transfer": {"to": "1002"}, "consult": {"to": "1002"}, "dtmf": {"digits": "1"}}
HOSTILE = "<script>alert(1)</script>\r\nAction: Hangup"


async def talking(live, user_id: int) -> UUID:
    return await live.dial(user_id, "+79161234567")


def at(call: UUID, what: str) -> str:
    return f"/api/v1/calls/{call}/{what}"


async def test_what_an_operator_presses_reaches_his_call(client_of, people, live) -> None:
    browser, call = await client_of("operator"), await talking(live, people["operator"])
    for what in PLAIN:
        assert (await browser.post(at(call, what))).status == 204, what
    assert live.acts == [Act(kind=kind) for kind in PLAIN.values()]
    assert (await browser.post(at(call, "hangup"))).status == 202
    assert live.live_call(call) is None


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"user_id": 2}, Target(user_id=2)),
        ({"queue": "sales"}, Target(queue="sales")),
        ({"to": "+7 (916) 765-43-21"}, Target(to="+7 (916) 765-43-21")),
    ],
)
async def test_a_call_goes_to_a_colleague_a_queue_or_a_number(client_of, people, live, body, target) -> None:
    browser, call = await client_of("operator"), await talking(live, people["operator"])
    assert (await browser.post(at(call, "transfer"), json=body)).status == 204
    assert live.acts == [Act(kind=ActKind.BLIND_TRANSFER, target=target)]


async def test_a_colleagues_call_is_only_for_who_supervises(client_of, people, live) -> None:
    call = await talking(live, people["operator"])
    senior = await client_of("senior")
    for what in (*PLAIN, *WITH_BODY, "hangup"):
        answer = await senior.post(at(call, what), json=WITH_BODY.get(what))
        assert answer.status == 403, what
        assert (await answer.json())["detail"] == "This is a colleague's call."
    assert live.acts == [] and live.live_call(call) is not None
    supervisor = await client_of("supervisor")
    assert (await supervisor.post(at(call, "hold"))).status == 204
    assert live.acts == [Act(kind=ActKind.HOLD)]


async def test_a_call_that_is_over_or_never_was_is_not_found(client_of) -> None:
    browser = await client_of("operator")
    for what in (*PLAIN, *WITH_BODY, "hangup"):
        assert (await browser.post(at(uuid4(), what), json=WITH_BODY.get(what))).status == 404, what
    assert (await browser.get(at(uuid4(), "targets"))).status == 404
    assert (await browser.post("/api/v1/calls/not-an-id/hold")).status in (404, 422)


async def test_what_the_call_is_not_in_a_state_for_is_said_in_words(client_of, people, live) -> None:
    browser, call = await client_of("operator"), await talking(live, people["operator"])
    live.calls[call]["state"] = "parked"
    answer = await browser.post(at(call, "hold"))
    assert answer.status == 409
    assert answer.content_type == "application/problem+json"
    assert (await answer.json())["detail"] == "The customer is parked. Fetch him first."
    assert live.acts == []


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("transfer", {}),
        ("transfer", {"to": "1002", "queue": "sales"}),
        ("transfer", {"user_id": "1002; DROP TABLE"}),
        ("transfer", {"user_id": -1}),
        ("transfer", {"queue": HOSTILE}),
        ("transfer", {"queue": "sales,n,1(x)"}),
        ("transfer", {"queue": ""}),
        ("transfer", {"to": HOSTILE}),
        ("transfer", {"to": "${SHELL(id)}"}),
        ("transfer", {"to": "1" * 200}),
        ("transfer", {"to": "1002", "context": "from-trunk"}),
        ("consult", {"queue": "sales"}),
        ("consult", {"to": ""}),
        ("consult", {"to": None, "user_id": None}),
        ("dtmf", {}),
        ("dtmf", {"digits": ""}),
        ("dtmf", {"digits": "12a"}),
        ("dtmf", {"digits": "1\n2"}),
        ("dtmf", {"digits": "1" * 41}),
        ("dtmf", {"digits": 12}),
    ],
)
async def test_what_nobody_can_mean_is_refused_and_nothing_is_sent(
    client_of, people, live, what, body
) -> None:
    browser, call = await client_of("operator"), await talking(live, people["operator"])
    answer = await browser.post(at(call, what), json=body)
    assert answer.status == 422, await answer.text()
    assert answer.content_type == "application/problem+json"
    assert live.acts == []


async def test_where_a_call_can_be_sent(client_of, people, live) -> None:
    browser, call = await client_of("operator"), await talking(live, people["operator"])
    answer = await browser.get(at(call, "targets"))
    assert await answer.json() == {"queues": [{"name": "sales", "waiting": 2, "free": 1}], "recent": []}
