"""Whose membership is this: the extension behind the interface of a queue member. Pure.

In:      "PJSIP/1001", "SIP/1001", "Local/1001@from-queue/n" with a state interface "PJSIP/1001" or
         "hint:1001@ext-local"
Out:     the extension by the rules of the switchboard, None for outside numbers and things that are no phone
Source:  FreePBX writes members as `Local/101@from-queue/n,0,Anna,hint:101@ext-local`; an outside number is
         `Local/79161234567#@from-queue/n`. The member's name is a label: two people may share it.
"""

import re

from callcenter.call.rules import Kind, Rules

LOCAL = re.compile(r"Local/([A-Za-z0-9_.-]+)@[^/;]+(?:/[a-z]+)?")
HINT = re.compile(r"hint:([A-Za-z0-9_.-]+)(?:@.*)?", re.IGNORECASE)


def extension_of(interface: str, state_interface: str, rules: Rules) -> str | None:
    """Return the extension of a member, by the phone named first: interface, state interface, dialled number."""
    for device in (interface, state_interface):
        if "/" in device and not device.startswith("Local/"):
            return rules.party(f"{device}-0").extension
    for pattern, text in ((HINT, state_interface), (LOCAL, interface)):
        found = pattern.fullmatch(text)
        if found is not None:
            return _as_extension(found[1], rules)
    return None


def extension_of_device(device: str, rules: Rules) -> str | None:
    """Return the extension whose phone this device is; None for "Queue:sales_pause_PJSIP/1001", "Custom:DND1001"."""
    return None if ":" in device or device.startswith("Local/") else rules.party(f"{device}-0").extension


def _as_extension(number: str, rules: Rules) -> str | None:
    party = rules.party(f"PJSIP/{number}-0")
    return party.extension if party.kind is Kind.EXTENSION else None
