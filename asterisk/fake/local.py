"""Local channels: an Originate that reaches the operator's phone through the dialplan (`Local/1001@c2c-agent/n`).

The half `;1` is what was originated; the half `;2` runs the dialplan that dials the phone. Both stay in the call
as with `/n`; that a pair without `/n` optimises itself away is not simulated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from asterisk.fake.channels import DOWN, RING, Channel, header
from asterisk.fake.dial import dial
from asterisk.fake.dialplan import Run
from asterisk.fake.people import Caller
from asterisk.fake.signals import Kind

if TYPE_CHECKING:
    from asterisk.fake.originate import Order
    from asterisk.fake.pbx import Pbx


@dataclass(eq=False)
class NearRun(Run):
    """The run of `;2`: dials the operator's phone and tells `;1` how that goes."""

    far: Channel = field(init=False)

    async def _go(self, context: str, exten: str) -> None:
        self.pbx.step(self.owner, "Dial", f"PJSIP/{exten},20", priority=1)
        outcome = await dial(self, 20, phone=self.pbx.phones.get(exten))
        self.cause = outcome.cause
        if outcome.status != "ANSWER":
            self.pbx.step(self.owner, "Hangup", priority=2)

    def progress(self, kind: Kind) -> None:
        """Let `;1` ring and be answered when the phone does."""
        self.far.run.tell(kind, self.far)

    def finish(self) -> None:
        """Hang up `;2`, and with it `;1`."""
        self.far.run.tell(Kind.HUNG_UP, self.far, self.cause)
        super().finish()

    def _owner_hung_up(self, cause: int) -> None:
        self.cause = cause
        self.pbx.request_hangup(self.owner, cause)


@dataclass(eq=False)
class FarRun(Run):
    """The run of `;1`: once the operator has picked up, it dials the customer."""

    near: NearRun = field(init=False)

    def operator_leg(self) -> Channel:
        """The phone behind the pair, while it is there."""
        bridge = self.near.owner.bridge
        return (bridge.other(self.near.owner) if bridge else None) or self.owner

    def _owner_hung_up(self, cause: int) -> None:
        self.cause = self.cause or cause
        self.pbx.request_hangup(self.owner, self.cause)

    def finish(self) -> None:
        """Hang up `;1`, and with it `;2` and the phone."""
        super().finish()
        self.near.tell(Kind.HUNG_UP, self.near.owner, 16)


def far_run(run: Run) -> FarRun:
    """Return a run for a Local channel that behaves as `run` would."""
    return FarRun(run.pbx, run.caller, run.customer_of, run.dialogue)


def make_pair(pbx: Pbx, run: Run, order: Order) -> Channel:
    """Create both halves and say so; return `;1`, whose run is `run`."""
    from asterisk.fake.originate import prepare  # originate imports this module

    assert isinstance(run, FarRun)
    exten, _, context = order.local.partition("@")
    name = pbx.local_name(order.local)
    near = run.near = NearRun(pbx, replace(Caller(), talk_s=math.inf))
    one = run.owner = near.far = pbx.new_channel(
        run, "", context, exten, DOWN, uniqueid=order.channel_id or None, channel_name=f"{name};1"
    )
    two = near.owner = pbx.new_channel(
        near,
        "",
        context,
        exten,
        RING,
        parent=one,
        uniqueid=order.other_channel_id or None,
        channel_name=f"{name};2",
    )
    prepare(pbx, one, order)
    for key, value in order.variables:
        pbx.set_variable(two, key, value)
    if order.number:
        two.connected_number, two.connected_name = one.connected_number, one.connected_name
        pbx.caller_id(two, order.number, order.name)
        pbx.connected_line(two, one.connected_number, one.connected_name)
    pbx.say(
        "LocalBridge",
        one.headers("LocalOne"),
        two.headers("LocalTwo"),
        header("Context", context),
        header("Exten", exten),
        header("LocalOptimization", "No"),
    )
    return one
