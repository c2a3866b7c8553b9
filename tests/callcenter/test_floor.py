"""A bug in one place is heard of, and costs nobody else a call."""

from datetime import UTC, datetime, timedelta

from asterisk.events import (
    ChannelCreated,
    ChannelListEnded,
    ChannelState,
    ChannelView,
    Event,
    Heard,
    LinkLost,
    LinkUp,
)
from callcenter.call import CallState
from callcenter.floor import Floor
from callcenter.tracker import Change, Tracker

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Clumsy:
    """Hands that fail at the first end of a call."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.failed = False
        self.heard: list[type[Event]] = []

    def call_changed(self, change: Change) -> None:
        if change.after.state is not CallState.ENDED:
            return
        if not self.failed:
            self.failed = True
            raise RuntimeError("a bug")
        self.ended.append(change.after.linkedid)

    def event_heard(self, _: str, event: Event) -> None:
        self.heard.append(type(event))


def test_what_fails_for_one_call_is_done_for_all_others_that_end_with_it() -> None:
    hands = Clumsy()
    floor = Floor(Tracker(), hands)
    events: list[Event] = [LinkUp(START, None)]
    for name in ("7.1", "7.3", "7.5"):
        view = ChannelView(
            name, name, f"PJSIP/trunk-{name}", ChannelState.RING, "+79161234567", None, "", "74951230001"
        )
        events.append(ChannelCreated(START, view))
    later = START + timedelta(seconds=9)
    events += [LinkLost(later, "EOF"), LinkUp(later, None), ChannelListEnded(later, 0)]
    for event in events:
        floor.take(Heard("main", event))
    assert hands.failed and hands.ended == ["7.3", "7.5"]
    assert hands.heard[-1] is ChannelListEnded and floor.live == 0
