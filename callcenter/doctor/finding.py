"""What the doctor says: one line that is right or wrong, and exactly what to write where."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it is; only `BAD` makes the command fail."""

    GOOD = "good"
    CARE = "care"  # works, but something is lost or will be
    BAD = "bad"
    UNSEEN = "unseen"  # can not be seen with the rights we have


@dataclass(frozen=True, kw_only=True)
class Fix:
    """What to do: a sentence, and where a file is concerned its path, the lines and the command that loads them."""

    do: str
    file: str = ""
    lines: tuple[str, ...] = ()
    then: str = ""

    @property
    def text(self) -> str:
        """The whole as plain text."""
        parts = [self.do]
        if self.file:
            parts.append(f"File {self.file}:")
        parts.extend(f"    {line}" for line in self.lines)
        if self.then:
            parts.append(f"Then: {self.then}")
        return "\n".join(parts)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of one check. `about`: the part it concerns, "switchboard warsaw" or "recordings"."""

    about: str
    check: str
    verdict: Verdict
    says: str
    fix: Fix | None = None


def failed(findings: list[Finding]) -> bool:
    """Whether anything is wrong enough to say no."""
    return any(finding.verdict is Verdict.BAD for finding in findings)


WORST_FIRST = (Verdict.BAD, Verdict.CARE, Verdict.UNSEEN, Verdict.GOOD)
