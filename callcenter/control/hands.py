"""What every act on a live call needs: whose call it is, the channels in hand, and the wait for what must follow.

Raises:  `NotFound`, `Forbidden`, `Conflict`; their sentences are for the operator
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from asterisk.ami import Link
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost
from callcenter.call import Call, Channel, Kind
from callcenter.clicktocall import Dialplan
from callcenter.consult import Stage, consult_of
from callcenter.desks import Desks
from callcenter.places import DeskState
from callcenter.scribe import Scribe
from callcenter.target import Target
from crm_core.call_act import ActKind
from crm_core.errors import Conflict, Forbidden, NotFound

log = structlog.get_logger(__name__)

FOLLOWS_S = 6.0  # within this time the event follows what the switchboard accepted

NO_FEATURE = (
    "The switchboard did not do it: attended transfer is switched off for this call. Use the keys of your phone; an "
    "administrator finds what to add (option t or T of Dial and Queue) in the handbook under Call control."
)
LINK_DOWN = "The link to the switchboard is down, and nothing is sent again. Use the keys of your phone."


@dataclass(frozen=True, kw_only=True)
class Act:
    """What is asked for. `target` for transfers, with what is `said` to whoever gets the call; `digits` for keys."""

    kind: ActKind
    target: Target | None = None
    digits: str = ""
    said: str | None = None


class Grip(NamedTuple):
    """The call in hand: who acts, his own channel in it, and the customer's."""

    call: Call
    user_id: int
    link: Link
    plan: Dialplan
    own: Channel
    customer: Channel

    @property
    def extension(self) -> str:
        return self.own.extension or ""


@dataclass(eq=False)
class _Wait:
    call: UUID
    happened: Callable[[Call], bool]
    future: asyncio.Future[Call]


class Hands:
    """The live calls, the links to their switchboards, and the events that are waited for."""

    def __init__(
        self,
        *,
        live: Mapping[UUID, Call],
        desks: Desks,
        scribe: Scribe,
        links: Mapping[str, Link],
        dialplans: Mapping[str, Dialplan],
        now: Callable[[], datetime],
    ) -> None:
        self.live = live
        self.desks = desks
        self.scribe = scribe
        self.links = links
        self.dialplans = dialplans
        self.now = now
        self.settled: set[UUID] = set()  # calls whose consultation was ended from here: nothing to tell
        self._waits: set[_Wait] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def changed(self, call: Call) -> None:
        """A call took a step: whoever waits for it goes on."""
        for wait in [w for w in self._waits if w.call == call.id and w.happened(call)]:
            if not wait.future.done():
                wait.future.set_result(call)

    def renamed(self, old: UUID, call: Call) -> None:
        """The call is known by an older linkedid from now on."""
        for wait in self._waits:
            if wait.call == old:
                wait.call = call.id

    def call(self, call_id: UUID, user_id: int, anybody: bool) -> Call:
        call = self.live.get(call_id)
        if call is None:
            raise NotFound("This call is over.")
        entry = self.desks.find(call_id)
        place = entry.places.get(user_id) if entry is not None else None
        if not anybody and place in (None, DeskState.WATCHING) and call.parked is None:
            raise Forbidden("This is a colleague's call.")
        return call

    def extensions(self, call: Call, user_id: int, anybody: bool) -> frozenset[str]:
        """The user's own extensions on this switchboard; whose call it is for somebody who may help."""
        operator = self.desks.directory.operators.get(user_id)
        own = {extension for pbx, extension in operator.phones if pbx == call.pbx} if operator else set()
        return frozenset(own & call.talking) or (call.talking if anybody else frozenset(own))

    def grip(self, call: Call, user_id: int, anybody: bool) -> Grip:
        mine = self.extensions(call, user_id, anybody) & call.talking
        own = next((c for c in call.live_channels if c.extension in mine and c.bridge is not None), None)
        customer = next((c for c in call.live_channels if c.kind is Kind.TRUNK), None)
        if call.parked is not None:
            raise Conflict("The customer is parked. Fetch him first.")
        if own is None or customer is None:
            raise Conflict("You are not connected with the customer now.")
        return Grip(call, user_id, self.links[call.pbx], self.dialplans[call.pbx], own, customer)

    async def until(
        self, call: Call, happened: Callable[[Call], bool], otherwise: str, within_s: float = FOLLOWS_S
    ) -> Call:
        """Wait for the event that belongs to what was sent. Raises `Conflict` when it does not come."""
        now = self.live.get(call.id, call)
        if happened(now):
            return now
        wait = _Wait(call.id, happened, asyncio.get_running_loop().create_future())
        self._waits.add(wait)
        try:
            async with asyncio.timeout(within_s):
                return await wait.future
        except TimeoutError:
            raise Conflict(otherwise) from None
        finally:
            self._waits.discard(wait)

    def later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("left undone", error=repr(error)[:200])


@contextmanager
def said() -> Any:
    """What the switchboard refused, in words for the operator."""
    try:
        yield
    except ActionRefused as error:
        raise Conflict(f"The switchboard refused: {error.message}") from error
    except (LinkLost, ActionTimeout) as error:
        raise Conflict(LINK_DOWN) from error
    except ValueError as error:
        raise Conflict(str(error)) from error


def stage(call: Call) -> Stage | None:
    consult = consult_of(call)
    return consult.stage if consult else None


def must_talk(grip: Grip) -> None:
    if stage(grip.call) is Stage.HOLD:
        raise Conflict("The customer is on hold. Take him back first.")
    if stage(grip.call) is not None:
        raise Conflict("You are asking somebody already. Connect the customer or go back to him first.")
