"""Whose page a panel may be: never ours, and never one that a caller's name chooses."""

import pytest

from crm_core.errors import Invalid
from crm_core.panel import HOLES, origin

OURS = {"crm.example", "10.0.0.7"}


@pytest.mark.parametrize(
    ("address", "of"),
    [
        ("https://stock.example/?tel={phone}&who={name}", "https://stock.example"),
        ("http://Old.Example:8090/{customer_id}/{order_id}#{queue}", "http://old.example:8090"),
        ("https://[2001:db8::7]/card?did={did}&call={call_id}", "https://[2001:db8::7]"),
        ("https://crm.example.org/", "https://crm.example.org"),
    ],
)
def test_an_address_of_somebody_else_may_have_holes_behind_its_host(address: str, of: str) -> None:
    assert origin(address, ours=OURS) == of


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "data:text/html,x", "//stock.example/", "stock.example/{phone}", "https:///x", "",
        "https://{name}.example/", "https://{name}/", "https://stock.example{phone}/", "https://a@stock.example/",
        "https://stock.example\\@evil.example/", "https://stock.example/ {phone}", "https://stock.example:99999/",
        "https://stock.example/{password}", "https://stock.example/{", "https://stock.example/}{phone}",
        "https://stock.example/{{phone}}", "https://stock.example/" + "a" * 1000,
        "https://stock.example;sandbox/", "https://*.example/", "https://stock.example,evil.example/",
        "https://CRM.example/", "http://crm.example:9000/{phone}", "http://10.0.0.7/",
    ],
)  # fmt: skip
def test_what_is_ours_or_no_page_or_filled_by_nothing_is_refused_at_its_field(address: str) -> None:
    with pytest.raises(Invalid) as refused:
        origin(address, ours=OURS)
    assert refused.value.field == "address"


def test_every_hole_is_one_that_the_page_fills() -> None:
    assert (
        origin("https://stock.example/?" + "&".join(f"{it}={{{it}}}" for it in HOLES))
        == "https://stock.example"
    )
