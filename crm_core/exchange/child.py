"""A file read in a process of its own, with bounds: a bomb within it kills that process and nothing else.

In:      the file as it was uploaded or fetched
Out:     beside it, a file of JSON lines: first `Head`, then [place, cells…] for every row
Raises:  `Invalid` with a sentence for whoever sent the file
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from crm_core.bounded import bound, run_bounded
from crm_core.errors import Invalid
from crm_core.exchange.table import Form, Row, Table, read_table

MOST_MEMORY = 3 * 2**29  # of address space, in bytes
LONGEST_S = 180.0


@dataclass(frozen=True)
class Head:
    """What stands above the rows, and how many there are."""

    columns: list[str]
    rows: int
    form: Form


async def read_file(source: Path, target: Path, *, memory: int = MOST_MEMORY) -> Head:
    """Read `source` into `target` with at most so much `memory`. Raises `Invalid`."""
    arguments = (str(source), str(target), str(memory))
    well, said = await run_bounded("crm_core.exchange.child", *arguments, longest_s=LONGEST_S)
    if well:
        return head(target)
    raise Invalid(said or "The file needs more memory or time than a file may; split it.", "file")


def head(target: Path) -> Head:
    """What stands above the rows."""
    with target.open(encoding="utf-8") as lines:
        said = json.loads(next(lines))
    return Head(said["columns"], said["rows"], Form(**said["form"]))


def rows(target: Path, *, after: int = 0) -> Iterator[Row]:
    """The rows from the file of JSON lines, without the first `after` of them."""
    with target.open(encoding="utf-8") as lines:
        columns = json.loads(next(lines))["columns"]
        for number, line in enumerate(lines):
            if number >= after:
                place, *cells = json.loads(line)
                yield Row(place, {name: cell for name, cell in zip(columns, cells, strict=True) if cell})


def write(table: Table, target: Path) -> None:
    """The table as JSON lines; it is there as a whole or not at all."""
    part = target.with_suffix(".part")
    with part.open("w", encoding="utf-8") as out:
        above = Head(table.columns, len(table.rows), table.form)
        out.write(json.dumps(asdict(above), ensure_ascii=False) + "\n")
        for row in table.rows:
            cells = [row.cells.get(name, "") for name in table.columns]
            out.write(json.dumps([row.place, *cells], ensure_ascii=False) + "\n")
    part.replace(target)


def main() -> None:
    """The child: read one file within bounds; what is wrong with it is said on the way out."""
    source, target, memory = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    bound(memory)
    try:
        write(read_table(source.read_bytes()), target)
    except Invalid as refused:
        sys.stdout.write(str(refused))
        sys.exit(1)
    except (MemoryError, RecursionError):
        sys.exit(1)


if __name__ == "__main__":
    main()
