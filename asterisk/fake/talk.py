"""Two people in a bridge: the talk, hold, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from asterisk.fake.channels import Channel, header
from asterisk.fake.consulting import consult, optimise, say_hold
from asterisk.fake.parking import park
from asterisk.fake.signals import Kind, OwnerGone, Redirected
from asterisk.fake.spying import take

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run
    from asterisk.fake.pbx import Pbx

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
    run.leg = leg
    told: list[str] = []

    def over(by: str) -> None:
        if not told:  # the queue's talk is over with the first operator's part
            told.append(by)
            ended(by)

    try:
        cause = await _until_leg_ends(run, over)
    except OwnerGone:
        over("caller")
        run.cause = run.cause or 16
        _part(run, run.leg)
        raise
    except Redirected as elsewhere:
        stays, goes = _sides(run, elsewhere)
        if elsewhere.transferer is not None:
            _say_transfer(pbx, goes, stays, elsewhere)
        stays.context, stays.exten, stays.priority = *elsewhere.place, 1
        over("transfer")
        run.owner, stays.run = stays, run
        _part(run, goes)
        raise
    over("agent")
    _part(run, run.leg, cause, goes_first=True)
    run.cause = 16


def _sides(run: Run, elsewhere: Redirected) -> tuple[Channel, Channel]:
    """Return who goes on in the dialplan, and who is dropped."""
    assert run.leg is not None
    if elsewhere.transferer is run.owner:
        return run.leg, run.owner
    return run.owner, run.leg


def _part(run: Run, goes: Channel, cause: int = 16, *, goes_first: bool = False) -> None:
    """End the bridge; one of the two is hung up, the other belongs to the run."""
    _music_stops(run, goes)
    for channel in (goes, run.owner) if goes_first else (run.owner, goes):
        if channel.bridge is not None:
            run.pbx.leave(channel)
    run.pbx.hang_up(goes, cause)


def _length(owner: Channel, leg: Channel, plan: Plan) -> float:
    if plan.talk_s is not None:
        return plan.talk_s
    recorder = owner.recorder or leg.recorder
    return recorder.dialogue_s + 1 if recorder is not None and recorder.dialogue_s else USUAL_TALK_S


async def _until_leg_ends(run: Run, over: Callable[[str], None]) -> int:
    while True:
        signal = await run.next(None)
        if signal is None:
            continue
        leg = run.leg
        match signal.kind:
            case Kind.HELD | Kind.RESUMED:
                _hold(run, signal.channel, signal.kind is Kind.HELD)
            case Kind.HUNG_UP if signal.channel is leg:
                run.pbx.request_hangup(leg, run.request_cause)
                return 16
            case Kind.DROPPED if signal.channel is leg:
                run.pbx.soft_hangup(leg, signal.cause)
                return signal.cause
            case Kind.REDIRECTED if signal.channel is leg:
                raise Redirected(signal.place, signal.transferer)
            case Kind.CONSULTS if signal.channel.bridge is not None:
                await consult(run, signal.channel, signal.place, over)
            case Kind.ANSWERED if leg is signal.channel and leg.name.startswith("Local/"):
                await optimise(run, leg)
            case Kind.PARKED if signal.channel.bridge is not None:
                await park(run, signal, over)
            case Kind.TAKEN:
                take(run, signal, over)


def _hold(run: Run, channel: Channel, held: bool) -> None:
    if channel.bridge is None or channel.on_hold == held:
        return
    other = channel.bridge.other(channel)
    channel.on_hold = held
    say_hold(run.pbx, channel, other, held)


def _music_stops(run: Run, leg: Channel) -> None:
    for channel, other in ((leg, run.owner), (run.owner, leg)):
        if channel.on_hold:
            channel.on_hold = False
            run.pbx.say("MusicOnHoldStop", other.headers())


def _say_transfer(pbx: Pbx, goes: Channel, stays: Channel, elsewhere: Redirected) -> None:
    bridge = stays.bridge
    context, exten = elsewhere.place
    pbx.say(
        "BlindTransfer",
        header("Result", "Success"),
        goes.headers("Transferer"),
        stays.headers("Transferee"),
        bridge.headers() if bridge else "",
        header("IsExternal", "Yes"),
        header("Context", context),
        header("Extension", exten),
    )
