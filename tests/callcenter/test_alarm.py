"""When the floor is warned, and that it is warned once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from callcenter.overview.alarm import Fact, Now, Person, Queue, facts, step
from crm_core.alert import About

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Rule:
    """A rule of the house."""

    id: int
    kind: str
    bound: int
    queue: str | None = None
    reason: str | None = None
    minutes: int | None = None


RULES = [
    Rule(1, "waiting", 60, queue="sales"),
    Rule(2, "service_level", 80, minutes=30),
    Rule(3, "pause", 20, reason="lunch"),
    Rule(4, "wrap_up", 120),
    Rule(5, "held", 90),
    Rule(6, "no_operator", 30),
    Rule(7, "switchboard", 15),
    Rule(8, "recording", 2, minutes=60),
]


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


class Floor:
    """A floor that is looked at second by second."""

    def __init__(self) -> None:
        self.known: dict = {}
        self.now = NOON
        self.said: list[str] = []
        self.level, self.missing, self.link = (9, 10), 0, None
        self.people: list[Person] = []
        self.queues = [Queue(name="sales", waits_since=None, members={"available": 1})]

    def look(self, seconds: int = 1, *, whole: bool = True) -> list[str]:
        """What was said in these seconds: "+" raised, "-" over."""
        said = []
        for _ in range(seconds):
            seen = Now(
                at=self.now, people=self.people, queues=self.queues, links={"main": self.link},
                level=lambda queue, minutes: self.level, missing=lambda minutes: self.missing, open_=True,
            )  # fmt: skip
            found = facts(seen, RULES, self.known)
            self.known, raised, cleared = step(self.known, found, self.now, whole=whole)
            said += [f"+ {it.text}" for it in raised] + [f"- {key}" for key in cleared]
            self.now += timedelta(seconds=1)
        return said


def test_every_rule_is_raised_once_and_is_over_when_it_was_calm() -> None:
    floor = Floor()
    assert floor.look(3) == []
    floor.queues = [Queue(name="sales", waits_since=floor.now, members={"talking": 1})]
    assert floor.look(61) == []
    assert floor.look(200) == ["+ sales: somebody waits longer than 1:00"]
    floor.queues = [Queue(name="sales", waits_since=None, members={"talking": 1})]
    assert floor.look(10) == []
    floor.queues = [Queue(name="sales", waits_since=floor.now - timedelta(minutes=2), members={"talking": 1})]
    assert floor.look(5) == []  # the next one waited as long: the same alert goes on
    floor.queues = [Queue(name="sales", waits_since=None, members={"talking": 1})]
    assert floor.look(16) == ["- 1:queue:sales"]

    floor.level = (7, 10)
    assert floor.look(1) == ["+ sales: 70 % answered in time in the last 30 minutes, less than 80 %"]
    floor.level = (81, 100)
    assert floor.look(120) == []  # above the bound, not above it by enough
    floor.level = (83, 100)
    assert floor.look(61) == ["- 2:queue:sales"]
    floor.level = (0, 4)
    assert floor.look(5) == []  # four callers are no share

    lunch = Person(id=5, name="Oleg", state="paused", since=floor.now, reason="lunch", says="Lunch")
    floor.people = [lunch, Person(id=6, name="Emma", state="paused", since=at(-90), reason="study")]
    assert floor.look(1201) == []
    assert floor.look(60) == ["+ Oleg: paused (Lunch) for more than 20:00"]
    floor.people = [Person(id=5, name="Oleg", state="wrap_up", since=floor.now)]
    assert floor.look(1) == ["- 3:operator:5"]
    assert floor.look(130) == ["+ Oleg: in wrap-up for more than 2:00"]
    floor.people = [Person(id=5, name="Oleg", state="held", since=at(-90), held_at=floor.now)]
    assert floor.look(100) == ["- 4:operator:5", "+ Oleg: has a customer on hold for more than 1:30"]
    floor.people = []
    assert floor.look(1) == ["- 5:operator:5"]  # his telephone was taken away

    floor.queues = [Queue(name="sales", waits_since=None, members={"offline": 2, "paused": 1})]
    assert floor.look(30) == []
    assert floor.look(1) == ["+ sales: nobody is there to take calls"]
    floor.link = floor.now
    floor.queues = [Queue(name="sales", waits_since=at(-90), members={}, seen=False)]
    assert floor.look(30, whole=False) == [
        "+ No connection to the switchboard main"
    ]  # and nothing of what it hides
    floor.link, floor.queues = None, [Queue(name="sales", waits_since=None, members={"available": 1})]
    assert floor.look(20) == ["- 7:switchboard:main", "- 6:queue:sales"]
    floor.missing = 2
    assert floor.look(3) == ["+ 2 of the recordings of the last 60 minutes were not found"]


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 40)), max_size=60), st.floats(0, 20))
def test_nothing_flaps(happened: list[tuple[bool, bool, int]], quiet: float) -> None:
    """Raised and over take turns; over comes only after that long without being over the bound."""
    known, now, up = {}, NOON, False
    last_over = NOON
    for over, there, passed in happened:
        now += timedelta(seconds=passed)
        fact = Fact(
            key="k", rule_id=1, about=About.HOUSE, of="", text="x",
            over=over, calm=not over, for_s=3.0, quiet_s=quiet,
        )  # fmt: skip
        known, raised, cleared = step(known, [fact] if there else [], now, whole=False)
        assert len(raised) + len(cleared) <= 1
        if raised:
            assert not up and over
        if cleared:
            assert up and not over and now - last_over >= timedelta(seconds=quiet)
        up = bool(raised) or (up and not cleared)
        last_over = now if over and there else last_over
