"""A foreign package with the name of one of our rooms is noticed before anything runs."""

from pathlib import Path

import pytest

from callcenter.shadow import Shadowed, check_rooms


def test_our_own_rooms_are_recognised() -> None:
    check_rooms()


def test_a_foreign_package_of_the_same_name_is_refused_by_name() -> None:
    with pytest.raises(Shadowed, match=r"'json'.*uninstall"):
        check_rooms(["json"])


def test_a_room_that_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Shadowed, match="asterisk"):
        check_rooms(["asterisk"], home=tmp_path)
