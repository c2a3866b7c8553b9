"""Phones, queues, lines and contexts: does what the PBX has fit what our tables say? Pure.

In:      `PbxFacts` of one switchboard, `People`: operators' phones, lines, and what calls of late have used
Out:     findings
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from callcenter.doctor import places
from callcenter.doctor.finding import Finding, Fix, Verdict
from callcenter.doctor.pbx_facts import PbxFacts

INVALID = "4"  # AST_DEVICE_INVALID: no channel driver knows the device
ASLEEP = frozenset({"unavailable", "unknown", "invalid"})
WANTED_MODULES: Mapping[str, tuple[Verdict, str]] = {
    "app_queue": (Verdict.CARE, "there are no queues"),
    "app_mixmonitor": (Verdict.BAD, "nothing is recorded"),
    "res_parking": (Verdict.CARE, "calls can not be parked from the card"),
    "pbx_config": (Verdict.CARE, "extensions.conf is not read"),
}
AT_MOST = 6  # names in one sentence


@dataclass(frozen=True, kw_only=True)
class People:
    """What our database says about one switchboard."""

    phones: Mapping[str, str] = field(default_factory=dict)  # extension -> operator
    lines: frozenset[str] = frozenset()  # as the PBX names them, aliases too
    stray_lines: Mapping[str, int] = field(default_factory=dict)  # dialled of late, not in our table -> calls
    stray_phones: Mapping[str, int] = field(default_factory=dict)  # talked of late, nobody's -> calls


def context(f: PbxFacts, p: People) -> Finding:
    """Does the context of click-to-call take a number?"""
    name, check = f.dialplan.context, "click-to-call"
    snippet = places.dialplan(
        f, f"Add the context [{name}], or name another one as `context` in our settings."
    )
    if f.context_dials:
        return _say(f, check, Verdict.GOOD, f"Click-to-call dials in [{name}]; {f.sample} is taken there.")
    if f.context_exists is False:
        return _say(
            f,
            check,
            Verdict.BAD,
            f"There is no context [{name}]: click-to-call rings the operator and fails.",
            snippet,
        )
    if f.context_dials is False:
        said = f"[{name}] has no extension for {f.sample}: click-to-call rings the operator and fails."
        return _say(f, check, Verdict.BAD, said, snippet)
    said = f"Whether [{name}] exists can not be seen (needs the write class reporting or call)."
    return _say(f, check, Verdict.UNSEEN, said, snippet)


def own_phones(f: PbxFacts, p: People) -> Iterator[Finding]:
    """Does every operator's phone exist, and is it there?"""
    if not p.phones:
        do = "Give each operator his extension on the page Users, or on the command line."
        fix = Fix(do=do, then="callcenter user add anna --name Anna --extension 1001")
        yield _say(
            f,
            "operators",
            Verdict.BAD,
            "No operator has a telephone at this switchboard: no card will appear.",
            fix,
        )
        return
    if f.interfaces is None:
        said = "The list of phones can not be seen (write class system, or reporting for device states)."
        yield _say(f, "phones", Verdict.UNSEEN, said)
        return
    known = {extension: state for extension, state in _by_extension(f) if extension is not None}
    missing = [f"{extension} ({name})" for extension, name in p.phones.items() if extension not in known]
    asleep = [f"{ext} ({p.phones[ext]})" for ext in p.phones if known.get(ext, "").lower() in ASLEEP]
    if missing:
        dialled = f.dialplan.channel.format(extension=next(e for e in p.phones if e not in known))
        do = (
            "Correct the extension on the page Users, create the endpoint at the PBX, or, when phones are named "
            "otherwise there, set `extensions` and `channel` of this switchboard."
        )
        fix = places.setting(do, "[[pbx]]", "extensions = '\\d{4}'", f'channel = "{f.dialplan.channel}"')
        said = f"Phones of operators that the switchboard does not have: {_some(missing)} (we would dial {dialled})."
        yield _say(f, "phones", Verdict.BAD, said, fix)
    if asleep:
        fix = Fix(
            do="Switch them on, or look at why they do not register.",
            then='asterisk -rx "pjsip show contacts"',
        )
        yield _say(f, "registered", Verdict.CARE, f"Not registered now: {_some(asleep)}.", fix)
    if not missing and not asleep:
        yield _say(
            f, "phones", Verdict.GOOD, f"All {len(p.phones)} phones of operators exist and are registered."
        )


def strange_phones(f: PbxFacts, p: People) -> Iterator[Finding]:
    """Does anybody sit at a phone that our tables do not know?"""
    if f.interfaces is not None:
        found = [extension for extension, _ in _by_extension(f) if extension is not None]
        if not found and f.interfaces:
            names = _some(f.interfaces)
            fix = places.setting(
                "Say which names are phones.", "[[pbx]]", "extensions = 'a pattern for their names'"
            )
            said = (
                f"No endpoint looks like a phone of ours ({names}): all calls would seem to be from outside."
            )
            yield _say(f, "extensions", Verdict.BAD, said, fix)
    stray = {ext: n for ext, n in p.stray_phones.items() if ext not in p.phones}
    if stray:
        listed = _some(f"{ext} ({n} calls)" for ext, n in stray.items())
        fix = Fix(
            do="Give them to somebody on the page Users.",
            then=f"callcenter user add LOGIN --extension {next(iter(stray))}",
        )
        yield _say(
            f,
            "nobody's phones",
            Verdict.CARE,
            f"Took part in calls of late and belong to nobody: {listed}.",
            fix,
        )


def trunks(f: PbxFacts, p: People) -> Finding | None:
    """Which endpoints do we take for the outside world?"""
    if f.interfaces is None:
        return None
    outside = [name for name in f.interfaces if f.extension_of(name) is None]
    if not outside:
        said = "No endpoint is taken for a trunk: calls from outside would seem internal."
        fix = places.setting(
            "Narrow the pattern of our phones.",
            "[[pbx]]",
            "extensions = '\\d{3,4}'",
            "trunks = 'name of the trunk'",
        )
        return _say(f, "trunks", Verdict.CARE, said, fix)
    return _say(f, "trunks", Verdict.GOOD, f"Taken for the outside world: {_some(outside)}.")


def queues(f: PbxFacts, p: People) -> Iterator[Finding]:
    """Are the operators in queues, and only they?"""
    if f.queues is None:
        yield _say(f, "queues", Verdict.UNSEEN, "Queues can not be seen.")
        return
    if not f.queues:
        yield _say(
            f,
            "queues",
            Verdict.CARE,
            "The switchboard has no queue: calls are only shown where one phone is dialled.",
        )
        return
    members = [(member, f.extension_of(member.interface)) for member in f.members]
    wrong = [f"{m.interface} in {m.queue}" for m, _ in members if m.state == INVALID]
    if wrong:
        fix = Fix(
            do="Correct the member's interface.",
            file="/etc/asterisk/queues.conf",
            lines=("member => PJSIP/1001,0,Anna",),
            then='asterisk -rx "queue reload all"',
        )
        yield _say(
            f, "queue members", Verdict.BAD, f"Members whose device does not exist: {_some(wrong)}.", fix
        )
    strangers = sorted({extension or m.interface for m, extension in members if extension not in p.phones})
    if strangers:
        fix = Fix(do="Give these extensions to operators on the page Users.")
        yield _say(
            f, "strangers in queues", Verdict.CARE, f"In queues, but nobody's phone: {_some(strangers)}.", fix
        )
    outside = sorted(set(p.phones) - {extension for _, extension in members})
    if outside:
        listed = _some(f"{ext} ({p.phones[ext]})" for ext in outside)
        said = f"In no queue now: {listed}; only calls straight to them will ring."
        yield _say(
            f,
            "outside queues",
            Verdict.CARE,
            said,
            Fix(do="Let them log in to their queues on the desk, or add them at the PBX."),
        )
    if not wrong and not strangers and not outside:
        yield _say(f, "queues", Verdict.GOOD, f"{len(f.queues)} queues; every member is an operator of ours.")


def lines(f: PbxFacts, p: People) -> Iterator[Finding]:
    """Are the numbers that people dial in our table?"""
    if p.stray_lines:
        listed = _some(f"{number} ({n} calls)" for number, n in p.stray_lines.items())
        number = next(iter(p.stray_lines))
        fix = Fix(
            do="Say which shop each belongs to.",
            then=f'callcenter shop line PREFIX {number} --name "Shop" --pbx {f.pbx}',
        )
        yield _say(
            f, "lines", Verdict.CARE, f"Dialled of late, but not in our table of lines: {listed}.", fix
        )
    elif not p.lines:
        fix = Fix(
            do="Add the numbers people dial.",
            then=f'callcenter shop line PREFIX NUMBER --name "Shop" --pbx {f.pbx}',
        )
        yield _say(f, "lines", Verdict.CARE, "No line is known: cards can not say which shop is called.", fix)
    else:
        yield _say(f, "lines", Verdict.GOOD, f"{len(p.lines)} numbers people dial are known.")


def modules(f: PbxFacts, p: People) -> Iterator[Finding]:
    """Is everything loaded that calls need?"""
    for name, (verdict, loss) in WANTED_MODULES.items():
        if f.modules is not None and f.modules.get(name) is False:
            fix = Fix(
                do="Load it.",
                file="/etc/asterisk/modules.conf",
                lines=("[modules]", f"load = {name}.so"),
                then=f'asterisk -rx "module load {name}.so"',
            )
            yield _say(f, name, verdict, f"The module {name} is not loaded: {loss}.", fix)


def parking(f: PbxFacts, p: People) -> Finding | None:
    """Is there a place to park a call?"""
    if f.parking is None:
        return None
    if f.parking:
        return _say(f, "parking", Verdict.GOOD, f"Calls can be parked in: {_some(f.parking)}.")
    fix = Fix(
        do="Make a parking lot.",
        file="/etc/asterisk/res_parking.conf",
        lines=("[default]", "parkext => 700", "parkpos => 701-720", "context => parkedcalls"),
        then='asterisk -rx "module reload res_parking.so"',
    )
    return _say(
        f, "parking", Verdict.CARE, "There is no parking lot: calls can not be parked from the card.", fix
    )


Check = Callable[[PbxFacts, People], Finding | Iterator[Finding] | None]
FLOOR: tuple[Check, ...] = (context, own_phones, strange_phones, trunks, queues, lines, modules, parking)
ALONE: tuple[Check, ...] = (context, trunks, modules, parking)  # those that need no tables of ours


def _by_extension(f: PbxFacts) -> Iterator[tuple[str | None, str]]:
    return ((f.extension_of(name), state) for name, state in (f.interfaces or {}).items())


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - AT_MOST} more" if len(listed) > AT_MOST else ""
    return ", ".join(listed[:AT_MOST]) + more


def _say(f: PbxFacts, check: str, verdict: Verdict, says: str, fix: Fix | None = None) -> Finding:
    return Finding(about=f.about, check=check, verdict=verdict, says=says, fix=fix)
