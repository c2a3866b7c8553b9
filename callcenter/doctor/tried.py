"""One call that was made to try things: what was recognised of it, and what was not. Pure.

In:      the call's row as its page shows it, its sound and text, to whom its card went
Out:     findings, in the order in which a call happens; what may still come is UNSEEN
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcenter.doctor.finding import Finding, Fix, Verdict
from crm_core.call import Direction, Result
from crm_core.read.one_call import CallPage
from crm_core.read.sound import Sound
from crm_core.recording import RecordingState, TranscriptState

SETTLED = timedelta(seconds=90)  # by then a file has been found or is missing
SLOW_POP_S = 1.0
NUMBERS = "callcenter.toml: number_rules of this switchboard"


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A card that went to somebody."""

    name: str
    rang_at: datetime | None
    sent_at: datetime | None
    shown_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Tried:
    """All that is known of one call at this moment."""

    call: CallPage
    sound: Sound
    pops: Sequence[Delivered]
    now: datetime

    @property
    def over(self) -> bool:
        return self.call.ended_at is not None

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.call.ended_at is not None and self.now > self.call.ended_at + SETTLED


def review(t: Tried) -> list[Finding]:
    """Say of each thing whether it was recognised."""
    return [
        finding
        for check in (_direction, _number, _line, _queue, _phones, _card, _talk, _sound, _text)
        for finding in check(t)
    ]


def _direction(t: Tried) -> Iterator[Finding]:
    call = t.call
    if call.direction == Direction.INTERNAL:
        do = (
            "If it came from outside or went there, the trunk's name is taken for a phone: narrow `extensions` "
            "or set `trunks` of this switchboard."
        )
        fix = Fix(do=do, file="callcenter.toml", lines=("[[pbx]]", "trunks = 'name of the trunk'"))
        yield _say("direction", Verdict.CARE, "Seen as internal: both ends are phones of ours.", fix)
        return
    words = "from outside" if call.direction == Direction.INBOUND else "to the outside"
    how = ", at a click" if call.click_to_call else ""
    yield _say("direction", Verdict.GOOD, f"Seen as a call {words}{how}.")


def _number(t: Tried) -> Iterator[Finding]:
    call = t.call
    if call.direction == Direction.INTERNAL:
        return
    if call.remote_e164:
        said = f"The number {call.remote_raw} is understood as {call.remote_e164}."
        yield _say(
            "number", Verdict.GOOD, said if call.customer is None else f"{said} It is {call.customer}'s."
        )
    elif call.remote_raw:
        do = "If it is a customer's number, say how this trunk spells numbers."
        fix = Fix(
            do=do, file=NUMBERS, lines=(r"number_rules = [{ pattern = '8(\d{10})', replace = '+7\1' }]",)
        )
        yield _say("number", Verdict.CARE, f"{call.remote_raw} is not understood as a telephone number.", fix)
    else:
        do = (
            "If your telephone does show its number, the provider sends it elsewhere: pjsip `trust_id_inbound = yes` "
            "reads P-Asserted-Identity."
        )
        fix = Fix(do=do, file="/etc/asterisk/pjsip.conf", lines=("trust_id_inbound = yes",))
        yield _say("number", Verdict.CARE, "No number came with the call, or it was withheld.", fix)


def _line(t: Tried) -> Iterator[Finding]:
    call = t.call
    if call.direction != Direction.INBOUND:
        return
    if call.line is None:
        do = "Let the dialplan say which number was dialled, and the account read the class dialplan."
        fix = Fix(do=do, file="/etc/asterisk/extensions.conf", lines=("Set(__FROM_DID=${EXTEN})",))
        yield _say("line", Verdict.CARE, "The number that was dialled is not known.", fix)
    elif call.line_name is None:
        then = f'callcenter shop line PREFIX {call.line} --name "Shop" --pbx {call.pbx}'
        fix = Fix(do="Say which shop it belongs to.", then=then)
        yield _say("line", Verdict.CARE, f"{call.line} was dialled, which is not in our table of lines.", fix)
    else:
        yield _say("line", Verdict.GOOD, f"{call.line} was dialled: {call.line_name}.")


def _queue(t: Tried) -> Iterator[Finding]:
    if t.call.queue:
        waited = f" and waited {t.call.wait_s:.0f} s" if t.call.answered_at or t.over else ""
        yield _say("queue", Verdict.GOOD, f"It came through the queue {t.call.queue}{waited}.")
    elif t.call.direction == Direction.INBOUND:
        do = "If it went through a queue, the account does not read the class agent."
        yield _say("queue", Verdict.UNSEEN, "No queue was seen.", Fix(do=do))


def _phones(t: Tried) -> Iterator[Finding]:
    strangers = sorted({leg.extension for leg in t.call.legs if leg.extension and leg.user is None})
    known = [f"{leg.extension} ({leg.user})" for leg in t.call.legs if leg.user is not None]
    if known:
        yield _say("phones", Verdict.GOOD, f"Phones of operators: {', '.join(dict.fromkeys(known))}.")
    if strangers:
        fix = Fix(do="Give them to somebody on the page Users.")
        yield _say("strangers", Verdict.CARE, f"Phones that belong to nobody: {', '.join(strangers)}.", fix)
    if not known and not strangers and t.over:
        do = (
            "Either no phone rang, or phones have names that `extensions` of this switchboard does not match."
        )
        yield _say("phones", Verdict.BAD, "No phone of ours was seen in the call.", Fix(do=do))


def _card(t: Tried) -> Iterator[Finding]:
    if t.call.direction == Direction.INTERNAL or not any(leg.user for leg in t.call.legs):
        return
    if not t.pops:
        verdict = Verdict.BAD if t.over else Verdict.UNSEEN
        fix = Fix(do="Sign in as that operator in a browser, and look whether the page says Offline.")
        yield _say("card", verdict, "No card went to anybody's browser.", fix)
    for pop in t.pops:
        if pop.shown_at is None:
            fix = Fix(do="Nobody was signed in there, or /push does not reach the push server.")
            yield _say("card", Verdict.CARE, f"The card for {pop.name} was not shown by a browser.", fix)
            continue
        late = (pop.shown_at - pop.rang_at).total_seconds() if pop.rang_at else None
        said = f"{pop.name}'s browser showed the card"
        if late is None or late <= SLOW_POP_S:
            after = f" {late * 1000:.0f} ms after the ring" if late is not None and late >= 0 else ""
            yield _say("card", Verdict.GOOD, f"{said}{after}.")
        else:
            fix = Fix(do="Compare the clocks above; then look at the distance to the switchboard.")
            yield _say("card", Verdict.CARE, f"{said} only {late:.1f} s after the ring.", fix)


def _talk(t: Tried) -> Iterator[Finding]:
    call = t.call
    if call.answered_at is not None:
        who = call.operator or call.operator_extension or "somebody"
        length = f" for {call.talk_s:.0f} s" if t.over else ""
        yield _say("talk", Verdict.GOOD, f"{who} talked{length}.")
    elif t.over:
        reason = f" ({call.ended_reason})" if call.ended_reason else ""
        result = (call.result or "unknown").replace("_", " ")
        yield _say("talk", Verdict.UNSEEN, f"Nobody talked: {result}{reason}. Answer the next one.")


def _sound(t: Tried) -> Iterator[Finding]:
    if t.call.result != Result.ANSWERED or not t.over:
        return
    ready = [track for track in t.sound.tracks if track.state == RecordingState.READY]
    broken = [track for track in t.sound.tracks if track.error]
    sides = {track.side for track in ready}
    if broken and not ready:
        yield _say("recording", Verdict.BAD, f"The recording can not be used: {broken[0].error}.")
    elif not ready:
        fix = Fix(
            do="Let the dialplan record, into the folder we read; the text is printed by: "
            "callcenter doctor --snippets asterisk"
        )
        verdict = Verdict.BAD if t.settled else Verdict.UNSEEN
        yield _say(
            "recording", verdict, "No recording is found." if t.settled else "The recording is awaited.", fix
        )
    elif sides & {"stereo", "agent"}:
        yield _say("recording", Verdict.GOOD, f"Recorded, both sides apart: {ready[0].path}.")
    else:
        fix = Fix(
            do="Record each direction into a file of its own.",
            file="/etc/asterisk/extensions.conf",
            lines=("MixMonitor(${FILE}.wav,bSr(${FILE}-caller.wav)t(${FILE}-agent.wav))",),
            then='asterisk -rx "dialplan reload"',
        )
        yield _say("recording", Verdict.CARE, f"Recorded, both sides in one: {ready[0].path}.", fix)


def _text(t: Tried) -> Iterator[Finding]:
    if t.call.result != Result.ANSWERED or not t.over or not t.sound.tracks:
        return
    text = t.sound.text
    match text.state:
        case TranscriptState.READY if text.phrases:
            said = f"Written: “{text.phrases[0].text}” and so on ({text.language or text.model})."
            yield _say("text", Verdict.GOOD, said)
        case TranscriptState.READY | TranscriptState.EMPTY:
            yield _say(
                "text", Verdict.CARE, "No word was understood. Speak, and look at the language of the model."
            )
        case TranscriptState.FAILED | TranscriptState.NO_MODEL:
            yield _say(
                "text", Verdict.BAD, f"No text could be made: {text.error or 'there is no speech model'}."
            )
        case _:
            yield _say("text", Verdict.UNSEEN, "The text is awaited.")


def _say(check: str, verdict: Verdict, says: str, fix: Fix | None = None) -> Finding:
    return Finding(about="this call", check=check, verdict=verdict, says=says, fix=fix)
