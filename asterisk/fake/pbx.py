"""The model of a small PBX: its channels, bridges, devices and queues, and what it says about them.

Every change of state goes through a method here, which also says the AMI event of that change, so the
events can not contradict what a listing action answers a moment later.
"""

from __future__ import annotations

import uuid
from typing import Any

from asterisk.fake import spying
from asterisk.fake.audio import Library
from asterisk.fake.channels import CAUSES, RING, RINGING, UP, Bridge, Channel, header, one_line
from asterisk.fake.clock import Clock
from asterisk.fake.config import Config
from asterisk.fake.members import Queue, QueueMember
from asterisk.fake.phones import Phone
from asterisk.fake.voice import Voice

DEVICE_NUMBERS = {"NOT_INUSE": 1, "INUSE": 2, "BUSY": 3, "UNAVAILABLE": 5, "RINGING": 6, "ONHOLD": 8}
EXTENSION_STATES = {
    "NOT_INUSE": (0, "Idle"),
    "INUSE": (1, "InUse"),
    "BUSY": (2, "Busy"),
    "UNAVAILABLE": (4, "Unavailable"),
    "RINGING": (8, "Ringing"),
    "ONHOLD": (16, "Hold"),
}


class Pbx(Voice):
    """State and voice of the switchboard. Not tied to any connection: listeners get (class, bytes)."""

    def __init__(self, config: Config, clock: Clock, library: Library | None = None) -> None:
        super().__init__(config, clock)
        self.library = library or Library()
        self.channels: dict[str, Channel] = {}
        self.by_device: dict[str, list[Channel]] = {}
        self.bridges: dict[str, Bridge] = {}
        self.devices: dict[str, str] = {}
        self.globals = dict(config.extra)
        self.slots: dict[str, Channel] = {}  # who is parked where
        self._channel_n = self._name_n = self._local_n = 0
        self.booted_at = clock.time()
        names = {each.number: each.name for each in config.extensions}
        self.phones = {number: Phone(self, number, name) for number, name in names.items()}
        self.queues = {
            each.name: Queue(
                each, [QueueMember.static(n, names.get(n, n), self.booted_at) for n in each.members]
            )
            for each in config.queues
        }
        self.lines = {each.did: each for each in config.lines}
        self._settle_devices()

    # ---- channels

    def new_channel(
        self,
        run: Any,
        peer: str,
        context: str,
        exten: str,
        state: int,
        *,
        parent: Channel | None = None,
        uniqueid: str | None = None,
        number: str = "",
        name: str = "",
        channel_name: str | None = None,
    ) -> Channel:
        """Create a channel and say so. A child has its parent's linkedid and inherits its variables."""
        now = self.clock.time()
        ident = uniqueid or f"{int(now)}.{self._channel_n}"
        self._channel_n += 1
        channel = Channel(
            name=channel_name or f"PJSIP/{peer}-{self._name_n:08x}",
            uniqueid=ident,
            linkedid=parent.linkedid if parent else ident,
            context=context,
            exten=exten,
            state=state,
            born_at=now,
            run=run,
            caller_number=one_line(number),
            caller_name=one_line(name),
        )
        self._name_n += channel_name is None
        self.channels[ident] = channel
        self.by_device.setdefault(channel.device, []).append(channel)
        self.say("Newchannel", channel.headers())
        for key, value in reversed((parent.inherited if parent else {}).items()):  # newest first
            self.set_variable(channel, key, value)
        return channel

    def local_name(self, place: str) -> str:
        """Return the name of the next pair of Local channels, without `;1` and `;2`."""
        self._local_n += 1
        return f"Local/{place}-{self._local_n - 1:08x}"

    def new_state(self, channel: Channel, state: int) -> None:
        """Move a channel to another state; phones show it."""
        channel.state = state
        if state == UP:
            channel.up_at = self.clock.time()
        self.say("Newstate", channel.headers())
        self.refresh_device(channel.device)

    def step(
        self,
        channel: Channel,
        application: str,
        data: str = "",
        *,
        priority: int | None = None,
        context: str | None = None,
        exten: str | None = None,
    ) -> None:
        """Let a channel execute one step of the dialplan."""
        channel.context = context if context is not None else channel.context
        channel.exten = exten if exten is not None else channel.exten
        channel.priority = priority if priority is not None else channel.priority
        channel.application, channel.application_data = application, data
        self.say(
            "Newexten",
            channel.headers(),
            header("Extension", channel.exten),
            header("Application", application),
            header("AppData", data),
        )

    def set_variable(self, channel: Channel, name: str, value: str) -> None:
        """Set a channel variable; `_NAME` and `__NAME` go to the channels it dials, as in Asterisk."""
        value = one_line(value)
        bare = name.lstrip("_")
        channel.variables[bare] = value
        if name.startswith("__"):
            channel.inherited[name] = value
        elif name.startswith("_"):
            channel.inherited[bare] = value
        self.say("VarSet", channel.headers(), header("Variable", name), header("Value", value))

    def noise(self, channel: Channel, **values: object) -> None:
        """Say the variables that a real Asterisk sets and nobody needs."""
        if self.config.noise:
            for name, value in values.items():
                self.set_variable(channel, name, str(value))

    def caller_id(self, channel: Channel, number: str, name: str) -> None:
        """Give a channel another caller id."""
        channel.caller_number, channel.caller_name = one_line(number), one_line(name)
        self.say(
            "NewCallerid",
            channel.headers(),
            header("CID-CallingPres", "0 (Presentation Allowed, Not Screened)"),
        )

    def connected_line(self, channel: Channel, number: str, name: str) -> None:
        """Tell a channel who is on the other side."""
        channel.connected_number, channel.connected_name = number, name
        self.say("NewConnectedLine", channel.headers())

    def request_hangup(self, channel: Channel, cause: int | None, sip_code: int = 0) -> None:
        """Say that the far end of a channel has hung up."""
        channel.sip_code = sip_code or channel.sip_code
        self.say("HangupRequest", channel.headers(), channel.ending(cause))

    def soft_hangup(self, channel: Channel, cause: int = 16) -> None:
        """Say that we end a channel."""
        self.say("SoftHangupRequest", channel.headers(), channel.ending(cause))

    def hang_up(self, channel: Channel, cause: int) -> None:
        """Remove a channel."""
        if channel.gone:
            return
        channel.gone, channel.cause = True, cause
        if channel.bridge is not None:
            self.leave(channel)
        if channel.up_at is not None:
            self.noise(channel, **quality(channel))
        self.say(
            "Hangup",
            channel.headers(),
            channel.ending(cause),
            header("Cause-txt", CAUSES.get(cause, "Unknown")),
        )
        del self.channels[channel.uniqueid]
        self.by_device[channel.device].remove(channel)
        if channel.recorder is not None:
            channel.recorder.close()
        if (phone := self.phones.get(channel.peer)) is not None:
            phone.forget(channel)
        self.refresh_device(channel.device)

    # ---- bridges

    def open_bridge(self, technology: str = "simple_bridge") -> Bridge:
        """Create an empty bridge."""
        bridge = Bridge(str(uuid.uuid4()), technology)
        self.bridges[bridge.uniqueid] = bridge
        self.say("BridgeCreate", bridge.headers())
        return bridge

    def enter(self, bridge: Bridge, channel: Channel, swap: Channel | None = None) -> None:
        """Put a channel into a bridge, in the place of `swap` if given; with two in it, recordings run."""
        bridge.channels.append(channel)
        channel.bridge = bridge
        swapped = header("SwapUniqueid", swap.uniqueid) if swap else ""
        self.say("BridgeEnter", bridge.headers(), channel.headers(), swapped)
        if len(bridge.channels) == 2:
            for one in bridge.channels:
                other = bridge.other(one)
                self.noise(one, BRIDGEPEER=other.name if other else "", BRIDGEPVTCALLID=uuid.uuid4())
                if one.recorder is not None:
                    one.recorder.resume()

    def leave(self, channel: Channel) -> None:
        """Take a channel out of its bridge; recordings pause, an empty bridge is destroyed."""
        bridge = channel.bridge
        assert bridge is not None
        for one in bridge.channels:
            if one.recorder is not None:
                one.recorder.pause()
        bridge.channels.remove(channel)
        channel.bridge = None
        self.say("BridgeLeave", bridge.headers(), channel.headers())
        if not bridge.channels:
            del self.bridges[bridge.uniqueid]
            self.say("BridgeDestroy", bridge.headers())

    # ---- the dialplan

    def knows(self, context: str, exten: str) -> bool:
        """Say whether this extension exists: phones, slots and numbers, and our contexts for queues and hold."""
        if context == "callcenter-hold":
            return exten == "00"
        if context == "callcenter-queue":
            return exten in self.queues
        if context == spying.CONTEXT:
            return exten in spying.OPTIONS
        if context not in ("from-internal", "callcenter-dial", "click2call"):
            return False
        digits = exten.removeprefix("+")
        number = digits.isdecimal() and len(digits) >= 7
        return exten in self.phones or exten in self.slots or number

    # ---- devices and queues

    def device_state(self, device: str) -> str:
        """Compute what a device is doing from the channels it has."""
        phone = self.phones.get(device.partition("/")[2])
        if phone is not None and not phone.registered:
            return "UNAVAILABLE"
        states = {each.state for each in self.by_device.get(device, ())}
        if not states:
            return "NOT_INUSE"
        if phone is not None and self.config.busy_at:
            return "BUSY"
        if any(each.held for each in self.by_device[device]):
            return "ONHOLD"
        return "INUSE" if states & {UP, RING} else "RINGING" if RINGING in states else "NOT_INUSE"

    def refresh_device(self, device: str) -> None:
        """Say the state of a device, its hint and its queue members, if it has changed."""
        if device.startswith("Local/"):
            return
        state = self.device_state(device)
        if not self.set_device(device, state):
            return
        number = device.partition("/")[2]
        if number in self.phones:
            code, text = EXTENSION_STATES[state]
            self.say(
                "ExtensionStatus",
                f"Exten: {number}\r\nContext: from-internal\r\nHint: {device}\r\n"
                f"Status: {code}\r\nStatusText: {text}\r\n",
            )
        for queue in self.queues.values():
            for member in queue.members:
                if member.interface == device:
                    self.say("QueueMemberStatus", self.member_headers(queue, member))
                    self.refresh_available(queue)

    def set_device(self, device: str, state: str) -> bool:
        """Say a device state; return whether it is news."""
        if self.devices.get(device) == state:
            return False
        self.devices[device] = state
        self.say("DeviceStateChange", header("Device", device), header("State", state))
        return True

    def refresh_available(self, queue: Queue) -> None:
        """Say whether a queue has anybody free (`Queue:NAME_avail`)."""
        free = any(self.is_free(each) for each in queue.members)
        self.set_device(f"Queue:{queue.name}_avail", "NOT_INUSE" if free else "INUSE")

    def refresh_waiting(self, queue: Queue) -> None:
        """Say whether anybody waits in a queue (`Queue:NAME`)."""
        self.set_device(f"Queue:{queue.name}", "RINGING" if queue.waiting else "NOT_INUSE")

    def is_free(self, member: QueueMember) -> bool:
        """Say whether a queue may ring this member now."""
        phone = self.phones.get(member.extension)
        return (
            phone is not None
            and phone.registered
            and not member.paused
            and not self.by_device.get(member.interface)
            and member.free_at <= self.clock.time()
        )

    def member_status(self, member: QueueMember) -> int:
        """Return the number AMI prints as a member's Status."""
        return DEVICE_NUMBERS.get(self.devices.get(member.interface, ""), 4)  # 4: invalid

    def member_headers(self, queue: Queue, member: QueueMember) -> str:
        """Return the body of the QueueMember… events."""
        return (
            f"Queue: {queue.name}\r\nMemberName: {member.name}\r\nInterface: {member.interface}\r\n"
            + member.state_headers(self.member_status(member))
            + "Ringinuse: 0\r\nWrapuptime: 0\r\n"  # the member's own, not the queue's
        )

    def _settle_devices(self) -> None:
        """Know all devices silently, as after a boot."""
        for number in self.phones:
            self.devices[f"PJSIP/{number}"] = self.device_state(f"PJSIP/{number}")
        self.devices[f"PJSIP/{self.config.trunk}"] = "NOT_INUSE"
        for queue in self.queues.values():
            self.devices[f"Queue:{queue.name}"] = "NOT_INUSE"
            free = any(self.is_free(each) for each in queue.members)
            self.devices[f"Queue:{queue.name}_avail"] = "NOT_INUSE" if free else "INUSE"


def quality(channel: Channel) -> dict[str, object]:
    """Return variables like the RTP statistics that Asterisk sets at the end of each leg."""
    zero = "min=000.000000;max=000.000000;avg=000.000000;stdev=000.000000;"
    names = ("RTPAUDIOQOSJITTER", "RTPAUDIOQOSLOSS", "RTPAUDIOQOSRTT", "RTPAUDIOQOSMES")
    return {
        "RTPAUDIOQOS": f"ssrc={int(channel.born_at)};lp=0;rxjitter=0.000000",
        **dict.fromkeys(names, zero),
    }
