"""The pieces for a switchboard's files, for rooms that do not know `asterisk`."""

from asterisk.snippets import KINDS as KINDS
from asterisk.snippets import snippets as pieces

__all__ = ["KINDS", "pieces"]
