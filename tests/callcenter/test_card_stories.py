"""What the card knows and remembers during a call, and which line is shown: on the simulated switchboard."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from asterisk.fake.people import Answer, Caller, Customer, Manual
from callcenter.shown_line import LineNeeded
from crm_core import call_link
from crm_core.call_link import CallLink
from crm_core.callback import create_callback
from crm_core.deal import create_deal
from crm_core.dial_rule import DialRefused, ban, unban
from crm_core.errors import Invalid
from crm_core.focus import set_focus
from crm_core.line import create_line
from crm_core.order import ItemWanted, create_order
from crm_core.shop import create_shop
from crm_core.site import PageView, Visitor, add_visits, put_cart
from crm_core.user import update_user
from tests.callcenter.conftest import Browser, House, until

IVAN = "+79161234567"
DIRECT = "74951230003"


async def order_of(house: House, shop_id: int | None = None) -> int:
    """An open order of Ivan's."""
    async with house.db.begin() as session:
        made = await create_order(
            session,
            customer_id=house.customer_id,
            shop_id=shop_id or house.shop_id,
            items=[ItemWanted(None, 1, price=Decimal("8.90"), name="Blue mug", sku="MG")],
            user_id=None,
            at=datetime.now(UTC),
        )
        return made.id


async def talking(house: House, browser: Browser) -> dict[str, Any]:
    """Ivan calls and Anna answers."""
    house.board.place_call(IVAN, "", DIRECT, caller=Caller(talk_s=600))
    await browser.sees("ringing")
    await house.board.answer("1001")
    return await browser.sees("talking")


async def opens(house: House, call: dict[str, Any], after_s: float, **what: int) -> None:
    """Anna opens something in the card so many seconds after her answer."""
    at = datetime.fromisoformat(call["answered_at"]) + timedelta(seconds=after_s)
    async with house.db.begin() as session:
        await set_focus(session, UUID(call["id"]), house.people["1001"], at=at, **what)
    await house.attachment.centre.desk_changed(UUID(call["id"]))


async def hung_up(house: House, browser: Browser) -> list[tuple[int | None, int | None, str]]:
    """The talk is over: what it is linked to."""
    await house.board.hang_up("1001")
    await browser.sees("wrap_up")
    await house.rows()
    async with house.db.begin() as session:
        live = select(CallLink).where(CallLink.removed_at.is_(None)).order_by(CallLink.id)
        return [(it.order_id, it.deal_id, it.rule) for it in await session.scalars(live)]


def _open(desk: Browser, call: dict[str, Any]) -> list[tuple[str, int]]:
    return [(it["kind"], it["object_id"]) for it in desk.cards[call["id"]].get("focus", [])]


async def test_the_order_that_was_open_in_the_talk_is_what_it_was_about(house: House) -> None:
    first, second = await order_of(house), await order_of(house)
    async with house.attached():
        anna = house.browser("1001")
        call = await talking(house, anna)
        await house.rows()
        await opens(house, call, 0.2, order_id=second)
        await opens(house, call, 0.4, order_id=first)
        tab = house.browser("1001")  # a second tab, or the same after a reload
        for desk in (anna, tab):
            await until(lambda desk=desk: _open(desk, call) == [("order", first)], "the card says otherwise")
        await _passes(house, 5)
        assert await hung_up(house, anna) == [(first, None, "opened_in_card")]


async def test_a_link_made_by_hand_stands_alone_whatever_was_open(house: House) -> None:
    opened, chosen = await order_of(house), await order_of(house)
    async with house.attached():
        anna = house.browser("1001")
        call = await talking(house, anna)
        await house.rows()
        await opens(house, call, 0.1, order_id=opened)
        async with house.db.begin() as session:
            await call_link.link(session, UUID(call["id"]), order_id=chosen, rule="chosen", user_id=None)
        await _passes(house, 5)
        assert await hung_up(house, anna) == [(chosen, None, "chosen")]


async def test_what_was_only_glanced_at_leaves_the_call_to_the_next_rule(house: House) -> None:
    order = await order_of(house)
    async with house.db.begin() as session:
        deal = await create_deal(
            session, title="Office", customer_id=house.customer_id, currency="EUR", at=datetime.now(UTC)
        )
    async with house.attached():
        anna = house.browser("1001")
        call = await talking(house, anna)
        await house.rows()
        await opens(house, call, 0.1, deal_id=deal.id)
        await opens(house, call, 0.3)
        await _passes(house, 5)
        assert await hung_up(house, anna) == [(order, None, "only_open")]


async def test_what_he_does_on_the_site_appears_on_the_card_while_he_talks(house: House) -> None:
    now = datetime.now(UTC)
    async with house.attached():
        anna = house.browser("1001")
        call = await talking(house, anna)
        assert (await anna.card(call))["cart"] is None
        async with house.db.begin() as session:
            await put_cart(
                session,
                "c-9",
                shop_id=house.shop_id,
                visitor=Visitor(phone=IVAN),
                items=[{"name": "Blue mug", "sku": "MG", "quantity": 3, "price": "8.90"}],
                total=Decimal("26.70"),
                currency="EUR",
                url=None,
                updated_at=now,
                now=now,
            )
        await until(lambda: anna.cards[call["id"]]["cart"], "the cart never came")
        assert anna.cards[call["id"]]["cart"]["total"] == "26.70"


async def test_a_strangers_visits_come_by_his_number(house: House) -> None:
    now = datetime.now(UTC)
    async with house.attached():
        anna = house.browser("1001")
        house.board.place_call("+79167770000", "", DIRECT)
        call = await anna.sees("ringing")
        view = PageView(external_id="v-1", url="https://shop.example/mugs", title="Mugs", at=now)
        async with house.db.begin() as session:
            visitor = Visitor(phone="+79167770000")
            await add_visits(session, [view], shop_id=house.shop_id, visitor=visitor, now=now)
        await until(lambda: anna.cards[call["id"]]["visits"], "the visit never came")


async def test_the_card_names_the_carrier_of_a_mobile_number(house: House) -> None:
    async with house.attached() as attachment:
        await attachment.learn_carriers()
        anna = house.browser("1001")
        house.board.place_call("+48601220114", "", DIRECT)
        call = await anna.sees("ringing")
    assert (call["remote"]["kind"], call["remote"]["carrier"]) == ("mobile", "Plus")


# --- which line is shown --------------------------------------------------------------------------------------


async def dialled(house: House, **asked: Any) -> str | None:
    """The line that the customer sees when Anna calls Ivan."""
    browser = house.browser("1001")
    await house.attachment.centre.dial(house.people["1001"], IVAN, **asked)
    call = await browser.sees("dialling")
    return call["line"]["number"] if call["line"] else None


@pytest.fixture
async def berlin(house: House) -> int:
    """A second shop with one line."""
    house.board.phone("1001").behave(Answer(after_s=1))
    house.board.customer_of = lambda number: Customer(answer_s=1, talk_s=300)
    async with house.db.begin() as session:
        shop = await create_shop(
            session,
            name="Haus",
            currency="EUR",
            country="DE",
            timezone="Europe/Berlin",
            order_prefix="H-",
        )
        await create_line(
            session, pbx="main", did="+493023125140", name="Berlin", country="DE", shop_id=shop.id
        )
    return shop.id


async def test_a_call_about_an_order_shows_the_line_of_its_shop(house: House, berlin: int) -> None:
    order = await order_of(house, berlin)
    async with house.attached():
        assert await dialled(house, order_id=order, ask_line=True) == "+493023125140"


async def test_a_call_back_shows_the_line_that_was_called(house: House, berlin: int) -> None:
    house.board.phone("1001").behave(Manual())
    async with house.attached():
        anna = house.browser("1001")
        house.board.place_call(IVAN, "", DIRECT, caller=Caller(patience_s=4))
        await anna.sees("ringing")
        await anna.sees()
        (row,) = await house.rows()
        house.board.phone("1001").behave(Answer(after_s=1))
        async with house.db.begin() as session:
            promise = await create_callback(
                session,
                number=IVAN,
                country="RU",
                due_at=datetime.now(UTC),
                reason="Missed call",
                source_call_id=row.id,
            )
        assert await dialled(house, callback_id=promise.id, ask_line=True) == row.line == DIRECT


async def test_who_has_a_line_of_his_own_is_not_asked(house: House, berlin: int) -> None:
    async with house.db.begin() as session:
        line = await create_line(session, pbx="main", did="74951239999", name="Anna's", country="RU")
        await update_user(session, house.people["1001"], line_id=line.id)
    async with house.attached():
        assert await dialled(house, customer_id=house.customer_id, ask_line=True) == "74951239999"


async def test_where_several_lines_are_possible_the_desk_is_asked_and_others_get_the_house_number(
    house: House, berlin: int
) -> None:
    async with house.attached() as attachment:
        with pytest.raises(LineNeeded) as asked:
            await attachment.centre.dial(house.people["1001"], IVAN, ask_line=True)
        assert {"Line 1", "Berlin"} <= {line.name for line in asked.value.lines}
        async with house.db.begin() as session:
            made = await ban(session, reason="Asked by letter", user_id=None, country="RU", number=IVAN)
        with pytest.raises(DialRefused, match="Asked by letter"):  # before anybody is asked for a line
            await attachment.centre.dial(house.people["1001"], IVAN, ask_line=True)
        async with house.db.begin() as session:
            await unban(session, made.id)
        assert await house.rows() == []
        assert await dialled(house) is None


async def test_a_number_that_is_not_ours_is_never_shown(house: House, berlin: int) -> None:
    order = await order_of(house)
    async with house.attached() as attachment:
        for named, origin in (("+15550100", {}), ("+493023125140", {"order_id": order})):
            with pytest.raises(Invalid):
                await attachment.centre.dial(house.people["1001"], IVAN, line=named, **origin)
        assert await house.rows() == []


async def _passes(house: House, seconds: float) -> None:
    """So many simulated seconds go by."""
    await house.board.pbx.clock.sleep(seconds)
