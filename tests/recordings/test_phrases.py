"""Words with times become phrases."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from crm_core.recording import PhraseSide
from recordings.phrases import Phrase, Word, phrases

gaps = st.floats(0, 3, allow_nan=False)


def spoken(*words: tuple[str, float, float]) -> list[Word]:
    return [Word(text, start, end, 1.0) for text, start, end in words]


def test_a_pause_ends_a_phrase_and_a_breath_does_not() -> None:
    words = spoken(("my", 0.0, 0.2), ("kettle", 0.7, 1.0), ("is", 1.7, 1.9), ("broken", 2.0, 2.5))
    first, second = phrases(words, PhraseSide.CUSTOMER)
    assert (first.text, first.start_s, first.end_s) == ("my kettle", 0.0, 1.0)
    assert (second.text, second.start_s, second.end_s) == ("is broken", 1.7, 2.5)


def test_confidence_is_the_mean_of_the_words() -> None:
    words = [Word("yes", 0, 0.3, 1.0), Word("please", 0.4, 0.6, 0.5)]
    assert phrases(words, PhraseSide.OPERATOR) == [Phrase(PhraseSide.OPERATOR, 0, 0.6, "yes please", 0.75)]


def test_no_words_make_no_phrase() -> None:
    assert phrases([], PhraseSide.UNKNOWN) == []


@given(st.lists(st.tuples(gaps, st.floats(0.01, 1), st.text("abc", min_size=1))))
def test_no_word_is_lost_and_time_goes_forward(steps: list[tuple[float, float, str]]) -> None:
    words, now = [], 0.0
    for gap, length, text in steps:
        words.append(Word(text, now + gap, now + gap + length, 0.9))
        now += gap + length
    found = phrases(words, PhraseSide.UNKNOWN)
    assert " ".join(phrase.text for phrase in found).split() == [word.text for word in words]
    assert all(phrase.start_s <= phrase.end_s for phrase in found)
    assert all(later.start_s - earlier.end_s > 0.6 for earlier, later in itertools.pairwise(found))
