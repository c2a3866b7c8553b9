"""Dialling at a click: the operator's phone rings first, then the customer's.

The call is ours from the first moment: its id follows from the channel id that we choose, so everything the
switchboard later says of it is bound to what it was started from (row C4), whatever the number matches.
An Originate is sent once. What became of it is only what events say, or that nobody can know.
"""

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from asterisk import actions
from asterisk.ami import Link, LinkState
from asterisk.events import CallRequested, Heard, RequestFailed
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost
from callcenter.call import call_id
from callcenter.directory import Operator
from callcenter.errand import Errand
from callcenter.failure import REFUSED_REASON as REFUSED
from callcenter.places import DeskState
from crm_core.errors import Conflict
from crm_core.phone import dialable

log = structlog.get_logger(__name__)

RING_OPERATOR_S = 25
BUSY_WITH = {
    DeskState.RINGING: "Your phone is ringing. Answer or decline that call first.",
    DeskState.DIALLING: "You are dialling already. Wait for that call or hang it up.",
    DeskState.TALKING: "You are talking. Put that call on hold or hang it up first.",
}


@dataclass(frozen=True, kw_only=True)
class Dialplan:
    """How one switchboard wants to be asked to dial."""

    context: str = "callcenter-dial"
    channel: str = "PJSIP/{extension}"  # how a phone is named there
    prefix: str = "+"  # put before country code and number: "+", "", "00", "9810"
    member: str = ""  # how a phone is named in queues: "Local/{extension}@from-queue/n"; "": as `channel`
    member_state: str = ""  # whose state counts for such a member: "hint:{extension}@ext-local"
    transfer: str = "from-internal"  # where colleagues' extensions and parking slots are dialled

    def number(self, dialled: str) -> str:
        """The digits to dial for an E.164 number; a colleague's extension stays as it is."""
        return self.prefix + dialled[1:] if dialled.startswith("+") else dialled

    def member_of(self, extension: str) -> str:
        """The interface under which a phone is put into queues."""
        return (self.member or self.channel).format(extension=extension)

    def member_state_of(self, extension: str) -> str | None:
        """The device or hint whose state counts for it, None where it is the interface itself."""
        return self.member_state.format(extension=extension) or None


@dataclass(frozen=True, kw_only=True)
class Named:
    """A call that has a name already: whose phone rings first, its first channel, its id."""

    phone: tuple[str, str]
    channel_id: str
    call_id: UUID


class Dialler:
    """Starts calls; says through the inbox what it asked for and what was refused at once."""

    def __init__(
        self,
        links: Mapping[str, Link],
        dialplans: Mapping[str, Dialplan],
        inbox: asyncio.Queue[Heard],
        *,
        country: str,
        now: Callable[[], datetime],
    ) -> None:
        self._links = links
        self._dialplans = dialplans
        self._inbox = inbox
        self._country = country
        self._now = now
        self._running: set[asyncio.Task[None]] = set()

    def number(self, to: str) -> str:
        """The number in E.164. Raises `Invalid` for one that is none."""
        return dialable(to, self._country)

    def phone_of(self, operator: Operator | None, busy: Sequence[DeskState]) -> tuple[str, str]:
        """The phone to ring first as (pbx, extension). Raises `Conflict` saying why there is none."""
        if operator is None or not operator.phones:
            raise Conflict("You have no telephone yet. An administrator gives you one on the page People.")
        for state in busy:
            if state in BUSY_WITH:
                raise Conflict(BUSY_WITH[state])
        for pbx, extension in operator.phones:
            link = self._links.get(pbx)
            if link is not None and link.status.state is LinkState.CONNECTED:
                return pbx, extension
        raise Conflict("The link to the switchboard is down, so nothing can be dialled from here now.")

    @staticmethod
    def name_call(phone: tuple[str, str]) -> Named:
        """Name a call that is to be started from this phone."""
        channel_id = f"callcenter-{uuid.uuid4().hex}"
        return Named(phone=phone, channel_id=channel_id, call_id=call_id(phone[0], channel_id))

    def start(self, named: Named, errand: Errand, register: Callable[[UUID], None], line: str | None) -> UUID:
        """Ring the phone and then the errand's number; returns the call's id at once.

        `register` is told the id before the switchboard hears anything. Raises `Conflict` in a flood of events.
        """
        if self._inbox.full():
            raise Conflict("The switchboard says more than can be followed just now. Try again in a moment.")
        (pbx, extension), channel_id, call = named.phone, named.channel_id, named.call_id
        register(call)
        request = CallRequested(self._now(), channel_id, extension, errand.number, line)
        self._inbox.put_nowait(Heard(pbx, request))
        task = asyncio.create_task(
            self._ask(named.phone, channel_id, errand.number, line), name=f"dial {call}"
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return call

    async def _ask(self, phone: tuple[str, str], channel_id: str, number: str, line: str | None) -> None:
        pbx, extension = phone
        plan = self._dialplans[pbx]
        try:
            await actions.originate(
                self._links[pbx],
                channel=plan.channel.format(extension=extension),
                exten=plan.number(number),
                context=plan.context,
                caller_id=number,
                channel_id=channel_id,
                other_channel_id=f"{channel_id}-2",
                variables=_variables(extension, line),
                timeout_s=RING_OPERATOR_S,
            )
        except (ActionRefused, ValueError) as error:
            log.warning("dialling refused", pbx=pbx, error=str(error))
            failed = RequestFailed(self._now(), channel_id, REFUSED)
            self._inbox.put_nowait(Heard(pbx, failed))
        except (LinkLost, ActionTimeout) as error:
            # Nobody knows whether it rings. The call stays open until the next list of channels says.
            log.warning("dialling left open", pbx=pbx, error=repr(error))


def _variables(extension: str, line: str | None) -> dict[str, str]:
    """What our dialplan reads: who calls, and which of our numbers the customer shall see."""
    variables = {"__CALLCENTER_OPERATOR": extension}
    if line is not None:
        variables["__CALLCENTER_LINE"] = re.sub(r"[^0-9+]", "", line)
    return variables
