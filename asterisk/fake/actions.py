"""What the simulated switchboard does when it is asked: one small function per AMI action.

Texts of the answers are those of Asterisk 22 as seen in the captures, or read in its source where no capture
has them (PlayDTMF, Getvar, Setvar, MixMonitor, Redirect, BlindTransfer, BridgeInfo, DeviceStateList).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from asterisk.fake import listings, queue_actions, spying
from asterisk.fake.channels import Channel, header, one_line
from asterisk.fake.originate import originate
from asterisk.fake.signals import Kind
from asterisk.fake.wire import Action, Refused, Session

if TYPE_CHECKING:
    from asterisk.fake.pbx import Pbx

EXISTS = re.compile(r"DIALPLAN_EXISTS\(([^,]+),([^,]+),1\)")
Handler = Callable[["Pbx", Session, Action], None]


def act(pbx: Pbx, session: Session, name: str, action: Action) -> None:
    """Do one action, or say why not."""
    if name not in ACTIONS:
        shown = one_line(action.get("action", ""))
        session.respond(
            action,
            "Error",
            f"Invalid/unknown command: {shown}. Use Action: ListCommands to show available commands.",
        )
        return
    rights, handler = ACTIONS[name]
    if rights and (session.account is None or not rights & session.account.write):
        session.respond(action, "Error", "Permission denied")
        return
    try:
        handler(pbx, session, action)
    except Refused as refusal:
        session.respond(action, "Error", str(refusal))


def find(pbx: Pbx, action: Action) -> Channel:
    """Return the channel an action names, by name or uniqueid. Raises `Refused`."""
    name = action.get("channel", "")
    if not name:
        raise Refused("No channel specified")
    for channel in pbx.channels.values():
        if name in (channel.name, channel.uniqueid):
            return channel
    raise Refused("No such channel")


# ---- the session itself


def ping(pbx: Pbx, session: Session, action: Action) -> None:
    """Answer that we are alive."""
    session.respond(action, "Success", Ping="Pong", Timestamp=f"{time.time():.6f}")


def login_again(pbx: Pbx, session: Session, action: Action) -> None:
    """A second login on one connection."""
    session.respond(action, "Success", "Already logged in")


def events(pbx: Pbx, session: Session, action: Action) -> None:
    """Switch events on and off. Classes one by one are not supported."""
    session.events = action.get("eventmask", "").lower() not in ("off", "0", "no", "false")
    session.respond(action, "Success", Events="On" if session.events else "Off")


def list_commands(pbx: Pbx, session: Session, action: Action) -> None:
    """Name every action that this account may use."""
    held = session.account.write if session.account else frozenset()
    allowed = {name: rights for name, (rights, _) in sorted(ACTIONS.items()) if not rights or rights & held}
    said = {name: f"(Priv: {','.join(sorted(rights)) or '<none>'})" for name, rights in allowed.items()}
    session.respond(action, "Success", **said)


def core_settings(pbx: Pbx, session: Session, action: Action) -> None:
    """Say who we are."""
    session.respond(
        action,
        "Success",
        AMIversion="11.0.0",
        AsteriskVersion="22.10.1-simulated",
        SystemName="",
        CoreMaxCalls=0,
        CoreMaxLoadAvg="0.000000",
        CoreRunUser="",
        CoreRunGroup="",
        CoreMaxFilehandles=0,
        CoreRealTimeEnabled="No",
        CoreCDRenabled="Yes",
        CoreHTTPenabled="No",
    )


def core_status(pbx: Pbx, session: Session, action: Action) -> None:
    """Say since when we run and how many calls there are."""
    booted = time.gmtime(pbx.booted_at)
    session.respond(
        action,
        "Success",
        CoreStartupDate=time.strftime("%Y-%m-%d", booted),
        CoreStartupTime=time.strftime("%H:%M:%S", booted),
        CoreCurrentCalls=len(pbx.channels),
    )


# ---- channels


def hangup(pbx: Pbx, session: Session, action: Action) -> None:
    """Drop a channel."""
    channel = find(pbx, action)
    cause = action.get("cause", "16")
    channel.run.tell(Kind.DROPPED, channel, int(cause) if cause.isdecimal() else 16)
    session.respond(action, "Success", "Channel Hungup")


def redirect(pbx: Pbx, session: Session, action: Action) -> None:
    """Send the channel that began a call to another place of the dialplan; its partner is dropped."""
    channel = find(pbx, action)
    place = action.get("context", ""), action.get("exten", "")
    if channel is not channel.run.owner:
        raise Refused("Redirect failed: only the channel that began a call can be redirected here")
    if channel.application == "AppDial2":
        raise Refused("Redirect failed, channel not up.")
    channel.run.tell(Kind.REDIRECTED, channel, place=place)
    session.respond(action, "Success", "Redirect successful")


def blind_transfer(pbx: Pbx, session: Session, action: Action) -> None:
    """Send the partner of a channel elsewhere."""
    channel = find(pbx, action)
    if channel.bridge is None:
        raise Refused("Blind transfer failed: the channel is not in a bridge")
    place = action.get("context", "") or "from-internal", action.get("exten", "")
    goes = channel.bridge.other(channel)
    if goes is None:
        raise Refused("Blind transfer failed: nobody talks with this channel")
    goes.run.tell(Kind.REDIRECTED, goes, place=place, transferer=channel)
    session.respond(action, "Success", "Transfer succeeded")


def bridge(pbx: Pbx, session: Session, action: Action) -> None:
    """Let one who listens talk with a channel that talks; another pairing is not simulated."""
    one, two = (find(pbx, {"channel": action.get(name, "")}) for name in ("channel1", "channel2"))
    if one.bridge is None or two.application != "ChanSpy":
        raise Refused("Unable to add channels to the bridge")
    one.run.tell(Kind.TAKEN, one, transferer=two)
    session.respond(action, "Success", "Channels have been bridged")


def atxfer(pbx: Pbx, session: Session, action: Action) -> None:
    """Let a channel ask somebody while its partner waits; a # only says that the number is complete."""
    channel = find(pbx, action)
    if channel.bridge is not None:
        place = action.get("context", "") or "from-internal", action.get("exten", "").removesuffix("#")
        channel.run.tell(Kind.CONSULTS, channel, place=place)
    session.respond(action, "Success", "Atxfer successfully queued")


def cancel_atxfer(pbx: Pbx, session: Session, action: Action) -> None:
    """Let a channel that asks somebody go back to its partner."""
    channel = find(pbx, action)
    channel.run.tell(Kind.CANCELS, channel)
    session.respond(action, "Success", "CancelAtxfer successfully queued")


def park(pbx: Pbx, session: Session, action: Action) -> None:
    """Park a channel that talks. A lot that does not exist is answered by success and nothing else."""
    channel = find(pbx, action)
    back = action.get("timeoutchannel", "")
    parker = next((c for c in pbx.channels.values() if c.name == back), None)
    timeout = action.get("timeout", "")
    seconds = int(timeout) // 1000 if timeout.isdecimal() else 45
    if action.get("parkinglot", "default") == "default":
        channel.run.tell(Kind.PARKED, channel, seconds, transferer=parker)
    session.respond(action, "Success", "Park successful")


def play_dtmf(pbx: Pbx, session: Session, action: Action) -> None:
    """Send a digit to a channel."""
    channel, digit = find(pbx, action), action.get("digit", "")
    if len(digit) != 1 or digit not in "0123456789*#ABCDabcd":
        raise Refused("No digit specified")
    direction = "Received" if queue_actions.truth(action.get("receive", "")) else "Sent"
    body = channel.headers(), header("Digit", digit)
    pbx.say("DTMFBegin", *body, header("Direction", direction))
    pbx.say("DTMFEnd", *body, header("DurationMs", 100), header("Direction", direction))
    if channel.application == "ChanSpy" and direction == "Received" and digit in spying.OPTIONS:
        channel.run.tell(Kind.REDIRECTED, channel, place=(spying.CONTEXT, digit))
    session.respond(action, "Success", "DTMF successfully queued")


def get_variable(pbx: Pbx, session: Session, action: Action) -> None:
    """Read a variable of a channel, or a global one."""
    name = action.get("variable", "")
    if not name:
        raise Refused("No variable specified")
    if known := EXISTS.fullmatch(name):
        session.respond(action, "Success", Variable=name, Value=int(pbx.knows(known[1], known[2])))
        return
    value = find(pbx, action).variables.get(name, "") if action.get("channel") else pbx.globals.get(name, "")
    session.respond(action, "Success", Variable=name, Value=value)


def set_variable(pbx: Pbx, session: Session, action: Action) -> None:
    """Set a variable of a channel, or a global one."""
    name, value = action.get("variable", ""), one_line(action.get("value", ""))
    if not name:
        raise Refused("No variable specified")
    if action.get("channel"):
        pbx.set_variable(find(pbx, action), name, value)
    else:
        pbx.globals[name] = value
        where = header("Channel", "none"), header("Uniqueid", "none")
        pbx.say("VarSet", *where, header("Variable", name), header("Value", value))
    session.respond(action, "Success", "Variable Set")


# ---- recording


def mix_monitor_mute(pbx: Pbx, session: Session, action: Action) -> None:
    """Write silence into a recording, or stop doing so."""
    channel = find(pbx, action)
    if channel.recorder is None:
        raise Refused("Cannot set mute flag")
    channel.recorder.muted = queue_actions.truth(action.get("state", ""))
    pbx.say(
        "MixMonitorMute",
        channel.headers(),
        header("Direction", action.get("direction", "both")),
        header("State", int(channel.recorder.muted)),
    )
    session.respond(action, "Success")


def mix_monitor(pbx: Pbx, session: Session, action: Action) -> None:
    """Start recording a channel into the named file below the monitor folder."""
    from asterisk.fake.audio import Recorder

    channel, file = find(pbx, action), action.get("file", "")
    name = file.removeprefix(pbx.config.monitor).lstrip("/").removesuffix(".wav")
    if not name or ".." in name.split("/"):
        raise Refused("Could not start monitoring channel")
    channel.recorder = Recorder(pbx, name, channel.run.dialogue, "out" if channel.run.operator else "in")
    pbx.set_variable(channel, "MIXMONITOR_FILENAME", f"{pbx.config.monitor}/{name}.wav")
    pbx.say("MixMonitorStart", channel.headers())
    if channel.bridge is not None and len(channel.bridge.channels) > 1:
        channel.recorder.resume()
    session.respond(action, "Success", MixMonitorID=f"0x{id(channel.recorder):x}")


def stop_mix_monitor(pbx: Pbx, session: Session, action: Action) -> None:
    """Stop recording a channel."""
    channel = find(pbx, action)
    if channel.recorder is None:
        raise Refused("Could not stop monitoring channel")
    channel.recorder.close()
    channel.recorder = None
    pbx.say("MixMonitorStop", channel.headers())
    session.respond(action, "Success")


SYSTEM_CALL = frozenset({"system", "call"})
CALL = frozenset({"call"})
AGENT = frozenset({"agent"})
REPORTING = frozenset({"system", "call", "reporting"})
ANYBODY: frozenset[str] = frozenset()

ACTIONS: dict[str, tuple[frozenset[str], Handler]] = {
    "ping": (ANYBODY, ping),
    "login": (ANYBODY, login_again),
    "events": (ANYBODY, events),
    "listcommands": (ANYBODY, list_commands),
    "coresettings": (REPORTING, core_settings),
    "corestatus": (REPORTING, core_status),
    "coreshowchannels": (REPORTING, listings.core_show_channels),
    "status": (REPORTING, listings.status),
    "bridgelist": (ANYBODY, listings.bridge_list),
    "bridgeinfo": (ANYBODY, listings.bridge_info),
    "queuestatus": (ANYBODY, listings.queue_status),
    "queuesummary": (ANYBODY, listings.queue_summary),
    "devicestatelist": (REPORTING, listings.device_state_list),
    "extensionstatelist": (REPORTING, listings.extension_state_list),
    "originate": (frozenset({"originate"}), originate),
    "hangup": (SYSTEM_CALL, hangup),
    "redirect": (CALL, redirect),
    "bridge": (CALL, bridge),
    "blindtransfer": (CALL, blind_transfer),
    "atxfer": (CALL, atxfer),
    "cancelatxfer": (CALL, cancel_atxfer),
    "park": (CALL, park),
    "playdtmf": (CALL, play_dtmf),
    "getvar": (REPORTING, get_variable),
    "setvar": (CALL, set_variable),
    "mixmonitor": (SYSTEM_CALL, mix_monitor),
    "stopmixmonitor": (SYSTEM_CALL, stop_mix_monitor),
    "mixmonitormute": (SYSTEM_CALL, mix_monitor_mute),
    "queueadd": (AGENT, queue_actions.queue_add),
    "queueremove": (AGENT, queue_actions.queue_remove),
    "queuepause": (AGENT, queue_actions.queue_pause),
    "queuepenalty": (AGENT, queue_actions.queue_penalty),
}
