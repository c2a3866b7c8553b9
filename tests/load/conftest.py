"""The load needs a real Asterisk and SIPp; it is skipped where one is missing, and fails under CI."""

import os
from pathlib import Path

import pytest

from tests.load.floor import missing
from tests.pbx import tree

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here, and skip it with the one line that says what is missing."""
    reason = missing() or tree.missing()
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.pbx)
        if reason is not None and os.environ.get("CI") != "true":
            item.add_marker(pytest.mark.skip(reason=reason))
