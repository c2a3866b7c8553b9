"""What every list of the API shares: the cursor it takes and the page it answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Generic, TypeVar

from pydantic import Field, StringConstraints, WithJsonSchema

from crm_core.errors import Invalid
from crm_core.phone import display
from crm_core.read.page import LONGEST
from web.errors import FieldError, Refusal
from web.fields import Answer, Given, Money

Row = TypeVar("Row")
Cursor = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,1000}$"),
    Field(description="`next` of the page before; 404 when it is not one of ours"),
]
Limit = Annotated[int, Field(ge=1, le=LONGEST, description="rows of a page")]
# The same as `fields.Money`, within what the shop can keep.
Price = Annotated[Money, WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,7}(\.[0-9]{1,2})?$"})]
Text = Annotated[str, StringConstraints(max_length=200)]


class Listed(Given):
    """The query of every list."""

    after: Cursor | None = None
    limit: Limit = 50


class Listing(Answer, Generic[Row]):
    """One page of a list; `next` is null at its end."""

    items: list[Row] = Field(validation_alias="rows")
    next: str | None = None


def shown(e164: str | None) -> str | None:
    """A number as people read it."""
    return display(e164) if e164 else None


@contextmanager
def possible() -> Iterator[None]:
    """Where what was sent has the promised form and yet can not be: 409 that names the field, not 422.

    The description of the API promises to take what has the form (422 is for what has not); that "00" is no
    telephone number, or that a deal is another customer's, only the domain knows.
    """
    try:
        yield
    except Invalid as refused:
        error = FieldError(field=refused.field or "", message=str(refused))
        raise Refusal(409, str(refused), errors=[error]) from refused
