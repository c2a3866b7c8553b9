"""A call moves: blind, attended, parked. Pure.

Who is connected afterwards is seen by `voices`; here is only noted who sent the call where. A transfer is
"answered" when the next talk begins, "no_answer" when the call ends first.
"""

from datetime import datetime

from asterisk.events import AttendedTransferred, BlindTransferred, ChannelView, Parked, Unparked
from callcenter.call.channels import ancestry, seen
from callcenter.call.model import Call, Channel, Transfer
from callcenter.call.rules import Kind, Rules
from callcenter.call.voices import groups, is_hold_room


def blind(call: Call, event: BlindTransferred, rules: Rules) -> Call:
    """Return the call after one of ours sent it to a number without asking."""
    if not event.success:
        return call
    call, sender = seen(call, event.transferer, event.at, rules)
    target, last = event.exten or None, call.transfers[-1] if call.transfers else None
    if call.parked and last is not None and (last.kind, last.sender) == ("park", sender.extension):
        # chan_sip tells of the slot first and of the transfer that led there afterwards
        return call.evolve(transfers=(*call.transfers[:-1], last._replace(target=target)))
    return _add(call, Transfer("blind", sender.extension, target, event.at, None))


def attended(call: Call, event: AttendedTransferred, rules: Rules) -> Call:
    """Return the call after one of ours connected it with somebody he had spoken to first."""
    named = event.target.name if event.target is not None else ""
    if not event.success or is_hold_room(named) or any(is_hold_room(c.name) for c in call.live_channels):
        return call  # he hung up with the customer on hold, and is called back
    call, sender = seen(call, event.first, event.at, rules)
    target = _target(call, event, sender)
    # The channels change places before Asterisk tells of the transfer.
    talks = any(t.to_at is None and target in (t.extension, t.number) for t in call.talks)
    return _add(call, Transfer("attended", sender.extension, target, event.at, "answered" if talks else None))


def _target(call: Call, event: AttendedTransferred, sender: Channel) -> str | None:
    """Name who got the call: a colleague if there is one, else the number outside."""
    ends = [_reached(call, view, sender) for view in (event.target, event.transferee) if view]
    found = [c for people in ends for c in people] or _reached(call, event.second, sender)
    phones = [c.extension for c in found if c.extension is not None]
    numbers = [c.dialled_number for c in found if c.kind is Kind.TRUNK and c.dialled_at is not None]
    return next(iter(phones), next(iter(numbers), None))


def _reached(call: Call, view: ChannelView, sender: Channel) -> list[Channel]:
    """Return the people behind `view` other than the sender: itself, who hears it, or who rings for it."""
    channel = call.channels.get(view.uniqueid)
    if channel is None:
        return []
    others = [
        c for c in call.channels.values() if c.extension != sender.extension and c.uniqueid != call.root
    ]
    if channel.kind is not Kind.LOCAL and channel in others:
        return [channel]
    pipes = [c for c in call.channels.values() if c.kind is Kind.LOCAL and _together(c, channel)]
    ends = {uid for c in (channel, *pipes) for uid in (c.uniqueid, c.twin)}
    room = next((g for g in groups(call) if _hears(call, g, ends, channel.bridge)), [])
    behind = [c for c in others if any(d in ends for _, d in ancestry(call, c)) and c.gone_at is None]
    return [c for c in room if c in others] or [c for c in behind if c.kind is not Kind.LOCAL]


def _together(one: Channel, other: Channel) -> bool:
    return one.bridge is not None and one.bridge == other.bridge


def _hears(call: Call, people: list[Channel], ends: set[str | None], bridge: str | None) -> bool:
    bridges = {bridge} | {c.bridge for c in call.channels.values() if c.uniqueid in ends}
    return any(c.bridge in bridges for c in people)


def parked(call: Call, event: Parked, rules: Rules) -> Call:
    """Return the call after it was put into a slot. Parking by transfer was announced as a blind transfer."""
    if call.parked == event.slot:
        return call
    call = call.evolve(parked=event.slot)
    last = call.transfers[-1] if call.transfers else None
    if last is not None and last.kind == "blind" and last.result is None:
        return call.evolve(transfers=(*call.transfers[:-1], last._replace(kind="park")))
    sender = rules.party(event.parker).extension if "/" in event.parker else None
    return _add(call, Transfer("park", sender, event.slot, event.at, None))


def unparked(call: Call, event: Unparked, at: datetime, rules: Rules) -> Call:
    """Return the call after somebody took it from its slot."""
    if event.retriever is not None:
        call, _ = seen(call, event.retriever, at, rules)
    return call.evolve(parked=None)


def _add(call: Call, transfer: Transfer) -> Call:
    before = call.transfers[-1] if call.transfers else None
    if before is not None and transfer in (
        before._replace(at=transfer.at),
        before._replace(result=transfer.result),
    ):
        return call  # said twice
    return call.evolve(transfers=(*call.transfers, transfer))
