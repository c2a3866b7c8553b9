"""Hooks of the machine that tries everything: a pattern is made into a generator of strings once.

The API's names share one pattern of 49,000 admitted characters. Built anew for every field of every
operation, and again for whatever filters it, it took half of the machine's time.
"""

import re
from typing import Any

from hypothesis import strategies
from hypothesis.errors import InvalidArgument

_build = strategies.from_regex
_built: dict[object, Any] = {}


def _once(regex: str | re.Pattern[str], *, fullmatch: bool = False, alphabet: Any = None) -> Any:
    wanted = (re.compile(regex), fullmatch, repr(alphabet))
    if wanted not in _built:
        lazy: Any = _build(regex, fullmatch=fullmatch, alphabet=alphabet)
        try:
            _built[wanted] = lazy.wrapped_strategy
        except InvalidArgument:  # for whoever asks to find out, as without us
            return lazy
    return _built[wanted]


strategies.from_regex = _once  # type: ignore[assignment]
