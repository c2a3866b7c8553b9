"""Who hears whom, measured: each person says a tone of his own, and what a telephone receives is taken apart."""

import numpy as np

from tests.pbx.middle import until
from tests.pbx.phone import Call
from tests.pbx.sound import alaw

CUSTOMER, OPERATOR, LISTENER = 440, 700, 1000  # Hz
WINDOW = 4000  # samples that are looked at: half a second, whole turns of every tone
LOUD, SILENT = 2000, 200  # amplitude of a tone that is there, and that is not; tones are spoken with 8000
LINEAR = np.zeros(256)
for sample in range(-32768, 32768, 8):
    LINEAR[alaw(sample)] = sample


def amplitudes(phone: Call) -> dict[int, float]:
    """How loud each tone is in the last half second that this telephone received (Goertzel, by its definition)."""
    samples = LINEAR[np.frombuffer(phone.heard[-WINDOW:], np.uint8)]
    turns = np.arange(len(samples)) / 8000
    return {
        hertz: round(2 * abs(np.sum(samples * np.exp(-2j * np.pi * hertz * turns))) / max(1, len(samples)))
        for hertz in (CUSTOMER, OPERATOR, LISTENER)
    }


async def hears_only(phone: Call, *tones: int) -> None:
    """Wait until half a second of what it receives from now on holds these tones, and the others not at all."""
    from_now = len(phone.heard) + WINDOW

    def exactly() -> bool:
        loud = amplitudes(phone)
        return len(phone.heard) >= from_now and all(
            loud[each] > LOUD if each in tones else loud[each] < SILENT for each in loud
        )

    await until(exactly, lambda: f"hears {amplitudes(phone)}, not {tones}")
