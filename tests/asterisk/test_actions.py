"""What reaches the PBX is exactly what was meant, and what could mean more is refused before it is sent."""

import asyncio
import string
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk import actions
from asterisk.ami import AmiConfig, Link
from asterisk.events import Heard, Resynced
from tests.asterisk.peer import Peer, block, success

OURS = ("Originate", "Hangup", "Redirect", "Atxfer", "Park", "QueueAdd", "QueueRemove", "QueuePause")
OURS += ("MixMonitor", "MixMonitorMute", "PlayDTMF")


@asynccontextmanager
async def phone_room() -> AsyncIterator[tuple[Peer, Link]]:
    """A PBX that does whatever it is asked, and a link to it."""
    async with Peer() as peer:
        for action in OURS:
            peer.answers[action] = success("done")
        inbox: asyncio.Queue[Heard] = asyncio.Queue()
        link = Link(AmiConfig("main", "127.0.0.1", peer.port, "crm", "s3cret"), inbox, lambda status: None)
        task = asyncio.create_task(link.run())
        try:
            while not isinstance((await inbox.get()).event, Resynced):
                pass
            yield peer, link
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def sent(act: Callable[[Link], Awaitable[object]]) -> dict[str, str]:
    """Return the action that `act` sends, without its ActionID."""
    async with phone_room() as (peer, link):
        await act(link)
        return {name: value for name, value in peer.seen[-1].items() if name != "ActionID"}


def dial(link: Link, **changed: object) -> Awaitable[str]:
    usual = {
        "channel": "PJSIP/1001",
        "exten": "+79261112233",
        "context": "callcenter-dial",
        "caller_id": '"Žofie" <+79261112233>',
        "channel_id": "cc-1",
        "other_channel_id": "cc-1-far",
    }
    return actions.originate(link, **{**usual, **changed})  # type: ignore[arg-type]  # tests give bad ones too


async def test_a_click_is_one_originate_that_can_be_recognised_in_every_event_of_the_call() -> None:
    async with phone_room() as (peer, link):
        assert await dial(link, variables={"OPERATOR": "1001"}, timeout_s=20) == "cc-1"
        assert peer.seen[-1] == {
            "Action": "Originate",
            "ActionID": "cc-1",
            "Async": "true",
            "CallerID": '"Žofie" <+79261112233>',
            "Channel": "PJSIP/1001",
            "ChannelId": "cc-1",
            "Context": "callcenter-dial",
            "Exten": "+79261112233",
            "OtherChannelId": "cc-1-far",
            "Priority": "1",
            "Timeout": "20000",
            "Variable": "__CALLCENTER_CALL=cc-1|OPERATOR=1001",
        }


@pytest.mark.parametrize(
    "changed",
    [
        {"exten": "123,456"},
        {"exten": "1&PJSIP/trunk"},
        {"exten": "+"},
        {"exten": ""},
        {"exten": "12\n"},
        {"exten": "١٢٣"},  # digits, but not ours
        {"context": "from-internal,s,1"},
        {"channel": "PJSIP/1001&PJSIP/1002"},
        {"channel": "PJSIP/1001\r\nAction: Command"},
        {"channel": "1001"},
        {"channel": "/.*/"},
        {"channel_id": "a b"},
        {"caller_id": "x\r\ny"},
        {"variables": {"A": "1,SHELL(id)=2"}},
        {"variables": {"SHELL(id)": "1"}},
        {"variables": {"A": "${SHELL(id)}"}},
    ],
)
async def test_what_could_mean_more_than_one_call_is_refused(changed: dict[str, object]) -> None:
    async with phone_room() as (peer, link):
        with pytest.raises(ValueError):
            await dial(link, **changed)
        assert peer.count("Originate") == 0


@settings(deadline=None)
@given(st.text(alphabet=string.printable, max_size=12))
def test_only_digits_with_one_plus_before_them_are_a_number(text: str) -> None:
    digits = text.removeprefix("+")
    real = digits.isdigit() and digits.isascii()
    assert bool(actions.NUMBER.fullmatch(text)) == real


@pytest.mark.parametrize(
    "name",
    [
        "PJSIP/1001-00000003",
        "PJSIP/trunk-name-with-dashes-000000ab",
        "Local/1001@from-queue-00000011;1",
        "Local/79…#@x".replace("…", "1"),
        "DAHDI/i1/79161234567-3",
        "SIP/provider.example.com-00000001",
        "AsyncGoto/PJSIP/1001-00000003<ZOMBIE>",
    ],
)
def test_channel_names_seen_in_the_field_are_accepted(name: str) -> None:
    assert actions.CHANNEL.fullmatch(name)


CASES: list[tuple[Callable[[Link], Awaitable[object]], dict[str, str]]] = [
    (
        lambda link: actions.hang_up(link, "PJSIP/1001-1"),
        {"Action": "Hangup", "Channel": "PJSIP/1001-1", "Cause": "16"},
    ),
    (
        lambda link: actions.redirect(link, "PJSIP/t-1", exten="1002", context="from-internal"),
        {
            "Action": "Redirect",
            "Channel": "PJSIP/t-1",
            "Exten": "1002",
            "Context": "from-internal",
            "Priority": "1",
        },
    ),
    (
        lambda link: actions.atxfer(link, "PJSIP/1001-1", exten="1002", context="from-internal"),
        {"Action": "Atxfer", "Channel": "PJSIP/1001-1", "Exten": "1002", "Context": "from-internal"},
    ),
    (
        lambda link: actions.park(link, "PJSIP/t-1", back_to="PJSIP/1001-1", lot="default"),
        {
            "Action": "Park",
            "Channel": "PJSIP/t-1",
            "Timeout": "45000",
            "TimeoutChannel": "PJSIP/1001-1",
            "Parkinglot": "default",
        },
    ),
    (
        lambda link: actions.queue_add(
            link, "sales", "Local/1001@from-queue/n", name="Anna", paused=True, state_interface="PJSIP/1001"
        ),
        {
            "Action": "QueueAdd",
            "Queue": "sales",
            "Interface": "Local/1001@from-queue/n",
            "MemberName": "Anna",
            "Penalty": "0",
            "Paused": "true",
            "StateInterface": "PJSIP/1001",
        },
    ),
    (
        lambda link: actions.queue_remove(link, "sales", "PJSIP/1001"),
        {"Action": "QueueRemove", "Queue": "sales", "Interface": "PJSIP/1001"},
    ),
    (
        lambda link: actions.queue_pause(link, "PJSIP/1001", paused=True, reason="lunch"),
        {"Action": "QueuePause", "Interface": "PJSIP/1001", "Paused": "true", "Reason": "lunch"},
    ),
    (
        lambda link: actions.queue_pause(link, "PJSIP/1001", paused=False, queue="sales"),
        {"Action": "QueuePause", "Interface": "PJSIP/1001", "Paused": "false", "Queue": "sales"},
    ),
    (
        lambda link: actions.mix_monitor(
            link, "PJSIP/t-1", mix="2026/a.wav", received="a-r.wav", sent="a-s.wav"
        ),
        {
            "Action": "MixMonitor",
            "Channel": "PJSIP/t-1",
            "File": "2026/a.wav",
            "Options": "bSr(a-r.wav)t(a-s.wav)",
        },
    ),
    (
        lambda link: actions.mix_monitor_mute(link, "PJSIP/t-1", muted=True, side="read"),
        {"Action": "MixMonitorMute", "Channel": "PJSIP/t-1", "Direction": "read", "State": "1"},
    ),
]


@pytest.mark.parametrize(
    ("act", "expected"), CASES, ids=[expected["Action"] + str(n) for n, (_, expected) in enumerate(CASES)]
)
async def test_an_action_says_exactly_this(
    act: Callable[[Link], Awaitable[object]], expected: dict[str, str]
) -> None:
    assert await sent(act) == expected


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.wav", "a/../../b.wav", "a.wav,b,c", "a)W(9", ""])
async def test_a_recording_stays_in_its_folder(name: str) -> None:
    async with phone_room() as (peer, link):
        with pytest.raises(ValueError, match="recording"):
            await actions.mix_monitor(link, "PJSIP/t-1", mix="a.wav", received=name)
        with pytest.raises(ValueError, match="recording"):
            await actions.mix_monitor(link, "PJSIP/t-1", mix=name)
        assert peer.count("MixMonitor") == 0


async def test_keys_are_pressed_one_after_the_other() -> None:
    async with phone_room() as (peer, link):
        await actions.play_dtmf(link, "PJSIP/t-1", "1#a")
        pressed = [seen["Digit"] for seen in peer.seen if seen["Action"] == "PlayDTMF"]
        assert pressed == ["1", "#", "A"]


async def test_a_variable_is_read_by_its_name_and_never_computed() -> None:
    async with phone_room() as (peer, link):
        peer.answers["Getvar"] = lambda action: block(
            "Response: Success", f"ActionID: {action['ActionID']}", "Variable: DID", "Value: 74951230001"
        )
        assert await actions.get_var(link, "DID", channel="PJSIP/t-1") == "74951230001"
        with pytest.raises(ValueError):
            await actions.get_var(link, "SHELL(id)")
