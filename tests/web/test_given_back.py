"""A form that was refused comes back as it was sent, whatever page it stands on."""

import html
import re

import pytest

from tests.web.shop import furnish
from web.given_back import give_back

PAGE = """<details class="more"><summary>New</summary><form class="form" method="post" action="/things#new">
<input type="hidden" name="version" value="7"><input name="name" value="old"><input type="password" name="secret">
<label class="field"><textarea name="note" rows="2">old &amp; dull</textarea></label>
<input type="checkbox" name="vip" value="yes" checked>
<select name="kind"><option value="a" selected>A</option><option value="b">B</option></select>
<input type="hidden" name="qty" value="1"><input name="qty" value=""></form></details>
<form method="post" action="/things/3"><input type="hidden" name="part" value="state"><input name="name" value="x">
</form>
<form method="post" action="/things/3"><input type="hidden" name="part" value="goods"><input name="name" value="y">
</form><input name="far" form="row-1" value="1"><form id="row-1" method="post" action="/rows/1"></form>
<form method="get" action="/things"><input name="name" value="filter"></form>"""


def test_the_form_that_was_sent_gets_what_was_typed_and_the_sentence_beside_the_field() -> None:
    sent = {"version": ["6"], "name": ['<b>"new"'], "secret": ["hush"], "note": ["</textarea>\n2"]}
    sent |= {"kind": ["b"], "qty": ["2", "3"]}
    back = give_back(PAGE, address="/things", sent=sent, wrong={"note": "Too <long>.", "else": "nowhere"})
    form = back[: back.index("</details>")]
    assert '<details class="more" open>' in form  # what was folded away is to be seen
    assert 'name="version" value="7"' in form and "hush" not in back  # what the page hides is newer
    assert 'name="name" value="&lt;b&gt;&quot;new&quot;"' in form
    assert html.unescape(re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", form, re.S)[0]) == "</textarea>\n2"
    assert '</textarea><span class="wrong" id="wrong-note">Too &lt;long&gt;.</span></label>' in form
    assert 'aria-invalid="true" aria-describedby="wrong-note" autofocus' in form
    assert '<option value="a">' in form and '<option value="b" selected>' in form
    assert "checked" not in form
    assert re.findall(r'name="qty" value="(.*?)"', form) == ["1", "3"]  # the second of two lines
    assert back[back.index("</details>") :] == PAGE[PAGE.index("</details>") :]


@pytest.mark.parametrize(
    ("address", "sent", "shown"),
    [
        ("/things/3", {"part": ["goods"], "name": ["mine"]}, ["7", "old", "x", "mine", "1", "filter"]),
        ("/rows/1", {"far": ["9"]}, ["7", "old", "x", "y", "9", "filter"]),  # stands outside of its form
        ("/nowhere", {"name": ["mine"]}, ["7", "old", "x", "y", "1", "filter"]),
    ],
)
def test_of_forms_of_one_address_it_is_the_one_that_hides_the_same(
    address: str, sent: dict[str, list[str]], shown: list[str]
) -> None:
    back = give_back(PAGE, address=address, sent=sent, wrong={})
    assert re.findall(r'name="(?:version|name|far)"[^>]* value="(.*?)"', back) == shown


async def test_every_form_of_the_store_gives_back_what_was_typed(client_of, database) -> None:
    there = await furnish(database)
    admin = await client_of("admin")
    at = f"/customers/{there.customer}"
    long = "Ż" * 20_000
    refused = [
        ("/customers", {"name": "Greta", "number": "12"}, "number"),
        (at, {"version": "1", "name": "Greta", "city": "Łódź", "email": "nobody", "tags": "a, b"}, "email"),
        (f"{at}/notes", {"text": long}, "text"),
        (f"{at}/numbers", {"number": "12", "label": "work"}, "number"),
        ("/products", {"shop_id": str(there.shop), "name": "Jug", "sku": "J-1", "price": "dear"}, "price"),
        (f"/products/{there.mug}", {"version": "1", "name": "Mug", "sku": "M", "price": "-3"}, "price"),
        (f"/products/{there.mug}/prices", {"price": "cheap", "price_list": "wholesale"}, "price"),
        ("/orders", {"customer_id": str(there.customer), "shop_id": str(there.shop), "sku": "NO-1"}, ""),
        (f"/orders/{there.order}", {"version": "1", "part": "delivery", "delivery_address": "Mill 1",
                                    "delivery_cost": "much"}, "delivery_cost"),
        (f"/orders/{there.order}/payments", {"amount": "many", "note": "by hand"}, "amount"),
        (f"/orders/{there.order}/courier", {"wishes": "ring twice", "due_at": "soon"}, ""),
        (f"/deals/{there.deal}", {"version": "2", "title": long}, "title"),
        ("/deals", {"customer_id": str(there.customer), "title": "Mugs", "amount": "lots"}, "amount"),
        ("/tasks", {"title": "Ask about the mugs", "due_at": "soon", "back": at}, ""),
        ("/segments", {"name": long}, "name"),
        ("/selling/coupons", {"code": "SPRING10", "percent": "200"}, "percent"),
        ("/selling/delivery", {"name": "Courier", "shop_id": str(there.shop), "rates": "Kraków: 8\nLublin: dear"},
         "rates"),
        ("/leads", {"phone": "+48 601 220 115", "name": long}, "name"),
        ("/users", {"name": "Greta", "login": "g r e t a", "password": "long enough"}, "login"),
        ("/lines", {"did": "+48223071129", "name": long}, "name"),
        ("/funnels", {"name": long}, "name"),
        ("/shops", {"name": "Blue Kettle", "currency": "pounds"}, "currency"),
    ]  # fmt: skip
    for address, typed, field in refused:
        answer = await admin.post(address, data=typed)
        page = await answer.text()
        assert answer.status == 422, (address, answer.status)
        shown = html.unescape(page)
        for name, value in typed.items():
            if name not in ("version", "part", "password"):
                assert value in shown, (address, name)
        assert "long enough" not in page
        if field == "number":
            assert "Write a telephone number, such as +48 22 307 11 20." in shown
        if field:
            assert f'id="wrong-{field}"' in page and f'aria-describedby="wrong-{field}"' in page, address
