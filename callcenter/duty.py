"""What an operator (or his supervisor) may ask for: a pause, to be ready, a queue, more or no more wrap-up.

Nothing is said to be done before the switchboard's own event says it. What it refuses is raised in its words and
changes nothing; what it does not confirm in time is looked up.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from asterisk import actions
from asterisk.ami import Link
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost
from callcenter.agent import Kind, Order, Place, Shift
from callcenter.agent.news import (
    Asked,
    PauseChosen,
    PauseLifted,
    Refused,
    Unanswered,
    Unlisted,
    WrapUpEnded,
    WrapUpExtended,
)
from callcenter.agents import Agents, Message
from callcenter.clicktocall import Dialplan
from crm_core.errors import Conflict, NotFound

log = structlog.get_logger(__name__)

CONFIRMED_WITHIN_S = 4.0
LONGEST_WRAP_UP = timedelta(minutes=30)
DOWN = "The link to the switchboard is down, so nothing can be changed there now."
SILENT = "The switchboard did not confirm it. Look at the state shown and try again."
GONE = ("Interface not found", "Unable to find", "Not there")


class Duty:
    """Asks the switchboards on behalf of shifts."""

    def __init__(
        self,
        agents: Agents,
        links: Mapping[str, Link],
        dialplans: Mapping[str, Dialplan],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._agents = agents
        self._links = links
        self._dialplans = dialplans
        self._now = now
        self._running: set[asyncio.Task[None]] = set()
        agents.ask = self.perform

    # --- pauses -----------------------------------------------------------------------------------------

    async def pause(self, user_id: int, reason: str, *, by: int | None = None) -> Message:
        """Pause him in all his queues; returns AGENT when the switchboard has confirmed it.

        Raises `Conflict` when it refused or was silent: then he is not paused, and nothing is left half done.
        """
        shift = self._shift(user_id)
        if not shift.phones:
            raise Conflict("Without a telephone there is nothing to pause.")
        self._reachable(shift)
        self._agents.news(user_id, "", PauseChosen(self._agents.moment(user_id), reason, by))
        await self._agents.until(user_id, self._settled_pause, CONFIRMED_WITHIN_S)
        after = self._agents.shift(user_id)
        if after.hold(Kind.PAUSE) is None:
            raise Conflict(_refused(after))
        lost = not self._can_be_asked(after)
        if lost or not self._is_paused(after):
            self._agents.news(user_id, "", PauseLifted(self._agents.moment(user_id)))
            raise Conflict(DOWN if lost else SILENT)
        return self._agents.describe(user_id)

    async def ready(self, user_id: int, *, auto_pause: bool = False) -> Message:
        """Lift his own pause; one that somebody else set stays. Returns AGENT as it is then.

        `auto_pause`: also what Asterisk set because he let it ring. Raises `Conflict`.
        """
        self._reachable(self._shift(user_id))
        self._agents.news(user_id, "", PauseLifted(self._agents.moment(user_id), auto_pause))
        return await self._lifted(user_id)

    async def finish_wrap_up(self, user_id: int) -> Message:
        """End his wrap-up now. Raises `Conflict`."""
        if self._shift(user_id).hold(Kind.WRAP_UP) is None:
            return self._agents.describe(user_id)
        self._agents.news(user_id, "", WrapUpEnded(self._agents.moment(user_id)))
        return await self._lifted(user_id)

    def extend_wrap_up(self, user_id: int, seconds: float) -> Message:
        """Give him more time. Raises `Conflict` when there is no wrap-up, or it would be longer than half an hour."""
        hold = self._shift(user_id).hold(Kind.WRAP_UP)
        if hold is None or hold.until is None:
            raise Conflict("There is no wrap-up to extend.")
        until = max(hold.until, self._now()) + timedelta(seconds=seconds)
        if until - hold.since > LONGEST_WRAP_UP:
            raise Conflict("A wrap-up lasts half an hour at most. Take a pause instead.")
        self._agents.news(user_id, "", WrapUpExtended(self._agents.moment(user_id), until))
        return self._agents.describe(user_id)

    async def _lifted(self, user_id: int) -> Message:
        if not await self._agents.until(user_id, self._settled_lift, CONFIRMED_WITHIN_S):
            raise Conflict(SILENT)
        after = self._agents.shift(user_id)
        if after.trouble is not None:
            raise Conflict(_refused(after))
        return self._agents.describe(user_id)

    def _is_paused(self, shift: Shift) -> bool:
        """In every queue of which we can know now."""
        return all(member.paused or not self._agents.is_up(p.pbx) for p, member in shift.members.items())

    def _settled_pause(self, shift: Shift) -> bool:
        return shift.hold(Kind.PAUSE) is None or self._is_paused(shift)

    def _settled_lift(self, shift: Shift) -> bool:
        """Whether nothing of ours is still paused that should not be."""
        if shift.holds or shift.trouble is not None:
            return True
        ours = (place for place in shift.members if shift.is_ours(place) and self._agents.is_up(place.pbx))
        return not any(shift.members[place].paused for place in ours)

    # --- queues -----------------------------------------------------------------------------------------

    async def sign_in(self, user_id: int, pbx: str, queue: str) -> Message:
        """Put his phone into a queue; paused there as long as a pause of his lasts. Returns AGENT.

        Raises `NotFound` for a queue that is none, `Conflict` when the switchboard refuses. Whoever is in it
        already is in it: that is no refusal.
        """
        shift, link = self._shift(user_id), self._link(pbx)
        if queue not in self._agents.queues(pbx):
            raise NotFound(f"There is no queue {queue[:40]!r} on this switchboard.")
        if any((place.pbx, place.queue) == (pbx, queue) for place in shift.members):
            return self._agents.describe(user_id)
        extension = self._extension(user_id, pbx)
        plan = self._dialplans[pbx]
        place = Place(pbx, queue, plan.member_of(extension))
        if shift.holds:
            self._agents.news(user_id, "", Asked(self._agents.moment(user_id), place, ""))
        try:
            await self._add(user_id, link, place, plan.member_state_of(extension), paused=bool(shift.holds))
            if not await self._agents.until(user_id, lambda now: place in now.members, CONFIRMED_WITHIN_S):
                raise Conflict(SILENT)
        except Conflict:
            if place not in self._agents.shift(user_id).members:
                self._agents.news(user_id, pbx, Unlisted(self._agents.moment(user_id), place))
            raise
        return self._agents.describe(user_id)

    async def _add(
        self, user_id: int, link: Link, place: Place, state_interface: str | None, *, paused: bool
    ) -> None:
        try:
            await actions.queue_add(
                link,
                place.queue,
                place.interface,
                name=self._name(user_id),
                paused=paused,
                state_interface=state_interface,
            )
        except ActionRefused as error:
            if "already there" not in error.message.lower():
                raise Conflict(f"The switchboard refused: {error.message}") from error
            await self._look(place)  # he is in it: have it said how
        except (LinkLost, ActionTimeout) as error:
            raise Conflict(DOWN) from error

    async def sign_out(self, user_id: int, pbx: str, queue: str) -> Message:
        """Take his phones out of a queue. Returns AGENT. Raises `Conflict` for a fixed member, or refused."""
        shift, link = self._shift(user_id), self._link(pbx)
        places = [place for place in shift.members if (place.pbx, place.queue) == (pbx, queue)]
        if any(not shift.members[place].dynamic for place in places):
            raise Conflict(
                f"The switchboard's configuration holds you in {queue}; nobody can sign out of it. Pause instead."
            )
        for place in places:
            await self._remove(user_id, link, place)
        gone = await self._agents.until(
            user_id, lambda now: not any(place in now.members for place in places), CONFIRMED_WITHIN_S
        )
        if not gone:
            raise Conflict(SILENT)
        return self._agents.describe(user_id)

    async def _remove(self, user_id: int, link: Link, place: Place) -> None:
        try:
            await actions.queue_remove(link, place.queue, place.interface)
        except ActionRefused as error:
            if not error.message.endswith(GONE):
                raise Conflict(f"The switchboard refused: {error.message}") from error
            self._agents.news(user_id, place.pbx, Unlisted(self._agents.moment(user_id), place))
        except (LinkLost, ActionTimeout) as error:
            raise Conflict(DOWN) from error

    # --- orders -----------------------------------------------------------------------------------------

    def perform(self, user_id: int, order: Order) -> None:
        """Ask for one pause or its end; what comes of it goes to the shift."""
        task = asyncio.create_task(self._ask(user_id, order), name=f"pause {order.place.queue}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _ask(self, user_id: int, order: Order) -> None:
        place = order.place
        try:
            await actions.queue_pause(
                self._links[place.pbx],
                place.interface,
                paused=order.reason is not None,
                queue=place.queue,
                reason=order.reason or "",
            )
        except (ActionRefused, ValueError) as error:
            text = error.message if isinstance(error, ActionRefused) else str(error)
            log.warning("pause refused", place=place, error=text)
            gone = text.endswith(GONE)
            self._agents.news(user_id, place.pbx, Refused(self._agents.moment(user_id), place, text, gone))
            return
        except (LinkLost, ActionTimeout) as error:
            log.warning("pause unanswered", place=place, error=repr(error))
        if not await self._agents.until(user_id, lambda now: not now.asked.get(place), CONFIRMED_WITHIN_S):
            self._agents.news(user_id, place.pbx, Unanswered(self._agents.moment(user_id), place))
            await self._look(place)

    async def _look(self, place: Place) -> None:
        """Have the switchboard say how it is; the answer comes as events."""
        try:
            await self._links[place.pbx].request_list(
                "QueueStatus", Queue=place.queue, Member=place.interface
            )
        except (ActionRefused, ActionTimeout, LinkLost) as error:
            log.warning("membership not told", place=place, error=repr(error))

    # --- inside -----------------------------------------------------------------------------------------

    def describe(self, user_id: int) -> Message:
        """AGENT of one operator. Raises `NotFound` for somebody who does not work here."""
        self._shift(user_id)
        return self._agents.describe(user_id)

    def colleagues(self) -> list[Message]:
        """Everybody with a telephone and what he does now."""
        return self._agents.colleagues()

    def _shift(self, user_id: int) -> Shift:
        if user_id not in self._agents.directory.operators:
            raise NotFound(f"There is no operator {user_id}.")
        return self._agents.shift(user_id)

    def _reachable(self, shift: Shift) -> None:
        if not self._can_be_asked(shift):
            raise Conflict(DOWN)

    def _can_be_asked(self, shift: Shift) -> bool:
        """Whether a switchboard that can ring him is attached."""
        boards = {place.pbx for place in shift.members} or {pbx for pbx, _ in shift.phones}
        return not boards or any(self._agents.is_up(pbx) for pbx in boards)

    def _link(self, pbx: str) -> Link:
        link = self._links.get(pbx)
        if link is None:
            raise NotFound(f"There is no switchboard {pbx[:40]!r}.")
        if not self._agents.is_up(pbx):
            raise Conflict(DOWN)
        return link

    def _extension(self, user_id: int, pbx: str) -> str:
        phones = self._agents.directory.operators[user_id].phones
        extension = next((extension for on, extension in phones if on == pbx), None)
        if extension is None:
            raise Conflict("There is no telephone on this switchboard to sign in with.")
        return extension

    def _name(self, user_id: int) -> str:
        return re.sub(r"[\x00-\x1f\x7f]", " ", self._agents.directory.operators[user_id].name)[:80]


def _refused(shift: Shift) -> str:
    return f"The switchboard refused: {shift.trouble}" if shift.trouble else SILENT
