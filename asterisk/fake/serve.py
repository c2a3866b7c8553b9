"""A queue member has picked up: the caller leaves the queue, the two talk, the queue counts the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk.fake import recording
from asterisk.fake.channels import UP, Channel, header
from asterisk.fake.members import Queue, QueueMember
from asterisk.fake.talk import Plan, talk

if TYPE_CHECKING:
    from asterisk.fake.hunt import Hunt
    from asterisk.fake.pbx import Pbx


async def serve(hunt: Hunt, leg: Channel, member: QueueMember) -> None:
    """Connect the caller of `hunt` with the member on `leg`, and stay until the talk is over."""
    hold_s = _connect(hunt, leg, member)
    pbx, connected_at, script = hunt.pbx, hunt.pbx.clock.time(), hunt.run.caller

    def before_entering() -> None:
        if hunt.member_records:
            pbx.step(leg, "AppQueue", "(Outgoing Line)")

    def ended(by: str) -> None:
        _complete(hunt, leg, member, hold_s, int(pbx.clock.time() - connected_at), by)

    await talk(
        hunt.run,
        leg,
        Plan(script.talk_s, hunt.owner if script.hangs_up else leg),
        before_entering=before_entering,
        between_entering=lambda: hunt.drop_legs(26, keep=leg),
        ended=ended,
    )


def _connect(hunt: Hunt, leg: Channel, member: QueueMember) -> int:
    """Say everything up to AgentConnect; return how long the caller has waited."""
    pbx, owner = hunt.pbx, hunt.owner
    hunt.music_stops()
    hold_s, ring_s = hunt.waited(), int(pbx.clock.time() - hunt.rang_at)
    for channel in (owner, leg):
        pbx.noise(channel, MEMBERINTERFACE=member.interface, MEMBERNAME=member.name, QEHOLDTIME=hold_s)
        queue_variables(pbx, hunt.queue, channel)
    hunt.queue.average_in(hold_s)
    hunt.leave()
    if hunt.member_records:
        recording.start_on_member(hunt.run, leg)
    member.in_call = True
    times = header("HoldTime", hold_s) + header("RingTime", ring_s)
    pbx.say("AgentConnect", owner.headers(), leg.headers("Dest"), hunt.who(member), times)
    if owner.state != UP:
        pbx.new_state(owner, UP)
    hunt.run.request_cause = None
    return hold_s


def _complete(hunt: Hunt, leg: Channel, member: QueueMember, hold_s: int, talk_s: int, by: str) -> None:
    pbx, now = hunt.pbx, hunt.pbx.clock.time()
    hunt.queue.count(talk_s)
    member.in_call = False
    for queue in pbx.queues.values():  # shared_lastcall=yes: all queues of the phone know
        if (same := queue.find(member.interface)) is not None:
            same.calls_taken += 1
            same.last_call_at = now
            same.free_at = now + queue.config.wrapup_s
    times = f"HoldTime: {hold_s}\r\nTalkTime: {talk_s}\r\nReason: {by}\r\n"
    pbx.say("AgentComplete", hunt.owner.headers(), leg.headers("Dest"), hunt.who(member), times)
    queue_variables(pbx, hunt.queue, hunt.owner)


def queue_variables(pbx: Pbx, queue: Queue, channel: Channel) -> None:
    """Set what `setqueuevar` sets."""
    pbx.noise(
        channel,
        QUEUENAME=queue.name,
        QUEUEMAX=0,
        QUEUESTRATEGY=queue.config.strategy,
        QUEUECALLS=len(queue.waiting),
        QUEUEHOLDTIME=queue.hold_s,
        QUEUETALKTIME=queue.talk_s,
        QUEUECOMPLETED=queue.completed,
        QUEUEABANDONED=queue.abandoned,
        QUEUESRVLEVEL=0,
        QUEUESRVLEVELPERF="0.0",
    )
