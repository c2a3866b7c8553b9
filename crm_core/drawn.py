"""How pictures of goods are drawn: what is known of one, and in which sizes."""

from dataclasses import dataclass

BOXES = (96, 480, 1280)
"""No side of a picture is longer than its box, in points: in a list, on a page, looked at."""
LARGEST = 15 * 2**20
"""So many bytes a file may have that becomes a picture."""


@dataclass(frozen=True)
class Drawn:
    """A picture that came: SHA-256 of the file, width and height of the largest that was drawn, bytes of all."""

    digest: str
    width: int
    height: int
    size: int
