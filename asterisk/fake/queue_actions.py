"""AMI actions about members of queues: add, remove, pause, penalty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk.fake.channels import one_line
from asterisk.fake.members import Queue, QueueMember
from asterisk.fake.wire import Action, Refused, Session

if TYPE_CHECKING:
    from asterisk.fake.pbx import Pbx


def truth(text: str) -> bool:
    """Read a yes or no as ast_true does."""
    return text.lower() in ("yes", "true", "y", "t", "1", "on")


def queue_of(pbx: Pbx, action: Action, refusal: str) -> Queue:
    """Return the queue an action names. Raises `Refused`."""
    if not action.get("queue"):
        raise Refused("'Queue' not specified.")
    queue = pbx.queues.get(action["queue"])
    if queue is None:
        raise Refused(refusal)
    return queue


def penalty_of(action: Action) -> int:
    """Return the penalty an action asks for, 0 when it asks for none. Raises `Refused`."""
    text = action.get("penalty") or "0"
    if not text.isdecimal():
        raise Refused("Penalty value must be a number")
    return int(text)


def queue_add(pbx: Pbx, session: Session, action: Action) -> None:
    """Add a dynamic member."""
    queue = queue_of(pbx, action, "Unable to add interface to queue: No such queue")
    interface = action.get("interface", "")
    if not interface:
        raise Refused("'Interface' not specified.")
    if queue.find(interface) is not None:
        raise Refused("Unable to add interface: Already there")
    now, paused = pbx.clock.time(), truth(action.get("paused", ""))
    member = QueueMember(
        interface=interface,
        name=one_line(action.get("membername", "")) or interface,
        login_at=now,
        dynamic=True,
        penalty=penalty_of(action),
        paused=paused,
        paused_at=now if paused else 0,
    )
    queue.members.append(member)
    session.respond(action, "Success", "Added interface to queue")
    pbx.set_device(f"Queue:{queue.name}_pause_{interface}", "INUSE" if paused else "NOT_INUSE")
    pbx.say("QueueMemberAdded", pbx.member_headers(queue, member))
    pbx.refresh_available(queue)


def queue_remove(pbx: Pbx, session: Session, action: Action) -> None:
    """Remove a dynamic member."""
    queue = queue_of(pbx, action, "Unable to remove interface from queue: No such queue")
    member = queue.find(action.get("interface", ""))
    if member is None:
        raise Refused("Unable to remove interface: Not there")
    if not member.dynamic:
        raise Refused("Unable to remove interface: Member not dynamic")
    queue.members.remove(member)
    queue.next_member = 0
    session.respond(action, "Success", "Removed interface from queue")
    pbx.say("QueueMemberRemoved", pbx.member_headers(queue, member))
    pbx.set_device(f"Queue:{queue.name}_pause_{member.interface}", "NOT_INUSE")
    pbx.refresh_available(queue)


def queue_pause(pbx: Pbx, session: Session, action: Action) -> None:
    """Pause or unpause a member in one queue or, without `Queue`, in all."""
    interface, paused = action.get("interface", ""), truth(action.get("paused", ""))
    if not interface or "paused" not in action:
        raise Refused("Need 'Interface' and 'Paused' parameters.")
    queues = (
        [pbx.queues[action["queue"]]]
        if action.get("queue") in pbx.queues
        else ([] if action.get("queue") else list(pbx.queues.values()))
    )
    found = [(queue, member) for queue in queues if (member := queue.find(interface)) is not None]
    if not found:
        raise Refused("Interface not found")
    session.respond(action, "Success", f"Interface {'paused' if paused else 'unpaused'} successfully")
    for queue, member in found:
        pause(pbx, queue, member, paused, one_line(action.get("reason", "")))


def pause(pbx: Pbx, queue: Queue, member: QueueMember, paused: bool, reason: str) -> None:
    """Change one membership and say so."""
    member.paused, member.pause_reason = paused, reason
    if paused:
        member.paused_at = pbx.clock.time()
    pbx.set_device(f"Queue:{queue.name}_pause_{member.interface}", "INUSE" if paused else "NOT_INUSE")
    pbx.say("QueueMemberPause", pbx.member_headers(queue, member))
    pbx.refresh_available(queue)


def queue_penalty(pbx: Pbx, session: Session, action: Action) -> None:
    """Set a member's penalty. It is shown but does not change the order of ringing."""
    queue = queue_of(pbx, action, "Invalid queuename")
    member = queue.find(action.get("interface", ""))
    if member is None:
        raise Refused("Invalid interface")
    member.penalty = penalty_of(action)
    session.respond(action, "Success", "Interface penalty set successfully")
