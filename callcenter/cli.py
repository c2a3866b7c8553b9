"""The front door: one function per command. Each imports what it needs inside, so that starting stays fast."""

from pathlib import Path
from typing import Annotated

import typer

from callcenter.commands.ground import configuration, leave
from callcenter.commands.imports import imports
from callcenter.commands.people import users
from callcenter.commands.shops import shops
from callcenter.commands.store import store
from callcenter.commands.switchboard import switchboard

app = typer.Typer(
    name="callcenter",
    help="CRM for the telephone side of an online store, attached to Asterisk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def callcenter() -> None:
    """CRM for the telephone side of an online store, attached to Asterisk."""


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

    settings = configuration(demo=demo) if demo else configuration()
    set_up_logs(quiet=demo)

    def ready(address: str, seconds: float, known: bool) -> None:
        typer.echo(f"\nCallcenter is ready after {seconds:.1f} s:  {address}")
        if not known:
            typer.echo(
                "  nobody can sign in yet; make the first account:  callcenter user add NAME --role admin"
            )
        if demo:
            typer.echo("  sign in as  operator, supervisor, manager, admin or courier,  password  demo")
        typer.echo("  Ctrl-C stops everything.\n")

    try:
        asyncio.run(run_service(settings, ready=ready))
    except* CannotStart as errors:
        leave("\n".join(str(error) for error in errors.exceptions))


@app.command()
def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Sound files; legs lying beside one are used.")],
    model: Annotated[
        Path | None, typer.Option(help="A Vosk model; else VOSK_MODEL, else the small one.")
    ] = None,
) -> None:
    """Print who said what, and when, in sound files."""
    from recordings.transcribe import run_cli

    raise typer.Exit(run_cli(files, model or configuration().vosk_model))


app.add_typer(switchboard)
app.add_typer(store)
app.add_typer(users, name="user")
app.add_typer(shops, name="shop")
app.add_typer(imports, name="import")


def main() -> None:
    """Run the command that the arguments name."""
    app()


if __name__ == "__main__":
    main()
