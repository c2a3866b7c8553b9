"""What we would make of a call: the rules of a switchboard tried on typed values. Pure.

In:      a channel, a number, a context, a DID, as the switchboard would say them
Out:     whose channel it is and why, direction, line, number in E.164 and which rule changed it
The answer comes from the tracker and from `Numbers`, the same that the live path asks.
"""

from dataclasses import dataclass
from datetime import datetime

from asterisk.events import ChannelCreated, ChannelState, ChannelView, DialBegan, Heard
from callcenter.call import Call, Kind, Party, Rules
from callcenter.directory import Directory, LineEntry
from callcenter.numbers import Numbers
from callcenter.tracker import Tracker
from crm_core.phone import Number

SERIAL = "-00000001"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is tried: `channel` calls `did`, showing `number`; a phone of ours dials out over `trunk`."""

    pbx: str
    channel: str  # "PJSIP/trunk-a" or with its serial number
    number: str = ""
    context: str = ""
    did: str = ""
    trunk: str = ""  # "PJSIP/trunk-a": where a call of our phone goes out


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of it. `call` is None for channels that belong to no call; `number_rule`: its pattern."""

    party: Party
    why: str
    call: Call | None
    line: LineEntry | None
    number: Number | None
    number_rule: str | None
    country: str
    ours: bool  # the number is a line or phone of ours, so that it is no customer's


def judge(trial: Trial, rules: Rules, numbers: Numbers, directory: Directory, at: datetime) -> Verdict:
    """Return what the live path would make of this call."""
    channel = trial.channel if "-" in trial.channel else trial.channel + SERIAL
    party = rules.party(channel)
    call = _call(trial, channel, rules, at)
    number = numbers.of(call, directory) if call is not None and call.remote_number else None
    line = directory.line(trial.pbx, call.line if call is not None else None)
    return Verdict(
        party=party,
        why=why(rules, party, channel),
        call=call,
        line=line,
        number=number,
        number_rule=numbers.rule_of(call) if call is not None else None,
        country=numbers.country_of(call, directory) if call is not None else numbers.country,
        ours=number is not None and number.e164 in directory.own_numbers,
    )


def why(rules: Rules, party: Party, channel: str) -> str:
    """Return which rule says whose channel it is."""
    match party.kind:
        case Kind.LOCAL:
            return "A Local channel is a pipe inside the switchboard: who is at its ends is told by other channels."
        case Kind.PLUMBING:
            return f"{channel.partition('/')[0]} channels belong to the switchboard itself, not to a call."
        case Kind.EXTENSION:
            return f"extensions = {rules.extensions.pattern} matches the peer {party.peer!r}."
    if rules.trunks is not None and Rules(rules.extensions).party(channel).kind is Kind.EXTENSION:
        return f"trunks = {rules.trunks.pattern} matches the peer {party.peer!r} and goes before extensions."
    if rules.trunks is not None and any(
        rules.trunks.fullmatch(name) for name in (party.peer, f"{channel.partition('/')[0]}/{party.peer}")
    ):
        return f"trunks = {rules.trunks.pattern} matches the peer {party.peer!r}."
    unlike = f"extensions = {rules.extensions.pattern} does not match the peer {party.peer!r}"
    return f"{unlike}: every other peer is a trunk."


def _call(trial: Trial, channel: str, rules: Rules, at: datetime) -> Call | None:
    tracker = Tracker({trial.pbx: rules})
    caller = _view("1.1", channel, trial.number, trial.context, trial.did)
    events: list[ChannelCreated | DialBegan] = [ChannelCreated(at, caller)]
    if rules.party(channel).kind is Kind.EXTENSION and trial.trunk:
        trunk = trial.trunk if "-" in trial.trunk else trial.trunk + SERIAL
        callee = _view("1.2", trunk, trial.did, trial.context, "")._replace(state=ChannelState.DOWN)
        dialled = f"{trial.did}@{rules.party(trunk).peer}"
        events.append(DialBegan(at, caller, callee, dialled))
    for event in events:
        tracker.apply(Heard(trial.pbx, event))
    return next(iter(tracker.calls.values()), None)


def _view(uniqueid: str, channel: str, number: str, context: str, exten: str) -> ChannelView:
    return ChannelView(uniqueid, "1.1", channel, ChannelState.RING, number or None, None, context, exten)
