"""What the acts on a live call use: keys of features.conf, and the contexts of recording and of hold. Pure.

In:      `PbxFacts`
Out:     findings; nothing where it can not be seen
"""

from collections.abc import Iterator, Mapping

from callcenter.call.voices import HOLD_CONTEXT
from callcenter.consult import HOLD
from callcenter.control.ear import CONTEXT as LISTEN_CONTEXT
from callcenter.control.ear import KEYS as LISTEN_KEYS
from callcenter.control.hearing import FEATURE, KEY
from callcenter.control.transfers import CONFERENCE_KEYS, SWAP_KEYS
from callcenter.doctor import places
from callcenter.doctor.finding import Finding, Fix, Verdict
from callcenter.doctor.pbx_facts import Flavour, PbxFacts
from crm_core.listening import Mode

RECORD_CONTEXT = "callcenter-record"  # of our dialplan
LISTEN_KEY = LISTEN_KEYS[Mode.LISTEN]
EXTENSIONS = (
    (RECORD_CONTEXT, "s"),
    (RECORD_CONTEXT, "anew"),
    (HOLD_CONTEXT, HOLD),
    (LISTEN_CONTEXT, LISTEN_KEY),
)
# what must be set -> where, an example, and what is lost; None: any keys will do
KEYS: Mapping[str, tuple[str, str | None, str]] = {
    "atxfer": ("featuremap", None, "hold, asking a colleague and transferring after that"),
    "atxferabort": ("general", None, "taking the customer back"),
    "atxferswap": ("general", SWAP_KEYS, "changing between customer and colleague"),
    "atxferthreeway": ("general", CONFERENCE_KEYS, "talking all three"),
}
USUAL = {"atxfer": "*2", "atxferabort": "*1"}
RELOAD = 'asterisk -rx "module reload features"'


def recording(f: PbxFacts) -> Finding | None:
    """Does the dialplan record each side for itself?"""
    there = f.extensions.get((RECORD_CONTEXT, "s"))
    if there is None:
        return None
    if there:
        return _say(
            f,
            RECORD_CONTEXT,
            Verdict.GOOD,
            f"The dialplan has [{RECORD_CONTEXT}]: each side is recorded for itself.",
        )
    said = (
        f"The dialplan has no [{RECORD_CONTEXT}]: what it records otherwise is one mixed file, transcribed without "
        "saying who spoke."
    )
    fix = places.dialplan(f, f"Add the context [{RECORD_CONTEXT}], and call it where calls are answered.")
    return _say(f, RECORD_CONTEXT, Verdict.CARE, said, fix)


def recording_anew(f: PbxFacts) -> Finding | None:
    """Is the next colleague heard in a recording that runs?"""
    if f.extensions.get((RECORD_CONTEXT, "s")) is not True:
        return None
    if f.extensions.get((RECORD_CONTEXT, "anew")) is False:
        said = (
            f"[{RECORD_CONTEXT}] has no `anew`: who gets a transferred call can be silent in its recording."
        )
        return _say(f, FEATURE, Verdict.CARE, said, places.dialplan(f, f"Replace [{RECORD_CONTEXT}]."))
    if f.application_map is None:
        said = f"Whether features.conf has {FEATURE} can not be seen (needs the write class system)."
        return _say(f, FEATURE, Verdict.UNSEEN, said, _application_map(f))
    if FEATURE in f.application_map:
        return _say(f, FEATURE, Verdict.GOOD, "Recordings are begun anew when somebody else comes to talk.")
    said = f"features.conf has no {FEATURE}: who gets a transferred call can be silent in its recording."
    return _say(f, FEATURE, Verdict.CARE, said, _application_map(f))


def _application_map(f: PbxFacts) -> Fix:
    free = f.flavour is Flavour.FREEPBX
    line = f'{FEATURE} => {KEY},self,Gosub,"{RECORD_CONTEXT},anew,1"'
    return Fix(
        do="Let Callcenter begin a recording anew.",
        file=f"/etc/asterisk/{'features_applicationmap_custom.conf' if free else 'features.conf'}",
        lines=(line,) if free else ("[applicationmap]", line),
        then=RELOAD,
    )


def hold(f: PbxFacts) -> Finding | None:
    """Can a customer be put on hold from the card?"""
    there = f.extensions.get((HOLD_CONTEXT, HOLD))
    if there is None:
        return None
    if there:
        return _say(f, "hold", Verdict.GOOD, "A customer can be put on hold from the card.")
    fix = Fix(
        do="Add the context; asterisk/conf/extensions.conf has it with what happens when the operator hangs up.",
        file=f"/etc/asterisk/{'extensions_custom.conf' if f.flavour is Flavour.FREEPBX else 'extensions.conf'}",
        lines=(f"[{HOLD_CONTEXT}]", f"exten => {HOLD},1,Answer()", " same => n,Wait(3600)"),
        then=places.DIALPLAN_RELOAD,
    )
    said = f"There is no extension {HOLD}@{HOLD_CONTEXT}: nobody can be put on hold from the card."
    return _say(f, "hold", Verdict.CARE, said, fix)


def listening(f: PbxFacts) -> Finding | None:
    """Can a supervisor listen to a call?"""
    there = f.extensions.get((LISTEN_CONTEXT, LISTEN_KEY))
    if there is None:
        return None
    if there:
        return _say(
            f, "listening", Verdict.GOOD, "Supervisors can listen to calls, whisper and speak with both."
        )
    said = f"The dialplan has no [{LISTEN_CONTEXT}]: nobody can listen to a call."
    return _say(
        f, "listening", Verdict.CARE, said, places.dialplan(f, f"Add the context [{LISTEN_CONTEXT}].")
    )


def keys(f: PbxFacts) -> Iterator[Finding]:
    """Are the keys set that Asterisk's attended transfer is worked with?"""
    if f.features is None:
        return
    wrong = [
        (name, section, wanted or USUAL[name], loss)
        for name, (section, wanted, loss) in KEYS.items()
        if not f.features.get(name) or wanted not in (None, f.features[name])
    ]
    for name, section, wanted, loss in wrong:
        now = f.features.get(name)
        said = f"features.conf: {name} is {now or 'not set'}; without {wanted} {loss} does not work from the card."
        free = f.flavour is Flavour.FREEPBX
        fix = Fix(
            do="Set it. Dial and Queue need their options t and T besides.",
            file=f"/etc/asterisk/{f'features_{section}_custom.conf' if free else 'features.conf'}",
            lines=(f"{name} => {wanted}",) if free else (f"[{section}]", f"{name} => {wanted}"),
            then=RELOAD,
        )
        yield _say(f, name, Verdict.CARE, said, fix)
    if not wrong:
        yield _say(
            f,
            "transfer keys",
            Verdict.GOOD,
            "The keys of attended transfer are as call control presses them.",
        )


CONTROL = (recording, recording_anew, hold, listening, keys)


def _say(f: PbxFacts, check: str, verdict: Verdict, says: str, fix: Fix | None = None) -> Finding:
    return Finding(about=f.about, check=check, verdict=verdict, says=says, fix=fix)
