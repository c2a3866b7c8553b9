"""/healthz, /readyz and /metrics say what is up, what is not, and what to do about it."""

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from crm_core.db import connect
from web.app import build_app
from web.health import model_check, recordings_check, recordings_checks
from web.settings import PbxSettings
from web.switchboards import roots


async def ready(client) -> tuple[int, dict[str, dict]]:
    answer = await client.get("/readyz")
    body = await answer.json()
    return answer.status, {check["name"]: check for check in body["checks"]}


async def test_a_process_that_answers_is_alive(client) -> None:
    answer = await client.get("/healthz")
    assert (answer.status, await answer.json()) == (200, {"status": "alive"})


async def test_with_everything_up_it_is_ready(client) -> None:
    status, checks = await ready(client)
    assert status == 200
    assert all(check["ok"] for check in checks.values())
    assert set(checks) == {"database", "pbx:pbx", "recordings", "model"}


@pytest.mark.parametrize(
    ("state", "words"),
    [("refused", "login refused: fix the secret"), ("lost", "Asterisk runs"), ("stopped", "ami")],
)
async def test_a_link_that_is_down_says_what_to_do(client, live, state, words) -> None:
    live.listed[0].state, live.listed[0].detail = state, "Authentication failed"
    status, checks = await ready(client)
    assert status == 503
    assert words in checks["pbx:pbx"]["fix"]
    assert "Authentication failed" in checks["pbx:pbx"]["detail"]
    assert checks["database"]["ok"]


async def test_without_a_switchboard_it_is_not_ready(client, live) -> None:
    live.listed.clear()
    status, checks = await ready(client)
    assert status == 503 and "AMI_HOST" in checks["pbx"]["fix"]


async def test_a_missing_recordings_folder_is_said(client, settings) -> None:
    settings.recordings_dir.rmdir()
    status, checks = await ready(client)
    assert status == 503
    assert "can not be read" in checks["recordings"]["detail"]


async def test_each_folder_of_a_switchboards_own_is_looked_at(tmp_path: Path, settings) -> None:
    kyiv = PbxSettings(name="kyiv", username="u", secret="s", recordings_dir=tmp_path / "kyiv")
    several = roots(settings.model_copy(update={"pbx": (kyiv,)}))
    found = {check.name: check.ok for check in recordings_checks(several)}
    assert found == {"recordings": True, "recordings:kyiv": False}


def test_an_unset_recordings_folder_and_a_missing_model_do_not_stop_the_calls(tmp_path: Path) -> None:
    for check in (recordings_check(None), model_check(tmp_path / "no model")):
        assert (check.ok, check.needed) == (False, False)
        assert check.fix


async def test_a_database_that_is_gone_is_said_and_answers_503(services) -> None:
    async with connect("postgresql://nobody@127.0.0.1:1/none") as gone:
        app = build_app(replace(services, db=gone))
        async with TestServer(app) as server, TestClient(server) as client:
            status, checks = await ready(client)
            assert status == 503
            assert "CALLCENTER_DATABASE_URL" in checks["database"]["fix"]
            assert (await client.get("/healthz")).status == 200
            credentials = {"login": "operator", "password": "x"}
            answer = await client.post("/api/v1/session", json=credentials)
            assert answer.status == 503 and answer.content_type == "application/problem+json"
            assert "nothing was changed" in (await answer.json())["detail"]


async def test_metrics_count_requests_by_route_and_never_by_address(client, live) -> None:
    await client.get("/healthz")
    await client.get("/api/v1/users/17")
    live.listed[0].state = "lost"
    text = await (await client.get("/metrics")).text()
    assert 'callcenter_http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in text
    assert 'callcenter_pbx_link_up{pbx="pbx"} 0.0' in text
    assert "/17" not in text
