"""Teams and roles of one's own in the API: for administrators."""

from collections.abc import Iterable
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import team
from crm_core.errors import Invalid
from crm_core.team import OwnRole, Scopes, Team
from crm_core.user import Role
from web.api import Operations
from web.fields import Answer, Given, Id, Name
from web.listing import possible
from web.noted import note
from web.rights import EDIT_USERS, RIGHTS, VIEW_USERS, Right, Scope, every_right, scopes_of
from web.services import services

operations = Operations("users")
How = Literal["none", "own", "team", "all"]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]


class TeamGiven(Given):
    """What a team is called."""

    name: Name


class TeamAnswer(Answer):
    """A team and how many are in it."""

    id: int
    name: str
    people: int


class ScopeOfRight(Given):
    """How far one right reaches: not at all, one's own, one's team's, everything."""

    object: Word
    action: Word
    scope: How


class RoleGiven(Given):
    """A role: the built-in one it is based on, and the rights that reach further or less far."""

    name: Name
    based_on: Role
    scopes: Annotated[list[ScopeOfRight], Field(default_factory=list, max_length=200)]


class RoleAnswer(Answer):
    """A role of one's own with what differs from the built-in one."""

    id: int
    name: str
    based_on: Role
    scopes: list[ScopeOfRight]


class RightAnswer(Answer):
    """A right: how far it can reach, and how far it does in each built-in role."""

    object: str
    action: str
    possible: list[How]
    roles: dict[str, How]


@operations.get("/teams", right=VIEW_USERS)
async def get_teams(request: web.Request) -> list[TeamAnswer]:
    """Every team, by name."""
    async with services(request).db.begin() as session:
        return [_team(row, people) for row, people in await team.list_teams(session)]


@operations.post("/teams", right=EDIT_USERS, errors=(409,))
async def post_team(request: web.Request, body: TeamGiven) -> TeamAnswer:
    """Make a team. 409 for a name in use."""
    return await _save_team(request, None, body)


@operations.patch("/teams/{team_id}", right=EDIT_USERS, errors=(409,))
async def patch_team(request: web.Request, team_id: Id, body: TeamGiven) -> TeamAnswer:
    """Give a team another name. 409 for a name in use."""
    return await _save_team(request, team_id, body)


@operations.delete("/teams/{team_id}", right=EDIT_USERS, errors=(409,))
async def delete_team(request: web.Request, team_id: Id) -> None:
    """Dissolve a team; its people are in none then. 409 while tasks are given to it."""
    async with services(request).db.begin() as session:
        await team.delete_team(session, team_id)
        await note(session, request, "team.remove", team_id)


@operations.get("/rights", right=VIEW_USERS)
async def get_rights(request: web.Request) -> list[RightAnswer]:
    """Every right there is, and how far it reaches in the built-in roles."""
    return [
        RightAnswer(
            object=right.object,
            action=right.action,
            possible=[said(scope) for scope in scopes_of(right)],
            roles={str(role): said(held.get(right, Scope.NONE)) for role, held in RIGHTS.items()},
        )
        for right in every_right()
    ]


@operations.get("/roles", right=VIEW_USERS)
async def get_roles(request: web.Request) -> list[RoleAnswer]:
    """Every role of one's own, by name."""
    async with services(request).db.begin() as session:
        return [_role(row, scopes) for row, scopes in await team.list_roles(session)]


@operations.post("/roles", right=EDIT_USERS, errors=(409,))
async def post_role(request: web.Request, body: RoleGiven) -> RoleAnswer:
    """Make a role. 409 for a name in use, an unknown right, or a scope that a right can not have."""
    return await _save_role(request, None, body)


@operations.put("/roles/{role_id}", right=EDIT_USERS, errors=(409,))
async def put_role(request: web.Request, role_id: Id, body: RoleGiven) -> RoleAnswer:
    """Change a role as a whole; whoever has it feels it at once. 409 as for a new one."""
    return await _save_role(request, role_id, body)


@operations.delete("/roles/{role_id}", right=EDIT_USERS, errors=(409,))
async def delete_role(request: web.Request, role_id: Id) -> None:
    """Forget a role. 409 while somebody has it."""
    async with services(request).db.begin() as session:
        await team.delete_role(session, role_id)
        await note(session, request, "role.remove", role_id)


async def _save_team(request: web.Request, team_id: int | None, body: TeamGiven) -> TeamAnswer:
    async with services(request).db.begin() as session:
        with possible():
            made = await team.save_team(session, team_id, body.name)
        await note(session, request, "team.save", made.id, name=made.name)
        counts = {row.id: people for row, people in await team.list_teams(session)}
        return _team(made, counts[made.id])


async def _save_role(request: web.Request, role_id: int | None, body: RoleGiven) -> RoleAnswer:
    async with services(request).db.begin() as session:
        with possible():
            scopes = checked_scopes(body.scopes)
            made = await team.save_role(
                session, role_id, name=body.name, based_on=body.based_on, scopes=scopes
            )
        told = {f"{object_}.{action}": said(Scope(scope)) for (object_, action), scope in scopes.items()}
        await note(session, request, "role.save", made.id, name=made.name, scopes=told)
        return _role(made, scopes)


def checked_scopes(given: Iterable[ScopeOfRight]) -> Scopes:
    """What was given as the table keeps it. Raises `Invalid` for an unknown right or a scope it can not have."""
    scopes: dict[tuple[str, str], int] = {}
    for each in given:
        right, scope = Right(each.object, each.action), Scope[each.scope.upper()]
        if right not in every_right() or scope not in scopes_of(right):
            raise Invalid(f"{right} can not reach {each.scope}.", "scopes")
        scopes[right] = scope
    return scopes


def said(scope: Scope) -> How:
    """A scope as one word."""
    words: dict[Scope, How] = {
        Scope.NONE: "none",
        Scope.OWN: "own",
        Scope.TEAM: "team",
        Scope.ALL: "all",
    }
    return words[scope]


def _team(row: Team, people: int) -> TeamAnswer:
    return TeamAnswer(id=row.id, name=row.name, people=people)


def _role(row: OwnRole, scopes: Scopes) -> RoleAnswer:
    told = [
        ScopeOfRight(object=object_, action=action, scope=said(Scope(scope)))
        for (object_, action), scope in sorted(scopes.items())
    ]
    return RoleAnswer(id=row.id, name=row.name, based_on=Role(row.based_on), scopes=told)
