"""Nonsense in the configuration is refused with a sentence that names the setting."""

import stat
from pathlib import Path

import pytest

from web.settings import Settings, SettingsError, load_settings

KEY = "k" * 40


@pytest.fixture(autouse=True)
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a file, and an environment without our variables."""
    import os

    for name in list(os.environ):
        if name.startswith("CALLCENTER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLCENTER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def refusals() -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings()
    return refused.value.sentences


def test_nothing_set_is_a_working_configuration_on_loopback() -> None:
    settings = load_settings()
    assert (settings.http_host, settings.http_port, settings.push_port) == ("127.0.0.1", 8080, 8081)
    assert settings.switchboards == ()


def test_the_environment_names_one_switchboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_AMI_HOST", "pbx.example")
    monkeypatch.setenv("CALLCENTER_AMI_USERNAME", "crm")
    monkeypatch.setenv("CALLCENTER_AMI_SECRET", "hush")
    (pbx,) = load_settings().switchboards
    assert (pbx.name, pbx.host, pbx.port, pbx.secret.get_secret_value()) == (
        "pbx",
        "pbx.example",
        5038,
        "hush",
    )


def test_the_file_lists_several_switchboards_and_the_environment_wins(empty_place, monkeypatch) -> None:
    (empty_place / "callcenter.toml").write_text("""
        http_port = 9000
        country = "ua"
        [[pbx]]
        name = "kyiv"
        host = "10.0.0.1"
        username = "crm"
        secret = "one"
        [[pbx]]
        name = "lviv"
        host = "10.0.0.2"
        username = "crm"
        secret = "two"
        trunks = "^operator-"
    """)
    monkeypatch.setenv("CALLCENTER_HTTP_PORT", "9100")
    settings = load_settings()
    assert [pbx.name for pbx in settings.switchboards] == ["kyiv", "lviv"]
    assert (settings.http_port, settings.country) == (9100, "UA")


def test_secrets_are_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(ami_host="h", ami_username="u", ami_secret="swordfish", secret_key="swordfish" * 5)
    assert "swordfish" not in repr(settings) + str(settings) + repr(settings.switchboards)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HTTP_PORT", "http", "HTTP_PORT: "),
        ("HTTP_PORT", "70000", "HTTP_PORT: "),
        ("PUSH_PORT", "8080", "HTTP_PORT and PUSH_PORT must differ."),
        ("COUNTRY", "Ukraine", "COUNTRY: must be the two letters of a country"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL must begin with postgresql://"),
        ("AMI_HOST", "pbx.example", "AMI_HOST needs AMI_USERNAME and AMI_SECRET"),
        ("PUBLIC_URL", "crm.example.com", "PUBLIC_URL must look like https://crm.example.com"),
        ("SECRET_KEY", "short", "SECRET_KEY must have at least 32 characters"),
        ("SESSION_HOURS", "0", "SESSION_HOURS: "),
        ("SESSION_HOURS", "48", "SESSION_HOURS: "),
        ("PBX", "[{", "can not be read"),
    ],
)
def test_each_bad_setting_is_named(monkeypatch, name, value, sentence) -> None:
    monkeypatch.setenv(f"CALLCENTER_{name}", value)
    assert any(sentence in said for said in refusals())


def test_a_misspelt_variable_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_AMI_SECERT", "hush")
    assert refusals() == [
        "CALLCENTER_AMI_SECERT is not a setting of this program; do you mean CALLCENTER_AMI_SECRET?"
    ]


def test_variables_of_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_PBX_ROOT", "elsewhere")
    load_settings()


def test_all_bad_settings_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_HTTP_PORT", "no")
    monkeypatch.setenv("CALLCENTER_COUNTRY", "no such")
    assert len(refusals()) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("htpt_port = 1", "HTPT_PORT: is not a setting of this program."),
        ("http_port = ", "can not be read"),
        (
            '[[pbx]]\nname = "a"\nhost = "h"\nusername = "u"\nsecret = "s"\nextensions = "("',
            "regular expression",
        ),
        ('[[pbx]]\nname = "a"\nusername = "u"', "pbx.0.secret"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(empty_place, text, sentence) -> None:
    (empty_place / "callcenter.toml").write_text(text)
    assert any(sentence in said for said in refusals())


def test_what_was_given_is_not_repeated_when_it_is_refused(empty_place) -> None:
    (empty_place / "callcenter.toml").write_text('secret_key = "swordfish"\nami_secret = 5\n')
    assert "swordfish" not in str(refusals())


def test_a_secret_key_is_made_once_and_kept_for_its_owner_alone(empty_place) -> None:
    first, second = load_settings(), load_settings()
    assert first.secret_key_bytes == second.secret_key_bytes
    file = empty_place / "data" / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first.secret_key_bytes) >= 32


def test_a_kept_key_that_was_emptied_is_not_used(empty_place) -> None:
    (empty_place / "data").mkdir()
    (empty_place / "data" / "secret_key").write_text("")
    assert any("holds no usable key" in said for said in refusals())


def test_a_data_folder_that_can_not_be_written_is_said(empty_place, monkeypatch) -> None:
    (empty_place / "file").write_text("")
    monkeypatch.setenv("CALLCENTER_DATA_DIR", str(empty_place / "file" / "below"))
    assert any(said.startswith("DATA_DIR: can not write") for said in refusals())


def test_https_makes_the_cookie_secure() -> None:
    assert Settings(public_url="https://crm.example.com", secret_key=KEY).tls
    assert not Settings(secret_key=KEY).tls
