"""What to write into the files of a switchboard that is there already: ready to copy, without any secret.

The pieces lie in `asterisk/conf/snippets`; our own configuration (`asterisk.site`) includes the same ones.

Source:  FreePBX: `manager_custom.conf` and `extensions_custom.conf` are included by what it generates and never
         overwritten; `macro-dialout-trunk-predial-hook` is a macro up to 16 and a subroutine from 17 on
"""

import re
from typing import Literal, get_args

from asterisk.site import templates

Kind = Literal["asterisk", "freepbx16", "freepbx17"]
KINDS: tuple[Kind, ...] = get_args(Kind)
HARMLESS = re.compile(r"[A-Za-z0-9_.:-]{1,80}")


def snippets(kind: Kind, *, username: str = "callcenter", address: str = "10.0.0.7") -> str:
    """Return the text. `address`: where the switchboard sees us from. Raises `ValueError` for what is no such thing."""
    if kind not in KINDS:
        raise ValueError(f"one of {', '.join(KINDS)}, not {kind!r}")
    for value in (username, address):
        if not HARMLESS.fullmatch(value):
            raise ValueError("a name or an address holds a character that does not belong there")
    name, version = ("freepbx", kind.removeprefix("freepbx")) if kind.startswith("freepbx") else (kind, "")
    template = templates().get_template(f"snippets/{name}.conf")
    return template.render(username=username, address=address, version=version) + "\n"
