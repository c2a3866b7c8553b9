# ruff: noqa: E501  (a row of a table is a line)
"""A switchboard described in a file: what is missing, misspelt or contradictory is said before anything is written."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from asterisk.site import files
from asterisk.site_file import read_site
from callcenter.cli import app

EXAMPLE = Path(__file__).parents[2] / "deploy/site.example.toml"
ENVIRONMENT = {
    "CALLCENTER_AMI_SECRET": "ami-secret",
    "TRUNK_PASSWORD": "trunk-secret",
    "PHONE_PASSWORD_1001": "anna-secret",
    "PHONE_PASSWORD_1002": "boris-secret",
}


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "site.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


def test_the_example_is_a_whole_switchboard_with_its_secrets_from_the_environment() -> None:
    made = files(read_site(EXAMPLE, ENVIRONMENT))
    assert "secret = ami-secret" in made["manager.conf"]
    assert "password = anna-secret" in made["pjsip.conf"] and "password = trunk-secret" in made["pjsip.conf"]
    assert not any(secret in EXAMPLE.read_text() for secret in ENVIRONMENT.values())


def test_a_line_is_open_by_its_hours_and_takes_messages_otherwise() -> None:
    dialplan = files(read_site(EXAMPLE, ENVIRONMENT))["extensions.conf"]
    line = dialplan.partition("exten => 48223071120,1")[2].partition("exten =>")[0]
    assert "GotoIfTime(09:00-18:00,mon-fri,*,*?open)" in line
    assert line.count("Goto(voicemail,${EXTEN},1)") == 2
    assert "48223071120 => ,Poland shop" in files(read_site(EXAMPLE, ENVIRONMENT))["voicemail.conf"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('extension = "1002"', 'extensoin = "1002"', "phones, the 2.: extensoin is not known"),
        ('number = "48223071120"                           #', "#", "trunk: number is missing"),
        ('members = ["1001", "1002"]', 'members = ["1001", "1009"]', "1009"),
        ('queue = "sales"', 'queue = "sails"', "there is no queue sails"),
        ('extension = "1001"\nname = "Anna"\npassword', 'extension = 1001\nname = "Anna"\npassword', "extension must be str"),
        ("ring_s = 15", 'ring_s = "15"', "ring_s must be int"),
        ('name = "Boris"', 'name = "Boris\\nsecret = x"', "forbidden character"),
        ("[trunk]", "[trunk", "site.toml"),
        ("env:TRUNK_PASSWORD", "env:NO_SUCH", "the environment has no NO_SUCH"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_said_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        read_site(changed(tmp_path, old, new), ENVIRONMENT)


def test_the_command_writes_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "etc"
    refused = CliRunner().invoke(app, ["pbx-conf", "--site", str(EXAMPLE), "--out", str(out)])
    assert refused.exit_code == 1 and not out.exists()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["pbx-conf", "--site", str(EXAMPLE), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert {file.stat().st_mode & 0o777 for file in out.iterdir()} == {0o600}
