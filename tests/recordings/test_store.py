"""A name from the PBX leads to a file below the recordings folder, or nowhere."""

import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.store import Group, OutsideRoot, Root, base_of, check, groups, matching, side_of

DAY = date(2026, 11, 21)
NAME = "in-74951230001-+79161234567-20261121-183428-1795286068.0.wav"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "monitor/2026/11/21").mkdir(parents=True)
    (tmp_path / "secret.wav").write_bytes(b"secret")
    return Root(tmp_path / "monitor")


def place(root: Root, name: str, content: bytes = b"sound") -> Path:
    path = root.path / "2026/11/21" / name
    path.write_bytes(content)
    return path


def test_the_path_the_pbx_says_is_found_below_our_own_mount(root: Root) -> None:
    path = place(root, NAME)
    assert root.locate(f"/var/spool/asterisk/monitor/2026/11/21/{NAME}") == path
    assert root.locate(f"2026/11/21/{NAME}") == path
    assert root.locate(str(path)) == path
    assert root.relative(path) == f"2026/11/21/{NAME}"


def test_a_base_name_is_found_in_the_folder_of_its_day(root: Root) -> None:
    path = place(root, NAME)
    assert root.locate(NAME, [DAY]) == path
    assert root.locate(NAME, [date(2026, 11, 23)]) is None


def test_a_file_converted_after_the_call_is_found_under_its_new_suffix(root: Root) -> None:
    mp3 = place(root, "a-1795286068.0.mp3")
    assert root.locate("2026/11/21/a-1795286068.0.wav") == mp3
    wav49 = place(root, "b-1795286068.0.WAV")
    assert root.locate("2026/11/21/b-1795286068.0.wav49") == wav49
    assert root.locate("2026/11/21/b-1795286068.0") == wav49


@pytest.mark.parametrize(
    "name",
    [
        "../secret.wav",
        "2026/../../secret.wav",
        "/etc/passwd",
        "/var/spool/asterisk/monitor/../../etc/passwd",
        "/monitor",
        "",
        " ",
        ".",
        "a\0.wav",
        "..\\secret.wav",
        "x" * 300,
        "\udcff.wav",
    ],
)
def test_a_name_that_leads_out_is_refused(root: Root, name: str) -> None:
    with pytest.raises(OutsideRoot):
        root.locate(name, [DAY])


def test_a_link_that_leads_out_is_refused_and_not_listed(root: Root) -> None:
    link = root.path / "2026/11/21" / NAME
    link.symlink_to(root.path.parent / "secret.wav")
    with pytest.raises(OutsideRoot):
        root.locate(f"2026/11/21/{NAME}")
    assert root.find(["1795286068.0"], [DAY]) == []


def test_a_link_within_the_folder_is_followed(root: Root) -> None:
    path = place(root, NAME)
    (root.path / "last-1795286068.0.wav").symlink_to(path)
    assert root.find(["1795286068.0"], [DAY]) == [path]


def test_a_pipe_or_a_folder_with_the_name_of_a_recording_is_not_one(root: Root) -> None:
    os.mkfifo(root.path / "2026/11/21" / NAME)
    (root.path / "2026/11/21/1795286068.0.mp3").mkdir()
    assert root.find(["1795286068.0"], [DAY]) == []
    assert root.locate(f"2026/11/21/{NAME}") is None


parts = st.lists(st.sampled_from(["..", ".", "a", "monitor", "", "/", "~", "%2e%2e", "\0", "é", "+7", "*"]))


@given(st.one_of(st.text(), parts.map("/".join), parts.map(lambda names: "/" + "/".join(names))))
def test_whatever_the_name_nothing_outside_the_root_is_resolved(name: str) -> None:
    root = Root(Path("/srv/sound/monitor"))
    try:
        path = root.resolve(name)
    except OutsideRoot:
        return
    assert path.is_relative_to("/srv/sound/monitor") and path != root.path
    assert ".." not in PurePosixPath(root.relative(path)).parts


def test_files_are_found_by_the_uniqueid_in_their_names(root: Root) -> None:
    mix = place(root, NAME)
    caller = place(root, NAME.replace(".wav", "-caller.wav"))
    place(root, "in-1-1795286068.01.wav")
    place(root, "in-1-1795286068.0.txt")
    assert root.find(["1795286068.0", "1795286099.4"], [DAY]) == [caller, mix]


@pytest.mark.parametrize(
    ("uniqueid", "name"),
    [
        ("1795286622.1", "in-+79161234567-1795286622.12.wav"),
        ("1795286622.1", "in-11795286622.1.wav"),
        ("1795286622.1", "in-1795286622.1.5.wav"),
        ("1795286622.1", "in-7.1795286622.1.wav"),
        ("crm-call-1", "out-crm-call-12.wav"),
        ("crm-call-1", "out-crm-call-1-2.wav"),
        ("crm-call-1", "out-crm-call-1;2.wav"),
        ("crm-call-1", "xcrm-call-1.wav"),
        ("*", "in-1795286622.1.wav"),
        (".*.*.*", "in-1795286622.1.wav"),
        ("", "in-1795286622.1.wav"),
        ("1", "in-1795286622.1.wav"),
        ("[0-9]+.1", "in-1795286622.1.wav"),
    ],
)
def test_a_uniqueid_is_a_plain_token_and_matches_only_whole(uniqueid: str, name: str) -> None:
    assert matching([Path(name)], [uniqueid]) == []


@pytest.mark.parametrize(
    ("uniqueid", "name"),
    [
        ("1795286622.1", "1795286622.1.wav"),
        ("1795286622.1", "in-+79161234567-20261121-1795286622.1-caller.wav"),
        ("1795286622.1", "1795286622.1-20261121.mp3"),
        ("1795286622.1", "20261121_1795286622.1-all.mp3"),
        ("mikopbx-1366720340.303267", "mikopbx-1366720340.303267_x.wav"),
        ("crm-call-0003", "out-1001-crm-call-0003-agent.wav"),
    ],
)
def test_the_names_sites_give_are_recognised(uniqueid: str, name: str) -> None:
    assert matching([Path(name)], [uniqueid]) == [Path(name)]


epochs = st.integers(10**9, 2 * 10**9)
counters = st.integers(0, 10_000)


@given(epochs, counters, epochs, counters, st.sampled_from(["", "-caller", "-agent", "_x"]))
def test_a_file_belongs_to_exactly_the_uniqueid_in_its_name(
    epoch: int, counter: int, other_epoch: int, other_counter: int, tail: str
) -> None:
    mine, other = f"{epoch}.{counter}", f"{other_epoch}.{other_counter}"
    path = Path(f"q-+79161234567-20261121-{mine}{tail}.wav")
    assert matching([path], [mine]) == [path]
    assert matching([path], [other]) == ([path] if mine == other else [])


def test_the_files_of_one_mixmonitor_belong_together(root: Root) -> None:
    mix, agent = place(root, "a-1795286068.0.wav"), place(root, "a-1795286068.0-agent.wav")
    caller, other = place(root, "a-1795286068.0-caller.wav"), place(root, "b-1795286068.1.wav")
    assert groups([agent, caller, mix, other]) == [Group(mix, caller, agent), Group(other)]
    assert root.siblings(caller) == Group(mix, caller, agent)
    assert (side_of(caller), side_of(agent), side_of(mix)) == ("caller", "agent", None)
    assert base_of(agent) == "a-1795286068.0"


def test_a_folder_that_can_be_read_has_nothing_wrong(root: Root) -> None:
    assert check(root.path) is None


def test_a_missing_folder_is_said_with_the_fix(root: Root) -> None:
    assert "does not exist" in (check(root.path / "nowhere") or "")
    assert "not a folder" in (check(root.path.parent / "secret.wav") or "")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_folder_of_another_account_is_said_with_the_fix() -> None:
    # Not in `tmp_path`: pytest makes that for the eyes of its own account only.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = Root(Path(folder))
        (root.path / "2026").mkdir()
        (root.path / "2026").chmod(0o750)
        program = f"""if True:
            import os, sys, pathlib
            from recordings.store import check
            os.setgroups([]), os.setgid(65534), os.setuid(65534)
            print(check(pathlib.Path({str(root.path)!r})))
        """
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert "2026 may not be read: add this account to the group" in said.stdout
