"""Findings as text in a terminal, part by part, the worst first."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from callcenter.doctor.finding import WORST_FIRST, Finding, Verdict

MARKS = {
    Verdict.GOOD: ("ok     ", "green"),
    Verdict.CARE: ("care   ", "yellow"),
    Verdict.BAD: ("WRONG  ", "bold red"),
    Verdict.UNSEEN: ("unseen ", "cyan"),
}


def tell(findings: Iterable[Finding], *, title: str | None = None, console: Console | None = None) -> None:
    """Print them. What a switchboard or a caller named is printed as it is, never as markup."""
    out = console or Console(soft_wrap=True, highlight=False)
    parts: dict[str, list[Finding]] = {}
    for finding in findings:
        parts.setdefault(title or finding.about, []).append(finding)
    for about, found in parts.items():
        out.print(Text(f"\n{about}", style="bold"))
        for finding in sorted(found, key=lambda it: WORST_FIRST.index(it.verdict)):
            mark, style = MARKS[finding.verdict]
            out.print(Text.assemble((mark, style), finding.says))
            if finding.fix is not None:
                for line in finding.fix.text.splitlines():
                    out.print(Text(f"         {line}"))
