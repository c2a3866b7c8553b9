"""The link survives what panoramisk does not: each test is one way in which things go wrong."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk.ami import (
    ActionRefused,
    ActionTimeout,
    AmiConfig,
    Delays,
    Link,
    LinkLost,
    LinkState,
    LinkStatus,
    retry_delay,
)
from asterisk.events import (
    ChannelCreated,
    ChannelHungUp,
    ChannelListed,
    ChannelListEnded,
    Event,
    Heard,
    LinkUp,
    Resynced,
)
from asterisk.events import LinkLost as LinkWasLost
from tests.asterisk.peer import Peer, block, listing, refusal, success
from tests.patience import PATIENCE_S

QUICK = Delays(
    connect_s=2,
    answer_s=2,
    list_s=0.3,
    boot_s=0.2,
    ping_s=0.1,
    ping_answer_s=0.2,
    first_retry_s=0.01,
    longest_retry_s=0.05,
    refused_s=0.15,
    steady_s=5,
    room_s=0.01,
)


class Desk:
    """A link with its inbox, and what was told of it."""

    def __init__(self, peer: Peer, *, room: int = 1000, delays: Delays = QUICK, **account: object) -> None:
        self.inbox: asyncio.Queue[Heard] = asyncio.Queue(room)
        self.told: list[LinkStatus] = []
        self.changed = asyncio.Event()
        config = replace(AmiConfig("main", "127.0.0.1", peer.port, "crm", "s3cret"), **account)
        self.link = Link(config, self.inbox, self.tell, delays=delays)

    def tell(self, status: LinkStatus) -> None:
        self.told.append(status)
        self.changed.set()

    async def until(self, state: LinkState) -> LinkStatus:
        async with asyncio.timeout(PATIENCE_S):
            while self.link.status.state is not state:
                self.changed.clear()
                await self.changed.wait()
        return self.link.status

    async def hear(self, kind: type[Event]) -> list[Event]:
        """Take events out of the inbox until one of this kind; return all of them."""
        heard: list[Event] = []
        async with asyncio.timeout(PATIENCE_S):
            while not heard or not isinstance(heard[-1], kind):
                heard.append((await self.inbox.get()).event)
        return heard


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[Desk]:
    task = asyncio.create_task(desk.link.run())
    try:
        yield desk
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def connected(desk: Desk) -> AsyncIterator[Desk]:
    async with running(desk):
        await desk.hear(Resynced)
        yield desk


def channel(event: str, uniqueid: str, name: str = "Anna", **more: str) -> bytes:
    fields = {
        "Event": event,
        "Channel": f"PJSIP/1001-{uniqueid}",
        "ChannelState": "4",
        "ChannelStateDesc": "Ring",
        "CallerIDNum": "+79161234567",
        "CallerIDName": name,
        "Context": "from-trunk",
        "Exten": "74951230001",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        "Cause": "16",
        **more,
    }
    return block(*(f"{key}: {value}" for key, value in fields.items()))


# --- logging in


async def test_after_login_come_link_up_then_the_lists_then_resynced() -> None:
    async with Peer() as peer:
        item = channel("CoreShowChannel", "7.1").decode().strip().split("\r\n")
        peer.answers["CoreShowChannels"] = listing("CoreShowChannelsComplete", tuple(item))
        desk = Desk(peer)
        async with running(desk):
            heard = await desk.hear(Resynced)
        assert isinstance(heard[0], LinkUp)
        assert heard[0].uptime_s == 42
        assert [e.channel.uniqueid for e in heard if isinstance(e, ChannelListed)] == ["7.1"]
        asked = [action["Action"] for action in peer.seen if action["Action"] != "Ping"]
        assert asked[2:6] == ["CoreShowChannels", "BridgeList", "QueueStatus", "DeviceStateList"]


async def test_each_bridge_is_asked_for_its_members_and_the_action_id_says_which_bridge() -> None:
    async with Peer() as peer:
        peer.answers["BridgeList"] = listing(
            "BridgeListComplete",
            ("Event: BridgeListItem", "BridgeUniqueid: b-1", "BridgeTechnology: simple_bridge"),
            ("Event: BridgeListItem", "BridgeUniqueid: b-2", "BridgeTechnology: simple_bridge"),
        )
        async with connected(Desk(peer)):
            asked = [action for action in peer.seen if action["Action"] == "BridgeInfo"]
        assert [action["BridgeUniqueid"] for action in asked] == ["b-1", "b-2"]
        assert [action["ActionID"] for action in asked] == ["bridge/b-1", "bridge/b-2"]


async def test_the_secret_is_proved_by_challenge_and_not_sent() -> None:
    async with Peer() as peer, connected(Desk(peer)):
        login = await peer.saw("Login")
        assert login["AuthType"] == "MD5"
        assert "Secret" not in login


async def test_a_pbx_without_challenge_gets_the_plain_secret() -> None:
    async with Peer() as peer:
        peer.answers["Challenge"] = refusal("Invalid/unknown command")
        async with connected(Desk(peer)):
            assert (await peer.saw("Login"))["Secret"] == "s3cret"


async def test_plain_login_by_choice_asks_for_no_challenge() -> None:
    async with Peer() as peer, connected(Desk(peer, challenge=False)):
        assert (await peer.saw("Login"))["Secret"] == "s3cret"
        assert peer.count("Challenge") == 0


async def test_a_wrong_password_is_shown_and_tried_again_only_after_the_long_delay() -> None:
    async with Peer() as peer:
        peer.secret = "other"
        desk = Desk(peer)
        async with running(desk):
            status = await desk.until(LinkState.REFUSED)
            assert "refused" in status.detail
            assert "s3cret" not in status.detail
            await peer.saw("Login", times=3)
        logins = [at for action, at in peer.arrived_at if action == "Login"]
        assert all(later - sooner >= QUICK.refused_s for sooner, later in pairwise(logins))


async def test_a_link_that_was_refused_comes_up_when_the_password_is_corrected() -> None:
    async with Peer() as peer:
        peer.secret = "other"
        desk = Desk(peer)
        async with running(desk):
            await desk.until(LinkState.REFUSED)
            peer.secret = "s3cret"
            await desk.until(LinkState.CONNECTED)


@pytest.mark.parametrize(
    ("banner", "said"),
    [
        (b"Asterisk Call Manager/1.3\r\n", "Asterisk 11 or older (AMI 1.3)"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "does not speak AMI"),
    ],
)
async def test_something_that_is_no_asterisk_12_is_recognised_by_its_banner(banner: bytes, said: str) -> None:
    async with Peer() as peer:
        peer.banner = banner
        desk = Desk(peer)
        async with running(desk):
            assert said in (await desk.until(LinkState.REFUSED)).detail
        assert peer.count("Login") == 0


async def test_a_peer_that_accepts_and_says_nothing_is_given_up() -> None:
    async with Peer() as peer:
        peer.banner = b""
        desk = Desk(peer, delays=Delays(connect_s=0.1, first_retry_s=0.01))
        async with running(desk):
            assert "does not greet" in (await desk.until(LinkState.LOST)).detail


async def test_the_link_is_not_up_before_asterisk_has_booted() -> None:
    async with Peer() as peer:
        booted, peer.booted = peer.booted, b""
        desk = Desk(peer, delays=Delays(boot_s=5))
        async with running(desk):
            await peer.saw("Login")
            await asyncio.sleep(0.05)
            assert desk.link.status.state is LinkState.CONNECTING
            with pytest.raises(LinkLost):
                await desk.link.request("Ping")
            peer.say(booted)
            await desk.until(LinkState.CONNECTED)


async def test_an_account_that_never_hears_fully_booted_is_connected_all_the_same() -> None:
    async with Peer() as peer:
        peer.booted = b""
        desk = Desk(peer)
        async with running(desk):
            heard = await desk.hear(Resynced)
        assert isinstance(heard[0], LinkUp)
        assert heard[0].uptime_s is None


async def test_a_refused_list_does_not_keep_the_link_from_being_in_step() -> None:
    async with Peer() as peer:
        for action in ("CoreShowChannels", "BridgeList", "DeviceStateList", "CoreSettings"):
            peer.answers[action] = refusal("Permission denied")
        async with connected(Desk(peer)) as desk:
            assert desk.link.status.version == "AMI 11.0.0"


async def test_a_list_that_never_ends_does_not_keep_the_link_from_being_in_step() -> None:
    async with Peer() as peer:
        peer.answers["QueueStatus"] = success("Queue status will follow")
        async with connected(Desk(peer)) as desk:
            assert desk.link.status.version == "Asterisk 22.10.1"


async def test_the_list_of_channels_is_asked_for_again_when_it_did_not_end_in_time() -> None:
    async with Peer() as peer:
        whole = peer.answers["CoreShowChannels"]

        def slow_once(action: dict[str, str]) -> bytes:
            peer.answers["CoreShowChannels"] = whole
            return success("Channels will follow")(action)

        peer.answers["CoreShowChannels"] = slow_once
        desk = Desk(peer)
        async with running(desk):
            heard = await desk.hear(Resynced)
        assert [type(event) for event in heard].count(ChannelListEnded) == 1


def sign_for_loopback(key: Path, certificate: Path) -> None:
    kind = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*kind, *names, *files], check=True, capture_output=True)


async def test_tls_checks_the_certificate(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    sign_for_loopback(key, certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with Peer(tls=context) as peer:
        stranger = Desk(peer, tls=True)
        async with running(stranger):
            assert "CERTIFICATE_VERIFY_FAILED" in (await stranger.until(LinkState.LOST)).detail
        async with connected(Desk(peer, tls=True, tls_ca=str(certificate))) as desk:
            assert desk.link.status.state is LinkState.CONNECTED


# --- what comes in


async def test_a_letter_cut_in_two_by_the_network_arrives_whole() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        whole = channel("Newchannel", "1.1", "Žofie Нина")
        cut = whole.index("Ž".encode()) + 1
        await peer.say_in_pieces(whole[:cut], whole[cut:-3], whole[-3:])
        heard = (await desk.hear(ChannelCreated))[-1]
        assert isinstance(heard, ChannelCreated)
        assert heard.channel.caller_name == "Žofie Нина"


async def test_bytes_that_are_no_utf8_cost_one_letter_and_not_the_event() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.say(channel("Newchannel", "1.1", "Jose~").replace(b"~", b"\xe9"))
        heard = (await desk.hear(ChannelCreated))[-1]
        assert isinstance(heard, ChannelCreated)
        assert heard.channel.caller_name == "Jose\ufffd"


async def test_events_keep_their_order_however_the_stream_is_cut() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        stream = b"".join(channel("Newchannel", f"1.{number}") for number in range(300))
        await peer.say_in_pieces(stream[:17], stream[17:20_001], stream[20_001:])
        heard = [(await desk.inbox.get()).event for _ in range(300)]
        assert [event.channel.uniqueid for event in heard] == [f"1.{number}" for number in range(300)]


async def test_an_event_that_can_not_be_handled_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        hear = desk.link._enqueue

        def stumble(event: Event) -> bool:
            if isinstance(event, ChannelCreated):
                raise RuntimeError("a bug in here")
            return hear(event)

        monkeypatch.setattr(desk.link, "_enqueue", stumble)
        peer.say(channel("Newchannel", "1.1") + channel("Hangup", "1.1"))
        assert isinstance((await desk.hear(ChannelHungUp))[-1], ChannelHungUp)
        assert peer.connections == 1


async def test_a_status_display_that_fails_does_not_cost_the_connection() -> None:
    async with Peer() as peer:
        desk = Desk(peer)

        def fail(status: LinkStatus) -> None:
            raise RuntimeError("the page is broken")

        desk.link._on_status = fail
        async with connected(desk):
            assert peer.connections == 1


async def test_the_instant_is_that_of_the_pbx_when_it_sends_one() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.say(channel("Newchannel", "1.1", Timestamp="1795286807.250000") + channel("Newchannel", "1.2"))
        stamped = (await desk.hear(ChannelCreated))[-1]
        arrived = (await desk.hear(ChannelCreated))[-1]
        assert stamped.at == datetime.fromtimestamp(1795286807.25, UTC)
        assert abs(arrived.at - datetime.now(UTC)) < timedelta(seconds=5)


async def test_reading_goes_on_while_the_inbox_is_full_and_the_state_is_asked_for_afterwards() -> None:
    async with Peer() as peer, connected(Desk(peer, room=50)) as desk:
        asked = peer.count("CoreShowChannels")
        peer.say(b"".join(channel("Newchannel", f"1.{number}") for number in range(5000)))
        await desk.link.request("Ping")  # answered behind 5000 events: all of them were read
        assert desk.inbox.qsize() == 50
        assert desk.link.dropped == 4950
        assert peer.count("CoreShowChannels") == asked
        heard = await desk.hear(Resynced)
        assert sum(isinstance(event, ChannelCreated) for event in heard) == 50
        kinds = [type(event) for event in heard[50:]]
        assert kinds[:2] == [LinkWasLost, LinkUp]
        assert peer.count("CoreShowChannels") == asked + 1


async def test_resynced_is_not_said_of_lists_that_did_not_fit() -> None:
    async with Peer() as peer, connected(Desk(peer, room=20)) as desk:
        item = tuple(channel("CoreShowChannel", "7.1").decode().strip().split("\r\n"))
        peer.answers["CoreShowChannels"] = listing("CoreShowChannelsComplete", *[item] * 40)
        peer.say(b"".join(channel("Newchannel", f"1.{number}") for number in range(21)))
        await desk.link.request("Ping")
        for _ in range(20):
            await desk.inbox.get()
        await peer.saw("CoreShowChannels", times=2)
        peer.answers["CoreShowChannels"] = listing("CoreShowChannelsComplete", *[item] * 5)
        heard = await desk.hear(Resynced)
        assert not any(isinstance(event, Resynced) for event in heard[:-1])
        assert sum(isinstance(event, ChannelListEnded) for event in heard) == 1
        again = max(index for index, event in enumerate(heard) if isinstance(event, LinkUp))
        assert sum(isinstance(event, ChannelListed) for event in heard[again:]) == 5


async def test_a_message_without_end_breaks_the_connection_instead_of_filling_the_memory() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.say(b"Event: Endless\r\n" + b"x" * (2 << 20))
        lost = (await desk.hear(LinkWasLost))[-1]
        assert isinstance(lost, LinkWasLost)
        assert "without end" in lost.reason


# --- what goes out


async def test_an_originate_that_was_not_answered_before_the_loss_is_never_sent_again() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.mute("Originate")
        asked = asyncio.create_task(desk.link.request("Originate", Channel="PJSIP/1001"))
        await peer.saw("Originate")
        peer.abort()
        with pytest.raises(LinkLost):
            await asked
        assert isinstance((await desk.hear(LinkWasLost))[-1], LinkWasLost)
        await desk.hear(Resynced)
        assert peer.connections == 2
        assert peer.count("Originate") == 1


async def test_originate_is_always_asynchronous() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.answers["Originate"] = success("Originate successfully queued")
        await desk.link.request("Originate", Channel="PJSIP/1001")
        await desk.link.request("Originate", Channel="PJSIP/1001", Async="false")
        assert [a["Async"] for a in peer.seen if a["Action"] == "Originate"] == ["true", "true"]


async def test_answers_that_sound_like_lists_end_at_once() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.answers["QueueAdd"] = success("Added interface to queue")
        peer.answers["Originate"] = success("Originate successfully queued")
        peer.answers["Odd"] = success("List will follow")
        for action in ("QueueAdd", "Originate", "Odd"):
            assert (await desk.link.request(action))["Response"] == "Success"


async def test_a_list_is_returned_with_its_items_in_order() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.answers["Parkinglots"] = listing(
            "ParkinglotsComplete", ("Event: Parkinglot", "Name: a"), ("Event: Parkinglot", "Name: b")
        )
        items = await desk.link.request_list("Parkinglots")
        assert [item.get("Name") for item in items] == ["a", "b", None]


async def test_a_list_whose_closing_event_carries_no_mark_ends_by_its_name() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:

        def answer(action: dict[str, str]) -> bytes:
            mine = f"ActionID: {action['ActionID']}"
            return block("Response: Success", mine) + block("Event: PeerlistComplete", mine)

        peer.answers["SIPpeers"] = answer
        assert len(await desk.link.request_list("SIPpeers")) == 1


async def test_a_refusal_is_raised_with_the_words_of_the_pbx() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.answers["QueueRemove"] = refusal("Unable to remove interface: Not there")
        with pytest.raises(ActionRefused, match="Not there"):
            await desk.link.request("QueueRemove")
        with pytest.raises(ActionRefused, match="Not there"):
            await desk.link.request_list("QueueRemove")


async def test_a_late_answer_and_a_timed_out_request_leave_nothing_behind() -> None:
    async with Peer() as peer, connected(Desk(peer, delays=Delays(answer_s=0.2))) as desk:
        peer.mute("Slow")
        with pytest.raises(ActionTimeout):
            await desk.link.request("Slow")
        peer.say(success("too late")({"ActionID": peer.seen[-1]["ActionID"]}))
        await desk.link.request("Ping")
        assert desk.link.protocol is not None
        assert not desk.link.protocol.responses


async def test_a_cancelled_request_leaves_nothing_behind() -> None:
    async with Peer() as peer, connected(Desk(peer, delays=Delays())) as desk:
        peer.mute("Slow")
        task = asyncio.create_task(desk.link.request("Slow"))
        slow = await peer.saw("Slow")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        peer.say(success("too late")(slow))
        await desk.link.request("Ping")
        assert desk.link.protocol is not None
        assert not desk.link.protocol.responses


async def test_one_action_id_can_not_be_on_its_way_twice() -> None:
    async with Peer() as peer, connected(Desk(peer, delays=Delays())) as desk:
        peer.mute("Slow")
        task = asyncio.create_task(desk.link.request("Slow", ActionID="once"))
        await peer.saw("Slow")
        with pytest.raises(ValueError, match="once"):
            await desk.link.request("Slow", ActionID="once")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("bad", ["x\r\n\r\nAction: Command", "x\ny", "x\ry", "x\0y"])
async def test_a_value_that_could_begin_another_action_is_refused(bad: str) -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        for headers in ({"CallerID": bad}, {"Variable": ["a=1", bad]}):
            with pytest.raises(ValueError, match="control character"):
                await desk.link.request("Originate", **headers)
        with pytest.raises(ValueError, match="control character"):
            await desk.link.request(bad)
        with pytest.raises(ValueError, match="header"):
            await desk.link.request("Ping", **{"A: b\r\nC": "d"})
        assert {action["Action"] for action in peer.seen}.isdisjoint({"Originate", "Command"})


async def test_a_line_longer_than_asterisk_reads_is_refused() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        with pytest.raises(ValueError, match="longer"):
            await desk.link.request("Ping", Note="x" * 1100)


async def test_asking_without_a_connection_is_said_at_once() -> None:
    async with Peer() as peer:
        with pytest.raises(LinkLost):
            await Desk(peer).link.request("Ping")


# --- losing it


async def test_a_peer_that_no_longer_answers_is_noticed() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.mute("Ping")
        lost = (await desk.hear(LinkWasLost))[-1]
        assert isinstance(lost, LinkWasLost)
        assert "Ping" in lost.reason
        await peer.met(2)


async def test_a_switchboard_that_refuses_everything_because_it_shuts_down_is_lost_and_found_again() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        known = dict(peer.answers)
        ending = refusal("Asterisk is shutting down")
        peer.answers |= {"Ping": ending, "Challenge": ending, "Login": ending}
        lost = (await desk.hear(LinkWasLost))[-1]
        assert isinstance(lost, LinkWasLost)
        assert lost.reason == "Ping: Asterisk is shutting down"
        await peer.met(3)
        assert desk.told[-1].state is LinkState.LOST  # its account is in order
        peer.answers = known
        await desk.hear(Resynced)


async def test_the_round_trip_of_a_ping_is_known() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        await peer.saw("Ping", times=2)
        assert desk.link.status.latency_s is not None
        assert 0 < desk.link.status.latency_s < PATIENCE_S


async def test_a_switchboard_that_answers_late_is_said_to_be_delayed_until_it_answers_in_time() -> None:
    async with (
        Peer() as peer,
        connected(Desk(peer, delays=replace(QUICK, late_s=0.05, ping_answer_s=4))) as desk,
    ):
        await peer.saw("Ping", times=1)
        answer = peer.answers.pop("Ping")
        peer.answers["Ping"] = lambda action: late.append(action) or None
        late: list[dict[str, str]] = []
        async with asyncio.timeout(PATIENCE_S):
            while not desk.link.status.delayed:
                await asyncio.sleep(0.01)
        assert desk.told[-1].delayed and desk.told[-1].state is LinkState.CONNECTED
        peer.answers["Ping"] = answer
        peer.say(answer(late[0]))
        async with asyncio.timeout(PATIENCE_S):
            while desk.link.status.delayed:
                await asyncio.sleep(0.01)
        assert not desk.told[-1].delayed and desk.link.status.heard_at is not None


async def test_a_lost_link_says_so_and_comes_back_in_step() -> None:
    async with Peer() as peer, connected(Desk(peer)) as desk:
        peer.abort()
        heard = await desk.hear(Resynced)
        kinds = [type(event) for event in heard]
        assert kinds.index(LinkWasLost) < kinds.index(LinkUp) < kinds.index(Resynced)
        states = [status.state for status in desk.told]
        assert states == [LinkState.CONNECTED, LinkState.LOST, LinkState.CONNECTED]


async def test_a_pbx_that_is_not_there_is_waited_for() -> None:
    async with Peer() as peer:
        desk = Desk(peer)
    async with running(desk):
        assert (await desk.until(LinkState.LOST)).detail


@settings(deadline=None)
@given(st.integers(1, 10_000), st.booleans(), st.floats(0, 1))
def test_the_delay_grows_but_never_beyond_a_minute_nor_below_30_s_after_a_refusal(
    failures: int, refused: bool, spread: float
) -> None:
    delay = retry_delay(Delays(), failures, refused, spread)
    assert (30 if refused else 0.25) <= delay <= 60
    assert delay <= retry_delay(Delays(), failures + 1, refused, spread)


@pytest.mark.parametrize("when", ["connected", "waiting to reconnect", "refused", "logging in"])
async def test_closing_leaves_nothing_running(when: str) -> None:
    before = asyncio.all_tasks()
    async with Peer() as peer:
        desk = Desk(peer, delays=Delays())
        if when == "refused":
            peer.secret = "other"
        if when == "logging in":
            peer.mute("Challenge")
        run = asyncio.create_task(desk.link.run())
        if when in ("connected", "waiting to reconnect"):
            await desk.until(LinkState.CONNECTED)
        if when == "waiting to reconnect":
            peer.abort()
            await desk.until(LinkState.LOST)
        if when == "refused":
            await desk.until(LinkState.REFUSED)
        await peer.met(1)
        desk.link.close()
        await run
        assert desk.link.status.state is LinkState.STOPPED
        connections = peer.connections
        await asyncio.sleep(0.05)
        assert peer.connections == connections
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_who_waits_for_an_answer_is_told_when_the_link_closes() -> None:
    async with Peer() as peer, connected(Desk(peer, delays=Delays())) as desk:
        peer.mute("Slow")
        waiting = asyncio.create_task(desk.link.request("Slow"))
        await peer.saw("Slow")
        desk.link.close()
        with pytest.raises(LinkLost):
            await waiting


def test_the_secret_is_not_shown_with_the_account() -> None:
    assert "s3cret" not in repr(AmiConfig("main", "127.0.0.1", 5038, "crm", "s3cret"))


def test_the_state_can_be_shown_as_json() -> None:
    assert json.dumps(LinkState.REFUSED) == '"refused"'
