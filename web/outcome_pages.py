"""The page of outcomes: each tree in its order, what every outcome asks for, and which lines and funnels have it."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.funnel import list_funnels
from crm_core.line import list_lines
from crm_core.outcome import ASKS, DEEPEST, HAPPENED, HOUSE, MOST, Outcome, OutcomeTree, list_trees
from crm_core.reason import KNOWN
from web import outcomes
from web.errors import Refusal
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_OUTCOMES
from web.services import services

pages = Pages()
TOLD = KNOWN | HAPPENED  # what an outcome may say of a call
EMPTY_ROWS = 3  # for new outcomes, below those that there are
ROWS = range(MOST + EMPTY_ROWS)


@pages.get("/outcomes", right=EDIT_OUTCOMES)
async def show_outcomes(request: web.Request) -> web.Response:
    """Every tree."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        trees = await list_trees(session)
        lines = [(line.id, line.name or line.did) for line, _ in await list_lines(session)]
        funnels = [(funnel.id, funnel.name) for funnel in await list_funnels(session)]
    context = {
        "trees": trees,
        "rows_of": {tree.id: _rows(tree) for tree in trees},
        "house_tree": HOUSE,
        "lines": lines,
        "funnels": funnels,
        "taken": {use.line_id: tree.id for tree in trees for use in tree.uses if use.line_id}
        | {f"f{use.funnel_id}": tree.id for tree in trees for use in tree.uses if use.funnel_id},
        "reasons": TOLD,
        "empty_rows": EMPTY_ROWS,
    }
    return render(request, "outcomes.html", context, flash=flash, typed=typed)


def _rows(tree: OutcomeTree) -> list[tuple[Outcome, int]]:
    """The outcomes that are offered, each below its group, with how deep it lies."""
    offered = [one for one in tree.outcomes if one.active]

    def below(parent: str | None, depth: int) -> list[tuple[Outcome, int]]:
        found: list[tuple[Outcome, int]] = []
        for one in offered:
            if one.parent == parent and depth < DEEPEST:
                found += [(one, depth), *below(one.code, depth + 1)]
        return found

    return below(None, 0)


@pages.post("/outcomes", right=EDIT_OUTCOMES)
async def add_tree(request: web.Request) -> web.Response:
    """Add a tree."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        made = await outcomes.post_tree(request, checked(outcomes.NewTree, typed))
        return go(f"/outcomes#tree-{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/outcomes/{tree_id}", right=EDIT_OUTCOMES)
async def change_tree(request: web.Request) -> web.Response:
    """Change a tree; an outcome without a name is offered no longer."""
    tree_id = number_in(request, "tree_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        ids = {
            name: [
                int(key[len(mark) :]) for key in typed if key.startswith(mark) and key[len(mark) :].isdigit()
            ]
            for name, mark in (("line_ids", "line"), ("funnel_ids", "funnel"))
        }
        body = checked(
            outcomes.TreeChange,
            typed,
            version=_whole(typed.get("version", "")),
            outcomes=_outcomes(typed),
            **ids,
        )
        await outcomes.patch_tree(request, tree_id, body)
        return go(f"/outcomes#tree-{tree_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _outcomes(typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of the form that have a name, in the order of their places."""
    rows = []
    for n in ROWS:
        if name := typed.get(f"name{n}", ""):
            row: dict[str, Any] = {"label": name, "code": typed.get(f"code{n}") or None}
            row["parent"] = typed.get(f"group{n}") or None
            row |= {ask: typed.get(f"{ask}{n}") == "yes" for ask in ASKS}
            row["about"] = tuple(reason for reason in TOLD if typed.get(f"about{n}_{reason}") == "yes")
            rows.append((_whole(typed.get(f"place{n}", "")), n, row))
    return [row for _, _, row in sorted(rows, key=lambda each: each[:2])]


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Refusal(422, "Place: write a whole number.")
    return int(text)
