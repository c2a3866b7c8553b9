"""Messages of the push as text."""

import json
from collections.abc import Mapping
from typing import Any


def encoded(message: Mapping[str, Any]) -> str:
    """The message as JSON without its number, which is the connection's."""
    plain = {key: value for key, value in message.items() if key != "seq"}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), default=str)
