"""Is the recording complete? What the header says against what is there."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from recordings.header import HEAD_SIZE, Verdict, judge, mended, parse

SAMPLES = Path(__file__).parent / "samples"
REAL = (SAMPLES / "order-status-en-agent.wav").read_bytes()


def wav(sound: bytes, *, riff: int | None = None, data: int | None = None, align: int = 2) -> bytes:
    """A WAV file as Asterisk writes it; `riff` and `data` replace the true sizes."""
    head = b"fmt " + (16).to_bytes(4, "little") + bytes([1, 0, 1, 0])
    head += (8000).to_bytes(4, "little") + (8000 * align).to_bytes(4, "little") + bytes([align, 0, 16, 0])
    head += b"data" + (len(sound) if data is None else data).to_bytes(4, "little")
    size = 4 + len(head) + len(sound) if riff is None else riff
    return b"RIFF" + size.to_bytes(4, "little") + b"WAVE" + head + sound


def verdict(file: bytes) -> Verdict:
    return judge(file[:HEAD_SIZE], len(file))


def test_a_recording_closed_by_a_real_asterisk_is_complete() -> None:
    assert verdict(REAL) is Verdict.COMPLETE


def test_while_asterisk_writes_the_header_says_zero_and_the_file_is_growing() -> None:
    assert verdict(wav(bytes(32_000), riff=0, data=0)) is Verdict.GROWING


def test_a_file_of_44_bytes_is_an_empty_recording_whatever_its_header_says() -> None:
    assert verdict(wav(b"")) is Verdict.EMPTY
    assert verdict(wav(b"", riff=0, data=0)) is Verdict.EMPTY
    assert len(wav(b"")) == 44


def test_a_file_that_was_only_created_is_empty() -> None:
    assert verdict(b"") is Verdict.EMPTY


def test_a_header_cut_by_the_first_write_is_still_growing() -> None:
    assert verdict(REAL[:20]) is Verdict.GROWING


def test_what_is_not_wav_is_broken() -> None:
    assert verdict(b"<html>404 not found</html>" * 10) is Verdict.BROKEN


@given(sound=st.binary(min_size=2, max_size=400).filter(lambda sound: len(sound) % 2 == 0))
def test_a_closed_file_is_complete(sound: bytes) -> None:
    assert verdict(wav(sound)) is Verdict.COMPLETE


@given(st.data())
def test_a_file_cut_anywhere_is_never_complete(data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(REAL) - 1))
    assert verdict(REAL[:length]) is not Verdict.COMPLETE


@given(more=st.binary(min_size=2, max_size=4000))
def test_a_file_that_grew_past_its_header_is_not_complete(more: bytes) -> None:
    assert verdict(REAL + more) is Verdict.GROWING


@given(st.binary(max_size=300))
def test_any_bytes_get_a_verdict(file: bytes) -> None:
    assert verdict(file) in Verdict
    assert verdict(b"RIFF" + file) in Verdict


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1))
def test_any_header_can_be_parsed_or_refused(junk: bytes, length: int) -> None:
    head = REAL[:12] + junk
    parse(head)
    fixed = mended(head, length)
    assert fixed is None or len(fixed) <= len(head)


@given(
    sound=st.binary(min_size=2, max_size=400),
    riff=st.sampled_from([0, 36, 0xFFFFFFFF]),
    size=st.sampled_from([0, 0xFFFFFFFF, 2]),
)
def test_mending_makes_a_file_complete_and_keeps_every_whole_sample(
    sound: bytes, riff: int, size: int
) -> None:
    file = wav(sound, riff=riff, data=size)
    head = mended(file[:HEAD_SIZE], len(file))
    assert head is not None
    whole = len(sound) // 2 * 2
    repaired = head + file[len(head) : len(head) + whole]
    assert verdict(repaired) is Verdict.COMPLETE
    header = parse(repaired)
    assert header is not None and header.data_size == whole
