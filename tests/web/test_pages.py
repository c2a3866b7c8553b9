"""Pages as people meet them: they open, they find, their forms work without script, nothing typed is lost."""

import pytest

from tests.web import shop


async def page(browser, address: str, status: int = 200) -> str:
    answer = await browser.get(address)
    text = await answer.text()
    assert answer.status == status, (address, text[-3000:])
    return text


async def post(browser, address: str, status: int = 303, **fields: object) -> str:
    answer = await browser.post(address, data=fields, allow_redirects=False)
    text = await answer.text()
    assert answer.status == status, (address, text[-3000:])
    return answer.headers["Location"] if status == 303 else text


PLACES = ["/", "/customers", "/orders", "/deals", "/callbacks", "/calls", "/status", "/users"]


@pytest.mark.parametrize("address", PLACES)
async def test_every_list_opens_while_the_shop_is_empty(client_of, address) -> None:
    admin = await client_of("admin")
    text = await page(admin, address)
    assert "Traceback" not in text


async def test_every_page_opens_in_a_furnished_shop(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    await shop.add_sound(database, call)
    operator = await client_of("operator")
    for address in (
        f"/customers/{there.customer}",
        "/customers",
        "/orders",
        "/deals",
        "/callbacks",
        "/calls",
    ):
        assert "Marta Zielińska" in await page(operator, address)
    assert "Blue mug" in await page(operator, f"/orders/{there.order}")
    assert "A-1001" in await page(operator, f"/deals/{there.deal}")
    assert "I want a blue mug" in await page(operator, f"/calls/{call}")
