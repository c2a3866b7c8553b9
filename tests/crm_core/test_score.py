"""What a call is worth by a scorecard."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crm_core.errors import Invalid
from crm_core.score import Kind, Mark, Question, checked_questions, score

GREETED = Question(key=1, text="Greeted by name", kind=Kind.SCALE, weight=30)
OFFERED = Question(key=2, text="Offered what goes with it", kind=Kind.YES_NO, weight=10)
CARD_DATA = Question(key=3, text="Asked for no card number", kind=Kind.YES_NO, weight=0, critical=True)


def marks(*points: int | None) -> list[Mark]:
    return [Mark(key=key, points=one) for key, one in enumerate(points, 1)]


@pytest.mark.parametrize(
    ("points", "comes_to", "zeroed"),
    [
        ((100, 100, 100), "100.0", False),
        ((50, 0, 100), "37.5", False),
        ((50, None, 100), "50.0", False),  # what did not apply is left out
        ((100, 100, 0), "0.0", True),
        ((100, 100, None), "100.0", False),  # something critical that did not apply
        ((0, 100, 100), "25.0", False),
        ((None, None, 100), None, False),  # nothing that counts applied
        ((100, 50, 100), None, False),  # neither yes nor no
        ((100, 100), None, False),  # a question without a mark
        ((101, 100, 100), None, False),
    ],
)
def test_a_card_comes_to_the_mean_by_weight_and_a_critical_no_to_nothing(points, comes_to, zeroed) -> None:
    card = [GREETED, OFFERED, CARD_DATA]
    if comes_to is None:
        with pytest.raises(Invalid):
            score(card, marks(*points))
    else:
        found = score(card, marks(*points))
        assert (found.points, found.zeroed) == (Decimal(comes_to), zeroed)


def test_no_card_is_made_of_what_can_not_be_judged_by() -> None:
    assert checked_questions([GREETED, OFFERED, CARD_DATA])
    wrong = (
        [],
        [CARD_DATA],
        [GREETED, GREETED],
        [replace(GREETED, critical=True)],
        [replace(GREETED, weight=101)],
    )
    for questions in wrong:
        with pytest.raises(Invalid):
            checked_questions(questions)


def question(key: int) -> st.SearchStrategy[tuple[Question, Mark]]:
    scale = st.tuples(st.just(Kind.SCALE), st.one_of(st.none(), st.integers(0, 100)), st.just(False))
    yes_no = st.tuples(st.just(Kind.YES_NO), st.sampled_from([None, 0, 100]), st.booleans())
    return st.tuples(st.one_of(scale, yes_no), st.integers(0, 100)).map(
        lambda it: (
            Question(key=key, text="?", kind=it[0][0], weight=it[1], critical=it[0][2]),
            Mark(key=key, points=it[0][1]),
        )
    )


cards = st.integers(1, 8).flatmap(lambda n: st.tuples(*(question(key) for key in range(1, n + 1))))


@given(card=cards, times=st.integers(2, 5), data=st.data())
def test_a_score_is_between_its_marks_and_knows_only_shares(card, times, data) -> None:
    questions, given_marks = [it for it, _ in card], [it for _, it in card]
    counted = [(it.weight, mark.points) for it, mark in card if mark.points is not None]
    assume(any(weight for weight, _ in counted))
    found = score(questions, given_marks)
    assert 0 <= found.points <= 100
    # weights that are all so many times as large are the same shares; the order says nothing
    larger = [replace(it, weight=it.weight * times) for it in questions]
    if all(it.weight <= 100 for it in larger):
        assert score(larger, given_marks) == found
    assert score(questions, data.draw(st.permutations(given_marks))) == found
    if any(it.critical and mark.points == 0 for it, mark in card):
        assert found.points == 0 and found.zeroed
        return
    weighed = [points for weight, points in counted if weight]
    assert min(weighed) - Decimal("0.05") <= found.points <= max(weighed) + Decimal("0.05")
    # who marks one question better makes the card no worse
    place = data.draw(st.sampled_from([n for n, mark in enumerate(given_marks) if mark.points is not None]))
    better = [*given_marks]
    better[place] = replace(better[place], points=100)
    assert score(questions, better).points >= found.points
