"""An invoice for payment (pro forma): who is paid, for what, how much. As data of an order, and as a PDF."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from aiohttp import web
from babel.dates import format_date

from crm_core.order_rows import Order
from crm_core.payment_terms import PaymentTerms
from crm_core.shop import Shop
from web.order_forms import said_off
from web.pdf import PDF, typeset
from web.say import LOCALE, money

Row = tuple[str, str]


def parts_of(order: Order) -> list[tuple[str, Decimal]]:
    """What the total is made of besides the lines; what takes off is below zero."""
    sums = order.sums
    found = [("Goods", sums.goods)] if sums.discount or sums.coupon or sums.delivery else []
    if sums.discount:
        less = said_off(order.discount_percent, Decimal(0)) if order.discount_percent else ""
        found.append((f"Discount {less}".strip(), -sums.discount))
    if sums.coupon:
        found.append((f"Coupon {order.coupon_code or ''}".strip(), -sums.coupon))
    if sums.delivery:
        found.append(
            (f"Delivery: {order.delivery_method}" if order.delivery_method else "Delivery", sums.delivery)
        )
    return found


def payee_rows(terms: PaymentTerms, order: Order) -> list[Row]:
    """To whom a transfer goes, and what it must say."""
    told = (
        ("Pay to", terms.payee),
        ("Address", terms.address),
        ("Tax number", terms.tax_id),
        ("Bank", terms.bank),
        ("Account", terms.account),
        ("Payment for", f"order {order.number}"),
    )
    return [(label, value) for label, value in told if value]


async def invoice(
    order: Order, shop: Shop, terms: PaymentTerms, *, day: date, asked: Decimal, buyer: str | None = None
) -> web.Response:
    """The PDF as an answer that a browser shows. `asked`: what is to be paid of it now; `buyer`: None on the page that
    anybody with its address can open."""

    def say(amount: Decimal) -> str:
        return money(amount, order.currency).replace("-", "\N{MINUS SIGN}")

    after: list[tuple[str, Decimal]] = [("Total", order.total)]
    if order.paid:
        after.append(("Paid", -order.paid))
    said = {
        "title": f"Invoice {order.number}",
        "under": f"{shop.name}, {format_date(day, 'd MMMM y', locale=LOCALE)}",
        "payee": [*payee_rows(terms, order), *([("Buyer", buyer)] if buyer else [])],
        "lines": _lines(order, say),
        "sums": [[label, say(amount)] for label, amount in (*parts_of(order), *after)],
        "asked": ["To pay now" if asked < order.total - order.paid else "To pay", say(asked)],
        "notes": [it for it in (terms.tax_note, terms.note) if it],
    }
    made = await asyncio.to_thread(typeset, _TYPST, said)
    headers = {"Content-Disposition": 'inline; filename="invoice.pdf"', "Cache-Control": "no-store"}
    return web.Response(body=made, content_type=PDF, headers=headers)


def _lines(order: Order, say: Callable[[Decimal], str]) -> list[Sequence[str]]:
    return [
        (
            it.name,
            str(it.quantity),
            say(it.price),
            said_off(it.discount_percent, it.discount_amount),
            say(it.line_sum),
        )
        for it in order.items
    ]


_TYPST = """
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set page(paper: "a4", margin: (x: 18mm, y: 16mm), footer: context align(right, text(8pt, fill: luma(40%),
  counter(page).display("1 / 1", both: true))))
#set text(font: "Libertinus Serif", size: 10.5pt)
#text(20pt, weight: "bold", data.title)
#v(-4mm)
#text(fill: luma(35%), data.under)
#v(3mm)
#grid(columns: (32mm, 1fr), row-gutter: 2.4mm,
  ..data.payee.map(row => (text(fill: luma(35%), row.at(0)), row.at(1))).flatten())
#v(4mm)
#let figure(it) = table.cell(align: right, it)
#let heads = ("Item", "Quantity", "Price", "Discount", "Sum")
#table(
  columns: (1fr, auto, auto, auto, auto),
  inset: (x: 2mm, y: 1.8mm),
  stroke: (x, y) => (bottom: 0.4pt + luma(80%)),
  fill: (x, y) => if y == 0 { luma(93%) },
  table.header(..heads.enumerate().map(((n, it)) => if n == 0 { strong(it) } else { figure(strong(it)) })),
  ..data.lines.map(row => row.enumerate().map(((n, it)) => if n == 0 { it } else { figure(it) })).flatten(),
)
#align(right, grid(columns: 2, column-gutter: 8mm, row-gutter: 2.2mm, align: right,
  ..data.sums.flatten(),
  text(14pt, strong(data.asked.at(0))), text(14pt, strong(data.asked.at(1)))))
#v(4mm)
#for it in data.notes [#it #parbreak()]
"""
