"""The front door: one function per command. Each imports what it needs inside, so that starting stays fast."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from crm_core.db import Database
    from web.settings import Settings

MINUTES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
app = typer.Typer(
    name="callcenter",
    help="CRM for the telephone side of an online store, attached to Asterisk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


users = typer.Typer(help="People who may sign in.", no_args_is_help=True)
app.add_typer(users, name="user")
shops = typer.Typer(help="Shops and the numbers people dial to reach them.", no_args_is_help=True)
app.add_typer(shops, name="shop")
imports = typer.Typer(help="Files of suppliers and of other systems.", no_args_is_help=True)
app.add_typer(imports, name="import")


@app.callback()
def callcenter() -> None:
    """CRM for the telephone side of an online store, attached to Asterisk."""


@app.command()
def replay(
    files: Annotated[
        list[Path], typer.Argument(help="Captured bytes, each file one connection, oldest first.")
    ],
    times: Annotated[
        list[Path] | None,
        typer.Option(help="When the bytes arrived, one file per capture (JSON lines: len, t)."),
    ] = None,
    extensions: Annotated[
        str | None, typer.Option(help="Peers that are phones of ours (regular expression, whole name).")
    ] = None,
    trunks: Annotated[
        str | None, typer.Option(help="Peers that are lines to the outside (regular expression, whole name).")
    ] = None,
) -> None:
    """Print what became of every call in captured AMI streams, one JSON object a line, oldest first."""
    import json
    import re

    from callcenter.replay import replay as replayed

    try:
        for report in replayed(files, times or [], extensions, trunks):
            print(json.dumps(report, ensure_ascii=False))
    except (OSError, ValueError, re.error) as problem:
        typer.echo(f"callcenter replay: {problem}", err=True)
        raise typer.Exit(2) from problem


@app.command()
def run(
    demo: Annotated[
        bool,
        typer.Option("--demo", help="A furnished shop and a simulated switchboard, on this machine only."),
    ] = False,
) -> None:
    """Run the service until Ctrl-C: switchboards, pages, push, jobs."""
    import asyncio

    from callcenter.logs import set_up_logs
    from web.main import CannotStart
    from web.main import run as run_service

    settings = _settings(demo=demo) if demo else _settings()
    set_up_logs(quiet=demo)

    def ready(address: str, seconds: float) -> None:
        typer.echo(f"\nCallcenter is ready after {seconds:.1f} s:  {address}")
        if demo:
            typer.echo("  sign in as  operator, supervisor, manager or admin,  password  demo")
        typer.echo("  Ctrl-C stops everything.\n")

    try:
        asyncio.run(run_service(settings, ready=ready))
    except* CannotStart as errors:
        _leave("\n".join(str(error) for error in errors.exceptions))


@app.command()
def capture(
    out: Annotated[Path, typer.Option(help="The file to write; it must not exist yet.")],
    pbx: Annotated[str | None, typer.Option(help="Which switchboard, when there are several.")] = None,
) -> None:
    """Write every byte that the switchboard says, until Ctrl-C; `replay` reads it."""
    import asyncio
    from contextlib import suppress

    from asterisk.ami import AmiConfig, LinkStatus
    from asterisk.capture import capture as run_capture

    switchboards = [each for each in _settings().switchboards if pbx in (None, each.name)]
    if len(switchboards) != 1:
        _leave("Name one switchboard with --pbx." if switchboards else "No such switchboard in the settings.")
    one = switchboards[0]
    account = AmiConfig(one.name, one.host, one.port, one.username, one.secret.get_secret_value(), one.tls)

    def say(status: LinkStatus) -> None:
        typer.echo(f"{status.pbx}: {status.state} {status.detail}", err=True)

    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(run_capture(account, out, on_status=say))
    except FileExistsError as error:
        _leave(f"{error}; choose another name.")


@app.command()
def audit(
    pbx: Annotated[str | None, typer.Option(help="Which switchboard; else every one with records.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", help="UTC; else 36 hours ago.", formats=MINUTES)
    ] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="UTC; else now.", formats=MINUTES)] = None,
    heal: Annotated[bool, typer.Option(help="Add lost calls, close open ones, attach recordings.")] = True,
) -> None:
    """Compare our calls with the switchboard's own records and with the recordings.

    Ends with 1 when a call is lost, doubled or open and was not put right, with 2 when nothing can be compared.
    """
    from datetime import UTC, timedelta

    from callcenter.audit_command import audit_all, shown

    now = datetime.now(UTC)
    began = since.replace(tzinfo=UTC) if since else now - timedelta(hours=36)
    ended = min(until.replace(tzinfo=UTC) if until else now, now)
    settings = _settings()
    good: list[bool] = []

    async def work() -> None:
        from web.switchboards import audited, number_rules, roots

        wanted = [one for one in settings.switchboards if pbx in (None, one.name)]
        rules = {one.name: number_rules(one) for one in wanted}
        async with _open_database() as db:
            async for one in audit_all(
                db,
                [audited(one) for one in wanted],
                country=settings.country,
                number_rules=rules,
                roots=roots(settings),
                period=(began, ended),
                heal=heal,
            ):
                good.append(one.audit.good)
                shown(one)

    _refusing(work())
    if not good:
        _leave("No switchboard with records. Say where they are: CEL or CDR of the switchboard.", code=2)
    if not all(good):
        raise typer.Exit(1)


@app.command()
def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Sound files; legs lying beside one are used.")],
    model: Annotated[
        Path | None, typer.Option(help="A Vosk model; else VOSK_MODEL, else the small one.")
    ] = None,
) -> None:
    """Print who said what, and when, in sound files."""
    from recordings.transcribe import run_cli

    raise typer.Exit(run_cli(files, model or _settings().vosk_model))


@app.command()
def seed(
    customers: Annotated[int, typer.Option(help="With numbers, in one synthetic shop.")] = 100_000,
    orders: Annotated[int, typer.Option(help="Of these customers, with items.")] = 300_000,
    calls: Annotated[int, typer.Option(help="Of these customers, with legs.")] = 300_000,
) -> None:
    """Fill the database with a synthetic shop, for trying how fast everything is at size."""
    from datetime import UTC, datetime

    from crm_core.seed import seed as seed_database

    async def work() -> None:
        async with _open_database() as db:
            made = await seed_database(
                db.url, customers=customers, orders=orders, calls=calls, now=datetime.now(UTC)
            )
            typer.echo(f"{made.rows} rows in {made.seconds:.0f} s")

    _refusing(work())


@app.command()
def migrate() -> None:
    """Bring the database to the newest shape (the service does so at its start)."""

    async def work() -> None:
        async with _open_database():
            typer.echo("The database is up to date.")

    _refusing(work())


@app.command("pbx-conf")
def pbx_conf(
    site: Annotated[
        Path, typer.Option(help="What is particular about it; deploy/site.example.toml shows how.")
    ],
    out: Annotated[
        Path, typer.Option(help="The folder to write the files into, for instance /etc/asterisk.")
    ],
) -> None:
    """Write the whole configuration of a switchboard of your own."""
    from asterisk.site import write
    from asterisk.site_file import read_site

    try:
        write(read_site(site), out)
    except (ValueError, OSError) as error:
        _leave(f"Nothing was written: {error}")
    typer.echo(f"{out} is written.")


@app.command()
def doctor(
    snippets: Annotated[
        str | None,
        typer.Option(
            help="Print what to write into the switchboard's files: asterisk, freepbx16 or freepbx17.",
            metavar="KIND",
        ),
    ] = None,
    calls: Annotated[int, typer.Option(help="Say of the last so many calls what was recognised.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Do not load the speech model.")] = False,
) -> None:
    """Look at the switchboards and at this side, and say what is wrong and how to mend it."""
    import asyncio

    if snippets is not None:
        from asterisk.snippets import KINDS
        from asterisk.snippets import snippets as text_for

        if snippets not in KINDS:
            _leave(f"{snippets} is not known here; choose one of: {', '.join(KINDS)}.")
        typer.echo(text_for(snippets), nl=False)
        return
    from callcenter.doctor.telling import tell

    if not asyncio.run(_examine(_settings(), tell, calls=calls, deep=not quick)):
        raise typer.Exit(1)


async def _examine(settings: "Settings", tell: "Callable[..., None]", *, calls: int, deep: bool) -> bool:
    """Run the doctor; True when nothing is wrong. The database is opened as it is, without changing its shape."""
    from contextlib import AsyncExitStack

    from callcenter.doctor import failed
    from crm_core.db import connect
    from crm_core.embedded import Embedded
    from crm_core.embedded_account import EmbeddedError
    from web.main import doctor_of

    async with AsyncExitStack() as stack:
        url, why, db = settings.database_url, "", None
        if url is None:
            server = Embedded(settings.data_dir / "postgres")
            stack.push_async_callback(server.stop)
            try:
                await server.start()
            except EmbeddedError as error:
                why = "" if server.in_use else str(error)
            url = server.url
        if not why:
            db = await stack.enter_async_context(connect(url))
        surgeon = doctor_of(settings, db, why_no_db=why)
        findings = await surgeon.examine(deep=deep)
        tell(findings)
        if calls and db is not None:
            for call, recognised in await surgeon.look_back(calls):
                tell(recognised, title=f"call of {call.started_at:%d %b %H:%M:%S} UTC")
        return not failed(findings)


@users.command("add")
def user_add(
    login: str,
    name: Annotated[str, typer.Option(help="As colleagues call this person; else the login.")] = "",
    role: Annotated[str, typer.Option(help="operator, senior, supervisor, manager or admin")] = "operator",
    extension: Annotated[str | None, typer.Option(help="The telephone of this person.")] = None,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Let somebody sign in."""

    from crm_core.user import Passwords, create_user, map_extension

    async def work() -> None:
        hashed = await Passwords().hash(password)
        pbx = [each.name for each in _settings().switchboards]
        async with _open_database() as db, db.begin() as session:
            user = await create_user(
                session, login=login, name=name or login, role=role, password_hash=hashed
            )
            if extension is not None:
                await map_extension(
                    session, pbx=pbx[0] if pbx else "pbx", extension=extension, user_id=user.id
                )

    _refusing(work())
    typer.echo(f"{login} can sign in now.")


@users.command("passwd")
def user_passwd(
    login: str,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Give somebody a new password; sessions of the old one end."""
    from crm_core.user import Passwords, find_by_login, update_user

    async def work() -> None:
        hashed = await Passwords().hash(password)
        async with _open_database() as db, db.begin() as session:
            user = await find_by_login(session, login)
            if user is None:
                _leave(f"There is no user {login}.")
            await update_user(session, user.id, password_hash=hashed)

    _refusing(work())
    typer.echo(f"{login} has a new password.")


@users.command("list")
def user_list() -> None:
    """Print everybody who may sign in."""
    from rich.console import Console
    from rich.table import Table

    from crm_core.user import list_users

    table = Table("login", "name", "role", "active")

    async def work() -> None:
        async with _open_database() as db, db.begin() as session:
            for user in await list_users(session):
                table.add_row(user.login, user.name, user.role, "yes" if user.active else "no")

    _refusing(work())
    Console().print(table)


@shops.command("add")
def shop_add(
    name: str,
    currency: Annotated[str, typer.Option(help="Three letters: EUR, PLN, UAH.")],
    country: Annotated[
        str, typer.Option(help="Two letters; national numbers that call it are of this country.")
    ],
    timezone: Annotated[str, typer.Option(help="For instance Europe/Warsaw.")],
    prefix: Annotated[str, typer.Option(help="What its order numbers begin with, for instance A.")],
) -> None:
    """Add a shop that takes orders."""
    from crm_core.line import create_shop

    async def work() -> None:
        async with _open_database() as db, db.begin() as session:
            await create_shop(
                session, name=name, currency=currency, country=country, timezone=timezone, order_prefix=prefix
            )

    _refusing(work())
    typer.echo(f"{name} takes orders now.")


@shops.command("line")
def shop_line(
    prefix: Annotated[str, typer.Argument(help="The shop, by what its order numbers begin with.")],
    number: Annotated[str, typer.Argument(help="The number that is dialled, as the switchboard shows it.")],
    name: Annotated[str, typer.Option(help="As operators see it; else the number.")] = "",
    pbx: Annotated[str | None, typer.Option(help="Which switchboard, when there are several.")] = None,
) -> None:
    """Say which shop a dialled number belongs to."""
    from sqlalchemy import select

    from crm_core.line import Shop, create_line

    switchboards = [each.name for each in _settings().switchboards] or ["pbx"]

    async def work() -> None:
        async with _open_database() as db, db.begin() as session:
            shop = await session.scalar(select(Shop).where(Shop.order_prefix == prefix))
            if shop is None:
                _leave(f"No shop's orders begin with {prefix}. Add it with: callcenter shop add")
            await create_line(
                session,
                pbx=pbx or switchboards[0],
                did=number,
                name=name or number,
                country=shop.country,
                shop_id=shop.id,
            )

    _refusing(work())
    typer.echo(f"Who dials {number} calls {prefix}.")


@imports.command("products")
def import_products(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, YML or CommerceML.", exists=True, dir_okay=False)],
    shop: Annotated[str, typer.Option(help="By what its order numbers begin with.")],
    mapping: Annotated[
        str | None, typer.Option(help="What the columns mean, as kept; with --column: keep it so.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="HEADING=FIELD; else the headings are taken at their word.")
    ] = None,
    warehouse: Annotated[str | None, typer.Option(help="Where the pieces lie; else the first one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of it.")] = False,
    refused: Annotated[Path | None, typer.Option(help="Write refused rows, with reasons, as CSV.")] = None,
) -> None:
    """Put in a supplier's goods: a known SKU or barcode changes the product, an unknown SKU makes one.

    Ends with 1 when a row was refused; the others are put in all the same.
    """
    from callcenter.import_command import Done, import_file, shown

    ends: list[Done] = []

    async def work() -> None:
        async with _open_database() as db:
            ends.append(
                await import_file(
                    db,
                    file.read_bytes(),
                    shop=shop,
                    mapping=mapping,
                    columns=column or [],
                    warehouse=warehouse,
                    dry_run=dry_run,
                )
            )

    _refusing(work())
    shown(ends[0], dry_run=dry_run, refused=refused)
    if ends[0].outcome.refused:
        raise typer.Exit(1)


def _settings(**given: Any) -> "Settings":
    """The configuration; a bad one ends the program with a sentence for each bad setting."""
    from web.settings import SettingsError, load_settings

    try:
        return load_settings(**given)
    except SettingsError as error:
        _leave("\n".join(error.sentences))


@asynccontextmanager
async def _open_database() -> "AsyncIterator[Database]":
    """The database of the settings; the embedded one also while a service runs on it."""
    from crm_core.db import connect
    from crm_core.embedded import Embedded
    from crm_core.embedded_account import EmbeddedError
    from crm_core.migrations import migrate

    settings = _settings()
    url, server = settings.database_url, None
    if url is None:
        server = Embedded(settings.data_dir / "postgres")
        try:
            await server.start()
        except EmbeddedError:
            if not server.in_use:
                raise
        url = server.url
    try:
        await migrate(url)
        async with connect(url) as db:
            yield db
    finally:
        if server is not None:
            await server.stop()


def _refusing(work: "Coroutine[Any, Any, None]") -> None:
    """Run `work`; what the house refuses is said in one line."""
    import asyncio

    from asterisk.history import NoHistory
    from crm_core.embedded_account import EmbeddedError
    from crm_core.errors import Refused
    from crm_core.outage import is_outage

    try:
        asyncio.run(work)
    except (Refused, EmbeddedError) as error:
        _leave(str(error))
    except NoHistory as error:
        _leave(str(error), code=2)
    except Exception as error:
        if not is_outage(error):
            raise
        _leave("The database can not be reached. Start PostgreSQL or correct CALLCENTER_DATABASE_URL.")


def _leave(why: str, code: int = 1) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command that the arguments name."""
    app()


if __name__ == "__main__":
    main()
