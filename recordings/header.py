"""The header of a WAV file against the length of the file: is the recording complete?

Pure: bytes in, verdict out.

Source: Asterisk's format_wav and format_wav_gsm write the header first with length 0 and complete it when the
file is closed. So a file whose header and length disagree is still being written, or its Asterisk was killed.
Units:  sizes in bytes, rate in frames per second
"""

import struct
from dataclasses import dataclass
from enum import StrEnum

# Enough for the chunks that stand before the sound in every file a PBX or ffmpeg writes.
HEAD_SIZE = 4096


class Verdict(StrEnum):
    COMPLETE = "complete"  # header and length agree, there is sound
    EMPTY = "empty"  # header only: nobody was connected, or nothing written yet
    GROWING = "growing"  # sound is there, the header does not (yet) say so
    BROKEN = "broken"  # not a WAV file


@dataclass(frozen=True)
class WavHeader:
    """What the chunks before the sound say."""

    riff_size: int  # bytes after the first eight
    format_tag: int  # 1 PCM, 6 A-law, 7 mu-law, 0x31 GSM
    channels: int
    rate: int
    block_align: int
    bits: int
    data_at: int  # offset of the first byte of sound
    data_size: int


def parse(head: bytes) -> WavHeader | None:
    """Read the header from the first bytes of a file; None when it is not a WAV header or not whole."""
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    riff_size = int.from_bytes(head[4:8], "little")
    at, form = 12, None
    while at + 8 <= len(head):
        name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        if name == b"fmt " and size >= 16 and at + 24 <= len(head):
            form = struct.unpack_from("<HHIIHH", head, at + 8)
        if name == b"data":
            return _header(riff_size, form, at + 8, size)
        at += 8 + size + size % 2
    return None


def _header(riff_size: int, form: tuple[int, ...] | None, data_at: int, data_size: int) -> WavHeader | None:
    if form is None:
        return None
    tag, channels, rate, _bytes_per_second, align, bits = form
    if not (1 <= channels <= 8 and 1000 <= rate <= 384_000 and align):
        return None
    return WavHeader(riff_size, tag, channels, rate, align, bits, data_at, data_size)


def judge(head: bytes, length: int) -> Verdict:
    """Say what a WAV file of `length` bytes, beginning with `head`, is.

    A single padding byte at the end is allowed, as the RIFF rules have it for an odd number of bytes.
    """
    if length == 0:
        return Verdict.EMPTY
    header = parse(head)
    if header is None:
        # The first block of a file may reach the disk before its header is whole.
        return Verdict.GROWING if length < 60 and head[:4] == b"RIFF"[: len(head)] else Verdict.BROKEN
    if length <= header.data_at:
        return Verdict.EMPTY
    return Verdict.COMPLETE if header.data_size and _agrees(header, length) else Verdict.GROWING


def _agrees(header: WavHeader, length: int) -> bool:
    surplus = length - (header.riff_size + 8)
    padding_left_out = surplus == -1 and header.data_size % 2 == 1
    return (surplus in (0, 1) or padding_left_out) and header.data_at + header.data_size <= length


def mended(head: bytes, length: int) -> bytes | None:
    """Return the bytes up to the sound, with sizes made to fit a file of `length` bytes; None when hopeless.

    For a recording whose Asterisk was killed: the sound is there, the header says length 0.
    """
    header = parse(head)
    if header is None or length < header.data_at + header.block_align:
        return None
    sound = (length - header.data_at) // header.block_align * header.block_align
    fixed = bytearray(head[: header.data_at])
    fixed[4:8] = (header.data_at + sound - 8).to_bytes(4, "little")
    fixed[header.data_at - 4 : header.data_at] = sound.to_bytes(4, "little")
    return bytes(fixed)
