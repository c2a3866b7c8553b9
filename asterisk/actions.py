"""What we can ask of the PBX, one checked function per action.

Everything that reaches an AMI header is checked against a strict pattern first: a caller's name or a typed
number must never become a second action, a second variable (`a=1,b=2`), a shell command (`SHELL(...)`) or a
regular expression that hangs up other people's channels (`/.*/`).

Raises:  `ValueError` for a value that does not fit; else what `Link.request` raises
Source:  Asterisk 22 documentation, AMI actions
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Literal

from asterisk.ami import Link

NUMBER = re.compile(r"\+?[0-9]{1,20}")
EXTENSION = re.compile(r"[A-Za-z0-9+*#_-]{1,40}")
CONTEXT = re.compile(r"[A-Za-z0-9_-]{1,79}")
# PJSIP/1001-00000003, Local/1001@from-queue/n, Local/1001@from-queue-00000011;1, DAHDI/i1/79161234567-3
CHANNEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*/[A-Za-z0-9@._+:;/*#<>-]{1,120}")
# whose state counts for a queue member: a device, or a hint of the dialplan
STATE_INTERFACE = re.compile(rf"{CHANNEL.pattern}|[Hh]int:[A-Za-z0-9_.*#-]{{1,40}}@[A-Za-z0-9_-]{{1,79}}")
CHANNEL_ID = re.compile(r"[A-Za-z0-9_.-]{1,149}")
QUEUE = re.compile(r"[A-Za-z0-9_.-]{1,79}")
VARIABLE = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]{0,79}")
VARIABLE_VALUE = re.compile(r"[A-Za-z0-9_.:@/+=#* -]{0,255}")
DIGITS = re.compile(r"[0-9*#A-Da-d]{1,40}")
# below the PBX's own monitor folder
RECORDING = re.compile(r"(?!.*\.\.)[A-Za-z0-9_+.-][A-Za-z0-9_+./-]{0,239}")
PLAIN_TEXT = re.compile(r"[^\x00-\x1f\x7f]{0,200}")

OUR_VARIABLE = "__CALLCENTER_CALL"  # two underscores: every channel that comes of this one inherits it


def checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    """Return `value` when all of it fits. Raises `ValueError`, which does not repeat the value."""
    if not pattern.fullmatch(value):
        raise ValueError(f"{what} is not acceptable to the PBX")
    return value


async def originate(
    link: Link,
    *,
    channel: str,
    exten: str,
    context: str,
    caller_id: str,
    channel_id: str,
    other_channel_id: str,
    variables: Mapping[str, str] | None = None,
    timeout_s: float = 30,
) -> str:
    """Ring `channel`, and once it is answered send it to the number `exten` in `context`.

    The channel gets `channel_id` as its uniqueid, the second half of a Local channel `other_channel_id`, and
    both the variable `__CALLCENTER_CALL` (`channel_id`, unless `variables` says another).
    Returns the ActionID, which is `channel_id`: the event `OriginateEnded` of a call that failed has nothing
    else to know it by. That this returns means "queued", not "rung"; never call it again for the same click.
    """
    given = {OUR_VARIABLE: channel_id, **(variables or {})}
    await link.request(
        "Originate",
        ActionID=checked(CHANNEL_ID, channel_id, "the channel id"),
        Channel=checked(CHANNEL, channel, "the channel"),
        Context=checked(CONTEXT, context, "the context"),
        Exten=checked(NUMBER, exten, "the number"),
        Priority=1,
        CallerID=checked(PLAIN_TEXT, caller_id, "the caller id"),
        ChannelId=channel_id,
        OtherChannelId=checked(CHANNEL_ID, other_channel_id, "the other channel id"),
        Timeout=round(timeout_s * 1000),
        Async="true",
        Variable=[_variable(name, value) for name, value in given.items()],
    )
    return channel_id


def _variable(name: str, value: str) -> str:
    checked(VARIABLE, name, "the name of a variable")
    return f"{name}={checked(VARIABLE_VALUE, value, f'the variable {name}')}"


async def hang_up(link: Link, channel: str, *, cause: int = 16) -> None:
    """End one channel; 16 is the cause "normal clearing" (Q.850)."""
    await link.request("Hangup", Channel=checked(CHANNEL, channel, "the channel"), Cause=cause)


async def redirect(link: Link, channel: str, *, exten: str, context: str) -> None:
    """Send one channel elsewhere in the dialplan: a blind transfer. The other side of the call is dropped."""
    await link.request("Redirect", **_place(channel, exten, context), Priority=1)


async def bridge(link: Link, one: str, two: str) -> None:
    """Let two channels talk with each other from now on; whoever talked with one of them is let go.

    Names must be whole: Asterisk takes the first channel whose name begins so.
    """
    first, second = (checked(CHANNEL, name, "the channel") for name in (one, two))
    await link.request("Bridge", Channel1=first, Channel2=second, Tone="no")


async def atxfer(link: Link, channel: str, *, exten: str, context: str) -> None:
    """Begin an attended transfer by the one on `channel`: the other side waits, `exten` is dialled."""
    await link.request("Atxfer", **_place(channel, exten, context))


def _place(channel: str, exten: str, context: str) -> dict[str, str]:
    return {
        "Channel": checked(CHANNEL, channel, "the channel"),
        "Exten": checked(EXTENSION, exten, "the extension"),
        "Context": checked(CONTEXT, context, "the context"),
    }


async def blind_transfer(link: Link, channel: str, *, exten: str, context: str) -> None:
    """Send the one who talks with `channel` to `exten`; `channel` is dropped at once.

    Asterisk says "succeeded" also for an extension that does not exist, and hangs up on the customer: ask
    `exists` first. Source: seen on Asterisk 22.10.
    """
    await link.request("BlindTransfer", **_place(channel, exten, context))


async def cancel_atxfer(link: Link, channel: str) -> None:
    """End the attended transfer begun on `channel` and go back to who waits (Asterisk 13.23 and newer)."""
    await link.request("CancelAtxfer", Channel=checked(CHANNEL, channel, "the channel"))


async def exists(link: Link, *, exten: str, context: str) -> bool | None:
    """Whether the dialplan knows this extension; None when it can not say (no module `func_dialplan`)."""
    place = f"{checked(CONTEXT, context, 'the context')},{checked(EXTENSION, exten, 'the extension')},1"
    answer = await link.request("Getvar", Variable=f"DIALPLAN_EXISTS({place})")
    return {"1": True, "0": False}.get(answer.get("Value", ""))


async def park(
    link: Link, channel: str, *, back_to: str | None = None, lot: str | None = None, timeout_s: float = 45
) -> None:
    """Park a channel; the slot comes as an event. Not taken in time, it goes back to the phone of `back_to`.

    `back_to` talks with it now: it is told the slot by voice and then dropped. Success is answered also for a lot
    that does not exist, without any event. The header AnnounceChannel is never sent: one that names no channel
    crashes Asterisk 22.10.
    """
    headers = {"Channel": checked(CHANNEL, channel, "the channel"), "Timeout": str(round(timeout_s * 1000))}
    if back_to is not None:
        headers["TimeoutChannel"] = checked(CHANNEL, back_to, "the channel to return to")
    if lot is not None:
        headers["Parkinglot"] = checked(CONTEXT, lot, "the parking lot")
    await link.request("Park", **headers)


async def queue_add(
    link: Link,
    queue: str,
    interface: str,
    *,
    name: str,
    penalty: int = 0,
    paused: bool = False,
    state_interface: str | None = None,
) -> None:
    """Put a phone into a queue. Raises `ActionRefused` when it is there already."""
    headers = _member(queue, interface)
    headers["MemberName"] = checked(PLAIN_TEXT, name, "the name of the member")
    headers["Penalty"] = str(penalty)
    headers["Paused"] = _yes_or_no(paused)
    if state_interface is not None:
        headers["StateInterface"] = checked(
            STATE_INTERFACE, state_interface, "the interface whose state counts"
        )
    await link.request("QueueAdd", **headers)


async def queue_remove(link: Link, queue: str, interface: str) -> None:
    """Take a phone out of a queue. Raises `ActionRefused` when it is not there."""
    await link.request("QueueRemove", **_member(queue, interface))


async def queue_pause(
    link: Link, interface: str, *, paused: bool, queue: str | None = None, reason: str = ""
) -> None:
    """Pause or unpause a phone in one queue, or in all that it is in."""
    headers = {"Interface": checked(CHANNEL, interface, "the interface"), "Paused": _yes_or_no(paused)}
    if queue is not None:
        headers["Queue"] = checked(QUEUE, queue, "the queue")
    if reason:
        headers["Reason"] = checked(PLAIN_TEXT, reason, "the reason")
    await link.request("QueuePause", **headers)


def _member(queue: str, interface: str) -> dict[str, str]:
    return {
        "Queue": checked(QUEUE, queue, "the queue"),
        "Interface": checked(CHANNEL, interface, "the interface"),
    }


def _yes_or_no(value: bool) -> str:
    return "true" if value else "false"


async def mix_monitor(
    link: Link, channel: str, *, mix: str, received: str | None = None, sent: str | None = None
) -> None:
    """Record a channel: the mix and, where named, what it says to us (`received`) and what it hears (`sent`).

    Names are relative to the PBX's monitor folder. No command is ever run after it: that header is a shell on
    the PBX.
    """
    options = "bS"  # only while bridged; both legs kept in step
    for letter, file in (("r", received), ("t", sent)):
        if file is not None:
            options += f"{letter}({checked(RECORDING, file, 'the name of a recording')})"
    await link.request(
        "MixMonitor",
        Channel=checked(CHANNEL, channel, "the channel"),
        File=checked(RECORDING, mix, "the name of a recording"),
        Options=options,
    )


async def mix_monitor_mute(
    link: Link, channel: str, *, muted: bool, side: Literal["read", "write", "both"] = "both"
) -> None:
    """Put silence into the recording (card numbers), or sound again. `read`: what the channel says."""
    await link.request(
        "MixMonitorMute",
        Channel=checked(CHANNEL, channel, "the channel"),
        Direction=side,
        State=int(muted),
    )


BETWEEN_KEYS_S = 0.1
"""Two keys without sound between them may carry one RTP time stamp, and the other side then hears one key."""


async def play_dtmf(
    link: Link, channel: str, digits: str, *, duration_ms: int = 120, received: bool = False
) -> None:
    """Press keys one after the other: heard by the one behind `channel`, or (`received`) as if he pressed them.

    What is received works the features of features.conf (swap, three-way) and passes to nobody when it fits one.
    """
    headers = {"Receive": "true"} if received else {}
    checked(CHANNEL, channel, "the channel")
    for place, digit in enumerate(checked(DIGITS, digits, "the digits")):
        if place:
            await asyncio.sleep(BETWEEN_KEYS_S)
        await link.request("PlayDTMF", Channel=channel, Digit=digit.upper(), Duration=duration_ms, **headers)


async def get_var(link: Link, name: str, *, channel: str | None = None) -> str:
    """Return a variable of a channel, or a global one; "" when it is not set. Functions are not asked."""
    headers = {"Variable": checked(VARIABLE, name, "the name of a variable")}
    if channel is not None:
        headers["Channel"] = checked(CHANNEL, channel, "the channel")
    answer = await link.request("Getvar", **headers)
    return answer.get("Value", "")
