"""What every list of the API shares: the cursor it takes and the page it answers."""

from typing import Annotated, Generic, TypeVar

from pydantic import Field, StringConstraints, WithJsonSchema

from crm_core.phone import display
from crm_core.read.page import LONGEST
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
