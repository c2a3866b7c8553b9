"""Which switchboard records into which folder: its own, or the one common to all that have none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from recordings.store import Root


@dataclass(frozen=True)
class Roots:
    """The folders of recordings. A path in the database is relative to the folder of its switchboard."""

    common: Root | None = None
    own: Mapping[str, Root] = field(default_factory=dict)  # by switchboard

    def of(self, pbx: str) -> Root | None:
        """Return the folder of a switchboard; None: nothing it records can be reached."""
        return self.own.get(pbx, self.common)

    def together(self, one: str, other: str) -> bool:
        """True when both record into the same folder, so that a file's place does not tell whose it is."""
        first, second = self.of(one), self.of(other)
        return first is not None and second is not None and first.path.resolve() == second.path.resolve()

    def each(self) -> Iterator[tuple[str | None, Root]]:
        """Yield every folder with the switchboard whose own it is; None: the common one."""
        if self.common is not None:
            yield None, self.common
        yield from self.own.items()

    def __bool__(self) -> bool:
        return self.common is not None or bool(self.own)
