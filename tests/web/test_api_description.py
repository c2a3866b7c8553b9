"""The description of the API is true: a machine that reads it finds no answer it did not promise."""

import asyncio
import json
import os
import sys
from pathlib import Path

from openapi_pydantic import OpenAPI

from web.app import build_api
from web.openapi import describe
from web.sessions import COOKIE_NAME, make_store

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "4")  # a bounded run; more by hand


async def test_the_description_is_valid_and_open_to_everybody(client) -> None:
    answer = await client.get("/api/v1/openapi.json")
    assert answer.status == 200
    document = OpenAPI.model_validate(await answer.json())
    assert document.openapi.startswith("3.1")
    assert "/api/v1/session" in (document.paths or {})


def test_every_operation_says_who_may_call_it_and_has_a_name_of_its_own() -> None:
    operations = build_api().operations
    names = [operation.handler.__name__ for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation.handler.__doc__ for operation in operations)
    public = {name for name, operation in zip(names, operations, strict=True) if operation.public}
    assert public == {"post_session", "post_form"}


def test_every_refusal_is_a_problem_document() -> None:
    document = json.loads(describe(build_api().operations))
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], f"{method} {path}"


async def test_a_machine_that_tries_everything_finds_no_broken_promise(server, services, people) -> None:
    token = await make_store(services).open(people["admin"], None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(server.make_url("/api/v1/openapi.json"))),
        *("--checks", "all", "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing"),
        *("--header", f"Authorization: Bearer {token}", "--header", f"Cookie: {COOKIE_NAME}={token}"),
        *("--exclude-operation-id", "delete_session"),  # it would sign the machine out
        *("--suppress-health-check", "all", "--seed", "1", "--no-color", "--workers", "1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=services.settings.data_dir.parent,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("patterns_once.py"))},
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
