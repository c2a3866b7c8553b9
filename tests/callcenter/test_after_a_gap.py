"""What the lists after a login say about calls of which nothing was heard meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from asterisk import events as e
from asterisk.events import ChannelState, ChannelView, Heard
from callcenter.call import Call, CallState, Result, Rules
from callcenter.tracker import Tracker

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CUSTOMER = ChannelView(
    "100.0", "100.0", "PJSIP/trunk-0", ChannelState.RING, "79161234567", "", "from-trunk", "7495"
)
PHONE = ChannelView("100.1", "100.0", "PJSIP/1001-1", ChannelState.DOWN, None, "", "from-internal", "s")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def talking(since: float = 0) -> Iterator[e.Event]:
    """A customer who talks to 1001 from the second second on."""
    yield e.ChannelCreated(at(since), CUSTOMER)
    yield e.ChannelCreated(at(since), PHONE)
    yield e.DialBegan(at(since), CUSTOMER, PHONE, "1001")
    yield e.ChannelStateChanged(at(since + 2), PHONE._replace(state=ChannelState.UP))
    for view in (CUSTOMER, PHONE):
        yield e.BridgeEntered(at(since + 2), f"bridge-{since}", view, None, False)


def after(tracker: Tracker, *events: e.Event) -> Call:
    """The last call that these events changed."""
    changed = [change.after for event in events for change in tracker.apply(Heard("pbx", event))]
    return changed[-1]


def test_a_process_that_was_away_for_hours_does_not_count_them_as_talk() -> None:
    before = after(Tracker({"pbx": Rules()}), *talking())
    assert before.state is CallState.TALKING
    reborn = Tracker({"pbx": Rules()})
    reborn.restore([before], {"pbx": at(12)})  # heard for ten seconds of talk, then killed
    login = at(4 * 3600)
    call = after(reborn, e.LinkUp(login), e.ChannelListEnded(login, 0))
    assert (call.ended_at, call.talk_s, call.result) == (at(12), 10, Result.ANSWERED)
    assert (call.ended_reason, call.complete) == ("ended while disconnected", False)


def test_a_process_that_comes_back_to_a_restarted_switchboard_closes_what_it_knew() -> None:
    before = after(Tracker({"pbx": Rules()}), *talking())
    reborn = Tracker({"pbx": Rules()})
    reborn.restore([before], {"pbx": at(12)})
    call = after(reborn, e.LinkUp(at(60), uptime_s=5))
    assert call.ended_at == at(12)


def test_names_that_come_again_after_a_restart_are_new_calls() -> None:
    """A machine without a clock of its own counts the same seconds at each boot."""
    tracker = Tracker({"pbx": Rules()})
    first = after(tracker, *talking())
    after(tracker, e.ChannelHungUp(at(8), PHONE, 16), e.ChannelHungUp(at(8), CUSTOMER, 16))
    tracker.apply(Heard("pbx", e.LinkLost(at(10), "EOF")))
    tracker.apply(Heard("pbx", e.LinkUp(at(40), uptime_s=20)))
    tracker.apply(Heard("pbx", e.ChannelListEnded(at(41), 0)))
    second = after(tracker, e.ChannelCreated(at(50), CUSTOMER))
    assert first.linkedid == second.linkedid
    assert (second.started_at, second.ended_at) == (at(50), None)


def test_who_rang_before_the_gap_and_talks_after_it_is_the_operator() -> None:
    tracker = Tracker({"pbx": Rules()})
    after(
        tracker,
        *list(talking())[:3],
        e.ChannelStateChanged(at(1), PHONE._replace(state=ChannelState.RINGING)),
    )
    tracker.apply(Heard("pbx", e.LinkLost(at(2), "EOF")))
    tracker.apply(Heard("pbx", e.LinkUp(at(6), uptime_s=5000)))
    up = picked_up(CUSTOMER), picked_up(PHONE)
    listed = [e.ChannelListed(at(6), view, "b", 6, "Dial", "PJSIP/1001") for view in up]
    call = after(tracker, *listed, e.ChannelListEnded(at(6), 2))
    assert (call.state, call.operator, call.talks[0].from_at) == (CallState.TALKING, "1001", at(6))


def picked_up(view: ChannelView) -> ChannelView:
    return view._replace(state=ChannelState.UP)
