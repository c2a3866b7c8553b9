"""Numbers, however they are written."""

import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.errors import Invalid
from crm_core.phone import Number, NumberRule, dialable, display, masked, normalise


@pytest.mark.parametrize(
    ("sent", "country", "e164"),
    [
        ("+79161234567", "RU", "+79161234567"),
        ("79161234567", "RU", "+79161234567"),
        ("89161234567", "RU", "+79161234567"),
        ("9161234567", "RU", "+79161234567"),
        ("0079161234567", "RU", "+79161234567"),
        ("81079161234567", "RU", "+79161234567"),
        ("+7(916)123-45-67", "RU", "+79161234567"),
        ("84951234567", "RU", "+74951234567"),
        ("+4915112345678", "RU", "+4915112345678"),
        ("+12025550123", "RU", "+12025550123"),
        ("601 220 114", "PL", "+48601220114"),
        ("0048601220114", "PL", "+48601220114"),
        ("48601220114", "GB", "+48601220114"),
        ("(020) 7946 0958", "GB", "+442079460958"),
        ("0151 1234 5678", "DE", "+4915112345678"),
        ("050 123 45 67", "UA", "+380501234567"),
        ("8 612 12345", "LT", "+37061212345"),
        ("sip:+48601220114@10.0.0.1;user=phone", "PL", "+48601220114"),
        ("tel:+48-601-220-114", "PL", "+48601220114"),
        ('"Marta" <sip:601220114@trunk>', "PL", "+48601220114"),
        ("+48\u00a0601\u2011220\u2011114", "PL", "+48601220114"),
        ("٦٠١٢٢٠١١٤", "PL", "+48601220114"),
        (" 601220114 ", "PL", "+48601220114"),
        ("4917134495414", "DE", "+4917134495414"),  # E.164 without its plus, not a long number in Oyten
        ("420723018854", "DE", "+420723018854"),
        ("17134495414", "PL", "+17134495414"),
        ("1713449541", "DE", "+491713449541"),
    ],
)
def test_one_person_has_one_number_however_it_is_written(sent: str, country: str, e164: str) -> None:
    number = normalise(sent, country=country)
    assert number.e164 == e164
    assert number.raw == sent


@pytest.mark.parametrize(
    "sent",
    [None, "", "  ", "anonymous", "Anonymous", "<unknown>", "Unavailable", "restricted", "unknown",
     "sip:anonymous@anonymous.invalid", "<sip:anonymous@anonymous.invalid>"],
)  # fmt: skip
def test_a_caller_who_hides_is_anonymous_and_has_no_number(sent: str | None) -> None:
    number = normalise(sent, country="PL")
    assert number.anonymous
    assert number.e164 is None


@pytest.mark.parametrize(
    "sent", ["112", "2005", "8800", "test.user", "s", "1001", "*8", "+1", "+99999999999999999"]
)
@pytest.mark.parametrize("country", ["RU", "DE", "AT", "GB", "PL", "US"])
def test_what_is_no_public_number_is_kept_as_it_came(sent: str, country: str) -> None:
    number = normalise(sent, country=country)
    assert (number.e164, number.display, number.anonymous) == (None, sent, False)


@pytest.mark.parametrize(
    "sent",
    ["+48 22 307 11 20 ext. 14", "+48223071120x14", "+48223071120#14", "tel:+48223071120;ext=14",
     "22 307 11 20 wew. 14", "22 307 11 20,14", "22 307 11 20 доб. 14"],
)  # fmt: skip
def test_the_extension_behind_a_number_does_not_hide_it(sent: str) -> None:
    number = normalise(sent, country="PL")
    assert (number.e164, number.extension) == ("+48223071120", "14")


def test_the_rules_of_a_trunk_come_first_and_the_first_that_matches_wins() -> None:
    rules = [NumberRule(r"9(\d{9})", r"+48\1"), NumberRule(r"9(\d+)", r"+49\1")]
    assert normalise("9601220114", country="RU", rules=rules).e164 == "+48601220114"
    assert normalise("9601220114", country="RU").e164 == "+79601220114"


def test_a_rule_that_is_no_expression_is_refused() -> None:
    with pytest.raises(Invalid, match="not a regular expression"):
        NumberRule("(", "")


def test_a_number_knows_its_region_and_its_hours() -> None:
    number = normalise("601220114", country="PL")
    assert (number.region, number.timezones, number.display) == ("PL", ("Europe/Warsaw",), "+48 601 220 114")
    assert normalise("+12125551234", country="PL").timezones == ("America/New_York",)


@pytest.mark.parametrize(
    ("text", "dialled"), [("601 220 114", "+48601220114"), ("1002", "1002"), ("112", "112")]
)
def test_a_number_to_dial_is_digits_and_plus(text: str, dialled: str) -> None:
    assert dialable(text, "PL") == dialled


@pytest.mark.parametrize(
    "text", ["", "anonymous", "1", "123456789012", "1002\r\nAction: Logoff", "*8", "test", "+"]
)
def test_what_can_not_be_dialled_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        dialable(text, "PL")


@given(st.text(max_size=40), st.sampled_from(["PL", "RU", "US", "DE", "ZZ", ""]))
def test_no_text_makes_it_stumble(text: str, country: str) -> None:
    number = normalise(text, country=country)
    assert number.raw == text
    assert number.e164 is None or (number.e164[0] == "+" and number.e164[1:].isdigit())
    assert not (number.anonymous and number.e164)


@given(st.text(alphabet="0123456789+*# \r\n-abc;@,", max_size=20))
def test_whatever_may_be_dialled_carries_nothing_else(text: str) -> None:
    try:
        dialled = dialable(text, "PL")
    except Invalid:
        return
    assert dialled.removeprefix("+").isascii() and dialled.removeprefix("+").isdigit()


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_national_and_international_writing_are_one_number(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        return
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert normalise(display(e164), country="PL").e164 == e164
    if sum(sign.isdigit() for sign in national) >= 7:
        assert normalise(national, country=region).e164 == e164


def test_the_log_shows_too_little_to_call_back() -> None:
    assert masked("+48601220114") == "+48…14"
    assert (masked("1001"), masked(None)) == ("…", "-")


def test_the_heavy_geocoder_is_never_loaded() -> None:
    assert isinstance(normalise("+48601220114", country="PL"), Number)
    assert not [name for name in sys.modules if name.startswith("phonenumbers.geo")]
