"""What is told of goods: the calls about them, what was sold in these, and all orders. Pure.

Of each order a line has the part of its money that its own sum is of the sums of all lines; delivery belongs to no
line. So goods add up to what orders came to, whatever was taken off an order as a whole.
"""

from crm_core.figure.counted import cash, number, pieces, share, side
from crm_core.figure.figure import Figure, Group, Side, Unit

GOODS_FIGURES: tuple[Figure, ...] = (
    number("about", "Calls about it", "Answered calls of this time that are linked with an order or deal in which it"
           " stands, or in which such an order was changed."),
    number("sold_calls", "Calls with an order", "Of these: an order with it was made, or a new one was confirmed; not"
           " called off, not sent back."),
    share("won", "Conversion", "Calls with an order / calls about it.", side("calls with an order", "sold_calls"),
          side("calls about it", "about")),
    number("phone_orders", "Orders of calls", "The orders with it that were made or confirmed in these calls."),
    cash("phone_revenue", "Paid, of calls", "What is paid by now of the orders of calls: the part of these goods.",
         "phone_orders", says="orders of calls"),
    cash("phone_margin", "Margin, of calls", "What these goods brought in orders of calls that are paid in full − what"
         " they cost us. Goods of which the purchase price is not known do not count.", "phone_priced",
         says="paid orders of calls", purchases=True),
    number("placed", "Orders", "All orders with it placed in this time, without those called off or sent back."),
    pieces("pieces", "Pieces", "How many pieces of it are in these orders.", "placed"),
    cash("turnover", "Turnover", "What these goods come to in these orders, paid or not, without delivery.", "placed",
         says="orders"),
    Figure(
        code="bill", name="Average bill", group=Group.SALES, unit=Unit.MONEY,
        formula="What these orders came to as a whole, with all else that is in them / these orders; each currency by"
        " itself.",
        top=Side("orders", lambda it: it.of("placed"), ("placed",)),
        money=lambda it: it.money("whole_orders"), money_bottom=lambda it: it.money("bills"),
    ),
    cash("bought_margin", "Margin", "What these goods brought in orders that are paid in full − what they cost us."
         " Goods of which the purchase price is not known do not count.", "priced", says="paid orders",
         purchases=True),
    share("unfinished", "Unfinished", "Orders that are still open / orders placed, without those called off.",
          side("still open", "standing"), side("orders", "placed")),
    share("again", "Repeat purchases", "Orders with it of customers who had bought before, whatever that was / orders"
          " with it, without those called off or sent back.", side("of customers who had bought before", "again"),
          side("orders", "placed")),
    share("called_off", "Called off", "Orders with it that were called off or sent back / all orders with it.",
          side("called off or sent back", "off"), side("all orders with it", "every")),
)  # fmt: skip
