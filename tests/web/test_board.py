"""The board of deals: a column for each stage with its sums, and cards that are moved by a form."""

from typing import Any

from tests.web.shop import furnish
from tests.web.test_nouns import API, ok


async def opened(operator: Any, customer: int, title: str) -> int:
    body = {"customer_id": customer, "currency": "EUR", "amount": "100.25", "title": title}
    return int((await ok(await operator.post(f"{API}/deals", json=body), 201))["id"])


async def test_a_card_is_moved_by_its_form_and_the_board_comes_back_as_it_was(
    client_of, database, people
) -> None:
    there, operator = await furnish(database), await client_of("operator")
    first = await opened(operator, there.customer, "Canteen")
    await opened(operator, there.customer, "Bakery")
    board = await (await operator.get("/deals/board")).text()
    assert "€200.50" in board and "Canteen" in board

    async def move(**form: Any) -> Any:
        return await operator.post(f"/deals/{first}/move", data=form, allow_redirects=False)

    back = "funnel_id=1&query=an"
    moved = await move(version=1, stage="offer", back=back)
    assert (moved.status, moved.headers["Location"]) == (303, f"/deals/board?{back}")
    stale = await move(version=1, stage="won", back=back)
    assert stale.status == 422 and "changed by somebody else" in await stale.text()
    unsaid = await move(version=2, stage="lost", back=back)
    assert unsaid.status == 422 and "Say why the deal is lost" in await unsaid.text()
    assert (await move(version=2, stage="lost:4")).status == 303
    deal = await ok(await operator.get(f"{API}/deals/{first}"))
    assert (deal["stage"], deal["lost_reason"]) == ("lost", "Not in stock")


async def test_the_list_says_the_sums_of_all_that_fits_and_leads_to_the_same_board(
    client_of, database, people
) -> None:
    there, operator = await furnish(database), await client_of("operator")
    for title in ("Canteen", "Bakery"):
        await opened(operator, there.customer, title)
    listed = await (await operator.get("/deals?funnel_id=1&query=can&limit=1")).text()
    assert "€100.25" in listed and "€200.50" not in listed
    assert "/deals/board?funnel_id=1&amp;query=can" in listed
    none = await (await operator.get("/deals/board?query=nothing-like-it")).text()
    assert "Canteen" not in none
