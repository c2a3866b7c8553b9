"""Who hears whom, from bridges and Local channels. Pure.

Everybody in one bridge hears each other, unless it is a waiting room; the two halves of a Local channel join
their bridges into one. A talk is open while the remote side and one of ours are so connected. Two of ours with
nobody from outside are a consultation when the call has a remote side, and the talk itself when it has none.
"""

from datetime import datetime

from callcenter.call import queueing
from callcenter.call.model import Call, Channel, Direction, Hold, Talk
from callcenter.call.rules import Kind

HOLD_CONTEXT = "callcenter-hold"  # of our dialplan: who is alone with it has the customer on hold
Speaker = tuple[str | None, str | None]  # extension, or None and a number


def groups(call: Call) -> list[list[Channel]]:
    """Return the people of the call, grouped by who hears whom; those who hear nobody are left out."""
    rooms: dict[str, list[Channel]] = {}
    for channel in call.channels.values():
        if channel.bridge is not None and not channel.holding:
            rooms.setdefault(channel.bridge, []).append(channel)
    for room in list(rooms):
        _join_through_pipes(call, rooms, room)
    together = {id(people): people for people in rooms.values()}
    return [[c for c in people if c.kind is not Kind.LOCAL] for people in together.values()]


def _join_through_pipes(call: Call, rooms: dict[str, list[Channel]], room: str) -> None:
    """Let all rooms that a Local channel connects with `room` share one list."""
    for channel in list(rooms[room]):
        twin = call.channels.get(channel.twin or "")
        if twin is None or twin.bridge not in rooms or rooms[twin.bridge] is rooms[room]:
            continue
        joined, other = rooms[room], rooms[twin.bridge]
        joined.extend(other)
        for name, people in list(rooms.items()):
            if people is other:
                rooms[name] = joined


def listen(call: Call, at: datetime) -> Call:
    """Return the call with its talks opened and closed as the bridges now stand."""
    aside = _holding(call)
    for channel in call.channels.values():
        if channel.extension in aside and channel.gone_at is None:
            call = hold(call, channel, at)
    now = _speakers(call)
    open_talks = [(t.extension, t.number) for t in call.talks if t.to_at is None]
    if now == open_talks:
        return call
    gone = {speaker for speaker in open_talks if speaker not in now}
    new = [speaker for speaker in now if speaker not in open_talks]
    talks = tuple(
        t._replace(to_at=max(at, t.from_at)) if t.to_at is None and (t.extension, t.number) in gone else t
        for t in call.talks
    )
    call = call.evolve(talks=talks + tuple(Talk(*speaker, at, None) for speaker in new))
    heard_again = {extension for extension, _ in new}
    call = close_holds(call, ({e for e, _ in gone} - aside) | heard_again, at)
    if new:
        return _somebody_talks(call, at)
    return call.evolve(hanger=None) if now and gone else call  # one of several left: he ended nothing


def _holding(call: Call) -> set[str | None]:
    """Return the extensions that are alone with the hold room."""
    halves = {c.bridge for c in call.channels.values() if c.kind is Kind.LOCAL and is_hold_room(c.name)}
    if not halves:
        return set()
    rooms = halves - {c.bridge for c in call.channels.values() if c.kind is Kind.TRUNK} - {None}
    return {c.extension for c in call.channels.values() if c.bridge in rooms and c.extension is not None}


def is_hold_room(name: str) -> bool:
    """Say whether a channel leads into the hold room: "Local/00@callcenter-hold-0000001f;1"."""
    return name.startswith("Local/") and f"@{HOLD_CONTEXT}-" in name


def _somebody_talks(call: Call, at: datetime) -> Call:
    """Return the call after a talk began: whoever wanted to end what was before has ended only that."""
    settled = tuple(t if t.result else t._replace(result="answered") for t in call.transfers)
    call = queueing.talking(call, at)
    return call.evolve(hanger=None, queue_waiting=False, overflowed=False, parked=None, transfers=settled)


def _speakers(call: Call) -> list[Speaker]:
    found: list[Speaker] = []
    for people in groups(call):
        if len(people) > 1:
            found.extend(s for s in _speakers_among(call, people) if s not in found)
    return found


def _speakers_among(call: Call, people: list[Channel]) -> list[Speaker]:
    ours = [c.extension for c in people if c.extension is not None]
    outside = [c for c in people if c.kind is Kind.TRUNK]
    if call.direction is Direction.INTERNAL:
        ours = [extension for extension in ours if extension != call.dialler]
    elif not outside:
        return []  # a consultation
    if ours:
        return [(extension, None) for extension in ours]
    forwarded = [c for c in outside if c.dialled_at is not None][-1:]
    return [(None, c.dialled_number or c.name) for c in forwarded]


def hold(call: Call, channel: Channel, at: datetime) -> Call:
    """Return the call after one of ours put the other side on hold. A remote side that holds us is no hold."""
    extension = channel.extension
    if extension is None or any(h.extension == extension and h.to_at is None for h in call.holds):
        return call
    return call.evolve(holds=(*call.holds, Hold(extension, at, None)))


def close_holds(call: Call, extensions: set[str | None], at: datetime) -> Call:
    """Return the call with the open holds of these extensions ended."""
    if not any(h.to_at is None and h.extension in extensions for h in call.holds):
        return call
    closed = (
        h._replace(to_at=max(at, h.from_at)) if h.to_at is None and h.extension in extensions else h
        for h in call.holds
    )
    return call.evolve(holds=tuple(closed))
