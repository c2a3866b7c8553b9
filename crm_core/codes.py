"""Codes that are made of the names people give."""

import re
from collections.abc import Container
from itertools import count

from crm_core.keys import search_key


def free_code(name: str, taken: Container[str], *, otherwise: str) -> str:
    """A code of the letters of `name` that is not taken; what is not Latin is left out, so it may be `otherwise`
    with a number."""
    plain = re.sub(r"[^a-z0-9]+", "_", search_key(name)).strip("_")[:34].strip("_") or otherwise
    numbered = (plain if n == 1 else f"{plain}_{n}" for n in count(1))
    return next(code for code in numbered if code not in taken)
