"""The folder of recordings: there, readable, fed, in two sides. Pure.

Source: Debian's asterisk keeps /var/spool/asterisk and monitor as 0750 asterisk:asterisk, its files as 0644
"""

from collections.abc import Iterator
from datetime import timedelta

from callcenter.doctor import places
from callcenter.doctor.finding import Finding, Fix, Verdict
from callcenter.doctor.house_checks import disk
from callcenter.doctor.house_facts import FolderStep, HouseFacts

STALE = timedelta(minutes=10)
ENOUGH = 3  # calls, before a share says something
MANY = 0.8


def folder(f: HouseFacts) -> Finding:
    """Can we enter it, step by step?"""
    seen = f.sound
    if seen.folder is None:
        fix = places.setting(
            "Name the folder the PBX records into, as this machine sees it.",
            'RECORDINGS_DIR = "/var/spool/asterisk/monitor"',
        )
        return _say(
            "folder",
            Verdict.CARE,
            "No folder of recordings is set: calls can be neither heard nor read.",
            fix,
        )
    if seen.wrong is None:
        return _say("folder", Verdict.GOOD, f"{seen.folder} can be read.")
    stuck = next((step for step in seen.path if not step.passable), None)
    if stuck is not None:
        return _say("folder", Verdict.BAD, _closed(stuck, seen.account), _open(stuck, seen.account))
    last = seen.path[-1].path if seen.path else None
    if last is not None and last != seen.folder:
        do = "Mount the PBX's folder here, or correct the setting."
        spool = f"{seen.spool}/monitor" if seen.spool else "/var/spool/asterisk/monitor"
        fix = places.setting(do, f'RECORDINGS_DIR = "{spool}"   (or where it is mounted)')
        return _say(
            "folder", Verdict.BAD, f"{seen.folder} does not exist; {last} is the last folder that does.", fix
        )
    return _say("folder", Verdict.BAD, seen.wrong)


def _closed(step: FolderStep, account: str) -> str:
    return f"{account} may not enter {step.path} (mode {step.mode:04o}, {step.owner}:{step.group})."


def _open(step: FolderStep, account: str) -> Fix:
    if step.mode & 0o050 == 0o050:
        do = f"Put {account} into the group {step.group}, which may enter it."
        return Fix(do=do, then=f"usermod -a -G {step.group} {account}, then restart callcenter")
    do = f"Let {account} enter it; a list of access does that without opening it to others."
    return Fix(do=do, then=f"setfacl -m u:{account}:rx {step.path}")


def fed(f: HouseFacts) -> Finding | None:
    """Does the PBX really write there?"""
    seen = f.sound
    if seen.folder is None or seen.wrong is not None:
        return None
    last = f.habits.last_answered_at
    if seen.newest_at is None:
        if last is None:
            return _say(
                "newest file", Verdict.UNSEEN, "No sound file is there yet, and no conversation was had yet."
            )
        said = "No sound file is there, although people have talked: the PBX does not record, or into another folder."
        return _say("newest file", Verdict.BAD, said, _record(f))
    age = _ago(f.now - seen.newest_at)
    if last is not None and seen.newest_at < last - STALE:
        talked = _ago(f.now - last)
        said = (
            f"The newest sound file is {age} old, the last conversation {talked}: it was not recorded here."
        )
        return _say("newest file", Verdict.BAD, said, _record(f))
    return _say("newest file", Verdict.GOOD, f"The newest sound file ({seen.newest}) is {age} old.")


def _record(f: HouseFacts) -> Fix:
    spool = f"{f.sound.spool}/monitor" if f.sound.spool else "the PBX's monitor folder"
    return Fix(
        do=f"Let the dialplan run MixMonitor for these calls, into {spool}. "
        "The text is printed by: callcenter doctor --snippets asterisk",
        then='asterisk -rx "dialplan reload"',
    )


def sides(f: HouseFacts) -> Finding | None:
    """Are customer and operator recorded apart?"""
    if f.sound.newest_sided is None:
        return None
    if f.sound.newest_sided:
        return _say(
            "two sides", Verdict.GOOD, "Customer and operator are recorded apart: texts say who spoke."
        )
    fix = Fix(
        do="Record each direction into a file of its own (options r and t of MixMonitor).",
        file="/etc/asterisk/extensions.conf",
        lines=("MixMonitor(${FILE}.wav,bSr(${FILE}-caller.wav)t(${FILE}-agent.wav))",),
        then='asterisk -rx "dialplan reload"',
    )
    return _say(
        "two sides",
        Verdict.CARE,
        "Both sides are recorded into one channel: texts can not say who spoke.",
        fix,
    )


def kept(f: HouseFacts) -> Iterator[Finding]:
    """Of late, did conversations get their sound and text?"""
    seen = f.habits
    if f.sound.folder is None or seen.answered < ENOUGH or f.premises.demo:  # its past is invented
        return
    lost = seen.answered - seen.recorded
    if lost > seen.answered * (1 - MANY):
        said = f"{lost} of the last {seen.answered} conversations have no recording."
        yield _say("found", Verdict.CARE, said, _record(f))
    else:
        yield _say(
            "found",
            Verdict.GOOD,
            f"{seen.recorded} of the last {seen.answered} conversations have their recording.",
        )
    if seen.unreadable:
        fix = Fix(do="Open one of them on its page: it says what is wrong with the file.")
        yield _say("unreadable", Verdict.CARE, f"{seen.unreadable} recordings of late can not be read.", fix)
    if seen.failed_texts:
        fix = Fix(do="Look at the finding about the speech model.")
        yield _say("texts", Verdict.CARE, f"{seen.failed_texts} texts of late could not be made.", fix)


def room(f: HouseFacts) -> Finding | None:
    """A full disk ends recording without a word."""
    if f.sound.folder is None or f.sound.free is None:
        return None
    return disk("recordings", str(f.sound.folder), f.sound.free)


SOUND = (folder, fed, sides, kept, room)


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for length, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"


def _say(check: str, verdict: Verdict, says: str, fix: Fix | None = None) -> Finding:
    return Finding(about="recordings", check=check, verdict=verdict, says=says, fix=fix)
