"""One step in the life of a call: the call before, an event, the call after. Pure: no clock, no I/O.

In:      events of `asterisk.events` about channels of this call, in the order in which they were heard
Out:     a new `Call`, or the same object when the event changes nothing
Raises:  nothing: what has no meaning in this state changes nothing
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from asterisk import events as e
from asterisk.events import ChannelState, DialStatus, Event
from callcenter.call import origin, queueing, ringing, transfers, voices
from callcenter.call.channels import put, seen
from callcenter.call.ending import end
from callcenter.call.model import Call, Channel, Direction, EndedBy, LegResult
from callcenter.call.rules import Kind, Rules
from callcenter.call.visit import Stage

CALLED_APPLICATIONS = frozenset({"AppDial", "AppDial2", "AppQueue"})  # what a dialled channel runs


def apply(call: Call, event: Event, rules: Rules) -> Call:
    """Return the call as it is after `event`. A call that has ended changes no more, but for late facts."""
    step = STEPS.get(type(event))
    if step is None or (call.ended_at is not None and type(event) not in LATE):
        return call
    after = step(call, event, rules)
    # Comparing the dicts stops at the first difference; comparing the calls would build two long tuples.
    return call if after is call or after.__dict__ == call.__dict__ else after


def _created(call: Call, event: e.ChannelCreated, rules: Rules) -> Call:
    return seen(call, event.channel, event.at, rules)[0]


def _state_changed(call: Call, event: e.ChannelStateChanged, rules: Rules) -> Call:
    call, channel = seen(call, event.channel, event.at, rules)
    state, before = event.channel.state, channel.state
    channel = channel._replace(state=state)
    call = put(call, channel)
    if state is ChannelState.UP and before is ChannelState.DOWN and channel.uniqueid == call.root:
        call = _picked_up_by_itself(call, channel)
        channel = call.channels[channel.uniqueid]
    if state is ChannelState.RING and channel.uniqueid == call.root:
        return origin.caller_dials(call, event.channel)
    if state is ChannelState.RINGING:
        if channel.uniqueid == call.root:
            call = origin.switchboard_calls(call, channel, event.channel.caller_number)
        return ringing.rings(call, call.channels[channel.uniqueid], event.at)
    return ringing.answers(call, channel, event.at) if state is ChannelState.UP else call


def _picked_up_by_itself(call: Call, root: Channel) -> Call:
    """A phone that is up without having dialled or rung was called by the switchboard and answers by itself."""
    return origin.switchboard_calls(call, root, None) if root.extension is not None else call


def _caller_id(call: Call, event: e.CallerIdChanged, rules: Rules) -> Call:
    call, _ = seen(call, event.channel, event.at, rules)
    return (
        origin.caller_hidden(call)
        if event.hidden and event.channel.uniqueid == call.root
        else origin.caller_shown(call, event.channel)
    )


def _renamed(call: Call, event: e.ChannelRenamed, rules: Rules) -> Call:
    channel = call.channels.get(event.uniqueid)
    return put(call, channel._replace(name=event.name)) if channel else call


def _hangup_requested(call: Call, event: e.HangupRequested, rules: Rules) -> Call:
    call, channel = seen(call, event.channel, event.at, rules)
    call = put(call, channel._replace(wants_out=True, cause=event.cause or channel.cause))
    call = queueing.hangup_requested(call, channel.uniqueid, event.at)
    if call.hanger is not None or channel.kind is Kind.LOCAL or not _ends_it(call, channel):
        return call
    return call.evolve(hanger=EndedBy.OPERATOR if channel.extension else EndedBy.REMOTE)


def _dropped(call: Call, event: e.ChannelDropped, rules: Rules) -> Call:
    """The switchboard ends it: at a restart for instance, when a phone that rings has not been given up on."""
    call, channel = seen(call, event.channel, event.at, rules)
    channel = channel._replace(dropped=True)
    if channel.rings:
        channel = channel._replace(rung_until=event.at, result=LegResult.CANCELLED)
    call = put(call, channel)
    if call.hanger is not None or channel.kind is Kind.LOCAL or not _ends_it(call, channel):
        return call
    return call.evolve(hanger=EndedBy.SYSTEM)


def _ends_it(call: Call, channel: Channel) -> bool:
    """Say whether this party's leaving can end the call: it talks with somebody, or nobody talks and it began it.

    Who has handed the call on leaves for himself, even if he began it.
    """
    if any(channel.uniqueid in {c.uniqueid for c in g} for g in voices.groups(call) if len(g) > 1):
        return True
    if any(talk.to_at is None for talk in call.talks):
        return False
    dialled = call.direction is Direction.OUTBOUND and channel.extension and channel.extension == call.dialler
    return bool(dialled) or channel.uniqueid == call.root


def _hung_up(call: Call, event: e.ChannelHungUp, rules: Rules) -> Call:
    call, channel = seen(call, event.channel, event.at, rules)
    if channel.gone_at is not None:
        return call
    channel = ringing.hung_up(call, channel._replace(cause=event.cause or channel.cause), event.at)
    call = put(call, channel._replace(gone_at=event.at, bridge=None))
    if call.hanger is None and _refused_own_call(call, channel):
        call = call.evolve(
            hanger=EndedBy.OPERATOR
        )  # chan_sip says no HangupRequest for a phone that declines
    call = voices.listen(call, event.at)
    return call if call.live_channels else end(call, event.at)


def _refused_own_call(call: Call, channel: Channel) -> bool:
    """Say whether the phone of the one who asked for this call declined it."""
    own = call.originated and channel.extension is not None and channel.extension == call.dialler
    return own and channel.result is LegResult.DECLINED


def _held(call: Call, event: e.ChannelHeld, rules: Rules) -> Call:
    call, channel = seen(call, event.channel, event.at, rules)
    return voices.hold(call, channel, event.at)


def _unheld(call: Call, event: e.ChannelUnheld, rules: Rules) -> Call:
    call, channel = seen(call, event.channel, event.at, rules)
    return voices.close_holds(call, {channel.extension}, event.at)


def _tagged(call: Call, event: e.ChannelTagged, rules: Rules) -> Call:
    return call if call.tag else call.evolve(tag=event.tag)


def _voted(call: Call, event: e.CustomerVoted, rules: Rules) -> Call:
    """The first vote of somebody who talked counts."""
    if call.vote is not None or not call.talks:
        return call
    return call.evolve(vote=event.stars, voted_at=event.at)


def _line_named(call: Call, event: e.LineNamed, rules: Rules) -> Call:
    known = call.line is not None or call.direction is not Direction.INBOUND
    return call if known else call.evolve(line=origin.dialled(event.line))


def _presented(call: Call, event: e.CallerPresented, rules: Rules) -> Call:
    """A caller who withholds his number is a stranger, even where the provider sends the number along."""
    if not event.withheld or call.direction is not Direction.INBOUND or event.channel.uniqueid != call.root:
        return call
    return call.evolve(withheld=True, remote_number=None, remote_name=None)


def _recording(call: Call, event: e.RecordingNamed, rules: Rules) -> Call:
    """Keep each file once, by its full path where one is told; the same file is named in up to three places."""
    paths = list(call.recordings)
    for path in event.paths:
        base = path.rsplit("/", 1)[-1]
        same = next((i for i, p in enumerate(paths) if p.rsplit("/", 1)[-1] == base), None)
        if same is None:
            paths.append(path)
        elif len(path) > len(paths[same]):
            paths[same] = path
    return call.evolve(recordings=tuple(paths))


# --- ringing --------------------------------------------------------------------------------------------


def _dial_began(call: Call, event: e.DialBegan, rules: Rules) -> Call:
    call, callee = seen(call, event.callee, event.at, rules)
    if callee.dialled_at is not None:
        return call
    peer = rules.party(callee.name).peer
    wanted = origin.dialled_number(event.dial_string, peer)
    if event.caller is not None:
        call, caller = seen(call, event.caller, event.at, rules)
        callee = call.channels[callee.uniqueid]._replace(dialler=caller.uniqueid)
    elif callee.uniqueid == call.root:
        call = origin.switchboard_calls(call, callee, wanted)
        callee = call.channels[callee.uniqueid]
    number = wanted if event.caller is not None else callee.dialled_number
    call = put(call, callee._replace(dialled_at=event.at, dialled_number=number))
    return origin.callee_dialled(call, call.channels[callee.uniqueid])


def _dial_progressed(call: Call, event: e.DialProgressed, rules: Rules) -> Call:
    call, callee = seen(call, event.callee, event.at, rules)
    return ringing.rings(call, callee, event.at) if event.ringing else call


def _dial_ended(call: Call, event: e.DialEnded, rules: Rules) -> Call:
    call, callee = seen(call, event.callee, event.at, rules)
    if event.status is not DialStatus.ANSWER:
        return ringing.dial_ended(call, callee, event.status, event.at)
    if (
        callee.dialled_at is None and callee.state is not ChannelState.UP
    ):  # else he took it from another phone
        callee = callee._replace(dialled_at=event.at)
    call = ringing.answers(put(call, callee), callee, event.at)
    if event.caller is None:
        return call
    return ringing.others_stop(call, event.caller.uniqueid, callee.uniqueid, event.at)


def _picked_up(call: Call, event: e.PickedUp, rules: Rules) -> Call:
    call, _ = seen(call, event.channel, event.at, rules)
    call, target = seen(call, event.target, event.at, rules)
    dialler = target.dialler or ""
    return ringing.others_stop(call, dialler, event.channel.uniqueid, event.at)


def _originate_ended(call: Call, event: e.OriginateEnded, rules: Rules) -> Call:
    return origin.originate_ended(call, event)


# --- bridges --------------------------------------------------------------------------------------------


def _entered(call: Call, event: e.BridgeEntered, rules: Rules) -> Call:
    call, channel = seen(call, event.channel, event.at, rules)
    call = put(call, channel._replace(bridge=event.bridge, holding=event.holding))
    swapped = call.channels.get(event.swapped or "")
    if swapped is not None and swapped.bridge == event.bridge:
        call = put(call, swapped._replace(bridge=None))
    return voices.listen(call, event.at)


def _left(call: Call, event: e.BridgeLeft, rules: Rules) -> Call:
    call, channel = seen(call, event.channel, event.at, rules)
    if channel.bridge != event.bridge:
        return call  # it is in another one already: while channels optimise, enter may come before leave
    call = put(call, channel._replace(bridge=None))
    return voices.listen(call, event.at)


def _bridges_merged(call: Call, event: e.BridgesMerged, rules: Rules) -> Call:
    for channel in list(call.channels.values()):
        if channel.bridge == event.emptied:
            call = put(call, channel._replace(bridge=event.kept))
    return voices.listen(call, event.at)


def _local_bridged(call: Call, event: e.LocalBridged, rules: Rules) -> Call:
    call, _ = seen(call, event.one, event.at, rules)
    call, _ = seen(call, event.two, event.at, rules)
    return call


# --- queues ---------------------------------------------------------------------------------------------


def _queue_tried(call: Call, event: e.QueueTried, rules: Rules) -> Call:
    """The queue may refuse; until it lets the caller in he counts as let go."""
    call, _ = seen(call, event.channel, event.at, rules)
    call = queueing.sent(call, event)
    return call.evolve(queue=call.queue or event.queue, overflowed=call.queue is None or call.overflowed)


def _queue_joined(call: Call, event: e.QueueJoined, rules: Rules) -> Call:
    call, _ = seen(call, event.channel, event.at, rules)
    call = queueing.joined(call, event)
    return call.evolve(
        queue=event.queue,
        queued_at=call.queued_at or event.at,
        queue_left_at=None,
        queue_waiting=True,
        overflowed=False,
        position=event.position,
    )


def _queue_left(call: Call, event: e.QueueLeft, rules: Rules) -> Call:
    """Keep `queue_waiting` for a caller whose call is being ended: that is how he left."""
    channel = call.channels.get(event.channel.uniqueid)
    left = channel is not None and (channel.wants_out or channel.dropped)
    call = queueing.left(call, event)
    return call.evolve(queue_left_at=event.at, queue_waiting=call.queue_waiting and left)


def _queue_abandoned(call: Call, event: e.QueueAbandoned, rules: Rules) -> Call:
    """A caller who did not ask to hang up was put out by the queue, whatever the event is called."""
    channel = call.channels.get(event.channel.uniqueid)
    left = channel is None or channel.wants_out or channel.dropped
    call = queueing.abandoned(call, event)
    return call.evolve(overflowed=not left, queue_waiting=left)


def _agent_called(call: Call, event: e.AgentCalled, rules: Rules) -> Call:
    call, _ = seen(call, event.caller, event.at, rules)
    call, _ = seen(call, event.agent, event.at, rules)
    call = queueing.called(call, event)
    return call if call.queue else call.evolve(queue=event.queue)


def _agent_connected(call: Call, event: e.AgentConnected, rules: Rules) -> Call:
    call, agent = seen(call, event.agent, event.at, rules)
    call = ringing.answers(call, agent, event.at) if agent.extension else call
    call = ringing.others_stop(call, event.caller.uniqueid, agent.uniqueid, event.at)
    call = queueing.connected(call, event)
    return call.evolve(queue=event.queue, queue_waiting=False, queue_left_at=event.at)


def _queue_judged(call: Call, event: e.QueueJudged, rules: Rules) -> Call:
    return queueing.explained(call, event)


def _place_reached(call: Call, event: e.PlaceReached, rules: Rules) -> Call:
    call, _ = seen(call, event.channel, event.at, rules)
    return queueing.reached(call, Stage(event.place.value), event.channel.uniqueid, event.at)


# --- transfers ------------------------------------------------------------------------------------------


def _unparked(call: Call, event: e.Unparked, rules: Rules) -> Call:
    return transfers.unparked(call, event, event.at, rules)


def _parking_ended(call: Call, event: e.ParkingEnded, rules: Rules) -> Call:
    return call.evolve(parked=None)


# --- lists ----------------------------------------------------------------------------------------------


def _listed(call: Call, event: e.ChannelListed, rules: Rules) -> Call:
    """Bring a channel up to what the list says, which may be the first that is heard of it."""
    born_at = event.at - timedelta(seconds=event.age_s)
    call, channel = seen(call, event.channel, born_at, rules)
    state = event.channel.state
    call = put(call, channel._replace(state=state, bridge=event.bridge))
    if event.application in CALLED_APPLICATIONS and channel.dialled_at is None:
        call = _found_dialled(call, call.channels[channel.uniqueid], event.channel.caller_number, born_at)
    channel = call.channels[channel.uniqueid]
    if state is ChannelState.RINGING:
        call = ringing.rings(call, channel, max(born_at, channel.born_at))
    elif state is ChannelState.UP:
        call = ringing.answers(call, channel, event.at)
    if event.application and event.application != "Queue":
        call = queueing.elsewhere(call, channel.uniqueid, event.at)
    if event.application == "Queue" and call.queue is None:
        call = call.evolve(queue=event.application_data.partition(",")[0] or None)
    return voices.listen(call, event.at)


def _found_dialled(call: Call, channel: Channel, number: str | None, at: datetime) -> Call:
    """A listed channel was dialled, by whom is not said: the root of the call is the best guess.

    Asterisk shows what was dialled as the caller's number of the dialled channel.
    """
    if channel.uniqueid == call.linkedid:
        return origin.switchboard_calls(call, channel, number)
    if channel.uniqueid == call.root:
        return put(call, channel._replace(dialled_at=at))  # whoever called it is gone already
    channel = channel._replace(dialled_at=at, dialler=call.root, dialled_number=number)
    return origin.callee_dialled(put(call, channel), channel)


def _caller_listed(call: Call, event: e.CallerListed, rules: Rules) -> Call:
    joined_at = event.at - timedelta(seconds=event.waited_s)
    call = queueing.listed(call, event)
    return call.evolve(
        queue=event.queue,
        queued_at=call.queued_at or joined_at,
        queue_waiting=True,
        position=event.position,
    )


Step = Callable[[Call, Any, Rules], Call]

STEPS: dict[type, Step] = {
    e.ChannelCreated: _created,
    e.ChannelStateChanged: _state_changed,
    e.CallerIdChanged: _caller_id,
    e.ChannelRenamed: _renamed,
    e.HangupRequested: _hangup_requested,
    e.ChannelDropped: _dropped,
    e.ChannelHungUp: _hung_up,
    e.ChannelHeld: _held,
    e.ChannelUnheld: _unheld,
    e.ChannelTagged: _tagged,
    e.CustomerVoted: _voted,
    e.LineNamed: _line_named,
    e.CallerPresented: _presented,
    e.RecordingNamed: _recording,
    e.DialBegan: _dial_began,
    e.DialProgressed: _dial_progressed,
    e.DialEnded: _dial_ended,
    e.PickedUp: _picked_up,
    e.OriginateEnded: _originate_ended,
    e.BridgeEntered: _entered,
    e.BridgeLeft: _left,
    e.BridgesMerged: _bridges_merged,
    e.LocalBridged: _local_bridged,
    e.QueueTried: _queue_tried,
    e.QueueJoined: _queue_joined,
    e.QueueLeft: _queue_left,
    e.QueueAbandoned: _queue_abandoned,
    e.QueueJudged: _queue_judged,
    e.PlaceReached: _place_reached,
    e.AgentCalled: _agent_called,
    e.AgentConnected: _agent_connected,
    e.BlindTransferred: transfers.blind,
    e.AttendedTransferred: transfers.attended,
    e.Parked: transfers.parked,
    e.Unparked: _unparked,
    e.ParkingEnded: _parking_ended,
    e.ChannelListed: _listed,
    e.CallerListed: _caller_listed,
}

LATE = frozenset({e.RecordingNamed, e.OriginateEnded, e.ChannelTagged})  # true of a call that is over, too
