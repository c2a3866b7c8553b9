"""Whose mobile number it was when it was given out."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from crm_core.carrier import Carriers, from_phonenumbers, load_carriers

PREFIXES = some.dictionaries(
    some.integers(1, 10**9), some.sampled_from(["Plus", "Three", "T-Mobile"]), min_size=1
)


def table(known: dict[int, str]) -> Carriers:
    names = sorted(set(known.values()))
    return Carriers(names, sorted(known), (names.index(known[prefix]) for prefix in sorted(known)))


def test_the_longest_prefix_that_fits_says_it() -> None:
    carriers = table({48601: "Plus", 4860122: "Three"})
    assert (carriers.of("+48601220114"), carriers.of("+48601330114")) == ("Three", "Plus")


@pytest.mark.parametrize("number", [None, "", "+", "+4822307"])
def test_what_nobody_knows_has_no_carrier(number: str | None) -> None:
    assert table({48601: "Plus"}).of(number) is None


@given(PREFIXES, some.integers(0, 10**14))
def test_it_says_what_a_search_through_all_prefixes_says(known: dict[int, str], number: int) -> None:
    fitting = [prefix for prefix in known if str(number).startswith(str(prefix))]
    expected = known[max(fitting)] if fitting else None
    assert table(known).of(f"+{number}") == expected


@given(PREFIXES)
def test_a_table_survives_the_way_between_processes(known: dict[int, str]) -> None:
    written = table(known).written()
    assert Carriers.read(written).written() == written
    with pytest.raises(ValueError):
        Carriers.read(written[:-1])


async def test_another_process_reads_the_data_and_they_are_the_same() -> None:
    loaded = await load_carriers()
    assert loaded.written() == from_phonenumbers().written()
    assert loaded.of("+48601220114") == "Plus"
