"""The outcomes an operator may choose from when a call is over."""

from dataclasses import dataclass

from crm_core.errors import Invalid


@dataclass(frozen=True)
class Disposition:
    """One outcome. `needs_link` False: the call is about no order or deal, and that is all right."""

    code: str
    label: str
    needs_link: bool = True


DISPOSITIONS = (
    Disposition("order_placed", "Order placed"),
    Disposition("order_changed", "Order changed"),
    Disposition("order_question", "Question about an order"),
    Disposition("delivery_problem", "Delivery problem"),
    Disposition("complaint", "Complaint or return"),
    Disposition("product_question", "Question about a product", needs_link=False),
    Disposition("callback_promised", "Callback promised", needs_link=False),
    Disposition("not_interested", "Not interested", needs_link=False),
    Disposition("not_reached", "Not reached", needs_link=False),
    Disposition("wrong_number", "Wrong number", needs_link=False),
    Disposition("other", "Other", needs_link=False),
)
_BY_CODE = {it.code: it for it in DISPOSITIONS}


def disposition(code: str) -> Disposition:
    """The outcome named `code`. Raises `Invalid`."""
    try:
        return _BY_CODE[code]
    except KeyError:
        raise Invalid(f"{code[:40]!r} is no outcome of a call.", "code") from None
