"""Segments: rules are checked before they are kept, and mean the same in the database as they say."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from crm_core.custom_field import FieldOf, add_field, set_values
from crm_core.custom_value import FieldKind
from crm_core.customer import Customer, create_customer
from crm_core.errors import Conflict, Invalid
from crm_core.order import ItemWanted, OrderItem, create_order
from crm_core.read.customers import count_wanted, list_customers, load_customer
from crm_core.read.rfm import cell_rules, load_matrix
from crm_core.read.segments import compiled, count_customers
from crm_core.segment import add_segment, change_segment, checked_rules
from crm_core.segment_rule import FIELDS, OPS, All, Condition, Kind, parse
from crm_core.site import Visitor, put_cart

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "is", "at_least", "x"]), inner, max_size=3
        ),
    ),
    max_leaves=8,
)


@given(JSON)
def test_whatever_comes_is_refused_with_its_place_or_understood(rules: object) -> None:
    try:
        parse(rules, {})
    except Invalid as refusal:
        assert (refusal.field or "").startswith("rules")


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ({"all": [{"field": "city", "is": "X"}, {"field": "orders", "is": "many"}]}, "rules.all.1.is"),
        ({"not": {"field": "shoe", "is": 3}}, "rules.not.field"),
        ({"any": []}, "rules"),
        ({"field": "vip", "is": "yes"}, "rules.is"),
        ({"field": "tags", "contains": "a"}, "rules.contains"),
        ({"field": "city", "is": "a", "begins": "b"}, "rules"),
    ],
)
def test_the_place_of_a_mistake_is_named(rules: object, place: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse(rules, {})
    assert refusal.value.field == place


async def furnished(shop: Any) -> dict[str, int]:
    """Marta bought twice, lately; Jan once, long ago; Ewa never, and left a cart yesterday."""
    async with shop.begin() as session:
        await add_field(session, object_=FieldOf.CUSTOMER, name="Size", kind=FieldKind.NUMBER)
        await add_field(
            session, object_=FieldOf.CUSTOMER, name="Pets", kind=FieldKind.CHOICES, options=["cat", "dog"]
        )
        jan = await create_customer(
            session,
            name="Jan Nowak",
            country="PL",
            city="Łódź",
            tags=["loyal"],
            source="fair",
            birthday=date(1980, 11, 25),
        )
        ewa = await create_customer(
            session, name="Ewa Lis", country="PL", city="Kraków", vip=True, numbers=["601220999"]
        )
        who = {"marta": shop.marta, "jan": jan.id, "ewa": ewa.id}
        for customer, days in ((shop.marta, 3), (shop.marta, 40), (jan.id, 400)):
            await create_order(
                session, customer_id=customer, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
                user_id=None, at=shop.noon - timedelta(days=days),
            )  # fmt: skip
        await put_cart(
            session, "c1", shop_id=shop.shop, visitor=Visitor(customer_id=ewa.id), currency="EUR", url=None,
            items=[{"sku": "a", "name": "b", "quantity": 1, "price": "1.00"}], total=Decimal(1),
            updated_at=shop.noon - timedelta(days=1), now=shop.noon,
        )  # fmt: skip
        values = {"size": "38.5", "pets": ["dog"]}
        await set_values(session, FieldOf.CUSTOMER, jan.id, values, user_id=None, at=shop.noon)
    return who


async def test_rules_find_whom_they_say(shop: Any) -> None:
    who = await furnished(shop)
    everybody = set(who)
    stories: list[tuple[dict[str, Any], set[str]]] = [
        ({"all": []}, everybody),
        ({"field": "city", "is": "KRAKÓW"}, {"marta", "ewa"}),
        ({"not": {"field": "city", "is": "Kraków"}}, {"jan"}),
        ({"field": "city", "one_of": ["Łódź", "Gdynia"]}, {"jan"}),
        ({"field": "name", "contains": "%"}, set()),
        ({"field": "orders", "at_least": 1}, {"marta", "jan"}),
        ({"field": "orders_sum", "at_least": "17.80"}, {"marta"}),
        ({"field": "average_order", "is": 8.9}, {"marta", "jan"}),
        ({"field": "days_since_purchase", "at_least": 30}, {"jan"}),
        (
            {"any": [{"field": "days_since_purchase", "at_least": 30}, {"field": "orders", "is": 0}]},
            {"jan", "ewa"},
        ),
        ({"field": "days_since_purchase", "known": False}, {"ewa"}),
        ({"not": {"field": "days_since_purchase", "at_least": 30}}, {"marta", "ewa"}),
        ({"field": "abandoned_cart_days", "at_most": 1}, {"ewa"}),
        ({"field": "tags", "has": "loyal"}, {"jan"}),
        ({"field": "tags", "has_not": "loyal"}, {"marta", "ewa"}),
        ({"field": "vip", "is": True}, {"ewa"}),
        ({"field": "source", "known": False}, {"marta", "ewa"}),
        ({"field": "source", "is_not": "fair"}, {"marta", "ewa"}),
        ({"field": "birthday", "until": "1990-01-01"}, {"jan"}),
        ({"field": "days_to_birthday", "is": 4}, {"jan"}),
        ({"field": "custom.size", "at_least": 38}, {"jan"}),
        ({"field": "custom.pets", "has": "dog"}, {"jan"}),
        ({"field": "custom.pets", "known": False}, {"marta", "ewa"}),
        ({"field": "has_manager", "is": False}, everybody),
    ]
    async with shop.begin() as session:
        for rules, expected in stories:
            condition = compiled(await checked_rules(session, rules), shop.noon)
            found = set(await session.scalars(select(Customer.id).where(condition)))
            assert {name for name, id_ in who.items() if id_ in found} == expected, rules
        values: dict[Kind, Any] = {Kind.TEXT: "a", Kind.TEXTS: "a", Kind.NUMBER: 1, Kind.DAY: "2026-01-01"}
        for field, kind in FIELDS.items():  # every field can be asked in every way
            for op in OPS[kind]:
                value = True if op == "known" or kind is Kind.YES_NO else values[kind]
                rules = {"field": field, op: ["a"] if op == "one_of" else value}
                await count_customers(session, compiled(await checked_rules(session, rules), shop.noon))


async def test_a_segment_keeps_itself_up_to_date_and_narrows_the_list(shop: Any) -> None:
    who = await furnished(shop)
    async with shop.begin() as session:
        rules = {"all": [{"field": "city", "is": "Kraków"}, {"field": "orders", "is": 0}]}
        segment = await add_segment(session, name="Lookers", rules=rules, user_id=shop.anna)
        with pytest.raises(Invalid, match="already"):
            await add_segment(session, name="LOOKERS", rules=rules, user_id=shop.anna)
        found = await list_customers(session, segment_id=segment.id, now=shop.noon)
        assert [row.id for row in found.rows] == [who["ewa"]]
        await create_order(
            session, customer_id=who["ewa"], shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=None, at=shop.noon,
        )  # fmt: skip
        assert (await list_customers(session, segment_id=segment.id, now=shop.noon)).rows == []
        await change_segment(session, segment.id, version=1, rules={"all": []})
        with pytest.raises(Conflict):
            await change_segment(session, segment.id, version=1, name="All")
        wanted = {"segment_id": segment.id, "tag": "loyal", "source": "fair", "manager_id": 0}
        assert await count_wanted(session, now=shop.noon, **wanted) == 1


async def test_the_matrix_counts_everybody_once_and_its_cells_lead_to_those_people(shop: Any) -> None:
    who = await furnished(shop)
    async with shop.begin() as session:
        cells = await load_matrix(session, shop.noon)
        assert {place: (cell.customers, cell.sums) for place, cell in cells.items() if cell.customers} == {
            (5, 2): (1, {"EUR": Decimal("17.80")}),
            (1, 1): (1, {"EUR": Decimal("8.90")}),
        }
        for (recency, frequency), cell in cells.items():
            found = await list_customers(session, recency=recency, frequency=frequency, now=shop.noon)
            assert len(found.rows) == cell.customers
        assert [row.id for row in (await list_customers(session, recency=1, now=shop.noon)).rows] == [
            who["jan"]
        ]
    assert cell_rules(None, None) == All((Condition("orders", Kind.NUMBER, "at_least", Decimal(1)),))


async def test_totals_tell_average_margin_and_where_somebody_came_from(shop: Any) -> None:
    who = await furnished(shop)
    async with shop.begin() as session:
        await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, user_id=None, at=shop.noon,
            items=[ItemWanted(None, 1, name="Wrap", price=Decimal(2))],
        )  # fmt: skip
        sold = OrderItem.product_id == shop.mug
        await session.execute(update(OrderItem).where(sold).values(purchase_price=Decimal("5.00")))
        await session.flush()
        totals = (await load_customer(session, shop.marta)).totals
        assert (totals.orders, totals.sum, totals.average) == (3, Decimal("19.80"), Decimal("6.60"))
        assert (totals.margin, totals.margin_of) == (Decimal("7.80"), 2)
        assert totals.first_source == "Home"
        assert (await load_customer(session, who["jan"])).totals.first_source == "fair"
        nothing = (await load_customer(session, who["ewa"])).totals
        assert (nothing.average, nothing.margin, nothing.first_source) == (None, None, None)
