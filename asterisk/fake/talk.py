"""Two people in a bridge: the talk, hold, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from asterisk.fake.channels import Channel, header
from asterisk.fake.signals import Kind, OwnerGone, Redirected

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run

USUAL_TALK_S = 20.0  # when neither script nor recording say how long people talk


class Plan(NamedTuple):
    """How long the talk lasts and which side ends it, if nobody acts before."""

    talk_s: float | None
    ends: Channel


def nothing() -> None:
    """The default of the hooks below."""


async def talk(
    run: Run,
    leg: Channel,
    plan: Plan,
    *,
    before_entering: Callable[[], None] = nothing,
    between_entering: Callable[[], None] = nothing,
    ended: Callable[[str], None] = lambda by: None,
) -> None:
    """Bridge the owner with `leg` until one hangs up. `ended` hears who: caller, agent or transfer.

    Returns when the leg has hung up; `OwnerGone` and `Redirected` pass through, with the bridge taken down.
    """
    pbx, owner = run.pbx, run.owner
    run.answered = True
    bridge = pbx.open_bridge()
    before_entering()
    pbx.enter(bridge, leg)
    between_entering()
    pbx.enter(bridge, owner)
    if (length := _length(owner, leg, plan)) < math.inf:
        plan.ends.run.tell_later(length, Kind.HUNG_UP, plan.ends, 16)
    try:
        cause = await _until_leg_ends(run, leg)
    except OwnerGone:
        ended("caller")
        _music_stops(run, leg)
        run.cause = run.cause or 16
        pbx.leave(owner)
        pbx.leave(leg)
        pbx.hang_up(leg, 16)
        raise
    except Redirected as elsewhere:
        if elsewhere.transferer is not None:
            _say_transfer(run, leg, elsewhere)
        owner.context, owner.exten, owner.priority = *elsewhere.place, 1
        ended("transfer")
        _music_stops(run, leg)
        pbx.leave(owner)
        pbx.leave(leg)
        pbx.hang_up(leg, 16)
        raise
    ended("agent")
    _music_stops(run, leg)
    pbx.leave(leg)
    pbx.leave(owner)
    pbx.hang_up(leg, cause)
    run.cause = 16


def _length(owner: Channel, leg: Channel, plan: Plan) -> float:
    if plan.talk_s is not None:
        return plan.talk_s
    recorder = owner.recorder or leg.recorder
    return recorder.dialogue_s + 1 if recorder is not None and recorder.dialogue_s else USUAL_TALK_S


async def _until_leg_ends(run: Run, leg: Channel) -> int:
    while True:
        signal = await run.next(None)
        if signal is None:
            continue
        match signal.kind:
            case Kind.HELD | Kind.RESUMED:
                _hold(run, signal.channel, signal.kind is Kind.HELD)
            case Kind.HUNG_UP if signal.channel is leg:
                run.pbx.request_hangup(leg, run.request_cause)
                return 16
            case Kind.DROPPED if signal.channel is leg:
                run.pbx.soft_hangup(leg, signal.cause)
                return signal.cause


def _hold(run: Run, channel: Channel, held: bool) -> None:
    if channel.bridge is None or channel.on_hold == held:
        return
    other = channel.bridge.other(channel)
    channel.on_hold = held
    run.pbx.say(
        "Hold" if held else "Unhold", channel.headers(), header("MusicClass", "default") if held else ""
    )
    if other is not None:
        run.pbx.refresh_device(other.device)
        run.pbx.say(
            "MusicOnHoldStart" if held else "MusicOnHoldStop",
            other.headers(),
            header("Class", "default") if held else "",
        )


def _music_stops(run: Run, leg: Channel) -> None:
    for channel, other in ((leg, run.owner), (run.owner, leg)):
        if channel.on_hold:
            channel.on_hold = False
            run.pbx.say("MusicOnHoldStop", other.headers())


def _say_transfer(run: Run, leg: Channel, elsewhere: Redirected) -> None:
    bridge = run.owner.bridge
    context, exten = elsewhere.place
    run.pbx.say(
        "BlindTransfer",
        header("Result", "Success"),
        leg.headers("Transferer"),
        run.owner.headers("Transferee"),
        bridge.headers() if bridge else "",
        header("IsExternal", "Yes"),
        header("Context", context),
        header("Extension", exten),
    )
