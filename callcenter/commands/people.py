"""`callcenter user`: people who may sign in."""

from typing import Annotated

import typer

from callcenter.commands.ground import configuration, leave, open_database, refusing

users = typer.Typer(help="People who may sign in.", no_args_is_help=True)


@users.command("add")
def user_add(
    login: str,
    name: Annotated[str, typer.Option(help="As colleagues call this person; else the login.")] = "",
    role: Annotated[
        str, typer.Option(help="operator, senior, supervisor, manager, admin or courier")
    ] = "operator",
    extension: Annotated[str | None, typer.Option(help="The telephone of this person.")] = None,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Let somebody sign in."""

    from crm_core.user import create_user, map_extension

    async def work() -> None:
        hashed = await _hashed(password)
        pbx = [each.name for each in configuration().switchboards]
        async with open_database() as db, db.begin() as session:
            user = await create_user(
                session, login=login, name=name or login, role=role, password_hash=hashed
            )
            if extension is not None:
                await map_extension(
                    session, pbx=pbx[0] if pbx else "pbx", extension=extension, user_id=user.id
                )

    refusing(work())
    typer.echo(f"{login} can sign in now.")


@users.command("passwd")
def user_passwd(
    login: str,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Give somebody a new password; sessions of the old one end."""
    from crm_core.user import find_by_login, update_user

    async def work() -> None:
        hashed = await _hashed(password)
        async with open_database() as db, db.begin() as session:
            user = await find_by_login(session, login)
            if user is None:
                leave(f"There is no user {login}.")
            await update_user(session, user.id, password_hash=hashed)

    refusing(work())
    typer.echo(f"{login} has a new password.")


@users.command("list")
def user_list() -> None:
    """Print everybody who may sign in."""
    from rich.console import Console
    from rich.table import Table

    from crm_core.user import list_users

    table = Table("login", "name", "role", "active")

    async def work() -> None:
        async with open_database() as db, db.begin() as session:
            for user in await list_users(session):
                table.add_row(user.login, user.name, user.role, "yes" if user.active else "no")

    refusing(work())
    Console().print(table)


async def _hashed(password: str) -> str:
    """As it is kept. Leaves when it is shorter than the page of users takes."""
    from crm_core.user import SHORTEST_PASSWORD, Passwords

    if len(password) < SHORTEST_PASSWORD:
        leave(f"A password has at least {SHORTEST_PASSWORD} characters.")
    return await Passwords().hash(password)
