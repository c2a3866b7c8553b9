"""The hold room of our dialplan (`callcenter-hold`): who consults it has put the other side on hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk.fake.channels import UP
from asterisk.fake.signals import Kind

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run


async def wait_for_holder(run: Run) -> None:
    """Answer and wait; once the holder's phone is free he has hung up, and is called back with the customer."""
    from asterisk.fake.dial import dial, dial_result  # dial imports what imports this

    pbx, owner = run.pbx, run.owner
    pbx.step(owner, "Answer", context="callcenter-hold", exten="00", priority=1)
    pbx.new_state(owner, UP)
    run.progress(Kind.ANSWERED)
    holder = owner.variables.get("TRANSFERERNAME", "").rpartition("-")[0]
    phone = pbx.phones.get(holder.partition("/")[2])
    while phone is None or pbx.by_device.get(holder):
        pbx.step(owner, "Wait", "1", priority=3)
        await run.next(1)
    pbx.step(owner, "Dial", f"{holder},25,mtT", priority=5)
    await dial_result(run, await dial(run, 25, phone=phone))
