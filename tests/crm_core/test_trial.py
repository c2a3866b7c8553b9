"""Two groups of calls: what the numbers say, and that they say nothing where they can not."""

from math import comb
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from crm_core.figure.trial import Arm, Verdict, calls_needed, difference, fisher, holm, verdict


@st.composite
def arms(draw: st.DrawFn) -> tuple[Arm, Arm]:
    calls = draw(st.integers(0, 60)), draw(st.integers(0, 60))
    return Arm(calls[0], draw(st.integers(0, calls[0]))), Arm(calls[1], draw(st.integers(0, calls[1])))


@given(arms())
def test_fishers_test_is_the_sum_of_what_could_as_well_have_happened(two: tuple[Arm, Arm]) -> None:
    one, other = two
    sold, calls = one.sold + other.sold, one.calls + other.calls
    ways = [
        comb(one.calls, hits) * comb(other.calls, sold - hits)
        for hits in range(max(0, sold - other.calls), min(sold, one.calls) + 1)
    ]
    here = comb(one.calls, one.sold) * comb(other.calls, other.sold)
    assert abs(fisher(one, other) - sum(it for it in ways if it <= here) / comb(calls, sold)) < 1e-6
    assert abs(fisher(one, other) - fisher(other, one)) < 1e-9


@given(arms())
def test_the_interval_of_a_difference_holds_it_and_turns_round_with_it(two: tuple[Arm, Arm]) -> None:
    one, other = two
    low, high = difference(one, other)
    assert -1 <= low <= high <= 1
    if one.share is not None and other.share is not None:
        assert low - 1e-9 <= one.share - other.share <= high + 1e-9
    turned = difference(other, one)
    assert abs(turned[0] + high) < 1e-9 and abs(turned[1] + low) < 1e-9


@given(st.lists(st.floats(0, 1), max_size=30))
def test_among_many_nothing_counts_for_more_than_alone(chances: list[float]) -> None:
    found = holm(chances)
    assert all(alone <= among <= 1 for alone, among in zip(chances, found, strict=True))
    assert [among for _, among in sorted(zip(chances, found, strict=True))] == sorted(found)
    if chances:
        assert min(found) == min(1.0, min(chances) * len(chances))


def test_of_a_hundred_phrases_that_mean_nothing_none_is_marked() -> None:
    """A hundred draws of calls from one pot: alone about five would look like something."""
    random, alone, marked = Random(3), 0, 0
    for _ in range(20):
        chances = []
        for _ in range(100):
            one, other = (Arm(60, sum(random.random() < 0.3 for _ in range(60))) for _ in range(2))
            chances.append(fisher(one, other))
        alone += sum(it < 0.05 for it in chances)
        marked += any(it < 0.05 for it in holm(chances))
    assert alone > 30 and marked <= 3


def test_a_trial_says_nothing_before_it_has_its_calls() -> None:
    needed = calls_needed(0.2, 0.1)
    assert 280 <= needed <= 320  # 293 by the tables
    assert calls_needed(0.2, 0.02) > 20 * needed
    good, bad = Arm(needed, needed // 2), Arm(needed, needed // 5)
    assert verdict(bad, good, needed, ended=False) is Verdict.SECOND
    assert verdict(good, bad, needed, ended=False) is Verdict.FIRST
    assert verdict(bad, bad, needed, ended=True) is Verdict.SAME
    half = Arm(needed // 2, needed // 4), Arm(needed // 2, 0)  # however clear it looks
    assert verdict(*half, needed, ended=False) is Verdict.NOT_ENOUGH
    assert verdict(*half, needed, ended=True) is Verdict.STOPPED
