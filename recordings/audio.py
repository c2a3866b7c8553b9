"""Reading, measuring and converting sound, block by block: an hour of talk never lies in memory as a whole.

Reads wav, wav49 (GSM in WAV), gsm, mu-law, A-law, sln, ogg, mp3 through libsndfile; the rest (webm) and what
it refuses through ffmpeg, when that is installed. A WAV whose Asterisk was killed is read by its length.

Units:  seconds as floats, samples as signed 16 bit integers
Raises: `Unreadable` when there is no sound to be had from a file
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from recordings.cache import Cache
from recordings.header import HEAD_SIZE, Verdict, judge
from recordings.mended import MendedFile

Samples = npt.NDArray[np.int16]

BLOCK_FRAMES = 65_536
SILENCE: Samples = np.zeros((0, 1), dtype=np.int16)
# Samples without a header: what Asterisk's formats of these names contain, always 8 kHz mono.
BARE = {
    ".gsm": "GSM610",
    ".ulaw": "ULAW",
    ".ul": "ULAW",
    ".alaw": "ALAW",
    ".al": "ALAW",
    ".sln": "PCM_16",
}
# Browsers play these as they are. Ogg is left alone: Chromium, Firefox and Safari (18.4) play it.
CONTENT_TYPES = {
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".webm": "audio/webm",
}
# ffmpeg is told what the file is: left to guess it would also follow playlists into other files.
FFMPEG_INPUT = {".webm": "matroska", ".mp3": "mp3", ".wav": "wav", **dict.fromkeys((".ogg", ".opus"), "ogg")}
FFMPEG_PATIENCE_S = 300


class Unreadable(Exception):
    """There is no sound to be had from the file; the text says why."""


@dataclass(frozen=True)
class Facts:
    """What a sound file holds."""

    seconds: float
    channels: int
    rate: int
    mended: bool  # the header did not agree with the length: its writer was killed


def verdict(path: Path) -> Verdict:
    """Judge a WAV file by its header and length; files of other formats are never GROWING, at most EMPTY.

    Raises `OSError` when the file can not be opened.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
        length = file.seek(0, 2)
    if path.suffix.lower() == ".wav":
        return judge(head, length)
    return Verdict.COMPLETE if length else Verdict.EMPTY


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Give the file as an open `soundfile.SoundFile`. Raises `Unreadable`."""
    with ExitStack() as stack:
        try:
            sound = stack.enter_context(_open(path, stack))
        except soundfile.LibsndfileError as error:
            sound = stack.enter_context(_open_by_ffmpeg(path, stack, error))
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path.name}: {error}") from error
        try:
            yield sound
        except soundfile.LibsndfileError as error:
            raise Unreadable(f"{path.name}: {error}") from error


def _open(path: Path, stack: ExitStack) -> Any:
    subtype = BARE.get(path.suffix.lower())
    if subtype:
        return soundfile.SoundFile(
            path, format="RAW", subtype=subtype, samplerate=8000, channels=1, endian="LITTLE"
        )
    if path.suffix.lower() == ".wav" and verdict(path) is Verdict.GROWING:
        return soundfile.SoundFile(stack.enter_context(MendedFile(path)))
    return soundfile.SoundFile(path)


def _open_by_ffmpeg(path: Path, stack: ExitStack, refusal: Exception) -> Any:
    program, form = shutil.which("ffmpeg"), FFMPEG_INPUT.get(path.suffix.lower())
    if program is None or form is None:
        reason = str(refusal) if form is None else f"{refusal} (ffmpeg is not installed)"
        raise Unreadable(f"{path.name}: {reason}") from refusal
    copy = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "sound.wav"
    command = [program, "-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file", "-f", form]
    command += ["-i", f"file:{path}", "-map", "0:a:0", "-c:a", "pcm_s16le", "-f", "wav", f"file:{copy}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=FFMPEG_PATIENCE_S, check=False)
        if done.returncode:
            raise Unreadable(f"{path.name}: {_last_line(done.stderr) or refusal}") from refusal
        return soundfile.SoundFile(copy)
    except (subprocess.TimeoutExpired, soundfile.LibsndfileError) as error:
        raise Unreadable(f"{path.name}: {error}") from error


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def read_blocks(sound: Any, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
    """Yield blocks of `frames` × channels from an open file; the last may be shorter.

    GSM can not be sought, and its number of frames is not known before the end: read until nothing comes.
    """
    while len(block := sound.read(frames, dtype="int16", always_2d=True)):
        yield block


def blocks(path: Path, frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
    """Yield the sound of a file, as `read_blocks` does. Raises `Unreadable`."""
    with opened(path) as sound:
        yield from read_blocks(sound, frames)


def measure(path: Path) -> Facts:
    """Return length and shape of a file. Raises `Unreadable`."""
    with opened(path) as sound:
        frames = sound.frames if sound.seekable() else sum(len(block) for block in read_blocks(sound))
        mended = path.suffix.lower() == ".wav" and verdict(path) is Verdict.GROWING
        return Facts(frames / sound.samplerate, sound.channels, sound.samplerate, mended)


def convert(source: Path, target: Path) -> None:
    """Write the sound as plain WAV (PCM, 16 bit) of the same rate and channels. Raises `Unreadable`."""
    with opened(source) as sound, _writer(target, sound.samplerate, sound.channels) as out:
        for block in read_blocks(sound):
            out.write(block)


def mix(legs: Sequence[Path], target: Path) -> None:
    """Write the sum of mono or stereo legs as one mono WAV, as long as the longest. Raises `Unreadable`.

    All legs must have the rate of the first, as the legs of one MixMonitor do.
    """
    with ExitStack() as stack:
        sounds = [stack.enter_context(opened(leg)) for leg in legs]
        rates = {sound.samplerate for sound in sounds}
        if len(rates) != 1:
            raise Unreadable(f"legs of different rates: {sorted(rates)}")
        out = stack.enter_context(_writer(target, rates.pop(), 1))
        for parts in zip_longest(*map(read_blocks, sounds), fillvalue=SILENCE):
            out.write(_sum(parts))


def _sum(parts: Sequence[Samples]) -> Samples:
    total = np.zeros(max(len(part) for part in parts), dtype=np.int32)
    for part in parts:
        total[: len(part)] += part.sum(axis=1, dtype=np.int32)
    return np.clip(total, -32768, 32767).astype(np.int16)


def split(stereo: Path, left: Path, right: Path) -> None:
    """Write the two channels of a stereo file as two mono WAVs. Raises `Unreadable`."""
    with opened(stereo) as sound:
        if sound.channels != 2:
            raise Unreadable(f"{stereo.name}: {sound.channels} channels, not 2")
        with _writer(left, sound.samplerate, 1) as one, _writer(right, sound.samplerate, 1) as other:
            for block in read_blocks(sound):
                one.write(block[:, 0])
                other.write(block[:, 1])


def _writer(target: Path, rate: int, channels: int) -> Any:
    return soundfile.SoundFile(
        target, "w", samplerate=rate, channels=channels, format="WAV", subtype="PCM_16"
    )


def peaks(path: Path, points: int = 800) -> list[tuple[float, float]]:
    """Return at most `points` pairs (lowest, highest) between -1 and 1, for the picture of the sound.

    Channels are laid over each other. Raises `Unreadable`.
    """
    frames = round((facts := measure(path)).seconds * facts.rate)
    step = max(1, -(-frames // points))
    pairs: list[tuple[float, float]] = []
    # A block of whole steps: no pair spans two blocks.
    for block in blocks(path, step * max(1, BLOCK_FRAMES // step)):
        at = range(0, len(block), step)
        lows = np.minimum.reduceat(block.min(axis=1), at) / 32768
        highs = np.maximum.reduceat(block.max(axis=1), at) / 32768
        pairs += [
            (round(float(low), 3), round(float(high), 3)) for low, high in zip(lows, highs, strict=True)
        ]
    return pairs


def plays_as_is(path: Path) -> str | None:
    """Return the content type under which browsers play the file itself; None: it must be converted."""
    if path.suffix.lower() != ".wav":
        return CONTENT_TYPES.get(path.suffix.lower())
    if verdict(path) is not Verdict.COMPLETE:
        return None
    with opened(path) as sound:
        return "audio/wav" if sound.subtype in ("PCM_16", "PCM_U8") else None


def for_browser(path: Path, cache: Cache) -> tuple[Path, str]:
    """Return a file browsers can play, with its content type: the recording itself or a converted copy.

    Raises `Unreadable`; `OSError` when the cache can not be written.
    """
    kind = plays_as_is(path)
    if kind:
        return path, kind
    return cache.make([path], "browser", ".wav", lambda target: convert(path, target)), "audio/wav"


def mixed(legs: Sequence[Path], cache: Cache) -> Path:
    """Return the two legs as one file, for a MixMonitor that left no mix. Raises like `for_browser`."""
    return cache.make(legs, "mix", ".wav", lambda target: mix(legs, target))


def picture(path: Path, cache: Cache, points: int = 800) -> list[list[float]]:
    """Return `peaks`, kept in the cache as JSON. Raises like `for_browser`."""

    def build(target: Path) -> None:
        target.write_text(json.dumps(peaks(path, points)))

    made = cache.make([path], f"peaks-{points}", ".json", build)
    pairs: list[list[float]] = json.loads(made.read_text())
    return pairs
