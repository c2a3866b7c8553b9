"""What stops the service at its start is said in a sentence, before anything is begun for nothing."""

import socket
from pathlib import Path

import pytest

from web.main import CannotStart, run
from web.settings import Settings


@pytest.mark.parametrize("setting", ["HTTP_PORT", "PUSH_PORT"])
async def test_a_port_that_another_program_has_is_named_before_a_database_is_started(
    tmp_path: Path, setting: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.1", 0)) as free:
        taken, unused = other.getsockname()[1], free.getsockname()[1]
        free.close()
        ports = {"http_port": unused, "push_port": unused} | {setting.lower(): taken}
        settings = Settings(data_dir=tmp_path / "data", **ports)
        with pytest.raises(CannotStart, match=f"Port {taken} is taken.*CALLCENTER_{setting}"):
            await run(settings, ready=lambda *told: None)
    assert not (tmp_path / "data").exists()
