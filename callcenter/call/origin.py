"""How a call begins, and what that says about its direction. Pure.

A trunk channel that calls us makes an inbound call. A phone of ours that calls makes an internal one, which is
outbound as soon as the first thing it dials is a trunk. A channel that the switchboard itself dials first is an
Originate: click-to-call when that is a phone of ours.
"""

from datetime import datetime

from asterisk.events import ChannelState, ChannelView, OriginateEnded
from callcenter.call.channels import first_dialler, people, put, seen
from callcenter.call.ending import dialled_by_caller
from callcenter.call.model import Call, Channel, Direction
from callcenter.call.rules import Kind, Rules, device_of

NOBODY = frozenset({"anonymous", "unknown", "unavailable", "restricted", "private", "withheld"})
NOWHERE = frozenset({"", "s", "i", "t", "h"})  # extensions of the dialplan that are no number


def begin(pbx: str, view: ChannelView, at: datetime, rules: Rules) -> Call:
    """Return the call that `view`, its first channel, begins."""
    call = Call(pbx=pbx, linkedids=(view.linkedid or view.uniqueid,), root=view.uniqueid, started_at=at)
    call, root = seen(call, view, at, rules)
    match root.kind:
        case Kind.TRUNK:
            return _called_from_outside(call, view, rules)
        case Kind.EXTENSION:
            number = dialled(view.exten)
            call = put(call, root._replace(dialled_number=number))
            return call.evolve(dialler=root.extension)
    return call.evolve(originated=True, direction=Direction.OUTBOUND)


ORIGIN = ("root", "direction", "remote_number", "remote_name", "line", "trunk", "dialler", "originated")


def begun_by(call: Call, view: ChannelView, at: datetime, rules: Rules) -> Call:
    """Return the call now that the channel that began it shows itself after channels which it dialled.

    So it is when a link comes up in the middle of a ring: the first to be heard of is the phone that rings.
    """
    first = begin(call.pbx, view, at, rules)
    call, root = seen(call, view, at, rules)
    root = root._replace(dialled_number=first.channels[root.uniqueid].dialled_number)
    others = {uid: _by_root(c, root.uniqueid) for uid, c in call.channels.items() if uid != root.uniqueid}
    facts = {name: getattr(first, name) for name in ORIGIN}
    started_at = min(at, call.started_at)
    call = call.evolve(**facts, started_at=started_at, channels={root.uniqueid: root, **others}, hanger=None)
    for channel in others.values():
        call = callee_dialled(call, channel) if channel.dialled_at is not None else call
    return call


def _by_root(channel: Channel, root: str) -> Channel:
    """A phone that rings without having been dialled, as far as was heard: at the wish of whoever began the call."""
    if channel.dialler is None and (channel.dialled_at or channel.rang_at):
        return channel._replace(dialler=root, dialled_at=channel.dialled_at or channel.rang_at)
    return channel


def _called_from_outside(call: Call, view: ChannelView, rules: Rules) -> Call:
    return call.evolve(
        direction=Direction.INBOUND,
        remote_number=number(view.caller_number),
        remote_name=view.caller_name,
        line=dialled(view.exten),
        trunk=rules.party(view.name).peer,
    )


def number(text: str | None) -> str | None:
    """Return a caller's number as it was sent, None when it says that there is none."""
    return None if text is None or text.lower() in NOBODY else text


def dialled(exten: str | None) -> str | None:
    """Return the number that was dialled, None when the dialplan shows only one of its own places."""
    return None if exten is None or exten in NOWHERE else exten


def dialled_number(dial_string: str, peer: str) -> str | None:
    """Return the number in "7926…@trunk", "trunk/7926…" or "1001"; the part that is not the peer."""
    parts = [part for piece in dial_string.split("/") for part in piece.split("@") if part]
    return next((part for part in parts if part != peer), parts[0] if parts else None)


def switchboard_calls(call: Call, root: Channel, number: str | None) -> Call:
    """Return the call now that its first channel turns out to be dialled by the switchboard itself."""
    if call.originated or root.state is ChannelState.RING:
        return call
    if root.kind is Kind.EXTENSION:
        root = root._replace(dialled_number=None)
        return put(call, root).evolve(originated=True, direction=Direction.OUTBOUND)
    return call.evolve(
        originated=True, direction=Direction.OUTBOUND, remote_number=number, remote_name=None, line=None
    )


def caller_shown(call: Call, view: ChannelView) -> Call:
    """Return the call after `view` showed its caller later than at birth (analogue lines do so).

    Only what is still unknown is filled: transfers and the dialplan change a caller's number afterwards.
    """
    if call.root != view.uniqueid or call.direction is not Direction.INBOUND or call.talks or call.withheld:
        return call
    if call.remote_number is None and number(view.caller_number) is not None:
        call = call.evolve(remote_number=number(view.caller_number))
    if call.remote_name is None and view.caller_name is not None:
        call = call.evolve(remote_name=view.caller_name)
    return call


def caller_hidden(call: Call) -> Call:
    """Return the call after the switchboard said that its caller does not want to be shown."""
    return call.evolve(remote_number=None) if call.direction is Direction.INBOUND else call


def caller_dials(call: Call, view: ChannelView) -> Call:
    """Return the call after its first channel turned out to call us, with what it dialled if not known at birth."""
    root, wanted = call.channels[call.root], dialled(view.exten)
    if root.kind is Kind.TRUNK:
        return caller_shown(call.evolve(line=call.line or wanted), view)
    return put(call, root._replace(dialled_number=root.dialled_number or wanted))


def callee_dialled(call: Call, callee: Channel) -> Call:
    """Return the call with what the dialling of `callee` says about its direction and its remote side."""
    if callee.kind is Kind.LOCAL or call.direction is Direction.INBOUND or callee.dialler is None:
        return call
    if call.originated and call.dialler is None:
        return _first_phone(call, callee)
    if not dialled_by_caller(call, callee):
        return call
    if callee.kind is Kind.TRUNK:
        return _to_outside(call, callee)
    if call.originated and not any(c.dialler for c in people(call, Kind.TRUNK)) and not call.talks:
        return call.evolve(direction=Direction.INTERNAL)
    return call


def _first_phone(call: Call, callee: Channel) -> Call:
    """An Originate through a Local channel has reached its first phone: whose click was it?"""
    if callee.kind is Kind.EXTENSION:
        if first_dialler(call, callee) == call.root:
            return call  # a dialler called the customer first, this is the agent he gets
        return call.evolve(dialler=callee.extension)
    return call.evolve(remote_number=call.remote_number or callee.dialled_number)


def _to_outside(call: Call, callee: Channel) -> Call:
    if call.direction is Direction.INTERNAL:
        phones = [c for c in people(call, Kind.EXTENSION) if c.dialled_at is not None]
        if phones:
            return call  # a call to a colleague, forwarded to his mobile
        root = call.channels.get(call.root)
        wanted = root.dialled_number if root else None
        call = call.evolve(direction=Direction.OUTBOUND, remote_number=wanted)
    return call.evolve(remote_number=call.remote_number or callee.dialled_number, trunk=_peer(callee))


def _peer(channel: Channel) -> str:
    return channel.name.partition("/")[2].rpartition("-")[0]


def originate_ended(call: Call, event: OriginateEnded) -> Call:
    """Return the call after the switchboard said how its Originate went."""
    if event.action_id in call.linkedids[1:]:
        return call  # it took a parked caller from his slot
    wanted = dialled(event.exten)
    ours = call.tag == call.root  # we asked for it, and know better what number was meant
    if wanted is not None and not ours and call.direction is Direction.OUTBOUND and call.dialler is not None:
        call = call.evolve(remote_number=wanted)
    answered_at = event.at if event.success else None
    stage = call.originate._replace(
        agent_answered_at=answered_at, reason=event.reason, failed=not event.success
    )
    return call.evolve(originate=stage)


def originate_matches(call: Call, event: OriginateEnded) -> bool:
    """Say whether `event`, a failure that names its channel without number, can be about this call."""
    root = call.channels.get(call.root)
    if root is None or not call.originated or call.originate.reason is not None:
        return False
    tech, _, rest = event.channel_name.partition("/")
    device = f"{tech}/{rest.partition('/')[0]}"  # "Local/1001@agents/n": flags follow the second slash
    return root.answered_at is None and device_of(root.name) == device
