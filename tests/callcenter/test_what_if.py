"""What-if against the formulas of Erlang: the played floor is the one of the books."""

from math import exp, factorial
from random import Random

import pytest

from callcenter.what_if import Floor, Question, Queue, Server, Tally, answer, play

HOURS = 3600.0


def floor(servers: int, queue: Queue) -> Floor:
    return Floor(queues=[queue], servers=[Server(id=n, queues=["q"]) for n in range(servers)])


def erlang_c(servers: int, load: float) -> float:
    """The share of callers who have to wait."""
    last = load**servers / factorial(servers) * servers / (servers - load)
    return last / (sum(load**n / factorial(n) for n in range(servers)) + last)


def erlang_a(servers: int, rate: float, handle_s: float, patience_s: float) -> float:
    """The share of callers who give up, from the balance of births and deaths."""
    weights, n = [1.0], 0
    while n < 400:
        n += 1
        leaves = min(n, servers) / handle_s + max(0, n - servers) / patience_s
        weights.append(weights[-1] * rate / leaves)
    whole = sum(weights)
    return sum(max(0, n - servers) * it for n, it in enumerate(weights)) / whole / patience_s / rate


def played(it: Floor, hours: float) -> Tally:
    tally = Tally()
    play(it, 0.0, hours * HOURS, Random(7), tally)
    return tally


@pytest.mark.parametrize(("servers", "rate"), [(5, 1 / 45), (10, 1 / 20), (40, 34 / 180)])
def test_without_impatience_it_is_erlang_c(servers: int, rate: float) -> None:
    handle_s, target_s = 180.0, 20.0
    known = 1 - erlang_c(servers, rate * handle_s) * exp(-(servers / handle_s - rate) * target_s)
    queue = Queue(name="q", rate=rate, handle_s=handle_s, target_s=target_s, short_s=0.0)
    assert played(floor(servers, queue), 30_000 / rate / HOURS).level == pytest.approx(known, abs=0.025)


def test_with_impatience_as_many_give_up_as_erlang_a_says() -> None:
    queue = Queue(name="q", rate=1 / 16, handle_s=180.0, patience_s=120.0, target_s=900.0, short_s=0.0)
    known = erlang_a(10, 1 / 16, 180.0, 120.0)
    assert 0.1 < known < 0.3
    assert 1 - played(floor(10, queue), 200).level == pytest.approx(known, abs=0.015)


def test_who_leaves_is_missed_where_he_was_needed_and_a_quiet_hour_is_found() -> None:
    sales = Queue(
        name="q", rate=1 / 30, handle_s=120.0, patience_s=180.0, profile=[1, 1, 1, 0.2, 0.2, 0.2, 1, 1, 1]
    )
    people = floor(5, sales)
    lunch = Question(floor=people, operator=0, look_s=4800.0, most=20_000)
    found = answer(lunch)
    assert found == answer(lunch)  # the same dice
    assert found.whole - found.without > 0.1
    best = max(found.slots, key=lambda slot: slot[1])
    assert best[0] == 1800.0 and best[1] > found.without + 0.1
    other = Floor(queues=people.queues, servers=[*people.servers, Server(id=9, queues=["elsewhere"])])
    idle = answer(Question(floor=other, operator=9, most=5_000))
    assert idle.whole == idle.without  # he serves another queue
    late = Queue(name="q", rate=1e-9, handle_s=60.0, waiting=[30.0])
    busy = Floor(queues=[late], servers=[Server(id=1, queues=["q"])])
    assert answer(Question(floor=busy, operator=1, most=100)).whole == 0.0  # he waits for too long already
