"""Where things are written, on a plain Asterisk and on FreePBX, and how they are loaded."""

from callcenter.doctor.finding import Fix
from callcenter.doctor.pbx_facts import Flavour, PbxFacts

# A session of AMI keeps the rights it had at its login.
MANAGER_RELOAD = (
    'asterisk -rx "manager reload"   (then restart callcenter: a login keeps the rights it came with)'
)
DIALPLAN_RELOAD = 'asterisk -rx "dialplan reload"'


def account(facts: PbxFacts, do: str, *lines: str) -> Fix:
    """Lines for our account in the manager's file."""
    name = "manager_custom.conf" if facts.flavour is Flavour.FREEPBX else "manager.conf"
    return Fix(
        do=do, file=f"/etc/asterisk/{name}", lines=(f"[{facts.username}]", *lines), then=MANAGER_RELOAD
    )


def general(facts: PbxFacts, do: str, *lines: str) -> Fix:
    """Lines for the general section of the manager's file; FreePBX writes that section itself, so ours adds to it."""
    free = facts.flavour is Flavour.FREEPBX
    name, section = ("manager_custom.conf", "[general](+)") if free else ("manager.conf", "[general]")
    return Fix(do=do, file=f"/etc/asterisk/{name}", lines=(section, *lines), then=MANAGER_RELOAD)


def dialplan(facts: PbxFacts, do: str) -> Fix:
    """A piece of dialplan, which is long enough to be printed by a command of its own."""
    free = facts.flavour is Flavour.FREEPBX
    name = "extensions_custom.conf" if free else "extensions.conf"
    kind = "freepbx17 (or freepbx16)" if free else "asterisk"
    return Fix(
        do=f"{do} The text is printed by: callcenter doctor --snippets {kind}",
        file=f"/etc/asterisk/{name}",
        then=DIALPLAN_RELOAD,
    )


def setting(do: str, *lines: str) -> Fix:
    """A setting of ours."""
    return Fix(do=do, file="callcenter.toml, or the environment", lines=lines, then="restart callcenter")
