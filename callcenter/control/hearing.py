"""A recording goes on hearing when somebody else comes to talk.

A recording that runs goes deaf on one side when the next phone numbers its packets lower than the last one did
(docs/developer.md, "Call control"). So it is begun anew, in the same files, whenever the company of a recorded channel
changes, whoever caused that: a transfer, a caller fetched from parking, one called back from hold. A feature of
features.conf, which `callcenter-record` gives to the channel that it records, does so while the two go on talking.
"""

from collections.abc import Iterable

from asterisk import actions
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost
from callcenter.call import Call, Channel
from callcenter.call.voices import groups
from callcenter.control.hands import Hands, log

FEATURE, KEY = "callcenter-anew", "D"  # features.conf, [applicationmap]; no telephone has such a key


class Hearing:
    """Who talks with whom, and what is done when that changes."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._company: dict[tuple[str, str], frozenset[str]] = {}  # by pbx and uniqueid: who was heard last

    def follow(self, call: Call) -> None:
        """A call took a step. Nothing is begun anew while the recording is paused: it would sound."""
        if call.ended_at is not None:
            for uniqueid in call.channels:
                self._company.pop((call.pbx, uniqueid), None)
        elif self._hands.desks.pause_of(call.id) is None:
            changed = [
                channel for people in groups(call) for channel in people if self._met(call, channel, people)
            ]
            if changed:
                self._hands.later(self._anew(call.pbx, changed))

    def _met(self, call: Call, channel: Channel, people: list[Channel]) -> bool:
        """Whether this channel has other company than the last time it had any."""
        company = frozenset(c.uniqueid for c in people) - {channel.uniqueid}
        if not company:
            return False
        before = self._company.get((call.pbx, channel.uniqueid))
        self._company[call.pbx, channel.uniqueid] = company
        if before is None:  # its first talk, unless a process of ours that died has seen another
            return len(call.talks) > 1
        return before != company

    async def _anew(self, pbx: str, channels: Iterable[Channel]) -> None:
        link = self._hands.links[pbx]
        for channel in channels:
            try:
                features = await actions.get_var(link, "DYNAMIC_FEATURES", channel=channel.name)
                if FEATURE in features.split("#"):
                    await actions.play_dtmf(link, channel.name, KEY, received=True)
            except (ActionRefused, LinkLost, ActionTimeout) as error:
                log.info("a recording not begun anew", channel=channel.name, error=repr(error))
