"""Answers that are lists: channels, bridges, queues, devices, each printed from the model as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk.fake.channels import Channel, header
from asterisk.fake.members import Queue, Waiting
from asterisk.fake.pbx import EXTENSION_STATES

if TYPE_CHECKING:
    from asterisk.fake.pbx import Pbx
    from asterisk.fake.wire import Action, Session


def core_show_channels(pbx: Pbx, session: Session, action: Action) -> None:
    """List the channels."""
    items = [("CoreShowChannel", shown(pbx, channel)) for channel in pbx.channels.values()]
    session.respond_list(action, "Channels will follow", "CoreShowChannelsComplete", items)


def shown(pbx: Pbx, channel: Channel) -> str:
    """Return a channel as CoreShowChannels prints it."""
    seconds = int(pbx.clock.time() - channel.born_at)
    bridge = channel.bridge.uniqueid if channel.bridge else ""
    return (
        channel.headers()
        + header("Application", channel.application)
        + header("ApplicationData", channel.application_data)
        + header("Duration", f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}")
        + header("BridgeId", bridge)
    )


def status(pbx: Pbx, session: Session, action: Action) -> None:
    """List the channels with more detail, or one of them."""
    from asterisk.fake.actions import find  # actions imports this module

    channels = [find(pbx, action)] if action.get("channel") else list(pbx.channels.values())
    items = [("Status", "Privilege: Call\r\n" + detailed(pbx, channel)) for channel in channels]
    session.respond_list(
        action, "Channel status will follow", "StatusComplete", items, header("Items", len(items))
    )


def detailed(pbx: Pbx, channel: Channel) -> str:
    """Return a channel as Status prints it."""
    return (
        channel.headers()
        + f"Type: PJSIP\r\nDNID: {channel.variables.get('DID', '')}\r\n"
        + header("EffectiveConnectedLineNum", channel.connected_number or "<unknown>")
        + header("EffectiveConnectedLineName", channel.connected_name or "<unknown>")
        + header("TimeToHangup", 0)
        + header("BridgeID", channel.bridge.uniqueid if channel.bridge else "")
        + header("Application", channel.application)
        + header("Data", channel.application_data)
        + header("Nativeformats", "(alaw)")
        + header("Seconds", int(pbx.clock.time() - channel.born_at))
    )


def bridge_list(pbx: Pbx, session: Session, action: Action) -> None:
    """List the bridges."""
    items = [("BridgeListItem", bridge.headers()) for bridge in pbx.bridges.values()]
    session.respond_list(action, "Bridge listing will follow", "BridgeListComplete", items)


def bridge_info(pbx: Pbx, session: Session, action: Action) -> None:
    """List the channels of one bridge."""
    from asterisk.fake.wire import Refused

    bridge = pbx.bridges.get(action.get("bridgeuniqueid", ""))
    if bridge is None:
        raise Refused("Specified BridgeUniqueid not found")
    items = [("BridgeInfoChannel", channel.headers()) for channel in bridge.channels]
    session.respond_list(
        action, "Bridge channel listing will follow", "BridgeInfoComplete", items, bridge.headers()
    )


def queue_status(pbx: Pbx, session: Session, action: Action) -> None:
    """List queues with members and waiting callers; `Queue` and `Member` narrow it down."""
    items: list[tuple[str, str]] = []
    for queue in pbx.queues.values():
        if action.get("queue", queue.name) in (queue.name, ""):
            items += _queue_items(pbx, queue, action.get("member", ""))
    session.respond_list(action, "Queue status will follow", "QueueStatusComplete", items)


def _queue_items(pbx: Pbx, queue: Queue, only: str) -> list[tuple[str, str]]:
    items = [("QueueParams", _params(queue))]
    for member in queue.members:
        if only in ("", member.interface):
            body = f"Queue: {queue.name}\r\nName: {member.name}\r\nLocation: {member.interface}\r\n"
            body += member.state_headers(pbx.member_status(member))
            items.append(("QueueMember", body + header("Wrapuptime", 0)))
    now = pbx.clock.time()
    for position, entry in enumerate(queue.waiting, 1):
        items.append(("QueueEntry", _entry(queue, entry, position, now)))
    return items


def _params(queue: Queue) -> str:
    return (
        f"Queue: {queue.name}\r\nMax: 0\r\nStrategy: {queue.config.strategy}\r\n"
        f"Calls: {len(queue.waiting)}\r\nHoldtime: {queue.hold_s}\r\nTalkTime: {queue.talk_s}\r\n"
        f"Completed: {queue.completed}\r\nAbandoned: {queue.abandoned}\r\nServiceLevel: 0\r\n"
        "ServicelevelPerf: 0.0\r\nServicelevelPerf2: 0.0\r\nWeight: 0\r\n"
    )


def _entry(queue: Queue, entry: Waiting, position: int, now: float) -> str:
    caller = entry.channel
    return (
        f"Queue: {queue.name}\r\nPosition: {position}\r\nChannel: {caller.name}\r\n"
        f"Uniqueid: {caller.uniqueid}\r\nCallerIDNum: {caller.caller_number or 'unknown'}\r\n"
        f"CallerIDName: {caller.caller_name or 'unknown'}\r\n"
        f"ConnectedLineNum: {caller.connected_number or 'unknown'}\r\n"
        f"ConnectedLineName: {caller.connected_name or 'unknown'}\r\n"
        f"Wait: {int(now - entry.joined_at)}\r\nPriority: 0\r\n"
    )


def queue_summary(pbx: Pbx, session: Session, action: Action) -> None:
    """List each queue in one line of figures."""
    items = [
        ("QueueSummary", _summary(pbx, queue))
        for queue in pbx.queues.values()
        if action.get("queue", queue.name) in (queue.name, "")
    ]
    session.respond_list(action, "Queue summary will follow", "QueueSummaryComplete", items)


def _summary(pbx: Pbx, queue: Queue) -> str:
    longest = max((int(pbx.clock.time() - each.joined_at) for each in queue.waiting), default=0)
    logged_in = sum(pbx.member_status(each) not in (4, 5) for each in queue.members)
    return (
        f"Queue: {queue.name}\r\nLoggedIn: {logged_in}\r\n"
        f"Available: {sum(map(pbx.is_free, queue.members))}\r\nCallers: {len(queue.waiting)}\r\n"
        f"HoldTime: {queue.hold_s}\r\nTalkTime: {queue.talk_s}\r\nLongestHoldTime: {longest}\r\n"
    )


def device_state_list(pbx: Pbx, session: Session, action: Action) -> None:
    """List the state of every device."""
    items = [
        ("DeviceStateChange", header("Device", device) + header("State", state))
        for device, state in pbx.devices.items()
    ]
    session.respond_list(action, "Device State Changes will follow", "DeviceStateListComplete", items)


def extension_state_list(pbx: Pbx, session: Session, action: Action) -> None:
    """List the hints."""
    items = []
    for number in pbx.phones:
        code, text = EXTENSION_STATES[pbx.devices[f"PJSIP/{number}"]]
        items.append(
            (
                "ExtensionStatus",
                f"Exten: {number}\r\nContext: from-internal\r\nHint: PJSIP/{number}\r\n"
                f"Status: {code}\r\nStatusText: {text}\r\n",
            )
        )
    session.respond_list(action, "Extension Statuses will follow", "ExtensionStateListComplete", items)
