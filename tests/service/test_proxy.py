"""The proxy of docker-compose.yml, live: one address serves the pages and merges /push; the doctor sees it so."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import websockets

from asterisk.fake.switchboard import Switchboard
from tests.service.conftest import Service, free_port

CONFIGURATION = Path(__file__).parents[2] / "deploy/proxy/nginx.conf"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx-light")


@contextmanager
def proxy(folder: Path, service: Service, port: int) -> Iterator[None]:
    """nginx with our configuration, its names and ports replaced by those of this test."""
    server = CONFIGURATION.read_text().replace("listen 8080;", f"listen 127.0.0.1:{port};")
    server = server.replace("http://service:8080", f"http://127.0.0.1:{service.http_port}")
    server = server.replace("http://service:8081", f"http://127.0.0.1:{service.push_port}")
    assert "service:" not in server
    main = folder / "nginx.conf"
    paths = "\n".join(
        f"    {name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""  # the folder of the test is its owner's
    main.write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n    access_log off;\n{paths}\n{server}\n}}\n"
    )
    assert NGINX is not None
    checked = subprocess.run([NGINX, "-t", "-c", str(main)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([NGINX, "-c", str(main)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest_asyncio.fixture
async def behind(tmp_path: Path, board: Switchboard, installed: Path) -> AsyncIterator[tuple[Service, str]]:
    """The service behind the proxy, and the address that browsers use."""
    await asyncio.to_thread(shutil.copytree, installed, tmp_path / "data")
    service, port = Service(tmp_path, board.port), free_port()
    address = f"http://127.0.0.1:{port}"
    service.env |= {"CALLCENTER_PUBLIC_URL": address, "CALLCENTER_TRUSTED_PROXY": "true"}
    folder = tmp_path / "nginx"
    folder.mkdir()
    with proxy(folder, service, port):
        await service.start()
        yield service, address
        await asyncio.to_thread(service.stop)


async def test_one_address_serves_pages_and_push(behind: tuple[Service, str]) -> None:
    service, address = behind
    async with service.signed_in("anna") as desk, aiohttp.ClientSession() as browser:
        async with browser.get(f"{address}/healthz") as answer:
            assert answer.status == 200
        async with browser.get(f"{address}/metrics") as answer:
            assert answer.status == 404
        cookie = "; ".join(f"{one.key}={one.value}" for one in desk.http.cookie_jar)
        push = f"{address.replace('http', 'ws', 1)}/push"
        headers = {"Cookie": cookie}
        async with websockets.connect(push, additional_headers=headers, origin=address) as socket:  # type: ignore[arg-type]
            assert '"snapshot"' in str(await socket.recv())
        with pytest.raises(websockets.InvalidStatus) as refused:  # a page of somebody else's
            await websockets.connect(push, additional_headers=headers, origin="http://evil.example")  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403


async def test_the_doctor_finds_the_address_in_order_and_a_proxy_without_push_out_of_order(
    behind: tuple[Service, str],
) -> None:
    service, address = behind
    said = await asyncio.to_thread(service.command, "doctor", "--quick")
    assert f"{address} serves the pages, and /push reaches the push server." in said.stdout
    service.env["CALLCENTER_PUBLIC_URL"] = (
        f"http://127.0.0.1:{service.http_port}"  # nothing merges /push there
    )
    said = await asyncio.to_thread(service.command, "doctor", "--quick")
    assert said.returncode == 1
    assert "no card will ever appear in a browser" in said.stdout
    assert f"Let the proxy send /push to port {service.push_port}" in said.stdout


async def test_the_doctor_runs_beside_the_service_and_says_what_is_wrong(behind: tuple[Service, str]) -> None:
    service, _ = behind
    said = await asyncio.to_thread(service.command, "doctor")
    assert said.returncode == 1, said.stdout  # nobody may administrate yet
    assert "WRONG  No administrator may sign in." in said.stdout
    assert "callcenter user add admin --role admin" in said.stdout
    assert "The model en-tiny (en) is there and loads in" in said.stdout
    assert "crm-secret" not in said.stdout + said.stderr
    service.env["CALLCENTER_AMI_SECRET"] = "wrong"
    said = await asyncio.to_thread(service.command, "doctor", "--quick")
    assert "The switchboard refuses our login as crm" in said.stdout
