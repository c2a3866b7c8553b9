"""Parking: a caller waits in a slot until somebody dials it, he gives up, or his time is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from asterisk.fake.channels import UP, Channel, header
from asterisk.fake.signals import Kind, OwnerGone, Redirected, Replaced, Signal

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run

SLOTS = tuple(str(slot) for slot in range(701, 721))
TOLD_S = 2.6  # the parker hears the slot so long, then he is dropped


async def park(run: Run, signal: Signal, over: Callable[[str], None]) -> None:
    """Move one of the two into a slot and wait. Returns when somebody has fetched him: they talk.

    Raises `OwnerGone` when he gives up, `Redirected` when nobody came in time.
    """
    pbx, parkee, parker = run.pbx, signal.channel, signal.transferer
    slot = next(one for one in SLOTS if one not in pbx.slots)
    pbx.slots[slot] = parkee
    pbx.leave(parkee)
    until = pbx.clock.time() + signal.cause
    back = parker.device if parker is not None else parkee.device

    def said() -> str:
        left = max(0, round(until - pbx.clock.time()))
        return (
            parkee.headers("Parkee")
            + header("ParkerDialString", back)
            + header("Parkinglot", "default")
            + header("ParkingSpace", slot)
            + header("ParkingTimeout", left)
            + header("ParkingDuration", round(signal.cause - left))
        )

    pbx.say("ParkedCall", said())
    room = pbx.open_bridge("holding_bridge")
    pbx.enter(room, parkee)
    pbx.say("MusicOnHoldStart", parkee.headers(), header("Class", "default"))
    run.owner, parkee.run = parkee, run
    over("transfer")
    if parker is not None:
        run.timers.append(pbx.spawn(pbx.later(TOLD_S, lambda: _dropped(run, parker))))
    try:
        fetcher = await _fetched(run, parker, until)
    except OwnerGone:
        pbx.say("ParkedCallGiveUp", said())
        run.leg = parker
        raise
    finally:
        del pbx.slots[slot]
    if fetcher is None:
        pbx.say("ParkedCallTimeOut", said())
        pbx.say("MusicOnHoldStop", parkee.headers())
        if parker is not None:
            _dropped(run, parker)
        run.leg = _nobody(run, parkee)
        raise Redirected(("park-dial", back.replace("/", "_")))
    pbx.say("UnParkedCall", said(), fetcher.headers("Retriever"))
    together = pbx.open_bridge()
    pbx.say("MusicOnHoldStop", parkee.headers())
    pbx.leave(parkee)
    pbx.enter(together, parkee)
    fetcher.run, fetcher.linkedid, run.leg = run, parkee.linkedid, fetcher
    pbx.enter(together, fetcher)


def _nobody(run: Run, parkee: Channel) -> Channel:
    return run.leg if run.leg is not None and run.leg is not parkee else parkee


def _dropped(run: Run, parker: Channel) -> None:
    if not parker.gone:
        run.pbx.hang_up(parker, 16)


async def _fetched(run: Run, parker: Channel | None, until: float) -> Channel | None:
    while (left := until - run.pbx.clock.time()) > 0:
        signal = await run.next(left)
        if signal is None:
            return None
        if signal.kind is Kind.FETCHED:
            return signal.transferer
        if signal.channel is parker and signal.kind in (Kind.HUNG_UP, Kind.DROPPED):
            _dropped(run, parker)
    return None


def fetch(run: Run, slot: str) -> None:
    """The owner has dialled a slot: from now on he belongs to the parked one's call. Raises `Replaced`."""
    parkee, owner = run.pbx.slots[slot], run.owner
    run.pbx.step(owner, "ParkedCall", f"default,{slot}", context="from-internal", exten=slot, priority=1)
    if owner.state != UP:
        run.pbx.new_state(owner, UP)
    parkee.run.tell(Kind.FETCHED, parkee, transferer=owner)
    owner.run = parkee.run
    raise Replaced
