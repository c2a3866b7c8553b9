"""Somebody who keeps what a switchboard says and what we ask of it: the flight recorder, if there is one.

Told after the event has been handed on, so that keeping never delays a pop. Must not raise and must be cheap:
it is called for every message that becomes an event. Pings, logins and lists asked after a login do not pass
here, so no secret does.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from asterisk.protocol import Value


class Witness(Protocol):
    """One per link."""

    def heard(self, message: Mapping[str, str], block: bytes, at: datetime) -> None:
        """A message as it came, and its headers; `at` is when it arrived."""
        ...

    def asked(self, action: str, headers: Mapping[str, Value], sent_at: datetime, answer: str) -> None:
        """An action of ours and what the switchboard said to it, "" when it said nothing."""
        ...
