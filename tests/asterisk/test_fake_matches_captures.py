"""The simulated switchboard plays the scenes of the captures and must say what the real Asterisk 22 said.

Compared is every header of every event, per source: Asterisk orders the events of one channel, bridge or
queue, and lets those of different ones overtake each other. Left out, because nothing here depends on them:
RTP and test events, sign-in events of phones, variables nobody reads, figures of the clock, and members that
are Local channels (the simulated queues ring phones directly).
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk.fake import (
    Answer,
    Caller,
    Customer,
    Decline,
    RingOut,
    Switchboard,
    lab,
)
from tests.patience import PATIENCE_S

TRACES = Path(__file__).parent.parent / "traces"
Message = dict[str, str]
Scene = Callable[[Switchboard, "Manager"], Awaitable[None]]

NOISE = {
    "RTCPSent", "RTCPReceived", "TestEvent", "CEL", "ChallengeSent", "SuccessfulAuth", "ContactStatus",
    "PeerStatus", "FullyBooted",
}  # fmt: skip
VARIABLES = {
    "MIXMONITOR_FILENAME", "REC", "__RECORDINGFILE", "__DID", "__OPERATOR", "OPERATOR", "ORDER_ID",
}  # fmt: skip
CLOCK = {"Timestamp", "StartTime", "AnswerTime", "EndTime", "LastCall", "LastPause", "LoginTime"}
SECONDS = {"HoldTime", "TalkTime", "RingTime", "Duration", "BillableSeconds"}
LATE_S = 3  # simulated seconds that a busy machine may be late; early is never more than the rounding
SPEED = 8
# snapshots of the other channel, taken a moment earlier or later
MOMENT = {
    "DestChannelState", "DestChannelStateDesc", "DestExten", "DestConnectedLineNum", "DestConnectedLineName",
}  # fmt: skip


def read(text: str) -> list[Message]:
    """Split a byte stream of AMI into messages."""
    blocks = text.split("\r\n\r\n")
    pattern = re.compile(r"^([^:\r\n]+):[ ]?([^\r\n]*)", re.M)
    return [dict(pattern.findall(block)) for block in blocks if block.strip()]


class Normaliser:
    """Gives ids, channel names and dates the same names in both streams."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def learn(self, message: Message) -> None:
        if message["Event"] == "Newchannel":
            n = len(self.names) // 2
            self.names[message["Uniqueid"]] = f"id{n}"
            self.names[message["Channel"]] = f"{message['Channel'].rpartition('-')[0]}#{n}"
        elif message["Event"] == "BridgeCreate":
            self.names[message["BridgeUniqueid"]] = "bridge of " + str(sorted(self.names.values())[-1:])

    def plain(self, message: Message) -> Message:
        """Return the message with everything that differs between two runs taken out."""
        out = {}
        for key, value in message.items():
            if key in CLOCK:
                continue
            value = re.sub(r"\d{4}/\d\d/\d\d/", "DATE/", value)
            value = re.sub(r"-\d{8}-\d{6}-([\w.-]+?)(?=$|\.wav|-caller|-agent)", self._dated, value)
            out[key] = self.names.get(value, value)
        return out

    def _dated(self, match: re.Match[str]) -> str:
        return f"-TIME-{self.names.get(match[1], match[1])}"


def wanted(message: Message) -> bool:
    event = message.get("Event")
    if event is None or event in NOISE or message.get("Interface", "").startswith("Local/"):
        return False
    if re.match(r"Local/|Queue:(fpx|orders)|Queue:.*_avail", message.get("Device", "")):
        return False  # the lab has more queues; when a queue is out of free members is checked elsewhere
    return event != "VarSet" or message["Variable"] in VARIABLES


def source_of(message: Message) -> str:
    if message["Event"] == "OriginateResponse":
        return f"originate {message['ActionID']}"
    if message["Event"] == "LocalBridge":
        return f"pair {message['LocalOneUniqueid']}"
    if message["Event"] in ("QueueMemberStatus", "QueueMemberPause"):
        return f"member {message['Interface']} of {message['Queue']}"
    if message["Event"] == "AgentComplete":  # comes from a watcher of the bridge
        return f"talk {message['Uniqueid']}"
    if message["Event"] == "Cdr":
        return f"records {message['UniqueID']}"
    if message["Event"].startswith("Dial") and "Uniqueid" not in message:
        return f"dial {message['DestUniqueid']}"
    for key in ("Uniqueid", "TransferersUniqueid", "BridgeUniqueid", "Device", "Exten"):
        if key in message:
            return f"{key} {message[key]}"
    raise AssertionError(message)


def by_source(messages: list[Message]) -> dict[str, list[Message]]:
    """Sort a stream into one list per source, from the first channel on."""
    normaliser, out = Normaliser(), defaultdict(list)
    started = False
    for message in messages:
        event = message.get("Event")
        started = started or event in ("Newchannel", "OriginateResponse")
        if not started or not wanted(message):
            continue
        normaliser.learn(message)
        plain = normaliser.plain(message)
        out[source_of(plain)].append(plain)
        if plain["Event"].startswith("Bridge") and "Uniqueid" in plain:
            out[f"BridgeUniqueid {plain['BridgeUniqueid']}"].append(plain)
    return out


def differences(real: Message, fake: Message) -> list[str]:
    out = []
    keys = real.keys() | fake.keys()
    if real["Event"] in ("AgentCalled", "DialBegin", "DialState"):
        keys -= MOMENT
    if real["Event"] == "AgentComplete" and "DestChannel" not in real:  # the member was gone too soon
        keys = {key for key in keys if not key.startswith("Dest")}
    for key in keys:
        ours, theirs = fake.get(key), real.get(key)
        if key in SECONDS and ours is not None and theirs is not None:
            unit = 1000 if int(theirs) >= 1000 else 1
            if -unit <= int(ours) - int(theirs) <= LATE_S * unit:
                continue
        if ours != theirs:
            out.append(f"{key}: real {theirs!r}, simulated {ours!r}")
    return out


def compare(real: dict[str, list[Message]], fake: dict[str, list[Message]]) -> list[str]:
    """Return the differences in words; none when the streams say the same."""
    out = []
    for source in sorted(real.keys() | fake.keys()):
        theirs, ours = real.get(source, []), fake.get(source, [])
        names = [each["Event"] for each in theirs], [each["Event"] for each in ours]
        if names[0] != names[1]:
            out.append(f"{source}:\n   real      {names[0]}\n   simulated {names[1]}")
            continue
        for one, other in zip(theirs, ours, strict=True):
            out += [f"{source}, {one['Event']}: {text}" for text in differences(one, other)]
    return out


class Manager:
    """A manager connection that asks and keeps everything it hears."""

    def __init__(self, port: int, username: str) -> None:
        self._port, self._username = port, username
        self._n = 1
        self.text = ""

    async def __aenter__(self) -> "Manager":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.send("Login", Username=self._username, Secret="crm-secret")
        self._task = asyncio.create_task(self._listen())
        await self.heard("FullyBooted")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._task

    async def _listen(self) -> None:
        try:
            while data := await self._reader.read(65536):
                self.text += data.decode()
        except ConnectionError:
            pass

    def send(self, action: str, *more: str, **headers: object) -> None:
        lines = [f"Action: {action}", f"ActionID: crm-{self._n}", *more]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self._n += 1
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def originate(self, number: str, *, phone: str = "1001", timeout_ms: int = 20000, **more: str) -> None:
        self.send("Originate", f"Variable: OPERATOR={phone}", "Variable: ORDER_ID=4572",
                  **{"Channel": f"PJSIP/{phone}", **more}, Context="click2call", Exten=number, Priority=1,
                  CallerID=f'"Order call" <{number}>', Timeout=timeout_ms, Async="true")  # fmt: skip

    async def heard(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.text.count(text) < times:
                await asyncio.sleep(0.002)


async def everybody_hung_up(board: Switchboard) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while board.pbx.channels:
            await asyncio.sleep(0.002)


# ---- the scenes, with the waiting and talking times of the captures' truth.json


async def answered_customer_hangs_up(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Answer(after_s=2))
    board.place_call("+79161234567", "Ivan Petrov", "74951230001", caller=Caller(talk_s=16.17))


async def answered_agent_hangs_up(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Answer(after_s=1.5))
    board.phone("1002").behave(Answer(after_s=1.2))
    first = board.place_call("+79161234568", "Olga", "74951230001", caller=Caller(talk_s=6.1, hangs_up=False))
    await first.wait()
    board.place_call("84957654321", "", "74951230002", caller=Caller(talk_s=5.1, hangs_up=False))


async def three_phones_ring(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(RingOut())
    board.phone("1003").behave(RingOut())
    board.phone("1002").behave(Answer(after_s=3))
    board.place_call("+79035550101", "Maria", "74951230007", caller=Caller(talk_s=5.07))


async def rings_out_then_next(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(RingOut())
    board.phone("1002").behave(Answer(after_s=1.5))
    board.place_call("+79035550202", "Nikolay", "74951230001", caller=Caller(talk_s=5.07))


async def declined_then_next(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Decline(after_s=1), Answer(after_s=1.2))
    board.phone("1002").behave(Answer(after_s=1.5))
    call = board.place_call("+79161234570", "Pavel", "74951230001", caller=Caller(talk_s=5.1))
    await call.wait()
    board.customer_of = lambda number: Customer(answer_s=1, talk_s=2)
    ami.originate("79261112299")
    await ami.heard("OriginateResponse")


async def caller_gives_up(board: Switchboard, ami: Manager) -> None:
    for extension in ("1001", "1002"):
        board.phone(extension).behave(RingOut())
    call = board.place_call("+79161110001", "Impatient", "74951230001", caller=Caller(patience_s=3.5))
    await call.wait()
    board.place_call("+79161110002", "Impatient", "74951230002", caller=Caller(patience_s=3.5))


async def queues_let_go(board: Switchboard, ami: Manager) -> None:
    for extension in ("1001", "1004"):
        board.phone(extension).behave(RingOut())
    await board.place_call("+79160007001", "Patient", "74951230009", caller=Caller(patience_s=99)).wait()
    await board.place_call("+79160007002", "Early", "74951230002").wait()
    board.phone("1004").register()
    call = board.place_call("+79160007003", "Left alone", "74951230002", caller=Caller(patience_s=99))
    await board.clock.sleep(1.5)
    ami.send("QueuePause", Interface="PJSIP/1004", Paused="true", Reason="lunch")
    await call.wait()
    ami.send("QueuePause", Interface="PJSIP/1004", Paused="false")
    board.phone("1004").behave(Answer(after_s=1.2))
    overflows = Caller(patience_s=99, talk_s=3)
    await board.place_call("+79160007004", "Overflows", "74951230010", caller=overflows).wait()
    await board.clock.sleep(3.5)  # 1004 is in wrap-up
    first = board.place_call("+79160007005", "First", "74951230001", caller=Caller(patience_s=3.5))
    await board.clock.sleep(1)
    second = board.place_call("+79160007006", "Second", "74951230001", caller=Caller(patience_s=6))
    await first.wait()
    await second.wait()


async def own_number_busy(board: Switchboard, ami: Manager) -> None:
    refuses = Decline(after_s=0.05, rings=False)
    board.phone("1001").behave(Answer(after_s=1), refuses)
    board.place_call("+79163330001", "First", "74951230003", caller=Caller(talk_s=7.77))
    await board.clock.sleep(5.8)
    board.place_call("+79163330002", "Second", "74951230003", caller=Caller(tone_s=2.4))
    await board.clock.sleep(4)
    board.place_call("+79163330003", "Second", "74951230003", caller=Caller(tone_s=2.4))


async def anonymous_callers(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Answer(after_s=1))
    for number, name in (("anonymous", "Anonymous"), ("+79168880002", "Secret"), ("unknown", ""), ("", "")):
        call = board.place_call(number, name, "74951230001", caller=Caller(talk_s=1.8))
        await call.wait()


async def click_to_call(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Answer(after_s=1.8))
    board.customer_of = lambda number: Customer(answer_s=2, talk_s=7.8)
    ami.originate("79261112233")
    await ami.heard("OriginateResponse", 1)
    await everybody_hung_up(board)
    board.customer_of = lambda number: Customer(answer_s=2, talk_s=7.8, hangs_up=False)
    ami.originate("79261112234", Channel="Local/1001@c2c-agent/n")
    await ami.heard("OriginateResponse", 2)
    await everybody_hung_up(board)
    ami.originate("79261112235", ChannelId="crm-call-0003")
    await ami.heard("OriginateResponse", 3)


async def operator_absent(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(RingOut(), Decline(after_s=1.5), RingOut())
    ami.originate("79261112241", timeout_ms=6000)
    await ami.heard("OriginateResponse", 1)
    ami.originate("79261112242", timeout_ms=6000)
    await ami.heard("OriginateResponse", 2)
    ami.originate("79261112243", phone="1003", timeout_ms=6000)
    await ami.heard("OriginateResponse", 3)
    ami.originate("79261112244", Channel="Local/1001@c2c-agent/n", timeout_ms=6000)
    await ami.heard("OriginateResponse", 4)


async def customer_busy(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Answer(after_s=1.2))
    board.customer_of = {
        "79261112251": Customer(cause=17, answer_s=1, ring_s=0),
        "79261112252": Customer(cause=1, answer_s=1, rings=False),
        "79261112253": Customer(cause=34, answer_s=1, rings=False),
    }.__getitem__
    for n, number in enumerate(("79261112251", "79261112252", "79261112253")):
        ami.originate(number)
        await ami.heard("PlayTones", n + 1)
        await everybody_hung_up(board)


async def held(board: Switchboard, ami: Manager) -> None:
    board.phone("1001").behave(Answer(after_s=1.2))
    first = board.place_call("+79167770001", "Hold 1", "74951230001", caller=Caller(talk_s=13))
    await board.clock.sleep(6.3)
    for seconds, on in ((3, True), (2, False), (2, True), (0, False)):
        await board.hold("1001", on)
        await board.clock.sleep(seconds)
    await first.wait()
    board.place_call("+79167770002", "Hold 2", "74951230001", caller=Caller(talk_s=8))
    await board.clock.sleep(5)
    await board.hold("1001")


async def transferred(board: Switchboard, ami: Manager) -> None:
    """The capture's agent transfers by SIP REFER, ours by AMI; only the first of its three calls."""
    board.phone("1001").behave(Answer(after_s=1.2))
    board.phone("1002").behave(Answer(after_s=1.5))
    call = board.place_call("+79165550001", "Transfer 1", "74951230001", caller=Caller(talk_s=99))
    await ami.heard("Event: BridgeEnter", 2)
    await board.clock.sleep(5.6)
    leg = next(each for each in board.pbx.channels.values() if each.peer == "1001")
    ami.send("BlindTransfer", Channel=leg.name, Context="from-internal", Exten="1002")
    await ami.heard("Event: BridgeEnter", 4)
    await board.clock.sleep(4.3)
    call.hang_up()


async def agent_dials(board: Switchboard, ami: Manager) -> None:
    board.customer_of = {
        "89261234567": Customer(answer_s=2.5, ring_s=0, talk_s=3.3),
        "+79031112233": Customer(answer_s=None, ring_s=0),
        "79031112234": Customer(cause=17, answer_s=1, ring_s=0),
    }.__getitem__
    board.phone("1001").gives_up_s = 2
    await board.dial("1001", "89261234567").wait()
    second = board.dial("1002", "+79031112233")
    await board.clock.sleep(6)
    await board.hang_up("1002")
    await second.wait()
    await board.dial("1001", "79031112234").wait()
    board.phone("1002").behave(Answer(after_s=1.5), RingOut())
    await board.dial("1001", "1002", caller=Caller(talk_s=2)).wait()
    board.dial("1001", "1002")
    await board.clock.sleep(4)
    await board.hang_up("1001")


SCENES: list[tuple[str, Scene, str]] = [
    ("a-queue-answer-customer-hangup", answered_customer_hangs_up, "1001"),
    ("a2-lite-account", declined_then_next, "1001 1002"),
    ("b-queue-answer-agent-hangup", answered_agent_hangs_up, "1001 1002"),
    ("c-ringall-three-agents", three_phones_ring, "1001 1002 1003"),
    ("d-ring-no-answer-then-next", rings_out_then_next, "1001 1002"),
    ("e-caller-abandons-ringing", caller_gives_up, "1001 1002"),
    ("f-queue-lets-go", queues_let_go, "1001"),
    ("g-direct-did-busy", own_number_busy, "1001"),
    ("i-click-to-call-answered", click_to_call, "1001"),
    ("j-click-to-call-agent-absent", operator_absent, "1001"),
    ("k-click-to-call-customer-busy", customer_busy, "1001"),
    ("m-blind-transfer", transferred, "1001 1002"),
    ("o-hold-unhold", held, "1001"),
    ("p-anonymous", anonymous_callers, "1001"),
    ("z-agent-dials", agent_dials, "1001 1002"),
]


REFER = {"Unhold", "Newexten", "DeviceStateChange", "ExtensionStatus", "QueueMemberStatus"}


def first_transfer(messages: list[Message]) -> list[Message]:
    """Return the first of the transferred calls, without what a transfer by SIP REFER says in other places."""
    born = [n for n, each in enumerate(messages) if each.get("Event") == "Newchannel"]
    outside = [n for n in born if messages[n]["Context"] == "from-trunk"]
    return [each for each in messages[: outside[1]] if each.get("Event") not in REFER]


def capture(name: str) -> list[Message]:
    """Read a capture."""
    messages = read((TRACES / name / "events.ami").read_bytes().decode())
    if name == "m-blind-transfer":
        return first_transfer(messages)
    return messages


async def play(name: str, scene: Scene, registered: str) -> list[Message]:
    """Let the simulated switchboard play a scene; return what it said."""
    cdr_events = any(each.get("Event") == "Cdr" for each in capture(name))
    async with Switchboard(lab(timestamps=False, cdr_events=cdr_events), speed=SPEED) as board:
        for extension in board.pbx.phones.keys() - set(registered.split()):
            board.phone(extension).register(False)
        async with Manager(board.port, "crm-lite" if "lite" in name else "crm") as ami:
            await scene(board, ami)
            await everybody_hung_up(board)
            ami.send("Ping")
            await ami.heard("Pong")
        said = read(ami.text)
    return [each for each in said if name != "m-blind-transfer" or each.get("Event") not in REFER]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def said() -> dict[str, list[Message]]:
    """What was said in every scene; all are played at the same time, each on a switchboard of its own."""
    streams = await asyncio.gather(*(play(*scene) for scene in SCENES))
    return {scene[0]: stream for scene, stream in zip(SCENES, streams, strict=True)}


@pytest.mark.parametrize("name", [scene[0] for scene in SCENES])
def test_simulated_switchboard_says_what_asterisk_said(said: dict[str, list[Message]], name: str) -> None:
    assert "\n".join(compare(by_source(capture(name)), by_source(said[name]))) == ""
