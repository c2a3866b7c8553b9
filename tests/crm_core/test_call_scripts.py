"""Scripts: a text becomes steps, what is wrong in it is told by its line, what was answered stays with the call."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.call_record import merge_calls
from crm_core.call_script import (
    add_script,
    change_script,
    choices_of,
    keep_choices,
    newest,
    versions_of,
)
from crm_core.customer import create_customer
from crm_core.errors import Conflict, Invalid
from crm_core.read.guide import About, load_counts, load_guide
from crm_core.script_tree import LONGEST, Answer, Part, parse, parts, walk

TEXT = """
# Greeting
Hello {customer.first_name},
it is {operator.name}.
- Go on -> offer
- Not now

# Offer
Order {order.number}?
- Yes
"""


def test_a_text_is_a_tree_of_steps() -> None:
    script = parse(TEXT)
    assert [step.name for step in script.steps] == ["Greeting", "Offer"]
    first = script.steps[0]
    assert first.answers == (Answer("Go on", "Offer"), Answer("Not now", None))
    assert parts(first.say)[:3] == [Part("Hello "), Part("", "customer.first_name"), Part(",\nit is ")]
    assert [step.name for step in walk(script, [0, 0])] == ["Greeting", "Offer"]
    assert [step.name for step in walk(script, [1])] == ["Greeting"]
    for path in ([2], [1, 0], [0, 0, 0]):
        with pytest.raises(Invalid):
            walk(script, path)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Hello", "Line 1: A script begins"),
        ("# A\n- x -> B", "Line 2: There is no step “B”"),
        ("# A\n{nobody.name}", "Line 2: There is no {nobody.name}"),
        ("# A\n- x -> A", "Line 1: The step “A” leads back"),
        ("# A\n- x\n# B\nhi", "Line 3: No answer leads to the step “B”"),
        ("# A\n# a", "Line 2: There are two steps"),
        ("# A\n" + "- x\n" * 10, "Line 1: A step has 9 answers"),
        ("", "Write at least one step"),
        ("# A\n" + "x" * LONGEST, "letters at most"),
    ],
)
def test_what_is_wrong_is_told_by_its_line(source: str, said: str) -> None:
    with pytest.raises(Invalid, match=said.replace("{", r"\{").replace("}", r"\}")):
        parse(source)


@given(st.text(alphabet="#- ->{}abc.\n<", max_size=120))
def test_any_text_is_a_script_or_refused_and_nothing_said_is_lost(text: str) -> None:
    try:
        script = parse(text)
    except Invalid:
        return
    for step in script.steps:
        cut = "".join(part.text if part.field is None else f"{{{part.field}}}" for part in parts(step.say))
        assert cut == step.say


async def test_the_script_of_the_line_is_filled_in_and_its_answers_stay_with_the_call(shop: Any) -> None:
    async with shop.begin() as session:
        hostile = await create_customer(
            session, name="<b>Ewa</b> {order.number}", country="PL", numbers=["602 000 001"]
        )
        script = await add_script(session, name="Sales", source=TEXT, user_id=shop.anna, line_ids=[shop.line])
        about = About(call_id=shop.call, customer_id=hostile.id, line_id=shop.line)
        guide = await load_guide(session, about, operator="Anna Kowalska", now=shop.noon)
        assert guide.text is not None and guide.text.name == "Sales"
        assert guide.values["customer.first_name"] == "<b>Ewa</b>"
        assert guide.values["operator.name"] == "Anna Kowalska"
        assert guide.values.get("order.number") is None  # nothing is known, nothing is made up
        first = await newest(session, script.id)
        assert first is not None
        kept = {"version_id": first.id, "user_id": shop.anna}
        await keep_choices(session, shop.call, path=[0, 0], **kept)
        await keep_choices(session, shop.call, path=[0], **kept)  # he went a step back
        with pytest.raises(Invalid):
            await keep_choices(session, shop.call, path=[5], **kept)
    async with shop.begin() as session:
        # Another text is another version; what was answered is read with the words of its own.
        await change_script(session, script.id, version=1, user_id=shop.oleg, source="# New\nHi\n- Bye")
        with pytest.raises(Conflict):
            await change_script(session, script.id, version=1, user_id=None, name="Mine")
    async with shop.begin() as session:
        assert [(it.number, it.created_by) for it in await versions_of(session, script.id)] == [
            (2, shop.oleg), (1, shop.anna)]  # fmt: skip
        [choice] = await choices_of(session, shop.call)
        assert (choice.step, choice.label) == ("Greeting", "Go on")
        again = await load_guide(session, about, operator="Anna", now=shop.noon)
        assert again.text is not None and (again.text.version_id, again.text.path) == (first.id, [0])
        other = await load_guide(session, About(line_id=shop.line), operator="Anna", now=shop.noon)
        assert other.text is not None and other.text.source.startswith("# New")
        assert await load_counts(session, script.id) == [("Greeting", "Go on", 1)]
    call = await shop.ring()
    async with shop.begin() as session:
        await merge_calls(session, call, shop.call)
        assert [it.label for it in await choices_of(session, call)] == ["Go on"]
        await change_script(session, script.id, version=2, user_id=None, active=False)
        gone = await load_guide(session, About(line_id=shop.line), operator="Anna", now=shop.noon)
        assert gone.text is None  # out of use
