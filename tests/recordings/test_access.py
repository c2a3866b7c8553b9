"""A signed address opens one recording, for a while."""

from hypothesis import given
from hypothesis import strategies as st

from recordings.access import sign, verify

ids = st.integers(1, 2**63 - 1)
instants = st.integers(0, 2**40)


@given(ids, instants, st.text(min_size=1))
def test_our_signature_is_good_until_it_expires(recording_id: int, expires: int, secret: str) -> None:
    signature = sign(recording_id, expires, secret)
    assert verify(recording_id, expires, signature, secret, now=expires)
    assert not verify(recording_id, expires, signature, secret, now=expires + 1)


@given(ids, instants, st.integers(1, 1000))
def test_it_opens_no_other_recording_and_no_other_time(recording_id: int, expires: int, other: int) -> None:
    signature = sign(recording_id, expires, "secret")
    assert not verify(recording_id + other, expires, signature, "secret", now=0)
    assert not verify(recording_id, expires + other, signature, "secret", now=0)
    assert not verify(recording_id, expires, signature, "another secret", now=0)


@given(st.text())
def test_anything_else_is_refused(signature: str) -> None:
    assert not verify(1, 100, signature, "secret", now=0)


def test_digits_can_not_be_moved_between_id_and_time() -> None:
    assert sign(11, 1, "s") != sign(1, 11, "s")
