"""What a handler may reach, and what the web asks of the running call centre."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from aiohttp import web

from callcenter.control import Act
from callcenter.doctor import Doctor
from crm_core.db import Database
from crm_core.listening import Mode
from crm_core.user import Passwords
from web.metrics import Metrics
from web.settings import Settings


class LinkReport(Protocol):
    """How the link to one switchboard is; `asterisk.ami.LinkStatus` fits."""

    @property
    def pbx(self) -> str: ...
    @property
    def state(self) -> str:
        """connecting, connected, refused, lost or stopped"""
        ...

    @property
    def since(self) -> datetime: ...
    @property
    def detail(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def latency_s(self) -> float | None:
        """Round trip of the last Ping, in seconds."""
        ...

    @property
    def delayed(self) -> bool:
        """Pings are answered late, so events may be old."""
        ...

    @property
    def heard_at(self) -> datetime | None:
        """When the last event came."""
        ...


class Duty(Protocol):
    """What can be asked for an operator's shift (`callcenter.duty`); each answers AGENT of the push protocol.

    All raise `NotFound` for somebody who does not work here and `Conflict` when the switchboard refuses or is
    silent: then nothing was changed.
    """

    def describe(self, user_id: int) -> Mapping[str, Any]: ...
    async def pause(self, user_id: int, reason: str, *, by: int | None = None) -> Mapping[str, Any]: ...
    async def ready(self, user_id: int, *, auto_pause: bool = False) -> Mapping[str, Any]: ...
    async def finish_wrap_up(self, user_id: int) -> Mapping[str, Any]: ...
    def extend_wrap_up(self, user_id: int, seconds: float) -> Mapping[str, Any]: ...
    async def sign_in(self, user_id: int, pbx: str, queue: str) -> Mapping[str, Any]: ...
    async def sign_out(self, user_id: int, pbx: str, queue: str) -> Mapping[str, Any]: ...


class Live(Protocol):
    """The running call centre as the web sees it (kept by `callcenter`, faked with state in tests)."""

    @property
    def duty(self) -> Duty:
        """What can be asked for shifts of operators."""
        ...

    def links(self) -> Sequence[LinkReport]:
        """The state of every switchboard's link."""
        ...

    async def dial(
        self,
        user_id: int,
        to: str,
        *,
        customer_id: int | None = None,
        order_id: int | None = None,
        deal_id: int | None = None,
        callback_id: int | None = None,
        line: str | None = None,
        ask_line: bool = False,
        anyway: bool = False,
    ) -> UUID:
        """Start a click-to-call from the user's phone and return the call's id.

        Raises `Invalid` for a number that is none or a line that is not ours, `LineNeeded` when `ask_line` and
        somebody must say which line is shown, `Conflict` when the user has no phone or the link is down, `DialRefused`
        unless `anyway` for somebody who is not to be called now.
        """
        ...

    async def act(self, call_id: UUID, user_id: int, act: Act, *, anybody: bool = False) -> None:
        """Hang up, hold, transfer ... a live call; returns when the switchboard has done it.

        `anybody`: also a colleague's call. Raises `NotFound`, `Forbidden`, `Conflict`, `Invalid`.
        """
        ...

    async def listen(self, call_id: UUID, user_id: int, mode: Mode, *, whose: frozenset[int] | None) -> None:
        """Let the user's telephone ring and hear a colleague's call; while he hears it, go on in another mode.

        `whose`: the colleagues he may listen to, None is all. Raises `NotFound`, `Forbidden`, `Conflict`.
        """
        ...

    async def take_over(self, call_id: UUID, user_id: int, *, whose: frozenset[int] | None) -> None:
        """Give a colleague's customer to the user; the same refusals."""
        ...

    async def stop_listening(self, call_id: UUID, user_id: int) -> None:
        """Let his telephone go. Raises `Conflict` when he does not listen to this call."""
        ...

    async def queues(self, call_id: UUID) -> Sequence[Mapping[str, Any]]:
        """The queues a live call can be sent to: `name`, `waiting`, `free`. Raises `NotFound`."""
        ...

    def live_call(self, call_id: UUID) -> Mapping[str, Any] | None:
        """The call as pushed to desks (CALL of the push protocol); None when it is not live."""
        ...

    def desk(self, user_id: int) -> Mapping[str, Any]:
        """The state of one operator's desk: `calls` and `agent`, as in a snapshot."""
        ...

    def colleagues(self) -> Sequence[Mapping[str, Any]]:
        """Everybody with a telephone and what he does now (COLLEAGUE of the push protocol)."""
        ...

    async def what_if(self, user_id: int, minutes: int) -> Mapping[str, Any]:
        """What becomes of the service level of the next minutes without this operator (`overview.asking`).

        Raises `NotFound` for somebody who is not on the floor, `Conflict` when too little is known.
        """
        ...

    async def desk_changed(self, call_id: UUID) -> None:
        """What is known about a call was changed through the API: its cards are read and pushed again."""
        ...

    async def finish(self, call_id: UUID) -> None:
        """The outcome of a call was given: when it is over it leaves the desks."""
        ...


class Simulator(Protocol):
    """The simulated switchboard of the demo, as far as buttons on a page move it."""

    async def ring(self, number: str | None, line: str | None) -> None:
        """A customer calls; who and where is chosen when not said. Raises `Invalid` for an unknown line."""
        ...

    async def press(self, extension: str, action: str) -> None:
        """answer, decline or hang up on a desk's simulated telephone. Raises `NotFound`, `Conflict`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything a handler may reach; made once by `web/main.py`."""

    db: Database
    settings: Settings
    live: Live
    now: Callable[[], datetime]
    demo: Simulator | None = None
    doctor: Doctor | None = None
    metrics: Metrics = field(default_factory=Metrics)
    passwords: Passwords = field(default_factory=Passwords)


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def services(request: web.Request) -> Services:
    """The services of the application that serves this request."""
    return request.app[SERVICES]
