"""How a call was talked: shares, silence, who breaks in, who goes on and on."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crm_core.talk import Spoken, talk, united

SECONDS = st.integers(0, 600).map(lambda tenth: tenth / 10)
SIDES = st.sampled_from(["operator", "customer", "unknown"])
SAID = st.lists(st.tuples(SIDES, SECONDS, SECONDS), max_size=30)
OTHER = {"operator": "customer", "customer": "operator", "unknown": "unknown"}


@given(SAID, SECONDS)
def test_every_moment_is_the_operators_the_customers_both_or_silence(said, length) -> None:
    it = talk(said, length)
    if it is None:
        return
    assert it.operator.spoke + it.customer.spoke - it.together + it.silence == it.length
    assert 0 <= it.together <= min(it.operator.spoke, it.customer.spoke)
    assert it.silence >= 0 and it.length >= length * 1000
    assert it.share is not None and 0 < it.share < 1
    for voice in (it.operator, it.customer):
        assert 0 < voice.longest <= it.length - voice.longest_at


@given(SAID, SECONDS)
def test_the_two_sides_are_measured_alike_and_in_any_order(said, length) -> None:
    it = talk(said, length)
    mirrored = talk([(OTHER[side], start, end) for side, start, end in reversed(said)], length)
    if it is None:
        assert mirrored is None
    else:
        assert mirrored is not None
        assert (it.operator, it.customer) == (mirrored.customer, mirrored.operator)
        assert (it.together, it.silence) == (mirrored.together, mirrored.silence)


@given(st.lists(st.builds(Spoken, st.integers(0, 50), st.integers(0, 50))), st.integers(0, 5))
def test_spans_that_are_united_lie_apart_and_cover_the_same(spans, gap) -> None:
    found = united(spans, gap)
    assert all(a.end + gap < b.start for a, b in pairwise(found))
    covered = {at for it in spans for at in range(it.start, it.end)}
    assert covered <= {at for it in found for at in range(it.start, it.end)}
    if not gap:
        assert covered == {at for it in found for at in range(it.start, it.end)}


def test_a_short_yes_neither_breaks_in_nor_ends_what_the_other_says() -> None:
    said = [
        ("operator", 0.0, 4.0),
        ("customer", 3.0, 3.5),  # "yes"
        ("operator", 5.0, 9.0),
        ("customer", 7.0, 12.0),  # breaks in
        ("operator", 13.0, 14.0),
    ]
    it = talk(said, 20.0)
    assert it is not None
    assert (it.operator.spoke, it.customer.spoke, it.together, it.silence) == (9000, 5500, 2500, 8000)
    assert (it.operator.longest, it.operator.longest_at) == (9000, 0)
    assert (it.customer.broke_in, it.operator.broke_in) == (1, 0)


def test_of_one_track_without_sides_nothing_is_claimed() -> None:
    assert talk([("unknown", 0.0, 5.0)], 10.0) is None
    assert talk([("operator", 0.0, 5.0)], 10.0) is None
