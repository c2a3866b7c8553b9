"""Pages of calls: the list with its filters, and one call with its phones, sound, text, links and note."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import call_link
from crm_core.call import save_note
from crm_core.call_script import choices_of
from crm_core.custom_field import FieldOf
from crm_core.errors import Conflict, Invalid
from crm_core.listening import list_heard
from crm_core.outcome import choices
from crm_core.phrase_tag import list_tags, tags_of
from crm_core.read.actions import load_actions
from crm_core.read.calls import list_calls
from crm_core.read.customers import suggest_customers
from crm_core.read.deals import list_deals
from crm_core.read.figure_labels import lines_to_choose, queues_to_choose
from crm_core.read.one_call import CallPage, load_call
from crm_core.read.order_steps import load_names
from crm_core.read.orders import list_orders
from crm_core.read.reviews import list_reviews
from crm_core.read.sound import load_sound
from crm_core.read.votes import load_vote
from crm_core.wrap_up import choose_outcome
from web.call_sound import addresses
from web.call_work import (
    Caller,
    ChosenCustomer,
    ChosenOutcome,
    NoteText,
    choose_customer,
    create_caller,
    note_change,
)
from web.calls import CallFilters, all_calls, opens_call, own_call, reader, tell_desk
from web.exports import export_query
from web.field_pages import panel_of
from web.forms import checked, fields, settle
from web.listing import Listed
from web.order_words import said
from web.own import heard_so
from web.pages import (
    Flash,
    Pages,
    go,
    is_set,
    midnight,
    number_in,
    read_filters,
    render,
    turn,
    users_to_choose,
)
from web.rights import (
    DOWNLOAD_RECORDINGS,
    EDIT_CALLS,
    HEAR_RECORDINGS,
    LISTEN_CALLS,
    REVIEW_CALLS,
    VIEW_CALLS,
    VIEW_REVIEWS,
    Scope,
)
from web.services import services
from web.sessions import person
from web.way import way

pages = Pages()
CHOICES = 8
"""People, orders and deals that are offered at once."""


class CallsOnPage(CallFilters, Listed):
    """The filters of the page; days are those of the reader, both included."""

    since: date | None = None
    until: date | None = None


@pages.get("/calls", right=VIEW_CALLS)
async def show_calls(request: web.Request) -> web.Response:
    """The list, newest first; an operator's own alone."""
    who, filters = person(request), read_filters(request, CallsOnPage)
    given = filters.model_dump(exclude={"unlinked", "mine", "since", "until", "tag_id", "manner"})
    since = midnight(filters.since, who)
    until = midnight(filters.until and filters.until + timedelta(days=1), who)
    async with services(request).db.begin() as session:
        found = await list_calls(
            session,
            **reader(who, mine=filters.mine),
            everybody=all_calls(who) and not filters.mine,
            unlinked_only=filters.unlinked,
            only=await heard_so(session, who, filters.tag_id, filters.manner),
            since=since,
            until=until,
            **given,
        )
        colleagues = await users_to_choose(session)
        lines, queues = await lines_to_choose(session), await queues_to_choose(session)
        tags = await list_tags(session)
    context = {
        "lines": lines,
        "queues": [(name, name) for name in queues],
        "filters": filters,
        "filters_set": is_set(filters),
        "exported": export_query(filters, since=since, until=until),
        "rows": found.rows,
        "pages": turn(request, found),
        "colleagues": colleagues,
        "everybody": all_calls(who),
        "may_hear": who.may(HEAR_RECORDINGS),
        "tags": [(tag.id, tag.name) for tag in tags],
    }
    return render(request, "calls.html", context)


@pages.get("/calls/{call_id}", right=VIEW_CALLS)
async def show_call(request: web.Request) -> web.Response:
    """One call: who rang how long with which result, what it was about, what was said."""
    return await page_again(request)


async def page_again(
    request: web.Request,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
    kept_text: str | None = None,
) -> web.Response:
    """The page of the call in the address; `kept_text`: a note that somebody else's overtook."""
    who, parts = person(request), services(request)
    looked_for = request.query.get("who", "")[:200]
    call_id = call_id_of(request)
    async with parts.db.begin() as session:
        call = await load_call(session, call_id, **reader(who), everybody=opens_call(request, call_id))
        hears = call.hearable or who.scope(HEAR_RECORDINGS) is Scope.ALL
        sound = await load_sound(session, call.id) if hears else None
        actions = await load_actions(session, call.id)
        names = await load_names(session, [it.what for it in actions if it.what])
        found = await suggest_customers(session, looked_for, limit=CHOICES) if looked_for else []
        objects = await _objects(session, call)
        custom = await panel_of(session, FieldOf.CALL, call.id)
        offered = await choices(session)
        tags = tags_of(sound.text.phrases, await list_tags(session)) if sound else []
        heard_by = await list_heard(session, call_id=call.id)
        answered = await choices_of(session, call.id)
        vote = await load_vote(session, call.id)
        reviews = await list_reviews(session, whose=who.whose(VIEW_REVIEWS), call_id=call.id)
    context = {
        "call": call,
        "heard": sound,
        "addresses": addresses(parts, sound) if sound else {},
        "at": _second(request.query.get("at", "")),
        "answered": answered,
        "reviews": reviews.rows,
        "vote": vote,
        "may_invite": call.answered_at is not None and call.ended_at is not None and who.may(EDIT_CALLS),
        "may_review": hears and call.operator_id not in (None, who.user_id) and who.may(REVIEW_CALLS),
        "talk": sound.talk if sound else None,
        "tags": tags,
        "way": way(call, parts.now()),
        "actions": actions,
        "said": [said(it.what or {}, names) for it in actions],
        "custom": custom,
        "looked_for": looked_for,
        "found": found,
        "objects": objects,
        "kept_text": kept_text,
        "outcomes": offered,
        "heard_by": [it for it in heard_by if it.told or who.may(LISTEN_CALLS)],
        "may_listen": call.ended_at is None and who.may(LISTEN_CALLS),
        "may_edit": who.may(EDIT_CALLS),
        "may_download": who.may(DOWNLOAD_RECORDINGS),
    }
    return render(request, "call.html", context, flash=flash, typed=typed)


async def _objects(session: AsyncSession, call: CallPage) -> list[tuple[str, str]]:
    """Orders and deals of the call's customer that it is not linked with, as choices."""
    if call.customer_id is None:
        return []
    taken = {(link.kind, link.order_id or link.deal_id) for link in call.link_rows if not link.removed_at}
    orders = (await list_orders(session, customer_id=call.customer_id, limit=CHOICES)).rows
    deals = (await list_deals(session, customer_id=call.customer_id, limit=CHOICES)).rows
    choices = [("order", row.id, f"{row.number} · {row.status_label}") for row in orders]
    choices += [("deal", row.id, f"{row.title} · {row.stage_label}") for row in deals]
    return [(f"{kind}:{id_}", said) for kind, id_, said in choices if (kind, id_) not in taken]


@pages.post("/calls/{call_id}/note", right=EDIT_CALLS)
async def keep_note(request: web.Request) -> web.Response:
    """Keep the note; when somebody else wrote meanwhile show both, lose neither."""
    parts, who, call_id = services(request), person(request), call_id_of(request)
    typed = await fields(request)
    body = checked(NoteText, {"version": typed.get("version", "")}, text=typed.get("text", ""))
    try:
        async with parts.db.begin() as session:
            kept = await own_call(request, session, call_id)
            await save_note(
                session, kept, body.text, version=body.version, user_id=who.user_id, at=parts.now()
            )
    except Conflict as conflict:
        return await page_again(request, Flash("bad", str(conflict)), typed, kept_text=body.text)
    await tell_desk(parts, kept)
    return go(f"/calls/{kept}", "noted")


@pages.post("/calls/{call_id}/disposition", right=EDIT_CALLS)
async def keep_disposition(request: web.Request) -> web.Response:
    """Say what came of the call."""
    parts, who, call_id = services(request), person(request), call_id_of(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(ChosenOutcome, {"code": typed.get("code", "")})
        async with parts.db.begin() as session:
            kept = await own_call(request, session, call_id)
            await choose_outcome(session, kept, body.code, user_id=who.user_id, at=parts.now())
        await parts.live.finish(kept)
        return go(f"/calls/{kept}", "disposed")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/calls/{call_id}/customer", right=EDIT_CALLS)
async def choose(request: web.Request) -> web.Response:
    """Say whose call it is."""
    parts, who = services(request), person(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(ChosenCustomer, typed)
        async with parts.db.begin() as session:
            kept = await own_call(request, session, call_id_of(request))
            await choose_customer(session, parts, kept, body.customer_id, user_id=who.user_id)
            await note_change(session, request, "choose_customer", kept, customer_id=body.customer_id)
        await tell_desk(parts, kept)
        return go(f"/calls/{kept}", "attached")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/calls/{call_id}/customer/new", right=EDIT_CALLS)
async def create(request: web.Request) -> web.Response:
    """Write down who an unknown caller is."""
    parts, who = services(request), person(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(Caller, typed)
        async with parts.db.begin() as session:
            kept = await own_call(request, session, call_id_of(request))
            await create_caller(session, parts, kept, body, user_id=who.user_id)
        await tell_desk(parts, kept)
        return go(f"/calls/{kept}", "attached")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/calls/{call_id}/links", right=EDIT_CALLS)
async def link(request: web.Request) -> web.Response:
    """Link the call with an order or a deal."""
    parts, who = services(request), person(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        target = _target(typed.get("object", ""))
        async with parts.db.begin() as session:
            kept = await own_call(request, session, call_id_of(request))
            await call_link.link(session, kept, rule=call_link.CHOSEN, user_id=who.user_id, **target)
            await note_change(session, request, "link_call", kept, **target)
        await tell_desk(parts, kept)
        return go(f"/calls/{kept}#links", "linked")

    return await settle(request, step, lambda flash, typed: page_again(request, flash, typed))


@pages.post("/calls/{call_id}/links/{link_id}/remove", right=EDIT_CALLS)
async def unlink(request: web.Request) -> web.Response:
    """Take a link away; it stays in the history."""
    parts, who, link_id = services(request), person(request), number_in(request, "link_id")
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id_of(request))
        await call_link.unlink(session, kept, link_id, user_id=who.user_id, at=parts.now())
        await note_change(session, request, "unlink_call", kept, link_id=link_id)
    await tell_desk(parts, kept)
    return go(f"/calls/{kept}#links", "unlinked")


def _target(text: str) -> dict[str, Any]:
    kind, _, id_ = text.partition(":")
    if kind not in ("order", "deal") or not (id_.isascii() and id_.isdecimal()) or int(id_) >= 2**63:
        raise Invalid("Choose an order or a deal.", "object")
    return {f"{kind}_id": int(id_)}


def _second(text: str) -> float | None:
    """From where the recording shall be heard; None for the beginning, and for what is no second."""
    return float(text) if re.fullmatch(r"[0-9]{1,6}([.][0-9]{1,9})?", text, re.ASCII) else None


def call_id_of(request: web.Request) -> UUID:
    """The call of the address; 404 for what can be none."""
    try:
        return UUID(request.match_info["call_id"])
    except ValueError:
        raise web.HTTPNotFound from None
