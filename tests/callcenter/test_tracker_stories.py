"""Rules of the tracker as tables of what a switchboard says, for cases without a capture.

A line is `seconds Event channel [> channel] Header=value …`. A channel "1001-2" is PJSIP/1001-2; its first
mention sets its linkedid (`of=` the channel whose linkedid it has), `joins=` changes it. Headers named after the
channels of a transfer (Transferee=…) expand to all that AMI says of them.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from asterisk.events import Event, Heard, LinkLost, LinkUp, Resynced
from asterisk.translate import parse, translate, wanted
from callcenter.call import Call, CallState, Rules, call_id, report
from callcenter.tracker import Tracker

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PREFIXES = (
    "Transferer",
    "Transferee",
    "OrigTransferer",
    "SecondTransferer",
    "TransferTarget",
    "Parkee",
    "Retriever",
)


class Switchboard:
    """Writes AMI messages for short lines and lets a tracker hear them."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.tracker = Tracker({"pbx": rules or Rules()})
        self.calls: dict[Any, Call] = {}
        self.linkedids: dict[str, str] = {}
        self.states: dict[str, str] = {}

    def says(self, text: str) -> "Switchboard":
        for line in text.strip().splitlines():
            if line.strip():
                self.hear(self.event(line.split("#")[0].strip()))
        return self

    def hear(self, event: Event) -> None:
        for change in self.tracker.apply(Heard("pbx", event)):
            self.calls[change.after.id] = change.after

    def event(self, line: str) -> Event:
        seconds, name, *words = line.split()
        channels = [w for w in words if "=" not in w and w != ">"]
        headers = dict(w.split("=", 1) for w in words if "=" in w)
        message = [f"Event: {name}"]
        for prefix, channel in self._roles(name, channels):
            message += self._channel(prefix, channel, headers)
        for key, value in headers.items():
            message += self._channel(key, value, {}) if key in PREFIXES else [f"{key}: {value}"]
        block = "\r\n".join(message).encode()
        assert wanted(block), line
        event = translate(parse(block), START + timedelta(seconds=float(seconds)))
        assert event is not None, line
        return event

    def _roles(self, name: str, channels: list[str]) -> Iterable[tuple[str, str]]:
        if name == "LocalBridge":
            return zip(("LocalOne", "LocalTwo"), channels, strict=True)
        if name in ("DialBegin", "DialState", "DialEnd") and len(channels) == 1:
            return [("Dest", channels[0])]
        if name == "Pickup":
            return zip(("", "Target"), channels, strict=True)
        return zip(("", "Dest"), channels, strict=False)

    def _channel(self, prefix: str, channel: str, headers: dict[str, str]) -> list[str]:
        name = channel if "/" in channel else f"PJSIP/{channel}"
        parent = headers.pop("of", None) if not prefix.startswith("Dest") else None
        linkedid = self.linkedids.setdefault(channel, self.linkedids.get(parent or "", parent or channel))
        joined = headers.pop("joins", None)
        if joined:
            linkedid = self.linkedids[channel] = self.linkedids[joined]
        if "state" in headers:
            self.states[channel] = headers.pop("state")
        return [
            f"{prefix}Channel: {name}",
            f"{prefix}ChannelState: {self.states.get(channel, '0')}",
            f"{prefix}CallerIDNum: {headers.pop('num', '<unknown>')}",
            f"{prefix}CallerIDName: {headers.pop('name', '<unknown>')}",
            f"{prefix}Context: x",
            f"{prefix}Exten: {headers.pop('exten', 's')}",
            f"{prefix}Uniqueid: {channel}",
            f"{prefix}Linkedid: {linkedid}",
        ]

    @property
    def own(self) -> list[Call]:
        return [call for call in self.calls.values() if call.merged_into is None]

    @property
    def call(self) -> Call:
        (call,) = self.own
        return call

    def told(self, *fields: str) -> tuple[Any, ...]:
        line = report(self.call)
        return tuple(line[field] for field in fields)


def rang(call: Call) -> list[tuple[str, str]]:
    return [(r["extension"], r["result"]) for r in report(call)["rang"]]


INBOUND = """
    0.0 Newchannel trunk-1 state=4 num=+79161234567 name=Ivan exten=74951230003
    0.1 Newchannel 1001-2 of=trunk-1 state=0 num=1001
    0.1 DialBegin trunk-1 > 1001-2 DialString=1001
    0.2 Newstate 1001-2 state=5
"""

ANSWERED = (
    INBOUND
    + """
    3.0 Newstate 1001-2 state=6
    3.0 DialEnd trunk-1 > 1001-2 DialStatus=ANSWER
    3.0 BridgeEnter 1001-2 BridgeUniqueid=A
    3.0 BridgeEnter trunk-1 BridgeUniqueid=A
"""
)

CONSULTED = (
    ANSWERED
    + """
    10  Hold 1001-2
    11  Newchannel 1001-3 state=4 num=1001 exten=1002
    11  Newchannel 1002-4 of=1001-3 state=0 num=1002
    11  DialBegin 1001-3 > 1002-4 DialString=1002
    11  Newstate 1002-4 state=5
    13  Newstate 1002-4 state=6
    13  DialEnd 1001-3 > 1002-4 DialStatus=ANSWER
    13  BridgeEnter 1002-4 BridgeUniqueid=B
    13  BridgeEnter 1001-3 BridgeUniqueid=B
"""
)


# --- transfers ------------------------------------------------------------------------------------------


def test_an_attended_transfer_makes_one_call_of_two_and_moves_the_talk() -> None:
    pbx = Switchboard().says(CONSULTED)
    customer, consultation = pbx.own
    assert customer.state is CallState.HELD
    assert (consultation.direction, consultation.operator) == ("internal", "1002")
    pbx.says("""
        20  AttendedTransfer OrigTransferer=1001-2 SecondTransferer=1001-3 \
            Transferee=trunk-1 TransferTarget=1002-4 Result=Success DestType=Bridge DestBridgeUniqueid=B
        20  BridgeLeave trunk-1 BridgeUniqueid=A
        20  BridgeEnter trunk-1 BridgeUniqueid=B SwapUniqueid=1001-3
        20  BridgeLeave 1001-3 BridgeUniqueid=B
        20  Hangup 1001-3 Cause=16
        20  BridgeLeave 1001-2 BridgeUniqueid=A
        20  Hangup 1001-2 Cause=16
        30  HangupRequest 1002-4 joins=trunk-1
        30  BridgeLeave 1002-4 BridgeUniqueid=B
        30  BridgeLeave trunk-1 BridgeUniqueid=B
        30  Hangup 1002-4 Cause=16
        30  Hangup trunk-1 Cause=16
    """)
    call = pbx.call
    assert call.linkedids == ("trunk-1", "1001-3")
    assert call.operators == ("1001", "1002")
    assert [(t.kind, t.sender, t.target, t.result) for t in call.transfers] == [
        ("attended", "1001", "1002", "answered")
    ]
    assert pbx.told("direction", "result", "ended_by", "complete") == (
        "inbound",
        "answered",
        "operator",
        True,
    )
    assert pbx.told("talk_s", "hold_s") == (17.0, 10.0)
    assert rang(call) == [("1001", "answered"), ("1002", "answered")]


def test_the_swap_may_put_the_colleague_into_the_customers_bridge_instead() -> None:
    pbx = Switchboard().says(
        CONSULTED
        + """
        20  AttendedTransfer OrigTransferer=1001-2 SecondTransferer=1001-3 \
            Transferee=trunk-1 TransferTarget=1002-4 Result=Success DestType=Bridge
        20  BridgeLeave 1002-4 BridgeUniqueid=B joins=trunk-1
        20  BridgeEnter 1002-4 BridgeUniqueid=A SwapUniqueid=1001-2
        20  BridgeLeave 1001-2 BridgeUniqueid=A
        20  Hangup 1001-2
        20  Hangup 1001-3
    """
    )
    assert pbx.call.operator == "1002"
    assert pbx.call.state is CallState.TALKING


def test_without_the_event_the_changed_linkedid_alone_joins_the_calls() -> None:
    pbx = Switchboard().says(
        CONSULTED
        + """
        20  BridgeEnter 1002-4 BridgeUniqueid=A SwapUniqueid=1001-2 joins=trunk-1
        20  Hangup 1001-2
        20  Hangup 1001-3
    """
    )
    assert pbx.call.operators == ("1001", "1002")


def test_a_consultation_that_is_given_up_stays_a_call_of_its_own() -> None:
    pbx = Switchboard().says(
        CONSULTED
        + """
        15  HangupRequest 1001-3
        15  BridgeLeave 1001-3 BridgeUniqueid=B
        15  BridgeLeave 1002-4 BridgeUniqueid=B
        15  Hangup 1001-3
        15  Hangup 1002-4
        16  Unhold 1001-2
    """
    )
    customer, consultation = pbx.own
    assert (customer.operators, customer.state) == (("1001",), CallState.TALKING)
    assert consultation.ended_at is not None and not customer.transfers


def test_a_transfer_that_failed_joins_nothing() -> None:
    pbx = Switchboard().says(
        CONSULTED
        + """
        20  AttendedTransfer OrigTransferer=1001-2 SecondTransferer=1001-3 \
            Transferee=trunk-1 TransferTarget=1002-4 Result=Fail DestType=Fail
    """
    )
    assert len(pbx.own) == 2 and not pbx.own[0].transfers


def test_a_transfer_by_keys_goes_through_a_local_channel_of_the_same_call() -> None:
    pbx = Switchboard().says(
        ANSWERED
        + """
        10  Newchannel Local/1002@x-1;1 of=trunk-1 state=0 exten=1002
        10  Newchannel Local/1002@x-1;2 of=trunk-1 state=4 exten=1002
        10  LocalBridge Local/1002@x-1;1 Local/1002@x-1;2
        10  BridgeLeave 1001-2 BridgeUniqueid=A
        10  BridgeEnter 1001-2 BridgeUniqueid=B
        10  BridgeEnter Local/1002@x-1;1 BridgeUniqueid=B
        10  Newchannel 1002-4 of=trunk-1 state=0
        10  DialBegin Local/1002@x-1;2 > 1002-4 DialString=1002
        10  Newstate 1002-4 state=5
    """
    )
    assert (pbx.call.state, pbx.call.ringing, pbx.call.talking) == (CallState.HELD, {"1002"}, {"1001"})
    assert pbx.call.held_at == at(10)
    pbx.says("""
        12  Newstate 1002-4 state=6
        12  DialEnd Local/1002@x-1;2 > 1002-4 DialStatus=ANSWER
        12  BridgeEnter 1002-4 BridgeUniqueid=C
        12  BridgeEnter Local/1002@x-1;2 BridgeUniqueid=C
    """)
    assert pbx.call.operators == ("1001",), "a consultation is no talk with the customer"
    assert (pbx.call.state, pbx.call.talking) == (CallState.HELD, {"1001"})
    pbx.says("""
        20  BridgeMerge ToBridgeUniqueid=A FromBridgeUniqueid=B
        20  BridgeLeave 1001-2 BridgeUniqueid=B
        20  BridgeLeave Local/1002@x-1;1 BridgeUniqueid=B
        20  BridgeEnter Local/1002@x-1;1 BridgeUniqueid=A
        20  AttendedTransfer OrigTransferer=1001-2 SecondTransferer=1001-2 \
            Transferee=trunk-1 TransferTarget=Local/1002@x-1;1 Result=Success DestType=Bridge
        20  BridgeLeave 1001-2 BridgeUniqueid=A
        20  Hangup 1001-2
        20.5  BridgeEnter 1002-4 BridgeUniqueid=A SwapUniqueid=Local/1002@x-1;1
        20.5  BridgeLeave Local/1002@x-1;1 BridgeUniqueid=A
        20.5  Hangup Local/1002@x-1;1
        20.5  BridgeLeave 1002-4 BridgeUniqueid=C
        20.5  Hangup Local/1002@x-1;2
    """)
    assert pbx.call.state is CallState.TALKING
    assert pbx.call.operators == ("1001", "1002")
    assert [(t.kind, t.sender, t.target) for t in pbx.call.transfers] == [("attended", "1001", "1002")]


def test_a_blind_transfer_that_nobody_answers_says_so() -> None:
    pbx = Switchboard().says(
        ANSWERED
        + """
        10  BlindTransfer Transferer=1001-2 Transferee=trunk-1 Extension=1002 Result=Success
        10  BridgeLeave trunk-1 BridgeUniqueid=A
        10  BridgeLeave 1001-2 BridgeUniqueid=A
        10  Hangup 1001-2 Cause=16
        10  Newchannel 1002-4 of=trunk-1 state=0
        10  DialBegin trunk-1 > 1002-4 DialString=1002
        10  Newstate 1002-4 state=5
        30  DialEnd trunk-1 > 1002-4 DialStatus=NOANSWER
        30  Hangup 1002-4
        31  Hangup trunk-1
    """
    )
    assert [(t.kind, t.target, t.result) for t in pbx.call.transfers] == [("blind", "1002", "no_answer")]
    assert pbx.told("result", "operators", "ended_by") == ("answered", ["1001"], "system")
    assert rang(pbx.call) == [("1001", "answered"), ("1002", "no_answer")]


# --- ringing --------------------------------------------------------------------------------------------


def test_an_extension_with_two_phones_rings_until_the_last_stops() -> None:
    pbx = Switchboard().says(
        INBOUND
        + """
        0.2 Newchannel 1001-3 of=trunk-1 state=0
        0.2 DialBegin trunk-1 > 1001-3 DialString=1001
        0.3 Newstate 1001-3 state=5
        2.0 DialEnd trunk-1 > 1001-2 DialStatus=BUSY
        2.0 Hangup 1001-2 Cause=17
    """
    )
    assert pbx.call.ringing == {"1001"}
    pbx.says("4.0 DialEnd trunk-1 > 1001-3 DialStatus=NOANSWER")
    assert pbx.call.ringing == set()


def test_a_second_end_of_the_same_ring_changes_nothing() -> None:
    pbx = Switchboard().says(
        INBOUND
        + """
        8 DialEnd trunk-1 > 1001-2 DialStatus=NOANSWER
        8 DialEnd trunk-1 > 1001-2 DialStatus=CANCEL
        8 Hangup 1001-2 Cause=0
    """
    )
    assert rang(pbx.call) == [("1001", "no_answer")]


@pytest.mark.parametrize(
    ("status", "cause", "result"),
    [
        ("NOANSWER", 17, "declined"),  # a queue says so of a phone that was busy
        ("NOANSWER", 21, "declined"),
        ("BUSY", 17, "declined"),
        ("CONGESTION", 21, "declined"),
        ("NOANSWER", 19, "no_answer"),
        ("CANCEL", 26, "elsewhere"),
        ("CANCEL", 16, "no_answer"),  # the queue's time is up, the caller has not moved
    ],
)
def test_the_cause_of_the_hangup_tells_a_refusal_from_a_ring_out(
    status: str, cause: int, result: str
) -> None:
    pbx = Switchboard().says(
        INBOUND
        + f"""
        2 DialEnd trunk-1 > 1001-2 DialStatus={status}
        2 Hangup 1001-2 Cause={cause}
    """
    )
    assert rang(pbx.call) == [("1001", result)]


def test_a_phone_that_was_never_reached_did_not_ring() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel trunk-1 state=4 num=1 exten=2
        0.1 Newchannel 1001-2 of=trunk-1 state=0
        0.1 DialBegin trunk-1 > 1001-2 DialString=1001
        0.6 DialEnd trunk-1 > 1001-2 DialStatus=CONGESTION
        0.6 Hangup 1001-2 Cause=20
        5.0 HangupRequest trunk-1
        5.0 Hangup trunk-1
    """)
    assert rang(pbx.call) == []
    assert pbx.call.legs[0].result == "unavailable"
    assert pbx.told("result", "ended_by") == ("no_answer", "remote")


def test_a_call_taken_from_another_phone_belongs_to_the_one_who_took_it() -> None:
    pbx = Switchboard().says(
        INBOUND
        + """
        2.0 Newchannel 1005-9 state=4 num=1005 exten=*8
        2.0 Pickup 1005-9 1001-2
        2.0 Hangup 1001-2 Cause=26
        2.0 BridgeEnter 1005-9 BridgeUniqueid=A joins=trunk-1
        2.0 BridgeEnter trunk-1 BridgeUniqueid=A
    """
    )
    assert pbx.call.operators == ("1005",)
    assert rang(pbx.call) == [("1001", "elsewhere")]
    assert (pbx.call.direction, pbx.call.dialler) == ("inbound", None)


def test_a_restart_takes_the_ringing_phones_with_it() -> None:
    pbx = Switchboard().says(
        INBOUND
        + """
        2 SoftHangupRequest trunk-1
        2 SoftHangupRequest 1001-2
        2 DialEnd trunk-1 > 1001-2 DialStatus=NOANSWER
        2 Hangup 1001-2
        2 Hangup trunk-1
        3 Shutdown Shutdown=Cleanly Restart=True
    """
    )
    assert rang(pbx.call) == [("1001", "cancelled")]
    assert pbx.told("ended_by", "complete") == ("system", True)


def test_phones_that_ring_out_because_the_caller_is_dropped_have_not_been_ignored() -> None:
    pbx = Switchboard().says(
        INBOUND
        + """
        2 SoftHangupRequest trunk-1
        2 DialEnd trunk-1 > 1001-2 DialStatus=NOANSWER
    """
    )
    assert rang(pbx.call) == [("1001", "cancelled")]


OPTIMISED = [
    "8.02 BridgeEnter 1001-4 BridgeUniqueid=A SwapUniqueid=Local/1001@q-1;1",
    "8.02 BridgeLeave Local/1001@q-1;1 BridgeUniqueid=A",
    "8.02 BridgeLeave 1001-4 BridgeUniqueid=B",
    "8.02 BridgeLeave Local/1001@q-1;2 BridgeUniqueid=B",
]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 1, 3), (1, 0, 3, 2), (3, 2, 1, 0)])
def test_a_local_member_that_is_optimised_away_leaves_agent_and_customer_talking(
    order: tuple[int, ...],
) -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel trunk-1 state=4 num=+7916 exten=7495
        0.1 QueueCallerJoin trunk-1 Queue=fpx Position=1
        0.2 Newchannel Local/1001@q-1;1 of=trunk-1 state=0
        0.2 Newchannel Local/1001@q-1;2 of=trunk-1 state=4
        0.2 LocalBridge Local/1001@q-1;1 Local/1001@q-1;2
        0.2 DialBegin trunk-1 > Local/1001@q-1;1 DialString=Local/1001@q
        0.3 Newchannel 1001-4 of=trunk-1 state=0
        0.3 DialBegin Local/1001@q-1;2 > 1001-4 DialString=1001
        0.4 Newstate 1001-4 state=5
        8.0 Newstate 1001-4 state=6
        8.0 DialEnd Local/1001@q-1;2 > 1001-4 DialStatus=ANSWER
        8.0 DialEnd trunk-1 > Local/1001@q-1;1 DialStatus=ANSWER
        8.0 BridgeEnter Local/1001@q-1;1 BridgeUniqueid=A
        8.0 BridgeEnter trunk-1 BridgeUniqueid=A
        8.0 BridgeEnter 1001-4 BridgeUniqueid=B
        8.0 BridgeEnter Local/1001@q-1;2 BridgeUniqueid=B
    """)
    assert pbx.call.operator == "1001"
    pbx.says("\n".join(OPTIMISED[i] for i in order))
    pbx.says("""
        8.03 Hangup Local/1001@q-1;1
        8.03 Hangup Local/1001@q-1;2
    """)
    assert (pbx.call.state, pbx.call.operators) == (CallState.TALKING, ("1001",))
    pbx.says("""
        18  HangupRequest 1001-4
        18  Hangup 1001-4
        18  Hangup trunk-1
    """)
    assert pbx.told("result", "talk_s", "ended_by") == ("answered", pytest.approx(10, abs=0.05), "operator")


# --- queues ---------------------------------------------------------------------------------------------

WAITING = """
    0.0 Newchannel trunk-1 state=4 num=+7916 exten=7495
    0.1 QueueCallerJoin trunk-1 Queue=sales Position=1
"""


def test_a_caller_put_out_by_the_queue_has_not_abandoned_it() -> None:
    pbx = Switchboard().says(
        WAITING
        + """
        6.0 QueueCallerAbandon trunk-1 Queue=sales Position=1 OriginalPosition=1 HoldTime=6
        6.0 QueueCallerLeave trunk-1 Queue=sales
        9.0 HangupRequest trunk-1
        9.0 Hangup trunk-1
    """
    )
    assert pbx.told("result", "queue", "ended_by") == ("overflow", "sales", "remote")


def test_a_caller_who_hangs_up_in_the_queue_has_abandoned_it() -> None:
    pbx = Switchboard().says(
        WAITING
        + """
        6.0 HangupRequest trunk-1
        6.0 QueueCallerAbandon trunk-1 Queue=sales Position=1 OriginalPosition=1 HoldTime=6
        6.0 QueueCallerLeave trunk-1 Queue=sales
        6.0 Hangup trunk-1
    """
    )
    assert pbx.told("result", "wait_s") == ("abandoned", 5.9)


def test_a_queue_that_lets_nobody_in_is_named_all_the_same() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel trunk-1 state=4 num=+7916 exten=7495
        0.1 Newexten trunk-1 Application=Queue AppData=support,rt
        3.0 Hangup trunk-1
    """)
    assert pbx.told("result", "queue", "ended_by") == ("overflow", "support", "system")


def test_who_overflows_from_one_queue_and_is_answered_in_the_next_is_answered() -> None:
    pbx = Switchboard().says(
        WAITING
        + """
        6.0 QueueCallerAbandon trunk-1 Queue=sales HoldTime=6
        6.0 QueueCallerLeave trunk-1 Queue=sales
        6.1 QueueCallerJoin trunk-1 Queue=reserve Position=1
        6.2 Newchannel 1001-2 of=trunk-1 state=0
        6.2 AgentCalled trunk-1 > 1001-2 Queue=reserve Interface=PJSIP/1001
        6.2 DialBegin trunk-1 > 1001-2 DialString=1001
        6.3 Newstate 1001-2 state=5
        8.0 Newstate 1001-2 state=6
        8.0 AgentConnect trunk-1 > 1001-2 Queue=reserve Interface=PJSIP/1001
        8.0 BridgeEnter 1001-2 BridgeUniqueid=A
        8.0 BridgeEnter trunk-1 BridgeUniqueid=A
    """
    )
    assert pbx.told("result", "queue", "operator", "wait_s") == ("answered", "reserve", "1001", 7.9)


# --- direction and numbers ------------------------------------------------------------------------------


def test_chan_sip_says_late_that_a_channel_is_calling() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel SIP/trunk-1 state=0 num=+7916 exten=7495
        0.0 Newstate SIP/trunk-1 state=4 num=+7916 exten=7495
    """)
    assert pbx.told("direction", "remote_number", "line", "click_to_call") == (
        "inbound",
        "+7916",
        "7495",
        False,
    )


def test_a_phone_that_dials_a_trunk_makes_an_outbound_call_and_nothing_shows_its_own_number() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel SIP/1001-1 state=0 num=1001 exten=89261234567
        0.0 Newstate SIP/1001-1 state=4 num=1001 exten=89261234567
        0.1 Newchannel SIP/line-2 of=SIP/1001-1 state=0
        0.1 DialBegin SIP/1001-1 > SIP/line-2 DialString=line/89261234567
    """)
    assert pbx.told("direction", "remote_number", "click_to_call") == ("outbound", "89261234567", False)
    assert (pbx.call.dialler, pbx.call.state, pbx.call.trunk) == ("1001", CallState.DIALLING, "line")


def test_a_colleague_forwarded_to_his_mobile_stays_an_internal_call() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel 1001-1 state=4 num=1001 exten=1002
        0.1 Newchannel 1002-2 of=1001-1 state=0
        0.1 DialBegin 1001-1 > 1002-2 DialString=1002
        0.2 Newstate 1002-2 state=5
        9.0 DialEnd 1001-1 > 1002-2 DialStatus=NOANSWER
        9.1 Newchannel trunk-3 of=1001-1 state=0
        9.1 DialBegin 1001-1 > trunk-3 DialString=+7926@trunk
    """)
    assert pbx.call.direction == "internal"


def test_a_forwarded_customer_talks_to_somebody_outside_and_counts_as_answered() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel trunk-1 state=4 num=+7916 exten=7495
        0.1 Newchannel trunk-2 of=trunk-1 state=0
        0.1 DialBegin trunk-1 > trunk-2 DialString=+79990001122@trunk
        2.0 Newstate trunk-2 state=6
        2.0 DialEnd trunk-1 > trunk-2 DialStatus=ANSWER
        2.0 BridgeEnter trunk-2 BridgeUniqueid=A
        2.0 BridgeEnter trunk-1 BridgeUniqueid=A
        9.0 HangupRequest trunk-1
        9.0 Hangup trunk-1
        9.0 Hangup trunk-2
    """)
    assert pbx.told("result", "operator", "operators", "talk_s") == ("answered", None, [], 7.0)
    assert pbx.call.talks[0].number == "+79990001122"


def test_two_calls_with_the_same_two_numbers_are_two_calls() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel trunk-1 state=4 num=+7916 exten=7495
        0.0 Newchannel trunk-2 state=4 num=+7916 exten=7495
    """)
    assert len(pbx.own) == 2


def test_an_analogue_line_shows_its_caller_later() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel DAHDI/4-1 state=4
        0.5 NewCallerid DAHDI/4-1 num=84951234567 name=Anna
        0.9 NewCallerid DAHDI/4-1 num=100
        1.0 VarSet DAHDI/4-1 Variable=__FROM_DID Value=74950001122
    """)
    assert pbx.told("remote_number", "remote_name", "line") == ("84951234567", "Anna", "74950001122")


@pytest.mark.parametrize(
    ("presentation", "number"),
    [
        ("35 (Presentation Prohibited, Network Number)", None),
        ("0 (Presentation Allowed, Not Screened)", "+79161234567"),
        ("67 (Number Unavailable)", "+79161234567"),
    ],
)
def test_a_caller_who_does_not_want_to_be_shown_is_not(presentation: str, number: str | None) -> None:
    pbx = Switchboard().says(INBOUND)
    message = "Event: NewCallerid\r\nChannel: PJSIP/trunk-1\r\nUniqueid: trunk-1\r\nLinkedid: trunk-1"
    event = translate(parse(f"{message}\r\nCID-CallingPres: {presentation}".encode()), START)
    assert event is not None
    pbx.hear(event)
    assert pbx.call.remote_number == number


def test_rules_of_the_site_say_who_is_an_extension() -> None:
    rules = Rules(extensions=re.compile(r"agent-(\d+)"), trunks=re.compile(r"SIP/100"))
    pbx = Switchboard(rules).says("""
        0.0 Newchannel SIP/100-0001 state=4 num=+7916 exten=7495
        0.1 Newchannel agent-7-0002 of=SIP/100-0001 state=0
        0.1 DialBegin SIP/100-0001 > agent-7-0002 DialString=agent-7
        0.2 Newstate agent-7-0002 state=5
    """)
    assert (pbx.call.direction, pbx.call.ringing) == ("inbound", {"7"})


def test_mixers_and_messages_are_no_calls() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel Message/ast_msg_queue-1 state=6
        0.0 Newchannel Snoop/1-2 state=6
        0.0 Newchannel CBAnn/room-3;1 state=6
    """)
    assert pbx.own == []


def test_callers_who_wait_in_one_parking_lot_do_not_become_one_call() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel trunk-1 state=4 num=1 exten=7495
        0.0 Newchannel trunk-2 state=4 num=2 exten=7495
        1.0 BridgeEnter trunk-1 BridgeUniqueid=LOT BridgeTechnology=holding_bridge
        1.0 BridgeEnter trunk-2 BridgeUniqueid=LOT BridgeTechnology=holding_bridge
    """)
    assert len(pbx.own) == 2 and not any(call.talks for call in pbx.own)


# --- our own click, tags --------------------------------------------------------------------------------


def test_a_click_through_an_optimised_local_channel_stays_one_call() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel Local/1001@agents-1;1 state=0 exten=1001
        0.0 Newchannel Local/1001@agents-1;2 of=Local/1001@agents-1;1 state=4 exten=1001
        0.0 VarSet Local/1001@agents-1;1 Variable=CALLCENTER_CALL Value=c0ffee
        0.0 LocalBridge Local/1001@agents-1;1 Local/1001@agents-1;2
        0.0 DialBegin Local/1001@agents-1;1 DialString=1001@agents
        0.1 Newchannel 1001-2 of=Local/1001@agents-1;1 state=0
        0.1 DialBegin Local/1001@agents-1;2 > 1001-2 DialString=1001
        0.2 Newstate 1001-2 state=5
    """)
    assert (pbx.call.dialler, pbx.call.ringing, pbx.call.tag) == ("1001", {"1001"}, "c0ffee")
    pbx.says("""
        2.0 Newstate 1001-2 state=6
        2.0 DialEnd Local/1001@agents-1;2 > 1001-2 DialStatus=ANSWER
        2.0 OriginateResponse Local/1001@agents-1;1 Response=Success Reason=4 exten=79261112233
        2.1 Newchannel trunk-3 of=Local/1001@agents-1;1 state=0
        2.1 DialBegin Local/1001@agents-1;1 > trunk-3 DialString=79261112233@trunk
        4.0 Newstate trunk-3 state=6
        4.0 DialEnd Local/1001@agents-1;1 > trunk-3 DialStatus=ANSWER
        4.0 BridgeEnter trunk-3 BridgeUniqueid=A
        4.0 BridgeEnter 1001-2 BridgeUniqueid=A
        4.0 Hangup Local/1001@agents-1;1
        4.0 Hangup Local/1001@agents-1;2
    """)
    assert pbx.call.state is CallState.TALKING
    assert pbx.told("click_to_call", "remote_number", "operators") == (True, "79261112233", ["1001"])


def test_the_outcome_of_an_originate_may_come_after_the_hangup() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel 1001-1 state=0 num=1001
        0.0 DialBegin 1001-1 DialString=1001
        0.1 Newstate 1001-1 state=5
        6.0 Hangup 1001-1 Cause=19
    """)
    assert pbx.call.remote_number is None and pbx.call.ended_at is not None
    headers = {"Response": "Failure", "Channel": "PJSIP/1001", "Exten": "7926", "Reason": "3"}
    event = translate({"Event": "OriginateResponse", "Uniqueid": "<unknown>", **headers}, at(7))
    assert event is not None
    pbx.hear(event)
    assert pbx.told("remote_number", "result", "ended_by") == ("7926", "no_answer", "system")
    assert pbx.call.originate.reason == 3


def test_an_agent_who_declines_the_call_he_asked_for_has_ended_it() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel SIP/1001-1 state=0 num=1001
        0.0 DialBegin SIP/1001-1 DialString=1001
        0.1 Newstate SIP/1001-1 state=5
        2.0 Hangup SIP/1001-1 Cause=17
    """)
    assert pbx.told("result", "ended_by", "click_to_call") == ("cancelled", "operator", True)
    assert rang(pbx.call) == [("1001", "declined")]


def test_a_phone_that_answers_by_itself_was_called_by_the_switchboard() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel SIP/1001-1 state=0 num=1001
        0.1 Newstate SIP/1001-1 state=6
    """)
    assert pbx.told("direction", "click_to_call") == ("outbound", True)


def test_channels_that_the_switchboard_connects_with_itself_are_no_call() -> None:
    pbx = Switchboard().says("""
        0.0 Newchannel Local/s@page-1;1 state=0
        0.0 Newchannel Local/s@page-1;2 of=Local/s@page-1;1 state=4
        9.0 Hangup Local/s@page-1;1
        9.0 Hangup Local/s@page-1;2
    """)
    assert pbx.own == [] and pbx.tracker.calls == {}


# --- the link -------------------------------------------------------------------------------------------


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_an_uptime_shorter_than_the_silence_closes_all_calls() -> None:
    pbx = Switchboard().says(ANSWERED)
    pbx.hear(LinkLost(at(5), "EOF"))
    assert pbx.call.ended_at is None
    pbx.hear(LinkUp(at(9)))
    pbx.hear(LinkUp(at(9), uptime_s=1))
    assert pbx.told("ended_at", "result", "complete", "ended_by") == (
        "2026-11-21T12:00:05.000Z",
        "answered",
        False,
        None,
    )


def test_an_uptime_longer_than_the_silence_closes_nothing() -> None:
    pbx = Switchboard().says(ANSWERED)
    pbx.hear(LinkLost(at(5), "EOF"))
    pbx.hear(LinkUp(at(9), uptime_s=3_600))
    assert pbx.call.state is CallState.TALKING


def test_a_refused_list_closes_nothing() -> None:
    pbx = Switchboard().says(ANSWERED)
    for event in (LinkLost(at(5), "EOF"), LinkUp(at(9)), Resynced(at(10))):
        pbx.hear(event)
    assert pbx.call.state is CallState.TALKING


def test_an_empty_list_closes_all_calls() -> None:
    pbx = Switchboard().says(ANSWERED)
    pbx.hear(LinkLost(at(5), "EOF"))
    pbx.hear(LinkUp(at(9)))
    pbx.says("9 CoreShowChannelsComplete ListItems=0")
    assert pbx.call.ended_reason == "ended while disconnected"
    assert pbx.tracker.calls == {}


def test_a_call_adopted_from_the_list_is_complete_as_to_who_is_who() -> None:
    pbx = Switchboard()
    pbx.hear(LinkUp(at(0)))
    pbx.says("""
        1 CoreShowChannel trunk-2 of=1001-1 state=5 num=89261234567 Application=AppDial Duration=00:00:03
        1 CoreShowChannel 1001-1 state=4 num=74951230000 exten=89261234567 Application=Dial Duration=00:00:03
        1 CoreShowChannelsComplete ListItems=2
    """)
    assert pbx.call.id == call_id("pbx", "1001-1")
    assert (pbx.call.direction, pbx.call.dialler, pbx.call.remote_number) == (
        "outbound",
        "1001",
        "89261234567",
    )
    assert pbx.call.started_at == at(-2)


def test_an_agent_who_answered_during_the_gap_talks() -> None:
    pbx = Switchboard().says(INBOUND)
    pbx.hear(LinkLost(at(1), "EOF"))
    pbx.hear(LinkUp(at(9)))
    pbx.says("""
        9 CoreShowChannel trunk-1 state=6 Application=Dial BridgeId=A Duration=00:00:09
        9 CoreShowChannel 1001-2 state=6 Application=AppDial BridgeId=A Duration=00:00:09
        9 CoreShowChannelsComplete ListItems=2
    """)
    assert (pbx.call.state, pbx.call.operator, pbx.call.ringing) == (CallState.TALKING, "1001", set())


def test_a_phone_that_stopped_to_ring_during_the_gap_rings_no_more() -> None:
    pbx = Switchboard().says(INBOUND)
    pbx.hear(LinkLost(at(1), "EOF"))
    pbx.hear(LinkUp(at(9)))
    pbx.says("""
        9 CoreShowChannel trunk-1 state=4 Application=Dial Duration=00:00:09
        9 CoreShowChannelsComplete ListItems=1
    """)
    assert (pbx.call.state, pbx.call.ringing) == (CallState.WAITING, set())


def test_what_is_said_twice_or_after_the_end_makes_no_second_call() -> None:
    pbx = Switchboard().says(
        INBOUND
        + INBOUND
        + """
        5 HangupRequest trunk-1
        5 Hangup 1001-2
        5 Hangup 1001-2
        5 Hangup trunk-1
        5 Newstate trunk-1 state=6
        5 BridgeEnter trunk-1 BridgeUniqueid=A
        6 Newchannel 1001-7 of=trunk-1 state=0
    """
    )
    assert pbx.call.ended_at == at(5)


def test_a_number_that_is_withheld_is_not_shown_even_where_the_provider_sends_it() -> None:
    pbx = Switchboard().says("""
        0   Newchannel trunk-1 num=79161234567 name=Ivan exten=74951230001 state=4
        0.1 VarSet trunk-1 num=79161234567 Variable=CALLCENTER_PRES Value=prohib_passed_screen
        0.2 NewCallerid trunk-1 num=79161234567 name=Ivan
    """)
    (call,) = pbx.calls.values()
    assert (call.withheld, call.remote_number, call.remote_name) == (True, None, None)
    assert call.line == "74951230001"


def test_a_number_that_may_be_shown_stays() -> None:
    pbx = Switchboard().says("""
        0   Newchannel trunk-1 num=79161234567 name=Ivan exten=74951230001 state=4
        0.1 VarSet trunk-1 num=79161234567 Variable=CALLCENTER_PRES Value=allowed_not_screened
    """)
    (call,) = pbx.calls.values()
    assert (call.withheld, call.remote_number, call.remote_name) == (False, "79161234567", "Ivan")


def test_a_ring_half_heard_after_a_gap_belongs_to_whoever_began_the_call() -> None:
    """The first that is heard after the login is the phone; the customer is told of by the list."""
    pbx = Switchboard()
    pbx.hear(LinkUp(at(0)))
    pbx.says("""
        1 Newstate 1001-2 of=trunk-1 state=5
        2 CoreShowChannel 1001-2 Duration=00:00:03 Application=AppDial
        2 CoreShowChannel trunk-1 state=4 num=+79161234567 exten=74951230003 Duration=00:00:05 Application=Dial
        2 CoreShowChannelsComplete ListItems=2
        3 Newstate 1001-2 state=6
        3 DialEnd trunk-1 > 1001-2 DialStatus=ANSWER
        3 BridgeEnter 1001-2 BridgeUniqueid=A
        3 BridgeEnter trunk-1 BridgeUniqueid=A
    """)
    assert pbx.told("direction", "remote_number", "line", "click_to_call", "operators") == (
        "inbound",
        "+79161234567",
        "74951230003",
        False,
        ["1001"],
    )


def test_who_leaves_three_has_not_ended_what_the_others_go_on_with() -> None:
    pbx = Switchboard().says(
        ANSWERED
        + """
        5 Newchannel 1005-9 state=6 num=1005 exten=800
        5 BridgeEnter 1005-9 BridgeUniqueid=A
        6 HangupRequest 1001-2
        6 BridgeLeave 1001-2 BridgeUniqueid=A
        6 Hangup 1001-2
        9 HangupRequest trunk-1
        9 BridgeLeave trunk-1 BridgeUniqueid=A
        9 BridgeLeave 1005-9 BridgeUniqueid=A
        9 Hangup trunk-1
        9 Hangup 1005-9
    """
    )
    assert pbx.told("ended_by", "operators") == ("remote", ["1001", "1005"])
