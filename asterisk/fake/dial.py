"""The application Dial: ring one phone or one customer, connect, and say how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asterisk.fake import cdr
from asterisk.fake.channels import DOWN, RINGING, SIP_CODES, UP, Channel, header
from asterisk.fake.people import Customer
from asterisk.fake.phones import Phone
from asterisk.fake.signals import Kind, OwnerGone, Redirected
from asterisk.fake.talk import Plan, talk

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run


class Outcome(NamedTuple):
    """How a Dial ended: DIALSTATUS, and the cause the owner will be hung up with."""

    status: str
    cause: int


# Cause of the refused leg -> DialStatus of its DialEnd and DIALSTATUS of the dialplan (app_dial)
STATUS_OF = {17: ("BUSY", "BUSY"), 34: ("CONGESTION", "CONGESTION"), 20: ("CHANUNAVAIL", "CHANUNAVAIL")}


async def dial(
    run: Run, ring_s: float, *, phone: Phone | None = None, number: str = "", customer: Customer | None = None
) -> Outcome:
    """Ring a phone of the house, or a customer over the trunk, and stay until the talk is over."""
    pbx = run.pbx
    pbx.noise(run.owner, DIALSTATUS="", DIALEDPEERNUMBER="", ANSWEREDTIME="", DIALEDTIME="", RINGTIME="")
    if customer is None and (phone is None or not phone.registered):
        return Outcome("CHANUNAVAIL", 20)  # no channel is made for a phone that is not there
    if phone is not None:
        leg = _phone_leg(run, phone)
        _announce(run, leg, phone.extension)
        phone.ring(leg)
    else:
        leg = _trunk_leg(run, number)
        _announce(run, leg, f"{number}@{pbx.config.trunk}")
        run.timers.append(pbx.spawn(_customer_phone(run, leg, customer or Customer())))
    if (outcome := await _ring(run, leg, ring_s)) is not None:
        return outcome
    await _connect(run, leg, customer)
    return Outcome("ANSWER", 16)


def _announce(run: Run, leg: Channel, dial_string: str) -> None:
    run.pbx.say("DialBegin", run.owner.headers(), leg.headers("Dest"), header("DialString", dial_string))
    cdr.open_record(run, leg)
    if run.owner.connected_number != leg.caller_number:
        run.pbx.connected_line(run.owner, leg.caller_number, leg.caller_name)
    run.request_cause = 16


def _phone_leg(run: Run, phone: Phone) -> Channel:
    owner, pbx = run.owner, run.pbx
    leg = pbx.new_channel(
        run,
        phone.extension,
        "from-internal",
        "s",
        DOWN,
        parent=owner,
        number=phone.extension,
        name=phone.name,
    )
    pbx.noise(leg, DIALEDPEERNUMBER=phone.extension)
    leg.connected_number, leg.connected_name = owner.caller_number, owner.caller_name
    pbx.step(leg, "AppDial", "(Outgoing Line)", exten=owner.exten)
    pbx.connected_line(leg, owner.caller_number, owner.caller_name)
    return leg


def _trunk_leg(run: Run, number: str) -> Channel:
    owner, pbx = run.owner, run.pbx
    leg = pbx.new_channel(run, pbx.config.trunk, "from-trunk", "s", DOWN, parent=owner)
    pbx.noise(leg, DIALEDPEERNUMBER=f"{number}@{pbx.config.trunk}")
    leg.caller_number = number
    leg.caller_name = owner.connected_name if owner.connected_number == number else ""
    leg.connected_number, leg.connected_name = owner.caller_number, owner.caller_name
    pbx.step(leg, "AppDial", "(Outgoing Line)", exten=number)
    pbx.caller_id(leg, leg.caller_number, leg.caller_name)
    pbx.connected_line(leg, owner.caller_number, owner.caller_name)
    return leg


async def _customer_phone(run: Run, leg: Channel, customer: Customer) -> None:
    clock = run.pbx.clock
    if customer.rings:
        await clock.sleep(customer.ring_s)
        run.tell(Kind.RINGING, leg)
    if customer.answer_s is None:
        return
    await clock.sleep(customer.answer_s)
    if customer.cause:
        run.tell(Kind.REJECTED, leg, customer.cause)
    else:
        run.tell(Kind.ANSWERED, leg)


async def _ring(run: Run, leg: Channel, ring_s: float) -> Outcome | None:
    """Wait for the leg: None when it is answered, else how it ended."""
    until = run.pbx.clock.time() + ring_s
    try:
        while (signal := await run.next(until - run.pbx.clock.time())) is not None:
            match signal.kind:
                case Kind.RINGING:
                    _rings(run, leg)
                case Kind.ANSWERED:
                    _answered(run, leg)
                    return None
                case Kind.REJECTED | Kind.HUNG_UP | Kind.DROPPED:
                    return _refused(run, leg, signal.cause)
    except (OwnerGone, Redirected):
        leg.sip_code = 480 if run.cause == 19 else 500
        _not_connected(run, leg, "CANCEL", run.cause or 16)
        raise
    _not_connected(run, leg, "NOANSWER", 0)
    return Outcome("NOANSWER", 19)


def _not_connected(run: Run, leg: Channel, status: str, cause: int) -> None:
    _dial_end(run, leg, status)
    cdr.close_record(run, leg, "NO ANSWER" if status in ("CANCEL", "NOANSWER") else status)
    run.pbx.hang_up(leg, cause)


def _answered(run: Run, leg: Channel) -> None:
    run.pbx.new_state(leg, UP)
    leg.exten = ""
    _dial_end(run, leg, "ANSWER")
    cdr.answer_record(run, leg)


def _rings(run: Run, leg: Channel) -> None:
    run.pbx.new_state(leg, RINGING)
    run.progress(Kind.RINGING)
    run.pbx.refresh_device(run.owner.device)  # the trunk is in use once we pass the ringing on
    run.pbx.noise(run.owner, RINGTIME=0, RINGTIME_MS=2)
    run.pbx.say("DialState", run.owner.headers(), leg.headers("Dest"), header("DialStatus", "RINGING"))


def _refused(run: Run, leg: Channel, cause: int) -> Outcome:
    said, status = STATUS_OF.get(cause, ("NOANSWER", "CHANUNAVAIL"))
    run.owner.sip_code = SIP_CODES.get(cause, 0)
    run.pbx.request_hangup(leg, cause, SIP_CODES.get(cause, 0))
    _not_connected(run, leg, said, cause)
    return Outcome(status, cause)


def _dial_end(run: Run, leg: Channel, status: str) -> None:
    run.pbx.say("DialEnd", run.owner.headers(), leg.headers("Dest"), header("DialStatus", status))


async def _connect(run: Run, leg: Channel, customer: Customer | None) -> None:
    owner, pbx = run.owner, run.pbx
    if owner.state != UP:
        pbx.new_state(owner, UP)
    run.progress(Kind.ANSWERED)
    leg.priority = 1

    def before_entering() -> None:
        pbx.step(leg, "AppDial", "(Outgoing Line)", exten="")

    if customer is not None:
        plan = Plan(customer.talk_s, leg if customer.hangs_up else run.operator_leg())
    else:
        plan = Plan(run.caller.talk_s, owner if run.caller.hangs_up else leg)
    await talk(run, leg, plan, before_entering=before_entering)


async def dial_result(run: Run, outcome: Outcome) -> None:
    """What the lab's dialplan does when Dial came back: play a tone until somebody hangs up."""
    owner, pbx = run.owner, run.pbx
    run.cause = outcome.cause
    if outcome.status == "ANSWER":
        return
    run.request_cause = outcome.cause
    pbx.set_variable(owner, "DIALSTATUS", outcome.status)
    pbx.step(owner, "Goto", f"dial-result,{outcome.status},1", priority=owner.priority + 1)
    tone = "busy" if outcome.status == "BUSY" else "congestion"
    pbx.step(owner, "PlayTones", tone, context="dial-result", exten=outcome.status, priority=1)
    pbx.step(owner, "Wait", f"{pbx.config.tone_s:.0f}", priority=2)
    if owner.state == UP:
        cdr.open_record(run, None).disposition = "ANSWERED"
    listener = run.operator_leg()
    phone = pbx.phones.get(listener.peer)
    if phone is None:
        run.tell_later(run.caller.tone_s, Kind.HUNG_UP, owner)
    elif not phone.manual:
        listener.run.tell_later(phone.gives_up_s, Kind.HUNG_UP, listener, 16)
    until = pbx.clock.time() + pbx.config.tone_s
    while await run.next(until - pbx.clock.time()) is not None:
        pass
    pbx.step(owner, "Hangup", str(outcome.cause), priority=3)
