"""Fields that the house defines itself: whatever is sent, only what fits is kept, and always in one form."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.custom_field import FieldOf, add_field, change_field, get_values, list_fields, set_values
from crm_core.custom_value import FieldKind, FieldRule, changed, convert
from crm_core.errors import Conflict, Invalid, NotFound

SIZES = ("S", "M", "L")
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.decimals(allow_nan=True).map(str),
    st.dates().map(str),
    st.sampled_from([*SIZES, "yes", "no", "12,50", "1 000", "2026-02-30"]),
    st.lists(st.one_of(st.text(max_size=5), st.sampled_from(SIZES), st.integers()), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def rule(kind: str) -> FieldRule:
    return FieldRule(code="x", name="Extra", kind=FieldKind(kind), options=SIZES)


@given(st.sampled_from(list(FieldKind)), ANYTHING)
def test_whatever_is_sent_is_refused_or_kept_in_a_form_that_stays_the_same(kind: str, sent: object) -> None:
    field = rule(kind)
    try:
        kept = convert(field, sent)
    except Invalid as refusal:
        assert refusal.field == "custom.x"
        return
    assert convert(field, kept) == kept
    assert kept is None or isinstance(kept, str | bool | list)
    assert kept not in ("", [])
    if kind in ("choice", "choices") and kept is not None:
        assert set([kept] if isinstance(kept, str) else kept) <= set(SIZES)


@given(
    st.dictionaries(st.sampled_from("ab"), st.integers(-9, 9)),
    st.dictionaries(st.sampled_from("ab"), ANYTHING),
)
def test_a_change_touches_only_what_it_names(kept: dict[str, int], sent: dict[str, Any]) -> None:
    fields = [FieldRule(code=code, name=code, kind=FieldKind.NUMBER) for code in "ab"]
    before = {code: str(value) for code, value in kept.items()}
    try:
        after = changed(fields, before, sent)
    except Invalid:
        return
    assert {code: value for code, value in after.items() if code not in sent} == {
        code: value for code, value in before.items() if code not in sent
    }


@pytest.mark.parametrize(
    ("kind", "sent", "kept"),
    [
        ("text", "  gate 14B ", "gate 14B"),
        ("number", "1 250,50", "1250.5"),
        ("number", "-0.00", "0"),
        ("number", 1e3, "1000"),
        ("date", "2026-02-28", "2026-02-28"),
        ("yes_no", "no", False),
        ("choice", "M", "M"),
        ("choices", ["L", "S", "L"], ["L", "S"]),
        ("choices", "M", ["M"]),
    ],
)
def test_values_are_kept_in_one_form(kind: str, sent: object, kept: object) -> None:
    assert convert(rule(kind), sent) == kept


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("number", "twelve"),
        ("number", "NaN"),
        ("number", True),
        ("date", "2026-02-30"),
        ("yes_no", "perhaps"),
        ("choice", "XXL"),
        ("choices", ["S", "XXL"]),
        ("text", ["a"]),
        ("number", "1" * 16),
    ],
)
def test_what_does_not_fit_is_refused(kind: str, sent: object) -> None:
    with pytest.raises(Invalid, match="Extra"):
        convert(rule(kind), sent)


def test_an_option_no_longer_offered_may_stay_but_not_be_chosen_anew() -> None:
    assert convert(rule("choice"), "XS", kept="XS") == "XS"
    with pytest.raises(Invalid):
        convert(rule("choice"), "XS", kept="S")


async def test_fields_are_defined_for_customers_orders_deals_and_calls_and_filled_there(shop: Any) -> None:
    async with shop.begin() as session:
        await add_field(session, object_=FieldOf.CUSTOMER, name="Shoe size", kind=FieldKind.NUMBER)
        again = await add_field(
            session, object_=FieldOf.CUSTOMER, name="Размер", kind=FieldKind.CHOICE, options=["S"]
        )
        await add_field(session, object_=FieldOf.CALL, name="Shoe size", kind=FieldKind.TEXT)
        with pytest.raises(Invalid, match="already"):
            await add_field(session, object_=FieldOf.CUSTOMER, name="shoe  SIZE", kind=FieldKind.TEXT)
        with pytest.raises(Invalid, match="options"):
            await add_field(session, object_=FieldOf.ORDER, name="Wrap", kind=FieldKind.CHOICE)
        codes = [field.code for field in await list_fields(session, FieldOf.CUSTOMER)]
        assert codes[0] == "shoe_size" and len(set(codes)) == 2
    async with shop.begin() as session:
        told = {"user_id": shop.anna, "at": shop.noon}
        await set_values(session, FieldOf.CUSTOMER, shop.marta, {"shoe_size": "38,5"}, **told)
        await set_values(session, FieldOf.CUSTOMER, shop.marta, {again.code: "S"}, **told)
        await set_values(session, FieldOf.CALL, shop.call, {"shoe_size": "says 38"}, **told)
    async with shop.begin() as session:
        assert await get_values(session, FieldOf.CUSTOMER, shop.marta) == {
            "shoe_size": "38.5",
            again.code: "S",
        }
        assert await get_values(session, FieldOf.CALL, shop.call) == {"shoe_size": "says 38"}
        with pytest.raises(Invalid, match="no field"):
            await set_values(session, FieldOf.CUSTOMER, shop.marta, {"hat": "7"}, **told)
        with pytest.raises(NotFound):
            await set_values(session, FieldOf.DEAL, 999, {}, **told)
        hidden = await change_field(session, again.id, version=1, changes={"active": False})
        with pytest.raises(Conflict):
            await change_field(session, again.id, version=1, changes={"name": "Size"})
        assert not hidden.active
        assert again.code in await get_values(session, FieldOf.CUSTOMER, shop.marta)  # hidden, not lost
