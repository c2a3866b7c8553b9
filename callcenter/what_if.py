"""What becomes of the service level when somebody leaves: the floor of the next minutes, played many times. Pure.

In:      `Floor`: queues with their arrivals, times and patience, who serves which of them and is free when
Out:     shares answered in time, with everybody and without one; the same dice are thrown for both
Units:   seconds from now
Source:  arrivals by Poisson, handling and patience exponential (Erlang A); who is free longest gets the next call,
         and takes whoever waits longest in his queues. Tests hold it against the formulas of Erlang.

Run as a program it reads a `Question` as JSON and writes the `Answer`, so that a service that asks goes on meanwhile.
"""

import heapq
import json
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

SEED = 20261120
WARM_S = 900.0  # a time to come begins so much earlier, so that it does not begin empty
NEVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class Queue:
    """`rate`: callers a second; `profile`: by how much it differs in each `Floor.step_s` from now on; `waiting`: how
    long those who wait have waited."""

    name: str
    rate: float
    handle_s: float
    patience_s: float = NEVER
    target_s: float = 20.0
    short_s: float = 5.0
    waiting: Sequence[float] = ()
    profile: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Server:
    """An operator: the queues he serves, and in how many seconds he is free (0: he is; None: with a call)."""

    id: int
    queues: Sequence[str]
    free_in: float | None = 0.0


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The floor as it is now."""

    queues: Sequence[Queue]
    servers: Sequence[Server]
    step_s: float = 600.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """Without whom, for how long, and until when a better time is looked for (0: none is)."""

    floor: Floor
    operator: int
    lasts_s: float = 1800.0
    look_s: float = 0.0
    most: int = 120_000  # callers played


@dataclass
class Tally:
    """Callers in time, of how many."""

    in_time: int = 0
    of: int = 0

    @property
    def level(self) -> float:
        return self.in_time / self.of if self.of else 1.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Shares in time with everybody and without him from now on; `slots`: without him, from so many seconds on."""

    whole: float
    without: float
    played: int
    slots: Sequence[tuple[float, float]] = field(default_factory=tuple)


def answer(question: Question) -> Answer:
    """Play it: the next minutes with and without, then each time to come without."""
    floor, lasts = question.floor, question.lasts_s
    fewer = Floor(
        queues=floor.queues,
        servers=[it for it in floor.servers if it.id != question.operator],
        step_s=floor.step_s,
    )
    a_second = sum(it.rate for it in floor.queues)
    starts = [floor.step_s * n for n in range(1, int(question.look_s // floor.step_s) + 1)]
    costs = 2 * lasts * a_second + 1 + len(starts) * (lasts + WARM_S) * a_second
    times = max(3, min(300, int(question.most / costs)))
    whole, without = Tally(), Tally()
    for n in range(times):
        play(floor, 0.0, lasts, Random(SEED + n), whole)
        play(fewer, 0.0, lasts, Random(SEED + n), without)
    slots = []
    for start in starts:
        there = Tally()
        for n in range(times):
            play(floor, start, lasts, Random(SEED + n), there, leaves=question.operator)
        slots.append((start, there.level))
    return Answer(whole=whole.level, without=without.level, played=whole.of, slots=slots)


def play(
    floor: Floor, start: float, lasts: float, dice: Random, tally: Tally, *, leaves: int | None = None
) -> None:
    """One course of things; callers who come within `lasts` of `start` are counted. `leaves`: goes at `start`.

    A time to come is begun with nobody waiting and everybody free, a quarter of an hour earlier.
    """
    begin = max(0.0, start - WARM_S)
    _Course(floor, begin, start, start + lasts, dice, leaves).run(tally, now=begin == 0.0)


@dataclass(slots=True)
class _Caller:
    queue: Queue
    came: float
    patience: float
    talk: float
    counted: bool
    gone: bool = False


class _Course:
    """Events in their order: a caller comes, somebody is free again; patience is looked at when it matters."""

    def __init__(
        self, floor: Floor, begin: float, start: float, end: float, dice: Random, leaves: int | None
    ) -> None:
        self._floor, self._begin, self._start, self._end, self._dice = floor, begin, start, end, dice
        self._leaves = leaves
        self._waiting: dict[str, deque[_Caller]] = {it.name: deque() for it in floor.queues}
        self._idle: dict[str, deque[Server]] = {it.name: deque() for it in floor.queues}
        self._free: set[int] = set()
        self._events: list[tuple[float, int, Any]] = []
        self._number = 0

    def run(self, tally: Tally, *, now: bool) -> None:
        """Play until everybody who counts was answered, gave up, or waited too long."""
        self._tally = tally
        arrivals = self._arrivals(now=now)  # first, so that the dice fall alike whoever is there
        for caller in arrivals:
            self._at(caller.came, caller)
        for server in self._floor.servers:
            self._at(self._begin + self._free_in(server, now=now), server)
        while self._events:
            at, _, it = heapq.heappop(self._events)
            if isinstance(it, _Caller):
                self._comes(it, at)
            else:
                self._is_free(it, at)
        for queue in self._waiting.values():
            for caller in queue:
                self._done(caller, caller.patience)

    def _at(self, at: float, it: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, it))

    def _free_in(self, server: Server, *, now: bool) -> float:
        if not now:
            return 0.0
        if server.free_in is not None:
            return server.free_in
        known = [it.handle_s for it in self._floor.queues if it.name in server.queues]
        mean = sum(known) / len(known) if known else 0.0
        return Random(SEED ^ server.id ^ self._dice.getrandbits(20)).expovariate(1 / mean) if mean else 0.0

    def _arrivals(self, *, now: bool) -> list[_Caller]:
        found = []
        for queue in self._floor.queues:
            # Who came just before `end` shows within his target; after that nothing that comes matters.
            until, at = self._end + queue.target_s, self._begin
            for waited in queue.waiting if now else ():
                found.append(self._caller(queue, at - waited, more=waited))
            highest = queue.rate * max((1.0, *queue.profile))
            while highest > 0:
                at += self._dice.expovariate(highest)
                if at >= until:
                    break
                kept, caller = self._dice.random() * highest < self._rate(queue, at), self._caller(queue, at)
                if kept:
                    found.append(caller)
        return found

    def _rate(self, queue: Queue, at: float) -> float:
        step = int(at // self._floor.step_s)
        return queue.rate * (queue.profile[min(step, len(queue.profile) - 1)] if queue.profile else 1.0)

    def _caller(self, queue: Queue, came: float, *, more: float = 0.0) -> _Caller:
        patience = self._dice.expovariate(1 / queue.patience_s) if queue.patience_s < NEVER else NEVER
        talk = self._dice.expovariate(1 / queue.handle_s)
        counted = (self._start <= came or more > 0) and came < self._end
        return _Caller(queue, came, more + patience, talk, counted)

    def _comes(self, caller: _Caller, at: float) -> None:
        server = self._longest_free(caller.queue.name)
        if server is None:
            self._waiting[caller.queue.name].append(caller)
        else:
            self._serve(server, caller, max(at, self._begin))

    def _longest_free(self, queue: str) -> Server | None:
        idle = self._idle[queue]
        while idle:
            server = idle.popleft()
            if server.id in self._free:
                self._free.discard(server.id)
                return server
        return None

    def _is_free(self, server: Server, at: float) -> None:
        if server.id == self._leaves and at >= self._start:
            return
        best: _Caller | None = None
        for name in server.queues:
            queue = self._waiting.get(name)
            while queue and queue[0].came + queue[0].patience <= at:
                gone = queue.popleft()
                self._done(gone, gone.patience)
            if queue and (best is None or queue[0].came < best.came):
                best = queue[0]
        if best is not None:
            self._waiting[best.queue.name].popleft()
            self._serve(server, best, at)
            return
        self._free.add(server.id)
        for name in server.queues:
            if name in self._idle:
                self._idle[name].append(server)

    def _serve(self, server: Server, caller: _Caller, at: float) -> None:
        if server.id == self._leaves and at >= self._start:
            self._comes(caller, at)  # he was free and left: the next one takes it
            return
        self._done(caller, at - caller.came, answered=True)
        self._at(at + caller.talk, server)

    def _done(self, caller: _Caller, waited: float, *, answered: bool = False) -> None:
        if not caller.counted or (not answered and waited <= caller.queue.short_s):
            return
        self._tally.of += 1
        self._tally.in_time += answered and waited <= caller.queue.target_s


def question_of(given: dict[str, Any]) -> Question:
    """A question as it came as JSON."""
    floor = given["floor"]
    queues = [Queue(**it) for it in floor["queues"]]
    servers = [Server(**it) for it in floor["servers"]]
    return Question(**{**given, "floor": Floor(queues=queues, servers=servers, step_s=floor["step_s"])})


def main() -> None:
    """Answer what stands on the standard input."""
    print(json.dumps(asdict(answer(question_of(json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
