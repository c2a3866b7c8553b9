"""The composition root: the only place where the running parts meet.

Read `run` and you know the whole program. Every part is a task of one group; when one dies the process stops
loudly, is started again and asks the switchboard for its state.
"""

import asyncio
import errno
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from asterisk.ami import AmiConfig
from asterisk.events import Event
from callcenter.attach import Attachment, Switch, attach
from callcenter.clicktocall import Dialplan
from callcenter.demo import Demo, open_demo
from callcenter.doctor import Doctor, Premises
from callcenter.shadow import check_rooms
from crm_core import (
    call_list_feed,
    call_talk,
    card,
    demo_pictures,
    figure_rolling,
    goes_with,
    late_index,
    outbox,
    picture_fetch,
    reminder,
)
from crm_core import db as database
from crm_core.db import Database
from crm_core.embedded import Embedded, buffers_mb
from crm_core.embedded_account import EmbeddedError
from crm_core.exchange import pull
from crm_core.exchange import worker as imports
from crm_core.migrations import migrate
from crm_core.seal import Seal
from crm_core.user import anybody
from recordings import jobs, service
from recordings.cache import Cache
from recordings.engine import VoskEngine
from web import memory, report_mail
from web.app import build_app
from web.floor_viewers import FloorViewers
from web.push import PushServer
from web.register import Register
from web.services import Services
from web.sessions import make_store
from web.settings import PbxSettings, Settings
from web.switchboards import audited, number_rules, roots, rules_of

log = structlog.get_logger(__name__)

RESTARTS = 5  # of an embedded database that dies, in a row
Part = tuple[str, Coroutine[Any, Any, Any]]


class CannotStart(Exception):
    """Something outside this program must be mended first; the text says what."""


async def run(settings: Settings, *, ready: Callable[[str, float, bool], None]) -> None:
    """Run every part until SIGINT or SIGTERM.

    `ready` is told the address, how long the start took, in s, and whether anybody has an account.

    Raises `CannotStart` with one sentence that says what to mend.
    """
    began = time.monotonic()
    check_rooms()
    _check_ports(settings)
    stop = _stop_on_signals()
    async with AsyncExitStack() as stack:
        server = await _embedded(settings, stack)
        url = settings.database_url or (server.url if server is not None else "")
        db = await _database(url, stack)
        demo = await _demo(settings, db, stack) if settings.demo else None
        if demo is not None:
            settings = _as_demo(settings, demo)
        attachment = await stack.enter_async_context(_attached(settings, db))
        services = Services(
            db=db,
            settings=settings,
            live=attachment.centre,
            now=_now,
            demo=demo,
            doctor=doctor_of(settings, db, heard=attachment.heard_kinds),
        )
        async with db.begin() as session:
            known = await anybody(session)
        register = Register(db)
        await _serve(services, attachment, register, stack)
        memory.settle()
        async with asyncio.TaskGroup() as group:
            parts = [
                group.create_task(part, name=name)
                for name, part in _parts(settings, server, db, attachment, register, demo, stack)
            ]
            address = settings.public_url or f"http://localhost:{settings.http_port}"
            ready(address, time.monotonic() - began, known)
            await stop.wait()
            for part in parts:
                part.cancel()


def _parts(
    settings: Settings,
    server: Embedded | None,
    db: Database,
    attachment: Attachment,
    register: Register,
    demo: Demo | None,
    stack: AsyncExitStack,
) -> Iterator[Part]:
    """Everything that runs side by side for ever."""

    async def heard(news: outbox.News) -> None:
        await attachment.heard(news)
        await register.heard(news)

    if server is not None:
        yield "database", _keep_up(server)
    yield from attachment.parts()
    yield "carriers", attachment.learn_carriers()
    yield "cards", card.make_ready(db.reader)
    yield "outbox", outbox.publish(db)
    yield "news", outbox.listen(db, heard)
    yield "register", register.run()
    yield "reminders", reminder.keep_reminding(db, _now)
    yield "call lists", call_list_feed.keep_tending(db, _now)
    yield "pairs", goes_with.keep_counting(db, _now)
    yield "figures", figure_rolling.keep_rolling(db, _now)
    yield "indexes", late_index.keep_building(db)
    yield "measures", call_talk.catch_all_up(db)
    yield "memory", memory.keep_walking()
    if settings.smtp_host is not None:
        yield "reports", report_mail.keep_sending(db, settings, _now)
    yield "imports", imports.run(db, settings.imports_dir, now=_now)
    yield (
        "sources",
        pull.run(
            db,
            settings.imports_dir,
            now=_now,
            allowed=settings.fetch_hosts,
            seal=Seal(settings.secret_key_bytes),
        ),
    )
    yield (
        "pictures",
        picture_fetch.run(
            db,
            settings.pictures_dir,
            quota=settings.pictures_mb * 2**20,
            now=_now,
            allowed=settings.fetch_hosts,
        ),
    )
    if folders := roots(settings):
        engine = VoskEngine(settings.vosk_model)
        stack.push_async_callback(engine.close)
        cache = Cache(settings.data_dir / "sound")
        yield "jobs", service.run(db, roots=folders, engine=engine, cache=cache)
    if demo is not None:
        yield "demo", demo.run(attachment.desks.watched)
        yield "drawings", demo_pictures.give_pictures(db, settings.pictures_dir)


async def _embedded(settings: Settings, stack: AsyncExitStack) -> Embedded | None:
    if settings.database_url is not None:
        return None
    try:
        buffers = {"shared_buffers": f"{buffers_mb()}MB"}
        return await stack.enter_async_context(Embedded(settings.data_dir / "postgres", settings=buffers))
    except EmbeddedError as error:
        raise CannotStart(f"The embedded database can not be started: {error}") from error


async def _keep_up(server: Embedded) -> None:
    """Start the embedded database again when it dies: nobody else would."""
    for _ in range(RESTARTS):
        code = await server.wait()
        log.error("embedded database ended, starting it again", exit_code=code)
        await server.stop()
        await server.start()
    raise CannotStart("The embedded database ends again and again; its last lines are in the log.")


async def _database(url: str, stack: AsyncExitStack) -> Database:
    try:
        await migrate(url)
        await jobs.install(url)
    except (OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CannotStart(
            f"The database can not be reached ({reason}). Start PostgreSQL or correct CALLCENTER_DATABASE_URL."
        ) from error
    return await stack.enter_async_context(database.connect(url))


async def _demo(settings: Settings, db: Database, stack: AsyncExitStack) -> Demo:
    address = f"http://localhost:{settings.http_port}"
    documents = settings.documents_dir
    return await open_demo(db, settings.data_dir, stack, address=address, documents=documents, now=_now())


def _as_demo(settings: Settings, demo: Demo) -> Settings:
    """The same settings, attached to the simulated switchboard alone."""
    pbx = PbxSettings.model_validate(demo.pbx)
    changes: dict[str, Any] = {
        "pbx": (pbx,),
        "ami_host": None,
        "recordings_dir": demo.recordings,
        "country": demo.country,
    }
    changes["fetch_hosts"] = (*settings.fetch_hosts, "localhost")
    return settings.model_copy(update=changes)


@asynccontextmanager
async def _attached(settings: Settings, db: Database) -> AsyncIterator[Attachment]:
    attachment = await attach(
        [_switch(pbx) for pbx in settings.switchboards],
        db=db,
        data_dir=settings.data_dir,
        country=settings.country,
        recordings=roots(settings),
        audit_hour=settings.audit_hour,
        now=_now,
        flight=settings.flight_days > 0,
    )
    try:
        yield attachment
    finally:
        await attachment.close()


def doctor_of(
    settings: Settings,
    db: Database | None,
    *,
    why_no_db: str = "",
    heard: Callable[[], Mapping[str, Iterable[type[Event]]]] = dict,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Doctor:
    """The doctor for these settings; `db` None when it can not be opened, `why_no_db` says why."""
    return Doctor(
        premises=Premises(
            data_dir=settings.data_dir,
            database_url_given=settings.database_url is not None,
            http_host=settings.http_host,
            http_port=settings.http_port,
            push_port=settings.push_port,
            public_url=settings.public_url,
            recordings=roots(settings),
            vosk_model=settings.vosk_model,
            country=settings.country,
            secret_key_given=settings.secret_key is not None
            and not (settings.data_dir / "secret_key").exists(),
            demo=settings.demo,
        ),
        switches=[_switch(pbx) for pbx in settings.switchboards],
        db=db,
        now=now,
        why_no_db=why_no_db,
        heard=heard,
    )


def _switch(pbx: PbxSettings) -> Switch:
    return Switch(
        account=AmiConfig(
            pbx=pbx.name,
            host=pbx.host,
            port=pbx.port,
            username=pbx.username,
            secret=pbx.secret.get_secret_value(),
            tls=pbx.tls,
        ),
        rules=rules_of(pbx),
        dialplan=Dialplan(
            context=pbx.context,
            channel=pbx.channel,
            prefix=pbx.dial_prefix,
            transfer=pbx.transfer_context,
            member=pbx.member,
            member_state=pbx.member_state,
        ),
        records=audited(pbx).records,
        number_rules=number_rules(pbx),
    )


async def _serve(
    services: Services, attachment: Attachment, register: Register, stack: AsyncExitStack
) -> None:
    """Listen for browsers on both ports."""
    settings = services.settings
    runner = web.AppRunner(build_app(services), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    push = PushServer(
        attachment.centre,
        make_store(services),
        services.metrics,
        register=register,
        floor=FloorViewers(attachment.overview),
        public_url=settings.public_url,
    )
    with _taken(settings.http_port, "HTTP_PORT"):
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    with _taken(settings.push_port, "PUSH_PORT"):
        await stack.enter_async_context(push.listening(settings.http_host, settings.push_port))


def _check_ports(settings: Settings) -> None:
    """Raise `CannotStart` for a port that is taken, before a database is started for nothing."""
    for port, setting in ((settings.http_port, "HTTP_PORT"), (settings.push_port, "PUSH_PORT")):
        if _in_use(settings.http_host, port):
            raise _port_taken(port, setting)


def _in_use(host: str, port: int) -> bool:
    """Whether somebody listens there. What else may be wrong with an address is told by listening on it."""
    try:
        for family, kind, protocol, _, at in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(at)
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def _port_taken(port: int, setting: str) -> CannotStart:
    return CannotStart(
        f"Port {port} is taken by another program. Stop it, or set CALLCENTER_{setting} to a free port."
    )


@contextmanager
def _taken(port: int, setting: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise _port_taken(port, setting) from error


def _stop_on_signals() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _now() -> datetime:
    return datetime.now(UTC)
