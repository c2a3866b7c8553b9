"""Two calls turn out to be one. Pure.

Source:  Asterisk joins channels and the older linkedid wins; there is no event for it
"""

from callcenter.call.model import Call, Channel, Direction


def merge(older: Call, newer: Call) -> Call:
    """Return the one call that `older` and `newer` are; it keeps the name and the start of the older.

    The remote side is that of the older call, unless only the newer has one. What was said in a newer call that
    was a consultation is no talk with the customer; in one that a customer made himself it is.
    """
    main, other = (newer, older) if _has_remote(newer) and not _has_remote(older) else (older, newer)
    both = other.direction is Direction.INBOUND
    talks = sorted((*main.talks, *other.talks), key=lambda t: t.from_at) if both else main.talks
    holds = sorted((*main.holds, *other.holds), key=lambda h: h.from_at) if both else main.holds
    return main.evolve(
        linkedids=tuple(dict.fromkeys((*older.linkedids, *newer.linkedids))),
        started_at=older.started_at,
        tag=main.tag or other.tag,
        queue=main.queue or other.queue,
        queued_at=main.queued_at or other.queued_at,
        channels=_channels(older, newer),
        visits=tuple(sorted({*older.visits, *newer.visits}, key=lambda v: v.began_at)),
        mark=main.mark or other.mark,
        talks=tuple(talks),
        holds=tuple(holds),
        transfers=tuple(sorted((*older.transfers, *newer.transfers), key=lambda t: t.at)),
        vote=main.vote or other.vote,
        voted_at=main.voted_at or other.voted_at,
        recordings=tuple(dict.fromkeys((*main.recordings, *other.recordings))),
    )


def _has_remote(call: Call) -> bool:
    return call.direction is not Direction.INTERNAL


def _channels(older: Call, newer: Call) -> dict[str, Channel]:
    everyone = {**older.channels, **newer.channels}
    return dict(sorted(everyone.items(), key=lambda item: item[1].born_at))
