"""Sound in whatever format is read, measured, mixed and made playable."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recordings import audio
from recordings.audio import Facts, Unreadable
from recordings.cache import Cache
from recordings.header import Verdict

SAMPLES = Path(__file__).parent / "samples"
MIX = SAMPLES / "order-status-en.wav"
LEGS = [SAMPLES / "order-status-en-caller.wav", SAMPLES / "order-status-en-agent.wav"]
STEREO = SAMPLES / "cancel-en-overlap-stereo.wav"
TALK_S = json.loads((SAMPLES / "order-status-en.json").read_text())["talk_s"]

FORMATS = {
    "a.WAV": {"format": "WAV", "subtype": "GSM610"},
    "a.gsm": {"format": "RAW", "subtype": "GSM610"},
    "a.ulaw": {"format": "RAW", "subtype": "ULAW"},
    "a.alaw": {"format": "RAW", "subtype": "ALAW"},
    "a.sln": {"format": "RAW", "subtype": "PCM_16"},
    "alaw.wav": {"format": "WAV", "subtype": "ALAW"},
    "a.mp3": {"format": "MP3"},
    "a.ogg": {"format": "OGG"},
}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


def written(folder: Path, name: str) -> Path:
    """The real recording in another format."""
    soundfile.write(folder / name, samples(MIX), 8000, **FORMATS[name])
    return folder / name


def unclosed(folder: Path, source: Path = MIX, sizes_at: tuple[int, ...] = (4, 40)) -> Path:
    """The recording as a killed Asterisk leaves it: the header says length 0."""
    content = bytearray(source.read_bytes())
    for at in sizes_at:
        content[at : at + 4] = bytes(4)
    path = folder / f"unclosed{source.suffix}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_as_long_as_the_talk_was(name: str, tmp_path: Path) -> None:
    facts = audio.measure(written(tmp_path, name))
    assert facts.seconds == pytest.approx(TALK_S, abs=0.1)
    assert (facts.channels, facts.mended) == (1, False)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_becomes_something_a_browser_plays(name: str, tmp_path: Path, cache: Cache) -> None:
    source = written(tmp_path, name)
    path, kind = audio.for_browser(source, cache)
    if name in ("a.mp3", "a.ogg"):
        assert path == source and kind in ("audio/mpeg", "audio/ogg")
    else:
        assert (soundfile.info(path).subtype, kind) == ("PCM_16", "audio/wav")
        assert audio.verdict(path) is Verdict.COMPLETE
        heard, said = samples(path)[: len(samples(MIX))].astype(float), samples(MIX).astype(float)
        assert np.corrcoef(heard, said)[0, 1] > 0.95


def test_a_recording_browsers_can_play_is_served_as_it_lies(cache: Cache) -> None:
    assert audio.for_browser(MIX, cache) == (MIX, "audio/wav")
    assert not cache.folder.exists()


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg, a package of Debian")
def test_what_the_library_does_not_know_goes_through_ffmpeg(tmp_path: Path) -> None:
    webm = tmp_path / "a.webm"
    subprocess.run(["ffmpeg", "-v", "error", "-i", MIX, webm], check=True)
    assert audio.measure(webm).seconds == pytest.approx(TALK_S, abs=0.1)


def test_what_is_no_sound_is_refused_with_a_reason(tmp_path: Path) -> None:
    for name in ("a.wav", "a.mp3", "a.webm", "a.ogg"):
        (tmp_path / name).write_bytes(b"<html>no such file</html>" * 20)
        with pytest.raises(Unreadable, match=f"{name}: ."):
            audio.measure(tmp_path / name)
    with pytest.raises(Unreadable, match="No such file"):
        audio.measure(tmp_path / "nowhere.wav")


def test_a_playlist_in_the_clothes_of_a_recording_reads_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "a.ogg").write_text(f"#EXTM3U\n#EXTINF:1,\nfile:{MIX}\n#EXT-X-ENDLIST\n")
    with pytest.raises(Unreadable):
        audio.measure(tmp_path / "a.ogg")


def test_without_ffmpeg_the_reason_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.webm").write_bytes(b"\x1a\x45\xdf\xa3")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match="ffmpeg is not installed"):
        audio.measure(tmp_path / "a.webm")


def test_a_recording_of_a_killed_asterisk_is_read_by_its_length(tmp_path: Path, cache: Cache) -> None:
    path = unclosed(tmp_path)
    before = path.read_bytes()
    assert soundfile.info(path).frames == 0, "the library alone sees nothing"
    assert audio.measure(path) == Facts(samples(MIX).size / 8000, 1, 8000, mended=True)
    served, kind = audio.for_browser(path, cache)
    assert (samples(served) == samples(MIX)).all() and kind == "audio/wav"
    assert path.read_bytes() == before, "the switchboard's file is never touched"


def test_so_is_one_in_wav49(tmp_path: Path) -> None:
    path = unclosed(tmp_path, written(tmp_path, "a.WAV"), sizes_at=(4, 56))
    assert audio.measure(path).seconds == pytest.approx(TALK_S, abs=0.1)


def test_our_mix_of_two_legs_is_the_mix_asterisk_made(cache: Cache) -> None:
    assert (samples(audio.mixed(LEGS, cache)) == samples(MIX)).all()


def test_legs_of_different_lengths_are_mixed_to_the_end_of_the_longer(tmp_path: Path) -> None:
    short, long, out = tmp_path / "short.wav", tmp_path / "long.wav", tmp_path / "out.wav"
    soundfile.write(short, np.full(1000, 20_000, np.int16), 8000)
    soundfile.write(long, np.full(150_000, 20_000, np.int16), 8000)
    audio.mix([short, long], out)
    mixed = samples(out)
    assert len(mixed) == 150_000 and mixed[0] == 32_767 and mixed[1000] == 20_000


def test_legs_of_different_rates_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "wide.wav", np.zeros(100, np.int16), 16_000)
    with pytest.raises(Unreadable, match="different rates"):
        audio.mix([MIX, tmp_path / "wide.wav"], tmp_path / "out.wav")


def test_a_stereo_recording_is_split_into_its_two_sides(tmp_path: Path) -> None:
    left, right = tmp_path / "left.wav", tmp_path / "right.wav"
    audio.split(STEREO, left, right)
    both = samples(STEREO)
    assert (samples(left) == both[:, 0]).all() and (samples(right) == both[:, 1]).all()
    with pytest.raises(Unreadable, match="1 channels, not 2"):
        audio.split(MIX, left, right)


@pytest.mark.parametrize("points", [1, 7, 800, 10**6])
def test_the_picture_shows_the_loudest_moments(points: int) -> None:
    pairs = audio.peaks(MIX, points)
    sound = samples(MIX) / 32768
    assert 0 < len(pairs) <= points
    assert min(low for low, _high in pairs) == pytest.approx(sound.min(), abs=0.001)
    assert max(high for _low, high in pairs) == pytest.approx(sound.max(), abs=0.001)
    assert all(-1 <= low <= high <= 1 for low, high in pairs)


def test_the_picture_of_silence_is_a_line(tmp_path: Path, cache: Cache) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000, np.int16), 8000)
    assert set(audio.peaks(tmp_path / "silence.wav")) == {(0.0, 0.0)}
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0, np.int16), 8000)
    assert audio.peaks(tmp_path / "nothing.wav") == []


def test_a_picture_is_drawn_once(cache: Cache) -> None:
    first = audio.picture(MIX, cache, 100)
    (made,) = cache.folder.glob("*/*.json")
    made.write_text("[[0, 0]]")
    assert audio.picture(MIX, cache, 100) == [[0, 0]]
    assert len(first) <= 100


def test_a_changed_source_is_converted_anew(tmp_path: Path, cache: Cache) -> None:
    source = written(tmp_path, "a.alaw")
    first, _kind = audio.for_browser(source, cache)
    source.write_bytes(source.read_bytes()[:8000])
    second, _kind = audio.for_browser(source, cache)
    assert first != second and audio.measure(second).seconds == 1.0


def test_a_failed_conversion_leaves_nothing_behind(tmp_path: Path, cache: Cache) -> None:
    (tmp_path / "a.wav").write_bytes(b"no sound at all, but long enough to look at" * 10)
    with pytest.raises(Unreadable):
        audio.for_browser(tmp_path / "a.wav", cache)
    assert not [path for path in cache.folder.rglob("*") if path.is_file()]


def test_the_cache_gives_up_what_was_used_longest_ago(cache: Cache) -> None:
    sources = [LEGS[0], LEGS[1], MIX]
    made = [
        cache.make([source], "copy", ".wav", lambda target, s=source: target.write_bytes(s.read_bytes()))
        for source in sources
    ]
    for age, path in enumerate(made):
        os.utime(path, (1000 - age, 1000 - age))
    assert cache.trim(keep_bytes=700_000) == 1
    assert [path.exists() for path in made] == [True, True, False]
