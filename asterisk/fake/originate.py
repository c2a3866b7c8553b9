"""The action Originate: ring a phone of the house first, then run the dialplan for it (click-to-call)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from asterisk.fake import local
from asterisk.fake.channels import DOWN, RINGING, SIP_CODES, UP, Channel, header, one_line
from asterisk.fake.dialplan import Run
from asterisk.fake.signals import Kind, OwnerGone, Redirected
from asterisk.fake.wire import Action, Refused, Session

if TYPE_CHECKING:
    from asterisk.fake.pbx import Pbx

ANSWERED, RANG_OUT, FAILED = 4, 3, 0  # `Reason` of OriginateResponse
LONGEST_ID = 149  # AST_MAX_PUBLIC_UNIQUEID


class Order(NamedTuple):
    """An Originate that has been read and checked."""

    channel: str
    extension: str  # of the phone, also behind a Local channel
    local: str  # "1001@context" of a Local channel, else empty
    context: str
    exten: str
    number: str  # of CallerID
    name: str
    timeout_s: float
    channel_id: str
    other_channel_id: str
    variables: list[tuple[str, str]]
    action_id: str


def originate(pbx: Pbx, session: Session, action: Action) -> None:
    """Queue a call: `Async: true` to a PJSIP phone or a Local channel, with Context, Exten and Priority."""
    order = read(action)
    if "async" not in action or action["async"].lower() not in ("true", "yes", "1"):
        raise Refused("Originate failed: the simulated switchboard originates with Async: true only")
    session.respond(action, "Success", "Originate successfully queued")
    run = session.board.new_run(pbx)
    pbx.spawn(_call(pbx, local.far_run(run) if order.local else run, order))


def read(action: Action) -> Order:
    """Check an Originate. Raises `Refused` with Asterisk's words."""
    channel = action.get("channel", "")
    if not channel:
        raise Refused("Channel not specified")
    tech, slash, data = channel.partition("/")
    if not slash:
        raise Refused("Invalid channel")
    if tech not in ("PJSIP", "Local"):
        raise Refused("Originate failed: the simulated switchboard has PJSIP phones only")
    extension = data.partition("@")[0] if tech == "Local" else data
    if not (action.get("exten") and action.get("context") and action.get("priority")):
        raise Refused("Originate with 'Exten' requires 'Context' and 'Priority'")
    if len(action.get("channelid", "")) > LONGEST_ID:
        raise Refused(f"Uniqueid length exceeds maximum of {LONGEST_ID}")
    timeout = action.get("timeout", "30000")
    if not timeout.isdecimal():
        raise Refused("Invalid timeout")
    name, number = caller_id(action.get("callerid", ""))
    return Order(
        channel,
        extension,
        data.partition("/")[0] if tech == "Local" else "",
        action["context"],
        action["exten"],
        number,
        name,
        int(timeout) / 1000,
        one_line(action.get("channelid", "")),
        one_line(action.get("otherchannelid", "")),
        list(variables(action.get("variable", ""))),
        action.get("actionid", ""),
    )


def caller_id(text: str) -> tuple[str, str]:
    """Split `"Name" <number>` into name and number; a bare number has no name."""
    match = re.fullmatch(r'\s*"?(.*?)"?\s*<(.*)>\s*', text)
    return (match[1], match[2]) if match else ("", text.strip())


def variables(text: str) -> list[tuple[str, str]]:
    """Read repeated Variable headers; one header may hold several, separated by commas."""
    pairs = (pair.partition("=") for line in text.split("\n") for pair in line.split(",") if "=" in pair)
    return [(name.strip(), value) for name, _, value in pairs]


async def _call(pbx: Pbx, run: Run, order: Order) -> None:
    phone = pbx.phones.get(order.extension)
    if phone is None or not phone.registered or order.channel_id in pbx.channels:
        return _response(pbx, order, None, FAILED)
    leg = local.make_pair(pbx, run, order) if order.local else _make_leg(pbx, run, order)
    pbx.say("DialBegin", leg.headers("Dest"), header("DialString", order.channel.partition("/")[2]))
    if isinstance(run, local.FarRun):
        pbx.spawn(run.near.play(leg.context, leg.exten))
    else:
        phone.ring(leg)
    reason = await _ring(run, leg, order)
    if reason != ANSWERED:
        return None
    pbx.say("DialEnd", leg.headers("Dest"), header("DialStatus", "ANSWER"))
    _response(pbx, order, leg, ANSWERED)
    leg.context, leg.exten, leg.priority = order.context, order.exten, 1
    await run.play(order.context, order.exten)
    return None


def _make_leg(pbx: Pbx, run: Run, order: Order) -> Channel:
    leg = pbx.new_channel(
        run,
        order.extension,
        "from-internal",
        "s",
        DOWN,
        uniqueid=order.channel_id or None,
        number=order.extension,
        name=pbx.phones[order.extension].name,
    )
    run.owner = leg
    prepare(pbx, leg, order)
    return leg


def prepare(pbx: Pbx, leg: Channel, order: Order) -> None:
    """Give the originated channel its variables and the caller id that was asked for."""
    pbx.step(leg, "AppDial2", "(Outgoing Line)")
    for name, value in reversed(order.variables):  # Asterisk sets them last to first
        pbx.set_variable(leg, name, value)
    if order.number:
        pbx.caller_id(leg, order.number, order.name)
        pbx.connected_line(leg, one_line(order.number), one_line(order.name))


async def _ring(run: Run, leg: Channel, order: Order) -> int:
    """Wait for the operator; return the Reason, with everything but a success already said."""
    pbx, until = run.pbx, run.pbx.clock.time() + order.timeout_s
    try:
        while (signal := await run.next(until - pbx.clock.time())) is not None:
            match signal.kind:
                case Kind.RINGING:
                    _rings(pbx, leg, order)
                case Kind.ANSWERED:
                    pbx.new_state(leg, UP)
                    return ANSWERED
                case Kind.REJECTED:
                    pbx.request_hangup(leg, signal.cause, SIP_CODES.get(signal.cause, 0))
                    pbx.say("DialEnd", leg.headers("Dest"), header("DialStatus", _status(signal.cause)))
                    return _failed(pbx, order, leg, FAILED, signal.cause)
    except Redirected:  # a phone that still rings can not go anywhere
        return _failed(pbx, order, leg, FAILED, 16)
    except OwnerGone:
        return _failed(pbx, order, leg, FAILED, run.cause)
    leg.sip_code = 0 if order.local else 480
    return _failed(pbx, order, leg, RANG_OUT, 19)


def _rings(pbx: Pbx, leg: Channel, order: Order) -> None:
    if order.local:  # now `;1` shows whose phone it is
        leg.caller_number, leg.caller_name = order.extension, pbx.phones[order.extension].name
    pbx.say("DialState", leg.headers("Dest"), header("DialStatus", "RINGING"))
    pbx.new_state(leg, RINGING)
    if order.local:
        pbx.caller_id(leg, leg.caller_number, leg.caller_name)


def _status(cause: int) -> str:
    return "BUSY" if cause == 17 else "NOANSWER"


def _failed(pbx: Pbx, order: Order, leg: Channel, reason: int, cause: int) -> int:
    _response(pbx, order, None, reason)
    if isinstance(leg.run, local.FarRun):
        leg.run.near.tell(Kind.HUNG_UP, leg.run.near.owner, cause)
    pbx.hang_up(leg, cause)
    return reason


def _response(pbx: Pbx, order: Order, leg: Channel | None, reason: int) -> None:
    ident = header("ActionID", order.action_id) if order.action_id else ""
    pbx.say(
        "OriginateResponse",
        ident,
        header("Response", "Success" if reason == ANSWERED else "Failure"),
        header("Channel", leg.name if leg else order.channel),
        header("Context", order.context),
        header("Exten", order.exten),
        header("Reason", reason),
        header("Uniqueid", leg.uniqueid if leg else "<unknown>"),
        header("CallerIDNum", order.number or "<unknown>"),
        header("CallerIDName", order.name or "<unknown>"),
    )
