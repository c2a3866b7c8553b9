"""The stairs go one way: an import that points upward fails here."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "crm_core": set(),
    "asterisk": set(),
    "recordings": {"crm_core"},
    "callcenter": {"asterisk", "recordings", "crm_core"},
    "web": {"callcenter", "recordings", "crm_core"},
}
# The composition root alone sees every room; the front door calls whatever a command needs.
EXCEPTIONS = {
    Path("web/main.py"): {"asterisk"},
    Path("callcenter/cli.py"): {"web"},
    Path("callcenter/commands/ground.py"): {"web"},
    Path("callcenter/commands/switchboard.py"): {"web"},
}


def imported_rooms(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            room = name.split(".")[0]
            if room in MAY_IMPORT:
                yield room


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        relative = file.relative_to(ROOT)
        allowed = {room} | MAY_IMPORT[room] | EXCEPTIONS.get(relative, set())
        assert set(imported_rooms(file)) <= allowed, f"{relative} imports a room above it"
