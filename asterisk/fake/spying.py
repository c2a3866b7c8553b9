"""Somebody listens (`callcenter-listen` of our dialplan): ChanSpy on one channel, its modes, and taking the call over.

Events and their order are those of Asterisk 22. Who takes over leaves ChanSpy without a ChanSpyStop, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from asterisk.fake.channels import Channel
from asterisk.fake.signals import Kind, Replaced, Signal

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run

CONTEXT = "callcenter-listen"
OPTIONS = {"4": "quESX", "5": "quESXw", "6": "quESXB"}
LOOKS_EVERY_S = 0.2  # whether the channel is still there


async def spy(run: Run, mode: str) -> None:
    """Let the owner hear a channel until that is gone, or he leaves, or goes on in another mode."""
    pbx, owner = run.pbx, run.owner
    wanted = owner.variables.get("CALLCENTER_LISTEN", "")
    pbx.step(owner, "Set", f"SPY_EXIT_CONTEXT={CONTEXT}", context=CONTEXT, exten=mode, priority=1)
    pbx.set_variable(owner, "SPY_EXIT_CONTEXT", CONTEXT)
    pbx.step(owner, "ChanSpy", f"{wanted},{OPTIONS[mode]}", priority=4)
    heard = pbx.channels.get(wanted)
    if heard is not None:
        said = owner.headers("Spyer") + heard.headers("Spyee")
        pbx.say("ChanSpyStart", said)
        try:
            while not heard.gone:
                await run.next(LOOKS_EVERY_S)
                if owner.run is not run:  # he took over while we looked: the signal of it only waits
                    raise Replaced
        except Replaced:
            raise
        except BaseException:
            pbx.say("ChanSpyStop", said)
            raise
        pbx.say("ChanSpyStop", said)
    run.cause = 16


def take(run: Run, signal: Signal, over: Callable[[str], None]) -> None:
    """The listener gets the place of whom the customer talked with (AMI action Bridge)."""
    pbx, customer, listener = run.pbx, signal.channel, signal.transferer
    operator = _partner(customer)
    if listener is None or operator is None:
        return
    together = pbx.open_bridge()
    pbx.leave(customer)
    pbx.enter(together, customer)
    pbx.leave(operator)
    over("transfer")
    before, listener.run, customer.run = listener.run, run, run
    listener.linkedid = customer.linkedid
    run.owner, run.leg = customer, listener
    before.tell(Kind.SWAPPED, listener)
    pbx.hang_up(operator, 16)
    pbx.enter(together, listener)


def _partner(customer: Channel) -> Channel | None:
    return customer.bridge.other(customer) if customer.bridge is not None else None
