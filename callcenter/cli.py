"""The front door: one function per command. Each imports what it needs inside, so that starting stays fast."""

from pathlib import Path
from typing import Annotated

import typer

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


def main() -> None:
    """Run the command that the arguments name."""
    app()


if __name__ == "__main__":
    main()
