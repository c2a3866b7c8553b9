"""Commands about switchboards: what they say, whether all is right with them, and their configuration."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callcenter.commands.ground import configuration, leave, open_database, refusing

if TYPE_CHECKING:
    from web.settings import Settings

MINUTES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
switchboard = typer.Typer()


@switchboard.command()
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


@switchboard.command()
def capture(
    out: Annotated[Path, typer.Option(help="The file to write; it must not exist yet.")],
    pbx: Annotated[str | None, typer.Option(help="Which switchboard, when there are several.")] = None,
) -> None:
    """Write every byte that the switchboard says, until Ctrl-C; `replay` reads it."""
    import asyncio
    from contextlib import suppress

    from asterisk.ami import AmiConfig, LinkStatus
    from asterisk.capture import capture as run_capture

    switchboards = [each for each in configuration().switchboards if pbx in (None, each.name)]
    if len(switchboards) != 1:
        leave("Name one switchboard with --pbx." if switchboards else "No such switchboard in the settings.")
    one = switchboards[0]
    account = AmiConfig(one.name, one.host, one.port, one.username, one.secret.get_secret_value(), one.tls)

    def say(status: LinkStatus) -> None:
        typer.echo(f"{status.pbx}: {status.state} {status.detail}", err=True)

    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(run_capture(account, out, on_status=say))
    except FileExistsError as error:
        leave(f"{error}; choose another name.")


@switchboard.command()
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

    from callcenter.commands.audit import audit_all, shown

    now = datetime.now(UTC)
    began = since.replace(tzinfo=UTC) if since else now - timedelta(hours=36)
    ended = min(until.replace(tzinfo=UTC) if until else now, now)
    settings = configuration()
    good: list[bool] = []

    async def work() -> None:
        from web.switchboards import audited, number_rules, roots

        wanted = [one for one in settings.switchboards if pbx in (None, one.name)]
        rules = {one.name: number_rules(one) for one in wanted}
        async with open_database() as db:
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

    refusing(work())
    if not good:
        leave("No switchboard with records. Say where they are: CEL or CDR of the switchboard.", code=2)
    if not all(good):
        raise typer.Exit(1)


@switchboard.command("pbx-conf")
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
        leave(f"Nothing was written: {error}")
    typer.echo(f"{out} is written.")


@switchboard.command()
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
            leave(f"{snippets} is not known here; choose one of: {', '.join(KINDS)}.")
        typer.echo(text_for(snippets), nl=False)
        return
    from callcenter.doctor.telling import tell

    if not asyncio.run(_examine(configuration(), tell, calls=calls, deep=not quick)):
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
