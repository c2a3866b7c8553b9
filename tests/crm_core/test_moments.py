"""What goes with a sale: said only where the numbers allow it."""

from hypothesis import given
from hypothesis import strategies as st

from crm_core.figure.moments import FEWEST, Heard, Kind, weigh
from crm_core.figure.trial import Arm


def words(key: str, calls: int, sold: int, side: str = "operator") -> Heard:
    return Heard(kind=Kind.WORDS, key=key, side=side, calls=calls, sold=sold)


@st.composite
def heard(draw: st.DrawFn) -> tuple[list[Heard], Arm]:
    calls = draw(st.integers(0, 200))
    whole = Arm(calls, draw(st.integers(0, calls)))
    found = []
    for key in draw(st.lists(st.from_regex(r"[ab]{2}( [ab]{2})?", fullmatch=True), max_size=12, unique=True)):
        here = draw(st.integers(0, calls))
        least, most = max(0, here - (calls - whole.sold)), min(here, whole.sold)
        found.append(words(key, here, draw(st.integers(least, most))))
    return found, whole


@given(heard())
def test_with_and_without_are_all_calls_and_too_few_are_not_compared(given_: tuple[list[Heard], Arm]) -> None:
    found, whole = given_
    told = weigh(found, whole)
    assert len(told) <= len(found)
    for it in told:
        assert (it.here.calls + it.without.calls, it.here.sold + it.without.sold) == (whole.calls, whole.sold)
        assert min(it.here.calls, it.without.calls) >= FEWEST
        assert it.low - 1e-9 <= it.away <= it.high + 1e-9
        assert it.heard.key in (it.heard.whole or it.heard.key)
    assert [it.chance for it in told] == sorted(it.chance for it in told)


def test_a_sentence_is_compared_once_and_what_is_chance_is_not_marked() -> None:
    sentence = [
        words(key, 60, 40) for key in ("free delivery", "with free", "guarantee with", "delivery", "with")
    ]
    told = weigh([*sentence, words("good day", 90, 36), words("rare thing", 5, 5)], Arm(200, 80))
    assert [(it.heard.key, it.heard.whole, it.marked) for it in told] == [
        ("guarantee with", "guarantee with free delivery", True),
        ("good day", "good day", False),
    ]
    assert weigh(sentence, Arm(59, 40)) == []  # not enough calls to say anything
    assert not any(it.marked for it in weigh([words("free delivery", 24, 14)], Arm(100, 40)))
