"""Listening and taking over on the simulated switchboard, beside what the real one said (capture `aa-listening`)."""

from pathlib import Path

from asterisk.fake import Answer, Caller, Manual, Switchboard
from asterisk.wire import END, parse
from tests.asterisk.manager import DIRECT, Manager

CAPTURE = Path(__file__).parent.parent / "traces" / "aa-listening" / "events.ami"
LISTENED, TOOK = (f"callcenter-listen-{digit * 32}" for digit in "12")
NAMES = ("Uniqueid", "SpyerUniqueid", "DestUniqueid")
SOURCES = (  # each keeps an order of its own
    ("Newchannel", "Newstate", "ChanSpyStart", "ChanSpyStop", "BridgeEnter", "Hangup"),
    ("DialBegin", "DialState", "DialEnd"),
    ("OriginateResponse",),
)
FACTS = ("ChannelStateDesc", "DialStatus", "Response", "SpyerExten")


def life(messages: list[dict[str, str]], uniqueid: str) -> list[list[tuple[str, ...]]]:
    """What each source says of one listener, in order: the event and what matters of it."""
    own = [m for m in messages if uniqueid in [m.get(name) for name in NAMES]]
    return [
        [
            (m["Event"], *(m[it] for it in FACTS if it in m), str(m.get("Linkedid", uniqueid) == uniqueid))
            for m in own
            if m.get("Event") in source
        ]
        for source in SOURCES
    ]


async def test_what_is_said_of_listeners_is_what_a_real_switchboard_says(
    board: Switchboard, ami: Manager
) -> None:
    real = [parse(block) for block in CAPTURE.read_bytes().split(END)]
    for extension in ("1001", "1003"):
        board.phone(extension).behave(Answer(after_s=0.5) if extension == "1001" else Manual())
    for spy, take in ((LISTENED, False), (TOOK, True)):
        call = board.place_call("+79175550001", "", DIRECT, caller=Caller(talk_s=9000))
        mine = await ami.message(Event="BridgeEnter", Uniqueid=call.uniqueid)
        spied = next(c for c in board.pbx.channels.values() if c.peer == "1001")
        heard = f"Variable: CALLCENTER_LISTEN={spied.uniqueid}"
        where = {"Context": "callcenter-listen", "Exten": "4", "Priority": 1, "Async": "true"}
        await ami.ask("Originate", heard, Channel="PJSIP/1003", ChannelId=spy, Timeout=20000, **where)
        await ami.message(Event="Newstate", Uniqueid=spy, ChannelStateDesc="Ringing")
        await board.answer("1003")
        begun = await ami.message(Event="ChanSpyStart", SpyerUniqueid=spy, SpyerExten="4")
        assert begun["SpyeeUniqueid"] == spied.uniqueid
        own = begun["SpyerChannel"]
        if take:
            await ami.ask("Bridge", Channel1=mine["Channel"], Channel2=own, Tone="no")
            await ami.message(Event="BridgeEnter", Uniqueid=spy)
        else:
            for mode in "56":
                await ami.ask("Redirect", Channel=own, Context="callcenter-listen", Exten=mode, Priority=1)
                await ami.message(Event="ChanSpyStart", SpyerUniqueid=spy, SpyerExten=mode)
            await ami.ask("PlayDTMF", Channel=own, Digit="4", Receive="true")
            await ami.message(Event="ChanSpyStop", SpyerUniqueid=spy, SpyerExten="6")
            while len([m for m in ami.events("ChanSpyStart") if m["SpyerExten"] == "4"]) < 2:
                await ami.ask("Ping")
            await board.hang_up("1003")
            await ami.message(Event="Hangup", Uniqueid=spy)
        await ami.ask("Hangup", Channel=call.uniqueid)
        await ami.message(Event="Hangup", Uniqueid=call.uniqueid)
        await ami.message(Event="Hangup", Uniqueid=spy)
        assert life(ami.messages, spy) == life(real, spy)
