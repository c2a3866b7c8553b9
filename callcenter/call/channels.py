"""The channels of one call: adding them, changing them, and who dialled whom through Local channels. Pure."""

from collections.abc import Iterator
from datetime import datetime

from asterisk.events import ChannelView
from callcenter.call.model import Call, Channel
from callcenter.call.rules import Kind, Rules, twin_name

DEEPEST = 20  # Local channels nested deeper than this are a loop


def put(call: Call, channel: Channel) -> Call:
    """Return the call with this channel added or replaced."""
    return call.evolve(channels={**call.channels, channel.uniqueid: channel})


def seen(call: Call, view: ChannelView, at: datetime, rules: Rules) -> tuple[Call, Channel]:
    """Return the call and its channel that `view` shows; a channel never seen before is added."""
    known = call.channels.get(view.uniqueid)
    if known is not None:
        return call, known
    kind, _, extension = rules.party(view.name)
    channel = Channel(view.uniqueid, view.name, kind, extension, view.state, at)
    if kind is Kind.LOCAL:
        return _paired(call, channel)
    return put(call, channel), channel


def _paired(call: Call, channel: Channel) -> tuple[Call, Channel]:
    """Add half of a Local channel; the halves know each other by their names."""
    wanted = twin_name(channel.name)
    twin = next((c for c in call.channels.values() if c.name == wanted and c.gone_at is None), None)
    if twin is None:
        return put(call, channel), channel
    channel = channel._replace(twin=twin.uniqueid)
    call = put(call, twin._replace(twin=channel.uniqueid))
    return put(call, channel), channel


def ancestry(call: Call, channel: Channel) -> Iterator[tuple[Channel, str]]:
    """Yield (callee, uniqueid of its dialler) from `channel` upwards, through Local channels."""
    node: Channel | None = channel
    for _ in range(DEEPEST):
        if node is None or node.dialler is None:
            return
        yield node, node.dialler
        dialler = call.channels.get(node.dialler)
        if dialler is None or dialler.kind is not Kind.LOCAL or dialler.twin is None:
            return
        node = call.channels.get(dialler.twin)


def first_dialler(call: Call, channel: Channel) -> str | None:
    """Return the uniqueid of the channel at whose wish `channel` was dialled."""
    diallers = [dialler for _, dialler in ancestry(call, channel)]
    return diallers[-1] if diallers else None


def people(call: Call, kind: Kind) -> list[Channel]:
    """Return all channels of one kind, gone ones too, in the order in which they joined."""
    return [c for c in call.channels.values() if c.kind is kind]
