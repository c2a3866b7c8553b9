"""The dialplan's recording subroutines: name the files and arm MixMonitor, as sub-record of the lab does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from asterisk.fake.audio import Recorder
from asterisk.fake.channels import Channel

if TYPE_CHECKING:
    from asterisk.fake.dialplan import Run


def start_on_caller(run: Run, kind: str, did: str, priority: int) -> None:
    """Record on the customer's channel: `in-DID-NUMBER-…`. What it receives is the customer's side."""
    owner = run.owner
    name = file_name(run, f"{kind}-{did}-{safe(owner.caller_number)}", owner)
    _gosub(run, owner, "sub-record", (kind,), name, priority, "caller", bridged_only=True)


def start_on_operator(run: Run, number: str, priority: int) -> None:
    """Record on the operator's channel: `out-EXTENSION-NUMBER-…`. What it receives is the operator's side."""
    name = file_name(run, f"out-{run.operator}-{safe(number)}", run.owner)
    _gosub(
        run, run.owner, "sub-record-out", (run.operator, number), name, priority, "agent", bridged_only=True
    )


def start_on_member(run: Run, leg: Channel) -> None:
    """Record on the channel of the queue member who answered: `q-DID-NUMBER-…`."""
    did = leg.variables.get("DID", "")
    name = file_name(run, f"q-{did}-{safe(leg.caller_number)}", leg)
    context, exten = leg.context, leg.exten
    run.pbx.step(leg, "Set", f"REC={name}", context="sub-record-member", exten="s", priority=1)
    run.pbx.set_variable(leg, "REC", name)
    _mix_monitor(run, leg, name, "agent", priority=2, bridged_only=False)
    run.pbx.step(leg, "Return", priority=3)
    leg.context, leg.exten, leg.priority = context, exten, 1


def _gosub(
    run: Run,
    channel: Channel,
    context: str,
    args: tuple[str, ...],
    name: str,
    priority: int,
    receives: str,
    *,
    bridged_only: bool,
) -> None:
    pbx, back = run.pbx, (channel.context, channel.exten)
    pbx.step(channel, "Gosub", f"{context},s,1({','.join(args)})", priority=priority)
    pbx.noise(channel, **{f"LOCAL(ARG{n})": arg for n, arg in enumerate(args, 1)})
    pbx.step(channel, "Set", f"REC={name}", context=context, exten="s", priority=1)
    pbx.set_variable(channel, "REC", name)
    pbx.step(channel, "Set", f"__RECORDINGFILE={name}.wav", priority=2)
    pbx.set_variable(channel, "__RECORDINGFILE", f"{name}.wav")
    pbx.step(channel, "Set", f"CDR(recordingfile)={name}.wav", priority=3)
    _mix_monitor(run, channel, name, receives, priority=4, bridged_only=bridged_only)
    pbx.step(channel, "Return", priority=5)
    pbx.noise(channel, GOSUB_RETVAL="")
    channel.context, channel.exten = back
    channel.priority = priority


def _mix_monitor(
    run: Run, channel: Channel, name: str, receives: str, *, priority: int, bridged_only: bool
) -> None:
    base = f"{run.pbx.config.monitor}/{name}"
    sends = "caller" if receives == "agent" else "agent"
    options = f"{'b' if bridged_only else ''}Sr({base}-{receives}.wav)t({base}-{sends}.wav)"
    run.pbx.step(channel, "MixMonitor", f"{base}.wav,{options}", priority=priority)
    run.pbx.set_variable(channel, "MIXMONITOR_FILENAME", f"{base}.wav")
    channel.recorder = Recorder(run.pbx, name, run.dialogue, "out" if run.operator else "in")
    run.pbx.say("MixMonitorStart", channel.headers())


def file_name(run: Run, start: str, channel: Channel) -> str:
    """Return the path below the monitor folder, without the ending: `YYYY/MM/DD/START-DATE-TIME-UNIQUEID`."""
    now = datetime.fromtimestamp(run.pbx.clock.time(), UTC)
    return f"{now:%Y/%m/%d}/{start}-{now:%Y%m%d-%H%M%S}-{channel.uniqueid}"


def safe(number: str) -> str:
    """Return what the dialplan's FILTER(+0-9A-Za-z) leaves of a caller's number."""
    return re.sub(r"[^+0-9A-Za-z]", "", number)
