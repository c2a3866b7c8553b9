"""The manager interface: reached, let in, allowed to hear and to act, telling the time. Pure.

In:      `PbxFacts`
Out:     a `Finding` for each thing looked at; None where the question does not arise
Source:  Asterisk documentation, manager.conf, AMI events and actions by class, versions 16 to 22
"""

from collections.abc import Callable, Iterator

from callcenter.doctor import places
from callcenter.doctor.finding import Finding, Fix, Verdict
from callcenter.doctor.pbx_facts import PbxFacts, Reach

READS = "system,call,agent,user,cdr,dialplan"
WRITES = "call,agent,originate,reporting"
WRITE_TIMEOUT_MS = 5000
LEAST_WRITE_TIMEOUT_MS = 1000
SKEW_CARE_S, SKEW_BAD_S = 1.0, 5.0
SLOW_S = 0.25

# What is lost without a class, and whether there is any use without it.
LOST_WITHOUT: dict[str, tuple[Verdict, str]] = {
    "call": (Verdict.BAD, "no call is seen at all (Newchannel, Dial…, Bridge…, Hangup)"),
    "agent": (
        Verdict.BAD,
        "no queue is seen: who waits, whose phone the queue rings, pauses, abandoned calls",
    ),
    "dialplan": (
        Verdict.CARE,
        "VarSet and Newexten are missing: names of recordings (they are searched by uniqueid instead), "
        "the line dialled behind a menu, withheld numbers, queues that refused a caller",
    ),
    "system": (
        Verdict.CARE,
        "FullyBooted, Shutdown and registrations are missing: a restart is noticed only by comparing lists",
    ),
}
LOST_BESIDES: dict[str, tuple[Verdict, str]] = {
    "user": (Verdict.CARE, "votes that customers give by the keys of their telephone"),
}
NEEDLESS = {
    "all": "everything, also what nobody needs",
    "reporting": "a quality report every five seconds for each leg",
    "security": "a message for every sign-in of anybody",
    "command": "output of other people's commands",
    "config": "changes of configuration",
    "verbose": "the console's text",
    "log": "the log",
}
NEEDED_TO: dict[str, tuple[Verdict, str]] = {
    "originate": (Verdict.BAD, "click-to-call is refused"),
    "call": (Verdict.BAD, "hanging up, transferring and pausing a recording from the card are refused"),
    "reporting": (
        Verdict.BAD,
        "the list of live channels is refused: calls that go on over a lost link can not be taken up",
    ),
    "agent": (Verdict.CARE, "operators can not enter, leave or pause their queues from the desk"),
}

UNREACHED: dict[Reach, tuple[str, str]] = {
    Reach.NO_NAME: ("The name {host} is unknown here ({detail}).", "name"),
    Reach.CLOSED: ("Nothing accepts a connection at {host}:{port} ({detail}).", "listen"),
    Reach.SILENT: ("{host}:{port} does not answer ({detail}).", "firewall"),
    Reach.LOST: ("{host}:{port} hangs up at once ({detail}).", "firewall"),
    Reach.TLS: ("TLS with {host}:{port} fails: {detail}.", "tls"),
    Reach.FOREIGN: ("What listens at {host}:{port} {detail}.", "foreign"),
    Reach.REFUSED: (
        "The switchboard refuses our login as {username}: wrong secret, or our address is not permitted.",
        "login",
    ),
}


def reached(f: PbxFacts) -> Finding:
    """Can we talk to it at all?"""
    if f.reach is Reach.CONNECTED:
        who = f.version or "an Asterisk that does not say its version"
        return _say(
            f, "reached", Verdict.GOOD, f"{who} lets us in at {f.host}:{f.port} (AMI {f.ami_version})."
        )
    text, way = UNREACHED[f.reach]
    said = text.format(host=f.host, port=f.port, detail=f.detail, username=f.username)
    return _say(f, "reached", Verdict.BAD, said, _way_in(f, way))


def _way_in(f: PbxFacts, way: str) -> Fix:
    match way:
        case "name":
            return places.setting("Correct the host.", 'AMI_HOST = "address or name of the switchboard"')
        case "listen":
            bind = "127.0.0.1" if f.host in ("127.0.0.1", "localhost", "::1") else "0.0.0.0"
            do = "Start Asterisk, and let its manager listen; or correct CALLCENTER_AMI_HOST and AMI_PORT."
            return places.general(f, do, "enabled = yes", f"bindaddr = {bind}", f"port = {f.port}")
        case "firewall":
            return Fix(
                do=f"Let this machine{_from(f)} through the firewall of the switchboard to TCP port {f.port}.",
                then=f"try from here: nc -vz {f.host} {f.port}",
            )
        case "tls":
            return places.setting(
                "Give the PBX a certificate for this name that this machine trusts, or do without TLS "
                "inside a private network.",
                "tls = false",
            )
        case "foreign":
            do = "Correct host and port; Asterisk 12 or newer is needed (AMI 2 and later)."
            return places.setting(do, f'AMI_HOST = "{f.host}"', "AMI_PORT = 5038")
    network = f"permit = {f.our_address or 'OUR.ADDRESS'}/255.255.255.255"
    do = (
        "Make name and secret the same on both sides and permit our address. Which of them it is stands in the "
        "PBX's log: 'failed to authenticate' is the secret, 'failed to pass IP ACL' the address."
    )
    return places.account(
        f, do, "secret = the text of CALLCENTER_AMI_SECRET", "deny = 0.0.0.0/0.0.0.0", network
    )


def _from(f: PbxFacts) -> str:
    return f" ({f.our_address})" if f.our_address else ""


def hears(f: PbxFacts) -> Iterator[Finding]:
    """Which events reach us?"""
    unknown = [name for name in LOST_WITHOUT if f.may_read(name) is None]
    lost_without = LOST_WITHOUT | LOST_BESIDES
    missing = [name for name in lost_without if f.may_read(name) is False]
    fix = places.account(f, "Let the account read these classes.", f"read = {READS}")
    if missing:
        lost = "; ".join(f"{name}: {lost_without[name][1]}" for name in missing)
        yield _say(
            f, "read", _worst(missing, lost_without), f"Events do not reach us of the class {lost}.", fix
        )
    if stale := [name for name in missing if f.reads is not None and name in f.reads]:
        said = f"manager.conf allows {', '.join(stale)}, but that is not loaded yet."
        yield _say(f, "read not loaded", Verdict.CARE, said, Fix(do="Load it.", then=places.MANAGER_RELOAD))
    if not missing and not unknown:
        yield _say(f, "read", Verdict.GOOD, "Every class of events that is needed reaches us.")
    if unknown:
        listed = ", ".join(unknown)
        said = f"Whether events of the classes {listed} reach us can not be seen before there is a call."
        do = "Make the test calls below, or let the account look at its own section (write class system)."
        yield _say(f, "read unseen", Verdict.UNSEEN, said, Fix(do=do))


def hears_too_much(f: PbxFacts) -> Finding | None:
    """Noise costs both sides work, and a stranger with our secret would learn more than he must."""
    extra = [name for name in NEEDLESS if f.reads is not None and name in f.reads]
    if not extra:
        return None
    said = "; ".join(f"{name} ({NEEDLESS[name]})" for name in extra)
    fix = places.account(f, "Leave out what is not needed.", f"read = {READS}")
    return _say(f, "read too much", Verdict.CARE, f"The account hears more than it needs: {said}.", fix)


def acts(f: PbxFacts) -> Iterator[Finding]:
    """Which actions are allowed?"""
    if f.writes is None:
        yield _say(
            f, "write", Verdict.UNSEEN, "What the account may do can not be seen (ListCommands refused)."
        )
        return
    missing = [name for name in NEEDED_TO if not f.may_write(name)]
    if missing:
        lost = "; ".join(f"{name}: {NEEDED_TO[name][1]}" for name in missing)
        fix = places.account(f, "Allow the account these actions.", f"write = {WRITES}")
        yield _say(
            f, "write", _worst(missing, NEEDED_TO), f"Actions are not allowed of the class {lost}.", fix
        )
    if not missing:
        yield _say(f, "write", Verdict.GOOD, "Every action that is needed is allowed.")


def acts_too_much(f: PbxFacts) -> Finding | None:
    """`command` and `config` make the account as good as root."""
    extra = [name for name in ("command", "config") if f.may_write(name)]
    if not extra:
        return None
    fix = places.account(f, "Leave them out: nothing here uses them.", f"write = {WRITES}")
    said = (
        f"The account may do more than it needs: {' and '.join(extra)} let it run what it likes on the PBX."
    )
    return _say(f, "write too much", Verdict.CARE, said, fix)


def stamps(f: PbxFacts) -> Finding:
    """Do events say when they happened?"""
    if f.stamped is None:
        do = "Make the test calls; to be sure, write it now."
        fix = places.general(f, do, "timestampevents = yes")
        said = "Whether events carry their instant can not be seen: none came during the visit."
        return _say(f, "timestampevents", Verdict.UNSEEN, said, fix)
    if f.stamped:
        return _say(f, "timestampevents", Verdict.GOOD, "Events carry the instant of the switchboard.")
    fix = places.general(f, "Let every event say when it happened.", "timestampevents = yes")
    said = "Events do not say when they happened: waits and talks are measured by arrival, wrong under load."
    return _say(f, "timestampevents", Verdict.BAD, said, fix)


def patience(f: PbxFacts) -> Finding | None:
    """How long does Asterisk wait before it cuts off a reader?"""
    fix = places.account(f, "Give the connection time in a burst.", f"writetimeout = {WRITE_TIMEOUT_MS}")
    if not f.config_seen:
        said = "writetimeout can not be seen with these rights; the default of 100 ms cuts links in bursts."
        return _say(f, "writetimeout", Verdict.UNSEEN, said, fix)
    if f.writetimeout_ms is None:
        said = "writetimeout is not set: after 100 ms of a burst Asterisk cuts the link."
        return _say(f, "writetimeout", Verdict.CARE, said, fix)
    if f.writetimeout_ms < LEAST_WRITE_TIMEOUT_MS:
        said = f"writetimeout is {f.writetimeout_ms} ms: a burst of events can cut the link."
        return _say(f, "writetimeout", Verdict.CARE, said, fix)
    return _say(f, "writetimeout", Verdict.GOOD, f"Asterisk waits {f.writetimeout_ms} ms for a slow reader.")


def clock(f: PbxFacts) -> Finding:
    """Do its clock and ours agree?"""
    if f.skew_s is None:
        return _say(f, "clock", Verdict.UNSEEN, "The switchboard did not tell its time.")
    ahead = "ahead of" if f.skew_s > 0 else "behind"
    said = f"The switchboard's clock is {abs(f.skew_s):.1f} s {ahead} ours"
    if abs(f.skew_s) < SKEW_CARE_S:
        return _say(f, "clock", Verdict.GOOD, f"Its clock agrees with ours ({f.skew_s * 1000:+.0f} ms).")
    bad = abs(f.skew_s) >= SKEW_BAD_S
    loss = (
        "calls seem to wait in the past or future, recordings are looked for on the wrong day" if bad else ""
    )
    fix = Fix(
        do="Keep both machines on network time.",
        then="timedatectl set-ntp true   (on both; check: chronyc tracking)",
    )
    verdict = Verdict.BAD if bad else Verdict.CARE
    return _say(f, "clock", verdict, f"{said}: {loss}." if loss else f"{said}.", fix)


def distance(f: PbxFacts) -> Finding | None:
    """How long does a question take?"""
    if f.latency_s is None:
        return None
    said = f"A question is answered in {f.latency_s * 1000:.0f} ms."
    if f.latency_s < SLOW_S:
        return _say(f, "distance", Verdict.GOOD, said)
    fix = Fix(
        do="Run Callcenter in the network of the switchboard, or find out what loads it.",
        then="top, on the PBX",
    )
    return _say(f, "distance", Verdict.CARE, f"{said} Cards appear later by that much.", fix)


def filters(f: PbxFacts) -> Finding | None:
    """May noise be left at the PBX?"""
    if f.may_filter is None:
        return None
    if f.may_filter:
        return _say(f, "filter", Verdict.GOOD, "The action Filter is allowed.")
    said = "The action Filter (write class system) is not allowed; noise is thrown away here instead, which is cheap."
    return _say(f, "filter", Verdict.GOOD, said)


Check = Callable[[PbxFacts], Finding | Iterator[Finding] | None]
FIRST: tuple[Check, ...] = (reached,)
LINK: tuple[Check, ...] = (
    hears,
    hears_too_much,
    acts,
    acts_too_much,
    filters,
    stamps,
    patience,
    clock,
    distance,
)


def _worst(missing: list[str], known: dict[str, tuple[Verdict, str]]) -> Verdict:
    return Verdict.BAD if any(known[name][0] is Verdict.BAD for name in missing) else Verdict.CARE


def _say(f: PbxFacts, check: str, verdict: Verdict, says: str, fix: Fix | None = None) -> Finding:
    return Finding(about=f.about, check=check, verdict=verdict, says=says, fix=fix)
