"""What is told of deals by the stages they were in, and by when they were opened. Pure.

A deal counts whole on the day it was opened, with all that became of it by now. In each stage that it was in, what
counts is how it left it the last time: *went on* to a later stage or was won, was *lost* there, went *back* (to an
earlier stage, to another funnel), or is *there* still. A stage that it passed over it was not in.
"""

from crm_core.figure.counted import cash, late, middle, number, share, side
from crm_core.figure.figure import Figure

STAGE_FIGURES: tuple[Figure, ...] = (
    number("entered", "Came in", "Deals opened in this time that were in this stage, each once."),
    number("on", "Went on", "Of these: went on to a later stage, or were won."),
    number("gone", "Lost", "Of these: were lost when they stood here."),
    number("back", "Went back", "Of these: went back to an earlier stage, or to another funnel."),
    number("there", "Still there", "Of these: stand here now."),
    share("onward", "Conversion", "Went on / those that left the stage (went on, lost, went back). Those still there"
          " are in neither.", side("went on", "on"), side("left the stage", "decided")),
    middle("stay", "In the stage, half", "All the time that a deal was in this stage: half of those that left it took"
           " no longer.", "decided"),
    late("stay", "In the stage, 9 of 10", "All the time that a deal was in this stage: nine of ten of those that left"
         " it took no longer.", "decided"),
)  # fmt: skip
DEAL_FIGURES: tuple[Figure, ...] = (
    number("opened", "Opened", "Deals opened in this time."),
    number("won", "Won", "Of these: won by now."),
    number("off", "Lost", "Of these: lost by now."),
    number("standing", "Unfinished", "Of these: neither won nor lost by now."),
    share("conversion", "Won of opened", "Won / opened.", side("won", "won"), side("opened", "opened")),
    share("decided", "Won of decided", "Won / (won + lost). Unfinished ones are in neither.", side("won", "won"),
          side("won + lost", "closed")),
    share("unfinished", "Unfinished share", "Unfinished / opened.", side("unfinished", "standing"),
          side("opened", "opened")),
    middle("win", "Until won, half", "From the opening to the sale: half of those that were won took no longer.",
           "won"),
    late("win", "Until won, 9 of 10", "From the opening to the sale: nine of ten took no longer.", "won"),
    cash("won_sum", "Won, sum", "The sums of the deals that were won.", "won"),
    cash("lost_sum", "Lost, sum", "The sums of the deals that were lost.", "off"),
)  # fmt: skip
