"""What was said in a call, by whom and when.

The two directions of sound are listened to apart: no guessing of speakers. A leg file `-caller` or the left
channel is the customer, `-agent` or the right channel the operator; a single mono file stays without sides.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crm_core.recording import PhraseSide
from recordings import audio
from recordings.engine import Engine, EngineDied, NoModel, VoskEngine
from recordings.phrases import Phrase, phrases
from recordings.store import Group, Root, groups


@dataclass(frozen=True)
class Track:
    """One channel of one file, in which one side speaks."""

    path: Path
    side: PhraseSide
    channel: int = 0
    offset_s: float = 0.0  # of this file's start on the time line of the transcript


def tracks(paths: Iterable[Path]) -> list[Track]:
    """Choose what to listen to among the sound files of one call.

    A call may have several recordings, one after the other (each operator's) or beside each other (the
    queue's and the operator's). Those that lie within a longer one are left out; the others follow each other
    on one time line. Raises `Unreadable`.
    """
    chosen: list[Track] = []
    offset_s = 0.0
    for group in _one_after_the_other(groups(paths)):
        chosen += [replace(track, offset_s=offset_s) for track in _tracks_of(group)]
        offset_s += audio.measure(_any(group)).seconds
    return chosen


def _tracks_of(group: Group) -> list[Track]:
    if group.caller and group.agent:
        return [Track(group.caller, PhraseSide.CUSTOMER), Track(group.agent, PhraseSide.OPERATOR)]
    if group.mix is None:
        return [Track(_any(group), PhraseSide.CUSTOMER if group.caller else PhraseSide.OPERATOR)]
    if audio.measure(group.mix).channels == 2:
        return [Track(group.mix, PhraseSide.CUSTOMER, 0), Track(group.mix, PhraseSide.OPERATOR, 1)]
    return [Track(group.mix, PhraseSide.UNKNOWN)]


def _any(group: Group) -> Path:
    path = group.mix or group.caller or group.agent
    assert path is not None, "a group has at least one file"
    return path


def _one_after_the_other(found: Iterable[Group]) -> list[Group]:
    """Keep the longest recordings that do not run at the same time, in the order of their ends.

    A file is closed when its recording ends: its time of change is the end; that less the length, the start.
    """
    spans = []
    for group in found:
        end = _any(group).stat().st_mtime
        spans.append((end - audio.measure(_any(group)).seconds, end, group))
    kept: list[tuple[float, float, Group]] = []
    for start, end, group in sorted(spans, key=lambda span: span[0] - span[1]):
        if all(min(end, e) - max(start, s) < (end - start) / 2 for s, e, _group in kept):
            kept.append((start, end, group))
    return [group for _start, _end, group in sorted(kept, key=lambda span: span[1])]


async def transcribe_files(engine: Engine, paths: Iterable[Path]) -> list[Phrase]:
    """Return what was said in the sound files of one call, in order of time. Empty for silence.

    Raises `Unreadable` (a file), `NoModel` (the setting), `EngineDied` (worth another try), `OSError`.
    """
    chosen = await asyncio.to_thread(tracks, list(paths))
    try:
        async with asyncio.TaskGroup() as group:
            listening = [group.create_task(_listen(engine, track)) for track in chosen]
    except ExceptionGroup as errors:
        # The tracks share their fate; the caller acts on one reason, not on a group of them.
        raise errors.exceptions[0] from None
    found = [phrase for task in listening for phrase in task.result()]
    return sorted(found, key=lambda phrase: (phrase.start_s, phrase.side))


async def _listen(engine: Engine, track: Track) -> list[Phrase]:
    words = await engine.words(track.path, track.channel)
    return [
        replace(phrase, start_s=phrase.start_s + track.offset_s, end_s=phrase.end_s + track.offset_s)
        for phrase in phrases(words, track.side)
    ]


def run_cli(files: Sequence[Path], model: Path | None) -> int:
    """Print the phrases of each file (with its legs, when they lie beside it) and return the exit code.

    1 when a file could not be read or there is no model, else 0.
    """
    return asyncio.run(_print_all(files, model))


async def _print_all(files: Sequence[Path], model: Path | None) -> int:
    engine = VoskEngine(model, workers=2)
    failed = False
    try:
        for file in files:
            try:
                _print(file, await transcribe_files(engine, _with_legs(file)))
            except (audio.Unreadable, NoModel, EngineDied, OSError) as error:
                failed = True
                print(f"{file}: {error}", file=sys.stderr)
    finally:
        await engine.close()
    return int(failed)


def _with_legs(file: Path) -> list[Path]:
    group = Root(file.parent).siblings(file)
    return [path for path in (group.mix, group.caller, group.agent) if path] or [file]


def _print(file: Path, found: Sequence[Phrase]) -> None:
    print(f"{file}:")
    for phrase in found:
        minutes, seconds = divmod(phrase.start_s, 60)
        print(f"  {minutes:02.0f}:{seconds:04.1f}  {phrase.side:<8}  {phrase.text}")
