"""Hands on live calls: hold, transfer, park, keys, silence in the recording."""

from callcenter.control.control import Control
from callcenter.control.hands import Act

__all__ = ["Act", "Control"]
