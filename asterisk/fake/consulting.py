"""An attended transfer by the switchboard (AMI Atxfer): one asks somebody while the other hears music.

A Local channel stands between: its half `;1` is with the one who asks, its half `;2` runs the dialplan. Joined, the
pair is optimised away. Not simulated: changing over and three-way by keys.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from asterisk.fake.channels import DOWN, RING, UP, Channel, header
from asterisk.fake.people import Caller
from asterisk.fake.signals import Kind, OwnerGone

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run
    from asterisk.fake.local import NearRun
    from asterisk.fake.pbx import Pbx

NO_ANSWER_S = 15.0  # features.conf: atxfernoanswertimeout
SETTLES_S = 0.5  # the pair is optimised away so long after it was joined


def say_hold(pbx: Pbx, channel: Channel, other: Channel | None, held: bool) -> None:
    """Say that `channel` puts the other side on hold, or takes it back."""
    pbx.say("Hold" if held else "Unhold", channel.headers(), header("MusicClass", "default") if held else "")
    if other is not None:
        pbx.refresh_device(other.device)
        music = header("Class", "default") if held else ""
        pbx.say("MusicOnHoldStart" if held else "MusicOnHoldStop", other.headers(), music)


async def consult(run: Run, asker: Channel, place: tuple[str, str], over: Callable[[str], None]) -> None:
    """Let `asker` speak with somebody; returns when he is back, or when the other two are joined.

    Raises `OwnerGone` when the one who waits began the call and hangs up.
    """
    pbx, first = run.pbx, asker.bridge
    assert first is not None
    waits = first.other(asker)
    assert waits is not None
    say_hold(pbx, asker, waits, True)
    near, one = _pair(run, asker, place)
    aside = pbx.open_bridge()
    _say_local(pbx, one, near.owner, place)
    pbx.enter(aside, one)
    pbx.leave(asker)
    pbx.enter(aside, asker)
    pbx.spawn(near.play(*place))
    try:
        joins = await _until_decided(run, asker, one)
    except OwnerGone:
        if run.owner is waits:
            pbx.say("MusicOnHoldStop", waits.headers())
            near.tell(Kind.HUNG_UP, near.owner, 16)
            pbx.leave(waits)
            pbx.leave(one)
            pbx.hang_up(one, 16)
            raise
        joins = True  # the one who asks began the call, and hung up: his part is over
    if joins:
        await _join(run, asker, waits, one, over)
        return
    pbx.leave(asker)
    pbx.enter(first, asker)
    pbx.say("MusicOnHoldStop", waits.headers())
    pbx.say("Unhold", asker.headers())
    pbx.leave(one)
    near.tell(Kind.HUNG_UP, near.owner, 16)
    pbx.hang_up(one, 16)


def _pair(run: Run, asker: Channel, place: tuple[str, str]) -> tuple[NearRun, Channel]:
    from asterisk.fake.local import NearRun  # local imports what imports this

    class Asked(NearRun):
        """The run of `;2`: like anybody who dials that extension."""

        async def _go(self, context: str, exten: str) -> None:
            from asterisk.fake.dialplan import Run

            await Run._go(self, context, exten)

    pbx, (context, exten) = run.pbx, place
    name = pbx.local_name(f"{exten}@{context}")
    near = Asked(pbx, replace(Caller(), talk_s=math.inf), run.customer_of)
    one = near.far = pbx.new_channel(run, "", context, exten, DOWN, parent=asker, channel_name=f"{name};1")
    two = near.owner = pbx.new_channel(near, "", context, exten, RING, parent=asker, channel_name=f"{name};2")
    two.variables["TRANSFERERNAME"] = asker.name
    two.caller_number, two.caller_name = asker.caller_number, asker.caller_name
    return near, one


def _say_local(pbx: Pbx, one: Channel, two: Channel, place: tuple[str, str]) -> None:
    pbx.say(
        "LocalBridge",
        one.headers("LocalOne"),
        two.headers("LocalTwo"),
        header("Context", place[0]),
        header("Exten", place[1]),
        header("LocalOptimization", "Yes"),
    )


async def _until_decided(run: Run, asker: Channel, one: Channel) -> bool:
    """Whether the asker joins the two (he hangs up) or goes back to the one who waits."""
    until: float = run.pbx.clock.time() + NO_ANSWER_S
    while True:
        signal = await run.next(until - run.pbx.clock.time() if until < math.inf else None)
        if signal is None:
            return False
        match signal.kind:
            case Kind.RINGING if signal.channel is one:
                run.pbx.say("DialState", one.headers("Dest"), header("DialStatus", "RINGING"))
            case Kind.ANSWERED if signal.channel is one:
                run.pbx.new_state(one, UP)
                run.pbx.say("DialEnd", one.headers("Dest"), header("DialStatus", "ANSWER"))
                until = math.inf
            case Kind.HUNG_UP if signal.channel is one:
                return False
            case Kind.CANCELS:
                return False
            case Kind.HUNG_UP | Kind.DROPPED if signal.channel is asker:
                if signal.kind is Kind.HUNG_UP:
                    run.pbx.request_hangup(asker, 16)
                return True
            case Kind.HUNG_UP | Kind.DROPPED if signal.channel is run.leg:
                run.pbx.request_hangup(signal.channel, 16)  # who waits was called by the asker, and is gone
                raise OwnerGone


async def _join(run: Run, asker: Channel, waits: Channel, one: Channel, over: Callable[[str], None]) -> None:
    """Connect who waited with whom was asked, and let the asker go."""
    pbx, together, aside = run.pbx, waits.bridge, one.bridge
    assert together is not None and aside is not None
    pbx.say("MusicOnHoldStop", waits.headers())
    pbx.leave(asker)
    merged = header("ToBridgeUniqueid", together.uniqueid) + header("FromBridgeUniqueid", aside.uniqueid)
    pbx.say("BridgeMerge", merged)
    pbx.leave(one)
    pbx.enter(together, one)
    pbx.say(
        "AttendedTransfer",
        header("Result", "Success"),
        asker.headers("OrigTransferer"),
        asker.headers("SecondTransferer"),
        waits.headers("Transferee"),
        one.headers("TransferTarget"),
        header("DestType", "Bridge"),
        header("DestBridgeUniqueid", together.uniqueid),
    )
    over("transfer")
    run.owner, waits.run, run.leg, run.cause = waits, run, one, 0
    pbx.hang_up(asker, 16)
    if one.state == UP and _asked(one) is not None:
        await pbx.clock.sleep(SETTLES_S)
        await optimise(run, one)


def _asked(one: Channel) -> Channel | None:
    """Who talks with the far half of the pair."""
    two = _twin(one)
    return two.bridge.other(two) if two is not None and two.bridge is not None else None


def _twin(one: Channel) -> Channel | None:
    wanted = one.name.removesuffix(";1") + ";2"
    return next((c for c in one.run.pbx.channels.values() if c.name == wanted), None)


async def optimise(run: Run, one: Channel) -> None:
    """Take the Local channel out of a talk: who stands behind it gets its place."""
    pbx, two = run.pbx, _twin(one)
    if one.state != UP:
        pbx.new_state(one, UP)
        pbx.say("DialEnd", one.headers("Dest"), header("DialStatus", "ANSWER"))
    for _ in range(50):
        if two is None or _asked(one) is not None:
            break
        await pbx.clock.sleep(0.02)  # he has just picked up and is on his way into the bridge
    asked, bridge = _asked(one), one.bridge
    if two is None or asked is None or bridge is None:
        return
    pbx.say("LocalOptimizationBegin", one.headers("LocalOne"), two.headers("LocalTwo"))
    near = two.run
    pbx.leave(asked)
    pbx.leave(one)
    pbx.enter(bridge, asked, swap=one)
    pbx.say("LocalOptimizationEnd", one.headers("LocalOne"), two.headers("LocalTwo"))
    asked.run, run.leg, near.leg = run, asked, None
    pbx.hang_up(one, 16)
    near.tell(Kind.SWAPPED, two)
