"""What an operator is doing, from what is known of his calls, phones, queues and pauses. Pure.

Calls come first, then what he does after a call, then a pause. "Paused" is only said of what the switchboard
confirmed: while one of his queues may still ring him he is not paused.
"""

from collections.abc import Mapping
from uuid import UUID

from asterisk.events import ChannelState, DeviceState
from callcenter.agent.model import LISTENING, WRAP_UP, AgentState, Kind, Shift, Standing
from callcenter.call import Call, CallState, Channel, Direction
from callcenter.directory import Directory
from callcenter.errand import Errand
from callcenter.places import DeskState, places

LOUDEST_FIRST = (AgentState.TALKING, AgentState.HELD, AgentState.DIALLING, AgentState.RINGING)
UNREACHABLE = frozenset({DeviceState.UNAVAILABLE, DeviceState.INVALID})
BUSY_PHONE = {
    DeviceState.IN_USE: AgentState.TALKING,
    DeviceState.BUSY: AgentState.TALKING,
    DeviceState.RINGING_IN_USE: AgentState.TALKING,
    DeviceState.ON_HOLD: AgentState.HELD,
    DeviceState.RINGING: AgentState.RINGING,
}
ON_DESK = {
    DeskState.TALKING: AgentState.TALKING,
    DeskState.HELD: AgentState.HELD,
    DeskState.DIALLING: AgentState.DIALLING,
    DeskState.RINGING: AgentState.RINGING,
}


def standing(shift: Shift) -> Standing:
    """Return what is to be told of him now."""
    signed_in = bool(shift.members)
    for state in LOUDEST_FIRST:
        call = next((call for call, part in shift.calls.items() if part is state), None)
        if call is not None:
            return Standing(state, None, call, signed_in)
    state, reason, call = _off_the_phone(shift)
    return Standing(state, reason, call, signed_in)


def _off_the_phone(shift: Shift) -> tuple[AgentState, str | None, UUID | None]:
    if shift.listens:
        return AgentState.PAUSED, LISTENING, None
    busy = [BUSY_PHONE.get(d.state) for d in shift.devices.values() if not d.explained]
    for state in LOUDEST_FIRST:
        if state in busy:
            return state, None, None  # in a call that we were not told of
    wrap_up, pause = shift.hold(Kind.WRAP_UP), shift.hold(Kind.PAUSE)
    if wrap_up is not None:
        return AgentState.WRAP_UP, None, wrap_up.call
    if pause is not None and in_force(shift):
        return AgentState.PAUSED, pause.reason, None
    if _unreachable(shift):
        return AgentState.OFFLINE, None, None
    if shift.members and in_force(shift):
        return _paused_there(shift)
    return AgentState.AVAILABLE, None, None


def in_force(shift: Shift) -> bool:
    """Whether no queue can ring him."""
    return all(member.paused for member in shift.members.values())


def _paused_there(shift: Shift) -> tuple[AgentState, str | None, UUID | None]:
    """The switchboard holds him in every queue: somebody else's pause, or ours that is being lifted."""
    for place, member in shift.members.items():
        if not shift.is_ours(place):
            return AgentState.PAUSED, member.reason, None
    newest = max((shift.marks[place] for place in shift.members), key=lambda mark: mark.at)
    if newest.reasons[-1] == WRAP_UP:
        return AgentState.WRAP_UP, None, None
    return AgentState.PAUSED, newest.reasons[-1], None


def _unreachable(shift: Shift) -> bool:
    return all(phone in shift.devices and shift.devices[phone].state in UNREACHABLE for phone in shift.phones)


def parts(call: Call, directory: Directory, errand: Errand | None) -> dict[int, AgentState]:
    """Return what a live call is to each operator in it, calls among ourselves included."""
    if call.state is CallState.ENDED or call.merged_into is not None:
        return {}
    if call.direction is not Direction.INTERNAL:
        found = places(call, directory, errand)
        return {user_id: ON_DESK[state] for user_id, state in found.items() if state in ON_DESK}
    people: dict[int, AgentState] = {}
    for channel in call.live_channels:
        operator = directory.operator_at(call.pbx, channel.extension)
        if operator is not None:
            part = _among_ourselves(channel)
            if part is not None:
                people[operator.id] = min(part, people.get(operator.id, part), key=LOUDEST_FIRST.index)
    return people


def _among_ourselves(channel: Channel) -> AgentState | None:
    if channel.rings:
        return AgentState.RINGING
    if channel.state is ChannelState.UP or channel.bridge is not None:
        return AgentState.TALKING
    return AgentState.DIALLING if channel.dialled_at is None else None  # None: dialled, does not ring yet


def parts_of(calls: Mapping[UUID, AgentState], call: UUID, part: AgentState | None) -> dict[UUID, AgentState]:
    """Return the calls with this one changed or taken out."""
    kept = {known: state for known, state in calls.items() if known != call}
    return kept if part is None else {**kept, call: part}
