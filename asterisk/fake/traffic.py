"""A day at the simulated shop: people call by themselves, bots answer, one phone is left to a person."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from asterisk.fake.people import (
    Answer,
    Behaviour,
    Caller,
    Customer,
    Decline,
    Manual,
    RingOut,
    busy,
    no_answer,
    no_such_number,
)
from asterisk.fake.switchboard import Switchboard


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who may call. Without `did` the first line is called."""

    number: str
    name: str = ""
    did: str | None = None


class Dice:
    """Draws how people behave; the same seed draws the same day."""

    def __init__(self, seed: int | None) -> None:
        self.random = random.Random(seed)

    def one_in(self, n: float) -> bool:
        """Return True once in `n` draws."""
        return self.random.random() * n < 1

    def caller(self) -> Caller:
        """Most wait long enough; one in six is impatient."""
        patience = self.random.uniform(6, 12) if self.one_in(6) else self.random.uniform(40, 90)
        return Caller(patience_s=patience, hangs_up=not self.one_in(3))

    def bot(self) -> Behaviour:
        """Most calls are answered; some ring out, few are declined."""
        if self.one_in(10):
            return RingOut()
        return Decline() if self.one_in(12) else Answer(after_s=self.random.uniform(2, 6))

    def customer(self) -> Customer:
        """Seven of ten answer when we call them."""
        if not self.one_in(10 / 3):
            return Customer(answer_s=self.random.uniform(3, 7))
        return self.random.choice((busy(), no_answer(), no_such_number()))


async def run_traffic(
    board: Switchboard,
    people: Sequence[Person],
    *,
    manual: Collection[str] = (),
    every_s: tuple[float, float] = (20, 60),
    most: int = 3,
    outbound_share: float = 0.2,
    seed: int | None = None,
) -> None:
    """Place calls until cancelled, one every so many simulated seconds, at most `most` at a time.

    manual: extensions whose buttons a person presses; all other phones are bots. `outbound_share` of calls
    are dialled by bots. Raises `ValueError` without people or for a nonsensical pause.
    """
    if not people or not 0 < every_s[0] <= every_s[1]:
        raise ValueError("traffic needs people and a pause between calls above zero")
    dice = Dice(seed)
    prepare(board, manual, dice)
    while True:
        await board.clock.sleep(dice.random.uniform(*every_s))
        if len({channel.linkedid for channel in board.pbx.channels.values()}) < most:
            one_call(board, dice, dice.random.choice(people), manual, outbound_share)


def prepare(board: Switchboard, manual: Collection[str], dice: Dice) -> None:
    """Seat people and bots at the phones."""
    for extension in board.pbx.phones:
        board.phone(extension).behave(Manual() if extension in manual else dice.bot())
    board.customer_of = lambda number: dice.customer()


def one_call(
    board: Switchboard, dice: Dice, person: Person, manual: Collection[str], outbound: float
) -> None:
    """Let one person call us, or one bot call that person."""
    bots = [each for each in board.pbx.phones if each not in manual and board.phone(each).registered]
    for extension in bots:
        board.phone(extension).behave(dice.bot())
    idle = [each for each in bots if not board.pbx.by_device.get(f"PJSIP/{each}")]
    if idle and person.number.removeprefix("+").isdecimal() and dice.random.random() < outbound:
        board.dial(dice.random.choice(idle), person.number)
    else:
        board.place_call(person.number, person.name, person.did, caller=dice.caller())
