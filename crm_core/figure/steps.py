"""What is told of the time that orders spend in each of their steps. Pure.

An order counts whole on the day it was placed. A stay is from when it came into a status until it left it, or until
now; told by operator it also ends when somebody else is put in charge, so that each has the time for which it was his.
Only the steps of open orders are told: closed orders stay where they are.
"""

from crm_core.figure.counted import late, middle, number, share
from crm_core.figure.figure import Figure, Side, Unit

STEP_FIGURES: tuple[Figure, ...] = (
    number("came", "Orders", "Orders placed in this time that were in this step, each once."),
    number("left", "Left it", "Of these: went on to another step."),
    number("there", "Still there", "Of these: stand there now."),
    middle("stay", "In the step, half", "From coming into the step to leaving it: half of the stays that are over"
           " took no longer.", "left"),
    late("stay", "In the step, 9 of 10", "From coming into the step to leaving it: nine of ten of the stays that are"
         " over took no longer.", "left"),
    middle("wait", "There since, half", "How long the orders that stand there have stood there by now: half of them no"
           " longer.", "there"),
    share("part", "Of all time", "All time that orders spent in this step, also of those still there / all time in all"
          " steps that are told.",
          Side("time in the step", lambda it: it.spread("time").whole_us, ("came",), Unit.SECONDS),
          Side("time in all steps", lambda it: it.of("all_us"), (), Unit.SECONDS)),
)  # fmt: skip
