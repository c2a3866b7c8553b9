"""What the description of a field promises is exactly what its check takes."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from web.api import _plain_json
from web.fields import BIGGEST_ID, Given, Id, Instant, Money, Name
from web.login_page import inside
from web.middleware import mask_numbers

INSTANT = TypeAdapter(Instant).json_schema()["pattern"]
MONEY = TypeAdapter(Money).json_schema()["pattern"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Everything(Given):
    """One field of every kind."""

    id: Id = 1
    name: Name = "x"
    sum: Money = Decimal(0)
    at: Instant = datetime(2026, 1, 1, tzinfo=UTC)


def read(**given: object) -> Everything:
    return Everything.model_validate_json(_plain_json(json.dumps(given).encode()), strict=True)


@given(st.from_regex(INSTANT, fullmatch=True).filter(str.isascii))
def test_every_instant_of_the_described_form_is_taken_and_becomes_utc(text: str) -> None:
    text = text.rstrip("\n")
    at = read(at=text).at
    assert at.tzinfo is UTC
    assert at == datetime.fromisoformat(text)


@pytest.mark.parametrize(
    "text", ["2026-02-30T10:00:00Z", "2026-01-01", "2026-01-01T10:00:00", "0001-01-01T00:00:00Z", 7]
)
def test_other_instants_are_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        read(at=text)


@given(st.from_regex(MONEY, fullmatch=True))
def test_every_sum_of_the_described_form_is_kept_to_the_cent(text: str) -> None:
    text = text.rstrip("\n")
    kept = read(sum=text)
    assert kept.sum == Decimal(text)
    assert Decimal(json.loads(kept.model_dump_json())["sum"]) == Decimal(text)


@pytest.mark.parametrize("sum_", [12.5, 12, "12,50", "-1.00", "1e3", "NaN", "", "12.505", "99999999999.00"])
def test_a_sum_in_another_form_is_refused(sum_: object) -> None:
    with pytest.raises(ValidationError):
        read(sum=sum_)


@pytest.mark.parametrize("id_", ["1", True, 1.5, 0, -1, BIGGEST_ID + 1, None, [1]])
def test_an_id_is_a_whole_positive_number_and_nothing_like_it(id_: object) -> None:
    with pytest.raises(ValidationError):
        read(id=id_)
    assert read(id=7.0).id == 7  # to JSON this is the same number


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\0", "x" * 201])
def test_a_name_has_something_to_see(name: str) -> None:
    with pytest.raises(ValidationError):
        read(name=name)


def without_nul(value: object) -> object:
    match value:
        case str():
            return value.replace("\0", "")
        case list():
            return [without_nul(item) for item in value]
        case dict():
            return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value


@given(json_values)
def test_reading_json_changes_nothing_but_nul(value: object) -> None:
    assert json.loads(_plain_json(json.dumps(value).encode())) == without_nul(value)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_json_are_refused_and_never_break_anything(raw: bytes) -> None:
    try:
        json.loads(_plain_json(raw))
    except ValueError:
        pass


@pytest.mark.parametrize(
    "raw", [b"NaN", b"Infinity", b"1e999", b"[" * 100_000, b'"' + b"\\ud800", "7".encode("utf-16")]
)
def test_what_python_alone_calls_json_is_refused(raw: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        _plain_json(raw)


@given(st.text())
def test_sign_in_never_leads_to_another_site(text: str) -> None:
    address = inside(text)
    assert address.startswith("/") and not re.match(r"/[/\\]", address)
    assert "\r" not in address and "\n" not in address


@given(st.text(st.sampled_from("+0123456789 -()/abc"), max_size=40))
def test_a_masked_text_keeps_its_length_and_no_six_digits_in_a_row(text: str) -> None:
    masked = mask_numbers(text)
    assert len(masked) == len(text)
    assert not re.search(r"\d{6}", masked)
