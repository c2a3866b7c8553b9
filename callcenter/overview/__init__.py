"""What happens on the floor now, for whoever watches it.

rows      operators, callers who wait, queues, lines as rows of a board; pure
day       the figures of this day, counted as calls come; pure
overview  gathers what changed and tells it at most twice a second
"""

from callcenter.overview.overview import Changes, Overview, Parts

__all__ = ["Changes", "Overview", "Parts"]
