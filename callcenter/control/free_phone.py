"""The telephone of somebody that can be rung now, on a given switchboard.

Raises:  `Conflict` that says to him why there is none
"""

from asterisk.ami import LinkState
from asterisk.events import DeviceState
from callcenter.agents import Agents
from callcenter.clicktocall import BUSY_WITH
from callcenter.control.hands import Hands
from crm_core.errors import Conflict

NO_PHONE = (
    "You have no telephone on the switchboard of this call. An administrator gives you one on the page Users."
)
UNREGISTERED = "Your telephone is not registered. Switch it on, then try again."
BUSY = "Your telephone is busy."
UNREACHABLE = frozenset({DeviceState.UNAVAILABLE, DeviceState.INVALID})
FREE = frozenset({DeviceState.IDLE, DeviceState.UNKNOWN})


def free_phone(hands: Hands, agents: Agents, pbx: str, user_id: int) -> str:
    """Return its extension; the first of several that are free."""
    operator = hands.desks.directory.operators.get(user_id)
    phones = [extension for of, extension in operator.phones if of == pbx] if operator else []
    if not phones:
        raise Conflict(NO_PHONE)
    if hands.links[pbx].status.state is not LinkState.CONNECTED:
        raise Conflict("The link to the switchboard is down, so nothing can be listened to now.")
    for entry in hands.desks.of(user_id):
        if entry.places[user_id] in BUSY_WITH:
            raise Conflict(BUSY_WITH[entry.places[user_id]])
    states = {phone: agents.device(pbx, phone) for phone in phones}
    usable = [phone for phone in phones if states[phone] not in UNREACHABLE]
    if not usable:
        raise Conflict(UNREGISTERED)
    free = [phone for phone in usable if states[phone] is None or states[phone] in FREE]
    if not free:
        raise Conflict(BUSY)
    return free[0]
