"""Kinds of fields that requests share, described to the world exactly as they are checked.

The JSON schema of a field must say what the check does: what the description promises is taken, what it
does not is refused with 422. So each kind carries its own pattern and bounds.
"""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

BIGGEST_ID = 2**53 - 1  # what JSON readers hold exactly; far below bigint
# At least one visible letter, digit or sign; the same for pydantic's engine and for a reader of the schema.
VISIBLE = "[!-~\u00a1-\u167f\u2c00-\u2dff\u3041-\ud7ff]"
NUMBER = r"^\+?[(]?[0-9]([ ()./-]{0,3}[0-9]){4,14}$"
EMAIL = r"^[!-?A-~]{1,100}@[!-?A-~]{1,150}$"
COUNTRY, CURRENCY = r"^[A-Z]{2}$", r"^[A-Z]{3}$"
LOGIN = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,59}$"
WRITTEN = {
    VISIBLE: "Write something that can be seen.",
    NUMBER: "Write a telephone number, such as +48 22 307 11 20.",
    EMAIL: "Write an e-mail address, such as anna@example.com.",
    COUNTRY: "Write the two letters of a country, such as PL.",
    CURRENCY: "Write the three letters of a currency, such as EUR.",
    LOGIN: "Write letters and digits without accents, dots and dashes; 60 at most.",
}
"""What is told of a text that does not fit its pattern."""
_PERCENT = r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$"
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_MONEY = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"
_DAY = (
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])"
_INSTANT = rf"^20[0-9]{{2}}-{_DAY}T{_TIME}$"
_LEAP = r"(19(0[48]|[2468][048]|[13579][26])|20([02468][048]|[13579][26]))-02-29"
_DATE = rf"^((19|20)[0-9]{{2}}-{_DAY}|{_LEAP})$"
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 2, tzinfo=UTC)


def _money(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not re.fullmatch(_MONEY, value):
        raise ValueError('must be a sum, such as "12.50"')
    return Decimal(value)


def _percent(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not re.fullmatch(_PERCENT, value):
        raise ValueError('must be a number of per cent, such as "7.5"')
    return Decimal(value)


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(_CLOCK, value):
        raise ValueError("must be a time such as 09:30")
    return time.fromisoformat(value)


def _day(value: object) -> object:
    if value is None or isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(_DATE, value):
        raise ValueError("must be a day such as 1980-02-29")
    return date.fromisoformat(value)


def _near(value: datetime) -> datetime:
    if not EARLIEST - _MARGIN <= value <= LATEST:
        raise ValueError("must lie between 2000 and 2100")
    return value.astimezone(UTC)


_MARGIN = LATEST - datetime(2100, 1, 1, tzinfo=UTC)  # a day: an offset moves the ends of the range

Id = Annotated[int, Field(ge=1, le=BIGGEST_ID)]
StatusCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z_]{1,20}([.][a-z0-9_]{1,40})?$"),
    Field(description="of `GET /order-statuses`"),
]
Version = Annotated[int, Field(ge=0, le=BIGGEST_ID, description="the version that was read; 409 when stale")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE)]
ShortText = Annotated[str, StringConstraints(max_length=200)]
LongText = Annotated[str, StringConstraints(max_length=20_000)]
Key = Annotated[
    UUID | None,
    Field(description="the same sent again with the same key, as no answer came, is not done again"),
]
Place = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,80}$")]
ExternalId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,100}$"),
    Field(description="the id of whoever tells it; said twice it is kept once"),
]
UsedUp = Annotated[
    Place | None, Field(description="the window it was typed in; what is kept of that is used up with it")
]
Money = Annotated[
    Decimal,
    BeforeValidator(_money),
    PlainSerializer(lambda sum_: f"{sum_:.2f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": _MONEY, "description": "a sum, such as 12.50"}),
]
Percent = Annotated[
    Decimal,
    BeforeValidator(_percent),
    PlainSerializer(lambda share: f"{share:.2f}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _PERCENT, "description": "per cent, such as 7.5"}),
]
Clock = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _CLOCK, "description": "a time of the day, such as 09:30"}),
]
Day = Annotated[
    date, BeforeValidator(_day), WithJsonSchema({"type": "string", "pattern": _DATE}, mode="validation")
]
Instant = Annotated[
    AwareDatetime,
    AfterValidator(_near),
    WithJsonSchema(
        {"type": "string", "pattern": _INSTANT, "description": "an instant with its offset, 2000 to 2099"},
        mode="validation",
    ),
]


class Given(BaseModel):
    """Parent of what a client sends: nothing unknown, strict types (1 is not "1", 1 is not true)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """Parent of what the API answers; reads the attributes of rows."""

    model_config = ConfigDict(from_attributes=True)
