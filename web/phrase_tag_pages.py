"""The page of tags: which words, said in a call, give it which tag."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.phrase_tag import list_tags
from web import phrase_tags
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_TAGS
from web.services import services

pages = Pages()


@pages.get("/phrase-tags", right=EDIT_TAGS)
async def show_tags(request: web.Request) -> web.Response:
    """Every tag with its words."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        rows = await list_tags(session)
    return render(request, "phrase_tags.html", {"rows": rows}, flash=flash, typed=typed)


@pages.post("/phrase-tags", right=EDIT_TAGS)
async def add_tag(request: web.Request) -> web.Response:
    """Add a tag."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await phrase_tags.post_phrase_tag(
            request, checked(phrase_tags.NewTag, typed, care=typed.get("care") == "yes")
        )
        return go("/phrase-tags", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/phrase-tags/{tag_id}", right=EDIT_TAGS)
async def change_tag(request: web.Request) -> web.Response:
    """Change a tag."""
    tag_id = number_in(request, "tag_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = {**typed, "version": int(typed["version"]) if typed.get("version", "").isdecimal() else -1}
        body = checked(phrase_tags.TagChange, given, care=typed.get("care") == "yes")
        await phrase_tags.patch_phrase_tag(request, tag_id, body)
        return go("/phrase-tags", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


@pages.post("/phrase-tags/{tag_id}/remove", right=EDIT_TAGS)
async def remove_tag(request: web.Request) -> web.Response:
    """Take a tag away."""
    await phrase_tags.delete_phrase_tag(request, number_in(request, "tag_id"))
    return go("/phrase-tags", "removed")
