"""What an operator is doing, as his colleagues see it. Pure.

In:      what his calls are to him, what the switchboard says of his phones
Out:     one word of the push protocol's AGENT
"""

from collections.abc import Sequence

from callcenter.places import DeskState

LOUDEST_FIRST = (DeskState.TALKING, DeskState.HELD, DeskState.DIALLING, DeskState.RINGING, DeskState.WRAP_UP)
UNREACHABLE = frozenset({"unavailable", "invalid"})


def agent_state(calls: Sequence[DeskState], phones: Sequence[str | None]) -> str:
    """Return talking, held, ringing, wrap_up, available or offline; dialling counts as talking to nobody yet.

    `phones`: a device state for each of his phones, None where the switchboard has said nothing.
    Offline is who has no phone, or whose every phone is known to be unreachable.
    """
    for state in LOUDEST_FIRST:
        if state in calls:
            return str(state)
    if all(phone in UNREACHABLE for phone in phones):
        return "offline"
    return "available"
