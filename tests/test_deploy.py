"""What `docker compose up` brings up: the parts agree with each other and with the settings of the program.

There is no engine here; that the images' steps work, and that the proxy merges /push, is tried by
`tests/service/test_proxy.py` and by hand as docs/developer.md says.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from asterisk.site_file import read_site
from web.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = {name: (ROOT / f"deploy/{name}.Dockerfile").read_text() for name in ("service", "asterisk")}
EXAMPLE_ENV = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)
SECRETS = {"POSTGRES_PASSWORD", "CALLCENTER_AMI_SECRET", "CALLCENTER_SECRET_KEY"}


def variables(text: str) -> set[str]:
    return set(re.findall(r"\$\{([A-Z_0-9]+)", text))


def test_every_setting_of_the_service_is_one_that_the_program_knows() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    given = set(SERVICES["service"]["environment"]) | set(
        re.findall(r"CALLCENTER_[A-Z_]+(?==)", DOCKERFILES["service"])
    )
    assert given <= known


def test_every_variable_of_the_file_is_in_the_example() -> None:
    wanted = variables((ROOT / "docker-compose.yml").read_text())
    assert wanted <= EXAMPLE_ENV.keys()
    assert {name for name, value in EXAMPLE_ENV.items() if not value} >= SECRETS


def test_no_secret_has_a_default_and_none_is_in_an_image() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in SECRETS:
        assert not re.search(rf"\$\{{{name}:?-", text), f"{name} has a default"
        assert not any(name in file for file in DOCKERFILES.values())
    assert ".env" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_settings_of_the_service_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = SERVICES["service"]["environment"]
    filled = {
        name: re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", str(value)) for name, value in environment.items()
    }
    for name, value in filled.items():
        monkeypatch.setenv(name, re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "s" * 40, value))
    settings = Settings()
    assert settings.switchboards[0].host in SERVICES
    assert settings.browser_push_port is None  # the proxy merges it


def test_the_proxy_sends_each_to_the_port_that_listens() -> None:
    nginx = (ROOT / "deploy/proxy/nginx.conf").read_text()
    ports = dict(re.findall(r"CALLCENTER_(HTTP|PUSH)_PORT=(\d+)", DOCKERFILES["service"]))
    push = nginx.partition("location = /push")[2].partition("}")[0]
    rest = nginx.partition("location / ")[2].partition("}")[0]
    assert f"http://service:{ports['PUSH']};" in push and "Upgrade" in push
    assert f"http://service:{ports['HTTP']};" in rest
    assert SERVICES["proxy"]["ports"][0].endswith(":8080") and "listen 8080;" in nginx


def test_only_the_proxy_and_the_telephones_are_open_to_the_outside() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"proxy", "asterisk"}
    assert all(port.endswith("/udp") for port in published["asterisk"])  # never the manager interface


def test_recordings_are_shared_for_reading_with_the_group_that_owns_them() -> None:
    asterisk = [volume for volume in SERVICES["asterisk"]["volumes"] if volume.startswith("recordings:")]
    service = [volume for volume in SERVICES["service"]["volumes"] if volume.startswith("recordings:")]
    assert asterisk == ["recordings:/var/spool/asterisk/monitor"] and service == ["recordings:/recordings:ro"]
    (group,) = SERVICES["service"]["group_add"]
    assert f"--uid {group} --gid {group}" in DOCKERFILES["asterisk"]
    assert SERVICES["service"]["environment"]["CALLCENTER_RECORDINGS_DIR"] == "/recordings"
    assert SERVICES["pbx-conf"]["user"] == f"{group}:{group}"  # Asterisk must be able to read what it writes


def test_nothing_of_ours_runs_as_root_and_everything_says_whether_it_is_well() -> None:
    for name, file in DOCKERFILES.items():
        users = re.findall(r"^USER (\w+)", file, re.MULTILINE)
        assert users and users[-1] != "root", name
        assert "HEALTHCHECK" in file
    assert "healthcheck" in SERVICES["database"] and "healthcheck" in SERVICES["proxy"]


def test_every_volume_that_is_used_is_declared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {name for name in used if not name.startswith(".")} == set(COMPOSE["volumes"])


def test_the_example_of_a_site_fits_the_composition() -> None:
    environment = {name: value or "x" * 20 for name, value in EXAMPLE_ENV.items()}
    site = read_site(ROOT / "deploy/site.example.toml", environment)
    subnet = COMPOSE["networks"]["default"]["ipam"]["config"][0]["subnet"]
    assert site.ami_networks == (f"{subnet.removesuffix('/24')}/255.255.255.0",)
    assert site.ami_username == SERVICES["service"]["environment"]["CALLCENTER_AMI_USERNAME"]
    assert (
        f"{site.rtp_first}-{site.rtp_last}:{site.rtp_first}-{site.rtp_last}/udp"
        in SERVICES["asterisk"]["ports"]
    )
    assert f"{site.sip_port}:{site.sip_port}/udp" in SERVICES["asterisk"]["ports"]


def test_postgresql_is_new_enough() -> None:
    major = re.match(r"postgres:(\d+)", SERVICES["database"]["image"])
    assert major is not None and int(major[1]) >= 16


def test_the_images_lock_is_a_part_of_the_whole_lock() -> None:
    pinned = re.compile(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?==\S+)", re.MULTILINE)
    run, whole = (
        set(pinned.findall((ROOT / name).read_text()))
        for name in ("requirements-run.lock", "requirements.lock")
    )
    assert run <= whole
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[\[><=]", one)[0] for one in wanted}
    assert names <= {one.partition("=")[0].partition("[")[0] for one in run}
